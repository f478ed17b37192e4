/* SPDX-License-Identifier: ISC */
/* One run: its steps at the left, the log of the selected step at the right, following. */
#include "berth/base/time.h"
#include "berth/base/wording.h"
#include "berth/store.h"
#include "berth/store_log.h"
#include "ui/outline.h"
#include "ui/pager.h"

#include <stdlib.h>
#include <unistd.h>

#define TAIL_LINES 2000         /* of a log that is opened */
#define READ_BYTES (256u << 10) /* a turn */

struct run_view_state {
    struct outline_view outline; /* of steps; aside while the log has the keys */
    struct run run;
    bool found;
    struct step *steps;
    size_t step_count;
    char *shown;          /* the step whose log is in the pager */
    int64_t from, offset; /* of its file: where the pager begins, where reading goes on */
    struct pager pager;
    bool chosen; /* the person chose a step: it is not changed by itself */
    int watch;
};

static struct run_view_state *self_of(struct view *view)
{
    return (struct run_view_state *)view;
}

/* --- rows ------------------------------------------------------------------------------------------------- */

/* Where a person wants to look: the first failed step, else the running one, else the last that ended. */
static size_t telling_step(const struct run_view_state *self)
{
    size_t running = self->step_count, last = 0;
    for (size_t i = 0; i < self->step_count; i++) {
        int status = self->steps[i].status;
        if (status == STEP_FAILED || status == STEP_INTERRUPTED)
            return i;
        if (status == STEP_RUNNING && running == self->step_count)
            running = i;
        if (step_ended((enum step_status)status) && status != STEP_SKIPPED)
            last = i;
    }
    return running < self->step_count ? running : last;
}

static bool read_rows(struct view *view, struct store *store, struct arena *arena, struct error *error)
{
    struct run_view_state *self = self_of(view);
    struct store_query query = {.type = &step_type, .index = "run", .equal = {view->argument}};
    self->found = false;
    self->step_count = 0;
    enum store_found found = store_get(store, &run_type, view->argument, arena, &self->run, error);
    if (found == STORE_ERROR || !store_list(store, &query, arena, &self->steps, &self->step_count, error)) {
        self->step_count = 0;
        return false;
    }
    self->found = found == STORE_FOUND;
    steps_sort(self->steps, self->step_count);
    return true;
}

static void arrange(struct view *view)
{
    struct run_view_state *self = self_of(view);
    if (!self->chosen)
        self->outline.cursor.at = telling_step(self);
}

static size_t count(struct view *view)
{
    return self_of(view)->step_count;
}

static const char *empty(struct view *view)
{
    (void)view;
    return "no step yet";
}

/* --- the log ---------------------------------------------------------------------------------------------- */

static void show_step(struct view *view, const char *step)
{
    struct run_view_state *self = self_of(view);
    struct error error = {0};
    if (text_equal(self->shown, step))
        return;
    free(self->shown);
    self->shown = mem_strdup(step);
    pager_clear(&self->pager);
    self->pager.follow = true;
    self->from = 0;
    if (*step &&
        !run_log_tail(store_folder(view->dashboard->reader), view->argument, step, TAIL_LINES, &self->from, &error))
        dashboard_say_error(view->dashboard, &error);
    self->offset = self->from;
}

static void show_from_start(struct run_view_state *self)
{
    if (self->from == 0)
        return;
    pager_clear(&self->pager);
    self->pager.follow = false;
    self->from = self->offset = 0;
}

/* Reads what came since; true when there may be more at once. */
static bool read_log(struct view *view)
{
    struct run_view_state *self = self_of(view);
    struct str bytes = STR_INIT;
    struct error error = {0};
    const char *folder = store_folder(view->dashboard->reader);
    if (self->outline.cursor.at < self->step_count)
        show_step(view, self->steps[self->outline.cursor.at].id);
    if (text_empty(self->shown) || text_empty(folder) ||
        (!self->pager.follow && self->pager.text.length > PAGER_BYTES / 2))
        return false;
    if (!run_log_read(folder, view->argument, self->shown, self->offset, READ_BYTES, &bytes, &error))
        dashboard_say_error(view->dashboard, &error);
    pager_add(&self->pager, bytes.data, bytes.length);
    self->offset += (int64_t)bytes.length;
    bool more = bytes.length == READ_BYTES;
    str_release(&bytes);
    return more;
}

static void init(struct view *view, const char *argument)
{
    struct run_view_state *self = self_of(view);
    const char *folder = store_folder(view->dashboard->reader);
    self->outline.is_aside = true;
    pager_init(&self->pager);
    self->pager.follow = true;
    self->watch = text_empty(folder) ? -1 : run_log_watch(folder, argument);
    outline_init(view, argument);
    read_log(view);
}

static void release(struct view *view)
{
    struct run_view_state *self = self_of(view);
    if (self->watch >= 0)
        close(self->watch);
    pager_release(&self->pager);
    free(self->shown);
    outline_release(view);
}

static bool work(struct view *view, int64_t budget_us)
{
    struct run_view_state *self = self_of(view);
    (void)budget_us;
    if (self->watch < 0 && !text_empty(store_folder(view->dashboard->reader)))
        self->watch = run_log_watch(store_folder(view->dashboard->reader), view->argument);
    if (self->watch >= 0)
        run_log_woken(self->watch);
    return read_log(view);
}

static int wait_on(struct view *view)
{
    return self_of(view)->watch;
}

/* --- drawing ---------------------------------------------------------------------------------------------- */

static void title(struct view *view, struct str *out)
{
    const struct run_view_state *self = self_of(view);
    const struct run *run = &self->run;
    if (!self->found) {
        str_addf(out, "Run %s is not there", view->argument);
        return;
    }
    str_addf(out, "Run %s   %s %s   %s ", run->id, word_name(workflow_names, run->workflow), run->environment_name,
             run->ref);
    wording_commit(out, run->commit);
    str_add(out, "   by ");
    wording_person(out, run->person, run->actor);
    str_addf(out, " via %s", run->via);
}

static void headline(struct view *view, struct str *out)
{
    const struct run_view_state *self = self_of(view);
    size_t done = 0, failed = 0;
    for (size_t i = 0; i < self->step_count; i++) {
        int status = self->steps[i].status;
        done += status == STEP_DONE;
        failed += status == STEP_FAILED || status == STEP_INTERRUPTED;
    }
    serving_status(view->dashboard, out, run_sign(self->run.status), word_name(run_status_names, self->run.status));
    str_addf(out, "   %zu of %zu steps", done, self->step_count);
    if (failed)
        str_addf(out, ", %zu failed", failed);
    if (!text_empty(self->run.status_reason))
        str_addf(out, "   %s", self->run.status_reason);
}

static void draw_row(struct view *view, struct grid *grid, struct area area, int row, size_t at)
{
    const struct run_view_state *self = self_of(view);
    const struct step *step = &self->steps[at];
    struct str text = STR_INIT;
    enum sign sign = serving_sign(view->dashboard, step_sign(step->status));
    int64_t until = step->ended_at ? step->ended_at : view->dashboard->now_ms;
    int sign_cells = grid->ascii ? 6 : 1, taken = 0;
    if (step->status == STEP_RUNNING && step->progress >= 0)
        str_addf(&text, "%lld%% ", (long long)step->progress);
    if (step->started_at)
        wording_took(&text, step->started_at, until);
    if (step->started_at)
        taken = area.column + area.columns -
                grid_put_right(grid, row, area.column + area.columns - 1, STYLE_MUTED, text.data);
    grid_put(grid, row, area.column + 1, sign_cells, sign_style(sign), sign_text(sign, grid->ascii));
    grid_putf(grid, row, area.column + 2 + sign_cells, area.columns - 3 - sign_cells - taken, STYLE_NORMAL, "%s %s",
              word_name(step_phase_names, step->phase), step->address);
    str_release(&text);
}

static void log_title(struct view *view, struct str *out)
{
    const struct run_view_state *self = self_of(view);
    const struct step *step = self->outline.cursor.at < self->step_count ? &self->steps[self->outline.cursor.at] : NULL;
    str_addf(out, "log of %s%s%s", step ? word_name(step_phase_names, step->phase) : "no step", step ? " " : "",
             step ? step->address : "");
    str_addf(out, "   follow %s", self->pager.follow ? "ON" : "off (f)");
    if (self->from)
        str_addf(out, "   %lld KiB above (g g)", (long long)(self->from >> 10));
    if (self->pager.dropped)
        str_addf(out, "   %zu older lines dropped here", self->pager.dropped);
    if (self->pager.search[0])
        str_addf(out, "   search: %s", self->pager.search);
}

static void draw_log(struct view *view, struct grid *grid, struct area area)
{
    struct run_view_state *self = self_of(view);
    pager_draw(&self->pager, grid, area);
    if (!self->pager.text.length && self->step_count)
        grid_put(grid, area.row, area.column, area.columns, STYLE_MUTED, "this step has written nothing yet");
}

static void draw(struct view *view, struct grid *grid, struct area area)
{
    const struct run_view_state *self = self_of(view);
    struct str text = STR_INIT;
    if (frame_is_small(grid)) {
        struct area steps = {area.row, area.column, area.rows / 3, area.columns};
        outline_draw(view, grid, steps);
        draw_log(view, grid, (struct area){area.row + steps.rows, area.column, area.rows - steps.rows, area.columns});
        return;
    }
    headline(view, &text);
    grid_box(grid, area, BOX_PLAIN, text.data);
    struct area inside = area_inside(area);
    int left = inside.columns >= 100 ? 40 : 28;
    grid_vertical(grid, inside.row, inside.column + left, inside.rows, BOX_PLAIN);
    outline_draw(view, grid, (struct area){inside.row, inside.column, inside.rows, left});
    str_clear(&text);
    log_title(view, &text);
    grid_put(grid, inside.row, inside.column + left + 2, inside.columns - left - 2,
             self->outline.is_aside ? STYLE_TITLE : STYLE_MUTED, text.data);
    draw_log(view, grid,
             (struct area){inside.row + 1, inside.column + left + 2, inside.rows - 1, inside.columns - left - 3});
    str_release(&text);
}

/* --- keys ------------------------------------------------------------------------------------------------- */

static unsigned handle(struct view *view, enum request request)
{
    struct run_view_state *self = self_of(view);
    bool on_steps = !self->outline.is_aside;
    if (request == REQUEST_DELTA) {
        dashboard_push(view->dashboard, &gate_view, view->argument);
        dashboard_request(view->dashboard, REQUEST_DELTA);
    } else if (request == REQUEST_NEXT_PANE) {
        self->outline.is_aside = on_steps;
    } else if (request == REQUEST_OPEN && on_steps) {
        self->outline.is_aside = true;
    } else if (request == REQUEST_FOLLOW) {
        self->pager.follow = true;
        self->chosen = false;
        arrange(view);
    } else if (on_steps && outline_move(view, request)) {
        self->chosen = true;
    } else if (request == REQUEST_TOP && self->from) {
        show_from_start(self);
    } else if (!pager_handle(&self->pager, request)) {
        return REFRESH_NOTHING;
    }
    return REFRESH_SCREEN;
}

static void subject(struct view *view, struct subject *subject)
{
    if (self_of(view)->found)
        subject_run(subject, view->dashboard->picture, &self_of(view)->run);
}

static const char *filter(struct view *view, const char *text)
{
    return dashboard_search(view->dashboard, &self_of(view)->pager, text, "this log");
}

static bool why(struct view *view, struct str *out)
{
    const struct run_view_state *self = self_of(view);
    if (!self->found)
        return false;
    str_addf(out, "run %s is ", self->run.id);
    format_run_status(out, &self->run);
    str_add_char(out, '\n');
    for (size_t i = 0; i < self->step_count; i++) {
        if (!text_empty(self->steps[i].status_reason))
            str_addf(out, "\n%s is %s\n  %s\n", self->steps[i].id, word_name(step_status_names, self->steps[i].status),
                     self->steps[i].status_reason);
    }
    return true;
}

static const struct outline_ops outline = {
    .read = read_rows,
    .arrange = arrange,
    .count = count,
    .draw_row = draw_row,
    .empty = empty,
};
const struct view_ops run_view = {
    .name = "run",
    .kind = VIEW_RUN,
    .size = sizeof(struct run_view_state),
    .outline = &outline,
    .init = init,
    .release = release,
    .refresh = outline_refresh,
    .work = work,
    .title = title,
    .draw = draw,
    .handle = handle,
    .subject = subject,
    .filter = filter,
    .why = why,
    .wait_on = wait_on,
};
