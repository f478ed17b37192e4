/* SPDX-License-Identifier: ISC */
/* berthd's last trouble, in a file beside the database. */
#include "berth/store_trouble.h"

#include "berth/base/file.h"
#include "berth/base/str.h"
#include "berth/model/record.h"

#include <stdlib.h>
#include <string.h>

#define TROUBLE_LIMIT (64u << 10)
#define LINE_LIMIT 2200

static int64_t number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

bool trouble_read(const char *folder, struct arena *arena, struct trouble *trouble)
{
    char *path = path_join(folder, "berthd.trouble");
    struct str text = STR_INIT;
    json_t *json = file_read(path, TROUBLE_LIMIT, &text, NULL) ? json_column(text.data) : NULL;

    *trouble = (struct trouble){
        .first_at = number(json, "first_at"),
        .last_at = number(json, "last_at"),
        .over_at = number(json, "over_at"),
        .times = number(json, "times"),
        .text = arena_strdup(arena, json_get_text(json, "error")),
    };
    json_decref(json);
    str_release(&text);
    free(path);
    return trouble->last_at != 0;
}

static void write_trouble(const char *folder, const struct trouble *trouble)
{
    char *path = path_join(folder, "berthd.trouble");
    struct arena arena = {0};
    json_t *json = json_object();
    const char *text;
    bool ignored;

    json_object_set_new(json, "first_at", json_integer(trouble->first_at));
    json_object_set_new(json, "last_at", json_integer(trouble->last_at));
    json_object_set_new(json, "over_at", json_integer(trouble->over_at));
    json_object_set_new(json, "times", json_integer(trouble->times));
    json_object_set_new(json, "error", json_string(trouble->text));
    text = json_text(&arena, json);
    ignored = file_replace(path, text, strlen(text), 0600, FILE_RELAXED, NULL); /* the log has it too */
    (void)ignored;
    json_decref(json);
    arena_release(&arena);
    free(path);
}

void trouble_note(const char *folder, const struct error *error, int64_t now_ms)
{
    char line[LINE_LIMIT];
    struct arena arena = {0};
    struct trouble trouble;
    bool again;

    (void)error_line(error, line, sizeof line);
    again = trouble_read(folder, &arena, &trouble) && trouble.over_at == 0 && text_equal(trouble.text, line);
    trouble.first_at = again ? trouble.first_at : now_ms;
    trouble.times = again ? trouble.times + 1 : 1;
    trouble.last_at = now_ms;
    trouble.over_at = 0;
    trouble.text = line;
    write_trouble(folder, &trouble);
    arena_release(&arena);
}

void trouble_over(const char *folder, int64_t now_ms)
{
    struct arena arena = {0};
    struct trouble trouble;

    if (trouble_read(folder, &arena, &trouble) && trouble.over_at == 0) {
        trouble.over_at = now_ms;
        write_trouble(folder, &trouble);
    }
    arena_release(&arena);
}
