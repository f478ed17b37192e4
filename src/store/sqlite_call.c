/* SPDX-License-Identifier: ISC */
/* SQLite's statements, kept by their text, and its failures in our words. */
#include "store/sqlite.h"

#include <errno.h>
#include <stdlib.h>

const char sqlite_hint_read_only[] =
    "the file system or the file is read-only: make it writable, or look with another user";

static bool is_full(int code, int system_errno)
{
    return code == SQLITE_FULL ||
           (code == SQLITE_IOERR && (system_errno == ENOSPC || system_errno == EDQUOT || system_errno == EFBIG));
}

/* Code and hint of a result code; the message and the detail are the same for all. */
static enum error_code explain(int code, int extended, int system_errno, const char **hint)
{
    *hint = "";
    if (is_full(code, system_errno)) {
        *hint = "make room on the disk; nothing recorded is lost";
        return ERROR_FULL;
    }
    switch (code) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        *hint = "restore a copy of the folder, or move it away and start berth again";
        return ERROR_CORRUPT;
    case SQLITE_READONLY: *hint = sqlite_hint_read_only; return ERROR_IO;
    case SQLITE_CANTOPEN: *hint = "check that the folder exists and is yours"; return ERROR_IO;
    case SQLITE_PERM:
    case SQLITE_AUTH: *hint = "check that the folder is yours"; return ERROR_IO;
    case SQLITE_IOERR: *hint = "check the disk and its file system"; return ERROR_IO;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: *hint = "another program holds the database: end it and try again"; return ERROR_STORE;
    case SQLITE_CONSTRAINT:
        return extended == SQLITE_CONSTRAINT_UNIQUE || extended == SQLITE_CONSTRAINT_PRIMARYKEY ? ERROR_CONFLICT
                                                                                                : ERROR_STORE;
    default: return ERROR_STORE;
    }
}

bool sqlite_error(struct sqlite *sqlite, struct error *error, const char *what)
{
    if (!error)
        return false;
    int extended = sqlite3_extended_errcode(sqlite->db), code = extended & 0xff;
    int system_errno = sqlite3_system_errno(sqlite->db);
    const char *hint;
    enum error_code ours = explain(code, extended, system_errno, &hint);
    /* said first: a line of the dashboard ends before the folder's name does */
    error_set(error, ours, "%s %s the store %s", ours == ERROR_FULL ? "no room to" : "cannot", what, sqlite->folder);
    if (code == SQLITE_IOERR && system_errno)
        error_detail(error, "%s: %s", sqlite3_errmsg(sqlite->db), strerror(system_errno));
    else
        error_detail(error, "%s", sqlite3_errmsg(sqlite->db));
    error->retry = code == SQLITE_BUSY || code == SQLITE_LOCKED;
    return error_hint(error, "%s", hint);
}

bool statement_prepare(struct sqlite *sqlite, struct statement *statement, const char *sql, struct error *error)
{
    if (sqlite3_prepare_v3(sqlite->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement->handle, NULL) == SQLITE_OK)
        return true;
    return sqlite_error(sqlite, error, "read");
}

struct statement *statement_take(struct sqlite *sqlite, const char *sql, struct error *error)
{
    struct statement *statement = map_get(&sqlite->statements, sql);
    if (statement && !statement->busy) {
        statement->busy = true;
        return statement;
    }
    bool twin = statement != NULL;
    statement = mem_zero(1, sizeof *statement);
    if (!statement_prepare(sqlite, statement, sql, error)) {
        free(statement);
        return NULL;
    }
    statement->single = twin;
    statement->busy = true;
    if (!twin)
        map_set(&sqlite->statements, sql, statement);
    return statement;
}

void statement_done(struct statement *statement)
{
    if (statement->single) {
        sqlite3_finalize(statement->handle);
        free(statement);
        return;
    }
    sqlite3_reset(statement->handle);
    sqlite3_clear_bindings(statement->handle);
    statement->busy = false;
}

void statements_release(struct sqlite *sqlite)
{
    size_t at = 0;
    const char *sql;
    void *value;
    while (map_next(&sqlite->statements, &at, &sql, &value)) {
        struct statement *statement = value;
        sqlite3_finalize(statement->handle);
        free(statement);
    }
    map_release(&sqlite->statements);
    for (size_t i = 0; sqlite->of_type && i < sqlite->schema->type_count; i++) {
        sqlite3_finalize(sqlite->of_type[i].get.handle);
        sqlite3_finalize(sqlite->of_type[i].insert.handle);
        sqlite3_finalize(sqlite->of_type[i].update.handle);
        sqlite3_finalize(sqlite->of_type[i].remove.handle);
        vec_release(&sqlite->of_type[i].queries);
    }
    free(sqlite->of_type);
    sqlite->of_type = NULL;
}

bool sqlite_run(struct sqlite *sqlite, const char *sql, struct error *error)
{
    if (sqlite3_exec(sqlite->db, sql, NULL, NULL, NULL) == SQLITE_OK)
        return true;
    return sqlite_error(sqlite, error, "use");
}

bool statement_run(struct sqlite *sqlite, struct statement *statement, const char *what, struct error *error)
{
    if (sqlite3_step(statement->handle) == SQLITE_DONE)
        return true;
    return sqlite_error(sqlite, error, what);
}

void bind_text(struct statement *statement, int place, const char *text)
{
    sqlite3_bind_text(statement->handle, place, text, -1, SQLITE_STATIC);
}

void bind_number(struct statement *statement, int place, int64_t number)
{
    sqlite3_bind_int64(statement->handle, place, number);
}
