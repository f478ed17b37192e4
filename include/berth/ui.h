/* SPDX-License-Identifier: ISC */
/*
 * The dashboard: one full-screen program over one store. It reads tables and inserts command rows, nothing else; it never waits for
 * a provider or for berthd, and closing it disturbs no work.
 */
#ifndef BERTH_UI_H
#define BERTH_UI_H

#include "berth/base/error.h"

struct str;

struct ui_options {
    const char *store_folder; /* of the workspace (store_folder_for) */
    const char *workspace;    /* its name, for row 1 */
    const char *repository;   /* the trusted repository as the person named it, for row 1 */
    const char *view;         /* opened first: environments, branches, approvals, runs; NULL: what fits */
    const char *theme;        /* a theme's name or a file; NULL: dark, or what BERTH_THEME says */
    bool ascii;               /* no character outside ASCII; also when the locale is not UTF-8 */
    bool monochrome;          /* no colour; also when NO_COLOR is set and not empty */
    bool read_only;           /* every key that acts is greyed */
    /* Starts a berthd for this workspace in the background and returns at once; true also where one is coming up or serves already. Called when
     * the one that served died, and when a person asks for something that nobody would do. NULL: this caller cannot. */
    bool (*start_daemon)(void *context, struct error *error);
    void *context; /* for start_daemon */
};

/* Runs until the person quits; the terminal is restored on every way out. Returns an exit status: 0, or 1 with `error` filled
 * (ERROR_UNSUPPORTED: no terminal; errors of store_open; ERROR_CONFIG: the theme). */
int ui_dashboard(const struct ui_options *options, struct error *error);

/* The keys of the dashboard as man source, for berth(1): what looks from the keymap, what acts from the verb table. */
void ui_keys_manual(struct str *out);

#endif
