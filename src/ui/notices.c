/* SPDX-License-Identifier: ISC */
/* What a person should know of an environment first. */
#include "ui/notices.h"

#include "berth/base/wording.h"
#include "berth/config.h"
#include "ui/wrap.h"

const struct hold *notices_question(const struct dashboard *dashboard, const char *environment)
{
    const struct surroundings *around = picture_surroundings(dashboard->picture);
    return hold_question(around->holds, around->hold_count, environment);
}

static void write_question(const struct dashboard *dashboard, const struct environment *environment, struct str *out)
{
    const struct hold *hold = notices_question(dashboard, environment->id);
    if (!hold)
        return;
    str_addf(out, "asks\tthe cleaner: shall it go? %s; asked ", hold->reason);
    format_when(out, dashboard->times, hold->since, dashboard->now_ms);
    str_addf(out, "\nanswer\tX destroys it; L holds it, :protect %s keeps it\n", environment->name);
}

static void write_left_behind(const struct dashboard *dashboard, const struct environment *environment, struct str *out)
{
    if (!config_left_behind(dashboard->config, environment))
        return;
    str_add(out, "entry\t");
    config_left_behind_say(environment, out);
    str_add(out, "; X destroys it, or put the entry back on the trusted ref\n");
}

/* The run that answers a failed one, and the one that it answers. */
static void write_way_back(const struct run *runs, size_t count, struct str *out)
{
    const struct run *answer = NULL, *failed = NULL;
    for (size_t i = 0; i < count && !answer; i++) {
        if (runs[i].workflow == WORKFLOW_ROLLBACK)
            answer = &runs[i];
        else if (runs[i].status == RUN_DONE) /* something was deployed since */
            return;
    }
    for (size_t i = 0; answer && i < count; i++)
        failed = text_equal(runs[i].id, answer->parent) ? &runs[i] : failed;
    if (!answer)
        return;
    bool ended = run_ended((enum run_status)answer->status);
    str_addf(out, "%s\trun %s %s: ", ended ? "went back" : "goes back", answer->id,
             word_name(run_status_names, answer->status));
    if (!text_empty(answer->status_reason))
        str_addf(out, "%s; ", answer->status_reason);
    if (failed)
        str_addf(out, "it answers run %s (%s)", failed->id, word_name(run_status_names, failed->status));
    else if (!text_empty(answer->parent))
        str_addf(out, "it answers run %s", answer->parent);
    else
        str_add(out, "asked by hand");
    str_add_char(out, '\n');
}

static void write_destroy(const struct run *runs, size_t count, struct str *out)
{
    for (size_t i = 0; i < count; i++) {
        if (runs[i].workflow == WORKFLOW_DESTROY && !runs[i].applying_at && !run_ended((enum run_status)runs[i].status))
            str_addf(out, "goes\trun %s is about to destroy it, nothing is touched yet: Z takes it back\n", runs[i].id);
    }
}

void notices_write(const struct dashboard *dashboard, const struct environment *environment, const struct run *runs,
                   size_t count, struct str *out)
{
    if (environment->status == ENVIRONMENT_DESTROYED)
        return;
    write_question(dashboard, environment, out);
    write_left_behind(dashboard, environment, out);
    write_destroy(runs, count, out);
    write_way_back(runs, count, out);
    if (environment_ends_at(environment) && !text_empty(environment->ends_why)) {
        str_add(out, "ends\t");
        format_when(out, dashboard->times, environment_ends_at(environment), dashboard->now_ms);
        str_addf(out, ": %s\n", environment->ends_why);
    }
    if (!text_empty(environment->excluded_commit)) {
        str_add(out, "excluded\t");
        wording_commit(out, environment->excluded_commit);
        str_add(out, " was rolled back: it is not deployed by itself, a newer commit or a person's deploy is\n");
    }
}

static enum style style_of(const char *notice)
{
    static const struct {
        const char *name;
        enum style style;
    } styles[] = {{"asks\t", STYLE_WAITING},    {"answer\t", STYLE_WAITING},    {"entry\t", STYLE_WARNING},
                  {"goes\t", STYLE_DESTROYING}, {"goes back\t", STYLE_RUNNING}, {"excluded\t", STYLE_WARNING}};
    for (size_t i = 0; i < sizeof styles / sizeof *styles; i++) {
        if (text_starts(notice, styles[i].name))
            return styles[i].style;
    }
    return STYLE_NORMAL;
}

int notices_draw(struct grid *grid, struct area area, int most_each, const char *notices)
{
    int row = area.row, end = area.row + area.rows;
    while (*notices && row < end) {
        size_t length = strcspn(notices, "\n"), name = strcspn(notices, "\t");
        struct str text = STR_INIT;
        str_add_bytes(&text, notices + name + 1, length - name - 1);
        grid_putf(grid, row, area.column, NOTICE_NAME_WIDTH, STYLE_MUTED, "%.*s", (int)name, notices);
        row +=
            wrap_put(grid,
                     (struct area){row, area.column + NOTICE_NAME_WIDTH + 1,
                                   end - row < most_each ? end - row : most_each, area.columns - NOTICE_NAME_WIDTH - 1},
                     style_of(notices), text.data);
        str_release(&text);
        notices += length + (notices[length] == '\n');
    }
    return row - area.row;
}
