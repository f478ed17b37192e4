/* SPDX-License-Identifier: ISC */
/*
 * The Nth call of a kind fails, for every N: a whole story (deploy, gate, apply, destroy) is played again and again, each time with one call of the store or of
 * a provider failing, until the story needs fewer calls than N. Whatever fails, the run reaches an end or says what it waits for.
 */
#include "faults/world.h"

#include "berth/base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENVIRONMENT "review/feature-x"
#define ENDED                                                                                              \
    (1u << RUN_DONE | 1u << RUN_FAILED | 1u << RUN_REJECTED | 1u << RUN_SUPERSEDED | 1u << RUN_CANCELLED | \
     1u << RUN_ROLLED_BACK)
#define RESTS (ENDED | 1u << RUN_HELD)
#define CALLS_LIMIT 2000

static void trouble(struct world *world, struct str *out, const char *text)
{
    const struct run *run = world_last_run(world);
    str_addf(out, "%s (run %s: %s, %s); ", text, run ? run->id : "-",
             run ? word_name(run_status_names, run->status) : "none",
             run && run->status_reason ? run->status_reason : "");
}

static void approve(struct world *world, const struct run *run)
{
    struct str arguments = STR_INIT;
    str_addf(&arguments, "{\"digest\":\"%s\"}", run->digest);
    world_ask(world, "approve", run->id, arguments.data);
    str_release(&arguments);
}

/* To a rest: done, or ended or held with a reason. A held or failed run is tried again, as a person would, and must then end well. */
static const struct run *to_rest(struct world *world, struct str *out)
{
    const struct run *run = NULL;
    for (int tries = 0; tries < 4; tries++) {
        run = world_wait_run(world, 1u << RUN_GATE | RESTS);
        if (!run) {
            trouble(world, out, "the run neither ends nor says what it waits for");
            return NULL;
        }
        if (run->status == RUN_GATE) {
            approve(world, run);
            run = world_wait_run(world, RESTS);
        }
        if (!run || run->status == RUN_DONE)
            return run;
        if (text_empty(run->status_reason))
            trouble(world, out, "a run ended without a reason");
        world_ask(world, "retry", run->id, "{}");
        const struct run *again = world_wait_run(world, 1u << RUN_GATE | RESTS);
        if (again && again->status != RUN_HELD && again->status != RUN_FAILED && again->status != RUN_GATE)
            return again;
    }
    return run;
}

static void check_counts(struct world *world, struct str *out)
{
    static const char *const lines[] = {"end up a", "end up b", "end up c", "end down a", "end down b", "end down c"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        if (world_journal(world, lines[i]) > 1)
            trouble(world, out, "something that had finished ran again");
}

/* One story with the Nth call failing; false when the story has fewer calls. */
static bool play(const char *point, int n, struct str *out)
{
    struct world world;
    char fault[64];
    world_open(&world, WORLD_EXEC);
    snprintf(fault, sizeof fault, "%s:%d=fail", point, n);
    world.fault = fault;
    world_start(&world);
    world_ask(&world, "deploy", ENVIRONMENT, "{\"ref\":\"feature/x\"}");
    const struct run *run = to_rest(&world, out);
    if (run && run->status == RUN_DONE) {
        world_ask(&world, "destroy", ENVIRONMENT, "{\"confirm\":\"" ENVIRONMENT "\"}");
        run = to_rest(&world, out);
    }
    check_counts(&world, out);
    if (world_breaches(&world, out) > 0)
        trouble(&world, out, "");
    bool fired = world_fired(&world, point);
    world_close(&world);
    return fired;
}

static void play_all(const char *point, size_t number)
{
    size_t tried = 0, failed = 0;
    struct str all = STR_INIT;
    for (int n = 1; n < CALLS_LIMIT; n++) {
        struct str out = STR_INIT;
        bool fired = play(point, n, &out);
        if (out.length > 0) {
            failed++;
            str_addf(&all, "# %s number %d: %s\n", point, n, out.data);
        }
        str_release(&out);
        if (!fired)
            break;
        tried++;
    }
    printf("%s%s %zu - the Nth %s fails, for every N: %zu tried of %zu\n", all.data, failed ? "not ok" : "ok", number,
           point, tried, tried);
    fflush(stdout);
    str_release(&all);
}

int main(int argc, char **argv)
{
    static const char *const points[] = {"provider.call", "store.write", "store.read"};
    size_t number = 0;
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++)
        if (argc < 2 || text_equal(argv[1], points[i]))
            play_all(points[i], ++number);
    printf("1..%zu\n", number);
    return 0;
}
