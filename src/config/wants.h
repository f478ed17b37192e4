/* SPDX-License-Identifier: ISC */
/*
 * What an entry's templates want, while it is worked out: every resource with its `when:` and `count:` answered and its address, before
 * needs and specs are filled in.
 */
#ifndef BERTH_CONFIG_WANTS_H
#define BERTH_CONFIG_WANTS_H

#include "config/template.h"

#include "berth/model/result.h"

#define WANTS_LIMIT_RESOURCES 10000 /* of one environment, counted */
#define WANTS_LIMIT_NEEDS 200000u   /* edges of its graph */

struct want { /* one resource of one template */
    const struct template *template;
    const struct template_resource *resource;
    struct scope *scope; /* its template's */
    bool dropped;        /* when: false */
    bool counted;        /* has `count:` */
    int64_t count;
    const char *base; /* the address without index */
};
struct wants {
    const struct config *config;
    const struct config_entry *entry;
    struct template *const *templates;
    size_t template_count;
    struct scope **scopes; /* one a template, with its parameters */
    struct arena *arena;
    struct problems *problems;
    struct prepare_result *result;
    size_t needs; /* edges so far */
    VEC(struct want) list;
};

/* The copy of a scope; free it. */
struct scope *scope_copy(const struct scope *scope) BERTH_MUST_CHECK;
/* Walks the paths in no particular order: `size_t at = 0; while (scope_next(scope, &at, &path))`. */
bool scope_next(const struct scope *scope, size_t *at, const char **path);
/* Sets env.*, checks input.*, and makes each template's scope with its parameters from `with`. */
bool wants_scopes(struct wants *wants, struct scope *scope) BERTH_MUST_CHECK;
/* Fills the list. */
bool wants_count(struct wants *wants) BERTH_MUST_CHECK;
/* The want of a resource, or NULL. */
const struct want *wants_find(const struct wants *wants, const struct template *template,
                              const struct template_resource *resource);
const char *want_address(const struct wants *wants, const struct want *want, int64_t item);
/* Turns "resource.NAME.outputs.KEY" below `tree` into "resource.ADDRESS.outputs.KEY", as seen from `template`; `own` (may be NULL) is the instance
 * that it is of: its own name means itself. Adds each other resource's address to `named` where that is not NULL. */
bool wants_resolve_paths(struct wants *wants, json_t *tree, const struct want *from, const char *own, json_t *named,
                         const struct node *at);
/* The addresses that `needs`, groups and required templates put before a resource, appended without doubles. */
bool wants_needs(struct wants *wants, const struct want *want, json_t *needs) BERTH_MUST_CHECK;
/* Templates, groups, checks, entrypoints, links, status endpoints of the result. */
bool wants_pages(struct wants *wants) BERTH_MUST_CHECK;
void json_add_text(json_t *list, const char *text); /* unless it is there */
json_t *names_json(const struct name_list *names) BERTH_MUST_CHECK;

#endif
