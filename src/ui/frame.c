/* SPDX-License-Identifier: ISC */
/* The rows around the body: who and where and how current, the views, the title; below, the last message and the keys that are valid now. */
#include "berth/base/text.h"
#include "berth/base/time.h"
#include "ui/action.h"
#include "ui/dashboard.h"
#include "ui/wrap.h"

#define SMALL_COLUMNS 80
#define SMALL_ROWS 24
#define MOST_PARTS 8
#define MESSAGE_ROWS 5
#define SMALL_MESSAGE_ROWS 3

bool frame_is_small(const struct grid *grid)
{
    return grid->columns < SMALL_COLUMNS || grid->rows < SMALL_ROWS;
}

struct counts {
    size_t failing, waiting, running;
};

static struct counts count_all(const struct dashboard *dashboard)
{
    struct counts counts = {0};
    for (size_t i = 0; i < picture_count(dashboard->picture, PICTURE_ENVIRONMENTS); i++) {
        const struct environment *row = picture_environment_at(dashboard->picture, i);
        counts.failing += row && environment_sign(row) == SIGN_FAIL;
    }
    for (size_t i = 0; i < picture_count(dashboard->picture, PICTURE_RUNS_PART); i++) {
        const struct run *row = picture_run_at(dashboard->picture, i);
        counts.waiting += row && (row->status == RUN_GATE || row->status == RUN_HELD);
        counts.running += row && run_sign(row->status) == SIGN_RUN;
    }
    return counts;
}

/* --- row 1 ------------------------------------------------------------------------------------------------ */

/* When what the view shows was looked at last: branches by a listing, all else by who watches it, where anybody does. */
static int64_t seen_at(const struct dashboard *dashboard)
{
    const struct surroundings *around = picture_surroundings(dashboard->picture);
    bool of_branches = dashboard_view(dashboard)->ops->kind == VIEW_BRANCHES;
    return of_branches || !around->watched_at ? around->listed_at : around->watched_at;
}

static void freshness(const struct dashboard *dashboard, struct str *out, enum style *style)
{
    const struct surroundings *around = picture_surroundings(dashboard->picture);
    const struct daemon *daemon = around->daemon;
    *style = STYLE_IDENTITY;
    if (!dashboard->serving.is) {
        bool coming = dashboard->serving.coming_until > dashboard->now_ms ||
                      (daemon && !dashboard->serving.died && text_equal(daemon->state, "starting"));
        format_status(out, SIGN_WARN,
                      coming                            ? "berthd is starting"
                      : dashboard->serving.died         ? "berthd died"
                      : daemon && *daemon->state == 'e' ? "berthd has ended"
                                                        : "no berthd serving",
                      dashboard->ascii);
        *style = STYLE_WARNING;
    } else if (text_equal(daemon->state, "draining")) {
        format_status(out, SIGN_WARN, "berthd drains", dashboard->ascii);
        *style = STYLE_WARNING;
    }
    int64_t at = seen_at(dashboard);
    if (at) {
        str_addf(out, "%sas of ", out->length ? ", " : "");
        format_when(out, dashboard->times, at, dashboard->now_ms);
    } else if (dashboard->serving.is) {
        str_add(out, "nothing observed yet");
    }
}

/* Parts in the order of their worth: what has no room is shed from the right. */
static void draw_identity(struct dashboard *dashboard, struct grid *grid, struct counts counts)
{
    struct str parts[MOST_PARTS];
    enum style styles[MOST_PARTS];
    int column = 1;
    for (size_t i = 0; i < MOST_PARTS; i++) {
        str_init(&parts[i]);
        styles[i] = STYLE_IDENTITY;
    }
    grid_blank(grid, (struct area){0, 0, 1, grid->columns}, STYLE_IDENTITY);
    str_addf(&parts[0], "berth  %s", dashboard->options->workspace);
    if (counts.failing) {
        str_addf(&parts[1], "%zu failing", counts.failing);
        styles[1] = STYLE_FAILED;
    }
    if (counts.waiting) {
        str_addf(&parts[2], "%zu waiting", counts.waiting);
        styles[2] = STYLE_WAITING;
    }
    freshness(dashboard, &parts[3], &styles[3]);
    str_addf(&parts[4], "%s %s", dashboard->login, dashboard->options->read_only ? "RO" : "RW");
    if (counts.running)
        str_addf(&parts[5], "%zu %s", counts.running, dashboard->serving.is ? "running" : "unfinished");
    str_addf(&parts[6], "%s", dashboard->options->repository ? dashboard->options->repository : "");
    if (dashboard->times != TIME_AGE)
        format_time(&parts[7], dashboard->times, dashboard->now_ms, dashboard->now_ms);
    for (size_t i = 0; i < MOST_PARTS; i++) {
        int width = text_width(parts[i].data);
        if (width && column + width < grid->columns) {
            if (column > 1)
                column += grid_put(grid, 0, column, 3, STYLE_IDENTITY, grid->ascii ? " | " : " │ ");
            column += grid_put(grid, 0, column, grid->columns - column, styles[i], parts[i].data);
        }
        str_release(&parts[i]);
    }
}

/* --- row 2 ------------------------------------------------------------------------------------------------ */

static void draw_views(struct dashboard *dashboard, struct grid *grid, struct counts counts)
{
    static const struct {
        const char *key, *name, *brief;
    } tabs[] = {{"1", "Environments", "Envs"},
                {"2", "Branches", "Branches"},
                {"4", "Approvals", "Appr"},
                {"5", "Runs", "Runs"}};
    bool brief = grid->columns < 100;
    int column = 1;
    for (size_t i = 0; i < sizeof tabs / sizeof *tabs; i++) {
        struct str text = STR_INIT;
        size_t count = i == 0 ? counts.failing : i == 2 ? counts.waiting : i == 3 ? counts.running : 0;
        bool current = dashboard->last_root == i;
        str_addf(&text, "%s%s %s", current && grid->ascii ? "[" : " ", tabs[i].key,
                 brief ? tabs[i].brief : tabs[i].name);
        if (count)
            str_addf(&text, "(%zu%s)", count, i == 0 ? "!" : "");
        str_add(&text, current && grid->ascii ? "]" : " ");
        column +=
            grid_put(grid, 1, column, grid->columns - column, current ? STYLE_TAB_CURRENT : STYLE_TAB, text.data) + 1;
        str_release(&text);
    }
}

/* --- what is wrong ---------------------------------------------------------------------------------------- */

bool frame_trouble(const struct dashboard *dashboard, struct str *out)
{
    const struct surroundings *around = picture_surroundings(dashboard->picture);
    const struct policy_row *policy = around->policy;
    size_t before = out->length;
    if (policy && !text_empty(policy->error))
        str_addf(out, text_empty(policy->commit) ? "no policy: %s" : "policy not taken, the old one stays: %s",
                 policy->error);
    for (size_t i = 0; out->length == before && i < around->repository_count; i++)
        if (!text_empty(around->repositories[i].error))
            str_addf(out, "%s: %s", around->repositories[i].id, around->repositories[i].error);
    if (out->length == before && !text_empty(picture_unread(dashboard->picture)))
        str_addf(out, "%s; what depends on it is held aside, see berth doctor", picture_unread(dashboard->picture));
    return out->length > before;
}

/* --- below ------------------------------------------------------------------------------------------------ */

/* On the row above the keys; a longer text takes rows of the body until it is read (Esc) or old. */
static void draw_text(struct grid *grid, int row, enum style style, const char *text, int most)
{
    int columns = grid->columns - 2, rows = wrap_rows(text, columns);
    rows = rows > most ? most : rows;
    struct area area = {row - rows + 1, 1, rows, columns};
    if (rows > 1)
        grid_blank(grid, (struct area){area.row, 0, rows, grid->columns}, STYLE_NORMAL);
    wrap_put(grid, area, style, text);
}

static enum style message_of(const struct dashboard *dashboard, struct str *out)
{
    if (dashboard->message.length && dashboard->now_ms < dashboard->message_until) {
        str_add(out, dashboard->message.data);
        return dashboard->message_style;
    }
    if (!dashboard->serving.is) {
        serving_say(dashboard, out);
        return STYLE_STALE;
    }
    frame_trouble(dashboard, out);
    return STYLE_WARNING;
}

static int most_rows(const struct grid *grid)
{
    return frame_is_small(grid) ? SMALL_MESSAGE_ROWS : MESSAGE_ROWS;
}

/* Rows of the body that a long message takes: the frame ends above it. */
static int rows_for_message(const struct dashboard *dashboard, const struct grid *grid)
{
    struct str text = STR_INIT;
    message_of(dashboard, &text);
    int rows = text.length ? wrap_rows(text.data, grid->columns - 2) : 1, most = most_rows(grid);
    str_release(&text);
    return (rows > most ? most : rows) - 1;
}

static int draw_key(struct grid *grid, int row, int column, int end, enum style style, const char *key,
                    const char *hint)
{
    int width = text_width(key) + 1 + text_width(hint);
    if (column + width > end)
        return column;
    column += grid_put(grid, row, column, end - column, style, key) + 1;
    column += grid_put(grid, row, column, end - column, style == STYLE_KEY ? STYLE_MUTED : style, hint) + 2;
    return column;
}

static void key_name(const struct binding *binding, struct str *out)
{
    str_clear(out);
    size_t length = strcspn(binding->name, ",");
    str_add_bytes(out, binding->name, length);
    if (text_equal(out->data, "Enter"))
        str_clear(out), str_add(out, "enter");
}

static void draw_look_keys(struct dashboard *dashboard, struct grid *grid, int row, int *column, int end)
{
    struct str name = STR_INIT;
    size_t count;
    const struct binding *list = bindings(&count);
    for (size_t i = 0; i < count; i++) {
        if (!(list[i].views & dashboard_view(dashboard)->ops->kind) || !*list[i].hint)
            continue;
        key_name(&list[i], &name);
        *column = draw_key(grid, row, *column, end, STYLE_KEY, name.data, list[i].hint);
    }
    str_release(&name);
}

struct act_keys {
    struct {
        const struct verb *verb;
        bool is_grey;
    } keys[26];
    size_t count;
    int width, can_width; /* of all; of those that can be done now */
};

/* What policy or the rows forbid now is greyed, and says why when it is pressed. */
static void find_act_keys(struct dashboard *dashboard, const struct subject *subject, struct act_keys *found)
{
    struct arena arena = {0};
    *found = (struct act_keys){.count = 0};
    for (int key = 'A'; key <= 'Z'; key++) {
        const struct verb *verb = verb_for_press(key, subject->scopes);
        const struct why *why = verb && dashboard->loaded ? action_why(dashboard, verb, subject, &arena) : NULL;
        if (!verb)
            continue;
        bool is_grey = why && why->verdict == POLICY_NO;
        int width = 4 + text_width(verb->hint);
        found->keys[found->count].verb = verb;
        found->keys[found->count++].is_grey = is_grey;
        found->width += width;
        found->can_width += is_grey ? 0 : width;
    }
    arena_release(&arena);
}

/* Where not all have room, what cannot be done now goes first. */
static void draw_act_keys(const struct act_keys *acts, struct grid *grid, int row, int column)
{
    bool tight = column + acts->width > grid->columns + 1;
    for (size_t i = 0; i < acts->count; i++) {
        const struct verb *verb = acts->keys[i].verb;
        bool is_grey = acts->keys[i].is_grey;
        char text[2] = {verb->key, '\0'};
        if (!tight || !is_grey)
            column = draw_key(grid, row, column, grid->columns - 1, is_grey ? STYLE_KEY_DISABLED : STYLE_KEY, text,
                              verb->hint);
    }
}

/* Look-keys left of the bar, act-keys right; where one row is too short for both, the look-keys go to the last row. */
static void draw_keys(struct dashboard *dashboard, struct grid *grid)
{
    struct subject subject = dashboard_subject(dashboard);
    struct act_keys acts;
    struct str right = STR_INIT;
    int column = 1, last = grid->rows - 1, end = grid->columns - 1;
    bool small = frame_is_small(grid), narrow = grid->columns < 100;
    find_act_keys(dashboard, &subject, &acts);
    if (!small) {
        str_addf(&right, "times: %s (t)   ? help   %s", time_form_names[dashboard->times],
                 dashboard->depth > 1 ? "esc back" : "q quit");
        end = grid_put_right(grid, last, end, STYLE_MUTED, right.data) - 2;
    }
    int row = small ? last : last - 1;
    if (narrow && !small) {
        draw_look_keys(dashboard, grid, last, &column, end);
        column = 1;
    } else {
        draw_look_keys(dashboard, grid, row, &column, grid->columns - 1 - acts.can_width - 2);
        if (acts.can_width || (acts.count && column + 2 + acts.width <= grid->columns + 1))
            column += grid_put(grid, row, column, 2, STYLE_BORDER, grid->ascii ? "| " : "│ ");
    }
    draw_act_keys(&acts, grid, row, column);
    str_release(&right);
}

void frame_draw(struct dashboard *dashboard, struct grid *grid, struct area *body)
{
    struct view *view = dashboard_view(dashboard);
    struct counts counts = count_all(dashboard);
    struct str title = STR_INIT;
    int rows = grid->rows;
    draw_identity(dashboard, grid, counts);
    view->ops->title(view, &title);
    if (frame_is_small(grid)) {
        grid_put(grid, 1, 0, grid->columns, STYLE_TITLE, title.data);
        *body = (struct area){2, 0, rows > 5 ? rows - 4 : 1, grid->columns};
    } else {
        draw_views(dashboard, grid, counts);
        grid_put(grid, 2, 1, grid->columns - 2, STYLE_TITLE, title.data);
        *body = (struct area){3, 0, rows - 6, grid->columns};
    }
    int taken = rows_for_message(dashboard, grid);
    body->rows = body->rows - taken > 1 ? body->rows - taken : body->rows;
    draw_keys(dashboard, grid);
    str_release(&title);
}

void frame_draw_message(struct dashboard *dashboard, struct grid *grid)
{
    struct str text = STR_INIT;
    enum style style = message_of(dashboard, &text);
    if (text.length)
        draw_text(grid, grid->rows - (frame_is_small(grid) ? 2 : 3), style, text.data, most_rows(grid));
    str_release(&text);
}
