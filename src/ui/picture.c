/* SPDX-License-Identifier: ISC */
/* Loads the picture in pieces and keeps it current by the feed. */
#include "ui/picture.h"

#include "berth/base/str.h"
#include "berth/base/time.h"
#include "berth/store.h"
#include "ui/shelf.h"

#include <stdio.h>
#include <stdlib.h>

#define CHUNK_ROWS 1000 /* of one read: well under a millisecond */

/* What is loaded, in this order; the statuses that need attention come first. */
static const enum environment_status status_order[] = {
    ENVIRONMENT_FAILED,  ENVIRONMENT_DEPLOYING, ENVIRONMENT_VALIDATING, ENVIRONMENT_DESTROYING,
    ENVIRONMENT_UNKNOWN, ENVIRONMENT_OK,        ENVIRONMENT_ABSENT,
};
#define STATUS_COUNT (sizeof status_order / sizeof *status_order)

enum stage { STAGE_ENVIRONMENTS, STAGE_RUNS, STAGE_BRANCHES, STAGE_DONE };

struct picture {
    struct store *store;
    struct shelf environments, runs;
    struct branch_shelf branches;
    struct arena around_arena;
    struct surroundings around;
    size_t left_out;   /* by the last reading of a piece */
    struct str unread; /* of the first row that cannot be read; empty: all can */
    uint64_t around_version;
    struct map by_branch; /* "REPOSITORY:BRANCH" to its environment, of this version of the environments */
    uint64_t by_branch_version;
    struct store_cursor cursor;
    enum stage stage;
    size_t part; /* of the stage: a status, a repository */
    char *after; /* the last row's id of this part, or NULL */
};

struct picture *picture_new(struct store *store)
{
    struct picture *picture = mem_zero(1, sizeof *picture);
    picture->store = store;
    str_init(&picture->unread);
    shelf_init(&picture->environments, &environment_type);
    shelf_init(&picture->runs, &run_type);
    return picture;
}

void picture_free(struct picture *picture)
{
    if (!picture)
        return;
    shelf_release(&picture->environments);
    shelf_release(&picture->runs);
    branch_shelf_release(&picture->branches);
    arena_release(&picture->around_arena);
    str_release(&picture->unread);
    map_release(&picture->by_branch);
    free(picture->after);
    free(picture);
}

/* --- rows in ---------------------------------------------------------------------------------------------- */

static void put_run(struct picture *picture, const struct run *run)
{
    struct run small = *run; /* what a list never shows stays in the store */
    small.wanted = small.base = small.gate = small.inputs = small.with = small.settings = small.sources =
        small.authors = "";
    shelf_put(&picture->runs, &small);
}

struct reading {
    struct picture *picture;
    size_t count;
    struct str last; /* id */
};

static void take_last(struct reading *reading, const void *row)
{
    str_clear(&reading->last);
    str_add(&reading->last, record_id(row));
    reading->count++;
}

/* The first one is kept: one sentence is enough to send a person to `berth doctor`. */
static void leave_out(const char *id, const struct error *error, void *context)
{
    struct picture *picture = context;
    struct str *unread = &picture->unread;
    (void)id;
    picture->left_out++;
    if (unread->length == 0)
        str_addf(unread, "%s: %s", error->message, error->detail);
}

static bool take_environment(const void *row, void *context)
{
    struct reading *reading = context;
    shelf_put(&reading->picture->environments, row);
    take_last(reading, row);
    return true;
}

static bool take_run(const void *row, void *context)
{
    struct reading *reading = context;
    put_run(reading->picture, row);
    take_last(reading, row);
    return true;
}

static bool take_branch(const void *row, void *context)
{
    struct reading *reading = context;
    branch_shelf_put(&reading->picture->branches, row);
    take_last(reading, row);
    return true;
}

static const char *const branch_columns[] = {"id",           "subject",      "author",    "commit",
                                             "is_default",   "gone_at",      "ahead",     "behind",
                                             "pull_request", "committed_at", "pushed_at", NULL};
static const char *const run_columns[] = {"id",         "number",          "environment",   "environment_name",
                                          "workflow",   "status",          "status_reason", "origin",
                                          "actor",      "person",          "via",           "repository",
                                          "ref",        "commit",          "subject",       "digest",
                                          "creates",    "updates",         "replaces",      "destroys",
                                          "deferred",   "touches_data",    "created_at",    "started_at",
                                          "gate_at",    "ended_at",        "approved_at",   "applying_at",
                                          "cancel_by",  "gate_expires_at", "superseded_by", "entry",
                                          "log_folder", "untrusted",       "reason",        NULL};

/* --- the few rows around ---------------------------------------------------------------------------------- */

static const char *const policy_columns[] = {"id", "repository", "ref", "commit", "path", "error", "loaded_at", NULL};

static bool list_all(struct picture *picture, const struct record_type *type, const char *const *columns, void *rows,
                     size_t *count, struct error *error)
{
    struct store_query query = {.type = type, .columns = columns, .damaged = leave_out, .damaged_context = picture};
    return store_list(picture->store, &query, &picture->around_arena, rows, count, error);
}

/* A listing of a repository, of several the oldest, or the newest look at what runs; what the cleaner does is neither. */
static void take_sweep(struct surroundings *around, const struct sweep *sweep)
{
    bool lists = false;
    for (size_t i = 0; i < around->repository_count; i++)
        lists =
            lists || (text_equal(around->repositories[i].id, sweep->what) && !text_equal(sweep->provider, "probes"));
    if (lists && (!around->listed_at || sweep->at < around->listed_at))
        around->listed_at = sweep->at;
    else if (!lists && !text_equal(sweep->provider, "cleaner") && sweep->at > around->watched_at)
        around->watched_at = sweep->at;
}

static bool read_around(struct picture *picture, struct error *error)
{
    struct surroundings *around = &picture->around;
    struct daemon *daemons;
    struct policy_row *policies;
    struct sweep *sweeps;
    struct freeze *freezes;
    size_t count;
    arena_release(&picture->around_arena);
    *around = (struct surroundings){0};
    if (!list_all(picture, &repository_type, NULL, &around->repositories, &around->repository_count, error) ||
        !list_all(picture, &hold_type, NULL, &around->holds, &around->hold_count, error) ||
        !store_freezes(picture->store, &picture->around_arena, &freezes, &around->freeze_count, error) ||
        !list_all(picture, &daemon_type, NULL, &daemons, &count, error))
        return false;
    around->freezes = freezes;
    around->daemon = count ? &daemons[0] : NULL;
    if (!list_all(picture, &policy_type, policy_columns, &policies, &count, error))
        return false;
    around->policy = count ? &policies[0] : NULL;
    if (!list_all(picture, &sweep_type, NULL, &sweeps, &count, error))
        return false;
    for (size_t i = 0; i < count; i++)
        take_sweep(around, &sweeps[i]);
    return true;
}

/* --- loading ---------------------------------------------------------------------------------------------- */

static bool read_environments(struct picture *picture, size_t limit, struct reading *reading, struct error *error)
{
    struct store_query query = {
        .type = &environment_type,
        .index = "status",
        .equal = {environment_status_names[status_order[picture->part]]},
        .after = picture->after,
        .limit = limit,
        .damaged = leave_out,
        .damaged_context = picture,
    };
    return store_each(picture->store, &query, take_environment, reading, error);
}

static bool read_runs(struct picture *picture, size_t limit, struct reading *reading, struct error *error)
{
    struct store_query query = {.type = &run_type,
                                .index = "number",
                                .descending = true,
                                .after = picture->after,
                                .limit = limit,
                                .columns = run_columns,
                                .damaged = leave_out,
                                .damaged_context = picture};
    return store_each(picture->store, &query, take_run, reading, error);
}

static bool read_branches(struct picture *picture, size_t limit, struct reading *reading, struct error *error)
{
    struct store_query query = {
        .type = &branch_type,
        .index = "repository",
        .equal = {picture->around.repositories[picture->part].id},
        .descending = true,
        .after = picture->after,
        .limit = limit,
        .columns = branch_columns,
        .damaged = leave_out,
        .damaged_context = picture,
    };
    return store_each(picture->store, &query, take_branch, reading, error);
}

static bool part_exists(const struct picture *picture)
{
    if (picture->stage == STAGE_ENVIRONMENTS)
        return picture->part < STATUS_COUNT;
    if (picture->stage == STAGE_RUNS)
        return picture->part < 1;
    return picture->part < picture->around.repository_count;
}

static void next_part(struct picture *picture)
{
    free(picture->after);
    picture->after = NULL;
    picture->part++;
    while (picture->stage < STAGE_DONE && !part_exists(picture)) {
        picture->stage++;
        picture->part = 0;
        picture->environments.version++; /* lists look again when a stage is whole */
    }
}

static bool read_piece(struct picture *picture, struct error *error)
{
    struct reading reading = {.picture = picture, .last = STR_INIT};
    bool fine;
    picture->left_out = 0;
    if (picture->stage == STAGE_ENVIRONMENTS)
        fine = read_environments(picture, CHUNK_ROWS, &reading, error);
    else if (picture->stage == STAGE_RUNS)
        fine = read_runs(picture, CHUNK_ROWS, &reading, error);
    else
        fine = read_branches(picture, CHUNK_ROWS, &reading, error);
    bool enough = picture->stage == STAGE_RUNS && picture->runs.rows.count >= PICTURE_RUNS;
    if (fine && (reading.count == 0 || reading.count + picture->left_out < CHUNK_ROWS || enough)) {
        next_part(picture);
    } else if (fine) {
        free(picture->after);
        picture->after = mem_strdup(reading.last.data);
    }
    str_release(&reading.last);
    return fine;
}

bool picture_first(struct picture *picture, size_t rows, struct error *error)
{
    struct reading reading = {.picture = picture, .last = STR_INIT};
    if (!store_read_begin(picture->store, error))
        return false;
    bool fine = store_cursor(picture->store, &picture->cursor, error) && read_around(picture, error);
    for (picture->part = 0; fine && picture->part < STATUS_COUNT && reading.count < rows; picture->part++)
        fine = read_environments(picture, rows - reading.count, &reading, error);
    picture->part = 0;
    fine = fine && read_runs(picture, rows, &reading, error);
    for (; fine && picture->part < picture->around.repository_count; picture->part++)
        fine = read_branches(picture, rows, &reading, error);
    store_read_end(picture->store);
    str_release(&reading.last);
    picture->part = 0;
    return fine;
}

bool picture_load(struct picture *picture, int64_t budget_us, bool *more, struct error *error)
{
    int64_t until = time_monotonic_us() + budget_us;
    do {
        if (picture->stage == STAGE_DONE)
            break;
        if (!read_piece(picture, error)) {
            free(picture->after); /* the row that paging went on from may be gone: this part again */
            picture->after = NULL;
            return false;
        }
    } while (time_monotonic_us() < until);
    *more = picture->stage != STAGE_DONE;
    return true;
}

/* --- following -------------------------------------------------------------------------------------------- */

struct following {
    struct picture *picture;
    unsigned changed;
};

static bool is_around(const struct record_type *type)
{
    return type == &daemon_type || type == &policy_type || type == &repository_type || type == &hold_type ||
           type == &freeze_type || type == &sweep_type || type == &command_type;
}

static bool take_change(const struct feed_change *change, void *context)
{
    struct following *following = context;
    struct picture *picture = following->picture;
    bool removed = change->kind == FEED_REMOVED;
    if (change->type == &branch_type) {
        following->changed |= PICTURE_BRANCHES;
        if (removed)
            branch_shelf_remove(&picture->branches, change->id);
        else
            branch_shelf_put(&picture->branches, change->row);
    } else if (change->type == &environment_type) {
        following->changed |= PICTURE_ENVIRONMENTS;
        if (removed)
            shelf_remove(&picture->environments, change->id);
        else
            shelf_put(&picture->environments, change->row);
    } else if (change->type == &run_type) {
        following->changed |= PICTURE_RUNS_PART;
        if (removed)
            shelf_remove(&picture->runs, change->id);
        else
            put_run(picture, change->row);
    } else {
        following->changed |= is_around(change->type) ? PICTURE_AROUND : PICTURE_DETAIL;
    }
    return true;
}

/* Rows keep their places: what is read again comes back where it was, what is not there any more stays removed. */
static void start_again(struct picture *picture)
{
    struct shelf *shelves[] = {&picture->environments, &picture->runs};
    for (size_t i = 0; i < 2; i++) {
        for (size_t place = 0; place < shelves[i]->rows.count; place++)
            shelves[i]->rows.items[place].is_removed = true;
        shelves[i]->version++;
    }
    for (size_t place = 0; place < picture->branches.rows.count; place++)
        picture->branches.rows.items[place].is_removed = true;
    picture->branches.version++;
    free(picture->after);
    picture->after = NULL;
    picture->stage = STAGE_ENVIRONMENTS;
    picture->part = 0;
}

bool picture_again(struct picture *picture, struct error *error)
{
    start_again(picture);
    return picture_first(picture, CHUNK_ROWS, error);
}

bool picture_follow(struct picture *picture, unsigned *changed, struct error *error)
{
    struct following following = {.picture = picture};
    struct error failed = {0};
    if (!store_read_begin(picture->store, error))
        return false;
    bool fine = feed_since(picture->store, &picture->cursor, take_change, &following, &failed);
    if (!fine && failed.code == ERROR_CONFLICT) {
        start_again(picture);
        following.changed = PICTURE_ALL;
        fine = store_cursor(picture->store, &picture->cursor, &failed);
    }
    if (fine) /* freshness takes no revision, so it is looked at every time */
        fine = read_around(picture, &failed);
    store_read_end(picture->store);
    *changed = following.changed;
    picture->around_version += (following.changed & PICTURE_AROUND) != 0;
    if (!fine && error)
        *error = failed;
    return fine;
}

/* --- reading ---------------------------------------------------------------------------------------------- */

size_t picture_count(const struct picture *picture, enum picture_part part)
{
    return part == PICTURE_ENVIRONMENTS ? picture->environments.rows.count
           : part == PICTURE_BRANCHES   ? picture->branches.rows.count
                                        : picture->runs.rows.count;
}

const struct environment *picture_environment_at(const struct picture *picture, size_t place)
{
    const struct shelf_row *row = &picture->environments.rows.items[place];
    return row->is_removed ? NULL : row->row;
}

const struct branch_row *picture_branch_at(const struct picture *picture, size_t place)
{
    const struct branch_row *row = &picture->branches.rows.items[place];
    return row->is_removed ? NULL : row;
}

const struct run *picture_run_at(const struct picture *picture, size_t place)
{
    const struct shelf_row *row = &picture->runs.rows.items[place];
    return row->is_removed ? NULL : row->row;
}

uint64_t picture_version(const struct picture *picture, enum picture_part part)
{
    return part == PICTURE_ENVIRONMENTS ? picture->environments.version
           : part == PICTURE_BRANCHES   ? picture->branches.version
           : part == PICTURE_AROUND     ? picture->around_version
                                        : picture->runs.version;
}

bool picture_loading(const struct picture *picture, enum picture_part part)
{
    return part == PICTURE_ENVIRONMENTS ? picture->stage <= STAGE_ENVIRONMENTS
           : part == PICTURE_BRANCHES   ? picture->stage <= STAGE_BRANCHES
                                        : picture->stage <= STAGE_RUNS;
}

static void index_by_branch(struct picture *picture)
{
    struct str id = STR_INIT;
    map_release(&picture->by_branch);
    picture->by_branch = (struct map){0};
    for (size_t i = 0; i < picture->environments.rows.count; i++) {
        const struct environment *row = picture_environment_at(picture, i), *before;
        if (!row || row->status == ENVIRONMENT_DESTROYED || text_empty(row->branch))
            continue;
        str_clear(&id);
        str_addf(&id, "%s:%s", row->repository, row->branch);
        before = map_get(&picture->by_branch, id.data);
        if (!before || strcmp(row->name, before->name) < 0)
            map_set(&picture->by_branch, id.data, (void *)(uintptr_t)row);
    }
    str_release(&id);
    picture->by_branch_version = picture->environments.version;
}

const struct environment *picture_environment_of_branch(struct picture *picture, const char *branch_id)
{
    if (picture->by_branch_version != picture->environments.version)
        index_by_branch(picture);
    return map_get(&picture->by_branch, branch_id);
}

const struct environment *picture_environment(const struct picture *picture, const char *id)
{
    return shelf_get(&picture->environments, id);
}

const struct environment *picture_environment_named(const struct picture *picture, const char *name)
{
    const struct environment *found = NULL;
    for (size_t i = 0; i < picture->environments.rows.count; i++) {
        const struct environment *row = picture_environment_at(picture, i);
        if (row && text_equal(row->name, name) && (!found || found->status == ENVIRONMENT_DESTROYED))
            found = row;
    }
    return found;
}

const struct branch_row *picture_branch(const struct picture *picture, const char *id)
{
    return branch_shelf_get(&picture->branches, id);
}

const struct run *picture_run(const struct picture *picture, const char *id)
{
    return shelf_get(&picture->runs, id);
}

static bool comes_before(const struct run *run, const struct run *other)
{
    bool waits = run->status == RUN_GATE, other_waits = other->status == RUN_GATE;
    return waits != other_waits ? waits : run->number > other->number;
}

const struct run *picture_run_of(const struct picture *picture, const char *environment_name)
{
    const struct run *found = NULL;
    for (size_t i = 0; i < picture->runs.rows.count; i++) {
        const struct run *row = picture_run_at(picture, i);
        if (row && text_equal(row->environment_name, environment_name) && (!found || comes_before(row, found)))
            found = row;
    }
    return found;
}

const char *picture_unread(const struct picture *picture)
{
    return picture->unread.data;
}

const struct surroundings *picture_surroundings(const struct picture *picture)
{
    return &picture->around;
}
