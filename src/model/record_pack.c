/* SPDX-License-Identifier: ISC */
/*
 * Rows in their compact binary form, for frames and for the values that the feed keeps:
 *
 *   table number · count of columns · revision · each column
 *
 * Numbers are zigzag varints; a text is its length and bytes; an enum is its name, so that kept values outlive a new word
 * in the middle of a list. A shorter row is of an older version of the schema: what came later (COLUMN_SINCE) reads as zero.
 */
#include "berth/model/record.h"

#include "berth/base/str.h"

static void pack_number(struct str *out, int64_t number)
{
    uint64_t rest = (uint64_t)number << 1 ^ (uint64_t)(number < 0 ? -1 : 0);
    while (rest >= 0x80) {
        str_add_char(out, (char)(rest | 0x80));
        rest >>= 7;
    }
    str_add_char(out, (char)rest);
}

static void pack_text(struct str *out, const char *text)
{
    size_t length = strlen(text);
    pack_number(out, (int64_t)length);
    str_add_bytes(out, text, length);
}

static int64_t type_number(const struct record_type *type)
{
    size_t count;
    const struct record_type *const *types = record_types(&count);
    for (size_t i = 0; i < count; i++)
        if (types[i] == type)
            return (int64_t)i;
    return -1;
}

static const char *packed_enum(const struct column *column, int64_t number)
{
    for (int i = 0; column->names[i]; i++)
        if (i == number)
            return column->names[i];
    return "";
}

void record_pack(const struct record_type *type, const void *row, struct str *out)
{
    pack_number(out, type_number(type));
    pack_number(out, (int64_t)type->column_count);
    pack_number(out, record_revision(type, row));
    for (size_t i = 0; i < type->column_count; i++) {
        const struct column *column = &type->columns[i];
        if (cell_is_text(column))
            pack_text(out, cell_text(column, row));
        else if (column->type == COLUMN_ENUM)
            pack_text(out, packed_enum(column, cell_number(column, row)));
        else
            pack_number(out, cell_number(column, row));
    }
}

struct reader {
    const char *bytes;
    size_t count, at;
};

static bool read_number(struct reader *reader, int64_t *number)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && reader->at < reader->count; shift += 7) {
        unsigned char byte = (unsigned char)reader->bytes[reader->at++];
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *number = (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
            return true;
        }
    }
    return false;
}

static bool read_text(struct reader *reader, const char **text, size_t *length)
{
    int64_t count;
    if (!read_number(reader, &count) || count < 0 || (uint64_t)count > reader->count - reader->at)
        return false;
    *text = reader->bytes + reader->at;
    *length = (size_t)count;
    reader->at += (size_t)count;
    return true;
}

static bool read_cell(struct reader *reader, const struct column *column, struct arena *arena, void *row)
{
    const char *text;
    size_t length;
    if (cell_is_text(column)) {
        if (!read_text(reader, &text, &length))
            return false;
        cell_set_text(column, row, arena_strndup(arena, text, length));
        return true;
    }
    if (column->type == COLUMN_ENUM) {
        if (!read_text(reader, &text, &length))
            return false;
        for (int i = 0; column->names[i]; i++) {
            if (strlen(column->names[i]) == length && memcmp(column->names[i], text, length) == 0) {
                cell_set_number(column, row, i);
                return true;
            }
        }
        return false;
    }
    int64_t number;
    if (!read_number(reader, &number))
        return false;
    cell_set_number(column, row, number);
    return true;
}

static unsigned version_of(const struct column *column)
{
    return column->flags / COLUMN_SINCE;
}

/* The newest version of which the type had so many columns; false: it never had. */
static bool version_with(const struct record_type *type, size_t columns, unsigned *version)
{
    unsigned newest = 0;
    for (size_t i = 0; i < type->column_count; i++)
        newest = version_of(&type->columns[i]) > newest ? version_of(&type->columns[i]) : newest;
    for (*version = newest;; --*version) {
        size_t count = 0;
        for (size_t i = 0; i < type->column_count; i++)
            count += version_of(&type->columns[i]) <= *version;
        if (count == columns || *version == 0)
            return count == columns;
    }
}

bool record_unpack(const struct record_type *type, const char *bytes, size_t count, struct arena *arena, void *row,
                   size_t *taken, struct error *error)
{
    struct reader reader = {.bytes = bytes, .count = count};
    int64_t number, columns, revision;
    unsigned version;
    memset(row, 0, type->size);
    for (size_t i = 0; i < type->column_count; i++)
        if (cell_is_text(&type->columns[i]))
            cell_set_text(&type->columns[i], row, "");
    if (!read_number(&reader, &number) || !read_number(&reader, &columns) || !read_number(&reader, &revision))
        return error_set(error, ERROR_CORRUPT, "a packed row of %s is cut short", type->name);
    if (number != type_number(type))
        return error_set(error, ERROR_CORRUPT, "a packed row is not of %s", type->name);
    if (columns < 1 || !version_with(type, (size_t)columns, &version))
        return error_set(error, ERROR_CORRUPT, "a packed row of %s has %lld columns, %zu are known", type->name,
                         (long long)columns, type->column_count);
    for (size_t i = 0; i < type->column_count; i++)
        if (version_of(&type->columns[i]) <= version && !read_cell(&reader, &type->columns[i], arena, row))
            return error_set(error, ERROR_CORRUPT, "a packed row of %s does not fit: %s is cut short or unknown",
                             type->name, type->columns[i].name);
    *(int64_t *)(void *)((char *)row + type->revision_offset) = revision;
    *taken = reader.at;
    return true;
}
