/* SPDX-License-Identifier: ISC */
/* Usage lines, --help texts and the manual's COMMANDS section, all from the table. */
#include "command/table.h"

#include "berth/base/str.h"

#include <ctype.h>
#include <string.h>

#define HELP_COLUMN 26
#define HELP_WIDTH 78

static const char *value_word(const struct verb_argument *argument)
{
    switch (argument->type) {
    case ARGUMENT_ENVIRONMENT: return "ENV";
    case ARGUMENT_BRANCH_OR_ENVIRONMENT: return "ENV|BRANCH";
    case ARGUMENT_RUN: return "RUN";
    case ARGUMENT_RUN_STEP: return "RUN[.STEP]";
    case ARGUMENT_REF: return "REF";
    case ARGUMENT_DURATION: return "TIME";
    case ARGUMENT_INSTANT: return "WHEN";
    case ARGUMENT_PAIR: return "KEY=VALUE";
    case ARGUMENT_NUMBER: return "N";
    case ARGUMENT_CRON: return "CRON";
    case ARGUMENT_TIER: return "TIER";
    case ARGUMENT_DIGEST: return "DIGEST";
    case ARGUMENT_TEXT:
    case ARGUMENT_FLAG:
    case ARGUMENT_CHOICE:
    case ARGUMENT_REST: break;
    }
    return "TEXT";
}

static void add_upper(struct str *out, const char *text)
{
    for (; *text != '\0'; text++)
        str_add_char(out, (char)toupper((unsigned char)*text));
}

void argument_show(const struct verb_argument *argument, struct str *out)
{
    if (!argument->positional)
        str_addf(out, "--%s", argument->name);
    if (argument->type == ARGUMENT_FLAG)
        return;
    if (!argument->positional)
        str_add_char(out, ' ');
    if (argument->type == ARGUMENT_CHOICE)
        str_add(out, argument->choices);
    else if (argument->positional)
        add_upper(out, argument->name);
    else
        str_add(out, value_word(argument));
    if (argument->positional && argument->repeated)
        str_add(out, "…");
}

void verb_usage(const struct verb *verb, struct str *out)
{
    bool options = false;

    str_addf(out, "berth %s", verb->name);
    for (const struct verb_argument *argument = verb->arguments; argument->name != NULL; argument++) {
        if (!argument->positional && !argument->required) {
            options = true;
            continue;
        }
        str_add(out, argument->required ? " " : " [");
        argument_show(argument, out);
        if (!argument->required)
            str_add_char(out, ']');
    }
    if (options || verb->json || verb->kind == VERB_ACTS)
        str_add(out, " [OPTIONS]");
}

/* Words from `column` on, wrapped. */
static void add_wrapped(struct str *out, const char *text, size_t column, size_t at)
{
    while (*text != '\0') {
        size_t length = strcspn(text, " ");

        if (at > column && at + 1 + length > HELP_WIDTH) {
            str_add_char(out, '\n');
            str_add_fill(out, ' ', column);
            at = column;
        } else if (at > column) {
            str_add_char(out, ' ');
            at++;
        }
        str_add_bytes(out, text, length);
        at += length;
        text += length;
        text += strspn(text, " ");
    }
    str_add_char(out, '\n');
}

static void add_row(struct str *out, const struct verb_argument *argument)
{
    size_t start = out->length, width;

    str_add(out, "  ");
    if (argument->letter != 0)
        str_addf(out, "-%c, ", argument->letter);
    argument_show(argument, out);
    width = out->length - start;
    if (width + 2 > HELP_COLUMN) {
        str_add_char(out, '\n');
        width = 0;
    }
    str_add_fill(out, ' ', HELP_COLUMN - width);
    add_wrapped(out, argument->help, HELP_COLUMN, HELP_COLUMN);
}

void verb_help(const struct verb *verb, struct str *out)
{
    str_add(out, "usage: ");
    verb_usage(verb, out);
    str_add(out, "\n\n");
    add_wrapped(out, verb->help, 0, 0);
    if (!text_empty(verb->manual)) {
        str_add_char(out, '\n');
        add_wrapped(out, verb->manual, 0, 0);
    }
    str_add_char(out, '\n');
    for (const struct verb_argument *argument = verb->arguments; argument->name != NULL; argument++)
        add_row(out, argument);
    for (const struct verb_argument *argument = shared_arguments(); argument->name != NULL; argument++) {
        if (has_shared(verb, argument))
            add_row(out, argument);
    }
    if (verb->key != 0)
        str_addf(out, "\nIn the dashboard: %c\n", verb->key);
    if (!text_empty(verb->undo))
        str_addf(out, "Taken back by: berth %s\n", verb->undo);
}

static void add_kind(struct verb_table table, enum verb_kind kind, const char *title, struct str *out)
{
    str_addf(out, "\n%s\n", title);
    for (size_t i = 0; i < table.count; i++) {
        if (table.verbs[i].kind != kind)
            continue;
        str_addf(out, "  %-12s ", table.verbs[i].name);
        add_wrapped(out, table.verbs[i].help, 15, 15);
    }
}

void table_overview(struct verb_table table, struct str *out)
{
    str_add(out, "usage: berth [-C FOLDER] [-v] [VERB …]\n\nWithout a verb: the dashboard.\n");
    add_kind(table, VERB_ACTS, "What acts:", out);
    add_kind(table, VERB_LOOKS, "What looks:", out);
    add_kind(table, VERB_LOCAL, "What is done here:", out);
    str_add(out, "\nberth VERB --help explains a verb.\n"
                 "Exit status: 0 done, 1 failed, 2 used wrongly, 3 waits for an approval,\n"
                 "4 refused by policy, 5 conflict or nothing to act on, 6 timed out.\n");
}

/* Text for man: no line starts a request, backslashes and dashes are themselves. */
static void add_man(struct str *out, const char *text)
{
    if (*text == '.' || *text == '\'')
        str_add(out, "\\&");
    for (; *text != '\0'; text++) {
        if (*text == '\\')
            str_add(out, "\\e");
        else if (*text == '-')
            str_add(out, "\\-");
        else if ((unsigned char)*text == 0xe2 && text_starts(text, "…")) {
            str_add(out, " ...");
            text += 2;
        } else
            str_add_char(out, *text);
    }
}

static void add_man_argument(struct str *out, const struct verb_argument *argument)
{
    struct str shown = STR_INIT;

    if (argument->letter != 0)
        str_addf(&shown, "-%c, ", argument->letter);
    argument_show(argument, &shown);
    str_add(out, ".TP\n.B ");
    add_man(out, shown.data);
    str_add_char(out, '\n');
    add_man(out, argument->help);
    str_add_char(out, '\n');
    str_release(&shown);
}

static void add_man_verb(struct str *out, const struct verb *verb)
{
    struct str usage = STR_INIT;

    verb_usage(verb, &usage);
    str_add(out, ".SS \"");
    add_man(out, usage.data);
    str_add(out, "\"\n");
    add_man(out, verb->help);
    str_add_char(out, '\n');
    if (!text_empty(verb->manual)) {
        add_man(out, verb->manual);
        str_add_char(out, '\n');
    }
    for (const struct verb_argument *argument = verb->arguments; argument->name != NULL; argument++)
        add_man_argument(out, argument);
    if (verb->key != 0) {
        str_addf(out, ".PP\nIn the dashboard:\n.BR %c .\n", verb->key);
    }
    str_release(&usage);
}

void table_manual(struct verb_table table, struct str *out)
{
    str_add(out, ".SH COMMANDS\n");
    for (size_t i = 0; i < table.count; i++)
        add_man_verb(out, &table.verbs[i]);
    str_add(out, ".SH OPTIONS OF COMMANDS\n");
    for (const struct verb_argument *argument = shared_arguments(); argument->name != NULL; argument++)
        add_man_argument(out, argument);
}

void verbs_overview(struct str *out)
{
    table_overview(verb_table, out);
}

void verbs_manual(struct str *out)
{
    table_manual(verb_table, out);
}
