/* SPDX-License-Identifier: ISC */
/* The list of tables, and what can be done with any row: find its parts, copy it, compare it. */
#include "berth/model/record.h"

#include "berth/base/str.h"
#include "berth/model/environment.h"
#include "berth/model/ledger.h"
#include "berth/model/run.h"

static const struct record_type *const all_types[] = {
    &environment_type, &environment_template_type,
    &template_type,    &resource_group_type,
    &resource_type,    &entrypoint_type,
    &release_type,     &recipe_type,
    &repository_type,  &branch_type,
    &sweep_type,       &policy_type,
    &run_type,         &step_type,
    &plan_type,        &approval_type,
    &command_type,     &schedule_type,
    &hold_type,        &freeze_type,
    &delivery_type,    &audit_type,
    &daemon_type,      &approved_plan_type,
};

const struct record_type *const *record_types(size_t *count)
{
    *count = sizeof all_types / sizeof all_types[0];
    return all_types;
}

const struct record_type *record_type_named(const char *name)
{
    for (size_t i = 0; i < sizeof all_types / sizeof all_types[0]; i++)
        if (text_equal(all_types[i]->name, name))
            return all_types[i];
    return NULL;
}

const struct column *record_column(const struct record_type *type, const char *name)
{
    for (size_t i = 0; i < type->column_count; i++)
        if (text_equal(type->columns[i].name, name))
            return &type->columns[i];
    return NULL;
}

int record_index_named(const struct record_type *type, const char *name)
{
    for (size_t i = 0; i < type->index_count; i++)
        if (text_equal(type->indexes[i].name, name))
            return (int)i;
    return -1;
}

const char *record_id(const void *row)
{
    const char *id = *(const char *const *)row;
    return id ? id : "";
}

int64_t record_revision(const struct record_type *type, const void *row)
{
    return *(const int64_t *)(const void *)((const char *)row + type->revision_offset);
}

void *record_copy(const struct record_type *type, const void *row, struct arena *arena)
{
    void *copy = arena_copy(arena, row, type->size);
    for (size_t i = 0; i < type->column_count; i++) {
        const struct column *column = &type->columns[i];
        if (cell_is_text(column))
            cell_set_text(column, copy, arena_strdup(arena, cell_text(column, row)));
    }
    return copy;
}

bool cell_is_text(const struct column *column)
{
    return column->type == COLUMN_TEXT || column->type == COLUMN_JSON;
}

const char *cell_text(const struct column *column, const void *row)
{
    const char *text = *(const char *const *)(const void *)((const char *)row + column->offset);
    return text ? text : "";
}

void cell_set_text(const struct column *column, void *row, const char *text)
{
    *(const char **)(void *)((char *)row + column->offset) = text;
}

bool cell_equal(const struct column *column, const void *a, const void *b)
{
    if (cell_is_text(column))
        return strcmp(cell_text(column, a), cell_text(column, b)) == 0;
    return cell_number(column, a) == cell_number(column, b);
}

int64_t cell_number(const struct column *column, const void *row)
{
    const char *at = (const char *)row + column->offset;
    switch (column->type) {
    case COLUMN_TEXT:
    case COLUMN_JSON: break;
    case COLUMN_INT:
    case COLUMN_TIME: return *(const int64_t *)(const void *)at;
    case COLUMN_BOOL: return *(const bool *)at ? 1 : 0;
    case COLUMN_ENUM: return *(const int *)(const void *)at;
    case COLUMN_MARKS: return *(const unsigned *)(const void *)at;
    }
    return 0;
}

void cell_set_number(const struct column *column, void *row, int64_t number)
{
    char *at = (char *)row + column->offset;
    switch (column->type) {
    case COLUMN_TEXT:
    case COLUMN_JSON: break;
    case COLUMN_INT:
    case COLUMN_TIME: *(int64_t *)(void *)at = number; break;
    case COLUMN_BOOL: *(bool *)at = number != 0; break;
    case COLUMN_ENUM: *(int *)(void *)at = (int)number; break;
    case COLUMN_MARKS: *(unsigned *)(void *)at = (unsigned)number; break;
    }
}

enum record_difference record_compare(const struct record_type *type, const void *a, const void *b)
{
    enum record_difference difference = RECORD_SAME;
    for (size_t i = 0; i < type->column_count; i++) {
        const struct column *column = &type->columns[i];
        if (cell_equal(column, a, b))
            continue;
        if (!(column->flags & COLUMN_QUIET))
            return RECORD_DIFFERENT;
        difference = RECORD_QUIET;
    }
    return difference;
}

bool record_check(const struct record_type *type, const void *row, struct error *error)
{
    if (record_id(row)[0] == '\0')
        return error_set(error, ERROR_STORE, "a row of %s has no id", type->name);
    for (size_t i = 0; i < type->column_count; i++) {
        const struct column *column = &type->columns[i];
        if (column->type != COLUMN_ENUM && column->type != COLUMN_MARKS)
            continue;
        int64_t number = cell_number(column, row), count = 0;
        while (column->names[count])
            count++;
        bool fits = column->type == COLUMN_ENUM ? number >= 0 && number < count : number >> count == 0;
        if (!fits)
            return error_set(error, ERROR_STORE, "%s %s: %s has no value %lld", type->name, record_id(row),
                             column->name, (long long)number);
    }
    return true;
}
