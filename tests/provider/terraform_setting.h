/* SPDX-License-Identifier: ISC */
/* What the tests of the executor terraform share: a module, what the engine would tell of it, and short words for planning and applying it. */
#ifndef BERTH_TESTS_PROVIDER_TERRAFORM_SETTING_H
#define BERTH_TESTS_PROVIDER_TERRAFORM_SETTING_H

#include "prelude.h"

/* Two inner resources, the second counted, and three outputs. */
#define TWO                                                                                           \
    "variable \"name\" { default = \"x\" }\nvariable \"parts\" { default = 2 }\n"                     \
    "resource \"terraform_data\" \"a\" { input = var.name }\n"                                        \
    "resource \"terraform_data\" \"b\" {\n  count = var.parts\n  input = terraform_data.a.input\n}\n" \
    "output \"name\" { value = var.name }\noutput \"id\" { value = terraform_data.a.id }\n"           \
    "output \"shape\" { value = { a = 1, b = [true] } }\n"

struct setting {
    struct place place;
    struct wanted_resource wanted;
    struct resource recorded;
    struct executor_task task;
    json_t *spec, *outputs;
    struct plan_result plan;
    struct apply_result result;
    struct redactor *redactor;
    int stop[2];
    bool stop_at_creating;
    char told[4096]; /* what the context was told of inner resources and progress */
};

const struct provider *terraform(void);
int setup(void **state);
int teardown(void **state);
void module_file(struct setting *setting, const char *text);
bool try_plan(struct setting *setting);
enum plan_action plan(struct setting *setting);
bool try_apply(struct setting *setting);
/* Applies what was planned, and records it as the engine does. */
void apply(struct setting *setting);
void go_away(struct setting *setting);
void expect(struct setting *setting, bool done, enum error_code code, const char *words);
/* "create terraform_data.a" of each change, in a line. */
const char *changes(struct setting *setting, const json_t *list);
const char *inner(struct setting *setting, const json_t *list);
const json_t *attribute(const json_t *list, const char *address, const char *path);
/* Where the state of the resource `infra` is kept; NULL when nowhere. The caller frees. */
char *state_path(struct setting *setting);
bool state_has(struct setting *setting, const char *word);
/* A state whose path has in it what a template would take for its own. */
void expect_literal_backend(struct setting *setting);
void set_vars(struct setting *setting, const char *name, int parts);

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
