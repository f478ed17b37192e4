/* SPDX-License-Identifier: ISC */
/*
 * Terraform through berth and without it, in the same run, one after the other, each of both first in turn.
 *
 * One module: 500 inner resources in 50 chains of 10, each with a local-exec of `true`: berth against `init`, `plan -out`, `apply` of that plan.
 * Many: 50 modules of one inner resource, 5 chains of 10: berth against a shell script that gives a chain to each of `xargs -P 5`. Each module
 * has a folder of its own, or all share one and have each their variables. Non-zero when a ratio is missed.
 */
#include "berth/base/file.h"
#include "berth/base/str.h"
#include "berth/base/time.h"
#include "deploy.h"
#include "measure.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define GRAPH_CHAINS 50
#define CHAINS 5
#define LINKS 10
#define RUNS 5
#define GRAPH_LIMIT 1.05
#define MANY_LIMIT 1.1
#define RATIO_UNIT 1000000
#define UNSTEADY 1.2 /* the ratios of the runs differ so much: nothing can be said of five in a hundred */
#define NOISY 1.5    /* the slowest run of the peer is this many times its fastest: nothing can be said */

enum layout { OWN_FOLDERS, ONE_FOLDER };

/* --- the graph in one module ---------------------------------------------------------------------------------------- */

static void graph_module(struct str *out)
{
    for (int chain = 0; chain < GRAPH_CHAINS; chain++)
        for (int link = 0; link < LINKS; link++) {
            str_addf(out, "resource \"terraform_data\" \"c%dl%d\" {\n", chain, link);
            if (link > 0)
                str_addf(out, "  depends_on = [terraform_data.c%dl%d]\n", chain, link - 1);
            str_add(out, "  provisioner \"local-exec\" {\n    command = \"true\"\n  }\n}\n");
        }
}

static const char graph_template[] = "template: shop\nversion: 1\nresources:\n"
                                     "  infra: { executor: terraform, dir: infra }\n";

/* --- many modules ------------------------------------------------------------------------------------------------------ */

static const char link_module[] = "variable \"name\" {\n  type    = string\n  default = \"%s\"\n}\n"
                                  "resource \"terraform_data\" \"this\" {\n  input = var.name\n}\n"
                                  "output \"name\" {\n  value = terraform_data.this.output\n}\n";

static void many_template(struct str *out, enum layout layout)
{
    str_add(out, "template: shop\nversion: 1\nresources:\n");
    for (int chain = 0; chain < CHAINS; chain++)
        for (int link = 0; link < LINKS; link++) {
            str_addf(out, "  c%dl%d: { executor: terraform, outputs: [name]", chain, link);
            if (layout == OWN_FOLDERS)
                str_addf(out, ", dir: c%dl%d", chain, link);
            else
                str_addf(out, ", dir: infra, vars: { name: c%dl%d }", chain, link);
            if (link > 0)
                str_addf(out, ", needs: [c%dl%d]", chain, link - 1);
            str_add(out, " }\n");
        }
}

/* What somebody would write instead: a folder and a state for each, a chain's links one after the other, as many chains at once as berth has steps. */
static const char script[] = "chain() {\n"
                             "  for link in 0 1 2 3 4 5 6 7 8 9; do\n"
                             "    cd \"$1/c$2l$link\" || exit 1\n"
                             "    terraform init -input=false && terraform plan -input=false -out=plan $3 &&\n"
                             "      terraform apply -input=false plan || exit 1\n"
                             "  done >\"$1/log$2\"\n"
                             "}\n"
                             "if [ $# -gt 1 ]; then chain \"$@\"; exit; fi\n"
                             "mkdir -p \"$1/cache\" || exit 1\n"
                             "export TF_PLUGIN_CACHE_DIR=\"$1/cache\"\n"
                             "seq 0 4 | xargs -P 5 -n 1 sh \"$1/deploy\" \"$1\"\n";

/* --- worlds and peers ----------------------------------------------------------------------------------------------------- */

static void put_module(const char *folder, const char *name, const char *text)
{
    struct error error = {0};
    char *inside = path_join(folder, name), *file = path_join(inside, "main.tf");
    require(folder_make(inside, 0755, &error) && file_replace(file, text, strlen(text), 0644, FILE_RELAXED, &error),
            &error);
    free(file);
    free(inside);
}

/* All modules of the many below a folder. */
static void put_many(const char *folder, enum layout layout)
{
    char name[16], text[sizeof link_module + sizeof name];
    for (int i = 0; i < CHAINS * LINKS; i++) {
        (void)snprintf(name, sizeof name, "c%dl%d", i / LINKS, i % LINKS);
        (void)snprintf(text, sizeof text, link_module, name);
        put_module(folder, layout == ONE_FOLDER ? "infra" : name, text);
    }
}

/* A world whose feature/x has the modules; its berthd serves. */
static void open_world(struct world *world, const char *template_text, const char *graph, enum layout layout)
{
    struct world_spec spec = {.template_text = template_text, .policy_more = "limits: { steps: 5 }\n"};
    world_open(world, &spec);
    world_git(world, "checkout", "-q", "feature/x");
    if (graph)
        put_module(world->repository, "infra", graph);
    else
        put_many(world->repository, layout);
    world_git(world, "add", "-A", ".");
    world_git(world, "commit", "-q", "-mmodules");
    world_git(world, "checkout", "-q", "main");
    world_start(world);
}

static int64_t timed(const char *folder, const char *const *argv)
{
    int64_t began = time_monotonic_us();
    world_command_line(folder, argv);
    return time_monotonic_us() - began;
}

static struct deploy_times peer_of_graph(const char *folder, const char *module)
{
    static const char *const init[] = {"terraform", "init", "-input=false", NULL},
                             *const plan[] = {"terraform", "plan", "-input=false", "-out=plan", NULL},
                             *const apply[] = {"terraform", "apply", "-input=false", "plan", NULL};
    struct deploy_times times;
    put_module(folder, ".", module);
    times.plan_us = timed(folder, init);
    times.plan_us += timed(folder, plan);
    times.apply_us = timed(folder, apply);
    return times;
}

static int64_t peer_of_many(const char *folder)
{
    struct error error = {0};
    char *path = path_join(folder, "deploy");
    require(file_replace(path, script, sizeof script - 1, 0644, FILE_RELAXED, &error), &error);
    int64_t took = timed(folder, (const char *const[]){"sh", path, folder, NULL});
    free(path);
    return took;
}

/* --- the verdicts ----------------------------------------------------------------------------------------------------------- */

/* Times of both in the order of the runs: each of ours is compared with the peer's just before or after it, as the machine's speed changes. */
static bool report(const char *what, struct samples *ours, struct samples *peers, double limit)
{
    struct samples ratios = {0};
    for (size_t i = 0; i < ours->count; i++)
        samples_add(&ratios, ours->items[i] * RATIO_UNIT / peers->items[i]);
    samples_sort(&ratios);
    samples_sort(ours);
    samples_sort(peers);
    double ratio = samples_ms(&ratios, 50) * 1e3 / RATIO_UNIT;
    bool noisy = samples_ms(peers, 100) > NOISY * samples_ms(peers, 0) ||
                 samples_ms(&ratios, 100) > UNSTEADY * samples_ms(&ratios, 0);
    printf("%s: %.0f ms (%.0f-%.0f); terraform %.0f ms (%.0f-%.0f); median ratio %.3f (%.3f-%.3f), at most %.2f%s\n",
           what, samples_ms(ours, 50), samples_ms(ours, 0), samples_ms(ours, 100), samples_ms(peers, 50),
           samples_ms(peers, 0), samples_ms(peers, 100), ratio, samples_ms(&ratios, 0) * 1e3 / RATIO_UNIT,
           samples_ms(&ratios, 100) * 1e3 / RATIO_UNIT, limit,
           ratio <= limit ? ""
           : noisy        ? " (noisy: no verdict)"
                          : "  MISSED");
    samples_release(&ratios);
    samples_release(ours);
    samples_release(peers);
    return ratio > limit && !noisy;
}

static void add(struct samples *whole, struct samples *applies, const struct deploy_times *times)
{
    samples_add(whole, times->plan_us + times->apply_us);
    samples_add(applies, times->apply_us);
}

static bool compare_graph(void)
{
    struct samples ours = {0}, ours_apply = {0}, peers = {0}, peers_apply = {0};
    struct world worlds[RUNS]; /* removed at the end: what is being deleted slows what is being made */
    struct str module = STR_INIT;
    bool missed = false;
    graph_module(&module);
    for (int i = 0; i < RUNS; i++) {
        struct deploy_times times, peer;
        open_world(&worlds[i], graph_template, module.data, OWN_FOLDERS);
        char *folder = path_join(worlds[i].folder, "peer");
        if (i % 2 == 0)
            peer = peer_of_graph(folder, module.data);
        missed = !deploy_once(&worlds[i], &times) || missed;
        if (i % 2 == 1)
            peer = peer_of_graph(folder, module.data);
        add(&peers, &peers_apply, &peer);
        add(&ours, &ours_apply, &times);
        world_kill(&worlds[i], SIGKILL);
        free(folder);
    }
    for (int i = 0; i < RUNS; i++)
        world_close(&worlds[i]);
    str_release(&module);
    missed = report("500 inner resources, apply of the plan", &ours_apply, &peers_apply, GRAPH_LIMIT) || missed;
    return report("500 inner resources, the whole", &ours, &peers, GRAPH_LIMIT) || missed;
}

static bool compare_many(enum layout layout)
{
    struct samples ours = {0}, peers = {0};
    struct world worlds[RUNS];
    struct str template_text = STR_INIT;
    bool missed = false;
    many_template(&template_text, layout);
    for (int i = 0; i < RUNS; i++) {
        struct deploy_times times;
        open_world(&worlds[i], template_text.data, NULL, layout);
        char *folder = path_join(worlds[i].folder, "peer");
        put_many(folder, OWN_FOLDERS);
        if (i % 2 == 0)
            samples_add(&peers, peer_of_many(folder));
        missed = !deploy_once(&worlds[i], &times) || missed;
        if (i % 2 == 1)
            samples_add(&peers, peer_of_many(folder));
        samples_add(&ours, times.plan_us + times.apply_us);
        world_kill(&worlds[i], SIGKILL);
        free(folder);
    }
    for (int i = 0; i < RUNS; i++)
        world_close(&worlds[i]);
    str_release(&template_text);
    return report(layout == OWN_FOLDERS ? "50 modules, each its folder" : "50 modules, one folder", &ours, &peers,
                  MANY_LIMIT) ||
           missed;
}

int main(int count, char **words)
{
    const char *only = count > 1 ? words[1] : "";
    bool missed = false;
    unsetenv("TF_CLI_CONFIG_FILE"); /* berthd gets none either */
    setenv("CHECKPOINT_DISABLE", "1", 1);
    if (!has_terraform()) {
        printf("terraform is not installed: nothing to compare\n");
        return 0;
    }
    if (!only[0] || text_equal(only, "graph"))
        missed = compare_graph() || missed;
    if (!only[0] || text_equal(only, "own"))
        missed = compare_many(OWN_FOLDERS) || missed;
    if (!only[0] || text_equal(only, "one"))
        missed = compare_many(ONE_FOLDER) || missed;
    return missed;
}
