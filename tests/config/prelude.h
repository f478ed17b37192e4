/* SPDX-License-Identifier: ISC */
/* What the tests of the config room share: cmocka, and a load whose problems can be asked. */
#ifndef TESTS_CONFIG_PRELUDE_H
#define TESTS_CONFIG_PRELUDE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "berth/base/file.h"
#include "berth/base/str.h"
#include "berth/config.h"

/* The first error or warning at `line` whose message holds `words`; line 0: anywhere. */
static inline const struct problem *find_problem(const struct problems *problems, bool warning, int line,
                                                 const char *words)
{
    for (size_t i = 0; i < problems->list.count; i++) {
        const struct problem *problem = &problems->list.items[i];

        if (problem->warning == warning && (line == 0 || problem->line == line) && strstr(problem->message, words))
            return problem;
    }
    return NULL;
}

static inline void print_problems(const struct problems *problems)
{
    for (size_t i = 0; i < problems->list.count; i++) {
        const struct problem *problem = &problems->list.items[i];

        print_message("# %s:%d:%d: %s: %s (%s)\n", problem->file, problem->line, problem->column,
                      problem->warning ? "warning" : "error", problem->message, problem->hint);
    }
}

static inline void expect_error(const struct problems *problems, int line, const char *words)
{
    if (find_problem(problems, false, line, words))
        return;
    print_problems(problems);
    fail_msg("no error at line %d with \"%s\"", line, words);
}

static inline void expect_warning(const struct problems *problems, int line, const char *words)
{
    if (find_problem(problems, true, line, words))
        return;
    print_problems(problems);
    fail_msg("no warning at line %d with \"%s\"", line, words);
}

static inline void expect_no_error(const struct problems *problems)
{
    if (problems->errors == 0)
        return;
    print_problems(problems);
    fail_msg("%zu errors", problems->errors);
}

static inline void read_whole(const char *path, struct str *text)
{
    struct error error;

    if (!file_read(path, 32u << 20, text, &error))
        fail_msg("%s: %s", path, error.message);
}

/* A berth.yaml that is well but for what a test adds: `root` at its end, `entry` into its one environment. */
static inline void small_config(struct str *text, const char *root, const char *entry)
{
    str_clear(text);
    str_add(text, "version: 1\nworkspace: shop\nrepositories:\n  app: { provider: git, url: . }\n"
                  "targets: { here: { provider: local }, far: { provider: local, protected: true } }\n"
                  "people: { alice: { unix: alice }, bob: { unix: bob } }\ngroups: { ops: [alice, bob] }\n"
                  "environments:\n  - name: one\n    tier: staging\n    templates: [web]\n    target: here\n");
    str_add(text, entry);
    str_add(text, root);
}
#define SMALL_ENTRY_LINE 13 /* where `entry` begins */
#define SMALL_SOURCE "    source: { branches: [main] }\n"

#endif
