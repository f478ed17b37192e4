/* SPDX-License-Identifier: ISC */
/* Between the files about templates. */
#ifndef BERTH_CONFIG_TEMPLATE_INSIDE_H
#define BERTH_CONFIG_TEMPLATE_INSIDE_H

#include "berth/config.h"

/* NULL when there is none. */
const struct template_resource *template_resource_named(const struct template *template, const char *name);
const struct template *template_named(struct template *const *templates, size_t count, const char *name);
/* What the file alone can answer: parameters and outputs that ${{ }} names, presets that fit. `file` is the caller's, for problems. */
void template_check(const struct template *template, const char *file, struct problems *problems);
/* That needs, groups and outputs of the one template do not run in a circle. */
void template_check_order(const struct template *template, const char *file, struct problems *problems);
/* The entry's own part of config_check_templates: `templates` are exactly those it uses, or some of them: then what the others may have is not called
 * missing, and the rest is told. */
enum templates_given { TEMPLATES_ALL, TEMPLATES_SOME };
void check_entry_templates(const struct config *config, const struct config_entry *entry,
                           struct template *const *templates, size_t count, enum templates_given given,
                           struct problems *problems);
/* Presets of a map of inputs or parameters (may be NULL) must fit their own declaration. */
void fields_check(struct arena *arena, const char *file, const struct node *map, struct problems *problems);
/* The resource that a name in `needs` or resource.NAME stands for, seen from `template`: its own, else one of a template it requires,
 * directly or through others. `owner` gets whose it is. NULL when there is none. */
const struct template_resource *template_find(struct template *const *templates, size_t count,
                                              const struct template *template, const char *name,
                                              const struct template **owner);

#endif
