/* SPDX-License-Identifier: ISC */
/* What changed in an environment, newest first: its own kept values, its resources', its runs' and what the audit recorded. */
#include "cli/output.h"

#include "berth/base/time.h"

#include <stdlib.h>
#include <string.h>

#define SINCE_MS MS_DAY  /* unless --since says otherwise */
#define VALUES_MOST 2000 /* of one table */

struct change {
    int64_t at, revision;
    const char *kind, *name, *text;
};
struct changes {
    struct cli *cli;
    const char *environment;
    VEC(struct change) list;
};

static void add(struct changes *changes, int64_t at, int64_t revision, const char *kind, const char *name,
                const char *text)
{
    struct change change = {at, revision, kind, shown(changes->cli, name), shown(changes->cli, text)};

    vec_push(&changes->list, change);
}

static const char *with_reason(struct cli *cli, const char *status, const char *reason)
{
    return text_empty(reason) ? status : arena_printf(&cli->arena, "%s: %s", status, reason);
}

static bool see_environment(const struct feed_value *value, void *context)
{
    struct changes *changes = context;
    const struct environment *row = value->row;

    if (row != NULL)
        add(changes, value->at, value->revision, "environment", row->name,
            with_reason(changes->cli, word_name(environment_status_names, row->status), row->status_reason));
    return true;
}

static bool see_resource(const struct feed_value *value, void *context)
{
    struct changes *changes = context;
    const struct resource *row = value->row;
    const char *prefix = arena_printf(&changes->cli->arena, "%s/", changes->environment);

    if (row == NULL) {
        if (text_starts(value->id, prefix))
            add(changes, value->at, value->revision, "resource", value->id + strlen(prefix), "removed");
    } else if (text_equal(row->environment, changes->environment)) {
        add(changes, value->at, value->revision, "resource", row->address,
            with_reason(changes->cli, word_name(resource_status_names, row->status), row->status_reason));
    }
    return true;
}

static bool see_run(const struct feed_value *value, void *context)
{
    struct changes *changes = context;
    const struct run *row = value->row;

    if (row != NULL && text_equal(row->environment, changes->environment))
        add(changes, value->at, value->revision, "run", arena_printf(&changes->cli->arena, "run %s", row->id),
            with_reason(changes->cli, word_name(run_status_names, row->status), row->status_reason));
    return true;
}

static bool add_audit(struct changes *changes, int64_t since, struct error *error)
{
    struct audit *rows;
    size_t count;

    if (!session_list(changes->cli, &audit_type, "environment", changes->environment, true, VALUES_MOST, &rows, &count,
                      error))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].at >= since)
            add(changes, rows[i].at, rows[i].revision, "audit", rows[i].action,
                arena_printf(&changes->cli->arena, "%s by %s%s%s", rows[i].result,
                             shown_person(changes->cli, rows[i].person, rows[i].actor),
                             text_empty(rows[i].reason) ? "" : ": ", text_empty(rows[i].reason) ? "" : rows[i].reason));
    }
    return true;
}

static int newest_first(const void *a, const void *b)
{
    const struct change *first = a, *second = b;

    if (first->at != second->at)
        return first->at < second->at ? 1 : -1;
    return first->revision < second->revision ? 1 : first->revision > second->revision ? -1 : 0;
}

static void print_changes(const struct changes *changes)
{
    static const char *const headers[] = {"AT", "WHAT", "NAME", "BECAME", NULL};
    struct table table;

    table_begin(&table, changes->cli, headers);
    for (size_t i = 0; i < changes->list.count; i++) {
        const struct change *change = &changes->list.items[i];

        table_put(&table, STYLE_MUTED, shown_instant(changes->cli, change->at));
        table_put(&table, STYLE_PLAIN, change->kind);
        table_put(&table, STYLE_STRONG, change->name);
        table_put(&table, STYLE_PLAIN, change->text);
    }
    table_end(&table, "nothing changed since then");
}

static json_t *to_json(struct changes *changes)
{
    json_t *list = json_array();

    for (size_t i = 0; i < changes->list.count; i++) {
        const struct change *change = &changes->list.items[i];

        json_array_append_new(list,
                              json_pack("{s:s, s:I, s:s, s:s, s:s}", "at", shown_instant(changes->cli, change->at),
                                        "revision", (json_int_t)change->revision, "kind", change->kind, "name",
                                        change->name, "became", change->text));
    }
    return list;
}

bool cli_changes(struct cli *cli, int *status, struct error *error)
{
    struct environment environment;
    struct changes changes = {.cli = cli};
    int64_t since = SINCE_MS;
    bool done;

    (void)status;
    if (!text_empty(cli_argument(cli, "since")) && !duration_parse(cli_argument(cli, "since"), &since, error))
        return false;
    since = time_now_ms() - since;
    if (!session_open(cli, STORE_READER, SESSION_AS_IT_IS, error) ||
        !session_need_environment(cli, cli->call.subject, &environment, error))
        return false;
    changes.environment = environment.id;
    done = feed_history(cli->store, &environment_type, environment.id, since, VALUES_MOST, see_environment, &changes,
                        error) &&
           feed_history(cli->store, &resource_type, NULL, since, VALUES_MOST, see_resource, &changes, error) &&
           feed_history(cli->store, &run_type, NULL, since, VALUES_MOST, see_run, &changes, error) &&
           add_audit(&changes, since, error);
    if (done) {
        if (changes.list.count > 0)
            qsort(changes.list.items, changes.list.count, sizeof *changes.list.items, newest_first);
        if (cli->call.json)
            print_json(to_json(&changes));
        else
            print_changes(&changes);
    }
    vec_release(&changes.list);
    return done;
}
