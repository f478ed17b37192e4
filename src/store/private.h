/* SPDX-License-Identifier: ISC */
/*
 * The inside of struct store, shared by the files of this room that give its backend meaning.
 */
#ifndef STORE_PRIVATE_H
#define STORE_PRIVATE_H

#include "store/backend.h"

struct store {
    struct backend *backend;
    enum store_role role;
    char *folder;
    bool reading, writing;
    bool looked;       /* store_changed was called before: its first answer is always yes */
    bool failed;       /* a write of this transaction failed: it cannot be committed */
    bool wrote;        /* this transaction changed something */
    bool taken;        /* … and took its revision */
    int64_t revision;  /* of this transaction: the next one, whether taken or not */
    int64_t epoch;     /* as stored when this transaction began */
    int64_t own_epoch; /* taken by store_new_epoch through this handle, 0: none */
    int64_t at;        /* when this transaction began */
    int64_t grown;     /* bytes of values, by this transaction */
    struct error failure;
};

/* Names of the store's own numbers and texts. */
#define NUMBER_REVISION "revision"
#define NUMBER_EPOCH "epoch"
#define NUMBER_HORIZON "horizon"         /* the highest revision whose tombstone is forgotten */
#define NUMBER_VALUE_BYTES "value.bytes" /* of kept values */
#define NUMBER_AUDIT_COUNT "audit.count" /* entries of the chain */
#define NUMBER_EPOCH_PREFIX "epoch."     /* epoch.5: the revision at which epoch 5 began */
#define NUMBER_COUNTER_PREFIX "counter." /* store_next */
#define TEXT_STORE_ID "store.id"
#define TEXT_AUDIT_HEAD "audit.head" /* hash of the last entry */

struct store *store_new(struct backend *backend, enum store_role role, const char *folder) BERTH_MUST_CHECK;
/* In a transaction: the store's id where it has none. */
bool store_make_id(struct store *store, struct error *error) BERTH_MUST_CHECK;
/* Marks the transaction as failed when `done` is false and the failure is no conflict; returns `done`. */
bool store_write_result(struct store *store, bool done, struct error *error);
/* The transaction's revision, taken. */
int64_t store_take_revision(struct store *store);
/* For the Nth-call tests: false with an error when this call must fail. */
bool store_may_read(struct error *error);
bool store_may_write(struct error *error);
/* store_put for any type, the audit too. */
bool store_put_row(struct store *store, const struct record_type *type, const void *row, struct error *error);
/* feed.c: keeps the value of a change (row NULL: removed) for RECORD_HISTORY types. */
bool feed_keep(struct store *store, const struct record_type *type, const char *id, const void *row,
               struct error *error);

#endif
