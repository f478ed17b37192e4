/* SPDX-License-Identifier: ISC */
/*
 * What the dashboard knows of the store: environments, branches and runs as rows in memory, loaded in pieces between key presses and kept
 * current by the feed, so that a row's place in its array (its identity) never changes while the picture stands. A change costs what changed.
 */
#ifndef UI_PICTURE_H
#define UI_PICTURE_H

#include "berth/base/memory.h"
#include "berth/model/environment.h"
#include "berth/model/ledger.h"
#include "berth/model/run.h"

struct store;

#define PICTURE_RUNS 2000 /* newest runs that are held */

struct branch_row {   /* 100,000 of these are in memory: only what a list shows */
    const char *id;   /* REPOSITORY:NAME */
    const char *name; /* inside `id` */
    const char *subject, *author;
    char commit[9]; /* its front */
    bool is_default, is_gone, is_removed;
    int32_t ahead, behind, pull_request;
    int64_t committed_at, pushed_at;
};
struct row_index { /* id to place; open addressing */
    struct row_slot {
        uint32_t place, hash; /* place + 1, 0: empty; the front of the id's hash: growing looks at no id */
    } * slots;
    size_t room, count;
};
enum picture_part {
    PICTURE_ENVIRONMENTS = 1 << 0,
    PICTURE_BRANCHES = 1 << 1,
    PICTURE_RUNS_PART = 1 << 2,
    PICTURE_AROUND = 1 << 3, /* daemon, repositories, policy, sweeps, holds, freezes, commands */
    PICTURE_DETAIL = 1 << 4, /* anything else: resources, steps, plans … */
    PICTURE_ALL = 31
};

struct picture; /* opaque but for these reads */
struct picture *picture_new(struct store *store) BERTH_MUST_CHECK;
void picture_free(struct picture *picture);

/* Reads what a first screen of `rows` rows shows; then picture_load reads the rest, a few milliseconds a call, and says whether more is to come. */
bool picture_first(struct picture *picture, size_t rows, struct error *error) BERTH_MUST_CHECK;
bool picture_load(struct picture *picture, int64_t budget_us, bool *more, struct error *error) BERTH_MUST_CHECK;
/* Reads everything anew, on request; rows keep their places. */
bool picture_again(struct picture *picture, struct error *error) BERTH_MUST_CHECK;
/* Follows the feed; `*changed` gets enum picture_part bits. A feed that cannot be followed starts the picture again. */
bool picture_follow(struct picture *picture, unsigned *changed, struct error *error) BERTH_MUST_CHECK;

/* Rows by their place; NULL when the row was removed. */
size_t picture_count(const struct picture *picture, enum picture_part part);
const struct environment *picture_environment_at(const struct picture *picture, size_t place);
const struct branch_row *picture_branch_at(const struct picture *picture, size_t place);
const struct run *picture_run_at(const struct picture *picture, size_t place);
/* Grows by one whenever rows of a part changed: what was sorted or filtered by them is out of date. */
uint64_t picture_version(const struct picture *picture, enum picture_part part);
bool picture_loading(const struct picture *picture, enum picture_part part);

/* The environment of a branch (its id) that is not destroyed, the first by name when there are several; by id; by name; NULL: none. */
const struct environment *picture_environment_of_branch(struct picture *picture, const char *branch_id);
const struct environment *picture_environment(const struct picture *picture, const char *id);
const struct environment *picture_environment_named(const struct picture *picture, const char *name);
const struct branch_row *picture_branch(const struct picture *picture, const char *id);
const struct run *picture_run(const struct picture *picture, const char *id);
/* The run of an environment, by its name, that a person means: the newest that waits at its gate, else the newest; NULL: none held. */
const struct run *picture_run_of(const struct picture *picture, const char *environment_name);

struct surroundings {                /* few rows, read again whole when one of them changes */
    const struct daemon *daemon;     /* NULL: none ever served */
    const struct policy_row *policy; /* NULL: not loaded yet */
    const struct repository *repositories;
    size_t repository_count;
    const struct hold *holds;
    size_t hold_count;
    const struct freeze *freezes;
    size_t freeze_count;
    int64_t listed_at, watched_at; /* the oldest sweep of a repository; the newest of anything else that is looked at */
};
const struct surroundings *picture_surroundings(const struct picture *picture);
/* Why the first row that cannot be read cannot; "": all can. Such rows are left out. */
const char *picture_unread(const struct picture *picture);

#endif
