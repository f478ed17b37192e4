/* SPDX-License-Identifier: ISC */
/*
 * Whether a berthd serves the workspace, and starting one again when it died while the dashboard was open: at once, then with a growing wait.
 * One that ended by itself or was told to is left alone until a person asks for something.
 */
#include "berth/base/process.h"
#include "ui/dashboard.h"

#include "berth/base/wording.h"

#define FIRST_WAIT_MS 2000
#define LONGEST_WAIT_MS 60000
#define COMING_MS 2000  /* what was just started needs a moment to say so */
#define STEADY_MS 60000 /* one that served this long is no part of a row of deaths */

static bool has_state(const struct daemon *daemon, const char *state)
{
    return daemon && text_equal(daemon->state, state);
}

static bool is_alive(const struct daemon *daemon)
{
    return daemon && daemon->pid && process_alive((pid_t)daemon->pid, (uint64_t)daemon->start_ticks);
}

void serving_start(struct dashboard *dashboard)
{
    const struct ui_options *options = dashboard->options;
    struct serving *serving = &dashboard->serving;
    struct error error = {0};
    if (serving->is || !options->start_daemon)
        return;
    serving->tries++;
    serving->wait_ms = !serving->wait_ms                        ? FIRST_WAIT_MS
                       : serving->wait_ms < LONGEST_WAIT_MS / 2 ? serving->wait_ms * 2
                                                                : LONGEST_WAIT_MS;
    serving->next_at = dashboard->now_ms + serving->wait_ms;
    serving->coming_until = dashboard->now_ms + COMING_MS;
    if (!options->start_daemon(options->context, &error))
        dashboard_say_error(dashboard, &error);
}

void serving_open(struct dashboard *dashboard)
{
    serving_look(dashboard);
    if (dashboard->options->start_daemon) /* whoever opened the dashboard has just started one */
        dashboard->serving.next_at = dashboard->serving.coming_until = dashboard->now_ms + COMING_MS;
}

void serving_look(struct dashboard *dashboard)
{
    const struct daemon *daemon = picture_surroundings(dashboard->picture)->daemon;
    struct serving *serving = &dashboard->serving;
    bool alive = is_alive(daemon);
    serving->is = alive && (has_state(daemon, "serving") || has_state(daemon, "draining"));
    serving->died = daemon && !alive && !has_state(daemon, "ended");
    if (serving->is && serving->tries && dashboard->now_ms - serving->next_at > STEADY_MS) {
        serving->tries = 0;
        serving->wait_ms = 0;
    }
}

void serving_turn(struct dashboard *dashboard)
{
    serving_look(dashboard);
    if (dashboard->loaded && dashboard->serving.died && dashboard->now_ms >= dashboard->serving.next_at)
        serving_start(dashboard);
}

void serving_retry(struct dashboard *dashboard)
{
    if (dashboard->serving.is) {
        dashboard_say(dashboard, STYLE_MUTED, "berthd serves this workspace already");
    } else if (!dashboard->options->start_daemon) {
        dashboard_say(dashboard, STYLE_WARNING, "this dashboard cannot start berthd: any berth command does");
    } else {
        dashboard->serving.wait_ms = 0;
        serving_start(dashboard);
    }
}

/* Some views have another meaning for it. */
static bool has_key(const struct dashboard *dashboard)
{
    const struct view *view = dashboard_view(dashboard);
    return view && request_for_key('r', view->ops->kind, false) == REQUEST_START;
}

enum sign serving_sign(const struct dashboard *dashboard, enum sign sign)
{
    return !dashboard->serving.is && (sign == SIGN_RUN || sign == SIGN_DELETE) ? SIGN_UNKNOWN : sign;
}

enum style serving_status(const struct dashboard *dashboard, struct str *out, enum sign sign, const char *word)
{
    format_status(out, serving_sign(dashboard, sign), word, dashboard->ascii);
    return dashboard->serving.is || sign == SIGN_GONE ? sign_style(sign) : STYLE_STALE;
}

/* A worker that was left behind finishes its step and nothing after it. */
static void say_unfinished(const struct dashboard *dashboard, struct str *out)
{
    const struct run *first = NULL;
    size_t count = 0;
    for (size_t i = 0; i < picture_count(dashboard->picture, PICTURE_RUNS_PART); i++) {
        const struct run *row = picture_run_at(dashboard->picture, i);
        if (!row || run_sign(row->status) != SIGN_RUN)
            continue;
        first = row;
        count++;
    }
    if (count == 1)
        str_addf(out, " Nobody works on run %s: at most a step that had begun ends.", first->id);
    else if (count)
        str_addf(out, " Nobody works on %zu runs: at most steps that had begun end.", count);
}

static void say_state(const struct dashboard *dashboard, struct str *out)
{
    const struct serving *serving = &dashboard->serving;
    const struct daemon *daemon = picture_surroundings(dashboard->picture)->daemon;
    if (!serving->tries && serving->coming_until > dashboard->now_ms) {
        str_add(out, "berthd is starting: shown is what was seen last.");
    } else if (serving->tries && serving->died) {
        str_addf(out, "berthd died: starting it again (try %d", serving->tries);
        if (serving->next_at > dashboard->now_ms) {
            str_add(out, ", the next in ");
            wording_left(out, serving->next_at - dashboard->now_ms);
        }
        str_addf(out, "%s). Shown is what was seen last, commands wait.",
                 has_key(dashboard) ? "; r tries at once" : "");
    } else if (has_state(daemon, "ended")) {
        str_addf(out, "berthd has ended: nothing was to come, or it was stopped.%s Shown is what was seen last.",
                 !dashboard->options->start_daemon ? " Commands wait."
                 : has_key(dashboard)              ? " r starts it, so does whatever you ask for."
                                                   : " Whatever you ask for starts it.");
    } else {
        str_add(out, "No berthd serves this: shown is what was seen last, commands wait.");
    }
}

void serving_say(const struct dashboard *dashboard, struct str *out)
{
    say_state(dashboard, out);
    if (dashboard->serving.coming_until <= dashboard->now_ms || dashboard->serving.tries)
        say_unfinished(dashboard, out);
}
