/* SPDX-License-Identifier: ISC */
/*
 * What looks: each key that moves or shows, once, as data; help, footer and manual are printed from here. What acts is in the verb table and only
 * there. Lower case looks, capitals act.
 */
#ifndef UI_KEYMAP_H
#define UI_KEYMAP_H

#include "berth/command.h"

struct str;

enum view_kind { /* bits: where a key is valid */
                 VIEW_ENVIRONMENTS = 1 << 0,
                 VIEW_BRANCHES = 1 << 1,
                 VIEW_APPROVALS = 1 << 2,
                 VIEW_RUNS = 1 << 3,
                 VIEW_ENVIRONMENT = 1 << 4,
                 VIEW_GATE = 1 << 5,
                 VIEW_RUN = 1 << 6,
                 VIEW_TEXT = 1 << 7,
                 VIEW_LISTS = VIEW_ENVIRONMENTS | VIEW_BRANCHES | VIEW_APPROVALS | VIEW_RUNS,
                 VIEW_PAGERS = VIEW_TEXT | VIEW_RUN,
                 VIEW_RELEASES = 1 << 8,
                 VIEW_EVERYWHERE = 511
};
enum request {
    REQUEST_NONE,
    REQUEST_UP,
    REQUEST_DOWN,
    REQUEST_PAGE_UP,
    REQUEST_PAGE_DOWN,
    REQUEST_HALF_UP,
    REQUEST_HALF_DOWN,
    REQUEST_TOP,
    REQUEST_BOTTOM,
    REQUEST_LEFT,
    REQUEST_RIGHT,
    REQUEST_OPEN,
    REQUEST_BACK,
    REQUEST_CLOSE,
    REQUEST_QUIT,
    REQUEST_NEXT_PANE,
    REQUEST_FILTER,
    REQUEST_NEXT_MATCH,
    REQUEST_PREVIOUS_MATCH,
    REQUEST_SORT,
    REQUEST_DESCRIBE,
    REQUEST_TEXT,
    REQUEST_LOG,
    REQUEST_WHY,
    REQUEST_START,
    REQUEST_DELTA,
    REQUEST_TIME,
    REQUEST_PREVIEW,
    REQUEST_NOISE,
    REQUEST_COPY,
    REQUEST_BROWSE,
    REQUEST_MARK,
    REQUEST_COMPARE,
    REQUEST_FOLLOW,
    REQUEST_FOLD,
    REQUEST_FOLD_ALL,
    REQUEST_WRAP,
    REQUEST_REFRESH,
    REQUEST_REDRAW,
    REQUEST_SUSPEND,
    REQUEST_CANCEL,
    REQUEST_HELP,
    REQUEST_COMMAND,
    REQUEST_PREFIX,
    REQUEST_LAST_VIEW,
    REQUEST_GO_ENVIRONMENT,
    REQUEST_GO_BRANCH,
    REQUEST_GO_RUNS,
    REQUEST_GO_GATE,
    REQUEST_GO_RELEASES,
    REQUEST_VIEW_ENVIRONMENTS,
    REQUEST_VIEW_BRANCHES,
    REQUEST_VIEW_APPROVALS,
    REQUEST_VIEW_RUNS
};
enum key_group { KEYS_MOVE, KEYS_LOOK, KEYS_VIEW, KEYS_PREFIX }; /* KEYS_PREFIX: after `g` */
struct binding {
    int keys[4];      /* end with 0 */
    const char *name; /* as help writes them: "j, down" */
    enum request request;
    enum key_group group;
    unsigned views;   /* enum view_kind */
    const char *hint; /* footer, "" when it is not shown there */
    const char *help;
};
const struct binding *bindings(size_t *count);
/* What a key asks for in a view; `prefix`: after `g`. */
enum request request_for_key(int key, enum view_kind view, bool prefix);
/* The verb a capital begins in any of the scopes, or NULL. */
const struct verb *verb_for_press(int key, unsigned scopes);

#endif
