/* SPDX-License-Identifier: ISC */
/* Single rows in SQLite: one prepared statement a table for each of get, insert, update, remove. */
#include "store/sqlite.h"

#include <stdlib.h>

struct type_statements *statements_of(struct sqlite *sqlite, const struct record_type *type)
{
    for (size_t i = 0; i < sqlite->schema->type_count; i++)
        if (sqlite->schema->types[i] == type)
            return &sqlite->of_type[i];
    BUG_ON(true);
}

static void names_sql(struct str *sql, const struct record_type *type)
{
    for (size_t i = 0; i < type->column_count; i++) {
        schema_name(sql, type->columns[i].name);
        str_add(sql, ", ");
    }
    str_add(sql, "revision");
}

static void get_sql(struct str *sql, const struct record_type *type)
{
    str_add(sql, "SELECT ");
    names_sql(sql, type);
    str_addf(sql, " FROM \"%s\" WHERE id = ?", type->name);
}

static void insert_sql(struct str *sql, const struct record_type *type)
{
    str_addf(sql, "INSERT INTO \"%s\" (", type->name);
    names_sql(sql, type);
    str_add(sql, ") VALUES (");
    for (size_t i = 0; i < type->column_count; i++)
        str_add(sql, "?, ");
    str_add(sql, "?)");
}

/* Columns 1 to N are bound as for insert, the id again at the end. */
static void update_sql(struct str *sql, const struct record_type *type)
{
    str_addf(sql, "UPDATE \"%s\" SET ", type->name);
    for (size_t i = 1; i < type->column_count; i++)
        str_addf(sql, "\"%s\" = ?%zu, ", type->columns[i].name, i + 1);
    str_addf(sql, "revision = ?%zu WHERE id = ?1", type->column_count + 1);
}

static void remove_sql(struct str *sql, const struct record_type *type)
{
    str_addf(sql, "DELETE FROM \"%s\" WHERE id = ?", type->name);
}

static bool prepared(struct sqlite *sqlite, struct statement *statement,
                     void (*make)(struct str *sql, const struct record_type *type), const struct record_type *type,
                     struct error *error)
{
    if (statement->handle)
        return true;
    struct str sql = STR_INIT;
    make(&sql, type);
    bool done = statement_prepare(sqlite, statement, sql.data, error);
    str_release(&sql);
    return done;
}

static void bind_cell(struct statement *statement, int place, const struct column *column, const void *row)
{
    if (cell_is_text(column))
        bind_text(statement, place, cell_text(column, row));
    else if (column->type == COLUMN_ENUM)
        bind_text(statement, place, column->names[cell_number(column, row)]);
    else
        bind_number(statement, place, cell_number(column, row));
}

static bool write_row(struct sqlite *sqlite, struct statement *statement, const struct record_type *type,
                      const void *row, int64_t revision, struct error *error)
{
    int place = 0;
    for (size_t i = 0; i < type->column_count; i++)
        bind_cell(statement, ++place, &type->columns[i], row);
    bind_number(statement, ++place, revision);
    bool done = statement_run(sqlite, statement, "write to", error);
    if (!done && error && error->code == ERROR_CONFLICT)
        error_set(error, ERROR_CONFLICT, "%s %s: another row has the same key", type->name, record_id(row));
    statement_done(statement);
    return done;
}

bool sqlite_insert(struct backend *backend, const struct record_type *type, const void *row, int64_t revision,
                   struct error *error)
{
    struct sqlite *sqlite = sqlite_of(backend);
    struct statement *statement = &statements_of(sqlite, type)->insert;
    return prepared(sqlite, statement, insert_sql, type, error) &&
           write_row(sqlite, statement, type, row, revision, error);
}

bool sqlite_update(struct backend *backend, const struct record_type *type, const void *row, int64_t revision,
                   struct error *error)
{
    struct sqlite *sqlite = sqlite_of(backend);
    struct statement *statement = &statements_of(sqlite, type)->update;
    return prepared(sqlite, statement, update_sql, type, error) &&
           write_row(sqlite, statement, type, row, revision, error);
}

bool sqlite_remove(struct backend *backend, const struct record_type *type, const char *id, struct error *error)
{
    struct sqlite *sqlite = sqlite_of(backend);
    struct statement *statement = &statements_of(sqlite, type)->remove;
    if (!prepared(sqlite, statement, remove_sql, type, error))
        return false;
    bind_text(statement, 1, id);
    bool done = statement_run(sqlite, statement, "write to", error);
    statement_done(statement);
    return done;
}

enum store_found sqlite_get(struct backend *backend, const struct record_type *type, const char *id,
                            struct arena *arena, void *row, struct error *error)
{
    struct sqlite *sqlite = sqlite_of(backend);
    struct statement *statement = &statements_of(sqlite, type)->get;
    if (!prepared(sqlite, statement, get_sql, type, error))
        return STORE_ERROR;
    bind_text(statement, 1, id);
    enum store_found found = STORE_ERROR;
    int code = sqlite3_step(statement->handle);
    if (code == SQLITE_DONE) {
        found = STORE_MISSING;
    } else if (code != SQLITE_ROW) {
        sqlite_error(sqlite, error, "read");
    } else {
        const struct column **columns = mem_alloc(type->column_count * sizeof *columns);
        for (size_t i = 0; i < type->column_count; i++)
            columns[i] = &type->columns[i];
        void *borrowed = mem_zero(1, type->size);
        if (sqlite_read_row(sqlite, statement->handle, type, columns, type->column_count, borrowed, error)) {
            memcpy(row, record_copy(type, borrowed, arena), type->size);
            found = STORE_FOUND;
        }
        free(borrowed);
        free(columns);
    }
    statement_done(statement);
    return found;
}
