/* SPDX-License-Identifier: ISC */
/*
 * A world in which the engine is played with: rows in memory, a clock that is set, and what supervisor and workers do, done by the test. With a store
 * facts are loaded through engine_load_*, without one they are gathered from the rows (fast enough for a million events).
 */
#ifndef TESTS_ENGINE_WORLD_H
#define TESTS_ENGINE_WORLD_H

#include "berth/config.h"
#include "berth/engine.h"
#include "berth/store.h"

#include <jansson.h>

struct world_wake {
    const char *run;
    int64_t at;
};
struct world {
    struct arena arena; /* rows and texts, until world_release */
    struct config *config;
    struct store *store; /* or NULL */
    bool follow;         /* engine_apply_effects is compared with a load after each event */
    const char *size;    /* what berth.yaml gives the template as `size`; NULL: a worker that says no settings */
    int64_t now, epoch, next_run, ids, tokens;
    VEC(const struct environment *) environments;
    VEC(const struct resource *) resources;
    VEC(const struct release *) releases;
    VEC(const struct hold *) holds;
    VEC(const struct freeze *) freezes;
    VEC(const struct run *) runs;
    VEC(const struct step *) steps;
    VEC(const struct plan *) plans;
    VEC(const struct approved_plan *) approved_plans;
    VEC(const struct approval *) approvals;
    VEC(const struct branch *) branches;
    VEC(const struct repository *) repositories;
    VEC(const struct entrypoint *) entrypoints;
    VEC(const struct environment_template *) templates;
    VEC(const struct resource_group *) groups;
    VEC(const struct recipe *) recipes;
    VEC(const struct delivery *) deliveries;
    VEC(const struct audit *) audits;
    VEC(const struct command *) commands; /* as answered, and as their runs ended */
    VEC(const char *) asked_to_stop;      /* steps whose worker was asked */
    VEC(struct world_wake) wakes;
    VEC(const char *) due;          /* runs to advance */
    VEC(const char *) slot_runs;    /* before those, until all slots are taken */
    int64_t cleaned_at;             /* the cleaner's last look, 0 none */
    const char *asked;              /* the last command … */
    const struct command *answered; /* … as answered */
    void (*on_put)(struct world *world, const struct engine_put *put, void *context);
    void *context;
};

#define WORLD_NOW INT64_C(1795269600000) /* 2026-11-21T14:00:00Z, a Saturday */

/* The configuration is the caller's. */
void world_init(struct world *world, struct config *config);
void world_use_store(struct world *world); /* a memory store, checked */
void world_release(struct world *world);
/* Parses berth.yaml, failing the test with its problems. */
struct config *world_config(const char *yaml);

/* Submits a command and lets it be answered; "" arguments are none. */
const struct command *world_command(struct world *world, const char *verb, const char *subject, const char *arguments,
                                    const char *actor, const char *via);
/* A look of the cleaner at all environments; what it asks for waits. `jumped`: the clock did since the last one. */
enum world_clock { WORLD_STEADY, WORLD_JUMPED };
void world_clean(struct world *world, enum world_clock clock);
/* Another branch that lives and has deployed there, or is about to; "" none. */
const char *world_fed_by(const struct world *world, const struct environment *environment);
/* Lets the commands be answered that wait. */
void world_accept(struct world *world);
/* Lets everything that is due go on. */
void world_settle(struct world *world);
/* Sets the clock on and wakes what wanted it. */
void world_pass(struct world *world, int64_t ms);
bool world_claim(struct world *world, const char *step);
void world_result(struct world *world, const struct step *step, enum step_status status, const char *body,
                  enum error_code code, const char *token, int64_t epoch);
void world_interrupt(struct world *world, const char *step);
/* What the running step says of its resource's inner parts, a JSON list. */
void world_inner(struct world *world, const struct step *step, const char *parts);
/* The running step says for what it waits; "": it goes on. */
void world_held_up(struct world *world, const struct step *step, const char *reason);
/* A row from elsewhere: what an observer saw, what an older berth left. */
void world_put(struct world *world, const struct record_type *type, const void *row);
void world_push(struct world *world, const char *branch, const char *commit);
/* Whole listings without it, two of them, the last one now. */
void world_lose_branch(struct world *world, const char *branch);
/* A listing of the repository app ended now. */
enum world_listing { WORLD_WHOLE, WORLD_PARTIAL };
void world_list(struct world *world, enum world_listing listing);

/* The row as it is now, or NULL. */
const struct run *world_run(const struct world *world, const char *id);
const struct command *world_command_row(const struct world *world, const char *id);
const struct step *world_step(const struct world *world, const char *id);
const struct environment *world_environment(const struct world *world, const char *name);
const struct resource *world_resource(const struct world *world, const char *environment, const char *address);
const struct plan *world_plan(const struct world *world, const char *id);
bool world_audited(const struct world *world, const char *action);
size_t world_delivered(const struct world *world, const char *event);
/* The message of the last answer. */
const char *world_answer(struct world *world);

/* Facts of a run or of an environment's name. */
void world_facts(struct world *world, const char *run, const char *name, struct engine_facts *facts);
/* Whatever engine_check finds about the run, as text; "" nothing. */
const char *world_check(struct world *world, const char *run);

/* --- for the parts of a world ------------------------------------------------------------------------------------------- */
#define GATHER(vec, rows, test)                  \
    for (size_t i = 0; i < (rows)->count; i++) { \
        if (test)                                \
            vec_push(vec, (rows)->items[i]);     \
    }
/* Writes and releases effects; `run` may be woken by them. */
void world_take(struct world *world, const char *run, struct engine_effects *effects);
/* Ids for new rows, and what else the supervisor fills in. */
void world_ids(struct world *world, struct engine_facts *facts);
const struct branch *world_branch(const struct world *world, const char *name);

#endif
