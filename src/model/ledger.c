/* SPDX-License-Identifier: ISC */
/* The tables of what was asked, ordered and recorded; and the hash that chains the audit. */
#include "berth/model/ledger.h"

#include "berth/base/hash.h"
#include "berth/base/str.h"
#include "model/columns.h"

static const struct column command_columns[] = {
    TEXT(command, id),           TEXT(command, verb),
    TEXT(command, subject),      JSON(command, arguments),
    TEXT(command, actor),        TEXT(command, via),
    TEXT(command, key),          TEXT(command, reason),
    BOOL(command, dry_run),      ENUM(command, status, command_status_names),
    TEXT(command, run),          JSON(command, answer),
    TIME(command, submitted_at), TIME(command, answered_at),
};
static const struct record_index command_indexes[] = {
    {.name = "key", .columns = {"key"}, .unique = true},
    {.name = "status", .columns = {"status", "submitted_at"}},
    {.name = "run", .columns = {"run", "submitted_at"}},
};
const struct record_type command_type = {
    .name = "commands",
    RECORD_OF(command, command_columns),
    INDEXED_BY(command_indexes),
};

static const struct column schedule_columns[] = {
    TEXT(schedule, id),        TEXT(schedule, environment), TEXT(schedule, verb),        TEXT(schedule, cron),
    JSON(schedule, arguments), TEXT(schedule, owner),       TEXT(schedule, last_result), TIME(schedule, next_at),
    TIME(schedule, last_at),   BOOL(schedule, skip_next),
};
static const struct record_index schedule_indexes[] = {
    {.name = "environment", .columns = {"environment", "next_at"}},
    {.name = "next", .columns = {"next_at"}},
};
const struct record_type schedule_type = {
    .name = "schedules",
    RECORD_OF(schedule, schedule_columns),
    INDEXED_BY(schedule_indexes),
};

static const struct column hold_columns[] = {
    TEXT(hold, id), TEXT(hold, environment), TEXT(hold, kind),  TEXT(hold, reason),
    TEXT(hold, by), TIME(hold, since),       TIME(hold, until), TEXT(hold, commit),
};
static const struct record_index hold_indexes[] = {
    {.name = "environment", .columns = {"environment", "since"}},
};
const struct record_type hold_type = {
    .name = "holds",
    RECORD_OF(hold, hold_columns),
    INDEXED_BY(hold_indexes),
};

static const struct column freeze_columns[] = {
    TEXT(freeze, id), JSON(freeze, tiers),    JSON(freeze, except), TEXT(freeze, name),  TEXT(freeze, reason),
    TEXT(freeze, by), BOOL(freeze, machines), TIME(freeze, from),   TIME(freeze, until),
};
const struct record_type freeze_type = {
    .name = "freezes",
    RECORD_OF(freeze, freeze_columns),
};

static const struct column delivery_columns[] = {
    TEXT(delivery, id),          TEXT(delivery, event),
    TEXT(delivery, environment), TEXT(delivery, run),
    TEXT(delivery, receiver),    TEXT(delivery, provider),
    JSON(delivery, payload),     ENUM(delivery, status, delivery_status_names),
    INT(delivery, attempts),     TIME(delivery, created_at),
    TIME(delivery, next_at),     TIME(delivery, delivered_at),
    TEXT(delivery, error),
};
static const struct record_index delivery_indexes[] = {
    {.name = "status", .columns = {"status", "next_at"}},
    {.name = "run", .columns = {"run", "created_at"}},
};
const struct record_type delivery_type = {
    .name = "deliveries",
    RECORD_OF(delivery, delivery_columns),
    INDEXED_BY(delivery_indexes),
};

static const struct column audit_columns[] = {
    TEXT(audit, id),          INT(audit, sequence), TIME(audit, at),       TEXT(audit, action),
    TEXT(audit, actor),       TEXT(audit, person),  TEXT(audit, via),      TEXT(audit, target),
    TEXT(audit, environment), TEXT(audit, run),     TEXT(audit, result),   TEXT(audit, reason),
    JSON(audit, detail),      INT(audit, epoch),    TEXT(audit, previous), TEXT(audit, hash),
};
static const struct record_index audit_indexes[] = {
    {.name = "environment", .columns = {"environment", "sequence"}},
    {.name = "run", .columns = {"run", "sequence"}},
};
const struct record_type audit_type = {
    .name = "audit",
    RECORD_OF(audit, audit_columns),
    INDEXED_BY(audit_indexes),
    .flags = RECORD_APPEND | RECORD_CHAINED,
};

static const struct column daemon_columns[] = {
    TEXT(daemon, id),         INT(daemon, pid),        INT(daemon, start_ticks), INT(daemon, epoch),
    TIME(daemon, started_at), TIME(daemon, ended_at),  TEXT(daemon, version),    TEXT(daemon, host),
    TEXT(daemon, state),      TEXT(daemon, ends_when),
};
const struct record_type daemon_type = {
    .name = "daemons",
    RECORD_OF(daemon, daemon_columns),
};

void audit_hash(const struct audit *entry, const char *previous, char hex[65])
{
    json_t *object = record_to_json(&audit_type, entry);
    json_object_del(object, "previous");
    json_object_del(object, "hash");
    json_object_del(object, "revision");
    struct arena arena = {0};
    struct str text = STR_INIT;
    str_add(&text, previous ? previous : "");
    str_add(&text, json_text(&arena, object));
    hash_sha256(text.data, text.length, hex);
    str_release(&text);
    arena_release(&arena);
    json_decref(object);
}

const struct hold *hold_question(const struct hold *holds, size_t count, const char *environment)
{
    for (size_t i = 0; i < count; i++)
        if (text_equal(holds[i].environment, environment) && text_equal(holds[i].kind, CLEANER_ASKS))
            return &holds[i];
    return NULL;
}
