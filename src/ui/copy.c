/* SPDX-License-Identifier: ISC */
/* The copy menu: names, ids, addresses and command lines of what is selected, to the terminal's clipboard; where it has none, to the screen. */
#include "berth/base/text.h"
#include "ui/dashboard.h"
#include "ui/terminal.h"

#include <stdlib.h>

#define COPY_MOST 2000 /* bytes: a name, an address or a command line is no longer */

#define NAME_WIDTH 14 /* in the menu */

enum copied { COPY_NAME, COPY_ID, COPY_URL, COPY_JSON, COPY_COMMAND, COPY_KINDS };
static const struct {
    char key;
    const char *name;
} kinds[COPY_KINDS] = {
    [COPY_NAME] = {'n', "name"},
    [COPY_ID] = {'i', "id"},
    [COPY_URL] = {'u', "URL"},
    [COPY_JSON] = {'j', "everything recorded, as JSON: shown, not copied"},
    [COPY_COMMAND] = {'e', "command line"},
};
struct copying {
    char *texts[COPY_KINDS]; /* NULL: not of this row */
    enum copied items[COPY_KINDS];
    size_t count;
};

/* What the terminal gets is what is on the screen to the letter: nothing that would have to be cleaned. */
static bool is_plain(const char *text)
{
    struct str visible = STR_INIT;
    text_visible(&visible, text, strlen(text), TEXT_ONE_LINE);
    bool plain = visible.length <= COPY_MOST && text_equal(visible.data, text);
    str_release(&visible);
    return plain;
}

static bool is_web_address(const char *text)
{
    return text_starts(text, "http://") || text_starts(text, "https://");
}

bool copy_is_safe_url(const char *text)
{
    return is_plain(text) && is_web_address(text);
}

static void copy_text(struct dashboard *dashboard, enum copied kind, const char *text)
{
    struct terminal *terminal = dashboard->terminal;
    struct str visible = STR_INIT;
    bool safe = kind == COPY_URL ? copy_is_safe_url(text) : is_plain(text);
    text_visible(&visible, text, strlen(text), TEXT_ONE_LINE);
    if (safe && terminal->ops->copy(terminal, text))
        dashboard_say(dashboard, STYLE_OK, "copied the %s: %s", kinds[kind].name, visible.data);
    else
        dashboard_show_text(dashboard,
                            safe ? "Copy it from here: this terminal has no clipboard of its own"
                                 : "Not copied: it holds what a terminal or a shell might take for more than text",
                            visible.data);
    str_release(&visible);
}

void copy_url(struct dashboard *dashboard, const char *url)
{
    copy_text(dashboard, COPY_URL, url);
}

static void chosen(struct dashboard *dashboard, size_t item, void *context)
{
    struct copying *copying = context;
    if (item < copying->count && copying->items[item] == COPY_JSON)
        dashboard_request(dashboard, REQUEST_DESCRIBE);
    else if (item < copying->count)
        copy_text(dashboard, copying->items[item], copying->texts[copying->items[item]]);
    for (size_t i = 0; i < COPY_KINDS; i++)
        free(copying->texts[i]);
    free(copying);
}

static char *command_line(const char *verb, const char *subject)
{
    struct str line = STR_INIT;
    json_t *none = json_object();
    call_shell(verb_named(verb), subject, none, &line);
    json_decref(none);
    return str_take(&line);
}

static void fill(struct copying *copying, const struct subject *subject)
{
    const struct environment *environment = subject->environment;
    if (subject->branch) {
        copying->texts[COPY_NAME] = mem_strdup(subject->branch->name);
        copying->texts[COPY_ID] = mem_strdup(subject->branch->id);
        copying->texts[COPY_COMMAND] = command_line("deploy", subject->branch->name);
    } else if (subject->run && !(subject->scopes & SCOPE_ENVIRONMENT)) {
        copying->texts[COPY_NAME] = mem_strdup(subject->run->environment_name);
        copying->texts[COPY_ID] = mem_strdup(subject->run->id);
        copying->texts[COPY_JSON] = mem_strdup("");
        copying->texts[COPY_COMMAND] = command_line("runs", subject->run->id);
    } else if (environment) {
        copying->texts[COPY_NAME] = mem_strdup(environment->name);
        copying->texts[COPY_ID] = mem_strdup(environment->id);
        copying->texts[COPY_JSON] = mem_strdup("");
        copying->texts[COPY_COMMAND] = command_line("env", environment->name);
    }
    if (*subject_url(subject))
        copying->texts[COPY_URL] = mem_strdup(subject_url(subject));
}

void copy_open(struct dashboard *dashboard)
{
    struct subject subject = dashboard_subject(dashboard);
    struct copying *copying = mem_zero(1, sizeof *copying);
    struct menu_item items[COPY_KINDS];
    struct str labels[COPY_KINDS];
    fill(copying, &subject);
    for (size_t i = 0; i < COPY_KINDS; i++) {
        if (!copying->texts[i])
            continue;
        struct str *label = &labels[copying->count];
        str_init(label);
        str_addf(label, "%-*s", i == COPY_JSON ? 0 : NAME_WIDTH, kinds[i].name);
        text_visible(label, copying->texts[i], strlen(copying->texts[i]), TEXT_ONE_LINE);
        items[copying->count] = (struct menu_item){kinds[i].key, label->data};
        copying->items[copying->count++] = (enum copied)i;
    }
    if (copying->count) {
        menu_open(dashboard, "copy", items, copying->count, chosen, copying);
    } else {
        free(copying);
        dashboard_say(dashboard, STYLE_MUTED, "there is nothing to copy here");
        return;
    }
    for (size_t i = 0; i < copying->count; i++)
        str_release(&labels[i]);
}
