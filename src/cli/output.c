/* SPDX-License-Identifier: ISC */
/* Printing: harmless text, tables, JSON, errors. */
#include "cli/output.h"

#include "berth/base/text.h"
#include "berth/base/time.h"
#include "berth/base/wording.h"

#include <langinfo.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define COLUMN_GAP 2

static const char *const style_codes[] = {
    [STYLE_PLAIN] = "",           [STYLE_GOOD] = "\033[32m", [STYLE_BAD] = "\033[31;1m", [STYLE_BUSY] = "\033[36m",
    [STYLE_WAITING] = "\033[33m", [STYLE_MUTED] = "\033[2m", [STYLE_STRONG] = "\033[1m",
};

void output_setup(struct cli *cli)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    struct winsize size;

    cli->terminal = isatty(STDOUT_FILENO) == 1;
    cli->asks = isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1;
    cli->colour = cli->terminal && text_empty(no_color) && !text_empty(term) && !text_equal(term, "dumb");
    cli->ascii = !text_equal(nl_langinfo(CODESET), "UTF-8");
    if (cli->terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
        cli->width = size.ws_col;
}

/* Each cluster that is not ASCII becomes as many '?' as it has cells. */
static void to_ascii(struct str *text)
{
    struct str out = STR_INIT;
    size_t at = 0, start, length;
    int width;

    while (text_next(text->data, text->length, &at, &start, &length, &width)) {
        if ((unsigned char)text->data[start] < 0x80 && length == 1)
            str_add_char(&out, text->data[start]);
        else
            str_add_fill(&out, '?', width > 0 ? (size_t)width : 1);
    }
    str_clear(text);
    str_add_bytes(text, out.data, out.length);
    str_release(&out);
}

static const char *harmless(struct cli *cli, const char *text, enum text_form form)
{
    struct str out = STR_INIT;
    const char *copy;

    if (text == NULL)
        return "";
    text_visible(&out, text, strlen(text), form);
    if (cli->ascii && form == TEXT_ONE_LINE)
        to_ascii(&out);
    copy = arena_strdup(&cli->arena, out.data);
    str_release(&out);
    return copy;
}

const char *shown(struct cli *cli, const char *text)
{
    return harmless(cli, text, TEXT_ONE_LINE);
}

const char *shown_lines(struct cli *cli, const char *text)
{
    return harmless(cli, text, TEXT_LINES);
}

const char *shown_age(struct cli *cli, int64_t at_ms, int64_t now_ms)
{
    struct str out = STR_INIT;
    const char *copy;

    wording_age(&out, at_ms, now_ms);
    copy = arena_strdup(&cli->arena, out.data);
    str_release(&out);
    return copy;
}

const char *shown_ago(struct cli *cli, int64_t at_ms, int64_t now_ms)
{
    struct str out = STR_INIT;
    const char *copy;

    wording_ago(&out, at_ms, now_ms);
    copy = arena_strdup(&cli->arena, out.data);
    str_release(&out);
    return copy;
}

const char *shown_took(struct cli *cli, int64_t from_ms, int64_t to_ms)
{
    struct str out = STR_INIT;
    const char *copy;

    wording_took(&out, from_ms, to_ms);
    copy = arena_strdup(&cli->arena, out.data);
    str_release(&out);
    return copy;
}

const char *shown_person(struct cli *cli, const char *person, const char *actor)
{
    struct str out = STR_INIT;
    const char *copy;

    wording_person(&out, person, actor);
    copy = shown(cli, out.data);
    str_release(&out);
    return copy;
}

const char *shown_instant(struct cli *cli, int64_t at_ms)
{
    struct str out = STR_INIT;
    const char *copy;

    if (at_ms == 0)
        return "-";
    instant_format(&out, at_ms);
    copy = arena_strdup(&cli->arena, out.data);
    str_release(&out);
    return copy;
}

const char *shown_commit(struct cli *cli, const char *commit)
{
    struct str out = STR_INIT;
    const char *copy;

    wording_commit(&out, commit);
    copy = shown(cli, out.data);
    str_release(&out);
    return copy;
}

void print_styled(struct cli *cli, enum style style, const char *text)
{
    bool coloured = cli->colour && style != STYLE_PLAIN;

    printf("%s%s%s", coloured ? style_codes[style] : "", text, coloured ? "\033[0m" : "");
}

void print_heading(struct cli *cli, const char *text)
{
    print_styled(cli, STYLE_STRONG, text);
    putchar('\n');
}

void table_begin(struct table *table, struct cli *cli, const char *const *headers)
{
    *table = (struct table){.cli = cli, .headers = headers};
    while (headers[table->columns] != NULL)
        table->columns++;
}

void table_put(struct table *table, enum style style, const char *text)
{
    struct table_cell cell = {.text = text_empty(text) ? "-" : text, .style = style};

    vec_push(&table->cells, cell);
}

void table_add(struct table *table, enum style style, const char *text)
{
    table_put(table, style, shown(table->cli, text));
}

void table_putf(struct table *table, enum style style, const char *format, ...)
{
    struct str text = STR_INIT;
    va_list arguments;

    va_start(arguments, format);
    str_addv(&text, format, arguments);
    va_end(arguments);
    table_put(table, style, arena_strdup(&table->cli->arena, text.data));
    str_release(&text);
}

static void widen(int *widths, size_t column, const char *text)
{
    int width = text_width(text);

    if (width > widths[column])
        widths[column] = width;
}

/* One cell, padded but for the last, which is cut at the terminal's edge. */
static void print_cell(const struct table *table, const struct table_cell *cell, int width, bool last, int *at)
{
    struct cli *cli = table->cli;
    struct str fitted = STR_INIT;
    int room = cli->width > 0 ? cli->width - *at : 0;

    if (cli->width > 0 && room <= 0)
        return;
    if (cli->width > 0 && text_width(cell->text) > room)
        (void)text_fit(&fitted, cell->text, room, cli->ascii);
    else
        str_add(&fitted, cell->text);
    print_styled(cli, cell->style, fitted.data);
    *at += last ? 0 : width + COLUMN_GAP;
    if (!last && (cli->width == 0 || *at < cli->width))
        printf("%*s", width + COLUMN_GAP - text_width(fitted.data), "");
    str_release(&fitted);
}

void table_end(struct table *table, const char *empty)
{
    int *widths = mem_zero(table->columns, sizeof *widths);
    size_t rows = table->cells.count / table->columns;

    for (size_t i = 0; i < table->columns; i++)
        widen(widths, i, table->headers[i]);
    for (size_t i = 0; i < table->cells.count; i++)
        widen(widths, i % table->columns, table->cells.items[i].text);
    if (rows == 0)
        printf("%s\n", empty);
    for (size_t row = 0; rows > 0 && row <= rows; row++) {
        int at = 0;

        for (size_t i = 0; i < table->columns; i++) {
            const struct table_cell header = {table->headers[i], STYLE_MUTED};
            const struct table_cell *cell = row == 0 ? &header : &table->cells.items[(row - 1) * table->columns + i];

            print_cell(table, cell, widths[i], i + 1 == table->columns, &at);
        }
        putchar('\n');
    }
    vec_free(widths);
    vec_release(&table->cells);
}

void print_json(json_t *value)
{
    char *text = json_dumps(value, JSON_INDENT(2) | JSON_ENSURE_ASCII | JSON_ENCODE_ANY);

    printf("%s\n", text != NULL ? text : "null");
    free(text);
    json_decref(value);
}

json_t *rows_to_json(const struct record_type *type, const void *rows, size_t count)
{
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, record_to_json(type, (const char *)rows + i * type->size));
    return list;
}

void print_why(struct cli *cli, const struct why *why, FILE *out)
{
    struct str text = STR_INIT;

    why_text(why, &text);
    fputs(shown_lines(cli, text.data), out);
    str_release(&text);
}

void say_error(struct cli *cli, const struct error *error)
{
    fflush(stdout);
    fprintf(stderr, "berth: %s\n", shown(cli, error->message));
    if (error->detail[0] != '\0')
        fprintf(stderr, "  %s\n", shown_lines(cli, error->detail));
    if (error->hint[0] != '\0')
        fprintf(stderr, "  %s %s\n", cli->ascii ? "->" : "→", shown(cli, error->hint));
}
