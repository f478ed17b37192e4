/* SPDX-License-Identifier: ISC */
/* What changed in an environment: its own kept values, its resources', its runs' and what the audit recorded, each change once, newest first;
 * followed, as they come. */
#include "cli/output.h"

#include "berth/base/time.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define SINCE_MS MS_DAY  /* unless --since says otherwise */
#define VALUES_MOST 2000 /* of one table */
#define LOOK_AGAIN_MS MS_SECOND
#define LOST_MOST 60 /* seconds that a store may be away while it is followed */

struct change {
    int64_t at, revision;
    size_t order; /* within one revision; the newest is seen first, and causes (audit, run) after what they caused */
    const char *kind, *key, *name, *text;
};
struct changes {
    struct cli *cli;
    const char *environment;
    struct store_cursor cursor; /* what was told already */
    struct map told;            /* key -> what the object was last told to be */
    int64_t since;
    VEC(struct change) list;
};

/* --- in words ----------------------------------------------------------------------------------------------------- */

static const char *with_reason(struct cli *cli, const char *status, const char *reason)
{
    return arena_printf(&cli->arena, "%s%s", status, shown_because(cli, status, reason));
}

/* What a row is, as far as it is told; two values that read the same are no change. */
static const char *text_of(struct cli *cli, const struct record_type *type, const void *row)
{
    if (type == &environment_type) {
        const struct environment *environment = row;
        const char *status = word_name(environment_status_names, environment->status);

        if (environment->release != 0)
            status = arena_printf(&cli->arena, "%s at v%lld", status, (long long)environment->release);
        return with_reason(cli, status, environment->status_reason);
    }
    if (type == &resource_type) {
        const struct resource *resource = row;

        return with_reason(cli, word_name(resource_status_names, resource->status), resource->status_reason);
    }
    return with_reason(cli, word_name(run_status_names, ((const struct run *)row)->status),
                       ((const struct run *)row)->status_reason);
}

/* --- collecting ---------------------------------------------------------------------------------------------------- */

static void add(struct changes *changes, const struct feed_value *value, const char *kind, const char *name,
                const char *text)
{
    struct cli *cli = changes->cli;
    struct change change = {.at = value->at,
                            .revision = value->revision,
                            .order = SIZE_MAX - changes->list.count,
                            .kind = kind,
                            .key = arena_printf(&cli->arena, "%s %s", kind, value->id),
                            .name = shown(cli, name),
                            .text = shown(cli, text)};

    vec_push(&changes->list, change);
}

/* What stood before the first value that is kept or asked for. */
static void remember_before(struct changes *changes, const struct record_type *type, const char *kind, const char *id)
{
    struct cli *cli = changes->cli;
    const char *key = arena_printf(&cli->arena, "%s %s", kind, id);
    union {
        struct environment environment;
        struct resource resource;
        struct run run;
    } row;

    if (map_get(&changes->told, key) == NULL &&
        feed_at(cli->store, type, id, changes->since - 1, &cli->arena, &row, NULL) == STORE_FOUND)
        map_set(&changes->told, key, (void *)(uintptr_t)shown(cli, text_of(cli, type, &row)));
}

static bool is_told(const struct changes *changes, const struct feed_value *value)
{
    return value->revision <= changes->cursor.revision;
}

static bool see_environment(const struct feed_value *value, void *context)
{
    struct changes *changes = context;
    const struct environment *row = value->row;

    if (row != NULL && !is_told(changes, value))
        add(changes, value, "environment", row->name, text_of(changes->cli, value->type, row));
    return !is_told(changes, value);
}

static bool see_resource(const struct feed_value *value, void *context)
{
    struct changes *changes = context;
    const struct resource *row = value->row;
    const char *prefix = arena_printf(&changes->cli->arena, "%s/", changes->environment);

    if (is_told(changes, value))
        return false;
    if (row == NULL && text_starts(value->id, prefix))
        add(changes, value, "resource", value->id + strlen(prefix), "removed");
    else if (row != NULL && text_equal(row->environment, changes->environment))
        add(changes, value, "resource", row->address, text_of(changes->cli, value->type, row));
    return true;
}

static bool see_run(const struct feed_value *value, void *context)
{
    struct changes *changes = context;
    const struct run *row = value->row;

    if (is_told(changes, value))
        return false;
    if (row != NULL && text_equal(row->environment, changes->environment))
        add(changes, value, "run", arena_printf(&changes->cli->arena, "run %s", row->id),
            text_of(changes->cli, value->type, row));
    return true;
}

/* What a run or a step became is in their own rows too; of a step, in its resource's. */
static bool is_in_rows(const char *action)
{
    return (text_starts(action, "run.") && word_value(run_status_names, action + strlen("run.")) >= 0) ||
           (text_starts(action, "step.") && word_value(step_status_names, action + strlen("step.")) >= 0);
}

static bool see_audit(const void *row, void *context)
{
    struct changes *changes = context;
    struct cli *cli = changes->cli;
    const struct audit *entry = row;
    const struct feed_value value = {.id = entry->id, .revision = entry->revision, .at = entry->at};

    if (is_told(changes, &value) || changes->list.count >= 4 * VALUES_MOST)
        return false;
    if (entry->at >= changes->since && !is_in_rows(entry->action))
        add(changes, &value, "audit", entry->action,
            with_reason(
                cli,
                arena_printf(&cli->arena, "%s by %s", entry->result, shown_person(cli, entry->person, entry->actor)),
                entry->reason));
    return true;
}

static int oldest_first(const void *a, const void *b)
{
    const struct change *first = a, *second = b;

    if (first->revision != second->revision)
        return first->revision < second->revision ? -1 : 1;
    return first->order < second->order ? -1 : 1;
}

/* Keeps of the values only those that say something else than the one before. */
static void drop_repeated(struct changes *changes)
{
    size_t kept = 0;

    for (size_t i = 0; i < changes->list.count; i++) {
        struct change change = changes->list.items[i];
        const char *before = map_get(&changes->told, change.key);

        if (before != NULL && text_equal(before, change.text))
            continue;
        map_set(&changes->told, change.key, (void *)(uintptr_t)change.text);
        changes->list.items[kept++] = change;
    }
    changes->list.count = kept;
}

static bool collect_rows(struct changes *changes, struct error *error)
{
    const struct store_query audit = {
        .type = &audit_type, .index = "environment", .equal = {changes->environment}, .descending = true};
    struct store *store = changes->cli->store;

    return feed_history(store, &environment_type, changes->environment, changes->since, VALUES_MOST, see_environment,
                        changes, error) &&
           feed_history(store, &resource_type, NULL, changes->since, VALUES_MOST, see_resource, changes, error) &&
           feed_history(store, &run_type, NULL, changes->since, VALUES_MOST, see_run, changes, error) &&
           store_each(store, &audit, see_audit, changes, error);
}

/* What is new since the cursor, oldest first, of one moment of the store; a store that is another one by now is an error. */
static bool collect(struct changes *changes, struct error *error)
{
    struct store *store = changes->cli->store;
    struct store_cursor now;
    bool done = false;

    changes->list.count = 0;
    if (!store_read_begin(store, error))
        return false;
    if (store_cursor(store, &now, error)) {
        if (changes->cursor.revision > 0 && !text_equal(now.store_id, changes->cursor.store_id))
            error_set(error, ERROR_CONFLICT, "another store is there now than the one that was followed");
        else
            done = collect_rows(changes, error);
    }
    for (size_t i = 0; done && i < changes->list.count; i++) {
        const struct change *change = &changes->list.items[i];
        const char *id = strchr(change->key, ' ') + 1;

        if (text_equal(change->kind, "environment"))
            remember_before(changes, &environment_type, change->kind, id);
        else if (text_equal(change->kind, "resource"))
            remember_before(changes, &resource_type, change->kind, id);
        else if (text_equal(change->kind, "run"))
            remember_before(changes, &run_type, change->kind, id);
    }
    store_read_end(store);
    if (!done)
        return false;
    changes->cursor = now;
    if (changes->list.count > 0)
        qsort(changes->list.items, changes->list.count, sizeof *changes->list.items, oldest_first);
    drop_repeated(changes);
    return true;
}

/* --- telling ------------------------------------------------------------------------------------------------------ */

static void print_changes(const struct changes *changes)
{
    static const char *const headers[] = {"AT", "WHAT", "NAME", "BECAME", NULL};
    struct table table;

    table_begin(&table, changes->cli, headers);
    for (size_t i = changes->list.count; i-- > 0;) {
        const struct change *change = &changes->list.items[i];

        table_put(&table, STYLE_MUTED, shown_instant(changes->cli, change->at));
        table_put(&table, STYLE_PLAIN, change->kind);
        table_put(&table, STYLE_STRONG, change->name);
        table_put(&table, STYLE_PLAIN, change->text);
    }
    table_end(&table, "nothing changed since then");
}

static json_t *change_to_json(struct changes *changes, const struct change *change)
{
    return json_pack("{s:s, s:I, s:s, s:s, s:s}", "at", shown_instant(changes->cli, change->at), "revision",
                     (json_int_t)change->revision, "kind", change->kind, "name", change->name, "became", change->text);
}

static json_t *to_json(struct changes *changes)
{
    json_t *list = json_array();

    for (size_t i = changes->list.count; i-- > 0;)
        json_array_append_new(list, change_to_json(changes, &changes->list.items[i]));
    return list;
}

/* As they came: a line each, in JSON an object a line. */
static void print_lines(struct changes *changes)
{
    for (size_t i = 0; i < changes->list.count; i++) {
        const struct change *change = &changes->list.items[i];

        if (changes->cli->call.json) {
            json_t *object = change_to_json(changes, change);
            char *line = json_dumps(object, JSON_COMPACT);

            puts(line);
            free(line);
            json_decref(object);
        } else {
            printf("%s  %-11s  %-24s  %s\n", shown_instant(changes->cli, change->at), change->kind, change->name,
                   change->text);
        }
    }
    fflush(stdout);
}

/* --- following ---------------------------------------------------------------------------------------------------- */

/* The store went away under the reader: it is opened again, and what was told stays told. */
static bool open_again(struct cli *cli, struct error *error)
{
    const struct error lost = *error;
    char line[2200];

    fprintf(stderr, "berth: %s; trying again\n", error_line(&lost, line, sizeof line));
    for (int tries = 0; tries < LOST_MOST; tries++) {
        session_close(cli);
        if (session_open(cli, STORE_READER, SESSION_AS_IT_IS, error))
            return true;
        (void)poll(NULL, 0, LOOK_AGAIN_MS);
    }
    return false;
}

static bool follow(struct changes *changes, struct error *error)
{
    struct cli *cli = changes->cli;

    for (;;) {
        print_lines(changes);
        if (ferror(stdout))
            return true; /* nobody reads any more */
        wait_for_bell(cli->store, LOOK_AGAIN_MS);
        if (!collect(changes, error) &&
            (error->code == ERROR_CONFLICT || !open_again(cli, error) || !collect(changes, error)))
            return false;
    }
}

bool cli_changes(struct cli *cli, int *status, struct error *error)
{
    struct environment environment;
    struct changes changes = {.cli = cli, .since = SINCE_MS};
    bool done;

    (void)status;
    if (!text_empty(cli_argument(cli, "since")) && !duration_parse(cli_argument(cli, "since"), &changes.since, error))
        return false;
    changes.since = time_now_ms() - changes.since;
    if (!session_open(cli, STORE_READER, SESSION_AS_IT_IS, error) ||
        !session_need_environment(cli, cli->call.subject, &environment, error))
        return false;
    changes.environment = environment.id;
    done = collect(&changes, error);
    if (done && json_is_true(json_object_get(cli->call.arguments, "follow")))
        done = follow(&changes, error);
    else if (done && cli->call.json)
        print_json(to_json(&changes));
    else if (done)
        print_changes(&changes);
    map_release(&changes.told);
    vec_release(&changes.list);
    return done;
}
