/* SPDX-License-Identifier: ISC */
/* Runs: the table of them, and one in full with its plan, gate and steps. */
#include "cli/ask.h"
#include "cli/names.h"
#include "cli/output.h"

#include "berth/base/time.h"
#include "berth/store_marker.h"

#define RUNS_SHOWN 30 /* unless --limit says otherwise */

static void print_gate(struct cli *cli, const struct run *run)
{
    json_t *json = json_column(run->gate);
    const struct why *why = why_from_json(json, &cli->arena);

    if (why != NULL && !run_ended((enum run_status)run->status)) {
        print_heading(cli, "\ngate");
        print_why(cli, why, stdout);
        if (run->status == RUN_GATE)
            printf("berth approve %s --digest %s\n", run->id, run->digest);
    }
    json_decref(json);
}

static void print_steps(struct cli *cli, const struct step *steps, size_t count)
{
    static const char *const headers[] = {"STEP", "STATUS", "ATTEMPT", "TOOK", "WHY", NULL};
    struct table table;

    table_begin(&table, cli, headers);
    for (size_t i = 0; i < count; i++) {
        enum style style;
        const char *text = shown_step_status(cli, steps[i].status, &style);

        table_add(&table, STYLE_PLAIN, steps[i].id);
        table_put(&table, style, text);
        table_putf(&table, STYLE_PLAIN, "%lld", (long long)steps[i].attempt);
        table_put(&table, STYLE_PLAIN, shown_took(cli, steps[i].started_at, steps[i].ended_at));
        table_add(&table, STYLE_PLAIN, steps[i].status_reason);
    }
    table_end(&table, "no steps yet");
}

/* Whether a run waits for work: of a held one and of one at its gate a person is asked. */
static bool waits_for_work(const struct run *run)
{
    return !run_ended((enum run_status)run->status) && run->status != RUN_HELD && run->status != RUN_GATE;
}

/* The worker that a berthd left behind finishes its step without one: of these runs, whose and which. "" where there is none. */
static const char *left_at_work(struct cli *cli, const struct run *rows, size_t count)
{
    struct step *steps;
    size_t step_count;
    const char *text = "";

    if (!session_list(cli, &step_type, "status", word_name(step_status_names, STEP_RUNNING), false, 0, &steps,
                      &step_count, NULL))
        return "";
    for (size_t i = 0; i < step_count; i++) {
        struct marker marker;
        bool asked = false;

        for (size_t k = 0; k < count; k++)
            asked |= text_equal(rows[k].id, steps[i].run);
        if (asked && marker_read(cli->store_folder, steps[i].run, steps[i].id, steps[i].attempt, &marker, NULL) &&
            marker_lives(&marker))
            text = arena_printf(&cli->arena, "%s%s%s (process %d)", text, text_empty(text) ? "" : ", ",
                                shown(cli, steps[i].id), (int)marker.pid);
    }
    return text;
}

/* A status is what was true when somebody worked. */
static void say_nobody_works(struct cli *cli, const struct run *rows, size_t count)
{
    bool any = false;
    const char *left;

    for (size_t i = 0; i < count; i++)
        any |= waits_for_work(&rows[i]);
    if (!any || text_empty(daemon_absent(cli)))
        return;
    left = left_at_work(cli, rows, count);
    if (!text_empty(left))
        say_absent(cli,
                   arena_printf(&cli->arena,
                                "only the step that had begun goes on, the next berthd takes its result: %s", left));
    else
        say_absent(cli, count == 1 ? "nobody works on it" : "nobody works on those that have not ended");
}

static bool show_run(struct cli *cli, const struct run *run, struct error *error)
{
    struct step *steps;
    struct plan *plans;
    size_t step_count, plan_count;
    enum style style;
    const char *text = shown_run_status(cli, run->status, &style);

    if (!session_list(cli, &step_type, "run", run->id, false, 0, &steps, &step_count, error) ||
        !session_list(cli, &plan_type, "run", run->id, false, 0, &plans, &plan_count, error))
        return false;
    steps_sort(steps, step_count);
    if (cli->call.json) {
        json_t *answer = record_to_json(&run_type, run);
        json_object_set_new(answer, "plan", rows_to_json(&plan_type, plans, plan_count));
        json_object_set_new(answer, "steps", rows_to_json(&step_type, steps, step_count));
        print_json(mark_served(cli, answer));
        return true;
    }
    printf("run %s  %s of %s  ", run->id, word_name(workflow_names, run->workflow), shown(cli, run->environment_name));
    print_styled(cli, style, text);
    printf("%s\n", shown_because(cli, word_name(run_status_names, run->status), run->status_reason));
    say_nobody_works(cli, run, 1);
    printf("  commit   %s %s\n", shown_commit(cli, run->commit), shown(cli, run->subject));
    printf("  started  %s by %s via %s%s%s\n", shown_instant(cli, run->created_at),
           shown_person(cli, run->person, run->actor), shown(cli, run->via), text_empty(run->reason) ? "" : ": ",
           shown(cli, run->reason));
    if (!text_empty(run->digest))
        printf("  digest   %s\n", run->digest);
    if (plan_count > 0) {
        print_heading(cli, "\nplan");
        if (!print_plan(cli, run, stdout, error))
            return false;
    }
    print_gate(cli, run);
    print_heading(cli, "\nsteps");
    print_steps(cli, steps, step_count);
    return true;
}

static void print_runs(struct cli *cli, const struct run *rows, size_t count)
{
    static const char *const headers[] = {"RUN", "WORKFLOW", "ENVIRONMENT", "STATUS", "COMMIT",
                                          "BY",  "AGE",      "TOOK",        "WHY",    NULL};
    int64_t now = time_now_ms();
    struct table table;

    table_begin(&table, cli, headers);
    for (size_t i = 0; i < count; i++) {
        enum style style;
        const char *text = shown_run_status(cli, rows[i].status, &style);

        table_add(&table, STYLE_STRONG, rows[i].id);
        table_put(&table, STYLE_PLAIN, word_name(workflow_names, rows[i].workflow));
        table_add(&table, STYLE_PLAIN, rows[i].environment_name);
        table_put(&table, style, text);
        table_put(&table, STYLE_MUTED, shown_commit(cli, rows[i].commit));
        table_put(&table, STYLE_PLAIN, shown_person(cli, rows[i].person, rows[i].actor));
        table_put(&table, STYLE_PLAIN, shown_age(cli, rows[i].created_at, now));
        table_put(&table, STYLE_PLAIN, shown_took(cli, rows[i].started_at, rows[i].ended_at));
        table_add(&table, STYLE_PLAIN, rows[i].status_reason);
    }
    table_end(&table, "no runs yet");
    say_nobody_works(cli, rows, count);
}

bool cli_runs(struct cli *cli, int *status, struct error *error)
{
    const char *subject = cli->call.subject;
    long long number;
    struct run run, *rows;
    size_t count;

    (void)status;
    if (!session_open(cli, STORE_READER, SESSION_AS_IT_IS, error))
        return false;
    if (text_to_int(subject, &number))
        return session_need_run(cli, subject, NULL, &run, error) && show_run(cli, &run, error);
    if (!session_list(cli, &run_type, text_empty(subject) ? "number" : "environment_name",
                      text_empty(subject) ? NULL : subject, true, cli_limit(cli, RUNS_SHOWN), &rows, &count, error))
        return false;
    if (count == 0 && cli->unread == 0 && !text_empty(subject) && !name_is_known(cli, subject))
        return name_unknown(cli, NAME_OF_ENVIRONMENT, subject, error);
    if (cli->call.json)
        print_json(mark_served(cli, rows_to_json(&run_type, rows, count)));
    else
        print_runs(cli, rows, count);
    return true;
}
