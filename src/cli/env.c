/* SPDX-License-Identifier: ISC */
/* One environment in full: resources, entrypoints, holds, its last runs. */
#include "cli/output.h"

#include "berth/base/time.h"
#include "berth/config.h"

#define RUNS_SHOWN 5

struct detail {
    struct environment environment;
    struct resource *resources;
    struct entrypoint *entrypoints;
    struct hold *holds;
    struct run *runs;
    size_t resource_count, entrypoint_count, hold_count, run_count;
};

static bool load(struct cli *cli, struct detail *detail, struct error *error)
{
    const char *id;

    if (!session_need_environment(cli, cli->call.subject, &detail->environment, error))
        return false;
    id = detail->environment.id;
    return session_list(cli, &resource_type, "environment", id, false, 0, &detail->resources, &detail->resource_count,
                        error) &&
           session_list(cli, &entrypoint_type, "environment", id, false, 0, &detail->entrypoints,
                        &detail->entrypoint_count, error) &&
           session_list(cli, &hold_type, "environment", id, false, 0, &detail->holds, &detail->hold_count, error) &&
           session_list(cli, &run_type, "environment", id, true, RUNS_SHOWN, &detail->runs, &detail->run_count, error);
}

static json_t *to_json(const struct detail *detail)
{
    json_t *answer = record_to_json(&environment_type, &detail->environment);

    json_object_set_new(answer, "resources", rows_to_json(&resource_type, detail->resources, detail->resource_count));
    json_object_set_new(answer, "entrypoints",
                        rows_to_json(&entrypoint_type, detail->entrypoints, detail->entrypoint_count));
    json_object_set_new(answer, "holds", rows_to_json(&hold_type, detail->holds, detail->hold_count));
    json_object_set_new(answer, "runs", rows_to_json(&run_type, detail->runs, detail->run_count));
    return answer;
}

static void print_head(struct cli *cli, const struct environment *environment, int64_t now)
{
    enum style style;
    const char *text = shown_environment_status(cli, environment, now, &style);

    print_styled(cli, STYLE_STRONG, shown(cli, environment->name));
    printf("  %s  ", word_name(tier_names, environment->tier));
    print_styled(cli, style, text);
    printf("%s%s\n", text_empty(environment->status_reason) ? "" : ": ", shown(cli, environment->status_reason));
    printf("  branch   %s  commit %s  release %s\n",
           text_empty(environment->branch) ? "-" : shown(cli, environment->branch),
           shown_commit(cli, environment->commit),
           environment->release > 0 ? arena_printf(&cli->arena, "v%lld", (long long)environment->release) : "-");
    printf("  made     %s  deployed %s\n", shown_instant(cli, environment->created_at),
           shown_instant(cli, environment->deployed_at));
    if (environment_ends_at(environment) != 0)
        printf("  ends     %s (%s%s%s)\n", shown_instant(cli, environment_ends_at(environment)),
               shown_ago(cli, environment_ends_at(environment), now), text_empty(environment->ends_why) ? "" : "; ",
               shown(cli, environment->ends_why));
    if (environment->permanent || environment->is_protected)
        printf("  kept     %s%s%s\n", environment->permanent ? "permanent" : "",
               environment->permanent && environment->is_protected ? ", " : "",
               environment->is_protected ? "protected" : "");
    if (!text_empty(environment->lock_run))
        printf("  locked   by run %s since %s\n", environment->lock_run, shown_instant(cli, environment->lock_since));
}

static void print_resources(struct cli *cli, const struct detail *detail, int64_t now)
{
    static const char *const headers[] = {"RESOURCE", "EXECUTOR", "STATUS", "READY", "SEEN", "NEEDS", "WHY", NULL};
    struct table table;

    table_begin(&table, cli, headers);
    for (size_t i = 0; i < detail->resource_count; i++) {
        const struct resource *resource = &detail->resources[i];
        json_t *needs = json_column(resource->needs);
        struct str text = STR_INIT;
        enum style style;
        const char *state = shown_resource_status(cli, resource->status, &style);

        for (size_t k = 0; k < json_array_size(needs); k++)
            str_addf(&text, "%s%s", k > 0 ? ", " : "",
                     resource_name_within(resource, json_string_value(json_array_get(needs, k))));
        table_add(&table, STYLE_PLAIN,
                  text_empty(resource->parent) ? resource->address : arena_printf(&cli->arena, "  %s", resource->name));
        table_put(&table, STYLE_PLAIN, resource->external ? "external" : shown(cli, resource->executor));
        table_put(&table, style, state);
        table_add(&table, STYLE_PLAIN, resource->ready);
        table_put(&table, STYLE_MUTED, shown_age(cli, resource->observed_at, now));
        table_add(&table, STYLE_PLAIN, text.data);
        table_add(&table, STYLE_PLAIN, resource->status_reason);
        str_release(&text);
        json_decref(needs);
    }
    table_end(&table, "no resources");
}

/* The cleaner's question with what answers it: until then the environment stays. */
static void print_holds(struct cli *cli, const struct detail *detail)
{
    const char *name = shown(cli, detail->environment.name);
    const struct hold *question = hold_question(detail->holds, detail->hold_count, detail->environment.id);

    for (size_t i = 0; i < detail->hold_count; i++) {
        const struct hold *hold = &detail->holds[i];
        const char *since = shown_instant(cli, hold->since);

        if (hold == question)
            printf("%sthe cleaner asks since %s: shall it go? %s\n  berth destroy %s lets it go, berth protect %s "
                   "keeps it\n",
                   i == 0 ? "\n" : "", since, shown(cli, hold->reason), name, name);
        else
            printf("%s%s by %s since %s%s%s\n", i == 0 ? "\n" : "", hold->kind, shown(cli, hold->by), since,
                   text_empty(hold->reason) ? "" : ": ", shown(cli, hold->reason));
    }
}

static void print_left_behind(struct cli *cli, const struct environment *environment)
{
    struct str text = STR_INIT;

    if (!config_left_behind(cli->config, environment))
        return;
    str_add_char(&text, '\n');
    config_left_behind_say(environment, &text);
    str_addf(&text, "\n  berth destroy %s removes what is recorded, or put the entry back on the trusted ref\n",
             environment->name);
    print_styled(cli, STYLE_WAITING, shown_lines(cli, text.data));
    str_release(&text);
}

static void print_rest(struct cli *cli, const struct detail *detail)
{
    for (size_t i = 0; i < detail->entrypoint_count; i++) {
        enum style style;
        const char *text = shown_resource_status(cli, detail->entrypoints[i].status, &style);

        printf("%s%-12s %-14s %s  ", i == 0 ? "\n" : "", detail->entrypoints[i].kind,
               shown(cli, detail->entrypoints[i].name), shown(cli, detail->entrypoints[i].url));
        if (!text_equal(detail->entrypoints[i].kind, "link")) {
            if (detail->entrypoints[i].observed_at == 0 && detail->entrypoints[i].status == RESOURCE_UNKNOWN)
                print_styled(cli, STYLE_MUTED, "not watched"); /* unknown would look like a failed look */
            else
                print_styled(cli, style, text);
        }
        putchar('\n');
    }
    print_left_behind(cli, &detail->environment);
    print_holds(cli, detail);
    for (size_t i = 0; i < detail->run_count; i++) {
        enum style style;
        const char *text = shown_run_status(cli, detail->runs[i].status, &style);

        printf("%srun %-5s %-8s ", i == 0 ? "\n" : "", detail->runs[i].id,
               word_name(workflow_names, detail->runs[i].workflow));
        print_styled(cli, style, text);
        printf("  %s %s\n", shown_commit(cli, detail->runs[i].commit), shown(cli, detail->runs[i].subject));
    }
}

bool cli_env(struct cli *cli, int *status, struct error *error)
{
    int64_t now = time_now_ms();
    struct detail detail = {0};

    (void)status;
    if (!session_open(cli, STORE_READER, SESSION_START, error) || !load(cli, &detail, error))
        return false;
    if (cli->call.json) {
        print_json(mark_served(cli, to_json(&detail)));
        return true;
    }
    print_head(cli, &detail.environment, now);
    putchar('\n');
    print_resources(cli, &detail, now);
    print_rest(cli, &detail);
    say_absent(cli, "what is shown is as it was");
    return true;
}
