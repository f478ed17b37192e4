/* SPDX-License-Identifier: ISC */
/* What workers answer in a played world, from a few words: resources as "name needs other", plans and results that go well. */
#ifndef TESTS_ENGINE_PLAY_H
#define TESTS_ENGINE_PLAY_H

#include "world.h"

/* --- a world of a sentence, with a store and followed facts: with cmocka's own assertions --------------------------------- */
#define OWNER "uid:1000"
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
#define assert_status(world, run, status_name) \
    assert_string_equal(word_name(run_status_names, world_run(world, run)->status), status_name)

/* `pushes`: branches with their commits, two texts each, NULL ends. */
int play_begin(void **state, const char *yaml, const char *const *pushes);
/* Nothing illegal is left of any run. */
int play_end(void **state);
/* Another berth.yaml from now on. */
void play_policy(struct world *world, const char *yaml);
/* The owner asks for it; the command's status. */
int play_command(struct world *world, const char *verb, const char *subject, const char *arguments);
/* Deploys, and it is accepted: the run. */
const char *play_deploy(struct world *world, const char *subject);
/* Approves what the run has planned; the command's status. */
int play_approve(struct world *world, const char *run);
/* Claims the step and lets it end so. */
void play_ends(struct world *world, const char *step, enum step_status status, const char *body, enum error_code code);

/* One wanted resource; unset members are the plainest. */
struct play_resource {
    const char *name, *needs, *uses; /* needs: "a,b"; uses: the resource whose output `url` its spec names */
    int64_t attempts;
    bool repeatable, external, data, replans;
    const char *executor; /* NULL: exec */
};
/* A prepare result's body. `checks` is a JSON list or "". */
const char *play_prepare(struct world *world, const char *environment, const char *commit,
                         const struct play_resource *resources, size_t count, const char *checks);
const char *play_plan(struct world *world, const char *action, const char *digest);
/* Claims the step and gives it a good result: a plan makes what is not recorded, updates what is, destroys what is not wanted. */
void play_step(struct world *world, const char *step);
/* Claims the step, which planned again and asks: it would do something else than was approved. */
void play_asks(struct world *world, const char *step, const char *plan);
/* Plays every step of the run that is ready, until none is; the second those of one phase alone. */
void play_all(struct world *world, const char *run);
void play_phase(struct world *world, const char *run, enum step_phase phase);

/* A policy with the kinds of environments that sentences are about. */
extern const char play_yaml[];

#endif
