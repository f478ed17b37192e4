/* SPDX-License-Identifier: ISC */
/* Two lists of runs: all, newest first; and those that wait for a person. */
#include "berth/base/wording.h"
#include "ui/list.h"

enum {
    COLUMN_NUMBER,
    COLUMN_WHAT,
    COLUMN_STATUS,
    COLUMN_ENVIRONMENT,
    COLUMN_PLAN,
    COLUMN_STARTED,
    COLUMN_WHO,
    COLUMN_REASON
};

static const struct table_column columns[] = {
    [COLUMN_NUMBER] = {"RUN", 0, 0},    [COLUMN_WHAT] = {"WHAT", 0, 1},
    [COLUMN_STATUS] = {"STATUS", 0, 0}, [COLUMN_ENVIRONMENT] = {"ENVIRONMENT", 22, 0},
    [COLUMN_PLAN] = {"PLAN", 0, 4},     [COLUMN_STARTED] = {"CREATED", 0, 2},
    [COLUMN_WHO] = {"BY", 6, 5},        [COLUMN_REASON] = {"REASON", 14, 3},
};
#define COLUMN_TOTAL ((int)(sizeof columns / sizeof *columns))

static const struct run *row_at(void *context, size_t place)
{
    return picture_run_at(((struct view *)context)->dashboard->picture, place);
}

static bool waits(const struct run *run)
{
    return run->status == RUN_GATE || run->status == RUN_HELD;
}

static size_t count(void *context)
{
    return picture_count(((struct view *)context)->dashboard->picture, PICTURE_RUNS_PART);
}

static bool exists(void *context, size_t place)
{
    const struct view *view = context;
    const struct run *run = row_at(context, place);
    if (!run || (view->ops->kind == VIEW_APPROVALS && !waits(run)))
        return false;
    return text_empty(view->argument) || text_equal(view->argument, run->environment_name);
}

static int compare(void *context, size_t a, size_t b, int column)
{
    const struct run *left = row_at(context, a), *right = row_at(context, b);
    int order = 0;
    if (!left || !right)
        return 0;
    if (column == COLUMN_ENVIRONMENT)
        order = strcmp(left->environment_name, right->environment_name);
    else if (column == COLUMN_STATUS)
        order = left->status - right->status;
    else if (column == COLUMN_WHO)
        order = strcmp(left->person, right->person);
    else if (column == COLUMN_WHAT)
        order = left->workflow - right->workflow;
    return order ? order : left->number > right->number ? -1 : left->number < right->number;
}

static const char *field(void *context, size_t place, const char *name)
{
    const struct run *row = row_at(context, place);
    if (!*name || text_equal(name, "environment"))
        return row->environment_name;
    if (text_equal(name, "status"))
        return word_name(run_status_names, row->status);
    if (text_equal(name, "run"))
        return row->id;
    if (text_equal(name, "what"))
        return word_name(workflow_names, row->workflow);
    if (text_equal(name, "by"))
        return row->person;
    return NULL;
}

static bool number(void *context, size_t place, const char *name, int64_t *number)
{
    const struct run *row = row_at(context, place);
    if (text_equal(name, "age"))
        return list_age(context, row->created_at, number);
    if (text_equal(name, "run"))
        *number = row->number;
    else if (text_equal(name, "destroys"))
        *number = row->destroys;
    else if (text_equal(name, "took") && row->started_at)
        *number = (row->ended_at ? row->ended_at : ((struct view *)context)->dashboard->now_ms) - row->started_at;
    else
        return false;
    return true;
}

static void cell_plan(const struct run *row, struct str *text)
{
    if (text_empty(row->digest)) {
        str_add(text, "-");
        return;
    }
    str_addf(text, "+%lld ~%lld -%lld", (long long)row->creates, (long long)(row->updates + row->replaces),
             (long long)row->destroys);
    if (row->touches_data)
        str_add(text, " DATA");
}

static void cell(void *context, size_t place, int column, struct str *text, enum style *style)
{
    struct view *view = context;
    const struct run *row = row_at(context, place);
    if (!row)
        return;
    switch (column) {
    case COLUMN_NUMBER: str_add(text, row->id); break;
    case COLUMN_WHAT: str_add(text, word_name(workflow_names, row->workflow)); break;
    case COLUMN_STATUS:
        *style = serving_status(view->dashboard, text, run_sign(row->status), word_name(run_status_names, row->status));
        if (run_ended((enum run_status)row->status))
            *style = sign_style(run_sign(row->status));
        break;
    case COLUMN_ENVIRONMENT: str_add(text, row->environment_name); break;
    case COLUMN_PLAN:
        cell_plan(row, text);
        *style = row->destroys || row->touches_data ? STYLE_WARNING : STYLE_MUTED;
        break;
    case COLUMN_STARTED:
        dashboard_time(view->dashboard, text, row->created_at);
        *style = STYLE_MUTED;
        break;
    case COLUMN_WHO: wording_person(text, row->person, row->actor); break;
    default:
        str_add(text, row->status_reason);
        *style = STYLE_MUTED;
        break;
    }
}

static uint64_t version(void *context)
{
    return picture_version(((struct view *)context)->dashboard->picture, PICTURE_RUNS_PART);
}

static const struct table_source source = {LIST_SOURCE};

static void name(struct view *view, size_t place, struct str *out)
{
    const struct run *row = row_at(view, place);
    str_addf(out, "run %s: %s %s", row->id, word_name(workflow_names, row->workflow), row->environment_name);
}

static void subject(struct view *view, size_t place, struct subject *subject)
{
    subject_run(subject, view->dashboard->picture, row_at(view, place));
}

static void title_more(struct view *view, struct str *out)
{
    if (!text_empty(view->argument))
        str_addf(out, "   of %s", view->argument);
}

static void preview(struct view *view, size_t place, struct grid *grid, struct area area)
{
    const struct run *row = row_at(view, place);
    struct str text = STR_INIT;
    wording_commit(&text, row->commit);
    str_addf(&text, " %s   %s", row->ref, row->subject);
    list_fact(grid, area, 0, "commit", text.data);
    list_fact(grid, area, 1, "why", text_empty(row->status_reason) ? "-" : row->status_reason);
    str_clear(&text);
    str_addf(&text, text_empty(row->person) ? "%s%s" : "%s (%s)", row->person, row->actor);
    str_addf(&text, " via %s", row->via);
    if (!text_empty(row->reason))
        str_addf(&text, ": %s", row->reason);
    list_fact(grid, area, 2, "by", text.data);
    list_fact(grid, area, 3, "digest", text_empty(row->digest) ? "no plan yet" : row->digest);
    str_release(&text);
}

static const char *empty(struct view *view)
{
    return view->ops->kind == VIEW_APPROVALS ? "nothing waits for a person"
                                             : "no run yet: D on a branch or an environment starts one";
}

static void open_row(struct view *view, size_t place)
{
    const struct run *row = row_at(view, place);
    bool to_gate = row->status == RUN_GATE || (view->ops->kind == VIEW_APPROVALS && row->status != RUN_HELD);
    dashboard_push(view->dashboard, to_gate ? &gate_view : &run_view, row->id);
}

static bool why(struct view *view, size_t place, struct str *out)
{
    const struct run *row = row_at(view, place);
    str_addf(out, "run %s is ", row->id);
    format_run_status(out, row);
    str_add_char(out, '\n');
    if (!text_empty(row->superseded_by))
        str_addf(out, "\nrun %s took its place\n", row->superseded_by);
    return true;
}

#define RUN_LIST(word)                                                                                             \
    {                                                                                                              \
        .title = word, .columns = columns, .column_count = COLUMN_TOTAL, .sort = COLUMN_NUMBER, .source = &source, \
        .preview_rows = 4, .name = name, .preview = preview, .subject = subject, .open = open_row, .why = why,     \
        .title_more = title_more, .empty = empty,                                                                  \
    }
static const struct list_ops runs = RUN_LIST("Runs"), approvals = RUN_LIST("Approvals");
const struct view_ops runs_view = {LIST_VIEW, .name = "runs", .kind = VIEW_RUNS, .list = &runs};
const struct view_ops approvals_view = {LIST_VIEW, .name = "approvals", .kind = VIEW_APPROVALS, .list = &approvals};
