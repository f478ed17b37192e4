/* SPDX-License-Identifier: ISC */
/*
 * Opening an address: in the browser that $BROWSER names, else by xdg-open where this is no remote session and there is a display, never through a shell;
 * where there is neither, it is copied as the copy menu does, or shown. The dashboard never waits for it.
 */
#include "berth/base/process.h"
#include "berth/base/text.h"
#include "ui/dashboard.h"

#include <stdlib.h>

#define WORDS_MOST 16 /* of one browser's command line */

const char *subject_url(const struct subject *subject)
{
    if (!text_empty(subject->url))
        return subject->url;
    return subject->environment && !text_empty(subject->environment->entrypoint) ? subject->environment->entrypoint
                                                                                 : "";
}

static bool is_set(const char *name)
{
    return !text_empty(getenv(name));
}

/* A browser that would come up on another machine's screen, or on none, is no browser. */
static bool has_screen(void)
{
    return !is_set("SSH_CONNECTION") && !is_set("SSH_TTY") && (is_set("DISPLAY") || is_set("WAYLAND_DISPLAY"));
}

/* Words at blanks; "%s" becomes the address, which is the last word where none is. Splits in place. */
static bool start(struct dashboard *dashboard, char *command, const char *url)
{
    const char *argv[WORDS_MOST + 2];
    size_t count = 0;
    bool placed = false;
    char *word;
    while ((word = strsep(&command, " ")) && count < WORDS_MOST) {
        bool is_place = text_equal(word, "%s");
        if (*word)
            argv[count++] = is_place ? url : word;
        placed = placed || is_place;
    }
    if (!count || argv[0] == url)
        return false;
    if (!placed)
        argv[count++] = url;
    argv[count] = NULL;
    const struct process_spec spec = {
        .argv = argv, .input_fd = -1, .output_fd = -1, .error_fd = -1, .flags = PROCESS_NEW_SESSION};
    return process_start(&spec, &dashboard->browser, NULL);
}

/* The first of `commands`, colons between them, that can be started. */
static bool start_one(struct dashboard *dashboard, const char *commands, const char *url)
{
    char *copy = mem_strdup(commands), *rest = copy, *command;
    bool started = false;
    while (!started && (command = strsep(&rest, ":")))
        started = start(dashboard, command, url);
    free(copy);
    return started;
}

void opening_end(struct dashboard *dashboard)
{
    int status;
    if (!dashboard->browser.pid)
        return;
    (void)process_poll(&dashboard->browser, &status);
    process_release(&dashboard->browser);
    dashboard->browser = (struct process){0};
}

void opening_turn(struct dashboard *dashboard)
{
    struct str text = STR_INIT;
    int status;
    if (!dashboard->browser.pid || !process_poll(&dashboard->browser, &status))
        return;
    if (status != 0 && status != PROCESS_STATUS_UNKNOWN) {
        process_status_text(&text, status);
        dashboard_say(dashboard, STYLE_WARNING, "the browser could not open it (%s): c u copies the address",
                      text.data);
    }
    str_release(&text);
    opening_end(dashboard);
}

void opening_open(struct dashboard *dashboard)
{
    struct subject subject = dashboard_subject(dashboard);
    const char *url = subject_url(&subject), *browsers = getenv("BROWSER");
    if (!*url) {
        dashboard_say(dashboard, STYLE_MUTED, "there is no address to open here");
        return;
    }
    opening_end(dashboard);
    if (copy_is_safe_url(url) && ((!text_empty(browsers) && start_one(dashboard, browsers, url)) ||
                                  (has_screen() && start_one(dashboard, "xdg-open", url))))
        dashboard_say(dashboard, STYLE_OK, "opening %s", url);
    else
        copy_url(dashboard, url);
}
