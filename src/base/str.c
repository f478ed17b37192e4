/* SPDX-License-Identifier: ISC */
/* The growing byte string. */
#include "berth/base/str.h"

#include "berth/base/memory.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char str_empty[1];

void str_init(struct str *str)
{
    *str = (struct str)STR_INIT;
}

void str_release(struct str *str)
{
    if (!str)
        return;
    if (str->room)
        free(str->data);
    str_init(str);
}

char *str_reserve(struct str *str, size_t count)
{
    BUG_ON(count > SIZE_MAX / 4 || str->length > SIZE_MAX / 4);
    size_t wanted = str->length + count + 1;
    if (wanted > str->room) {
        size_t room = str->room ? str->room * 2 : 32;
        if (room < wanted)
            room = wanted;
        str->data = mem_resize(str->room ? str->data : NULL, room);
        str->room = room;
        str->data[str->length] = '\0';
    }
    return str->data + str->length;
}

void str_grew(struct str *str, size_t count)
{
    BUG_ON(str->room - str->length <= count);
    str->length += count;
    str->data[str->length] = '\0';
}

void str_clear(struct str *str)
{
    str_cut(str, 0);
}

void str_cut(struct str *str, size_t length)
{
    BUG_ON(length > str->length);
    str->length = length;
    if (str->room)
        str->data[length] = '\0';
}

void str_add_bytes(struct str *str, const void *bytes, size_t count)
{
    if (!count)
        return;
    memcpy(str_reserve(str, count), bytes, count);
    str_grew(str, count);
}

void str_add(struct str *str, const char *text)
{
    if (text)
        str_add_bytes(str, text, strlen(text));
}

void str_add_char(struct str *str, char byte)
{
    *str_reserve(str, 1) = byte;
    str_grew(str, 1);
}

void str_add_fill(struct str *str, char byte, size_t count)
{
    if (!count)
        return;
    memset(str_reserve(str, count), byte, count);
    str_grew(str, count);
}

void str_addv(struct str *str, const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    size_t room = str->room ? str->room - str->length : 0;
    int length = vsnprintf(room ? str->data + str->length : NULL, room, format, arguments);
    BUG_ON(length < 0);
    if (length && (size_t)length >= room) {
        char *end = str_reserve(str, (size_t)length);
        vsnprintf(end, (size_t)length + 1, format, again);
    }
    va_end(again);
    if (length)
        str_grew(str, (size_t)length);
}

void str_addf(struct str *str, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    str_addv(str, format, arguments);
    va_end(arguments);
}

void str_consume(struct str *str, size_t count)
{
    BUG_ON(count > str->length);
    if (!count)
        return;
    memmove(str->data, str->data + count, str->length - count);
    str_cut(str, str->length - count);
}

char *str_take(struct str *str)
{
    char *data = str->room ? str->data : mem_strdup("");
    str_init(str);
    return data;
}
