/* SPDX-License-Identifier: ISC */
/* The page doc/commands.md: every verb with its arguments, role, key, route and exit statuses, from the table. */
#include "command/table.h"

#include "berth/base/error.h"
#include "berth/base/str.h"

#include <string.h>

/* Text of a cell: a bar would end it. */
static void add_cell(struct str *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '|')
            str_add_char(out, '\\');
        str_add_char(out, *text);
    }
}

static void add_code(struct str *out, const char *text)
{
    if (text_empty(text)) {
        str_add(out, "-");
        return;
    }
    str_add_char(out, '`');
    add_cell(out, text);
    str_add_char(out, '`');
}

static void add_argument(struct str *out, const struct verb_argument *argument)
{
    struct str shown = STR_INIT;

    if (argument->letter != 0)
        str_addf(&shown, "-%c, ", argument->letter);
    argument_show(argument, &shown);
    str_add(out, "| ");
    add_code(out, shown.data);
    str_addf(out, " | %s%s | ", argument->required ? "yes" : "",
             argument->repeated ? (argument->required ? ", repeated" : "repeated") : "");
    add_cell(out, argument->help);
    str_add(out, " |\n");
    str_release(&shown);
}

/* Which statuses an end of the verb can have, besides 2 for a call used wrongly, which all can. */
static void add_statuses(struct str *out, const struct verb *verb)
{
    str_add(out, "0, 1, 2");
    if (verb->wait)
        str_add(out, ", 3");
    if (verb->kind == VERB_ACTS)
        str_add(out, ", 4, 5, 6");
    else if (text_equal(verb->name, "why"))
        str_add(out, ", 3, 4");
    else if (text_equal(verb->name, "stop"))
        str_add(out, ", 5, 6");
}

static void add_verb(struct str *out, const struct verb *verb)
{
    struct str usage = STR_INIT;
    bool any = false;

    verb_usage(verb, &usage);
    str_addf(out, "\n### %s\n\n    %s\n\n%s", verb->name, usage.data, verb->help);
    if (!text_empty(verb->manual))
        str_addf(out, " %s", verb->manual);
    str_add(out, "\n\n");
    str_addf(out, "Role: %s.", verb->role == ROLE_NONE ? "none" : word_name(role_names, (int)verb->role));
    if (verb->key != 0)
        str_addf(out, " Key: `%c`.", verb->key);
    if (!text_empty(verb->undo))
        str_addf(out, " Taken back by: `%s`.", verb->undo);
    if (!text_empty(verb->route))
        str_addf(out, " Route: `%s` (%s).", verb->route, ROUTES_NOTE);
    str_add(out, " Exit status: ");
    add_statuses(out, verb);
    str_add(out, ".\n");
    for (const struct verb_argument *argument = verb->arguments; argument->name != NULL; argument++) {
        if (!any)
            str_add(out, "\n| argument | required | what it is |\n| --- | --- | --- |\n");
        any = true;
        add_argument(out, argument);
    }
    str_release(&usage);
}

static void add_kind(struct verb_table table, enum verb_kind kind, const char *title, struct str *out)
{
    str_addf(out, "\n## %s\n", title);
    for (size_t i = 0; i < table.count; i++) {
        if (table.verbs[i].kind == kind)
            add_verb(out, &table.verbs[i]);
    }
}

void table_reference(struct verb_table table, struct str *out)
{
    str_add(
        out,
        "# Commands\n\nWritten from the table of verbs (`src/command/verbs.c`): `BERTH_UPDATE=1 tests/cli/test_manual`. "
        "The dashboard, the command line, the palette and the API use the same names.\n\n"
        "Routes are what the REST server will serve; they are " ROUTES_NOTE ".\n\n"
        "| exit status | what it means |\n| --- | --- |\n"
        "| 0 | done |\n| 1 | it failed |\n| 2 | used wrongly: an option, an argument, or a name that is not there |\n"
        "| 3 | it waits for an approval |\n| 4 | refused by policy |\n"
        "| 5 | conflict: somebody else holds it, it moved, or there is nothing to act on |\n| 6 | it took longer than allowed |\n");
    add_kind(table, VERB_ACTS, "What acts", out);
    add_kind(table, VERB_LOOKS, "What looks", out);
    add_kind(table, VERB_LOCAL, "What is done here", out);
    str_add(out, "\n## Options of several verbs\n\n| option | required | what it is |\n| --- | --- | --- |\n");
    for (const struct verb_argument *argument = shared_arguments(); argument->name != NULL; argument++)
        add_argument(out, argument);
    str_add(
        out,
        "\n`--reason` and `--key` belong to verbs that act; `--wait`, `--dry-run` and `--json` to those whose usage names "
        "them in `berth help VERB`.\n");
}

void verbs_reference(struct str *out)
{
    table_reference(verb_table, out);
}
