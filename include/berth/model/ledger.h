/* SPDX-License-Identifier: ISC */
/*
 * Rows that say what was asked, what is ordered and what was recorded: commands, schedules, holds, freezes, outbox,
 * audit, the daemon itself. Conventions of record.h.
 */
#ifndef BERTH_MODEL_LEDGER_H
#define BERTH_MODEL_LEDGER_H

#include "berth/model/record.h"
#include "berth/model/words.h"

/* the one door: everything that wants something done inserts one */
struct command {
    const char *id; /* ULID */
    const char *verb;
    const char *subject;   /* environment name, branch, run number …: what the verb is about */
    const char *arguments; /* JSON object */
    const char *actor;     /* "uid:1000", "token:ci", "trigger:push", "berth" */
    const char *via;       /* tui, cli, push, ttl, cron, on_failure … */
    const char *key;       /* idempotency key, unique; "" none */
    const char *reason;
    bool dry_run;
    int status; /* enum command_status: accepted while the run it started goes on, then done, or failed whatever else it ended as */
    const char *run;    /* the run it started or acted on */
    const char *answer; /* JSON: {"message","code","why":TREE} */
    int64_t submitted_at, answered_at;
    int64_t revision;
};
struct schedule {
    const char *id; /* ULID */
    const char *environment, *verb, *cron, *arguments, *owner, *last_result;
    int64_t next_at, last_at;
    bool skip_next;
    int64_t revision;
};
#define CLEANER_ASKS "cleaner" /* a hold by which the cleaner asks: a person destroys that environment, or keeps it */
struct hold {
    const char *id;          /* ULID */
    const char *environment; /* id */
    const char *kind;        /* hold, protect, evidence, foreign_run, or CLEANER_ASKS */
    const char *reason, *by;
    int64_t since, until; /* until 0: until lifted */
    const char *commit;   /* excluded commit, or "" */
    int64_t revision;
};
/* The question that the cleaner asks about an environment (its id), or NULL. */
const struct hold *hold_question(const struct hold *holds, size_t count, const char *environment);
struct freeze {
    const char *id;             /* ULID, or "config:NAME" */
    const char *tiers, *except; /* JSON lists; tiers [] means all; except: verbs */
    const char *name, *reason, *by;
    bool machines; /* stop-all: only what happens by itself */
    int64_t from, until;
    int64_t revision;
};
/* the outbox: one row an event and receiver */
#define DELIVERY_RECORD "record" /* the event of a delivery that is the record of a run that ended, see run_record.h */
#define DELIVERY_FORGET \
    "artifacts" /* event of what is told to nobody: what a run kept is removed from where the policy keeps it */
struct delivery {
    const char *id; /* ULID */
    const char *event, *environment, *run;
    const char *receiver;           /* its id in the policy (config_notify.id) */
    const char *provider, *payload; /* JSON */
    int status;                     /* enum delivery_status */
    int64_t attempts, created_at, next_at, delivered_at;
    const char *error;
    int64_t revision;
};
/* a chain: hash = SHA-256 over the previous hash and the canonical JSON of the other columns */
struct audit {
    const char *id; /* the sequence as 16 digits */
    int64_t sequence, at;
    const char *action; /* "deploy", "approve.denied", "run.done", "step.failed" … */
    const char *actor, *person, *via, *target, *environment, *run;
    const char *result; /* ok, denied, failed … */
    const char *reason;
    const char *detail; /* JSON: the why-tree of a denial, digests, before and after */
    int64_t epoch;
    const char *previous, *hash;
    int64_t revision;
};
/* the supervisor that serves (or served) this store */
struct daemon {
    const char *id; /* "berthd" */
    int64_t pid, start_ticks, epoch, started_at, ended_at;
    const char *version, *host;
    const char *state;     /* starting, serving, draining, ended */
    const char *ends_when; /* what it still waits for, for doctor */
    int64_t revision;
};

/* Tables and the indexes that store_query.index names (each orders by its last column, then by id):
 *   commands    key (key; unique) · status (status, submitted_at) · run (run, submitted_at); by id is by time of making
 *   schedules   environment (environment, next_at) · next (next_at)
 *   holds       environment (environment, since)
 *   freezes     none: few rows, by id
 *   deliveries  status (status, next_at) · run (run, created_at)
 *   audit       environment (environment, sequence) · run (run, sequence); by id is by sequence
 *   daemons     none: one row */
extern const struct record_type command_type, schedule_type, hold_type, freeze_type, delivery_type, audit_type,
    daemon_type;

/* The hash of an entry that follows one with hash `previous` ("" for the first). */
void audit_hash(const struct audit *entry, const char *previous, char hex[65]);

#endif
