/* SPDX-License-Identifier: ISC */
/*
 * What the command line prints: tables, lines, JSON. All text from outside passes text_visible here; colours only on a terminal. Where the
 * locale has no UTF-8 our own symbols are ASCII, and on a terminal a name's other characters are escapes (`\u{e9}`); into a pipe or a file names
 * stay UTF-8, for there they are data. JSON is ASCII always.
 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include "cli/cli.h"

enum style { STYLE_PLAIN, STYLE_GOOD, STYLE_BAD, STYLE_BUSY, STYLE_WAITING, STYLE_MUTED, STYLE_STRONG };

/* Looks at terminal, locale, NO_COLOR, TERM and size. */
void output_setup(struct cli *cli);
/* One harmless line of any bytes, in the arena; ASCII on a terminal without UTF-8. */
const char *shown(struct cli *cli, const char *text);
/* The same with its line ends kept. */
const char *shown_lines(struct cli *cli, const char *text);
/* The words of base/wording.h, harmless: "41m" or "-". */
const char *shown_age(struct cli *cli, int64_t at_ms, int64_t now_ms);
/* "41m ago", "now", "in 1d23h", "never". */
const char *shown_ago(struct cli *cli, int64_t at_ms, int64_t now_ms);
/* "2m10s", "340ms"; "-" where an end is not known. */
const char *shown_took(struct cli *cli, int64_t from_ms, int64_t to_ms);
/* The person's name, else the actor. */
const char *shown_person(struct cli *cli, const char *person, const char *actor);
/* "2026-11-21T14:05:09Z", or "-". */
const char *shown_because(struct cli *cli, const char *status, const char *reason);
const char *shown_instant(struct cli *cli, int64_t at_ms);
/* The first 8 digits of a commit, or "-". */
const char *shown_commit(struct cli *cli, const char *commit);

/* A status as a word with its symbol, "[OK] OK" in ASCII; what was seen long ago says so. */
const char *shown_environment_status(struct cli *cli, const struct environment *environment, int64_t now_ms,
                                     enum style *style);
const char *shown_resource_status(struct cli *cli, int status, enum style *style);
const char *shown_run_status(struct cli *cli, int status, enum style *style);
const char *shown_step_status(struct cli *cli, int status, enum style *style);

void print_styled(struct cli *cli, enum style style, const char *text);
void print_heading(struct cli *cli, const char *text);

struct table_cell {
    const char *text;
    enum style style;
};
struct table {
    struct cli *cli;
    const char *const *headers; /* ends with NULL */
    size_t columns;
    VEC(struct table_cell) cells;
};
void table_begin(struct table *table, struct cli *cli, const char *const *headers);
/* Adds the next cell; `text` is made harmless. */
void table_add(struct table *table, enum style style, const char *text);
/* As table_add for text that is ours or harmless already. */
void table_put(struct table *table, enum style style, const char *text);
void table_putf(struct table *table, enum style style, const char *format, ...) BERTH_PRINTF(3, 4);
/* Prints and releases; without rows prints `empty`. */
void table_end(struct table *table, const char *empty);

/* Prints JSON, pure ASCII, and drops the reference. */
void print_json(json_t *value);
/* "served": whether a berthd works on what the rows tell, in a row or in each row of an array; returns it. The session is open. */
json_t *mark_served(struct cli *cli, json_t *rows);
/* One sentence where no berthd serves: `what` that means, since when, how to start one. The session is open. */
void say_absent(struct cli *cli, const char *what);
/* Rows of a type as a JSON array. */
json_t *rows_to_json(const struct record_type *type, const void *rows, size_t count) BERTH_MUST_CHECK;
/* Lines of ours, each wrapped between words at the terminal's width, its rest below its text; as they are where there is no terminal. */
void print_wrapped(struct cli *cli, const char *text, FILE *out);
/* A why-tree as lines, wrapped. */
void print_why(struct cli *cli, const struct why *why, FILE *out);
/* "berth: cannot …", its detail and hint on standard error. */
void say_error(struct cli *cli, const struct error *error);

#endif
