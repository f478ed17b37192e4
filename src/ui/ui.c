/* SPDX-License-Identifier: ISC */
/* The door of the room: opens store, theme and terminal, turns until the person quits, restores the terminal. */
#include "berth/ui.h"

#include "berth/store.h"
#include "ui/dashboard.h"
#include "ui/terminal.h"

#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <stdlib.h>

#define TICK_MS 1000      /* ages move on, the store is looked at */
#define GUARD_TICK_MS 100 /* while a dialog is open: its guard passes */

static bool locale_is_utf8(void)
{
    setlocale(LC_CTYPE, "");
    return text_equal(nl_langinfo(CODESET), "UTF-8");
}

static bool choose_theme(const struct ui_options *options, struct theme *theme, struct error *error)
{
    const char *no_colour = getenv("NO_COLOR"), *wanted = options->theme ? options->theme : getenv("BERTH_THEME");
    bool plain = options->monochrome || !text_empty(no_colour);
    if (text_empty(wanted))
        wanted = plain ? "monochrome" : "dark";
    if (!theme_load(wanted, theme, error))
        return false;
    if (plain)
        theme_uncolour(theme);
    return true;
}

/* Sleeps until a key, a signal, the store's bell, the view's own descriptor, or the tick. */
static void wait_for_something(struct dashboard *dashboard)
{
    struct view *view = dashboard_view(dashboard);
    int input[2];
    dashboard->terminal->ops->wait_on(dashboard->terminal, input);
    struct pollfd fds[] = {
        {.fd = input[0], .events = POLLIN},
        {.fd = input[1], .events = POLLIN},
        {.fd = store_bell(dashboard->reader), .events = POLLIN},
        {.fd = view->ops->wait_on ? view->ops->wait_on(view) : -1, .events = POLLIN},
    };
    poll(fds, sizeof fds / sizeof *fds, dashboard->layer ? GUARD_TICK_MS : TICK_MS);
    if (fds[0].revents & (POLLHUP | POLLERR | POLLNVAL))
        dashboard->quit = true;
}

static int run(const struct ui_options *options, struct store *store, struct terminal *terminal,
               const struct theme *theme, struct error *error)
{
    struct dashboard dashboard;
    dashboard_init(&dashboard, options, terminal, store);
    dashboard.theme = *theme;
    bool fine = dashboard_open(&dashboard, error);
    while (fine && !dashboard.quit) {
        if (!dashboard_turn(&dashboard) && !dashboard.quit)
            wait_for_something(&dashboard);
    }
    dashboard_release(&dashboard);
    return fine ? 0 : 1;
}

int ui_dashboard(const struct ui_options *options, struct error *error)
{
    struct ui_options chosen = *options;
    struct theme theme;
    chosen.ascii = options->ascii | !locale_is_utf8();
    if (!choose_theme(&chosen, &theme, error))
        return 1;
    struct store *store = store_open(options->store_folder, STORE_READER, error);
    if (!store)
        return 1;
    struct terminal *terminal = terminal_open_curses(&theme, error);
    int status = 1;
    if (terminal) {
        status = run(&chosen, store, terminal, &theme, error);
        terminal->ops->close(terminal);
    }
    store_close(store);
    return status;
}
