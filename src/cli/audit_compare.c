/* SPDX-License-Identifier: ISC */
/*
 * Compares the audit chain with the records that a ref holds. The chain has an entry for each record with the SHA-256 of its file and of its commit's text;
 * each record has the hashes of the chain's entries about its run. What differs is said with the place in both.
 */
#include "cli/audit_ref.h"

#include "berth/base/hash.h"
#include "berth/model/run_record.h"

#include <stdarg.h>
#include <stdlib.h>

struct recorded { /* one entry RECORD_ACTION of the chain */
    int64_t sequence;
    const char *run, *path, *file, *commit;
    bool found;
};
struct told {         /* what the chain says of one run */
    const char *last; /* path of its last record */
    bool again;       /* it was taken up again after that */
};
struct comparing {
    struct cli *cli;
    struct audit_comparison *comparison;
    struct audit_ref ref;
    struct store_cursor where;
    VEC(struct recorded *) recorded;
    struct map by_path, runs;
    struct error *error;
};

static void differ(struct comparing *comparing, const char *kind, int64_t sequence, const char *run, const char *commit,
                   const char *format, ...) BERTH_PRINTF(6, 7);
static void differ(struct comparing *comparing, const char *kind, int64_t sequence, const char *run, const char *commit,
                   const char *format, ...)
{
    struct str text = STR_INIT;
    va_list arguments;
    struct audit_difference difference = {.kind = kind, .sequence = sequence, .run = run, .commit = commit};

    va_start(arguments, format);
    str_addv(&text, format, arguments);
    va_end(arguments);
    difference.message = arena_strdup(&comparing->cli->arena, text.data);
    str_release(&text);
    vec_push(&comparing->comparison->differences, difference);
}

/* --- the chain ---------------------------------------------------------------------------------------------------- */

static bool goes_there(const struct comparing *comparing, const json_t *to)
{
    size_t at;
    json_t *item;

    json_array_foreach(
        to, at, item) if (text_ends(json_string_value(item),
                                    arena_printf(&comparing->cli->arena, " %s", comparing->ref.ref))) return true;
    return false;
}

static struct told *told_of(struct comparing *comparing, const char *run)
{
    struct told *told = map_get(&comparing->runs, run);

    if (told == NULL) {
        told = arena_alloc(&comparing->cli->arena, sizeof *told);
        told->last = "";
        (void)map_set(&comparing->runs, run, told);
    }
    return told;
}

static bool take_entry(const void *row, void *context)
{
    struct comparing *comparing = context;
    struct arena *arena = &comparing->cli->arena;
    const struct audit *entry = row;
    struct recorded *recorded;
    json_t *detail;
    int status;

    if (!text_equal(entry->action, RECORD_ACTION)) {
        status = text_starts(entry->action, "run.") ? word_value(run_status_names, entry->action + strlen("run.")) : -1;
        if (status >= 0 && status < (int)RUN_DONE)
            told_of(comparing, entry->run)->again = true;
        return true;
    }
    detail = json_column(entry->detail);
    recorded = arena_alloc(arena, sizeof *recorded);
    *recorded = (struct recorded){
        .sequence = entry->sequence,
        .run = arena_strdup(arena, entry->run),
        .path = arena_strdup(arena, json_get_text(detail, "path")),
        .file = arena_strdup(arena, json_get_text(detail, "file")),
        .commit = arena_strdup(arena, json_get_text(detail, "commit")),
    };
    *told_of(comparing, recorded->run) = (struct told){.last = recorded->path};
    recorded->found = !goes_there(comparing, json_object_get(detail, "to")); /* of another receiver: not looked for */
    vec_push(&comparing->recorded, recorded);
    (void)map_set(&comparing->by_path, recorded->path, recorded);
    json_decref(detail);
    return true;
}

/* --- a record against the chain and the rows -------------------------------------------------------------------------- */

/* The entries as the record has them against those of the chain: the first that is another. */
static bool entries_agree(struct comparing *comparing, const json_t *record, const struct recorded *recorded,
                          const struct audit_commit *commit)
{
    size_t at;
    json_t *item;

    json_array_foreach(json_object_get(json_object_get(record, "chain"), "entries"), at, item)
    {
        int64_t sequence = json_get_int(item, "sequence");
        struct audit entry;
        char id[24], hash[HASH_HEX_SIZE];

        snprintf(id, sizeof id, "%016lld", (long long)sequence);
        switch (store_get(comparing->cli->store, &audit_type, id, &comparing->cli->arena, &entry, comparing->error)) {
        case STORE_ERROR: return false;
        case STORE_MISSING:
            differ(comparing, "chain", sequence, recorded->run, commit->id, "the chain has no entry %lld (%s)",
                   (long long)sequence, json_get_text(item, "action"));
            return true;
        case STORE_FOUND: break;
        }
        audit_hash(&entry, entry.previous, hash);
        if (text_equal(hash, json_get_text(item, "hash")))
            continue;
        differ(comparing, "chain", sequence, recorded->run, commit->id,
               "entry %lld of the chain (%s) is not the one that was recorded (%s)", (long long)sequence, entry.action,
               json_get_text(item, "action"));
        return true;
    }
    return true;
}

static bool row_agrees(struct comparing *comparing, const struct record_type *type, const json_t *part,
                       const struct recorded *recorded, const struct audit_commit *commit)
{
    const char *id = json_get_text(part, "id"), *key;
    void *row = arena_alloc(&comparing->cli->arena, type->size);
    enum store_found found = store_get(comparing->cli->store, type, id, &comparing->cli->arena, row, comparing->error);
    json_t *now, *value;

    if (found == STORE_MISSING)
        differ(comparing, "row", recorded->sequence, recorded->run, commit->id, "%s has no row %s any more", type->name,
               id);
    if (found != STORE_FOUND)
        return found == STORE_MISSING;
    now = record_to_json(type, row);
    json_object_foreach((json_t *)(uintptr_t)part, key, value)
    {
        char *is, *was;

        if (record_column(type, key) == NULL || json_equal(value, json_object_get(now, key)))
            continue;
        is = json_dumps(json_object_get(now, key), JSON_COMPACT | JSON_ENCODE_ANY);
        was = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        differ(comparing, "row", recorded->sequence, recorded->run, commit->id,
               "%s %s: column %s is %.120s, the record says %.120s", type->name, id, key, is != NULL ? is : "?",
               was != NULL ? was : "?");
        free(is);
        free(was);
    }
    json_decref(now);
    return true;
}

static bool rows_agree(struct comparing *comparing, const json_t *record, const struct recorded *recorded,
                       const struct audit_commit *commit)
{
    static const struct {
        const char *key;
        const struct record_type *type;
    } lists[] = {{"steps", &step_type}, {"plans", &plan_type}, {"approvals", &approval_type}};
    const struct told *told = told_of(comparing, recorded->run);
    const json_t *made = json_object_get(json_object_get(record, "releases"), "made");
    size_t at;
    json_t *item;

    if (told->again || !text_equal(told->last, recorded->path))
        return true; /* the run went on: its rows tell of a later end */
    if (!row_agrees(comparing, &run_type, json_object_get(record, "run"), recorded, commit) ||
        (json_is_object(made) && !row_agrees(comparing, &release_type, made, recorded, commit)))
        return false;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        json_array_foreach(json_object_get(record, lists[i].key), at,
                           item) if (!row_agrees(comparing, lists[i].type, item, recorded, commit)) return false;
    return true;
}

static bool is_hash_of(const char *hex, const char *bytes, size_t length)
{
    char hash[HASH_HEX_SIZE];

    hash_sha256(bytes, length, hash);
    return text_equal(hash, hex);
}

static bool compare_record(struct comparing *comparing, struct recorded *recorded, const struct audit_commit *commit)
{
    size_t before = comparing->comparison->differences.count;
    json_t *record = json_loadb(commit->file, commit->file_length, 0, NULL);
    bool whole = is_hash_of(recorded->file, commit->file, commit->file_length), done;

    recorded->found = true;
    done = entries_agree(comparing, record, recorded, commit);
    if (!whole)
        differ(comparing, "changed", recorded->sequence, recorded->run, commit->id,
               "%s there is not what was recorded: its SHA-256 is another", recorded->path);
    if (!is_hash_of(recorded->commit, commit->text, commit->text_length))
        differ(comparing, "changed", recorded->sequence, recorded->run, commit->id,
               "the message, author or date of the commit is not what was recorded");
    if (done && whole)
        done = rows_agree(comparing, record, recorded, commit);
    comparing->comparison->runs += comparing->comparison->differences.count == before;
    json_decref(record);
    return done;
}

/* --- the ref ---------------------------------------------------------------------------------------------------------- */

static bool is_of_another_store(const struct comparing *comparing, const char *path)
{
    const char *store = text_starts(path, RECORD_FOLDER) ? path + strlen(RECORD_FOLDER) : "";

    return !text_empty(store) && strncmp(store, comparing->where.store_id, strlen(comparing->where.store_id)) != 0;
}

static bool compare_commit(struct comparing *comparing, const struct audit_commit *commit)
{
    struct recorded *recorded;

    if (text_empty(commit->path)) {
        differ(comparing, "unknown", 0, "", commit->id, "the commit %s: it does not add one record and nothing else",
               commit->odd);
        return true;
    }
    if (is_of_another_store(comparing, commit->path)) {
        comparing->comparison->others++;
        return true;
    }
    recorded = map_get(&comparing->by_path, commit->path);
    if (recorded != NULL)
        return compare_record(comparing, recorded, commit);
    differ(comparing, "unknown", 0, "", commit->id, "the chain does not know %s", commit->path);
    return true;
}

enum absence { ABSENT, ABSENT_YET, ABSENT_WHEN_READ };
/* Why a record is not there: it waits, or came while the ref was being read. */
static enum absence absence_of(struct comparing *comparing, const struct recorded *recorded, const char **error)
{
    struct delivery *rows;
    size_t count;

    if (!session_list(comparing->cli, &delivery_type, "run", recorded->run, false, 0, &rows, &count, comparing->error))
        return ABSENT;
    for (size_t i = 0; i < count; i++) {
        if (!text_equal(rows[i].event, DELIVERY_RECORD))
            continue;
        if (rows[i].status == DELIVERY_DONE && rows[i].delivered_at >= comparing->ref.read_at)
            return ABSENT_WHEN_READ;
        if (rows[i].status == DELIVERY_DONE)
            continue;
        *error = rows[i].error;
        if (rows[i].status == DELIVERY_WAITING)
            return ABSENT_YET;
    }
    return ABSENT;
}

static void tell_missing(struct comparing *comparing)
{
    for (size_t i = 0; i < comparing->recorded.count; i++) {
        const struct recorded *recorded = comparing->recorded.items[i];
        const char *error = "";
        enum absence absence = recorded->found ? ABSENT_WHEN_READ : absence_of(comparing, recorded, &error);

        if (absence == ABSENT_WHEN_READ)
            continue;
        if (absence == ABSENT_YET)
            differ(comparing, "waiting", recorded->sequence, recorded->run, "",
                   "run %s ended and is not there yet, it waits to be delivered%s%s", recorded->run,
                   text_empty(error) ? "" : ": ", error);
        else
            differ(comparing, "missing", recorded->sequence, recorded->run, "", "run %s ended and is not there%s%s",
                   recorded->run, text_empty(error) ? "" : ": ", error);
    }
}

static int by_sequence(const void *a, const void *b)
{
    const struct audit_difference *left = a, *right = b;
    int64_t first = left->sequence != 0 ? left->sequence : INT64_MAX;
    int64_t second = right->sequence != 0 ? right->sequence : INT64_MAX;

    return (first > second) - (first < second);
}

bool audit_compare(struct cli *cli, const struct audit_ref *ref, struct audit_comparison *comparison,
                   struct error *error)
{
    struct comparing comparing = {.cli = cli, .comparison = comparison, .ref = *ref, .error = error};
    struct store_query query = {.type = &audit_type};
    bool done = store_cursor(cli->store, &comparing.where, error) &&
                store_each(cli->store, &query, take_entry, &comparing, error);

    for (size_t i = 0; done && i < ref->commits.count; i++)
        done = compare_commit(&comparing, &ref->commits.items[i]);
    if (done)
        tell_missing(&comparing);
    if (comparison->differences.count > 1)
        qsort(comparison->differences.items, comparison->differences.count, sizeof *comparison->differences.items,
              by_sequence);
    map_release(&comparing.by_path);
    map_release(&comparing.runs);
    vec_release(&comparing.recorded);
    return done;
}
