/* SPDX-License-Identifier: ISC */
/* The one table of the keys that look. */
#include "ui/keymap.h"

#include "berth/base/str.h"
#include "berth/ui.h"
#include "ui/terminal.h"

#define EVERYWHERE VIEW_EVERYWHERE
#define TREES (VIEW_ENVIRONMENT | VIEW_GATE)
#define MARKED (VIEW_ENVIRONMENTS | VIEW_BRANCHES | VIEW_ENVIRONMENT)
#define DELTAS (VIEW_GATE | VIEW_RUN)
#define ROWS (VIEW_RELEASES | VIEW_LISTS | VIEW_ENVIRONMENT | VIEW_GATE)

static const struct binding all_bindings[] = {
    {{'j', PRESS_DOWN}, "j, down", REQUEST_DOWN, KEYS_MOVE, EVERYWHERE, "", "one row down"},
    {{'k', PRESS_UP}, "k, up", REQUEST_UP, KEYS_MOVE, EVERYWHERE, "", "one row up"},
    {{PRESS_HOME}, "g g, Home", REQUEST_TOP, KEYS_MOVE, EVERYWHERE, "", "first row"},
    {{'G', PRESS_END}, "G, End", REQUEST_BOTTOM, KEYS_MOVE, EVERYWHERE, "", "last row"},
    {{CONTROL('d')}, "^d", REQUEST_HALF_DOWN, KEYS_MOVE, EVERYWHERE, "", "half a page down"},
    {{CONTROL('u')}, "^u", REQUEST_HALF_UP, KEYS_MOVE, EVERYWHERE, "", "half a page up"},
    {{CONTROL('f'), PRESS_PAGE_DOWN}, "^f, PgDn", REQUEST_PAGE_DOWN, KEYS_MOVE, EVERYWHERE, "", "a page down"},
    {{CONTROL('b'), PRESS_PAGE_UP}, "^b, PgUp", REQUEST_PAGE_UP, KEYS_MOVE, EVERYWHERE, "", "a page up"},
    {{PRESS_LEFT, '-'}, "left, -", REQUEST_LEFT, KEYS_MOVE, TREES, "", "fold"},
    {{PRESS_RIGHT, '+'}, "right, +", REQUEST_RIGHT, KEYS_MOVE, TREES, "", "unfold"},
    {{PRESS_TAB}, "Tab", REQUEST_NEXT_PANE, KEYS_MOVE, VIEW_RUN, "pane", "the other pane"},
    {{PRESS_ENTER}, "Enter", REQUEST_OPEN, KEYS_MOVE, EVERYWHERE & ~VIEW_TEXT, "open", "open what is selected"},
    {{PRESS_ESCAPE}, "Esc", REQUEST_BACK, KEYS_MOVE, EVERYWHERE, "", "back; clears a filter or a message first"},
    {{'q'}, "q", REQUEST_CLOSE, KEYS_MOVE, EVERYWHERE, "", "close this view; in the last one it quits"},
    {{'Q'}, "Q", REQUEST_QUIT, KEYS_MOVE, EVERYWHERE, "", "quit; running work goes on"},

    {{'/'}, "/", REQUEST_FILTER, KEYS_LOOK, VIEW_LISTS | VIEW_PAGERS, "filter", "filter a list, search in a text"},
    {{'n'}, "n", REQUEST_NEXT_MATCH, KEYS_LOOK, VIEW_PAGERS, "", "next match"},
    {{'N'}, "N", REQUEST_PREVIOUS_MATCH, KEYS_LOOK, VIEW_PAGERS, "", "match before"},
    {{'s'}, "s", REQUEST_SORT, KEYS_LOOK, VIEW_LISTS, "sort", "sort by a column; the same again reverses"},
    {{'l'},
     "l",
     REQUEST_LOG,
     KEYS_LOOK,
     VIEW_LISTS | VIEW_ENVIRONMENT | VIEW_GATE,
     "log",
     "the run's log, at its failing step"},
    {{'r'},
     "r",
     REQUEST_DELTA,
     KEYS_LOOK,
     DELTAS,
     "delta",
     "what differs from the plan that was approved last, and back"},
    {{'d'}, "d", REQUEST_DESCRIBE, KEYS_LOOK, ROWS, "describe", "everything that is recorded about it"},
    {{'y'},
     "y",
     REQUEST_TEXT,
     KEYS_LOOK,
     TREES,
     "tool's text",
     "the tool's own words about the plan of it, or the log of that step"},
    {{'w'},
     "w",
     REQUEST_WHY,
     KEYS_LOOK,
     EVERYWHERE & ~VIEW_TEXT,
     "why",
     "why a key is grey, why it waits, why it failed"},
    {{'r'}, "r", REQUEST_START, KEYS_LOOK, EVERYWHERE & ~DELTAS, "", "start berthd again, where none serves"},
    {{'z'}, "z", REQUEST_FOLD, KEYS_LOOK, TREES, "fold", "fold or unfold"},
    {{'E'}, "E", REQUEST_FOLD_ALL, KEYS_LOOK, TREES, "all", "unfold everything, or fold it again"},
    {{'f'}, "f", REQUEST_FOLLOW, KEYS_LOOK, VIEW_RUN, "follow", "follow the log again"},
    {{'p'}, "p", REQUEST_PREVIEW, KEYS_LOOK, VIEW_LISTS | VIEW_ENVIRONMENT, "preview", "preview pane on or off"},
    {{'~'}, "~", REQUEST_NOISE, KEYS_LOOK, VIEW_ENVIRONMENTS, "", "also what was destroyed a while ago, or not"},
    {{'c'}, "c", REQUEST_COPY, KEYS_LOOK, EVERYWHERE & ~VIEW_TEXT, "", "copy its name, id, URL or command line"},
    {{'o'},
     "o",
     REQUEST_BROWSE,
     KEYS_LOOK,
     EVERYWHERE & ~VIEW_TEXT,
     "",
     "open its URL: $BROWSER or xdg-open, else it is copied"},
    {{'m'}, "m", REQUEST_MARK, KEYS_LOOK, MARKED, "", "mark an environment, or take the mark away"},
    {{'v'}, "v", REQUEST_COMPARE, KEYS_LOOK, MARKED, "", "in what the two marked ones differ"},
    {{'t'}, "t", REQUEST_TIME, KEYS_LOOK, EVERYWHERE, "", "times as age, UTC, local"},
    {{CONTROL('w')}, "^w", REQUEST_WRAP, KEYS_LOOK, VIEW_PAGERS, "", "wrap long lines"},
    {{CONTROL('r')}, "^r", REQUEST_REFRESH, KEYS_LOOK, EVERYWHERE, "", "read everything again"},
    {{CONTROL('l')}, "^l", REQUEST_REDRAW, KEYS_LOOK, EVERYWHERE, "", "draw the screen again"},
    {{CONTROL('z')}, "^z", REQUEST_SUSPEND, KEYS_LOOK, EVERYWHERE, "", "suspend"},
    {{CONTROL('c')}, "^c", REQUEST_CANCEL, KEYS_LOOK, EVERYWHERE, "", "clears a prompt; never quits"},
    {{'?', PRESS_F1}, "?", REQUEST_HELP, KEYS_LOOK, EVERYWHERE, "help", "help"},
    {{':'}, ":", REQUEST_COMMAND, KEYS_LOOK, EVERYWHERE, "command", "any verb by its name"},
    {{'-'}, "-", REQUEST_LAST_VIEW, KEYS_VIEW, EVERYWHERE & ~TREES, "", "the view before"},
    {{'1'}, "1", REQUEST_VIEW_ENVIRONMENTS, KEYS_VIEW, EVERYWHERE, "", "environments"},
    {{'2'}, "2", REQUEST_VIEW_BRANCHES, KEYS_VIEW, EVERYWHERE, "", "branches"},
    {{'4'}, "4", REQUEST_VIEW_APPROVALS, KEYS_VIEW, EVERYWHERE, "", "approvals: what waits for a person"},
    {{'5'}, "5", REQUEST_VIEW_RUNS, KEYS_VIEW, EVERYWHERE, "", "runs"},
    {{'g'}, "g", REQUEST_PREFIX, KEYS_VIEW, EVERYWHERE, "go", "a pop-up of where to go"},

    {{'g'}, "g g", REQUEST_TOP, KEYS_PREFIX, EVERYWHERE, "", "first row"},
    {{'e'}, "g e", REQUEST_GO_ENVIRONMENT, KEYS_PREFIX, EVERYWHERE & ~VIEW_TEXT, "", "its environment"},
    {{'b'}, "g b", REQUEST_GO_BRANCH, KEYS_PREFIX, EVERYWHERE & ~VIEW_TEXT, "", "its branch"},
    {{'r'}, "g r", REQUEST_GO_RUNS, KEYS_PREFIX, EVERYWHERE & ~VIEW_TEXT, "", "its runs"},
    {{'v'}, "g v", REQUEST_GO_RELEASES, KEYS_PREFIX, EVERYWHERE & ~VIEW_TEXT, "", "its releases"},
    {{'p'}, "g p", REQUEST_GO_GATE, KEYS_PREFIX, EVERYWHERE & ~VIEW_TEXT, "", "its newest plan and gate"},
};

const struct binding *bindings(size_t *count)
{
    *count = sizeof all_bindings / sizeof *all_bindings;
    return all_bindings;
}

enum request request_for_key(int key, enum view_kind view, bool prefix)
{
    for (size_t i = 0; i < sizeof all_bindings / sizeof *all_bindings; i++) {
        const struct binding *binding = &all_bindings[i];
        if ((binding->group == KEYS_PREFIX) != prefix || !(binding->views & (unsigned)view))
            continue;
        for (size_t k = 0; k < 4 && binding->keys[k]; k++) {
            if (binding->keys[k] == key)
                return binding->request;
        }
    }
    return REQUEST_NONE;
}

const struct verb *verb_for_press(int key, unsigned scopes)
{
    if (key < 'A' || key > 'Z')
        return NULL;
    for (unsigned scope = 1; scope <= SCOPE_STEP; scope <<= 1) {
        const struct verb *verb = scopes & scope ? verb_for_key((char)key, (enum verb_scope)scope) : NULL;
        if (verb)
            return verb;
    }
    return NULL;
}

static void manual_row(struct str *out, const char *keys, const char *text)
{
    str_addf(out, ".TP\n.B %s\n%s\n", keys, text);
}

void ui_keys_manual(struct str *out)
{
    size_t count, verb_count;
    const struct binding *list = bindings(&count);
    const struct verb *verb = verbs(&verb_count);
    str_add(out, ".SS Keys that look\n");
    for (size_t i = 0; i < count; i++)
        manual_row(out, list[i].name[0] == '-' ? "\\-" : list[i].name, list[i].help);
    str_add(out, ".SS Keys that act\nEach opens a preview; none acts at once.\n");
    for (size_t i = 0; i < verb_count; i++) {
        char key[2] = {verb[i].key, '\0'};
        if (verb[i].key)
            manual_row(out, key, verb[i].help);
    }
}
