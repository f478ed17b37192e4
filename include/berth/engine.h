/* SPDX-License-Identifier: ISC */
/*
 * The engine: what happens next. Pure: rows, configuration and an instant in; rows to write out. No clock, no network, no file, no store
 * inside; the supervisor loads the facts, calls, and commits the effects in one transaction.
 *
 * Workflow edges are data (engine_edges): from, event, guard, to, effect. An event that no edge covers is a conflict: nothing changes but an audit entry.
 */
#ifndef BERTH_ENGINE_H
#define BERTH_ENGINE_H

#include "berth/base/memory.h"
#include "berth/model/environment.h"
#include "berth/model/ledger.h"
#include "berth/model/result.h"
#include "berth/model/run.h"

struct config;
struct store;

/* A run that is at work, against the limits of its entry's target and tier. */
struct engine_active {
    const char *run, *entry;
};
/* Everything the engine may look at for one environment (and one run). Arrays of pointers to rows; the rows are read-only. */
struct engine_facts {
    int64_t now_ms, epoch;
    const struct config *config;
    const char *policy_commit;
    int64_t owner_uid; /* of the store: embedded mode's admin; -1 none */
    const char *owner_login;
    const struct environment *environment; /* NULL: none yet */
    VEC(const struct resource *) resources;
    VEC(const struct release *) releases; /* newest first */
    VEC(const struct hold *) holds;
    VEC(const struct freeze *) freezes;
    VEC(const struct run *) runs; /* of the environment (or environment name), not ended, oldest first */
    const struct run *run;        /* the one an event is about, or NULL */
    const struct run *answer;     /* the newest run that answers its failure, while it waits for that; or NULL */
    const struct run *failed;     /* the run whose failure a roll-back answers, or NULL … */
    VEC(const struct plan *) failed_plans; /* … and what that had planned */
    VEC(const struct step *) steps;        /* of `run` */
    VEC(const struct plan *) plans;
    VEC(const struct approval *) approvals; /* oldest first */
    const struct branch *branch;            /* the one the command names, when known */
    const struct branch *ref_branch;        /* the one its argument `ref` names, when there is one */
    /* Of a destroy: the environment's own branch, and its repository once who serves now has listed it; or NULL. What its end is judged by. */
    const struct branch *own_branch;
    const struct repository *own_repository;
    const char *fed_by;  /* the same as of clean_facts, for the environment whose own branch went; "" or NULL none */
    int64_t runs_active; /* in the workspace, against limits.runs */
    VEC(struct engine_active) active; /* the same one by one; only where a target or tier limits runs */
    int64_t living_in_tier;           /* environments, of the tier of the one that a deploy would make */
    int64_t next_run;                 /* number a new run would take */
    /* The environment's groups, templates and links, as recorded. */
    VEC(const struct entrypoint *) entrypoints;
    VEC(const struct environment_template *) templates;
    VEC(const struct resource_group *) groups;
    VEC(const char *)
    waiting; /* runs of the workspace that wait for a slot (opened gates first) and may have one, or for what a command may lift */
    const struct command *command; /* the one that `run` came from, or NULL */
    const char *applied_run;       /* the run that last took this environment's lock to change it, "" none */
    int64_t applied_at;            /* when it first did */
    const char *slug;              /* the slug a new environment of that name would take … */
    bool slug_taken;               /* … and whether another living environment has it */
    char (*new_id)[27];            /* ids for new rows, made by the caller: the engine has no randomness */
    size_t new_id_count;
    const char *
        damaged; /* a row about what a command means cannot be read, and this is why: the command is refused. NULL: all were read */
};

struct engine_put {
    const struct record_type *type;
    const void *row; /* in the effects' arena; NULL: remove `id` */
    const char *id;
};
struct engine_effects {
    struct arena *arena;
    VEC(struct engine_put) puts; /* in order; later ones of the same row win */
    VEC(const struct audit *) audits;
    VEC(const char *) cancel_steps; /* running steps whose worker must be asked to stop */
    VEC(const char *)
    give_up_steps; /* the same, but a person asked again: a worker that does not answer must not keep them waiting */
    VEC(const char *) touched_runs; /* other runs to advance next (lock freed, a command lifted what they wait for) */
    /* A slot came free: runs to advance in this order before any other, until all slots are taken. Who is left then need not be advanced: the next slot
     * that comes free names them again. */
    VEC(const char *) slot_runs;
    bool took_run_number;
    int64_t wake_at; /* earliest instant at which time alone changes something for this run, 0: none */
};
void engine_effects_init(struct engine_effects *effects, struct arena *arena);
void engine_effects_release(struct engine_effects *effects); /* the vectors; not the arena */

/* Loads the facts from a store inside the caller's read bracket. For a command (`run` may come from its subject), for a run. Text lives in the arena. */
bool engine_load_for_command(struct store *store, const struct command *command, const struct config *config,
                             int64_t now_ms, struct arena *arena, struct engine_facts *facts,
                             struct error *error) BERTH_MUST_CHECK;
bool engine_load_for_run(struct store *store, const char *run, const struct config *config, int64_t now_ms,
                         struct arena *arena, struct engine_facts *facts, struct error *error) BERTH_MUST_CHECK;
void engine_facts_release(struct engine_facts *facts); /* the vectors */

/* Accepts or refuses a command: answers its row (put), writes the audit entry, inserts a run, an approval, a hold … Every verb that acts is here. */
void engine_accept(const struct engine_facts *facts, const struct command *command, struct engine_effects *effects);
/* A step ended. A result whose token or epoch is not the step's is ignored with an audit entry. */
void engine_step_result(const struct engine_facts *facts, const struct step_result *result,
                        struct engine_effects *effects);
/* The worker of a running step is proven dead and left no result. */
void engine_step_interrupted(const struct engine_facts *facts, const char *step, struct engine_effects *effects);
/* A claimed step is proven never to have been begun: it is ready again, the attempt does not count as used (but its number goes on: the next claim
 * takes attempt + 1, for files of the old attempt exist). Whatever the executor: nothing was done. */
void engine_step_returned(const struct engine_facts *facts, const char *step, struct engine_effects *effects);
/* What a running step says of its resource's inner parts while it works (list as apply_result.inner). Of another attempt: nothing. */
void engine_step_inner(const struct engine_facts *facts, const char *step, const char *token, const json_t *parts,
                       struct engine_effects *effects);
/* A running step waits for what somebody outside holds: `reason` is shown at it and its run until it ends or goes on (""). Of another attempt: nothing. */
void engine_step_held_up(const struct engine_facts *facts, const char *step, const char *token, const char *reason,
                         struct engine_effects *effects);
/* Brings the facts of a run (engine_load_for_run) up to date with effects that were written, so that several events of one run need one load: rows are
 * replaced, added and removed in the vectors, counts kept. Rows are borrowed from the effects' arena, which must live as long as the facts. */
void engine_apply_effects(struct engine_facts *facts, const struct engine_effects *effects);
/* Marks a step claimed (running, attempt+1, token, epoch, started_at). The supervisor chooses which ready steps. */
void engine_step_claimed(const struct engine_facts *facts, const char *step, const char *token,
                         struct engine_effects *effects);
/* A ready step is held by something outside its run, a limit: `reason` is shown at it until it is claimed. */
void engine_step_waits(const struct engine_facts *facts, const char *step, const char *reason,
                       struct engine_effects *effects);
/* Whatever can go on now: next phase, gate, lock, expiry, backoff, queue. Idempotent: called after every event and at wake_at. After engine_step_result
 * and engine_step_interrupted it has been done already. */
void engine_advance(const struct engine_facts *facts, struct engine_effects *effects);

/* --- environments that end by themselves --------------------------------------------------------------------- */
/* What became of an end that was asked for. All zero: it was not. */
struct clean_asked {
    bool answered; /* waiting, on its way, or a person's by now (undone, rejected, failed): it is not asked for again */
    int tries;     /* so many times it came to nothing by itself: it was refused, or called back */
    int64_t not_before; /* the next of these */
};
struct clean_facts {
    int64_t now_ms, epoch;
    int64_t looked_at; /* the last time, 0 never: what was due before was said then */
    bool clock_jumped; /* since the last time: nothing ends by itself until a person says so */
    const struct config *config;
    VEC(const struct environment *) environments; /* all that are not destroyed */
    VEC(const struct branch *) branches;          /* one an environment: the branch that owns it, NULL none known */
    VEC(struct clean_asked) asked;                /* one an environment, of its `ends_at`; empty: none was */
    VEC(const char *)
    fed_by; /* one an environment: another branch that lives and brought it commits, or is about to; "" none. Empty: nobody feeds any */
    size_t asked_for;                            /* destroys of this kind that are not answered yet */
    size_t ended_lately;                         /* environments that ended by themselves within the last hour */
    VEC(const struct repository *) repositories; /* as listed by who serves now: what was seen before proves nothing */
    VEC(const struct hold *) holds;
    VEC(const struct freeze *) freezes;
    VEC(const struct run *) runs; /* not ended, of those environments */
    char (*new_id)[27];
    size_t new_id_count;
};
void clean_facts_release(struct clean_facts *facts); /* the vectors */
/* Another branch than the environment's own that lives and brought it commits (by a release of the last 64), or is about to (by a deploy that is on its way); ""
 * none. Inside the caller's read bracket. */
bool engine_load_fed_by(struct store *store, const struct environment *environment, struct arena *arena,
                        const char **fed_by, struct error *error) BERTH_MUST_CHECK;
/* Marks what expires and what lost its branch, warns, and puts a destroy command (with its evidence as reason, and a key that makes it one an end) for what
 * is over; a cancel for a destroy that nothing asks for any more. When limits.remove_at_once or remove_share is exceeded, or the clock jumped, a hold of kind
 * CLEANER_ASKS for each instead. A listing that was not whole, or empty, proves no branch gone. effects->wake_at: the next instant that matters. */
void engine_clean(const struct clean_facts *facts, struct engine_effects *effects);
/* The key of the command that destroys it for ending then, `tries` of them having come to nothing. */
const char *engine_clean_key(struct arena *arena, const struct environment *environment, int64_t at_ms, int tries);
/* Takes in what became of the next of those commands, the first first; `run` is the one it began, or NULL. False: that answers it. */
bool engine_clean_asked(const struct command *command, const struct run *run, struct clean_asked *asked);

/* --- what keeps commits ------------------------------------------------------------------------------------- */
/* What the store needs the mirrors for, at one moment: derived from its rows each time, never counted. A commit is needed by an environment that is not
 * destroyed (what it runs, what its resources were made of: they are undone from there), by each release of it that can be rolled back to, by a run that has not
 * ended, by the newest run of an environment that failed and may be tried again, and by a recipe until its horizon. */
struct engine_pins;
/* All of it or nothing: a row that cannot be read is ERROR_DAMAGED, and then nothing may go. */
struct engine_pins *engine_pins_load(struct store *store, const struct config *config, int64_t now_ms,
                                     struct error *error) BERTH_MUST_CHECK;
void engine_pins_free(struct engine_pins *pins);
/* Who needs it: "release v3 of staging"; NULL: nobody. */
const char *engine_pins_needs(const struct engine_pins *pins, const char *repository, const char *commit);

struct engine_pin {
    const char *name, *commit; /* "runs/17" */
    const char *why;           /* of a verdict: why it goes, or who needs it */
};
/* What is to become of one mirror, whose pins were listed before `pins` was loaded: so a pin that a run took since is in no list, and one in the list
 * is of a run that is in the store. */
struct engine_pins_verdict {
    VEC(struct engine_pin) release;
    VEC(struct engine_pin) take; /* needed, and no pin holds it */
    size_t kept;
    bool wanted; /* the policy names the repository, or something needs a commit of it */
};
/* Of several pins that hold a needed commit the one of the oldest run stays, and those of runs that have not ended. Pins that are no run's and not the policy's are
 * let alone. Text lives in the arena. */
void engine_pins_judge(const struct engine_pins *pins, const char *repository, const struct engine_pin *listed,
                       size_t count, struct arena *arena, struct engine_pins_verdict *verdict);
void engine_pins_verdict_release(struct engine_pins_verdict *verdict); /* the vectors */
/* Puts the removal of rows that nothing refers to any more into the effects, at most `limit`: recipes beyond their horizon, and templates of commits that nobody
 * needs. `*more`: there are more. Inside the caller's transaction. */
bool engine_pins_sweep(struct store *store, const struct engine_pins *pins, int64_t now_ms, size_t limit,
                       struct engine_effects *effects, bool *more, struct error *error) BERTH_MUST_CHECK;

/* --- the tables, for documentation and tests ------------------------------------------------------------------ */
struct engine_turn; /* private: one call at work */
struct engine_edge {
    int from;                  /* enum run_status */
    const char *event, *guard; /* guard "": always; the first edge of an event whose guard holds is taken */
    int to;                    /* enum run_status, -1: stays */
    const char *effect;
    bool (*holds)(struct engine_turn *turn); /* NULL: always */
    void (*acts)(struct engine_turn *turn);  /* NULL: nothing but the status changes */
};
const struct engine_edge *engine_edges(size_t *count);
/* The diagram of the edges as Mermaid text, for doc/. */
void engine_diagram(struct str *out);
/* Illegal states in a set of rows, for property tests: appends a sentence for each, returns how many. */
size_t engine_check(const struct engine_facts *facts, struct str *out);

#endif
