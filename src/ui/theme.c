/* SPDX-License-Identifier: ISC */
/* Reads themes: the ones built in, a person's own, or any file. */
#include "ui/theme.h"

#include "berth/base/file.h"
#include "berth/base/memory.h"
#include "berth/base/str.h"
#include "berth/model/words.h"

#include <stdlib.h>

#define WORDS_LIMIT 8 /* on one line */

const char *const style_names[] = {
    [STYLE_NORMAL] = "normal",
    [STYLE_TITLE] = "title",
    [STYLE_MUTED] = "muted",
    [STYLE_STALE] = "stale",
    [STYLE_BORDER] = "border",
    [STYLE_BORDER_PROD] = "border-prod",
    [STYLE_IDENTITY] = "identity",
    [STYLE_TAB] = "tab",
    [STYLE_TAB_CURRENT] = "tab-current",
    [STYLE_COLUMN] = "column",
    [STYLE_KEY] = "key",
    [STYLE_KEY_DISABLED] = "key-disabled",
    [STYLE_SELECTED] = "selected",
    [STYLE_MATCH] = "match",
    [STYLE_PROMPT] = "prompt",
    [STYLE_BUTTON] = "button",
    [STYLE_BUTTON_FOCUS] = "button-focus",
    [STYLE_DANGER] = "danger",
    [STYLE_OK] = "ok",
    [STYLE_RUNNING] = "running",
    [STYLE_WAITING] = "waiting",
    [STYLE_WARNING] = "warning",
    [STYLE_FAILED] = "failed",
    [STYLE_DESTROYING] = "destroying",
    [STYLE_GONE] = "gone",
    [STYLE_UNKNOWN] = "unknown",
    [STYLE_COUNT] = NULL,
};
static const char *const colour_names[] = {
    "black",       "red",          "green",      "yellow",       "blue",          "magenta",     "cyan",
    "white",       "bright-black", "bright-red", "bright-green", "bright-yellow", "bright-blue", "bright-magenta",
    "bright-cyan", "bright-white", NULL,
};
static const char *const look_names[] = {"bold", "dim", "underline", "reverse", "italic", NULL};

static const struct {
    const char *name, *text;
    size_t size;
} built_in[] = {
#include "ui/themes.inc"
};

static bool read_colour(const char *word, short *colour)
{
    long long number;
    int named = word_value(colour_names, word);
    if (text_equal(word, "default"))
        *colour = COLOUR_DEFAULT;
    else if (named >= 0)
        *colour = (short)named;
    else if (text_to_int(word, &number) && number >= 0 && number <= 255)
        *colour = (short)number;
    else
        return false;
    return true;
}

static size_t split(char *line, char *words[WORDS_LIMIT])
{
    size_t count = 0;
    char *rest = line, *word;
    line[strcspn(line, "#\r\n")] = '\0';
    while ((word = strsep(&rest, " \t"))) {
        if (*word && count < WORDS_LIMIT)
            words[count++] = word;
    }
    return count;
}

static bool read_line(const char *file, int number, char **words, size_t count, struct theme *theme, bool *seen,
                      struct error *error)
{
    int style = word_value(style_names, words[0]);
    struct appearance look = {0};
    if (style < 0)
        return error_set(error, ERROR_CONFIG, "%s:%d: there is no style %s", file, number, words[0]);
    if (seen[style])
        return error_set(error, ERROR_CONFIG, "%s:%d: the style %s is there twice", file, number, words[0]);
    if (count < 3)
        return error_set(error, ERROR_CONFIG, "%s:%d: expected a foreground and a background after %s", file, number,
                         words[0]);
    for (size_t i = 1; i < 3; i++) {
        if (!read_colour(words[i], i == 1 ? &look.foreground : &look.background))
            return error_set(error, ERROR_CONFIG, "%s:%d: found %s, expected default, the name of a colour or 0 to 255",
                             file, number, words[i]);
    }
    for (size_t i = 3; i < count; i++) {
        int bit = word_value(look_names, words[i]);
        if (bit < 0)
            return error_set(error, ERROR_CONFIG, "%s:%d: found %s, expected bold, dim, underline, reverse or italic",
                             file, number, words[i]);
        look.looks |= 1u << bit;
    }
    theme->styles[style] = look;
    seen[style] = true;
    return true;
}

bool theme_parse(const char *file, const char *text, struct theme *theme, struct error *error)
{
    bool seen[STYLE_COUNT] = {false}, fine = true;
    char *copy = mem_strdup(text), *rest = copy, *line;
    for (int number = 1; fine && (line = strsep(&rest, "\n")); number++) {
        char *words[WORDS_LIMIT];
        size_t count = split(line, words);
        if (count)
            fine = read_line(file, number, words, count, theme, seen, error);
    }
    free(copy);
    for (int i = 0; fine && i < STYLE_COUNT; i++) {
        if (!seen[i])
            fine = error_set(error, ERROR_CONFIG, "%s: the style %s is missing", file, style_names[i]);
    }
    return fine;
}

static bool load_file(const char *path, struct theme *theme, struct error *error)
{
    struct str text = STR_INIT;
    bool fine = file_read(path, THEME_LIMIT, &text, error) && theme_parse(path, text.data, theme, error);
    str_release(&text);
    return fine;
}

bool theme_load(const char *name, struct theme *theme, struct error *error)
{
    if (strchr(name, '/'))
        return load_file(name, theme, error);
    for (size_t i = 0; i < sizeof built_in / sizeof *built_in; i++) {
        size_t length = strlen(name);
        const char *file = strrchr(built_in[i].name, '/');
        file = file ? file + 1 : built_in[i].name;
        if (strncmp(file, name, length) == 0 && text_equal(file + length, ".theme"))
            return theme_parse(file, built_in[i].text, theme, error);
    }
    char *home = path_config_home(error);
    if (!home)
        return false;
    char *path = path_printf("%s/themes/%s.theme", home, name);
    bool fine = load_file(path, theme, error);
    if (!fine)
        error_hint(error, "dark and monochrome come with berth; your own lie in %s/themes", home);
    free(path);
    free(home);
    return fine;
}

void theme_uncolour(struct theme *theme)
{
    for (int i = 0; i < STYLE_COUNT; i++)
        theme->styles[i].foreground = theme->styles[i].background = COLOUR_DEFAULT;
    theme->styles[STYLE_SELECTED].looks |= LOOK_REVERSE;
    theme->styles[STYLE_BUTTON_FOCUS].looks |= LOOK_REVERSE;
}
