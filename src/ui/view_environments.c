/* SPDX-License-Identifier: ISC */
/* The list of environments: what needs attention first. */
#include "berth/base/time.h"
#include "ui/dashboard.h"
#include "ui/list.h"

enum {
    COLUMN_NAME,
    COLUMN_TIER,
    COLUMN_STATUS,
    COLUMN_BRANCH,
    COLUMN_RELEASE,
    COLUMN_CHANGED,
    COLUMN_EXPIRES,
    COLUMN_OWNER
};

static const struct table_column columns[] = {
    [COLUMN_NAME] = {"ENVIRONMENT", 24, 2, 0}, [COLUMN_TIER] = {"TIER", 9, 0, 2},
    [COLUMN_STATUS] = {"STATUS", 18, 0, 0},    [COLUMN_BRANCH] = {"BRANCH", 16, 2, 1},
    [COLUMN_RELEASE] = {"RELEASE", 7, 0, 3},   [COLUMN_CHANGED] = {"DEPLOYED", 12, 0, 4},
    [COLUMN_EXPIRES] = {"TTL", 12, 0, 5},      [COLUMN_OWNER] = {"OWNER", 10, 1, 6},
};
#define COLUMN_TOTAL ((int)(sizeof columns / sizeof *columns))

static const struct environment *row_at(void *context, size_t place)
{
    return picture_environment_at(((struct view *)context)->dashboard->picture, place);
}

static size_t count(void *context)
{
    return picture_count(((struct view *)context)->dashboard->picture, PICTURE_ENVIRONMENTS);
}

static bool exists(void *context, size_t place)
{
    return row_at(context, place) != NULL;
}

static int in_order(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

static int compare(void *context, size_t a, size_t b, int column)
{
    const struct environment *left = row_at(context, a), *right = row_at(context, b);
    int order = 0;
    if (!left || !right)
        return 0;
    switch (column) {
    case COLUMN_TIER: order = right->tier - left->tier; break;
    case COLUMN_STATUS: order = environment_urgency(left) - environment_urgency(right); break;
    case COLUMN_BRANCH: order = strcmp(left->branch, right->branch); break;
    case COLUMN_RELEASE: order = in_order(left->release, right->release); break;
    case COLUMN_CHANGED: order = in_order(right->deployed_at, left->deployed_at); break;
    case COLUMN_EXPIRES:
        order = in_order(left->planned_destruction_at ? left->planned_destruction_at : INT64_MAX,
                         right->planned_destruction_at ? right->planned_destruction_at : INT64_MAX);
        break;
    case COLUMN_OWNER: order = strcmp(left->owner, right->owner); break;
    default: break;
    }
    return order ? order : strcmp(left->name, right->name);
}

static const char *field(void *context, size_t place, const char *name)
{
    const struct environment *row = row_at(context, place);
    if (!*name || text_equal(name, "environment") || text_equal(name, "name"))
        return row->name;
    if (text_equal(name, "status"))
        return environment_word(row);
    if (text_equal(name, "tier"))
        return word_name(tier_names, row->tier);
    if (text_equal(name, "branch"))
        return row->branch;
    if (text_equal(name, "owner"))
        return row->owner;
    return NULL;
}

static void cell_status(struct view *view, const struct environment *row, struct str *text, enum style *style)
{
    enum sign sign = environment_sign(row);
    format_status(text, sign, environment_word(row), view->dashboard->ascii);
    *style = view->dashboard->serving || sign == SIGN_GONE ? sign_style(sign) : STYLE_STALE;
}

static void cell(void *context, size_t place, int column, struct str *text, enum style *style)
{
    struct view *view = context;
    const struct environment *row = row_at(context, place);
    if (!row)
        return;
    if (row->status == ENVIRONMENT_DESTROYED)
        *style = STYLE_GONE;
    switch (column) {
    case COLUMN_NAME: str_add(text, row->name); break;
    case COLUMN_TIER:
        str_add(text, row->tier == TIER_PROD ? "PROD" : word_name(tier_names, row->tier));
        *style = row->tier == TIER_PROD ? STYLE_TITLE : STYLE_MUTED;
        break;
    case COLUMN_STATUS: cell_status(view, row, text, style); break;
    case COLUMN_BRANCH:
        str_add(text, text_empty(row->branch) ? "-" : row->branch);
        if (row->marks & MARK_BRANCH_GONE)
            str_add(text, " (GONE)");
        break;
    case COLUMN_RELEASE:
        if (row->release)
            str_addf(text, "v%lld", (long long)row->release);
        else
            str_add(text, "-");
        break;
    case COLUMN_CHANGED:
        dashboard_time(view->dashboard, text, row->deployed_at);
        *style = STYLE_MUTED;
        break;
    case COLUMN_EXPIRES:
        dashboard_time(view->dashboard, text, row->planned_destruction_at);
        if (row->planned_destruction_at && row->planned_destruction_at - view->dashboard->now_ms < MS_HOUR) {
            str_add(text, " !");
            *style = STYLE_WARNING;
        }
        break;
    default:
        str_add(text, row->owner);
        *style = STYLE_MUTED;
        break;
    }
}

static uint64_t version(void *context)
{
    return picture_version(((struct view *)context)->dashboard->picture, PICTURE_ENVIRONMENTS);
}

static const struct table_source source = {
    .count = count,
    .exists = exists,
    .compare = compare,
    .field = field,
    .cell = cell,
    .version = version,
    .monotonic_us = list_monotonic,
};

static void init(struct view *view, const char *argument)
{
    (void)argument;
    list_init(view, &source, columns, COLUMN_TOTAL, COLUMN_STATUS);
}

static void subject(struct view *view, struct subject *subject)
{
    long place = list_place(view);
    if (place < 0)
        return;
    subject->scopes = SCOPE_ENVIRONMENT;
    subject->environment = row_at(view, (size_t)place);
    if (!subject->environment)
        return;
    subject->run = picture_run_of(view->dashboard->picture, subject->environment->name);
    if (subject->run && subject->run->status == RUN_GATE)
        subject->scopes |= SCOPE_GATE;
}

static void title(struct view *view, struct str *out)
{
    list_title(view, "Environments", out);
    size_t expiring = 0;
    for (size_t i = 0; i < count(view); i++)
        expiring += row_at(view, i) && (row_at(view, i)->marks & MARK_EXPIRING);
    if (expiring)
        str_addf(out, "   %zu expiring", expiring);
}

static void preview(struct view *view, struct grid *grid, struct area area)
{
    long place = list_place(view);
    const struct environment *row = place < 0 ? NULL : row_at(view, (size_t)place);
    struct str text = STR_INIT;
    if (!row)
        return;
    const struct run *run = picture_run_of(view->dashboard->picture, row->name);
    list_fact(grid, area, 0, "url", text_empty(row->entrypoint) ? "-" : row->entrypoint);
    list_fact(grid, area, 1, "why", text_empty(row->status_reason) ? "-" : row->status_reason);
    str_addf(&text, "%s", text_empty(row->commit) ? "-" : row->commit);
    str_cut(&text, text.length > 12 ? 12 : text.length);
    str_addf(&text, "   template entry %s   target %s%s%s", row->entry, text_empty(row->target) ? "-" : row->target,
             row->permanent ? "   permanent" : "", row->is_protected ? "   protected" : "");
    list_fact(grid, area, 2, "commit", text.data);
    str_clear(&text);
    if (run) {
        str_addf(&text, "run %s %s: %s, ", run->id, word_name(workflow_names, run->workflow),
                 word_name(run_status_names, run->status));
        format_when(&text, view->dashboard->times, run->ended_at ? run->ended_at : run->created_at,
                    view->dashboard->now_ms);
        str_addf(&text, " by %s%s%s", text_empty(run->person) ? run->actor : run->person,
                 text_empty(run->status_reason) ? "" : ": ", run->status_reason);
    }
    list_fact(grid, area, 3, "last", run ? text.data : "no run yet");
    str_release(&text);
}

static void draw(struct view *view, struct grid *grid, struct area area)
{
    long place = list_place(view);
    const struct environment *row = place < 0 ? NULL : row_at(view, (size_t)place);
    list_draw(view, grid, area, row ? row->name : NULL, preview, 4,
              "no environment yet: deploy a branch from the branches (2) with D");
}

static unsigned handle(struct view *view, enum request request)
{
    long place = list_place(view);
    const struct environment *row = place < 0 ? NULL : row_at(view, (size_t)place);
    if (request == REQUEST_OPEN && row) {
        dashboard_push(view->dashboard, &environment_view, row->id);
        return REFRESH_SCREEN;
    }
    return list_handle(view, request);
}

static bool why(struct view *view, struct str *out)
{
    long place = list_place(view);
    const struct environment *row = place < 0 ? NULL : row_at(view, (size_t)place);
    if (!row || text_empty(row->status_reason))
        return false;
    str_addf(out, "%s is %s\n\n%s\n", row->name, environment_word(row), row->status_reason);
    return true;
}

const struct view_ops environments_view = {
    .name = "environments",
    .kind = VIEW_ENVIRONMENTS,
    .size = sizeof(struct list_view),
    .init = init,
    .release = list_release,
    .refresh = list_refresh,
    .work = list_work,
    .title = title,
    .draw = draw,
    .handle = handle,
    .subject = subject,
    .filter = list_filter,
    .columns = list_columns,
    .sort = list_sort,
    .why = why,
};
