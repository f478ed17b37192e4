/* SPDX-License-Identifier: ISC */
/* The rows of one environment as an outline: groups, resources with what they are inner parts of, entrypoints, runs, releases. */
#ifndef UI_ENVIRONMENT_ROWS_H
#define UI_ENVIRONMENT_ROWS_H

#include "berth/base/memory.h"
#include "berth/model/environment.h"
#include "berth/model/run.h"
#include "ui/format.h"

struct store;

enum outline_kind {
    OUTLINE_SECTION,
    OUTLINE_GROUP,
    OUTLINE_RESOURCE,
    OUTLINE_ENTRYPOINT,
    OUTLINE_RUN,
    OUTLINE_RELEASE
};
struct outline_row {
    enum outline_kind kind;
    int depth;
    const char *key, *id; /* key: unique in the outline */
    const char *name, *word, *what, *ready, *detail;
    const char *seen_by; /* who saw the status at `at`; "": it is what was applied, nobody looked since */
    enum sign sign;
    int64_t at;
    bool opens, is_folded, is_at_gate; /* opens: something lies below it */
    bool is_watched;                   /* somebody looks at it again and again: a status of long ago is old news */
    size_t index;                      /* of the row in its list */
};
#define NO_RESOURCE SIZE_MAX
#define OUTLINE_RUNS 6
#define OUTLINE_RELEASES 6
struct environment_rows {
    struct arena *arena; /* the caller's: holds all that is read */
    bool found;
    struct environment environment;
    struct resource_group *groups;
    struct resource *resources;
    struct entrypoint *entrypoints;
    struct run *runs;
    struct release *releases;
    size_t group_count, resource_count, entrypoint_count, run_count, release_count;
    size_t *above, *first,
        *next; /* of each resource: the one it is a part of, its first part, the next part beside it; NO_RESOURCE: none */
    struct step *running; /* steps that are worked on now */
    size_t running_count;
    VEC(struct outline_row) lines;
};
/* Reads all anew, inside the caller's read transaction. */
bool environment_rows_read(struct environment_rows *rows, struct store *store, struct arena *arena, const char *id,
                           struct error *error) BERTH_MUST_CHECK;
/* Makes the lines; `is_open` says of a group, or of a resource with parts, whether what is in it is shown. */
typedef bool outline_opens(void *context, const char *key, bool at_first);
void environment_rows_arrange(struct environment_rows *rows, outline_opens *is_open, void *context);
/* Reads again how far the running steps are: their progress comes without a change that is told. False: none runs. */
bool environment_rows_progress(struct environment_rows *rows, struct store *store);
/* Each row that can fold, shown or not; whether it is open at first. */
void environment_rows_folds(const struct environment_rows *rows,
                            void (*visit)(void *context, const char *key, bool at_first), void *context);
bool environment_row_opens_first(const struct outline_row *row);
void environment_rows_release(struct environment_rows *rows);
/* The most telling facts of a row, "name<TAB>text" a line. */
void environment_rows_facts(const struct environment_rows *rows, const struct outline_row *row, enum time_form times,
                            int64_t now_ms, struct str *out);
/* Everything recorded, as JSON text; false for rows that are no row of a table. */
bool environment_rows_describe(const struct environment_rows *rows, const struct outline_row *row, struct str *out);
/* Why it is as it is: each resource that is not well, and what waits for it. */
void environment_rows_why(const struct environment_rows *rows, struct str *out);

#endif
