/* SPDX-License-Identifier: ISC */
/* The list of environments: what needs attention first. */
#include "berth/base/time.h"
#include "berth/base/wording.h"
#include "berth/config.h"
#include "ui/list.h"
#include "ui/notices.h"

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
    [COLUMN_NAME] = {"ENVIRONMENT", 26, 0}, [COLUMN_TIER] = {"TIER", 0, 2},       [COLUMN_STATUS] = {"STATUS", 0, 0},
    [COLUMN_BRANCH] = {"BRANCH", 12, 1},    [COLUMN_RELEASE] = {"RELEASE", 0, 5}, [COLUMN_CHANGED] = {"DEPLOYED", 0, 4},
    [COLUMN_EXPIRES] = {"TTL", 0, 3},       [COLUMN_OWNER] = {"OWNER", 8, 6},
};
#define COLUMN_TOTAL ((int)(sizeof columns / sizeof *columns))

#define DESTROYED_SHOWN_MS (10 * MS_MINUTE)

static const struct environment *row_at(void *context, size_t place)
{
    return picture_environment_at(((struct view *)context)->dashboard->picture, place);
}

static size_t count(void *context)
{
    return picture_count(((struct view *)context)->dashboard->picture, PICTURE_ENVIRONMENTS);
}

/* What was destroyed a while ago is out of the way, until somebody asks for it. */
static bool is_hidden(const struct view *view, const struct environment *row)
{
    return row->status == ENVIRONMENT_DESTROYED && view->dashboard->now_ms - row->destroyed_at > DESTROYED_SHOWN_MS &&
           !view->dashboard->destroyed_shown && !filter_asks(list_filters(view), "status", environment_word(row));
}

static bool exists(void *context, size_t place)
{
    const struct environment *row = row_at(context, place);
    return row && !is_hidden(context, row);
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
        order = in_order(environment_ends_at(left) ? environment_ends_at(left) : INT64_MAX,
                         environment_ends_at(right) ? environment_ends_at(right) : INT64_MAX);
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
    if (text_equal(name, "entry"))
        return config_left_behind(((struct view *)context)->dashboard->config, row) ? "(none)" : row->entry;
    return NULL;
}

static bool number(void *context, size_t place, const char *name, int64_t *number)
{
    const struct environment *row = row_at(context, place);
    const int64_t ends = environment_ends_at(row);
    if (text_equal(name, "age"))
        return list_age(context, row->created_at, number);
    if (text_equal(name, "deployed"))
        return list_age(context, row->deployed_at, number);
    if (text_equal(name, "release"))
        *number = row->release;
    else if (text_equal(name, "ttl") && ends)
        *number = ends - ((struct view *)context)->dashboard->now_ms;
    else
        return false;
    return true;
}

static void cell_name(struct view *view, const struct environment *row, struct str *text, enum style *style)
{
    str_addf(text, "%s%s", row->name, mark_is(view->dashboard, row->id) ? " *" : "");
    if (!config_left_behind(view->dashboard->config, row))
        return;
    str_add(text, " (" LEFT_BEHIND ")");
    *style = STYLE_WARNING;
}

static void cell_end(const struct dashboard *dashboard, const struct environment *row, struct str *text,
                     enum style *style)
{
    const int64_t at = environment_ends_at(row);
    const enum life_end end =
        environment_life_end(row, notices_question(dashboard, row->id) != NULL, dashboard->now_ms);
    bool soon = end == LIFE_OVER || (end == LIFE_GOES_ON && at - dashboard->now_ms < MS_HOUR);
    str_add(text, life_end_names[end == LIFE_PERMANENT ? LIFE_ENDS_NEVER : end]); /* the preview says which */
    if (end == LIFE_GOES_ON)
        dashboard_time(dashboard, text, at);
    if (end == LIFE_GOES_ON && soon)
        str_add(text, " !");
    *style = end == LIFE_ASKED ? STYLE_WAITING : soon ? STYLE_WARNING : *style;
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
    case COLUMN_NAME: cell_name(view, row, text, style); break;
    case COLUMN_TIER:
        str_add(text, row->tier == TIER_PROD ? "PROD" : word_name(tier_names, row->tier));
        *style = row->tier == TIER_PROD ? STYLE_TITLE : STYLE_MUTED;
        break;
    case COLUMN_STATUS:
        *style = serving_status(view->dashboard, text, environment_sign(row), environment_word(row));
        break;
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
    case COLUMN_EXPIRES: cell_end(view->dashboard, row, text, style); break;
    default:
        str_add(text, row->owner);
        *style = STYLE_MUTED;
        break;
    }
}

static uint64_t version(void *context)
{
    const struct dashboard *dashboard = ((struct view *)context)->dashboard;
    return picture_version(dashboard->picture, PICTURE_ENVIRONMENTS) + (uint64_t)(dashboard->now_ms / MS_MINUTE) +
           dashboard->destroyed_shown;
}

static const struct table_source source = {LIST_SOURCE};

static void name(struct view *view, size_t place, struct str *out)
{
    str_add(out, row_at(view, place)->name);
}

static void subject(struct view *view, size_t place, struct subject *subject)
{
    subject->scopes = SCOPE_ENVIRONMENT;
    subject_environment(subject, view->dashboard->picture, row_at(view, place));
}

static void title_more(struct view *view, struct str *out)
{
    size_t expiring = 0, asking = 0, hidden = 0, left_behind = 0;
    for (size_t i = 0; i < count(view); i++) {
        const struct environment *row = row_at(view, i);
        expiring += row && (row->marks & MARK_EXPIRING);
        hidden += row && is_hidden(view, row);
        asking += row && notices_question(view->dashboard, row->id) != NULL;
        left_behind += row && config_left_behind(view->dashboard->config, row);
    }
    if (asking)
        str_addf(out, "   the cleaner asks about %zu", asking);
    if (left_behind)
        str_addf(out, "   %zu without an entry", left_behind);
    if (expiring)
        str_addf(out, "   %zu expiring", expiring);
    if (hidden)
        str_addf(out, "   %zu destroyed (~ shows)", hidden);
}

static void preview(struct view *view, size_t place, struct grid *grid, struct area area)
{
    const struct environment *row = row_at(view, place);
    struct str text = STR_INIT;
    const struct run *run = picture_run_of(view->dashboard->picture, row->name);
    list_fact(grid, area, 0, "url", text_empty(row->entrypoint) ? "-" : row->entrypoint);
    list_fact(grid, area, 1, "why", text_empty(row->status_reason) ? "-" : row->status_reason);
    wording_commit(&text, row->commit);
    str_addf(&text, "   entry %s   target %s%s%s", row->entry, text_empty(row->target) ? "-" : row->target,
             row->permanent ? "   permanent" : "", row->is_protected ? "   protected" : "");
    list_fact(grid, area, 2, "commit", text.data);
    str_clear(&text);
    if (run) {
        str_addf(&text, "run %s %s ", run->id, word_name(workflow_names, run->workflow));
        format_when(&text, view->dashboard->times, run->ended_at ? run->ended_at : run->created_at,
                    view->dashboard->now_ms);
        str_add(&text, " by ");
        wording_person(&text, run->person, run->actor);
        str_add(&text, ": ");
        format_run_status(&text, run);
    }
    list_fact(grid, area, 3, "last", run ? text.data : "no run yet");
    str_clear(&text);
    notices_write(view->dashboard, row, NULL, 0, &text);
    notices_draw(grid, (struct area){area.row + 4, area.column, area.rows - 4, area.columns}, 1, text.data);
    str_release(&text);
}

static const char *empty(struct view *view)
{
    (void)view;
    return "no environment yet: deploy a branch from the branches (2) with D";
}

static void open_row(struct view *view, size_t place)
{
    dashboard_push(view->dashboard, &environment_view, row_at(view, place)->id);
}

static bool why(struct view *view, size_t place, struct str *out)
{
    const struct environment *row = row_at(view, place);
    const struct run *run = picture_run_of(view->dashboard->picture, row->name);
    str_addf(out, "%s is %s\n%s\n", row->name, environment_word(row), row->status_reason);
    if (run) {
        str_addf(out, "\nits run %s (%s) is ", run->id, word_name(workflow_names, run->workflow));
        format_run_status(out, run);
        str_add_char(out, '\n');
    }
    str_add_char(out, '\n');
    notices_write(view->dashboard, row, NULL, 0, out);
    return true;
}

static const struct list_ops list = {
    .title = "Environments",
    .columns = columns,
    .column_count = COLUMN_TOTAL,
    .sort = COLUMN_STATUS,
    .source = &source,
    .preview_rows = 7,
    .name = name,
    .preview = preview,
    .subject = subject,
    .open = open_row,
    .why = why,
    .title_more = title_more,
    .empty = empty,
};
const struct view_ops environments_view = {LIST_VIEW, .name = "environments", .kind = VIEW_ENVIRONMENTS, .list = &list};
