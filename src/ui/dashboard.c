/* SPDX-License-Identifier: ISC */
/* The middle: views on a stack, one layer above, keys to requests, the store's changes to views, one paint a turn. */
#include "ui/dashboard.h"

#include "berth/base/file.h"
#include "berth/base/time.h"
#include "berth/config.h"
#include "berth/model/ledger.h"
#include "berth/store.h"
#include "ui/action.h"
#include "ui/pager.h"
#include "ui/terminal.h"

#include <stdlib.h>

#define WORK_US 3000  /* of loading, sorting, filtering between two looks at the keyboard */
#define DRAW_US 50000 /* between two paints that only show how far loading came */
#define SETTLE_PIECES 40
#define FIRST_ROWS_SPARE 2 /* read beyond what the first screen shows */

const struct view_ops *const root_views[4] = {&environments_view, &branches_view, &approvals_view, &runs_view};

/* --- views ------------------------------------------------------------------------------------------------ */

static struct view *view_new(struct dashboard *dashboard, const struct view_ops *ops, const char *argument)
{
    struct view *view = mem_zero(1, ops->size);
    view->ops = ops;
    view->dashboard = dashboard;
    view->argument = mem_strdup(argument);
    ops->init(view, view->argument);
    return view;
}

static void view_refresh(struct view *view, unsigned changed)
{
    if (view->ops->refresh)
        view->ops->refresh(view, changed);
}

static bool view_work(struct view *view)
{
    return view->ops->work && view->ops->work(view, WORK_US);
}

/* A key that opens or acts is about what the person sees: a filter or an order that was asked for before it is worked out first. */
static void settle(struct view *view)
{
    for (int i = 0; i < SETTLE_PIECES && view_work(view); i++)
        ;
}

/* What was covered was not kept current. The key that uncovers it moves no row from under a person: none was in sight. */
static void uncover(struct view *view)
{
    int64_t pressed_us = view->dashboard->last_key_us;
    view->dashboard->last_key_us = 0;
    view_refresh(view, PICTURE_ALL);
    settle(view);
    view->dashboard->last_key_us = pressed_us;
}

static void view_free(struct view *view)
{
    if (!view)
        return;
    view->ops->release(view);
    free(view->argument);
    free(view);
}

struct view *dashboard_view(const struct dashboard *dashboard)
{
    return dashboard->views[dashboard->depth - 1];
}

void subject_environment(struct subject *subject, const struct picture *picture, const struct environment *environment)
{
    subject->environment = environment;
    if (!environment)
        return;
    subject->run = picture_run_of(picture, environment->name);
    if (subject->run && subject->run->status == RUN_GATE)
        subject->scopes |= SCOPE_GATE;
}

void subject_run(struct subject *subject, const struct picture *picture, const struct run *run)
{
    subject->run = run;
    subject->scopes = run->status == RUN_GATE ? SCOPE_GATE : SCOPE_RUN;
    subject->environment = picture_environment(picture, run->environment);
}

struct subject dashboard_subject(struct dashboard *dashboard)
{
    struct view *view = dashboard_view(dashboard);
    struct subject subject = {0};
    if (view->ops->subject)
        view->ops->subject(view, &subject);
    return subject;
}

const char *dashboard_search(struct dashboard *dashboard, struct pager *pager, const char *text, const char *where)
{
    if (text && !pager_search(pager, text))
        dashboard_say(dashboard, STYLE_MUTED, "%s is not in %s", text, where);
    return pager->search;
}

void dashboard_push(struct dashboard *dashboard, const struct view_ops *ops, const char *argument)
{
    if (dashboard->depth == VIEW_DEPTH) { /* the oldest but the root goes */
        view_free(dashboard->views[1]);
        memmove(&dashboard->views[1], &dashboard->views[2], (VIEW_DEPTH - 2) * sizeof *dashboard->views);
        dashboard->depth--;
    }
    dashboard->views[dashboard->depth++] = view_new(dashboard, ops, argument);
    settle(dashboard_view(dashboard));
}

void dashboard_back(struct dashboard *dashboard)
{
    if (dashboard->depth < 2)
        return;
    view_free(dashboard->views[--dashboard->depth]);
    uncover(dashboard_view(dashboard));
}

void dashboard_root(struct dashboard *dashboard, size_t root)
{
    const struct view *seen = dashboard->depth > 0 ? dashboard_view(dashboard) : NULL; /* none yet: it opens */
    while (dashboard->depth > 1)
        dashboard_back(dashboard);
    if (!dashboard->roots[root])
        dashboard->roots[root] = view_new(dashboard, root_views[root], "");
    dashboard->views[0] = dashboard->roots[root];
    dashboard->depth = 1;
    dashboard->last_root = root;
    struct view *view = dashboard_view(dashboard);
    if (view == seen)
        settle(view);
    else
        uncover(view);
}

void dashboard_layer(struct dashboard *dashboard, struct layer *layer)
{
    struct layer *old = dashboard->layer;
    dashboard->layer = layer;
    if (old)
        old->ops->release(old);
}

void dashboard_show_text(struct dashboard *dashboard, const char *title, const char *text)
{
    struct str whole = STR_INIT;
    str_addf(&whole, "%s\n%s", title, text ? text : "");
    dashboard_push(dashboard, &text_view, whole.data);
    str_release(&whole);
}

/* --- saying ----------------------------------------------------------------------------------------------- */

void dashboard_say(struct dashboard *dashboard, enum style style, const char *format, ...)
{
    va_list arguments;
    str_clear(&dashboard->message);
    va_start(arguments, format);
    str_addv(&dashboard->message, format, arguments);
    va_end(arguments);
    dashboard->message_style = style;
    dashboard->message_until = dashboard->now_ms + MESSAGE_MS;
}

void dashboard_say_error(struct dashboard *dashboard, const struct error *error)
{
    char line[2200];
    dashboard_say(dashboard, STYLE_FAILED, "%s", error_line(error, line, sizeof line));
}

void dashboard_time(const struct dashboard *dashboard, struct str *out, int64_t at_ms)
{
    format_time(out, dashboard->times, at_ms, dashboard->now_ms);
}

/* --- life ------------------------------------------------------------------------------------------------- */

void dashboard_init(struct dashboard *dashboard, const struct ui_options *options, struct terminal *terminal,
                    struct store *reader)
{
    *dashboard =
        (struct dashboard){.options = options, .terminal = terminal, .reader = reader, .ascii = options->ascii};
    str_init(&dashboard->message);
    str_init(&dashboard->why_text);
    dashboard->picture = picture_new(reader);
    dashboard->now_ms = terminal->ops->now_ms(terminal);
    int rows, columns;
    terminal->ops->size(terminal, &rows, &columns);
    grid_init(&dashboard->grid, rows, columns, options->ascii);
}

void dashboard_release(struct dashboard *dashboard)
{
    dashboard_layer(dashboard, NULL);
    while (dashboard->depth > 1)
        dashboard_back(dashboard);
    for (size_t i = 0; i < 4; i++)
        view_free(dashboard->roots[i]);
    opening_end(dashboard);
    picture_free(dashboard->picture);
    config_free(dashboard->config);
    free(dashboard->config_commit);
    free(dashboard->pending);
    free(dashboard->marks[0]);
    free(dashboard->marks[1]);
    arena_release(&dashboard->gate_rows.arena);
    arena_release(&dashboard->release_rows.arena);
    str_release(&dashboard->message);
    str_release(&dashboard->why_text);
    grid_release(&dashboard->grid);
    if (!dashboard->client_is_reader)
        store_close(dashboard->client);
}

static size_t first_root(const struct dashboard *dashboard)
{
    for (size_t i = 0; dashboard->options->view && i < 4; i++) {
        if (text_equal(dashboard->options->view, root_views[i]->name))
            return i;
    }
    return picture_count(dashboard->picture, PICTURE_ENVIRONMENTS) ? 0 : 1;
}

bool dashboard_open(struct dashboard *dashboard, struct error *error)
{
    if (!picture_first(dashboard->picture, (size_t)dashboard->grid.rows + FIRST_ROWS_SPARE, error))
        return false;
    serving_open(dashboard);
    dashboard_root(dashboard, first_root(dashboard));
    dashboard_draw(dashboard);
    return true;
}

void dashboard_draw(struct dashboard *dashboard)
{
    struct view *view = dashboard_view(dashboard);
    struct area body;
    grid_clear(&dashboard->grid);
    frame_draw(dashboard, &dashboard->grid, &body);
    view->ops->draw(view, &dashboard->grid, body);
    frame_draw_message(dashboard, &dashboard->grid);
    if (dashboard->layer)
        dashboard->layer->ops->draw(dashboard->layer, &dashboard->grid);
    dashboard->terminal->ops->paint(dashboard->terminal, &dashboard->grid);
}

/* --- requests --------------------------------------------------------------------------------------------- */

static void take_size(struct dashboard *dashboard)
{
    int rows, columns;
    dashboard->terminal->ops->size(dashboard->terminal, &rows, &columns);
    grid_resize(&dashboard->grid, rows, columns);
}

static void close_view(struct dashboard *dashboard)
{
    if (dashboard->depth > 1)
        dashboard_back(dashboard);
    else
        dashboard->quit = true;
}

/* Esc takes away one thing at a time: the message, the filter, the view. */
static void go_back(struct dashboard *dashboard)
{
    struct view *view = dashboard_view(dashboard);
    if (dashboard->message.length && dashboard->now_ms < dashboard->message_until)
        str_clear(&dashboard->message);
    else if (view->ops->filter && !text_empty(view->ops->filter(view, NULL)))
        view->ops->filter(view, "");
    else
        dashboard_back(dashboard);
}

static void open_log(struct dashboard *dashboard, const struct view_ops *ops)
{
    struct subject subject = dashboard_subject(dashboard);
    if (subject.run)
        dashboard_push(dashboard, ops, subject.run->id);
    else
        dashboard_say(dashboard, STYLE_MUTED, "there is no run here yet: D starts one");
}

static void open_why(struct dashboard *dashboard)
{
    struct view *view = dashboard_view(dashboard);
    struct str text = STR_INIT;
    bool refused =
        dashboard->why_text.length && dashboard->message.length && dashboard->now_ms < dashboard->message_until;
    if (refused)
        dashboard_show_text(dashboard, "Why not: every rule, where it comes from, what to do next",
                            dashboard->why_text.data);
    else if (view->ops->why && view->ops->why(view, &text))
        dashboard_show_text(dashboard, "Why", text.data);
    else
        dashboard_say(dashboard, STYLE_MUTED, "nothing to explain here; a grey key pressed says why it is grey");
    str_release(&text);
}

static void go_environment(struct dashboard *dashboard, const struct view_ops *ops)
{
    struct subject subject = dashboard_subject(dashboard);
    if (subject.environment)
        dashboard_push(dashboard, ops, subject.environment->id);
    else
        dashboard_say(dashboard, STYLE_MUTED, "there is no environment here");
}

/* The branch of what is selected, found by filtering the list of branches. */
static void go_branch(struct dashboard *dashboard)
{
    struct subject subject = dashboard_subject(dashboard);
    if (!subject.environment || text_empty(subject.environment->branch)) {
        dashboard_say(dashboard, STYLE_MUTED, "no branch owns this");
        return;
    }
    char *name = mem_strdup(subject.environment->branch);
    dashboard_root(dashboard, 1);
    dashboard_view(dashboard)->ops->filter(dashboard_view(dashboard), name);
    free(name);
}

static void go_runs(struct dashboard *dashboard)
{
    struct subject subject = dashboard_subject(dashboard);
    const char *name = subject.environment ? subject.environment->name
                       : subject.run       ? subject.run->environment_name
                                           : "";
    if (*name)
        dashboard_push(dashboard, &runs_view, name);
    else
        dashboard_root(dashboard, 3);
}

static void sort_chosen(struct dashboard *dashboard, size_t item, void *context)
{
    struct view *view = dashboard_view(dashboard);
    (void)context;
    if (item != SIZE_MAX && view->ops->sort)
        view->ops->sort(view, (int)item);
}

static void open_sort(struct dashboard *dashboard)
{
    struct view *view = dashboard_view(dashboard);
    struct menu_item items[16];
    size_t count = 0;
    if (!view->ops->columns)
        return;
    const char *const *columns = view->ops->columns(view);
    for (; columns[count] && count < 16; count++)
        items[count] = (struct menu_item){(char)('a' + count), columns[count]};
    menu_open(dashboard, "sort by (the same again reverses)", items, count, sort_chosen, NULL);
}

static void prefix_chosen(struct dashboard *dashboard, size_t item, void *context)
{
    static const enum request requests[] = {REQUEST_TOP,     REQUEST_GO_ENVIRONMENT, REQUEST_GO_BRANCH,
                                            REQUEST_GO_RUNS, REQUEST_GO_GATE,        REQUEST_GO_RELEASES};
    (void)context;
    if (item < sizeof requests / sizeof *requests)
        dashboard_request(dashboard, requests[item]);
}

static void open_prefix(struct dashboard *dashboard)
{
    static const struct menu_item items[] = {
        {'g', "first row"}, {'e', "its environment"},          {'b', "its branch"},
        {'r', "its runs"},  {'p', "its newest plan and gate"}, {'v', "its releases"}};
    menu_open(dashboard, "go", items, sizeof items / sizeof *items, prefix_chosen, NULL);
}

static bool request_of_dashboard(struct dashboard *dashboard, enum request request)
{
    switch ((int)request) {
    case REQUEST_CLOSE: close_view(dashboard); break;
    case REQUEST_QUIT: dashboard->quit = true; break;
    case REQUEST_BACK: go_back(dashboard); break;
    case REQUEST_CANCEL: dashboard_say(dashboard, STYLE_MUTED, "^c never quits: q does, ^z suspends"); break;
    case REQUEST_SUSPEND:
        dashboard->terminal->ops->suspend(dashboard->terminal);
        take_size(dashboard);
        break;
    case REQUEST_REDRAW: dashboard->terminal->ops->redraw(dashboard->terminal); break;
    case REQUEST_TIME: dashboard->times = (enum time_form)((dashboard->times + 1) % TIME_FORMS); break;
    case REQUEST_PREVIEW: dashboard->preview_off = !dashboard->preview_off; break;
    case REQUEST_COPY: copy_open(dashboard); break;
    case REQUEST_BROWSE: opening_open(dashboard); break;
    case REQUEST_MARK: mark_toggle(dashboard); break;
    case REQUEST_COMPARE: mark_compare(dashboard); break;
    case REQUEST_HELP: help_open(dashboard); break;
    case REQUEST_COMMAND: prompt_open_command(dashboard); break;
    case REQUEST_FILTER: prompt_open_filter(dashboard); break;
    case REQUEST_SORT: open_sort(dashboard); break;
    case REQUEST_PREFIX: open_prefix(dashboard); break;
    case REQUEST_LOG: open_log(dashboard, &run_view); break;
    case REQUEST_GO_GATE: open_log(dashboard, &gate_view); break;
    case REQUEST_WHY: open_why(dashboard); break;
    case REQUEST_START: serving_retry(dashboard); break;
    case REQUEST_GO_ENVIRONMENT: go_environment(dashboard, &environment_view); break;
    case REQUEST_GO_RELEASES: go_environment(dashboard, &releases_view); break;
    case REQUEST_GO_BRANCH: go_branch(dashboard); break;
    case REQUEST_GO_RUNS: go_runs(dashboard); break;
    case REQUEST_VIEW_ENVIRONMENTS: dashboard_root(dashboard, 0); break;
    case REQUEST_VIEW_BRANCHES: dashboard_root(dashboard, 1); break;
    case REQUEST_VIEW_APPROVALS: dashboard_root(dashboard, 2); break;
    case REQUEST_VIEW_RUNS: dashboard_root(dashboard, 3); break;
    default: return false;
    }
    return true;
}

static void describe_selected(struct dashboard *dashboard)
{
    struct subject subject = dashboard_subject(dashboard);
    json_t *json = NULL;
    if (subject.environment && dashboard_view(dashboard)->ops->kind == VIEW_ENVIRONMENTS)
        json = record_to_json(&environment_type, subject.environment);
    else if (subject.run)
        json = record_to_json(&run_type, subject.run);
    if (!json) {
        dashboard_say(dashboard, STYLE_MUTED, "nothing more is recorded about this");
        return;
    }
    char *text = json_dumps(json, JSON_INDENT(2));
    dashboard_show_text(dashboard, "Everything recorded", text);
    free(text);
    json_decref(json);
}

void dashboard_request(struct dashboard *dashboard, enum request request)
{
    struct view *view = dashboard_view(dashboard);
    if (request == REQUEST_LAST_VIEW) {
        dashboard_back(dashboard);
    } else if (request == REQUEST_REFRESH) {
        struct error error = {0};
        if (!picture_again(dashboard->picture, &error))
            dashboard_say_error(dashboard, &error);
        view_refresh(view, PICTURE_ALL);
    } else if (!request_of_dashboard(dashboard, request)) {
        unsigned refresh = view->ops->handle(view, request);
        if (refresh == REFRESH_NOTHING && request == REQUEST_DESCRIBE)
            describe_selected(dashboard);
        if (refresh & REFRESH_ROWS)
            view_refresh(view, PICTURE_ALL);
    }
}

/* What is pasted is text: a field takes it, a view never does anything because of it. */
static void take_paste(struct dashboard *dashboard, int character)
{
    struct layer *layer = dashboard->layer;
    if (layer && layer->ops->paste)
        layer->ops->paste(layer, character);
    else
        dashboard_say(dashboard, STYLE_MUTED, "what was pasted was dropped: keys are typed, / and : take text");
}

/* Requests about what is selected; a capital is no request. */
static bool is_about_row(enum request request)
{
    switch ((int)request) {
    case REQUEST_NONE:
    case REQUEST_OPEN:
    case REQUEST_LOG:
    case REQUEST_DESCRIBE:
    case REQUEST_WHY:
    case REQUEST_COPY:
    case REQUEST_BROWSE:
    case REQUEST_MARK:
    case REQUEST_COMPARE:
    case REQUEST_PREFIX:
    case REQUEST_COMMAND: return true;
    default: return false;
    }
}

void dashboard_press(struct dashboard *dashboard, int key)
{
    struct view *view = dashboard_view(dashboard);
    dashboard->last_key_us = dashboard->terminal->ops->monotonic_us(dashboard->terminal);
    if (key == PRESS_RESIZE) {
        take_size(dashboard);
        return;
    }
    if (key == PRESS_HANG_UP) {
        dashboard->quit = true;
        return;
    }
    if (key & PRESS_PASTED) {
        take_paste(dashboard, key & ~PRESS_PASTED);
        return;
    }
    if (dashboard->layer) {
        struct layer *layer = dashboard->layer;
        layer->ops->press(layer, key);
        if (dashboard->layer == layer && layer->is_done)
            dashboard_layer(dashboard, NULL);
        return;
    }
    enum request request = request_for_key(key, view->ops->kind, false);
    if (is_about_row(request))
        settle(view);
    if (request != REQUEST_NONE) {
        dashboard_request(dashboard, request);
        return;
    }
    struct subject subject = dashboard_subject(dashboard);
    const struct verb *verb = verb_for_press(key, subject.scopes);
    if (verb)
        action_press(dashboard, verb, &subject);
    else if (key >= '0' && key <= '9')
        dashboard_say(dashboard, STYLE_MUTED,
                      "there is no view %c in this version: 1 environments, 2 branches, 4 approvals, 5 runs", key);
    else if (key >= ' ' && key < 127)
        dashboard_say(dashboard, STYLE_MUTED, "%c does nothing here (? lists the keys)", key);
}

/* --- turns ------------------------------------------------------------------------------------------------ */

static void follow_store(struct dashboard *dashboard)
{
    struct error error = {0};
    unsigned changed = 0;
    if (!store_changed(dashboard->reader))
        return;
    dashboard->moment++;
    if (!picture_follow(dashboard->picture, &changed, &error)) {
        dashboard_say_error(dashboard, &error);
        return;
    }
    if (changed & PICTURE_AROUND)
        action_learn(dashboard);
    action_answer(dashboard);
    struct view *view = dashboard_view(dashboard);
    view_refresh(view, changed);
}

static bool work(struct dashboard *dashboard)
{
    struct view *view = dashboard_view(dashboard);
    struct error error = {0};
    bool more = false;
    if (!picture_load(dashboard->picture, WORK_US, &more, &error)) {
        dashboard_say_error(dashboard, &error); /* tried again at the next tick */
        return view_work(view);
    }
    if (!more && !dashboard->loaded) {
        dashboard->loaded = true;
        action_learn(dashboard);
    }
    return view_work(view) || more;
}

static void paint(struct dashboard *dashboard)
{
    dashboard_draw(dashboard);
    dashboard->drawn_us = dashboard->terminal->ops->monotonic_us(dashboard->terminal);
}

bool dashboard_turn(struct dashboard *dashboard)
{
    int key;
    bool pressed = false;
    dashboard->now_ms = dashboard->terminal->ops->now_ms(dashboard->terminal);
    for (; !dashboard->quit && (key = dashboard->terminal->ops->read(dashboard->terminal)) != PRESS_NONE;
         pressed = true)
        dashboard_press(dashboard, key);
    if (dashboard->quit)
        return false;
    if (pressed) /* a key is answered before anything is read or loaded */
        paint(dashboard);
    follow_store(dashboard);
    serving_turn(dashboard);
    opening_turn(dashboard);
    bool more = work(dashboard);
    int64_t now_us = dashboard->terminal->ops->monotonic_us(dashboard->terminal);
    if (!more || now_us - dashboard->drawn_us > DRAW_US)
        paint(dashboard);
    return more;
}
