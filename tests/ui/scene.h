/* SPDX-License-Identifier: ISC */
/* A workspace in a memory store and a dashboard on it in a memory terminal, at a fixed instant: what the tests of this room stand on. */
#ifndef TESTS_UI_SCENE_H
#define TESTS_UI_SCENE_H

#include "berth/store.h"
#include "ui/dashboard.h"
#include "ui/terminal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* after the four that it needs */
#include <cmocka.h>

#define SCENE_NOW INT64_C(1763733909000) /* 2025-11-21T14:05:09Z */
#define MINUTES(n) ((int64_t)(n)*60 * 1000)

struct scene {
    struct store *store;
    struct terminal *terminal;
    struct ui_options options;
    struct dashboard dashboard;
    char *folder; /* of the store with SCENE_FOLDER, removed at the end; else NULL */
};
enum scene_flag {
    SCENE_ASCII = 1,
    SCENE_EMPTY = 2,
    SCENE_NO_DAEMON = 4,
    SCENE_HOSTILE = 8,
    SCENE_DELTA = 16, /* with SCENE_MODULE: the run at the gate was approved for another plan before */
    SCENE_MODULE = 32,
    SCENE_FOLDER = 64,
    SCENE_RELEASES = 128,
    SCENE_ENDING = 256
};
/* Opens it and turns until nothing more is to be done. */
void scene_open(struct scene *scene, int rows, int columns, unsigned flags);
void scene_close(struct scene *scene);
/* Types keys and turns until all is drawn. */
void scene_type(struct scene *scene, const char *keys);
void scene_turn(struct scene *scene);
/* Lets time pass and turns. */
void scene_pass(struct scene *scene, int64_t ms);
/* The screen as text; the caller frees. */
char *scene_text(struct scene *scene);
bool scene_shows(struct scene *scene, const char *text);
/* Fails with the screen when it does not show (shows) the text. */
#define assert_shows(scene, text) scene_assert(scene, text, true, __FILE__, __LINE__)
#define assert_hides(scene, text) scene_assert(scene, text, false, __FILE__, __LINE__)
void scene_assert(struct scene *scene, const char *text, bool shows, const char *file, int line);
/* Compares with tests/ui/golden/NAME; with BERTH_GOLDEN=write it is written instead. */
void scene_golden(struct scene *scene, const char *name);
/* The same for the style role of each cell, a letter each. */
void scene_golden_styles(struct scene *scene, const char *name);
/* Puts a row as berthd would. */
void scene_put(struct scene *scene, const struct record_type *type, const void *row);
/* The commands that are in the store. */
size_t scene_commands(struct scene *scene, struct arena *arena, struct command **commands);
/* Rows of the scene, for tests that change one. */
struct run scene_gate_run(void);
struct environment scene_environment(const char *id, const char *name, enum tier tier, enum environment_status status);

#endif
