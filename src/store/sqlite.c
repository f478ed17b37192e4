/* SPDX-License-Identifier: ISC */
/* The SQLite backend: opening, versions and migration, transactions. */
#include "store/sqlite.h"

#include "berth/base/log.h"
#include "store/private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define BUSY_MS 5000 /* a backstop: writers wait for store.write, not for this */
#define LOCK_WAIT_MS 2000
/* Pages in the -wal at which a writer moves them into the database, after it let go of store.write. The owner does so long before. */
#define OWNER_CHECKPOINT 2000
#define CLIENT_CHECKPOINT 6000

static const struct backend_ops sqlite_ops;

static void sqlite_close(struct backend *backend)
{
    struct sqlite *sqlite = sqlite_of(backend);
    statements_release(sqlite);
    if (sqlite->db)
        sqlite3_close(sqlite->db);
    sqlite_bell_release(sqlite);
    file_unlock(&sqlite->lock);
    free(sqlite->folder);
    free(sqlite->bell_path);
    free(sqlite->lock_path);
    free((void *)(uintptr_t)sqlite->schema);
    free(sqlite);
}

/* --- transactions --------------------------------------------------------------------------------------------- */

/* ^Z must not stop a process that others wait for. */
static void block_stops(sigset_t *before)
{
    sigset_t stops;
    sigemptyset(&stops);
    sigaddset(&stops, SIGTSTP);
    sigaddset(&stops, SIGTTIN);
    sigaddset(&stops, SIGTTOU);
    pthread_sigmask(SIG_BLOCK, &stops, before);
}

static void unlock(struct sqlite *sqlite)
{
    file_unlock(&sqlite->lock);
    pthread_sigmask(SIG_SETMASK, &sqlite->signals, NULL);
}

/* berthd hears nothing while it waits, so it gives up and tries again in its next turn. Who waits for nothing else waits on, but not silently. */
static bool wait_on(struct sqlite *sqlite, const struct error *held, struct error *error)
{
    log_line("store", LOG_WARNING, "waiting: %s", held->message);
    return file_lock(&sqlite->lock, sqlite->lock_path, LOCK_BLOCK, error);
}

static bool lock(struct sqlite *sqlite, struct error *error)
{
    block_stops(&sqlite->signals);
    struct error held = {0};
    if (file_lock_within(&sqlite->lock, sqlite->lock_path, LOCK_WAIT_MS, &held))
        return true;
    if (sqlite->role != STORE_OWNER && held.code == ERROR_CONFLICT && wait_on(sqlite, &held, error))
        return true;
    if (error && error->code == ERROR_NONE)
        *error = held;
    pthread_sigmask(SIG_SETMASK, &sqlite->signals, NULL);
    return false;
}

static bool sqlite_read_begin(struct backend *backend, struct error *error)
{
    return sqlite_run(sqlite_of(backend), "BEGIN", error);
}

static void sqlite_read_end(struct backend *backend)
{
    sqlite3_exec(sqlite_of(backend)->db, "ROLLBACK", NULL, NULL, NULL);
}

static bool sqlite_write_begin(struct backend *backend, enum store_durability durability, struct error *error)
{
    struct sqlite *sqlite = sqlite_of(backend);
    bool synced = durability == STORE_DURABLE;
    sqlite->tombstones_known = false;
    if (!lock(sqlite, error))
        return false;
    /* FULL syncs the whole -wal at commit, so a durable commit makes the relaxed ones before it durable too. */
    if (synced != sqlite->synced) {
        if (!sqlite_run(sqlite, synced ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL", error)) {
            unlock(sqlite);
            return false;
        }
        sqlite->synced = synced;
    }
    if (sqlite_run(sqlite, "BEGIN IMMEDIATE", error))
        return true;
    unlock(sqlite);
    return false;
}

static void sqlite_write_abandon(struct backend *backend)
{
    struct sqlite *sqlite = sqlite_of(backend);
    if (!sqlite3_get_autocommit(sqlite->db))
        sqlite3_exec(sqlite->db, "ROLLBACK", NULL, NULL, NULL);
    unlock(sqlite);
}

static bool sqlite_write_commit(struct backend *backend, struct error *error)
{
    struct sqlite *sqlite = sqlite_of(backend);
    if (sqlite3_get_autocommit(sqlite->db)) {
        error_set(error, ERROR_STORE, "cannot write to the store %s: an earlier failure ended the transaction",
                  sqlite->folder);
        unlock(sqlite);
        return false;
    }
    if (!sqlite_run(sqlite, "COMMIT", error)) {
        sqlite_write_abandon(backend);
        return false;
    }
    unlock(sqlite);
    return true;
}

/* Called at each commit with the pages in the -wal: only noted, since store.write is held. */
static int note_pages(void *context, sqlite3 *db, const char *name, int pages)
{
    (void)db, (void)name;
    ((struct sqlite *)context)->wal_pages = pages;
    return SQLITE_OK;
}

/* After the commit is told: nobody waits for store.write meanwhile. A failure shows again at the next commit. */
static void checkpoint(struct sqlite *sqlite)
{
    int limit = sqlite->role == STORE_OWNER ? OWNER_CHECKPOINT : CLIENT_CHECKPOINT;
    if (sqlite->wal_pages < limit)
        return;
    sqlite->wal_pages = 0;
    sqlite3_wal_checkpoint_v2(sqlite->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

static void ring_and_checkpoint(struct backend *backend)
{
    sqlite_ring(backend);
    checkpoint(sqlite_of(backend));
}

/* --- versions and migration ------------------------------------------------------------------------------------- */

static bool pragma_number(struct sqlite *sqlite, const char *name, int64_t *value, struct error *error)
{
    char sql[64];
    snprintf(sql, sizeof sql, "PRAGMA %s", name);
    sqlite3_stmt *handle = NULL;
    if (sqlite3_prepare_v2(sqlite->db, sql, -1, &handle, NULL) != SQLITE_OK || sqlite3_step(handle) != SQLITE_ROW) {
        sqlite_error(sqlite, error, "open");
        sqlite3_finalize(handle);
        return false;
    }
    *value = sqlite3_column_int64(handle, 0);
    sqlite3_finalize(handle);
    return true;
}

static bool set_versions(struct sqlite *sqlite, struct error *error)
{
    const struct schema *schema = sqlite->schema;
    char sql[128];
    snprintf(sql, sizeof sql, "PRAGMA application_id = %d; PRAGMA user_version = %lld", SCHEMA_APPLICATION_ID,
             (long long)schema->version);
    return sqlite_run(sqlite, sql, error) &&
           sqlite_set_number(&sqlite->backend, NUMBER_READER_VERSION, schema->reader_version, error) &&
           sqlite_set_number(&sqlite->backend, NUMBER_WRITER_VERSION, schema->writer_version, error);
}

/* In a transaction: from `version` (0: nothing there) to the schema's. */
static bool migrate(struct sqlite *sqlite, int64_t version, struct error *error)
{
    const struct schema *schema = sqlite->schema;
    struct str sql = STR_INIT;
    for (size_t i = 0; version > 0 && i < schema->step_count; i++)
        if (schema->steps[i].version > version)
            schema_step_sql(&sql, schema, &schema->steps[i]);
    str_add(&sql, schema_own_sql());
    for (size_t i = 0; i < schema->type_count; i++) {
        schema_table_sql(&sql, schema->types[i]);
        schema_index_sql(&sql, schema->types[i]);
    }
    bool done = sqlite_run(sqlite, sql.data, error) && set_versions(sqlite, error);
    str_release(&sql);
    return done;
}

static bool make_or_migrate(struct sqlite *sqlite, struct error *error)
{
    struct backend *backend = &sqlite->backend;
    int64_t version;
    if (!sqlite_write_begin(backend, STORE_DURABLE, error))
        return false;
    if (!pragma_number(sqlite, "user_version", &version, error) ||
        (version < sqlite->schema->version && !migrate(sqlite, version, error))) {
        sqlite_write_abandon(backend);
        return error_context(error, "cannot make or migrate the store");
    }
    return sqlite_write_commit(backend, error);
}

static bool refuse_newer(struct sqlite *sqlite, int64_t version, struct error *error)
{
    const char *name = sqlite->role == STORE_READER ? NUMBER_READER_VERSION : NUMBER_WRITER_VERSION;
    int64_t ours = sqlite->role == STORE_READER ? STORE_READER_VERSION : STORE_WRITER_VERSION, needed;
    if (!sqlite_get_number(&sqlite->backend, name, &needed, error))
        return false;
    if (needed <= ours)
        return true;
    error_set(error, ERROR_VERSION, "cannot open the store %s: a newer berth wrote it", sqlite->folder);
    error_detail(error, "its schema is %lld, this berth knows %lld", (long long)version,
                 (long long)sqlite->schema->version);
    return error_hint(error, "use the newer berth");
}

static bool refuse_older(struct sqlite *sqlite, int64_t version, struct error *error)
{
    if (version == 0) {
        error_set(error, ERROR_NOT_FOUND, "there is no store in %s yet", sqlite->folder);
        if (error)
            error->retry = true;
        return error_hint(error, "start berthd: it makes the store");
    }
    error_set(error, ERROR_VERSION, "cannot open the store %s: an older berth wrote it", sqlite->folder);
    error_detail(error, "its schema is %lld, this berth needs %lld", (long long)version,
                 (long long)sqlite->schema->version);
    if (error)
        error->retry = true; /* a berthd of this version brings it up to date */
    return error_hint(error, "berth envs starts the berthd of this version, which brings the store up to date");
}

static bool check_versions(struct sqlite *sqlite, struct error *error)
{
    int64_t application, version;
    if (!pragma_number(sqlite, "application_id", &application, error) ||
        !pragma_number(sqlite, "user_version", &version, error))
        return false;
    if (application != SCHEMA_APPLICATION_ID && (application != 0 || version != 0)) {
        error_set(error, ERROR_CORRUPT, "cannot open the store %s: store.db is the database of another program",
                  sqlite->folder);
        return error_hint(error, "move it away and start berth again");
    }
    if (version > sqlite->schema->version)
        return refuse_newer(sqlite, version, error);
    if (version == sqlite->schema->version)
        return true;
    if (sqlite->role == STORE_OWNER)
        return make_or_migrate(sqlite, error);
    return refuse_older(sqlite, version, error);
}

/* --- opening ------------------------------------------------------------------------------------------------------ */

/* The file exists with its mode before SQLite opens it; made without opening it, since closing it would drop SQLite's locks. */
static bool make_file(const char *path, struct error *error)
{
    if (mknod(path, S_IFREG | 0600, 0) == 0 || errno == EEXIST)
        return true;
    return error_errno(error, ERROR_IO, errno, "cannot make the store %s", path);
}

static bool find_file(struct sqlite *sqlite, const char *path, struct error *error)
{
    if (sqlite->role == STORE_OWNER)
        return folder_make(sqlite->folder, 0700, error) && folder_is_private(sqlite->folder, error) &&
               folder_is_local(sqlite->folder, error) && make_file(path, error);
    if (!file_exists(path)) {
        error_set(error, ERROR_NOT_FOUND, "there is no store in %s", sqlite->folder);
        return error_hint(error, "start berthd: it makes the store");
    }
    return folder_is_local(sqlite->folder, error);
}

static bool connect(struct sqlite *sqlite, const char *path, const struct sqlite_options *options, struct error *error)
{
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
    flags |= sqlite->role == STORE_READER ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    if (sqlite3_open_v2(path, &sqlite->db, flags, options->vfs) != SQLITE_OK)
        return sqlite_error(sqlite, error, "open");
    int on = 1;
    sqlite3_extended_result_codes(sqlite->db, 1);
    sqlite3_busy_timeout(sqlite->db, BUSY_MS);
    /* Who closes last leaves -wal and -shm where they are, so that a reader can open the store when nobody writes. */
    sqlite3_file_control(sqlite->db, "main", SQLITE_FCNTL_PERSIST_WAL, &on);
    sqlite3_db_config(sqlite->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(sqlite->db, SQLITE_DBCONFIG_DQS_DML, 0,
                      NULL); /* a column that is not there is an error, no text */
    if (sqlite->role != STORE_OWNER)
        sqlite3_db_config(sqlite->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    return true;
}

static bool set_up(struct sqlite *sqlite, const struct sqlite_options *options, struct error *error)
{
    char sql[256];
    snprintf(sql, sizeof sql,
             "PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16000;"
             "PRAGMA journal_size_limit = 16777216; PRAGMA synchronous = FULL; %s",
             sqlite->role == STORE_READER  ? "PRAGMA query_only = ON"
             : sqlite->role == STORE_OWNER ? "PRAGMA journal_mode = WAL"
                                           : "");
    sqlite->synced = true;
    /* Turning a new file to WAL is a write like any other. */
    if (sqlite->role == STORE_OWNER && !lock(sqlite, error))
        return false;
    bool done = sqlite_run(sqlite, sql, error);
    if (sqlite->role == STORE_OWNER)
        unlock(sqlite);
    if (!done)
        return false;
    if (options->page_limit > 0) {
        snprintf(sql, sizeof sql, "PRAGMA max_page_count = %lld", (long long)options->page_limit);
        if (!sqlite_run(sqlite, sql, error))
            return false;
    }
    sqlite3_wal_hook(sqlite->db, note_pages, sqlite);
    return true;
}

struct backend *backend_sqlite_open(const char *folder, enum store_role role, const struct sqlite_options *options,
                                    struct error *error)
{
    struct sqlite *sqlite = mem_zero(1, sizeof *sqlite);
    struct schema *schema = mem_alloc(sizeof *schema);
    schema_now(schema);
    if (options->schema)
        *schema = *options->schema;
    sqlite->backend.ops = &sqlite_ops;
    sqlite->role = role;
    sqlite->schema = schema;
    sqlite->folder = mem_strdup(folder);
    sqlite->bell_path = path_join(folder, "bell");
    sqlite->lock_path = path_join(folder, "store.write");
    sqlite->lock.fd = sqlite->bell_fd = sqlite->watch_fd = -1;
    sqlite->of_type = mem_zero(schema->type_count, sizeof *sqlite->of_type);
    char *path = path_join(folder, "store.db");
    bool done = find_file(sqlite, path, error) && connect(sqlite, path, options, error) &&
                set_up(sqlite, options, error) && check_versions(sqlite, error) &&
                (role == STORE_READER || sqlite_bell_make(sqlite, error));
    free(path);
    if (done)
        return &sqlite->backend;
    sqlite_close(&sqlite->backend);
    return NULL;
}

struct store *store_open_with(const char *folder, enum store_role role, const struct sqlite_options *options,
                              struct error *error)
{
    struct backend *backend = backend_sqlite_open(folder, role, options, error);
    if (!backend)
        return NULL;
    struct store *store = store_new(backend, role, folder);
    if (role != STORE_OWNER)
        return store;
    if (!store_begin(store, STORE_DURABLE, error) || !store_make_id(store, error) ||
        !store_commit(store, NULL, error)) {
        store_close(store);
        return NULL;
    }
    return store;
}

struct store *store_open(const char *folder, enum store_role role, struct error *error)
{
    return store_open_with(folder, role, &(struct sqlite_options){0}, error);
}

static bool sqlite_verify(struct backend *backend, struct error *error)
{
    struct sqlite *sqlite = sqlite_of(backend);
    struct statement *statement = statement_take(sqlite, "PRAGMA integrity_check(1)", error);
    if (!statement)
        return false;
    bool done = sqlite3_step(statement->handle) == SQLITE_ROW || sqlite_error(sqlite, error, "read");
    if (done) {
        const char *text = (const char *)sqlite3_column_text(statement->handle, 0);
        if (!text_equal(text, "ok")) {
            done = error_set(error, ERROR_CORRUPT, "the store %s is damaged", sqlite->folder);
            error_detail(error, "%s", text);
            error_hint(error, "restore a copy of the folder, or move it away and start berth again");
        }
    }
    statement_done(statement);
    return done;
}

static const struct backend_ops sqlite_ops = {
    .name = "sqlite",
    .close = sqlite_close,
    .read_begin = sqlite_read_begin,
    .read_end = sqlite_read_end,
    .write_begin = sqlite_write_begin,
    .write_commit = sqlite_write_commit,
    .write_abandon = sqlite_write_abandon,
    .get = sqlite_get,
    .each = sqlite_each,
    .count = sqlite_count,
    .insert = sqlite_insert,
    .update = sqlite_update,
    .remove = sqlite_remove,
    .get_number = sqlite_get_number,
    .set_number = sqlite_set_number,
    .get_text = sqlite_get_text,
    .set_text = sqlite_set_text,
    .tombstone_put = sqlite_tombstone_put,
    .tombstone_drop = sqlite_tombstone_drop,
    .tombstones = sqlite_tombstones,
    .tombstone_trim = sqlite_tombstone_trim,
    .value_put = sqlite_value_put,
    .values = sqlite_values,
    .value_trim = sqlite_value_trim,
    .bell = sqlite_bell,
    .changed = sqlite_changed,
    .ring = ring_and_checkpoint,
    .verify = sqlite_verify,
};
