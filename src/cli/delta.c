/* SPDX-License-Identifier: ISC */
/* `berth plan ENV --delta`: which plan is looked at, what it is compared with, and the difference as lines or JSON. */
#include "cli/delta.h"

#include "cli/ask.h"
#include "cli/output.h"

#include "berth/base/time.h"

#include <stdlib.h>

#define OPEN_RUNS_BACK 50 /* so many runs of the environment are looked at for an open one */

/* --- which plan ------------------------------------------------------------------------------------------------ */

/* Options that say another plan than the one that waits. */
static bool asks_for_another(const struct cli *cli)
{
    static const char *const names[] = {"ref", "with", "ttl", "pr"};
    bool asks = false;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        asks |= json_object_get(cli->call.arguments, names[i]) != NULL;
    return asks;
}

/* The open run whose plan is made and did not come through its gate; id "" none. */
static bool find_waiting(struct cli *cli, struct run *run, struct error *error)
{
    const char *name = session_environment_of(cli, cli->call.subject);
    struct run *rows;
    size_t count;

    *run = (struct run){.id = ""};
    if (!session_list(cli, &run_type, "environment_name", name, true, OPEN_RUNS_BACK, &rows, &count, error))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (run_ended((enum run_status)rows[i].status) || rows[i].workflow == WORKFLOW_PLAN ||
            rows[i].workflow == WORKFLOW_EXEC || text_empty(rows[i].digest))
            continue;
        if (!run_passed_gate(&rows[i]))
            *run = rows[i];
        return true;
    }
    return true;
}

static bool find_run(struct cli *cli, struct run *run, int *status, struct error *error)
{
    *run = (struct run){.id = ""};
    if (!asks_for_another(cli) && !find_waiting(cli, run, error))
        return false;
    if (!text_empty(run->id))
        return true;
    if (!act_silently(cli, run, status, error))
        return false;
    if (*status != 0 || text_empty(run->digest))
        return error_set(error, ERROR_CONFLICT, "the plan was not made: run %s is %s%s", run->id,
                         word_name(run_status_names, run->status),
                         shown_because(cli, word_name(run_status_names, run->status), run->status_reason));
    return true;
}

/* --- lines ----------------------------------------------------------------------------------------------------- */

static void add_side(struct str *out, const json_t *value, const char *key)
{
    const json_t *side = json_object_get(value, key);
    char *text;

    if (json_is_true(json_object_get(value, "unknown")) && text_equal(key, "after")) {
        str_add(out, "(known after apply)");
        return;
    }
    if (side == NULL || json_is_null(side)) {
        str_add(out, "(none)");
        return;
    }
    text = json_dumps(side, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
    str_add(out, text != NULL ? text : "?");
    free(text);
}

static void add_sides(struct cli *cli, struct str *out, const json_t *value)
{
    add_side(out, value, "before");
    str_add(out, cli->ascii ? " -> " : " → ");
    add_side(out, value, "after");
}

static void print_value(struct cli *cli, const struct delta_part *part, const struct delta_value *value)
{
    struct str line = STR_INIT;

    str_addf(&line, "      %s: ", value->path);
    if (delta_value_is_sensitive(value))
        str_add(&line, value->kind == DELTA_VALUES ? "changed, sensitive" : "sensitive");
    else if (part->kind == DELTA_NEW) {
        add_sides(cli, &line, value->now);
    } else {
        if (value->was != NULL) {
            str_add(&line, "approved ");
            add_sides(cli, &line, value->was);
            str_add(&line, "; ");
        }
        str_add(&line, "now ");
        if (value->now != NULL)
            add_sides(cli, &line, value->now);
        else
            str_add(&line, "not changed");
    }
    print_wrapped(cli, shown(cli, line.data), stdout);
    str_release(&line);
}

static void print_part(struct cli *cli, const struct delta *delta, const struct delta_part *part)
{
    struct str line = STR_INIT;
    const char *word = part->kind == DELTA_GONE ? "not now" : part->kind == DELTA_NEW ? "new" : "different";
    int action = word_value(plan_action_names, part->now_action);

    str_addf(&line, "  %-9s %-3s %-8s %s%s%s", word, part->kind == DELTA_GONE || action < 0 ? "" : plan_sign(action),
             part->kind == DELTA_GONE ? "" : part->now_action, part->address, *part->path != '\0' ? " " : "",
             part->path);
    if (part->kind == DELTA_GONE || part->kind == DELTA_ACTION)
        str_addf(&line, ": was %s", part->was_action);
    print_styled(cli,
                 part->removes              ? STYLE_BAD
                 : part->kind == DELTA_GONE ? STYLE_MUTED
                                            : STYLE_PLAIN,
                 shown(cli, line.data));
    putchar('\n');
    for (size_t i = 0; i < part->value_count; i++)
        print_value(cli, part, &delta->values.items[part->first_value + i]);
    str_release(&line);
}

void delta_sentence(struct cli *cli, const struct approved *approved, const struct delta *delta, struct str *out)
{
    struct str as = STR_INIT;

    approved_say(approved, approved->at != 0 ? shown_ago(cli, approved->at, time_now_ms()) : "", &as);
    delta_say(delta, as.data, out);
    str_release(&as);
}

static void print_delta(struct cli *cli, const struct run *run, const struct approved *approved,
                        const struct delta *delta)
{
    struct str line = STR_INIT;

    printf("run %s  %s of %s: ", run->id, word_name(workflow_names, run->workflow), shown(cli, run->environment_name));
    if (approved->how == APPROVED_NEVER) {
        printf("nothing was approved or applied there before, all of the plan is new\n");
    } else {
        delta_sentence(cli, approved, delta, &line);
        printf("%s\n", shown(cli, line.data));
    }
    for (size_t i = 0; i < delta->parts.count; i++) {
        if (delta->parts.items[i].kind != DELTA_SAME)
            print_part(cli, delta, &delta->parts.items[i]);
    }
    if (run->status == RUN_GATE)
        printf("an approval is of the whole plan: berth approve %s --digest %s\n", run->id, run->digest);
    str_release(&line);
}

/* --- JSON ------------------------------------------------------------------------------------------------------ */

static json_t *against_json(const struct approved *approved)
{
    static const char *const hows[] = {"", "approved", "passed", "applied"};
    json_t *against;
    struct str at = STR_INIT;

    if (approved->how == APPROVED_NEVER)
        return json_null();
    if (approved->at != 0)
        instant_format(&at, approved->at);
    against = json_pack("{s:s, s:s, s:s, s:s, s:s}", "run", approved->run, "how", hows[approved->how], "digest",
                        approved->digest, "by", approved->by, "at", at.data);
    str_release(&at);
    return against;
}

static void print_delta_json(const struct run *run, const struct approved *approved, const struct delta *delta)
{
    json_t *answer = delta_to_json(delta);

    json_object_set_new(answer, "run", record_to_json(&run_type, run));
    json_object_set_new(answer, "against", against_json(approved));
    print_json(answer);
}

/* --- the command ------------------------------------------------------------------------------------------------ */

bool delta_read(struct cli *cli, const struct run *run, struct approved *approved, struct delta *delta,
                struct error *error)
{
    struct plan *plans;
    size_t count;

    if (!store_approved(cli->store, run, &cli->arena, approved, error) ||
        !session_list(cli, &plan_type, "run", run->id, false, 0, &plans, &count, error))
        return false;
    delta_make(delta, approved->plans, approved->count, plans, count);
    return true;
}

bool plan_delta(struct cli *cli, int *status, struct error *error)
{
    struct run run;
    struct approved approved;
    struct delta delta;

    if (!find_run(cli, &run, status, error) || !delta_read(cli, &run, &approved, &delta, error))
        return false;
    if (cli->call.json)
        print_delta_json(&run, &approved, &delta);
    else
        print_delta(cli, &run, &approved, &delta);
    delta_release(&delta);
    return true;
}
