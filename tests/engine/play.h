/* SPDX-License-Identifier: ISC */
/* What workers answer in a played world, from a few words: resources as "name needs other", plans and results that go well. */
#ifndef TESTS_ENGINE_PLAY_H
#define TESTS_ENGINE_PLAY_H

#include "world.h"

/* One wanted resource; unset members are the plainest. */
struct play_resource {
    const char *name, *needs, *uses; /* needs: "a,b"; uses: the resource whose output `url` its spec names */
    int64_t attempts;
    bool repeatable, external, data, replans;
};
/* A prepare result's body. `checks` is a JSON list or "". */
const char *play_prepare(struct world *world, const char *environment, const char *commit,
                         const struct play_resource *resources, size_t count, const char *checks);
const char *play_plan(struct world *world, const char *action, const char *digest);
/* Claims the step and gives it a good result: a plan makes what is not recorded, updates what is, destroys what is not wanted. */
void play_step(struct world *world, const char *step);
/* Claims the step, which planned again and asks: it would do something else than was approved. */
void play_asks(struct world *world, const char *step, const char *plan);
/* Plays every step of the run that is ready, until none is. */
void play_all(struct world *world, const char *run);

/* A policy with the kinds of environments that sentences are about. */
extern const char play_yaml[];

#endif
