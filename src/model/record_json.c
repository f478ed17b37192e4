/* SPDX-License-Identifier: ISC */
/* Rows as JSON objects, and the JSON texts that columns hold. */
#include "berth/model/record.h"

#include "berth/base/str.h"
#include "berth/base/text.h"
#include "berth/base/time.h"
#include "model/json_value.h"

#include <stdlib.h>

json_t *json_from_text(const char *text)
{
    size_t length = strlen(text);
    if (text_valid(text, length))
        return json_stringn_nocheck(text, length);
    struct str out = STR_INIT;
    for (size_t at = 0; at < length;) {
        size_t size = 1;
        while (size < 4 && at + size <= length && !text_valid(text + at, size))
            size++;
        if (at + size <= length && text_valid(text + at, size)) {
            str_add_bytes(&out, text + at, size);
            at += size;
        } else {
            str_addf(&out, "\\x%02x", (unsigned char)text[at]);
            at++;
        }
    }
    json_t *value = json_stringn_nocheck(out.data, out.length);
    str_release(&out);
    return value;
}

#define JSON_DEPTH_LIMIT 2048 /* of jansson, too */

static json_t *json_from_time(int64_t at_ms)
{
    if (at_ms == 0)
        return json_null();
    struct str out = STR_INIT;
    int64_t rest = at_ms % MS_SECOND;
    if (rest < 0)
        rest += MS_SECOND;
    instant_format(&out, at_ms - rest);
    if (out.length > 0)
        str_cut(&out, out.length - 1); /* the Z */
    str_addf(&out, ".%03dZ", (int)rest);
    json_t *value = json_stringn(out.data, out.length);
    str_release(&out);
    return value;
}

static json_t *json_from_marks(const struct column *column, uint64_t bits)
{
    json_t *list = json_array();
    for (int i = 0; column->names[i]; i++)
        if (bits >> i & 1)
            json_array_append_new(list, json_string(column->names[i]));
    return list;
}

static const char *enum_name(const struct column *column, int64_t value)
{
    for (int i = 0; column->names[i]; i++)
        if (i == value)
            return column->names[i];
    return "unknown";
}

static json_t *json_from_cell(const struct column *column, const void *row)
{
    int64_t number = cell_is_text(column) ? 0 : cell_number(column, row);
    switch (column->type) {
    case COLUMN_TEXT: return json_from_text(cell_text(column, row));
    case COLUMN_JSON: {
        const char *text = cell_text(column, row);
        json_t *value = json_column(text);
        if (value)
            return value;
        return text[0] ? json_from_text(text) : json_null();
    }
    case COLUMN_INT: return json_integer(number);
    case COLUMN_TIME: return json_from_time(number);
    case COLUMN_BOOL: return json_boolean(number);
    case COLUMN_ENUM: return json_string(enum_name(column, number));
    case COLUMN_MARKS: return json_from_marks(column, (uint64_t)number);
    }
    return json_null();
}

json_t *record_to_json(const struct record_type *type, const void *row)
{
    json_t *object = json_object();
    for (size_t i = 0; i < type->column_count; i++)
        json_object_set_new_nocheck(object, type->columns[i].name, json_from_cell(&type->columns[i], row));
    json_object_set_new_nocheck(object, "revision", json_integer(record_revision(type, row)));
    return object;
}

static bool enum_from_json(const struct column *column, const json_t *value, void *row)
{
    const char *name = json_string_value(value);
    for (int i = 0; name && column->names[i]; i++) {
        if (strcmp(column->names[i], name) == 0) {
            cell_set_number(column, row, i);
            return true;
        }
    }
    return false;
}

static bool marks_from_json(const struct column *column, const json_t *value, void *row)
{
    if (!json_is_array(value))
        return false;
    int64_t bits = 0;
    for (size_t at = 0; at < json_array_size(value); at++) {
        const char *name = json_string_value(json_array_get(value, at));
        int i = 0;
        while (name && column->names[i] && strcmp(column->names[i], name) != 0)
            i++;
        if (!name || !column->names[i])
            return false;
        bits |= INT64_C(1) << i;
    }
    cell_set_number(column, row, bits);
    return true;
}

static bool cell_from_json(const struct column *column, const json_t *value, struct arena *arena, void *row)
{
    int64_t at_ms = 0;
    switch (column->type) {
    case COLUMN_TEXT:
        if (!json_is_string(value))
            return false;
        cell_set_text(column, row, arena_strndup(arena, json_string_value(value), json_string_length(value)));
        return true;
    case COLUMN_JSON: cell_set_text(column, row, json_is_null(value) ? "" : json_text(arena, value)); return true;
    case COLUMN_INT:
        if (json_is_integer(value))
            cell_set_number(column, row, json_integer_value(value));
        return json_is_integer(value);
    case COLUMN_TIME:
        if (json_is_null(value))
            return true;
        if (!json_is_string(value) || !instant_parse(json_string_value(value), &at_ms, NULL))
            return false;
        cell_set_number(column, row, at_ms);
        return true;
    case COLUMN_BOOL:
        if (json_is_boolean(value))
            cell_set_number(column, row, json_is_true(value));
        return json_is_boolean(value);
    case COLUMN_ENUM: return enum_from_json(column, value, row);
    case COLUMN_MARKS: return marks_from_json(column, value, row);
    }
    return false;
}

bool record_from_json(const struct record_type *type, const json_t *object, struct arena *arena, void *row,
                      struct error *error)
{
    memset(row, 0, type->size);
    for (size_t i = 0; i < type->column_count; i++)
        if (cell_is_text(&type->columns[i]))
            cell_set_text(&type->columns[i], row, "");
    if (!json_is_object(object))
        return error_set(error, ERROR_CORRUPT, "a row of %s is no JSON object", type->name);
    for (size_t i = 0; i < type->column_count; i++) {
        const struct column *column = &type->columns[i];
        const json_t *value = json_object_get(object, column->name);
        if (value && !cell_from_json(column, value, arena, row))
            return error_set(error, ERROR_CORRUPT, "a row of %s does not fit: %s has a wrong value", type->name,
                             column->name);
    }
    const json_t *revision = json_object_get(object, "revision");
    if (json_is_integer(revision))
        *(int64_t *)(void *)((char *)row + type->revision_offset) = json_integer_value(revision);
    return true;
}

json_t *json_column(const char *text)
{
    if (text_empty(text))
        return NULL;
    return json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
}

/* --- syntax alone ------------------------------------------------------------------------------------------------ */

static const char *skip_space(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

/* Behind the text that begins at `at`; NULL: it is none. */
static const char *skip_string(const char *at)
{
    if (*at++ != '"')
        return NULL;
    while (*at != '"') {
        if ((unsigned char)*at < 0x20) /* its end, too */
            return NULL;
        if (*at++ != '\\')
            continue;
        if (*at == 'u' && strspn(at + 1, "0123456789abcdefABCDEF") >= 4)
            at += 5;
        else if (*at != '\0' && strchr("\"\\/bfnrt", *at))
            at++;
        else
            return NULL;
    }
    return at + 1;
}

static const char *skip_digits(const char *at)
{
    size_t count = strspn(at, "0123456789");
    return count > 0 ? at + count : NULL;
}

static const char *skip_number(const char *at)
{
    at += *at == '-';
    at = *at == '0' ? at + 1 : skip_digits(at);
    if (at && *at == '.')
        at = skip_digits(at + 1);
    if (at && (*at == 'e' || *at == 'E'))
        at = skip_digits(at + 1 + (at[1] == '+' || at[1] == '-'));
    return at;
}

static const char *skip_scalar(const char *at)
{
    static const char *const words[] = {"true", "false", "null"};
    if (*at == '"')
        return skip_string(at);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strncmp(at, words[i], strlen(words[i])) == 0)
            return at + strlen(words[i]);
    return skip_number(at);
}

/* The member's name and colon where `open` is an object. */
static const char *skip_name(const char *at, char open)
{
    if (open != '{')
        return at;
    at = skip_string(at);
    at = at ? skip_space(at) : NULL;
    return at && *at == ':' ? skip_space(at + 1) : NULL;
}

/* Behind the brackets that close after a value: where the next value begins, or (depth 0) the end. */
static const char *skip_closing(const char *at, const char *open, size_t *depth)
{
    for (at = skip_space(at); *depth > 0; at = skip_space(at + 1)) {
        char bracket = open[*depth - 1];
        if (*at == ',')
            return skip_name(skip_space(at + 1), bracket);
        if (*at != (bracket == '{' ? '}' : ']'))
            return NULL;
        --*depth;
    }
    return at;
}

bool json_is_whole(const char *text)
{
    char open[JSON_DEPTH_LIMIT];
    size_t depth = 0;
    const char *at = skip_space(text);
    while (at) {
        if (*at == '{' || *at == '[') {
            char bracket = *at;
            if (depth == sizeof open)
                return false;
            at = skip_space(at + 1);
            if (*at == (bracket == '{' ? '}' : ']')) {
                at++;
            } else {
                open[depth++] = bracket;
                at = skip_name(at, bracket);
                continue;
            }
        } else {
            at = skip_scalar(at);
        }
        at = at ? skip_closing(at, open, &depth) : NULL;
        if (at && depth == 0)
            return *at == '\0';
    }
    return false;
}

const char *json_text(struct arena *arena, const json_t *value)
{
    if (!value)
        return "";
    char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    const char *copy = arena_strdup(arena, text);
    free(text);
    return copy;
}

const char *json_get_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

int64_t json_get_int(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}
