/* SPDX-License-Identifier: ISC */
/* The tables as SQL, generated from the record types, and the steps between versions. */
#include "store/schema.h"

#include "berth/store.h"

/* A step for each new column since version 1, in order; indexes are made where they are missing. */
static const struct schema_step steps[] = {
    {.version = 2, .table = "environments", .column = "ends_at"},
    {.version = 2, .table = "environments", .column = "ends_why"},
    {.version = 3, .table = "resources", .column = "sensitive"},
    {.version = 4, .table = "runs", .column = "approved_digest"},
    {.version = 4, .table = "environments", .column = "extended_ms"},
    {.version = 4, .table = "environments", .column = "given_until"},
    {.version = 4, .table = "environments", .column = "used_at"},
    {.version = 4, .table = "environments", .column = "used_by"},
    {.version = 4, .table = "runs", .column = "settings"},
    {.version = 4, .table = "releases", .column = "settings"},
};
#define SCHEMA_VERSION 4

void schema_now(struct schema *schema)
{
    memset(schema, 0, sizeof *schema);
    schema->types = record_types(&schema->type_count);
    schema->version = SCHEMA_VERSION;
    schema->steps = steps;
    schema->step_count = sizeof steps / sizeof *steps;
    schema->reader_version = STORE_READER_VERSION;
    schema->writer_version = STORE_WRITER_VERSION;
}

void schema_name(struct str *out, const char *name)
{
    BUG_ON(strchr(name, '"') != NULL);
    str_addf(out, "\"%s\"", name);
}

static void column_sql(struct str *out, const struct column *column)
{
    schema_name(out, column->name);
    bool text = cell_is_text(column) || column->type == COLUMN_ENUM;
    if (column->type == COLUMN_ENUM)
        str_addf(out, " TEXT NOT NULL DEFAULT '%s'", column->names[0]);
    else
        str_add(out, text ? " TEXT NOT NULL DEFAULT ''" : " INTEGER NOT NULL DEFAULT 0");
}

void schema_table_sql(struct str *out, const struct record_type *type)
{
    str_add(out, "CREATE TABLE IF NOT EXISTS ");
    schema_name(out, type->name);
    str_add(out, " (id TEXT NOT NULL PRIMARY KEY");
    for (size_t i = 1; i < type->column_count; i++) {
        str_add(out, ", ");
        column_sql(out, &type->columns[i]);
    }
    str_add(out, ", revision INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;\n");
}

void schema_index_sql(struct str *out, const struct record_type *type)
{
    str_addf(out, "CREATE INDEX IF NOT EXISTS \"%s.revision\" ON \"%s\" (revision, id);\n", type->name, type->name);
    for (size_t i = 0; i < type->index_count; i++) {
        const struct record_index *index = &type->indexes[i];
        str_addf(out, "CREATE %sINDEX IF NOT EXISTS \"%s.%s\" ON \"%s\" (", index->unique ? "UNIQUE " : "", type->name,
                 index->name, type->name);
        for (size_t c = 0; c < RECORD_INDEX_COLUMNS && index->columns[c]; c++) {
            if (c > 0)
                str_add(out, ", ");
            schema_name(out, index->columns[c]);
        }
        if (index->unique)
            str_addf(out, ") WHERE \"%s\" <> '';\n", index->columns[0]);
        else
            str_add(out, ", id);\n");
    }
}

void schema_step_sql(struct str *out, const struct schema *schema, const struct schema_step *step)
{
    if (step->sql) {
        str_add(out, step->sql);
        return;
    }
    for (size_t i = 0; i < schema->type_count; i++) {
        if (!text_equal(schema->types[i]->name, step->table))
            continue;
        const struct column *column = record_column(schema->types[i], step->column);
        BUG_ON(!column);
        str_addf(out, "ALTER TABLE \"%s\" ADD COLUMN ", step->table);
        column_sql(out, column);
        str_add(out, ";\n");
        return;
    }
    BUG_ON(true);
}

const char *schema_own_sql(void)
{
    return "CREATE TABLE IF NOT EXISTS meta (name TEXT NOT NULL PRIMARY KEY, number INTEGER NOT NULL DEFAULT 0,"
           " text TEXT NOT NULL DEFAULT '') STRICT, WITHOUT ROWID;\n"
           "CREATE TABLE IF NOT EXISTS tombstones (type TEXT NOT NULL, id TEXT NOT NULL, revision INTEGER NOT NULL,"
           " at INTEGER NOT NULL, PRIMARY KEY (type, id)) STRICT, WITHOUT ROWID;\n"
           "CREATE INDEX IF NOT EXISTS \"tombstones.revision\" ON tombstones (revision, type, id);\n"
           "CREATE TABLE IF NOT EXISTS history (type TEXT NOT NULL, id TEXT NOT NULL, revision INTEGER NOT NULL,"
           " at INTEGER NOT NULL, value BLOB, PRIMARY KEY (type, id, revision)) STRICT, WITHOUT ROWID;\n"
           "CREATE INDEX IF NOT EXISTS \"history.revision\" ON history (type, revision, id, at);\n";
}
