/* SPDX-License-Identifier: ISC */
/* The audit chain: appending to it, walking it, and saying as exactly as can be known where it is broken. */
#include "store/private.h"

#include "berth/base/hash.h"
#include "berth/base/str.h"
#include "berth/model/ledger.h"

#include <inttypes.h>
#include <stdio.h>

#define SEQUENCE_SIZE 32
/* A changed byte is looked for by trying: at most so many bytes of a column, so many tries in all (some seconds). */
#define SEARCH_BYTES 4096
#define SEARCH_TRIES 400000

static void sequence_id(char id[SEQUENCE_SIZE], int64_t sequence)
{
    snprintf(id, SEQUENCE_SIZE, "%016" PRId64, sequence);
}

/* The text as canonical JSON; what is no JSON becomes a JSON string, so that nothing is lost and the chain can be checked elsewhere. */
static const char *canonical(struct arena *arena, const char *text)
{
    if (text_empty(text))
        return "";
    json_t *value = json_column(text);
    if (!value)
        value = json_string(text);
    if (!value)
        value = json_string("not UTF-8");
    const char *result = json_text(arena, value);
    json_decref(value);
    return result;
}

static bool append_entry(struct store *store, const struct audit *entry, struct error *error)
{
    const struct backend_ops *ops = store->backend->ops;
    int64_t count;
    char id[SEQUENCE_SIZE], head[HASH_HEX_SIZE], hash[HASH_HEX_SIZE];
    if (!ops->get_number(store->backend, NUMBER_AUDIT_COUNT, &count, error) ||
        !ops->get_text(store->backend, TEXT_AUDIT_HEAD, head, sizeof head, error))
        return false;
    struct arena arena = {0};
    struct audit copy = *entry;
    sequence_id(id, count + 1);
    copy.id = id;
    copy.sequence = count + 1;
    copy.at = entry->at ? entry->at : store->at;
    copy.detail = canonical(&arena, entry->detail);
    copy.epoch = store->epoch;
    copy.previous = head;
    audit_hash(&copy, head, hash);
    copy.hash = hash;
    bool done = store_put_row(store, &audit_type, &copy, error) &&
                ops->set_number(store->backend, NUMBER_AUDIT_COUNT, count + 1, error) &&
                ops->set_text(store->backend, TEXT_AUDIT_HEAD, hash, error);
    arena_release(&arena);
    return done;
}

bool store_audit(struct store *store, const struct audit *entry, struct error *error)
{
    struct error local = {0};
    error = error ? error : &local;
    BUG_ON(!store->writing || store->role != STORE_OWNER);
    if (store->failed)
        return error_set(error, ERROR_STORE, "an earlier write of this transaction failed");
    bool done = store_may_write(error) && append_entry(store, entry, error);
    if (!done && error->code == ERROR_CONFLICT) /* an entry nobody counted: never a conflict to live with */
        error->code = ERROR_CORRUPT;
    return store_write_result(store, done, error);
}

/* --- checking ------------------------------------------------------------------------------------------------- */

struct walk {
    struct store *store;
    int64_t good;                    /* entries */
    char head[HASH_HEX_SIZE];        /* hash of the last good one */
    struct arena arena;              /* holds `bad` */
    const struct audit *bad, *after; /* the first that does not fit, and the one after it */
};

static bool entry_fits(const struct audit *entry, int64_t sequence, const char *head)
{
    char id[SEQUENCE_SIZE], hash[HASH_HEX_SIZE];
    struct arena arena = {0};
    sequence_id(id, sequence);
    audit_hash(entry, head, hash);
    bool fits = entry->sequence == sequence && text_equal(entry->id, id) && text_equal(entry->previous, head) &&
                text_equal(entry->hash, hash) && text_equal(entry->detail, canonical(&arena, entry->detail));
    arena_release(&arena);
    return fits;
}

static bool walk_entry(const void *row, void *context)
{
    struct walk *walk = context;
    if (walk->bad) {
        walk->after = record_copy(&audit_type, row, &walk->arena);
        return false;
    }
    const struct audit *entry = row;
    if (!entry_fits(entry, walk->good + 1, walk->head)) {
        walk->bad = record_copy(&audit_type, row, &walk->arena);
        return true;
    }
    walk->good++;
    return text_copy(walk->head, sizeof walk->head, entry->hash);
}

/* The entry with this content would have the hash that is written. */
static bool would_fit(const struct walk *walk, const struct audit *entry)
{
    char hash[HASH_HEX_SIZE];
    audit_hash(entry, walk->head, hash);
    return text_equal(hash, walk->bad->hash);
}

/* Tries every other byte at every place of a text column. True: `*place` and `*byte` are what it was. */
static bool search_text(const struct walk *walk, const struct column *column, long *tries, size_t *place, int *byte)
{
    struct audit entry = *walk->bad;
    struct arena arena = {0};
    char *text = arena_strdup(&arena, cell_text(column, walk->bad));
    cell_set_text(column, &entry, text);
    size_t length = strlen(text);
    bool found = false;
    for (size_t i = 0; !found && i < length && i < SEARCH_BYTES; i++) {
        char was = text[i];
        for (int value = 1; !found && value < 256 && *tries > 0; value++, --*tries) {
            text[i] = (char)value;
            found = text[i] != was && would_fit(walk, &entry);
            if (found) {
                *place = i;
                *byte = value;
            }
        }
        text[i] = was;
    }
    arena_release(&arena);
    return found;
}

/* The same for the eight bytes of a number. */
static bool search_number(const struct walk *walk, const struct column *column, long *tries, int64_t *was)
{
    struct audit entry = *walk->bad;
    uint64_t number = (uint64_t)cell_number(column, walk->bad);
    for (unsigned shift = 0; shift < 64; shift += 8) {
        for (uint64_t value = 0; value < 256 && *tries > 0; value++, --*tries) {
            uint64_t other = (number & ~(UINT64_C(0xff) << shift)) | value << shift;
            cell_set_number(column, &entry, (int64_t)other);
            if (other != number && would_fit(walk, &entry)) {
                *was = (int64_t)other;
                return true;
            }
        }
    }
    return false;
}

/* SHA-256 proves the answer: only the byte that was there gives the hash that is written. */
static bool search_changed_byte(const struct walk *walk, struct error *error)
{
    long tries = SEARCH_TRIES;
    size_t place;
    int byte;
    int64_t number;
    for (size_t i = 0; i < audit_type.column_count; i++) {
        const struct column *column = &audit_type.columns[i];
        if (text_equal(column->name, "previous") || text_equal(column->name, "hash"))
            continue;
        if (!cell_is_text(column) && search_number(walk, column, &tries, &number))
            return !error_detail(error, "column %s is %" PRId64 " and was %" PRId64, column->name,
                                 cell_number(column, walk->bad), number);
        if (cell_is_text(column) && search_text(walk, column, &tries, &place, &byte))
            return !error_detail(error, "column %s: byte %zu is 0x%02x and was 0x%02x", column->name, place + 1,
                                 (unsigned char)cell_text(column, walk->bad)[place], (unsigned)byte);
    }
    return false;
}

struct misplaced {
    int64_t sequence;
    struct arena *arena;
    struct audit *entry;
};

static bool find_misplaced(const void *row, void *context)
{
    struct misplaced *misplaced = context;
    if (((const struct audit *)row)->sequence == misplaced->sequence)
        misplaced->entry = record_copy(&audit_type, row, misplaced->arena);
    return misplaced->entry == NULL;
}

/* The expected entry is not at its place: an entry with another id may be it. */
static bool only_id_changed(const struct walk *walk, const char *expected, struct arena *arena, struct audit **entry)
{
    struct misplaced misplaced = {.sequence = walk->good + 1, .arena = arena};
    struct store_query query = {.type = &audit_type};
    if (!store_each(walk->store, &query, find_misplaced, &misplaced, NULL) || !misplaced.entry)
        return false;
    struct audit whole = *misplaced.entry;
    char hash[HASH_HEX_SIZE];
    whole.id = expected;
    audit_hash(&whole, walk->head, hash);
    *entry = misplaced.entry;
    return text_equal(hash, whole.hash);
}

static bool tell_missing(const struct walk *walk, const char *expected, struct error *error)
{
    struct arena arena = {0};
    struct audit *entry;
    if (only_id_changed(walk, expected, &arena, &entry))
        error_detail(error, "column id is '%s'", entry->id);
    else
        error_detail(error,
                     "column previous: entry %s is whole but follows another entry: one before it was removed,"
                     " put in or replaced",
                     walk->bad->id);
    arena_release(&arena);
    return false;
}

static bool tell_break(const struct walk *walk, const char *expected, struct error *error)
{
    const struct audit *bad = walk->bad;
    char by_head[HASH_HEX_SIZE], by_previous[HASH_HEX_SIZE], stored_head[HASH_HEX_SIZE];
    audit_hash(bad, walk->head, by_head);
    audit_hash(bad, bad->previous, by_previous);
    if (!walk->store->backend->ops->get_text(walk->store->backend, TEXT_AUDIT_HEAD, stored_head, sizeof stored_head,
                                             error))
        return false;
    error_set(error, ERROR_CORRUPT, "the audit is broken at entry %s", expected);
    struct arena arena = {0};
    bool canonical_detail = text_equal(bad->detail, canonical(&arena, bad->detail));
    arena_release(&arena);
    if (text_equal(by_previous, bad->hash) && !text_equal(bad->previous, walk->head))
        return tell_missing(walk, expected, error);
    if (text_equal(by_head, bad->hash) && !canonical_detail)
        return error_detail(error, "column detail was written in another form");
    if (text_equal(by_head, bad->hash))
        return error_detail(error, "column previous is not the hash of the entry before");
    if (text_equal(by_head, walk->after ? walk->after->previous : stored_head))
        return error_detail(error, "column hash is not the hash of the entry");
    if (search_changed_byte(walk, error))
        return false;
    return error_detail(error, "more than one byte was changed: hash does not fit the other columns");
}

/* The end of the chain is counted beside it, so that entries cut off at the end are missed. */
static bool tail_fits(struct walk *walk, struct error *error)
{
    const struct backend_ops *ops = walk->store->backend->ops;
    int64_t count;
    char head[HASH_HEX_SIZE];
    if (!ops->get_number(walk->store->backend, NUMBER_AUDIT_COUNT, &count, error) ||
        !ops->get_text(walk->store->backend, TEXT_AUDIT_HEAD, head, sizeof head, error))
        return false;
    if (walk->good == count && text_equal(head, walk->head))
        return true;
    error_set(error, ERROR_CORRUPT, "the audit is broken after entry %lld", (long long)walk->good);
    if (walk->good != count)
        return error_detail(error, "%lld entries were written, %lld are there", (long long)count,
                            (long long)walk->good);
    return error_detail(error, "the last entry is not the last one written");
}

static bool verify_chain(struct walk *walk, struct error *error)
{
    struct store_query query = {.type = &audit_type};
    if (!store_each(walk->store, &query, walk_entry, walk, error))
        return false;
    if (!walk->bad)
        return tail_fits(walk, error);
    char expected[SEQUENCE_SIZE];
    sequence_id(expected, walk->good + 1);
    return tell_break(walk, expected, error);
}

bool store_verify_audit(struct store *store, int64_t *entries, struct error *error)
{
    struct error local = {0};
    error = error ? error : &local;
    struct walk walk = {.store = store};
    bool bracket = !store->reading && !store->writing;
    if (bracket && !store_read_begin(store, error))
        return false;
    bool done = verify_chain(&walk, error);
    if (bracket)
        store_read_end(store);
    *entries = walk.good;
    if (!done && error->code == ERROR_CORRUPT)
        error_hint(error, "compare with the pushed audit ref; restore a copy of the store");
    arena_release(&walk.arena);
    return done;
}
