/* SPDX-License-Identifier: ISC */
/*
 * 500 resources in 50 chains of 10, each running `true`: from the approval to the last stored result, against `make -j8` of the same graph in the
 * same run. Prints both medians and the ratio; non-zero when the ratio is missed.
 */
#include "deploy.h"

#include "berth/base/str.h"
#include "berth/base/time.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define CHAINS 50
#define LINKS 10
#define RUNS 5
#define RATIO_LIMIT 2.0
#define NOISY 2.0 /* the slowest run of the peer is this many times its fastest: nothing can be said */

static void chains_template(struct str *out)
{
    str_add(out, "template: shop\nversion: 1\nresources:\n");
    for (int chain = 0; chain < CHAINS; chain++)
        for (int link = 0; link < LINKS; link++) {
            str_addf(out, "  c%dl%d: { executor: exec, run: [\"true\"], undo: [\"true\"]", chain, link);
            if (link > 0)
                str_addf(out, ", needs: [c%dl%d]", chain, link - 1);
            str_add(out, " }\n");
        }
}

static void chains_makefile(struct world *world)
{
    struct str text = STR_INIT;
    str_add(&text, "all:");
    for (int chain = 0; chain < CHAINS; chain++)
        str_addf(&text, " c%dl%d", chain, LINKS - 1);
    str_add(&text, "\n");
    for (int chain = 0; chain < CHAINS; chain++)
        for (int link = 0; link < LINKS; link++) {
            str_addf(&text, "c%dl%d:", chain, link);
            if (link > 0)
                str_addf(&text, " c%dl%d", chain, link - 1);
            str_add(&text, "\n\t@true\n");
        }
    world_write(world, "Makefile", text.data, false);
    str_release(&text);
}

static double make_once(struct world *world)
{
    const char *argv[] = {"make", "-s", "-j8", "all", NULL};
    int64_t began = time_monotonic_us();
    world_command_line(world->repository, argv);
    return (double)(time_monotonic_us() - began) / 1e6;
}

/* One deploy of all in a world of its own; seconds from the approval to the end of the apply phase, or -1. */
static double deploy_all(struct world *world)
{
    struct str template_text = STR_INIT;
    struct deploy_times times;
    chains_template(&template_text);
    world_open(world, &(struct world_spec){.template_text = template_text.data});
    world_start(world);
    bool deployed = deploy_once(world, &times);
    str_release(&template_text);
    world_kill(world, SIGKILL);
    return deployed ? (double)times.apply_us / 1e6 : -1;
}

static int by_value(const void *a, const void *b)
{
    double first = *(const double *)a, second = *(const double *)b;
    return (first > second) - (first < second);
}

int main(void)
{
    double ours[RUNS], peer[RUNS];
    unsetenv("MAKEFLAGS"); /* of the make that runs this: the peer is one of its own */
    unsetenv("MAKELEVEL");
    struct world world, deployed[RUNS]; /* removed at the end: what is being deleted slows what is being made */
    world_open(&world, &(struct world_spec){.executor = WORLD_EXEC});
    chains_makefile(&world);
    make_once(&world);
    for (int i = 0; i < RUNS; i++) {
        peer[i] = make_once(&world);
        ours[i] = deploy_all(&deployed[i]);
        if (ours[i] < 0)
            return 1;
    }
    world_close(&world);
    for (int i = 0; i < RUNS; i++)
        world_close(&deployed[i]);
    qsort(ours, RUNS, sizeof *ours, by_value);
    qsort(peer, RUNS, sizeof *peer, by_value);
    double ratio = ours[RUNS / 2] / peer[RUNS / 2];
    bool noisy = peer[RUNS - 1] > NOISY * peer[0];
    printf(
        "500 steps, approval to last result: %.3f s (%.3f-%.3f); make -j8: %.3f s (%.3f-%.3f); ratio %.2f, at most %.1f%s\n",
        ours[RUNS / 2], ours[0], ours[RUNS - 1], peer[RUNS / 2], peer[0], peer[RUNS - 1], ratio, RATIO_LIMIT,
        noisy ? " (noisy: no verdict)" : "");
    return ratio > RATIO_LIMIT && !noisy;
}
