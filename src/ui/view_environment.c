/* SPDX-License-Identifier: ISC */
/* One environment: its resources as a tree of groups, what they need, entrypoints, runs, releases, and why it is as it is. */
#include "berth/base/text.h"
#include "berth/base/time.h"
#include "berth/base/wording.h"
#include "berth/config.h"
#include "ui/environment_rows.h"
#include "ui/notices.h"
#include "ui/outline.h"
#include "ui/plan_text.h"

#define PREVIEW_ROWS 5
#define PROGRESS_MS 1000
#define OLD_NEWS_MS (5 * MS_MINUTE) /* since a thing that is watched was seen last */

struct environment_view_state {
    struct outline_view outline;
    struct environment_rows rows;
    int name_width, ready_width; /* of the longest */
    int64_t looked_at;           /* how far running steps are */
};

static struct environment_view_state *self_of(struct view *view)
{
    return (struct environment_view_state *)view;
}

static const struct outline_row *selected(struct view *view)
{
    const struct environment_view_state *self = self_of(view);
    return self->outline.cursor.at < self->rows.lines.count ? &self->rows.lines.items[self->outline.cursor.at] : NULL;
}

/* --- rows ------------------------------------------------------------------------------------------------- */

static bool read_rows(struct view *view, struct store *store, struct arena *arena, struct error *error)
{
    return environment_rows_read(&self_of(view)->rows, store, arena, view->argument, error);
}

static bool is_open(void *context, const char *key, bool at_first)
{
    return outline_is_open(context, key, at_first);
}

static void arrange(struct view *view)
{
    struct environment_view_state *self = self_of(view);
    environment_rows_arrange(&self->rows, is_open, view);
    self->name_width = self->ready_width = 0;
    for (size_t i = 0; i < self->rows.lines.count; i++) {
        const struct outline_row *line = &self->rows.lines.items[i];
        int name = line->kind == OUTLINE_SECTION ? 0 : text_width(line->name) + line->depth * 2 + 2;
        int ready = text_width(line->ready);
        self->name_width = name > self->name_width ? name : self->name_width;
        self->ready_width = ready > self->ready_width ? ready : self->ready_width;
    }
}

static size_t count(struct view *view)
{
    return self_of(view)->rows.lines.count;
}

static const char *key(struct view *view, size_t at)
{
    return self_of(view)->rows.lines.items[at].key;
}

static bool rests(struct view *view, size_t at)
{
    return self_of(view)->rows.lines.items[at].kind != OUTLINE_SECTION;
}

static void folds(struct view *view, outline_fold_visit *visit, void *context)
{
    environment_rows_folds(&self_of(view)->rows, visit, context);
}

/* What a running step says of itself is told to nobody: it is looked at once a second. */
static bool work(struct view *view, int64_t budget_us)
{
    struct environment_view_state *self = self_of(view);
    (void)budget_us;
    if (self->rows.running_count && view->dashboard->now_ms - self->looked_at >= PROGRESS_MS) {
        self->looked_at = view->dashboard->now_ms;
        if (environment_rows_progress(&self->rows, view->dashboard->reader))
            arrange(view);
    }
    return false;
}

static void release(struct view *view)
{
    environment_rows_release(&self_of(view)->rows);
    outline_release(view);
}

/* --- drawing ---------------------------------------------------------------------------------------------- */

static void title(struct view *view, struct str *out)
{
    const struct environment_view_state *self = self_of(view);
    const struct environment *row = &self->rows.environment;
    if (!self->rows.found) {
        str_addf(out, "Environments > %s is not there", view->argument);
        return;
    }
    str_addf(out, "Environments > %s   tier %s", row->name,
             row->tier == TIER_PROD ? "PROD" : word_name(tier_names, row->tier));
    if (row->release)
        str_addf(out, "   v%lld", (long long)row->release);
    if (!text_empty(row->branch))
        str_addf(out, "   %s", row->branch);
    if (!text_empty(row->branch) && !text_empty(row->commit)) {
        str_add_char(out, ' ');
        wording_commit(out, row->commit);
    }
    if (environment_ends_at(row) && row->status != ENVIRONMENT_DESTROYED) {
        str_add(out, environment_ends_at(row) > view->dashboard->now_ms ? "   ends " : "   its life ended ");
        format_when(out, view->dashboard->times, environment_ends_at(row), view->dashboard->now_ms);
    }
    str_addf(out, "%s%s", row->permanent ? "   permanent" : "", row->is_protected ? "   protected" : "");
}

static void headline(struct view *view, struct str *out)
{
    const struct environment *row = &self_of(view)->rows.environment;
    serving_status(view->dashboard, out, environment_sign(row), environment_word(row));
    for (int bit = 0; environment_mark_names[bit]; bit++) {
        bool said = text_equal(environment_mark_names[bit], environment_word(row)) || (1u << bit) == MARK_WAITING;
        if ((row->marks & (1u << bit)) && !said)
            str_addf(out, ", %s", environment_mark_names[bit]);
    }
    if (config_left_behind(view->dashboard->config, row))
        str_add(out, ", " LEFT_BEHIND);
    if (!text_empty(row->status_reason))
        str_addf(out, "   because  %s", row->status_reason);
    if (!text_empty(row->lock_run))
        str_addf(out, "   locked by run %s", row->lock_run);
}

/* "├" or "└" before what lies in a group or in another resource: the last of its depth ends the line. */
static void draw_branch_line(struct view *view, struct grid *grid, int row, int column, const struct outline_row *line)
{
    const struct environment_rows *rows = &self_of(view)->rows;
    const struct outline_row *next = line + 1, *end = rows->lines.items + rows->lines.count;
    while (next < end && next->kind == OUTLINE_RESOURCE && next->depth > line->depth)
        next++;
    bool last = next == end || next->kind != OUTLINE_RESOURCE || next->depth < line->depth;
    grid_put(grid, row, column, 1, STYLE_BORDER, grid->ascii ? (last ? "`" : "|") : last ? "└" : "├");
}

static void draw_row(struct view *view, struct grid *grid, struct area area, int row, size_t at)
{
    const struct environment_view_state *self = self_of(view);
    const struct outline_row *line = &self->rows.lines.items[at];
    struct str text = STR_INIT;
    bool wide = area.columns >= 100;
    int name = self->name_width < area.columns / 3 ? self->name_width : area.columns / 3;
    int status = 17, kind = wide ? 14 : 0;
    int column = area.column + 1 + line->depth * 2;
    bool is_old = line->is_watched && view->dashboard->now_ms - line->at > OLD_NEWS_MS;
    bool stale = is_old || (!view->dashboard->serving.is && line->kind == OUTLINE_RESOURCE);
    if (line->kind == OUTLINE_SECTION) {
        grid_put(grid, row, area.column + 1, area.columns - 1, STYLE_COLUMN, line->name);
        return;
    }
    if (line->opens)
        grid_put(grid, row, column, 1, STYLE_MUTED, line->is_folded ? ">" : "v");
    else if (line->kind == OUTLINE_RESOURCE && line->depth > 0)
        draw_branch_line(view, grid, row, column, line);
    grid_put(grid, row, column + 2, name - line->depth * 2 - 2,
             line->kind == OUTLINE_GROUP ? STYLE_TITLE : STYLE_NORMAL, line->name);
    column = area.column + 2 + name;
    if (line->sign != SIGN_NONE || !text_empty(line->word)) {
        format_status(&text, serving_sign(view->dashboard, line->sign), line->word, grid->ascii);
        grid_put(grid, row, column, status, stale ? STYLE_STALE : sign_style(line->sign), text.data);
    }
    column += status + 1;
    if (kind)
        grid_put(grid, row, column, kind, STYLE_MUTED, line->what);
    column += kind ? kind + 1 : 0;
    if (!text_empty(line->ready))
        grid_put(grid, row, column, self->ready_width, STYLE_NORMAL, line->ready);
    column += self->ready_width ? self->ready_width + 1 : 0;
    str_clear(&text);
    if (wide && line->seen_by[0])
        str_addf(&text, "%s ", line->seen_by);
    if (line->at)
        format_time(&text, view->dashboard->times, line->at, view->dashboard->now_ms);
    int end = area.column + area.columns - 1;
    int age = line->at ? grid_put_right(grid, row, end, is_old ? STYLE_WARNING : STYLE_MUTED, text.data) : end;
    grid_put(grid, row, column, age - column - 1, STYLE_NORMAL, line->detail);
    str_release(&text);
}

static void draw_preview(struct view *view, struct grid *grid, struct area area, const struct outline_row *line)
{
    struct str text = STR_INIT;
    environment_rows_facts(&self_of(view)->rows, line, view->dashboard->times, view->dashboard->now_ms, &text);
    char *rest = text.data, *fact;
    for (int row = 0; row < area.rows && (fact = strsep(&rest, "\n")); row++) {
        size_t name = strcspn(fact, "\t");
        grid_putf(grid, area.row + row, area.column, 11, STYLE_MUTED, "%.*s", (int)name, fact);
        grid_put(grid, area.row + row, area.column + 12, area.columns - 12, STYLE_NORMAL,
                 fact[name] ? fact + name + 1 : "");
    }
    str_release(&text);
}

/* Above the tree, at most a third of the room; w shows each whole. */
static int draw_notices(struct view *view, struct grid *grid, struct area inside)
{
    const struct environment_rows *rows = &self_of(view)->rows;
    struct str text = STR_INIT;
    struct area area = {inside.row, inside.column + 1, inside.rows / 3, inside.columns - 2};
    notices_write(view->dashboard, &rows->environment, rows->runs, rows->run_count, &text);
    int used = notices_draw(grid, area, 2, text.data);
    str_release(&text);
    return used;
}

static void draw(struct view *view, struct grid *grid, struct area area)
{
    struct environment_view_state *self = self_of(view);
    const struct outline_row *line = selected(view);
    struct str text = STR_INIT;
    enum box box = self->rows.environment.tier == TIER_PROD ? BOX_PROD : BOX_PLAIN;
    if (!self->rows.found) {
        grid_put(grid, area.row, area.column, area.columns, STYLE_MUTED, "this environment is not in the store");
        return;
    }
    headline(view, &text);
    if (frame_is_small(grid)) {
        grid_put(grid, area.row, area.column, area.columns, sign_style(environment_sign(&self->rows.environment)),
                 text.data);
        outline_draw(view, grid, (struct area){area.row + 1, area.column, area.rows - 1, area.columns});
        str_release(&text);
        return;
    }
    grid_box(grid, area, box, text.data);
    struct area inside = area_inside(area);
    if (line && line->kind != OUTLINE_SECTION && !view->dashboard->preview_off && grid->rows > 24) {
        int row = area.row + area.rows - 2 - PREVIEW_ROWS;
        grid_divide(grid, area, row, box, line->name);
        draw_preview(view, grid, (struct area){row + 1, inside.column + 1, PREVIEW_ROWS, inside.columns - 2}, line);
        inside.rows = row - inside.row;
    }
    int notices = draw_notices(view, grid, inside);
    inside.row += notices;
    inside.rows -= notices;
    outline_draw(view, grid, inside);
    str_release(&text);
}

/* --- keys ------------------------------------------------------------------------------------------------- */

static void fold(struct view *view, enum request request)
{
    const struct outline_row *row = selected(view);
    if (!row)
        return;
    for (int depth = row->depth; (!row->opens || (request == REQUEST_LEFT && row->is_folded)) && depth > 0 &&
                                 row > self_of(view)->rows.lines.items;) {
        row--; /* what has nothing below it belongs to what is above it */
        self_of(view)->outline.cursor.at--;
        depth = row->depth < depth ? 0 : depth;
    }
    if (row->opens)
        outline_fold(view, row->key, environment_row_opens_first(row), request);
}

static void open_row(struct view *view, bool describe)
{
    const struct outline_row *row = selected(view);
    struct str text = STR_INIT;
    if (!row)
        return;
    if (row->opens && !describe) {
        fold(view, REQUEST_FOLD);
    } else if (row->kind == OUTLINE_RELEASE && !describe) {
        dashboard_push(view->dashboard, &releases_view, self_of(view)->rows.environment.id);
    } else if (row->kind == OUTLINE_RUN && !describe) {
        dashboard_push(view->dashboard, row->is_at_gate ? &gate_view : &run_view, row->id);
    } else if (environment_rows_describe(&self_of(view)->rows, row, &text)) {
        dashboard_show_text(view->dashboard, row->name, text.data);
    }
    str_release(&text);
}

static void show_text(struct view *view)
{
    const struct environment_rows *rows = &self_of(view)->rows;
    const struct outline_row *row = selected(view);
    if (row && row->kind == OUTLINE_RESOURCE)
        plan_text_show_of(view->dashboard, &rows->resources[row->index], rows->runs, rows->run_count);
    else
        dashboard_say(view->dashboard, STYLE_MUTED, "y shows what a tool said of a resource: select one");
}

static unsigned handle(struct view *view, enum request request)
{
    if (request == REQUEST_FOLD || request == REQUEST_LEFT || request == REQUEST_RIGHT)
        fold(view, request);
    else if (request == REQUEST_OPEN || request == REQUEST_DESCRIBE)
        open_row(view, request == REQUEST_DESCRIBE);
    else if (request == REQUEST_FOLD_ALL)
        outline_fold_all(view);
    else if (request == REQUEST_TEXT)
        show_text(view);
    else if (!outline_move(view, request))
        return REFRESH_NOTHING;
    return REFRESH_SCREEN;
}

static void subject(struct view *view, struct subject *subject)
{
    const struct environment_view_state *self = self_of(view);
    const struct picture *picture = view->dashboard->picture;
    const struct outline_row *row = selected(view);
    const struct run *run = row && row->kind == OUTLINE_RUN ? picture_run(picture, row->id) : NULL;
    if (!self->rows.found)
        return;
    subject->scopes = SCOPE_ENVIRONMENT;
    subject_environment(subject, picture, &self->rows.environment);
    if (row && row->kind == OUTLINE_ENTRYPOINT)
        subject->url = self->rows.entrypoints[row->index].url;
    if (run) { /* the selected one is meant */
        subject->run = run;
        subject->scopes = SCOPE_ENVIRONMENT | (run->status == RUN_GATE ? SCOPE_GATE : 0);
    }
}

static bool why(struct view *view, struct str *out)
{
    const struct environment_rows *rows = &self_of(view)->rows;
    if (!rows->found)
        return false;
    environment_rows_why(rows, out);
    str_add_char(out, '\n');
    notices_write(view->dashboard, &rows->environment, rows->runs, rows->run_count, out);
    return true;
}

static const char *empty(struct view *view)
{
    (void)view;
    return "this environment is not in the store";
}

static const struct outline_ops outline = {
    .read = read_rows,
    .arrange = arrange,
    .count = count,
    .key = key,
    .rests = rests,
    .folds = folds,
    .draw_row = draw_row,
    .empty = empty,
};
const struct view_ops environment_view = {
    .name = "environment",
    .kind = VIEW_ENVIRONMENT,
    .size = sizeof(struct environment_view_state),
    .outline = &outline,
    .init = outline_init,
    .release = release,
    .refresh = outline_refresh,
    .work = work,
    .title = title,
    .draw = draw,
    .handle = handle,
    .subject = subject,
    .why = why,
};
