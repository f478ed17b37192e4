/* SPDX-License-Identifier: ISC */
/* One story of the random world: what has happened, and what must hold whatever happens. */
#ifndef TESTS_ENGINE_STORY_H
#define TESTS_ENGINE_STORY_H

#include "world.h"

#include "berth/base/str.h"

#define STATUSES (RUN_CANCELLED + 1)
struct totals {
    long ways[STATUSES][STATUSES]; /* changes of status seen */
    long events, stories, runs, done, failed, held, cancelled, superseded, rejected, destroyed, ended, called_back;
};
struct story {
    struct world world;
    struct totals *totals;
    uint64_t seed, random;
    const char *event; /* what is happening now */
    const char *verb;  /* of the command that is being answered, or "" */
    struct str trail;
    size_t wrong;
    long commits;
    VEC(const char *) touched;         /* runs that were written by this event */
    long events;                       /* so many so far: instants that never tie */
    bool jumped;                       /* the clock did, since the cleaner looked */
    size_t asked_before, going_before; /* destroys that no person asked for: before a look of the cleaner */
    bool interrupts;                   /* a step is being interrupted */
    struct map planned;                /* run -> event of its plan's base */
    struct map gated;                  /* run -> event at which its gate was last opened for answers */
    struct map cut;                    /* step -> event of its last interruption */
    struct map applied;                /* environment -> event of the last taking of its lock */
    struct map applier;                /* environment -> the run that did */
    struct map proven;                 /* runs that release a lock whose holder is proven dead */
    int shapes[4];                     /* what the templates of each branch want, as bits */
};

/* Notes that something illegal was seen, in the trail. */
void wrong(struct story *story, const char *format, ...) BERTH_PRINTF(2, 3);
/* For world.on_put: looks at each row before it takes the place of the one before. */
void watch(struct world *world, const struct engine_put *put, void *context);
/* Runs engine_check for every run that was written since the last time. */
void check_touched(struct story *story);

/* Around a look of the cleaner: what it asks for is within the brakes. */
void before_clean(struct story *story);
void after_clean(struct story *story);
bool is_machines_destroy(const struct run *run);
/* That policy takes the place of the one in force: what lives ends by its `ttl`. */
void story_policy(struct story *story, struct config *config);

#endif
