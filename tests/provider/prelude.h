/* SPDX-License-Identifier: ISC */
/* What every test of the provider room begins with: cmocka, a workplace with a store, and real git repositories. */
#ifndef BERTH_TESTS_PROVIDER_PRELUDE_H
#define BERTH_TESTS_PROVIDER_PRELUDE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "berth/base/file.h"
#include "berth/config.h"
#include "berth/provider.h"
#include "berth/store_log.h"

#define TESTS_RUN(tests) cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL)
#define PATIENCE_MS 20000 /* a condition that has not come true by then never will */

/* A folder with a store, a run's folder, a log, and the context of a provider's call. */
struct place {
    char *folder, *store, *run, *tree, *log;
    struct run_log written; /* to the file `log` */
    struct config_section section;
    struct provider_context context;
    struct arena arena;
    struct error error;
};
void place_make(struct place *place, const char *provider);
void place_remove(struct place *place);
/* Sets one key of the context's section; replaces. */
void place_key(struct place *place, const char *key, const char *value);
/* Everything in the log so far, in the arena. */
const char *place_log(struct place *place);
/* Writes a file below the place's folder, making folders. */
void place_file(struct place *place, const char *path, const char *text, mode_t mode);
/* Fails the test with the error's text. */
void must(bool done, const struct error *error);

/* Runs `git ARGUMENTS…` in a folder with a fixed identity and time; NULL ends. Its output, without the last line end, in the arena. */
const char *git(struct place *place, const char *folder, ...) __attribute__((sentinel));
/* Runs any program to its end; its exit status. */
int run_program(const char *folder, const char *const *argv, const char *input, struct str *output);
/* Whether a program is on PATH: tests that need one which a machine may lack begin with `if (!has_program("…")) skip();`. */
bool has_program(const char *name);
/* How many file descriptors this process has open. */
size_t open_descriptors(void);

#endif
