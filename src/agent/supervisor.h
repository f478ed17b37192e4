/* SPDX-License-Identifier: ISC */
/*
 * The supervisor's state, shared by the files of this room that are parts of it. It is the one writer of the store and runs one event loop;
 * every handler only notes what came and wants a turn. A turn (turn.c) does all that is to be done in one durable transaction, and only after its
 * commit is anybody told.
 */
#ifndef AGENT_SUPERVISOR_H
#define AGENT_SUPERVISOR_H

#include "agent/child.h"
#include "berth/agent.h"
#include "berth/base/file.h"
#include "berth/base/memory.h"
#include "berth/base/str.h"
#include "berth/engine.h"

#include <uv.h>

struct config;
struct store;

/* A worker's result that is not stored yet. */
struct pending_result {
    char *run, *step, *json;
    int64_t attempt;
    struct child *child; /* NULL: left in the run's folder, or its worker has died since */
};
/* A step whose worker is gone (or was never ours): its tools are ended, then it is taken over. */
struct ending {
    char *run, *step, *token;
    int64_t attempt;
    int64_t since_ms;     /* monotonic, of the first signal; 0: none yet */
    uint64_t begun_ticks; /* when it was given to a worker of ours; 0: it was not ours */
    int clean;            /* looks in a row that found no tool */
    bool resolved;        /* interrupted or returned: to be told to the engine */
    bool never_started;
};
/* A step given to a worker in the open transaction; sent once that is committed. */
struct claim {
    struct child *worker;
    char *run, *step, *token, *target;
    int tier;
    struct str task; /* see task.h */
    int64_t attempt;
};
struct due_run {
    char *run;
    int64_t at_ms; /* wall clock */
};
struct aside {
    char *run;
    int64_t until_ms; /* monotonic: then it is tried again */
};
#define SUPERVISOR_NEW_IDS 32
/* A look of the cleaner, until its transaction is committed. */
struct look {
    int64_t at_ms, boot_ms, next_ms;
    bool taken;
};
/* The facts of the run that was last worked on; valid while nothing else of its environment was written. */
struct hot_run {
    char *run;
    struct arena arena;
    struct engine_facts facts;
};

struct supervisor {
    const struct agent_options *options;
    uv_loop_t loop;
    uv_poll_t bell;
    uv_signal_t signals[3];
    uv_timer_t timer;
    uv_check_t check;
    uv_idle_t again; /* active while more is to be done at once */
    struct store *store;
    struct file_lock lock, folder; /* of berthd.lock, and of the folder itself */
    ino_t database;                /* the number of the file that was opened */
    struct error lost;             /* what it serves is its own no more: it ends with this */
    int64_t epoch, started_at_ms;
    char boot[40];
    char *owner_login;
    struct config *config; /* NULL: none yet */
    char *policy_commit;
    char *setup_payload; /* of FRAME_SETUP */
    VEC(struct child *) children;
    VEC(struct pending_result) results;
    VEC(struct ending) endings;
    VEC(struct orphan) adopted;
    VEC(struct claim) claims;
    VEC(struct due_run) due;
    VEC(char *) slot_runs; /* who waits for the slot that came free, in their order; before what is due */
    bool slots_taken;      /* all of limits.runs, by the facts that were hot last; else it is not known */
    VEC(struct aside) aside;
    VEC(char *) cancel_steps, give_up_steps;
    VEC(char *) ended_runs;
    VEC(char *) left_environments; /* of those runs: looked at for what is over */
    struct hot_run hot;
    char new_ids[SUPERVISOR_NEW_IDS][27];
    int64_t next_run;           /* 0: not known */
    int64_t waited_at_revision; /* at which something was still to come */
    int64_t idle_since_ms, failed_until_ms, failed_wait_ms, observers_from_ms, watched_ms; /* monotonic */
    int64_t clean_at_ms, cleaned_at_ms; /* wall clock: the next and the last look of the cleaner; 0 none */
    int64_t cleaned_boot_ms;
    struct look look;
    VEC(char *) listed; /* repositories that were listed since this process began */
    bool look_at_lives;
    bool look_at_commands, look_at_steps, look_at_deliveries, due_everything, draining, told_draining, leave_now, ended;
    bool delivering, listing_failed, serving, tick, accepted;
    int64_t trim_at_ms, keep_at_ms,
        kept_ms; /* monotonic: when the store forgets next, when the keeper looks next (0: when something ends), when it last began; 0 never */
    VEC(char *) releasing; /* runs whose pins it was told to release, until it has said how that went */
    bool kept_all;         /* it said that it is done */
    bool begin_anew;       /* it ended, but a command came while it let go of the lock */
};

/* Asks for a turn at the end of this round of the loop. */
void supervisor_want(struct supervisor *supervisor);

/* --- turn.c: commands, results, what is due, claims: one transaction ------------------------------------------- */
void supervisor_turn(struct supervisor *supervisor);
/* Notes that a run may go on at an instant (0: now). */
void supervisor_due(struct supervisor *supervisor, const char *run, int64_t at_ms);
void supervisor_forget_slots(struct supervisor *supervisor); /* nobody is to be offered one */
/* Writes effects inside the open transaction. They are none of the hot run's events: its facts are forgotten. */
bool supervisor_apply(struct supervisor *supervisor, const struct engine_effects *effects,
                      struct error *error) BERTH_MUST_CHECK;
/* The same for an event of the hot run: the facts then agree with what was written. Releases the effects. */
bool supervisor_apply_hot(struct supervisor *supervisor, const char *run, struct engine_effects *effects,
                          struct error *error) BERTH_MUST_CHECK;
/* The run's facts, loaded or still hot. NULL with the error; the run is gone: ERROR_NOT_FOUND. */
struct engine_facts *supervisor_facts(struct supervisor *supervisor, const char *run,
                                      struct error *error) BERTH_MUST_CHECK;
void supervisor_cool(struct supervisor *supervisor); /* forgets the hot facts */
void supervisor_fill_facts(struct supervisor *supervisor, struct engine_facts *facts);

/* --- aside.c: runs that cannot be read --------------------------------------------------------------------------- */
bool aside_is(const struct supervisor *supervisor, const char *run);
void aside_put(struct supervisor *supervisor, const char *run, const struct error *error);
/* The instant on the clock of `now_ms` when it is tried again. */
int64_t aside_until_ms(const struct supervisor *supervisor, const char *run, int64_t now_ms);
void aside_release(struct supervisor *supervisor);

/* --- workers.c: starting them, giving them steps ------------------------------------------------------------------ */
void workers_ensure(struct supervisor *supervisor);
/* Says in the log where fewer steps can run at once than the policy would let. */
void workers_note_limits(const struct supervisor *supervisor);
bool workers_claim(struct supervisor *supervisor, struct error *error) BERTH_MUST_CHECK;
void workers_retire(struct supervisor *supervisor);
size_t workers_busy(const struct supervisor *supervisor);
void workers_cancel(struct supervisor *supervisor, const char *step);
/* Ends the worker of a step that was asked to stop and does not answer; recovery then ends its tools. */
void workers_give_up(struct supervisor *supervisor, const char *step);

/* --- children.c: what they say and how they go ----------------------------------------------------------------------- */
struct child *children_start(struct supervisor *supervisor, enum child_kind kind, struct error *error) BERTH_MUST_CHECK;
struct child *children_find(const struct supervisor *supervisor, enum child_kind kind);
void children_setup_all(struct supervisor *supervisor);
void children_keep_observers(struct supervisor *supervisor);
/* Once a second: ends who has said nothing for too long; whoever keeps or needs it starts the next. */
void children_end_hung(struct supervisor *supervisor);
/* What an observer brought could not be stored: it is ended, and the next one sees it again. */
void children_observe_again(struct supervisor *supervisor, enum child_kind kind);
void children_free_all(struct supervisor *supervisor);

/* --- cleaner.c: environments that end by themselves ----------------------------------------------------------------------- */
bool cleaner_is_due(const struct supervisor *supervisor);
/* Inside the turn's transaction. That it has looked counts once that is committed: cleaner_looked; cleaner_forget when it was not. */
bool cleaner_look(struct supervisor *supervisor, struct error *error) BERTH_MUST_CHECK;
void cleaner_looked(struct supervisor *supervisor);
void cleaner_forget(struct supervisor *supervisor);
/* missed.c: asks again for pushes that were refused and would be taken now; inside the turn's transaction, with the cleaner. */
bool missed_look(struct supervisor *supervisor, struct error *error) BERTH_MUST_CHECK;

/* --- cleanup.c: folders of runs and environments that are over ------------------------------------------------------------- */
/* Notes a run row that is being written; once that is committed cleanup_ended removes the folder of a run that ended, and that of its environment when it
 * is destroyed or its row went. cleanup_forget when it was not committed. */
void cleanup_note(struct supervisor *supervisor, const struct run *run);
void cleanup_note_environment(struct supervisor *supervisor, const char *environment); /* its row goes */
void cleanup_ended(struct supervisor *supervisor);
void cleanup_forget(struct supervisor *supervisor);
/* What an earlier supervisor did not come to remove. */
void cleanup_left(struct supervisor *supervisor);

/* --- recover.c: steps whose worker is gone ---------------------------------------------------------------------------- */
bool recover_running(struct supervisor *supervisor, struct error *error) BERTH_MUST_CHECK;
void recover_add(struct supervisor *supervisor, const char *run, const char *step, int64_t attempt, const char *token,
                 uint64_t begun_ticks);
/* Goes on with ending tools; outside a transaction. */
void recover_look(struct supervisor *supervisor);
/* Tells the engine of those that are resolved; inside the turn's transaction. */
bool recover_store(struct supervisor *supervisor, struct error *error) BERTH_MUST_CHECK;
void recover_forget_stored(struct supervisor *supervisor);
/* Whether it is to look again soon. */
bool recover_is_at_work(const struct supervisor *supervisor);

/* --- orphans.c: what tools left behind them ------------------------------------------------------------------------------ */
/* Once a second: whoever is a child now and was not started by us stays, unless a worker has died and it may be its. */
void orphans_adopt(struct supervisor *supervisor);
/* A worker's step has ended and its result came: who is that worker's child now is what its steps left on purpose, and stays whoever else dies. */
void orphans_note(struct child *worker);
/* That worker ends: what its steps left becomes ours. */
void orphans_inherit(struct supervisor *supervisor, const struct child *worker);
/* Signals (0: only counts) what a dead worker's tool left that carries no token. Returns how many there are. */
size_t orphans_signal(const struct supervisor *supervisor, uint64_t begun_ticks, int signal_number);

/* --- listing.c, observations.c, deliveries.c: what observers and the notifier bring --------------------------------------- */
void listing_branches(struct supervisor *supervisor, const char *payload, size_t count);
void listing_ended(struct supervisor *supervisor, const char *json, size_t length);
void listing_policy(struct supervisor *supervisor, const char *json, size_t length);
/* An observer that looked at a repository was ended: it had said nothing for so long. */
void listing_hung(struct supervisor *supervisor, const char *repository, int64_t silent_ms);
/* Those that are of a branch, destroyed ones too; in the arena. */
bool listing_environments(struct supervisor *supervisor, const struct branch *branch, struct arena *arena,
                          struct environment **rows, size_t *count, struct error *error) BERTH_MUST_CHECK;
/* Whether a listing of it ended since this process began: until then a branch may have come back while nobody looked. */
bool listing_is_fresh(const struct supervisor *supervisor, const char *repository);
bool listing_load_policy(struct supervisor *supervisor, struct error *error) BERTH_MUST_CHECK;

/* --- lives.c: ends that move; both inside a transaction ------------------------------------------------------------------ */
/* A push prolongs the life of what counts it from there, deployed or not. */
bool lives_pushed(struct supervisor *supervisor, const struct branch *branch, struct arena *arena,
                  struct error *error) BERTH_MUST_CHECK;
/* That policy takes the place of the one in force: living environments end by its `ttl`. */
bool lives_by_policy(struct supervisor *supervisor, const struct config *config, struct error *error) BERTH_MUST_CHECK;

void observations_take(struct supervisor *supervisor, const char *json, size_t length);
void deliveries_send(struct supervisor *supervisor);
/* Whether the notifier is removing what an earlier end of that run left: what a step kept meanwhile would go with it. */
bool deliveries_forget_now(const struct supervisor *supervisor, const char *run);
void deliveries_taken(struct supervisor *supervisor, struct child *notifier, const char *json, size_t length);
/* The notifier is gone in the middle of its delivery: nobody knows whether that came, so it is tried again, later like any that failed. */
void deliveries_lost(struct supervisor *supervisor, const struct child *notifier);

/* --- run_record.c: records of runs that ended, see run_record.h ---------------------------------------------------------- */
bool run_record_is(const struct engine_put *put);
/* After the puts and audit entries of the same effects were stored: completes and stores the records among them. */
bool run_record_seal(struct supervisor *supervisor, const struct engine_effects *effects,
                     struct error *error) BERTH_MUST_CHECK;

/* --- lifetime.c: when it ends ------------------------------------------------------------------------------------------- */
bool lifetime_begin(struct supervisor *supervisor, struct error *error) BERTH_MUST_CHECK;
bool lifetime_serving(struct supervisor *supervisor, struct error *error) BERTH_MUST_CHECK;
void lifetime_unlock(struct supervisor *supervisor);
/* Ends the loop when draining is over or nothing is to come. */
void lifetime_look(struct supervisor *supervisor);
void lifetime_end(struct supervisor *supervisor);
/* Once a second: what was deleted, moved or replaced under it ends it. */
void lifetime_watch_place(struct supervisor *supervisor);

#endif
