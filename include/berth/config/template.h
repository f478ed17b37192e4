/* SPDX-License-Identifier: ISC */
/*
 * Templates: reading one, checking them against the configuration that uses them, and expanding what an entry's templates want.
 */
#ifndef BERTH_CONFIG_TEMPLATE_H
#define BERTH_CONFIG_TEMPLATE_H

#include "berth/config/types.h"

struct prepare_result;
struct scope;

struct template_resource {
    const char *name, *executor, *group, *target, *runner, *description, *contact;
    struct name_list needs, outputs, tags;
    const struct node *node; /* the whole map */
    int64_t timeout_ms, backoff_ms;
    int attempts;
    bool repeatable, data, external;
    int line;
};
/* a parsed templates/NAME.yaml */
struct template
{
    struct arena arena;
    const char *file, *name, *version, *description;
    struct name_list tags, requires;
    const struct config_input *parameters;
    size_t parameter_count;
    const struct template_resource *resources;
    size_t resource_count;
    struct name_list unbuilt; /* "terraform (executor)": providers it names that this version does not have */
    const struct node *root;  /* groups, checks, entrypoints, links, actions, status_endpoints are read from here */
};
struct template *template_load(const char *file, const char *text, size_t length,
                               struct problems *problems) BERTH_MUST_CHECK;
void template_free(struct template *template);
/* Every program of the same tree that it runs, written out as "./…" (resources of exec, checks, actions): where it stands, and the folder of the
 * tree it is run in ("" is the root). */
typedef void template_program_visit(const struct node *word, const char *folder, void *context);
void template_programs(const struct template *template, template_program_visit *visit, void *context);
/* Checks templates against the configuration that uses them: unknown needs, cycles, unknown targets and groups, parameters not given, executors and
 * secrets not allowed for an entry. Adds problems; the one warning about providers that this version does not have then names the templates' too. */
void config_check_templates(const struct config *config, struct template *const *templates, size_t count,
                            struct problems *problems);

/* What the templates of an entry want, counted and expanded: fills `result` (wanted, templates, groups, checks, entrypoints, links …; not sources and
 * commit). `scope` has env.*, branch.*, commit.*, pr.*, actor.*, input.*, and with.NAME for what a
 * command gives over `with`, setting.TEMPLATE.NAME for what stands over both; param.* and values.* are set here. The templates are those of the entry, in any order, and are checked as
 * config_check_templates does. Problems name `file` members of config and templates: print them before these are freed. */
bool template_expand(const struct config *config, const struct config_entry *entry, struct template *const *templates,
                     size_t count, struct scope *scope, struct arena *arena, struct prepare_result *result,
                     struct problems *problems) BERTH_MUST_CHECK;
/* Lets go what template_expand made in `result` (the JSON and the list); its texts are of the arena, the configuration and the templates. */
void template_expand_release(struct prepare_result *result);

#endif
