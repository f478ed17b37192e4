/* SPDX-License-Identifier: ISC */
/*
 * Records of runs that ended: what the engine wrote down is joined with the part of the audit chain that was stored in the same transaction, becomes the
 * two texts that receivers keep as they are, and an entry of the chain that holds their hashes.
 */
#include "agent/supervisor.h"

#include "berth/base/hash.h"
#include "berth/base/str.h"
#include "berth/base/time.h"
#include "berth/config.h"
#include "berth/model/run_record.h"
#include "berth/store.h"

#include <stdlib.h>

#define RECORD_LIMIT ((size_t)8 << 20) /* bytes of a record; a larger one goes without its plans and steps */

bool run_record_is(const struct engine_put *put)
{
    return put->type == &delivery_type && put->row != NULL &&
           text_equal(((const struct delivery *)put->row)->event, DELIVERY_RECORD);
}

/* --- the chain ------------------------------------------------------------------------------------------------------ */

struct chain {
    json_t *entries;
    int64_t first, last;
    int64_t endings; /* how often the run has ended so far */
    char hash[HASH_HEX_SIZE];
};

static bool is_ending(const char *action)
{
    const char *status = text_starts(action, "run.") ? action + strlen("run.") : "";
    return word_value(run_status_names, status) >= (int)RUN_DONE;
}

static bool take_entry(const void *row, void *context)
{
    static const char *const kept[] = {"sequence", "at", "action", "actor", "person", "result", "reason", "hash", NULL};
    const struct audit *entry = row;
    struct chain *chain = context;
    json_t *whole = record_to_json(&audit_type, entry), *part = json_object();
    for (const char *const *name = kept; *name; name++)
        json_object_set(part, *name, json_object_get(whole, *name));
    json_array_append_new(chain->entries, part);
    json_decref(whole);
    if (chain->first == 0)
        chain->first = entry->sequence;
    chain->last = entry->sequence;
    chain->endings += is_ending(entry->action);
    return text_copy(chain->hash, sizeof chain->hash, entry->hash);
}

static bool read_chain(struct supervisor *supervisor, const char *run, struct chain *chain, struct error *error)
{
    struct store_query query = {.type = &audit_type, .index = "run", .equal = {run}};
    *chain = (struct chain){.entries = json_array()};
    return store_each(supervisor->store, &query, take_entry, chain, error);
}

/* --- the texts ------------------------------------------------------------------------------------------------------ */

struct record {
    struct str path, file, commit;
};

static void add_path(struct str *out, const char *store, const json_t *run, int64_t ended_at, int64_t ending)
{
    struct civil ended = civil_from_instant(NULL, ended_at);
    str_addf(out, RECORD_FOLDER "%s/%04d/%02d/%06lld", store, ended.year, ended.month,
             (long long)json_get_int(run, "number"));
    if (ending > 1)
        str_addf(out, "-%lld", (long long)ending);
    str_add(out, ".json");
}

static void add_file(struct str *out, json_t *file)
{
    char *text = json_dumps(file, JSON_INDENT(1) | JSON_SORT_KEYS);
    if (text && strlen(text) > RECORD_LIMIT) {
        free(text);
        json_object_del(file, "plans");
        json_object_del(file, "steps");
        json_object_set_new(file, "cut", json_true());
        text = json_dumps(file, JSON_INDENT(1) | JSON_SORT_KEYS);
    }
    str_add(out, text ? text : "{}");
    str_add_char(out, '\n');
    free(text);
}

/* All of a commit but its tree and parent. */
static void add_commit(struct str *out, const json_t *payload, const struct record *record, const struct chain *chain,
                       const char *store, int64_t ended_at)
{
    const json_t *author = json_object_get(payload, "author");
    const char *run = json_get_text(json_object_get(json_object_get(payload, "file"), "run"), "id");
    long long at = (long long)(ended_at / MS_SECOND);
    str_addf(out, "author %s <%s> %lld +0000\n", json_get_text(author, "name"), json_get_text(author, "email"), at);
    str_addf(out, "committer " RECORD_COMMITTER " %lld +0000\n\n%s\n", at, json_get_text(payload, "message"));
    str_addf(out, "Berth-Run: %s\nBerth-Store: %s\nBerth-Record: %s\n", run, store, record->path.data);
    str_addf(out, "Berth-Audit: %lld..%lld %s\n", (long long)chain->first, (long long)chain->last, chain->hash);
}

static void record_release(struct record *record)
{
    str_release(&record->path);
    str_release(&record->file);
    str_release(&record->commit);
}

static bool make_record(struct supervisor *supervisor, const struct delivery *delivery, json_t *payload,
                        struct record *record, struct error *error)
{
    json_t *file = json_object_get(payload, "file"), *run = json_object_get(file, "run");
    struct store_cursor where;
    struct chain chain = {.entries = NULL};
    int64_t ended_at = delivery->created_at;
    bool made = store_cursor(supervisor->store, &where, error) && read_chain(supervisor, delivery->run, &chain, error);
    if (!made) {
        json_decref(chain.entries);
        return false;
    }
    add_path(&record->path, where.store_id, run, ended_at, chain.endings);
    json_object_set_new(file, "store", json_string(where.store_id));
    json_object_set_new(file, "ending", json_integer(chain.endings));
    json_object_set_new(file, "chain",
                        json_pack("{s:I, s:I, s:s, s:o}", "first", (json_int_t)chain.first, "last",
                                  (json_int_t)chain.last, "hash", chain.hash, "entries", chain.entries));
    add_file(&record->file, file);
    add_commit(&record->commit, payload, record, &chain, where.store_id, ended_at);
    return true;
}

/* --- what is stored ------------------------------------------------------------------------------------------------- */

static const char *record_detail(struct arena *arena, const struct record *record, json_t *to)
{
    char file[HASH_HEX_SIZE], commit[HASH_HEX_SIZE];
    hash_sha256(record->file.data, record->file.length, file);
    hash_sha256(record->commit.data, record->commit.length, commit);
    json_t *detail =
        json_pack("{s:s, s:s, s:s, s:O}", "path", record->path.data, "file", file, "commit", commit, "to", to);
    const char *text = json_text(arena, detail);
    json_decref(detail);
    return text;
}

static bool put_delivery(struct supervisor *supervisor, const struct delivery *delivery, const struct record *record,
                         struct arena *arena, struct error *error)
{
    struct delivery whole = *delivery;
    json_t *payload = json_pack("{s:s, s:s, s:s, s:s}", "run", delivery->run, "path", record->path.data, "file",
                                record->file.data, "commit", record->commit.data);
    whole.payload = json_text(arena, payload);
    json_decref(payload);
    return store_put(supervisor->store, &delivery_type, &whole, error);
}

static bool put_entry(struct supervisor *supervisor, const struct delivery *delivery, const struct record *record,
                      const char *environment, const char *detail, struct error *error)
{
    struct audit entry = {
        .at = delivery->created_at,
        .action = RECORD_ACTION,
        .actor = "berth",
        .person = "",
        .via = "",
        .target = environment,
        .environment = delivery->environment,
        .run = delivery->run,
        .result = "ok",
        .reason = record->path.data,
        .detail = detail,
        .epoch = supervisor->epoch,
    };
    return store_audit(supervisor->store, &entry, error);
}

bool run_record_seal(struct supervisor *supervisor, const struct engine_effects *effects, struct error *error)
{
    struct record record = {STR_INIT, STR_INIT, STR_INIT};
    struct arena arena = {0};
    const struct delivery *first = NULL;
    json_t *payload = NULL, *to = json_array();
    bool sealed = true;
    for (size_t i = 0; sealed && i < effects->puts.count; i++) {
        const struct delivery *delivery = effects->puts.items[i].row;
        if (!run_record_is(&effects->puts.items[i]))
            continue;
        if (!first) {
            first = delivery;
            payload = json_column(delivery->payload);
            sealed = make_record(supervisor, delivery, payload, &record, error);
        }
        const struct config_notify *notify = config_notify_named(supervisor->config, delivery->receiver);
        if (notify)
            json_array_append_new(to, json_string(arena_printf(&arena, "%s %s", notify->repository, notify->ref)));
        sealed = sealed && put_delivery(supervisor, delivery, &record, &arena, error);
    }
    if (sealed && first) {
        const json_t *run = json_object_get(json_object_get(payload, "file"), "run");
        sealed = put_entry(supervisor, first, &record, json_get_text(run, "environment_name"),
                           record_detail(&arena, &record, to), error);
    }
    json_decref(payload);
    json_decref(to);
    record_release(&record);
    arena_release(&arena);
    return sealed;
}
