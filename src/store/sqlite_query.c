/* SPDX-License-Identifier: ISC */
/* Queries in SQLite: from the query to SQL, and results into rows whose text is borrowed from SQLite's pages. */
#include "store/sqlite.h"

#include <stdlib.h>

#define COLUMN_LIMIT 80 /* of one table; the largest has 50 */

/* What a query gives, and which clauses it has. */
enum shape_flag {
    SHAPE_COUNTS = 1u << 0,
    SHAPE_PARTIAL = 1u << 1,
    SHAPE_AFTER = 1u << 2,
    SHAPE_SINCE = 1u << 3,
    SHAPE_DESCENDING = 1u << 4,
    SHAPE_LIMIT = 1u << 5,
};

struct plan {
    const struct store_query *query;
    struct query_shape shape;
    const struct record_index *index; /* NULL: by id */
    const struct column *order[RECORD_INDEX_COLUMNS + 1];
    size_t order_count, equal_count;
    const struct column *columns[COLUMN_LIMIT];
    size_t column_count;
};

static void plan_columns(struct plan *plan)
{
    const struct record_type *type = plan->query->type;
    BUG_ON(type->column_count > COLUMN_LIMIT);
    BUG_ON(type->column_count > 8 * sizeof plan->shape.columns);
    plan->columns[plan->column_count++] = &type->columns[0];
    for (size_t i = 1; i < type->column_count; i++) {
        bool asked = plan->query->columns == NULL;
        for (size_t c = 0; !asked && plan->query->columns[c]; c++)
            asked = text_equal(plan->query->columns[c], type->columns[i].name);
        if (!asked)
            continue;
        plan->columns[plan->column_count++] = &type->columns[i];
        plan->shape.columns[i / 64] |= (uint64_t)1 << i % 64;
    }
}

static void plan_shape(struct plan *plan, unsigned flags)
{
    const struct store_query *query = plan->query;
    plan->shape.index = plan->index ? (int)(plan->index - query->type->indexes) : -1;
    plan->shape.equal = (int)plan->equal_count;
    if (plan->equal_count > 0 && plan->index->unique && query->equal[0][0])
        flags |= SHAPE_PARTIAL;
    flags |= (query->after ? SHAPE_AFTER : 0) | (query->since > 0 ? SHAPE_SINCE : 0);
    flags |= (query->descending ? SHAPE_DESCENDING : 0) | (query->limit > 0 ? SHAPE_LIMIT : 0);
    plan->shape.flags = flags;
}

static void plan_make(struct plan *plan, const struct store_query *query, unsigned flags)
{
    memset(plan, 0, sizeof *plan);
    plan->query = query;
    if (query->index) {
        plan->index = &query->type->indexes[record_index_named(query->type, query->index)];
        for (size_t i = 0; i < RECORD_INDEX_COLUMNS && plan->index->columns[i]; i++) {
            if (query->equal[i] && plan->equal_count == i)
                plan->equal_count++;
            else
                plan->order[plan->order_count++] = record_column(query->type, plan->index->columns[i]);
        }
    }
    plan->order[plan->order_count++] = &query->type->columns[0];
    plan_columns(plan);
    plan_shape(plan, flags);
}

static void names_sql(struct str *sql, const struct column *const *columns, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            str_add(sql, ", ");
        schema_name(sql, columns[i]->name);
    }
}

/* Bound in this order: the equal columns, the place to go on after, since. The limit is SQLite's last. */
static void where_sql(const struct plan *plan, struct str *sql)
{
    const unsigned flags = plan->shape.flags;
    const char *glue = " WHERE ";
    for (size_t i = 0; i < plan->equal_count; i++, glue = " AND ")
        str_addf(sql, "%s\"%s\" = ?", glue, plan->index->columns[i]);
    if (flags & SHAPE_PARTIAL) /* so that the partial index may be used */
        str_addf(sql, " AND \"%s\" <> ''", plan->index->columns[0]);
    if (flags & SHAPE_AFTER) {
        str_addf(sql, "%s(", glue);
        names_sql(sql, plan->order, plan->order_count);
        str_addf(sql, ") %s (", flags & SHAPE_DESCENDING ? "<" : ">");
        for (size_t i = 0; i < plan->order_count; i++)
            str_add(sql, i > 0 ? ", ?" : "?");
        str_add(sql, ")");
        glue = " AND ";
    }
    if (flags & SHAPE_SINCE)
        str_addf(sql, "%srevision > ?", glue);
}

static void order_sql(const struct plan *plan, struct str *sql)
{
    str_add(sql, " ORDER BY ");
    for (size_t i = 0; i < plan->order_count; i++) {
        if (i > 0)
            str_add(sql, ", ");
        schema_name(sql, plan->order[i]->name);
        if (plan->shape.flags & SHAPE_DESCENDING)
            str_add(sql, " DESC");
    }
    if (plan->shape.flags & SHAPE_LIMIT)
        str_add(sql, " LIMIT ?");
}

static void from_sql(const struct plan *plan, struct str *sql)
{
    const char *table = plan->query->type->name;
    str_addf(sql, " FROM \"%s\"", table);
    if (!plan->index && (plan->shape.flags & SHAPE_SINCE))
        str_addf(sql, " INDEXED BY \"%s.revision\"", table);
    where_sql(plan, sql);
    order_sql(plan, sql);
}

static void plan_sql(const struct plan *plan, struct str *sql)
{
    if (plan->shape.flags & SHAPE_COUNTS) {
        str_add(sql, "SELECT count(*) FROM (SELECT 1");
        from_sql(plan, sql);
        str_add(sql, ")");
        return;
    }
    str_add(sql, "SELECT ");
    names_sql(sql, plan->columns, plan->column_count);
    str_add(sql, ", revision");
    from_sql(plan, sql);
}

static bool same_shape(const struct query_shape *a, const struct query_shape *b)
{
    return a->index == b->index && a->equal == b->equal && a->flags == b->flags && a->columns[0] == b->columns[0] &&
           a->columns[1] == b->columns[1];
}

/* The statement of a query that was asked before is found by its shape; its text is made for the first, and for a twin. */
static struct statement *take(struct sqlite *sqlite, const struct plan *plan, struct error *error)
{
    struct type_statements *known = statements_of(sqlite, plan->query->type);
    size_t at = 0;
    while (at < known->queries.count && !same_shape(&known->queries.items[at].shape, &plan->shape))
        at++;
    if (at < known->queries.count && !known->queries.items[at].statement->busy) {
        known->queries.items[at].statement->busy = true;
        return known->queries.items[at].statement;
    }
    struct str sql = STR_INIT;
    plan_sql(plan, &sql);
    struct statement *statement = statement_take(sqlite, sql.data, error);
    str_release(&sql);
    if (statement && !statement->single && at == known->queries.count) {
        struct shaped_query shaped = {.shape = plan->shape, .statement = statement};
        vec_push(&known->queries, shaped);
    }
    return statement;
}

static void bind_word(struct statement *statement, int place, const struct column *column, const char *text)
{
    if (cell_is_text(column) || column->type == COLUMN_ENUM)
        bind_text(statement, place, text);
    else
        bind_number(statement, place, strtoll(text, NULL, 10));
}

/* The values of the row to go on after. By id the row itself may be gone; else it must be there. */
static bool bind_after(struct sqlite *sqlite, const struct plan *plan, struct statement *statement, int *place,
                       struct arena *arena, struct error *error)
{
    const struct store_query *query = plan->query;
    if (!plan->index) {
        bind_text(statement, ++*place, query->after);
        return true;
    }
    void *row = arena_alloc(arena, query->type->size);
    enum store_found found = sqlite_get(&sqlite->backend, query->type, query->after, arena, row, error);
    if (found == STORE_MISSING)
        return error_set(error, ERROR_NOT_FOUND, "the list of %s cannot go on after %s, which is gone",
                         query->type->name, query->after);
    for (size_t i = 0; found == STORE_FOUND && i < plan->order_count; i++) {
        const struct column *column = plan->order[i];
        if (cell_is_text(column))
            bind_text(statement, ++*place, cell_text(column, row));
        else if (column->type == COLUMN_ENUM)
            bind_text(statement, ++*place, column->names[cell_number(column, row)]);
        else
            bind_number(statement, ++*place, cell_number(column, row));
    }
    return found == STORE_FOUND;
}

static bool bind_plan(struct sqlite *sqlite, const struct plan *plan, struct statement *statement, struct arena *arena,
                      struct error *error)
{
    const struct store_query *query = plan->query;
    int place = 0;
    for (size_t i = 0; i < plan->equal_count; i++)
        bind_word(statement, ++place, record_column(query->type, plan->index->columns[i]), query->equal[i]);
    if (query->after && !bind_after(sqlite, plan, statement, &place, arena, error))
        return false;
    if (query->since > 0)
        bind_number(statement, ++place, query->since);
    if (query->limit > 0)
        bind_number(statement, ++place, (int64_t)query->limit);
    return true;
}

static bool read_word(const struct column *column, const char *name, void *row)
{
    for (int i = 0; column->names[i]; i++) {
        if (strcmp(column->names[i], name) == 0) {
            cell_set_number(column, row, i);
            return true;
        }
    }
    return false;
}

/* `word`: what an enum column holds; NULL: the column should be JSON. */
static bool damaged(const struct sqlite *sqlite, const struct record_type *type, const void *row,
                    const struct column *column, const char *word, struct error *error)
{
    error_set(error, ERROR_DAMAGED, "%s %s cannot be read", type->name, record_id(row));
    if (word)
        error_detail(error, "its %s is '%s', which no berth wrote", column->name, word);
    else
        error_detail(error, "its %s is no whole JSON", column->name);
    return error_hint(error, "restore a copy of %s, or use the berth that wrote it", sqlite->folder);
}

bool sqlite_read_row(struct sqlite *sqlite, sqlite3_stmt *handle, const struct record_type *type,
                     const struct column *const *columns, size_t count, void *row, struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        const struct column *column = columns[i];
        int place = (int)i;
        if (column->type != COLUMN_ENUM && !cell_is_text(column)) {
            cell_set_number(column, row, sqlite3_column_int64(handle, place));
            continue;
        }
        const char *text = (const char *)sqlite3_column_text(handle, place);
        if (!text)
            return sqlite_error(sqlite, error, "read");
        if (column->type == COLUMN_ENUM && !read_word(column, text, row))
            return damaged(sqlite, type, row, column, text, error);
        if (column->type == COLUMN_JSON && *text && !(type->flags & RECORD_CHAINED) && !json_is_whole(text))
            return damaged(sqlite, type, row, column, NULL, error);
        if (column->type != COLUMN_ENUM)
            cell_set_text(column, row, text);
    }
    *(int64_t *)(void *)((char *)row + type->revision_offset) = sqlite3_column_int64(handle, (int)count);
    return true;
}

/* An empty row has empty text, never NULL. */
static void row_clear(const struct record_type *type, void *row)
{
    memset(row, 0, type->size);
    for (size_t i = 0; i < type->column_count; i++)
        if (cell_is_text(&type->columns[i]))
            cell_set_text(&type->columns[i], row, "");
}

static bool pass_on(const struct error *from, struct error *error)
{
    if (error)
        *error = *from;
    return false;
}

static bool visit_rows(struct sqlite *sqlite, const struct plan *plan, sqlite3_stmt *handle, store_visit *visit,
                       void *context, struct error *error)
{
    const struct record_type *type = plan->query->type;
    void *row = mem_alloc(type->size);
    row_clear(type, row);
    bool done = true, more = true;
    while (done && more) {
        int code = sqlite3_step(handle);
        if (code == SQLITE_DONE)
            break;
        struct error unread = {0};
        if (code != SQLITE_ROW)
            done = sqlite_error(sqlite, error, "read");
        else if (sqlite_read_row(sqlite, handle, type, plan->columns, plan->column_count, row, &unread))
            more = visit(row, context);
        else if (unread.code == ERROR_DAMAGED && plan->query->damaged)
            plan->query->damaged(record_id(row), &unread, plan->query->damaged_context);
        else
            done = pass_on(&unread, error);
    }
    free(row);
    return done;
}

bool sqlite_each(struct backend *backend, const struct store_query *query, store_visit *visit, void *context,
                 struct error *error)
{
    struct sqlite *sqlite = sqlite_of(backend);
    struct plan plan;
    plan_make(&plan, query, 0);
    struct statement *statement = take(sqlite, &plan, error);
    if (!statement)
        return false;
    struct arena arena = {0};
    bool done = bind_plan(sqlite, &plan, statement, &arena, error) &&
                visit_rows(sqlite, &plan, statement->handle, visit, context, error);
    statement_done(statement);
    arena_release(&arena);
    return done;
}

bool sqlite_count(struct backend *backend, const struct store_query *query, int64_t *count, struct error *error)
{
    struct sqlite *sqlite = sqlite_of(backend);
    struct plan plan;
    plan_make(&plan, query, SHAPE_COUNTS);
    struct statement *statement = take(sqlite, &plan, error);
    if (!statement)
        return false;
    struct arena arena = {0};
    bool done = bind_plan(sqlite, &plan, statement, &arena, error);
    if (done && sqlite3_step(statement->handle) == SQLITE_ROW)
        *count = sqlite3_column_int64(statement->handle, 0);
    else if (done)
        done = sqlite_error(sqlite, error, "read");
    statement_done(statement);
    arena_release(&arena);
    return done;
}
