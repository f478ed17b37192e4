/* SPDX-License-Identifier: ISC */
/*
 * Many review environments destroyed at once, with limits on: no step that could begin waits while a worker is free. 200 of three exec resources whose undo
 * sleeps, 20 of one Terraform module. Read from the instants of the stored steps: how long some step was ready while fewer than all workers had one, and the
 * time of the whole against that of the steps themselves, divided by the workers. Non-zero when a limit is missed.
 */
#include "deploy.h"
#include "measure.h"

#include "berth/base/file.h"
#include "berth/base/str.h"
#include "berth/base/text.h"
#include "berth/base/time.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define SLUG_MOST 40
#define GAP_LIMIT_MS 50
#define TIME_LIMIT 1.1

/* --- what is destroyed ----------------------------------------------------------------------------------------------- */

struct shape {
    const char *what, *template_text;
    int environments, workers;
};

static const struct shape of_exec = {
    .what = "exec",
    .template_text = "template: shop\nversion: 1\nresources:\n"
                     "  a: { executor: exec, run: [\"true\"], undo: [\"sleep\", \"0.1\"] }\n"
                     "  b: { executor: exec, run: [\"true\"], undo: [\"sleep\", \"0.1\"], needs: [a] }\n"
                     "  c: { executor: exec, run: [\"true\"], undo: [\"sleep\", \"0.1\"] }\n",
    .environments = 200,
    .workers = 8};
static const struct shape of_terraform = {.what = "terraform",
                                          .template_text = "template: shop\nversion: 1\nresources:\n"
                                                           "  infra: { executor: terraform, dir: infra }\n",
                                          .environments = 20,
                                          .workers = 2};

static const char policy[] = "version: 1\n"
                             "workspace: faults\n"
                             "trusted: { repository: app, ref: main }\n"
                             "repositories:\n"
                             "  app: { provider: git, url: . }\n"
                             "targets:\n"
                             "  here: { provider: local }\n"
                             "environments:\n"
                             "  - name: \"review/${{ branch.slug }}\"\n"
                             "    tier: review\n"
                             "    source: { branches: [\"more/**\"] }\n"
                             "    templates: [shop]\n"
                             "    target: here\n"
                             "    deploy_on: [manual]\n"
                             "limits: { runs: %d, steps: %d, remove_at_once: 5 }\n";

static void open_world(struct world *world, const struct shape *shape)
{
    struct error error = {0};
    struct str text = STR_INIT;
    world_open(world, &(struct world_spec){.template_text = shape->template_text});
    str_addf(&text, policy, 2 * shape->workers, shape->workers);
    char *folder = path_join(world->repository, "infra");
    require(folder_make(folder, 0755, &error), &error);
    free(folder);
    world_write(world, "berth.yaml", text.data, false);
    world_write(world, "infra/main.tf", "resource \"terraform_data\" \"this\" {}\n", false);
    world_git(world, "add", "-A", ".");
    world_git(world, "commit", "-q", "-mmany");
    free(world_more_branches(world, (size_t)shape->environments));
    str_release(&text);
    world_start(world);
}

/* The environment of branch more/N, from 1. */
static const char *environment_name(struct world *world, int number)
{
    struct str slug = STR_INIT;
    const char *branch = arena_printf(&world->arena, "more/%06d", number);
    text_slug(&slug, branch, SLUG_MOST);
    const char *name = arena_printf(&world->arena, "review/%s", slug.data);
    str_release(&slug);
    return name;
}

static void ask_all(struct world *world, const struct shape *shape, const char *verb)
{
    for (int i = 1; i <= shape->environments; i++) {
        const char *name = environment_name(world, i);
        bool deploys = text_equal(verb, "deploy");
        world_submit(world, verb, name,
                     deploys ? arena_printf(&world->arena, "{\"ref\":\"more/%06d\"}", i)
                             : arena_printf(&world->arena, "{\"confirm\":\"%s\"}", name));
    }
}

struct ended {
    size_t done, otherwise;
    size_t wanted;
    const char *why;
    struct arena *arena;
};

static bool count_run(const void *row, void *context)
{
    const struct run *run = row;
    struct ended *ended = context;
    ended->done += run->status == RUN_DONE;
    if (run->status == RUN_FAILED || run->status == RUN_HELD || run->status == RUN_GATE) {
        ended->otherwise++;
        ended->why = arena_strdup(ended->arena, run->status_reason ? run->status_reason : "");
    }
    return true;
}

static bool all_ended(struct world *world, void *context)
{
    struct ended *ended = context;
    struct store_query query = {.type = &run_type};
    ended->done = ended->otherwise = 0;
    ended->arena = &world->arena;
    return !store_each(world->store, &query, count_run, ended, NULL) || ended->done + ended->otherwise >= ended->wanted;
}

/* Until so many runs have ended, and all of them well. */
static bool wait_all(struct world *world, size_t runs)
{
    struct ended ended = {.wanted = runs};
    if (world_wait(world, all_ended, &ended) && ended.done >= runs)
        return true;
    printf("%zu of %zu runs ended well, %zu did not: %s\n", ended.done, runs, ended.otherwise,
           ended.why ? ended.why : "");
    return false;
}

/* --- who waited while a worker was free --------------------------------------------------------------------------------- */

enum change { ENDED, STARTED, READY }; /* at one instant in this order */
struct moment {
    int64_t at_ms;
    enum change change;
};
struct moments {
    VEC(struct moment) list;
    int64_t since_ms; /* of what was asked */
    int64_t work_ms;  /* sum of all steps */
    size_t steps;
};

static bool add_step(const void *row, void *context)
{
    const struct step *step = row;
    struct moments *moments = context;
    if (step->ready_at < moments->since_ms || step->started_at == 0 || step->ended_at == 0)
        return true;
    struct moment ready = {step->ready_at, READY}, started = {step->started_at, STARTED},
                  ended = {step->ended_at, ENDED};
    vec_push(&moments->list, ready);
    vec_push(&moments->list, started);
    vec_push(&moments->list, ended);
    moments->work_ms += step->ended_at - step->started_at;
    moments->steps++;
    return true;
}

static int by_time(const void *a, const void *b)
{
    const struct moment *first = a, *second = b;
    if (first->at_ms != second->at_ms)
        return first->at_ms < second->at_ms ? -1 : 1;
    return (int)first->change - (int)second->change;
}

struct gaps {
    int64_t longest_ms, sum_ms;
};

static struct gaps find_gaps(struct moments *moments, int workers)
{
    struct gaps gaps = {0};
    int ready = 0, running = 0;
    int64_t began = -1;
    qsort(moments->list.items, moments->list.count, sizeof *moments->list.items, by_time);
    for (size_t i = 0; i < moments->list.count; i++) {
        const struct moment *moment = &moments->list.items[i];
        ready += (moment->change == READY) - (moment->change == STARTED);
        running += (moment->change == STARTED) - (moment->change == ENDED);
        if (i + 1 < moments->list.count && moment[1].at_ms == moment->at_ms)
            continue;
        bool waits = ready > 0 && running < workers;
        if (waits && began < 0)
            began = moment->at_ms;
        if (!waits && began >= 0) {
            gaps.sum_ms += moment->at_ms - began;
            gaps.longest_ms = moment->at_ms - began > gaps.longest_ms ? moment->at_ms - began : gaps.longest_ms;
            began = -1;
        }
    }
    return gaps;
}

/* --- the whole -------------------------------------------------------------------------------------------------------------- */

static bool destroy_all(const struct shape *shape)
{
    struct world world;
    struct error error = {0};
    struct moments moments = {0};
    struct store_query steps = {.type = &step_type};
    open_world(&world, shape);
    ask_all(&world, shape, "deploy");
    bool ended = wait_all(&world, (size_t)shape->environments);
    moments.since_ms = time_now_ms();
    int64_t began = time_monotonic_ms();
    if (ended)
        ask_all(&world, shape, "destroy");
    ended = ended && wait_all(&world, 2 * (size_t)shape->environments);
    int64_t took_ms = time_monotonic_ms() - began;
    if (ended)
        require(store_each(world.store, &steps, add_step, &moments, &error), &error);
    world_kill(&world, SIGKILL);
    world_close(&world);
    if (!ended)
        return true;
    struct gaps gaps = find_gaps(&moments, shape->workers);
    double ideal_ms = (double)moments.work_ms / shape->workers, ratio = (double)took_ms / ideal_ms;
    bool missed = gaps.longest_ms > GAP_LIMIT_MS || ratio > TIME_LIMIT;
    printf("%d environments of %s destroyed, %zu steps, %d workers: %" PRId64
           " ms; the steps' own time over the workers %.0f ms, "
           "%.2f times (at most %.1f); a step waited while a worker was free: longest %" PRId64 " ms (at most %d), "
           "together %" PRId64 " ms%s\n",
           shape->environments, shape->what, moments.steps, shape->workers, took_ms, ideal_ms, ratio, TIME_LIMIT,
           gaps.longest_ms, GAP_LIMIT_MS, gaps.sum_ms, missed ? "  MISSED" : "");
    vec_release(&moments.list);
    return missed;
}

int main(void)
{
    bool missed = destroy_all(&of_exec);
    unsetenv("TF_CLI_CONFIG_FILE"); /* berthd gets none either */
    setenv("CHECKPOINT_DISABLE", "1", 1);
    if (has_terraform())
        return destroy_all(&of_terraform) || missed;
    printf("terraform is not installed: nothing to destroy with it\n");
    return missed;
}
