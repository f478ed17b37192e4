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
#define COLUMNS_END 24 /* of lines: a gap behind it is one between words */

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

/* The code point of valid UTF-8 at `*at`, which is moved behind it. */
static unsigned code_point(const char *text, size_t *at)
{
    unsigned char lead = (unsigned char)text[(*at)++];
    unsigned point = lead < 0x80 ? lead : lead < 0xe0 ? lead & 0x1fu : lead < 0xf0 ? lead & 0x0fu : lead & 0x07u;

    while (((unsigned char)text[*at] & 0xc0) == 0x80)
        point = point << 6 | ((unsigned char)text[(*at)++] & 0x3fu);
    return point;
}

/* What is not ASCII becomes an escape, as control characters do: nothing is lost, no two names look the same. */
static void to_ascii(struct str *text)
{
    struct str out = STR_INIT;

    for (size_t at = 0; at < text->length;) {
        unsigned point = code_point(text->data, &at);

        if (point < 0x80)
            str_add_char(&out, (char)point);
        else
            str_addf(&out, "\\u{%x}", point);
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
    if (cli->ascii && cli->terminal) /* into a pipe names are data: UTF-8 whatever the locale */
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

/* The text in the arena; what it was built in is released. */
static const char *kept(struct cli *cli, struct str *text)
{
    const char *copy = arena_strdup(&cli->arena, text->data);

    str_release(text);
    return copy;
}

const char *shown_age(struct cli *cli, int64_t at_ms, int64_t now_ms)
{
    struct str out = STR_INIT;

    wording_age(&out, at_ms, now_ms);
    return kept(cli, &out);
}

const char *shown_ago(struct cli *cli, int64_t at_ms, int64_t now_ms)
{
    struct str out = STR_INIT;

    wording_ago(&out, at_ms, now_ms);
    return kept(cli, &out);
}

const char *shown_took(struct cli *cli, int64_t from_ms, int64_t to_ms)
{
    struct str out = STR_INIT;

    wording_took(&out, from_ms, to_ms);
    return kept(cli, &out);
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

const char *shown_because(struct cli *cli, const char *status, const char *reason)
{
    struct str out = STR_INIT;

    wording_because(&out, status, shown(cli, reason));
    return kept(cli, &out);
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
    if (rows == 0 && table->cli->unread > 0)
        printf("nothing to show: %zu row%s of the store cannot be read, berth doctor names each\n", table->cli->unread,
               table->cli->unread == 1 ? "" : "s");
    else if (rows == 0)
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

json_t *mark_served(struct cli *cli, json_t *rows)
{
    bool served = text_empty(daemon_absent(cli));

    if (json_is_object(rows))
        json_object_set_new(rows, "served", json_boolean(served));
    for (size_t i = 0; i < json_array_size(rows); i++)
        json_object_set_new(json_array_get(rows, i), "served", json_boolean(served));
    return rows;
}

void say_absent(struct cli *cli, const char *what)
{
    const char *absent = daemon_absent(cli);

    if (!text_empty(absent))
        print_wrapped(
            cli, arena_printf(&cli->arena, "%s%s%s; start one: berth envs", what, text_empty(what) ? "" : ": ", absent),
            stdout);
}

json_t *rows_to_json(const struct record_type *type, const void *rows, size_t count)
{
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, record_to_json(type, (const char *)rows + i * type->size));
    return list;
}

/* Where the rest of a line goes: below its text, which begins behind the gaps of two cells or more near its beginning. */
static int hanging(const char *line, size_t length, int width)
{
    int at = 0, indent = 0;

    while ((size_t)indent < length && line[indent] == ' ')
        indent++;
    for (size_t i = (size_t)indent; i + 2 < length && i < COLUMNS_END; i++) {
        if (line[i] == ' ' && line[i + 1] == ' ') {
            i += strspn(line + i, " ");
            at = (int)i;
        }
    }
    if (at == 0 || at >= width / 2)
        at = indent + COLUMN_GAP;
    return at < width / 2 ? at : COLUMN_GAP;
}

static void wrap_line(struct cli *cli, const char *line, size_t length, FILE *out)
{
    const int rest = hanging(line, length, cli->width);
    size_t from = 0;
    int used = 0;

    while (from < length) {
        size_t gap = strspn(line + from, " "), word = strcspn(line + from + gap, " \n");
        const char *text = arena_strndup(&cli->arena, line + from, gap + word);
        int width = text_width(text);

        if (from > 0 && used + width > cli->width && used > rest) {
            fprintf(out, "\n%*s", rest, "");
            used = rest;
            text += gap;
            width -= (int)gap;
        }
        fputs(text, out);
        used += width;
        from += gap + word;
    }
    fputc('\n', out);
}

void print_wrapped(struct cli *cli, const char *text, FILE *out)
{
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");

        if (cli->width == 0)
            fprintf(out, "%.*s\n", (int)length, text);
        else
            wrap_line(cli, text, length, out);
        text += length + (text[length] == '\n');
    }
}

void print_why(struct cli *cli, const struct why *why, FILE *out)
{
    struct str text = STR_INIT;

    why_text(why, &text);
    print_wrapped(cli, shown_lines(cli, text.data), out);
    str_release(&text);
}

void say_error(struct cli *cli, const struct error *error)
{
    fflush(stdout);
    print_wrapped(cli, arena_printf(&cli->arena, "berth: %s", shown(cli, error->message)), stderr);
    if (error->detail[0] != '\0')
        print_wrapped(cli, arena_printf(&cli->arena, "  %s", shown_lines(cli, error->detail)), stderr);
    if (error->hint[0] != '\0')
        print_wrapped(cli, arena_printf(&cli->arena, "  %s %s", cli->ascii ? "->" : "→", shown(cli, error->hint)),
                      stderr);
}
