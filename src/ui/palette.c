/* SPDX-License-Identifier: ISC */
/* What may be typed after `:`: every verb by its name as on the command line, and a few words of the dashboard itself. */
#include "berth/base/text.h"
#include "ui/action.h"
#include "ui/dashboard.h"
#include "ui/filter.h"
#include "ui/saved.h"
#include "ui/terminal.h"

#include <stdlib.h>

#define MOST_WORDS 24
#define MOST_CHOICES 200

/* --- words of the dashboard -------------------------------------------------------------------------------- */

static const struct {
    const char *word;
    enum request request;
} own_words[] = {
    {"q", REQUEST_QUIT},
    {"quit", REQUEST_QUIT},
    {"envs", REQUEST_VIEW_ENVIRONMENTS},
    {"branches", REQUEST_VIEW_BRANCHES},
    {"br", REQUEST_VIEW_BRANCHES},
    {"approvals", REQUEST_VIEW_APPROVALS},
    {"appr", REQUEST_VIEW_APPROVALS},
    {"runs", REQUEST_VIEW_RUNS},
    {"help", REQUEST_HELP},
    {"keys", REQUEST_HELP},
};
#define OWN_WORDS (sizeof own_words / sizeof *own_words)

static void set_theme(struct dashboard *dashboard, const char *name)
{
    struct theme theme;
    struct error error = {0};
    if (theme_load(name, &theme, &error)) {
        dashboard->theme = theme;
        dashboard->terminal->ops->set_theme(dashboard->terminal, &theme);
        dashboard_say(dashboard, STYLE_NORMAL, "theme %s", name);
    } else {
        dashboard_say_error(dashboard, &error);
    }
}

/* --- splitting --------------------------------------------------------------------------------------------- */

/* Words at blanks; quotes keep them together. Splits in place. */
static int split(char *line, char *words[MOST_WORDS + 1])
{
    int count = 0;
    char *to = line;
    for (char *at = line; *at && count < MOST_WORDS;) {
        while (*at == ' ')
            at++;
        if (!*at)
            break;
        char quote = '\0';
        words[count++] = to;
        for (; *at && (quote || *at != ' '); at++) {
            if (quote ? *at == quote : *at == '"' || *at == '\'')
                quote = quote ? '\0' : *at;
            else
                *to++ = *at;
        }
        if (*at)
            at++;
        *to++ = '\0';
    }
    words[count] = NULL;
    return count;
}

/* --- running ----------------------------------------------------------------------------------------------- */

static void look_at_environment(struct dashboard *dashboard, const char *name)
{
    const struct environment *row = picture_environment_named(dashboard->picture, name);
    if (row)
        dashboard_push(dashboard, &environment_view, row->id);
    else
        dashboard_say(dashboard, STYLE_WARNING, "there is no environment named %s", name);
}

static void look_at_why(struct dashboard *dashboard, const char *verb_name, const char *name)
{
    const struct verb *verb = verb_named(verb_name);
    struct subject subject = {0};
    struct arena arena = {0};
    struct str text = STR_INIT;
    if (verb)
        action_subject(dashboard, verb, name, &subject);
    bool known = subject.environment || subject.run || subject.branch;
    const struct why *why = known ? action_why(dashboard, verb, &subject, &arena) : NULL;
    if (why) {
        why_text(why, &text);
        dashboard_show_text(dashboard, "Why", text.data);
    } else {
        dashboard_say(dashboard, STYLE_WARNING, "why VERB NAME: %s is not known here", verb ? name : verb_name);
    }
    str_release(&text);
    arena_release(&arena);
}

static void look_at_run(struct dashboard *dashboard, const char *name)
{
    char number[32];
    text_copy(number, sizeof number, name);
    number[strcspn(number, ".")] = '\0';
    dashboard_push(dashboard, &run_view, number);
}

/* What waits is compared on the screen; a new plan is made by the shell. */
static void look_at_delta(struct dashboard *dashboard, const char *name)
{
    const struct run *run = picture_run_of(dashboard->picture, name);
    if (!run) {
        dashboard_say(dashboard, STYLE_WARNING, "%s has no run whose plan could be compared", name);
        return;
    }
    dashboard_push(dashboard, &gate_view, run->id);
    dashboard_request(dashboard, REQUEST_DELTA);
}

static void run_call(struct dashboard *dashboard, const struct call *call, char **words, int count)
{
    const struct verb *verb = call->verb;
    if (json_is_true(json_object_get(call->arguments, "delta")))
        look_at_delta(dashboard, call->subject);
    else if (verb->kind == VERB_ACTS)
        action_preview(dashboard, action_from_call(dashboard, verb, call->subject, call->arguments));
    else if (text_equal(verb->name, "env") && count > 1)
        look_at_environment(dashboard, words[1]);
    else if (text_equal(verb->name, "log") && count > 1)
        look_at_run(dashboard, words[1]);
    else if (text_equal(verb->name, "why") && count > 2)
        look_at_why(dashboard, words[1], words[2]);
    else
        dashboard_say(dashboard, STYLE_MUTED, "berth %s is for the shell: it prints a text", verb->name);
}

static bool run_own_word(struct dashboard *dashboard, char **words, int count)
{
    if (text_equal(words[0], "theme") && count == 2) {
        set_theme(dashboard, words[1]);
        return true;
    }
    if (text_equal(words[0], "view")) {
        saved_view_run(dashboard, words, count);
        return true;
    }
    for (size_t i = 0; i < OWN_WORDS; i++) {
        if (!text_equal(words[0], own_words[i].word))
            continue;
        dashboard_request(dashboard, own_words[i].request);
        struct view *view = dashboard_view(dashboard);
        if (count > 1 && view->ops->filter && !dashboard->layer)
            view->ops->filter(view, words[1]);
        return true;
    }
    return false;
}

void palette_run(struct dashboard *dashboard, const char *line)
{
    char *copy = mem_strdup(line), *words[MOST_WORDS + 1];
    struct arena arena = {0};
    struct call call = {0};
    struct error error = {0};
    int count = split(copy, words);
    if (count && !run_own_word(dashboard, words, count)) {
        if (call_parse(count, words, &arena, &call, &error)) {
            run_call(dashboard, &call, words, count);
            json_decref(call.arguments);
        } else {
            dashboard_say_error(dashboard, &error);
        }
    }
    arena_release(&arena);
    free(copy);
}

/* --- completing -------------------------------------------------------------------------------------------- */

struct completing {
    const char *word;
    struct str *out;
    size_t count;
    bool anywhere; /* names that hold the word and do not begin with it */
};

static bool completes(const struct completing *completing, const char *text)
{
    bool begins = text_starts(text, completing->word);
    return completing->anywhere ? !begins && text_find(text, completing->word) : begins;
}

/* `note`: what it does, or why it cannot be done; `can`: whether it can. */
static void offer_noted(struct completing *completing, const char *text, bool can, const char *note)
{
    struct str line = STR_INIT;
    if (completing->count == MOST_CHOICES || !completes(completing, text))
        return;
    text_visible(&line, note, strlen(note), TEXT_ONE_LINE);
    str_addf(completing->out, "%s\t%s%s\n", text, can ? "" : PALETTE_NOT_NOW, line.data);
    str_release(&line);
    completing->count++;
}

static void offer(struct completing *completing, const char *text)
{
    offer_noted(completing, text, true, "");
}

/* The verbs that print a text and nothing else are the shell's: those three open a view. */
static bool looks_here(const struct verb *verb)
{
    return text_equal(verb->name, "env") || text_equal(verb->name, "log") || text_equal(verb->name, "why");
}

static void offer_verb(struct dashboard *dashboard, struct completing *completing, const struct verb *verb)
{
    struct subject subject = dashboard_subject(dashboard);
    struct arena arena = {0};
    const struct why *why = verb->kind == VERB_ACTS && (verb->scopes & subject.scopes)
                                ? action_why(dashboard, verb, &subject, &arena)
                                : NULL;
    const struct why *first = why && why->verdict == POLICY_NO ? why_first(why) : NULL;
    offer_noted(completing, verb->name, !first, first ? first->reason : verb->help);
    arena_release(&arena);
}

static void offer_verbs(struct dashboard *dashboard, struct completing *completing)
{
    size_t count;
    const struct verb *list = verbs(&count);
    for (size_t i = 0; i < count; i++) {
        bool own = false;
        for (size_t w = 0; w < OWN_WORDS; w++)
            own = own || text_equal(own_words[w].word, list[i].name);
        if (!own && (list[i].kind == VERB_ACTS || looks_here(&list[i])))
            offer_verb(dashboard, completing, &list[i]);
    }
    for (size_t i = 0; i < OWN_WORDS; i++)
        offer(completing, own_words[i].word);
    offer(completing, "theme");
    offer(completing, "view");
}

static void offer_environments(struct dashboard *dashboard, struct completing *completing)
{
    for (size_t i = 0; i < picture_count(dashboard->picture, PICTURE_ENVIRONMENTS); i++) {
        const struct environment *row = picture_environment_at(dashboard->picture, i);
        if (row && row->status != ENVIRONMENT_DESTROYED)
            offer_noted(completing, row->name, true, environment_word(row));
    }
}

static void offer_branches(struct dashboard *dashboard, struct completing *completing)
{
    for (size_t i = 0; i < picture_count(dashboard->picture, PICTURE_BRANCHES); i++) {
        const struct branch_row *row = picture_branch_at(dashboard->picture, i);
        if (row && !row->is_gone)
            offer_noted(completing, row->name, true, row->subject);
    }
}

static void offer_runs(struct dashboard *dashboard, struct completing *completing)
{
    for (size_t i = 0; i < picture_count(dashboard->picture, PICTURE_RUNS_PART); i++) {
        const struct run *row = picture_run_at(dashboard->picture, i);
        struct str note = STR_INIT;
        if (!row)
            continue;
        str_addf(&note, "%s %s: %s", word_name(workflow_names, row->workflow), row->environment_name,
                 word_name(run_status_names, row->status));
        offer_noted(completing, row->id, true, note.data);
        str_release(&note);
    }
}

static void offer_tiers(struct completing *completing)
{
    offer(completing, "all");
    for (int tier = TIER_NONE + 1; tier <= TIER_PROD; tier++)
        offer(completing, word_name(tier_names, tier));
}

/* First the names that begin with the word, then those that hold it. A run may be named by its environment. */
static void offer_subjects(struct dashboard *dashboard, struct completing *completing, enum argument_type type)
{
    for (int pass = 0; pass < 2; pass++) {
        completing->anywhere = pass == 1;
        if (type == ARGUMENT_TIER) {
            offer_tiers(completing);
            continue;
        }
        if (type == ARGUMENT_RUN || type == ARGUMENT_RUN_STEP)
            offer_runs(dashboard, completing);
        if (type != ARGUMENT_RUN_STEP)
            offer_environments(dashboard, completing);
        if (type == ARGUMENT_BRANCH_OR_ENVIRONMENT)
            offer_branches(dashboard, completing);
    }
    completing->anywhere = false;
}

static void offer_options(struct completing *completing, const struct verb *verb)
{
    for (const struct verb_argument *argument = verb->arguments; argument->name; argument++) {
        char option[80] = "--";
        text_copy(option + 2, sizeof option - 2, argument->name);
        if (!argument->positional)
            offer_noted(completing, option, true, argument->help);
    }
}

/* `why` takes a verb, then what that verb takes. */
static void offer_why(struct dashboard *dashboard, struct completing *completing, const char *line)
{
    char words[64], *name = words + strlen("why ");
    size_t count;
    const struct verb *list = verbs(&count);
    text_copy(words, sizeof words, line);
    if (!strchr(name, ' ')) {
        for (size_t i = 0; i < count; i++) {
            if (list[i].kind == VERB_ACTS)
                offer_noted(completing, list[i].name, true, list[i].help);
        }
        return;
    }
    *strchr(name, ' ') = '\0';
    const struct verb *verb = verb_named(name);
    if (verb && verb->arguments[0].name)
        offer_subjects(dashboard, completing, verb->arguments[0].type);
}

static void offer_saved(struct completing *completing)
{
    struct str names = STR_INIT;
    offer_noted(completing, "save", true, "the filter and order of this list, under a name");
    offer_noted(completing, "forget", true, "a saved view");
    saved_view_names(&names);
    char *rest = names.length ? names.data : NULL, *name;
    while ((name = strsep(&rest, "\n")))
        if (*name)
            offer_noted(completing, name, true, "saved view");
    str_release(&names);
}

void palette_complete(struct dashboard *dashboard, const char *line, struct str *out)
{
    const char *last = strrchr(line, ' ');
    struct completing completing = {.word = last ? last + 1 : line, .out = out};
    char name[64];
    if (!last) {
        offer_verbs(dashboard, &completing);
        return;
    }
    text_copy(name, sizeof name, line);
    name[strcspn(name, " ")] = '\0';
    const struct verb *verb = verb_named(name);
    if (text_equal(name, "theme")) {
        offer(&completing, "dark");
        offer(&completing, "monochrome");
    }
    if (text_equal(name, "view"))
        offer_saved(&completing);
    if (text_equal(name, "why")) {
        offer_why(dashboard, &completing, line);
        return;
    }
    if (!verb)
        return;
    if (completing.word[0] != '-' && verb->arguments[0].name)
        offer_subjects(dashboard, &completing, verb->arguments[0].type);
    offer_options(&completing, verb);
}
