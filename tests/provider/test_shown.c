/* SPDX-License-Identifier: ISC */
/* What terraform says, without terraform: plans and states as JSON, lines of apply, errors and locks, versions, the folder it works in. */
#include "prelude.h"

#include "berth/base/process.h"
#include "berth/base/time.h"
#include "provider/terraform/events.h"
#include "provider/terraform/layout.h"
#include "provider/terraform/lock.h"
#include "provider/terraform/module.h"
#include "provider/terraform/secrets.h"
#include "provider/terraform/shown.h"
#include "provider/terraform/state.h"
#include "provider/terraform/version.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const unsigned char key[KEY_BYTES] = {7};

struct reading {
    struct arena arena;
    struct shown_plan plan;
    struct error error;
    struct fingerprints with;
};

static int setup(void **state)
{
    struct reading *reading = calloc(1, sizeof *reading);
    reading->with.key = key;
    *state = reading;
    return 0;
}

static int teardown(void **state)
{
    struct reading *reading = *state;
    shown_plan_release(&reading->plan);
    arena_release(&reading->arena);
    free(reading);
    return 0;
}

/* A plan around the text of some members. */
static bool read_plan(struct reading *reading, const char *members)
{
    char *text = arena_printf(&reading->arena, "{\"format_version\":\"1.2\",\"terraform_version\":\"1.11.4\"%s%s}",
                              members[0] ? "," : "", members);
    shown_plan_release(&reading->plan);
    return shown_plan_read(text, strlen(text), &reading->with, &reading->arena, &reading->plan, &reading->error);
}

static const char *change(struct reading *reading, const char *actions, const char *rest)
{
    return arena_printf(&reading->arena,
                        "{\"address\":\"t.a\",\"mode\":\"managed\",\"type\":\"t\",\"change\":{\"actions\":%s%s}}",
                        actions, rest);
}

static enum plan_action action_of(struct reading *reading, const char *actions, const char *rest)
{
    must(read_plan(reading, arena_printf(&reading->arena, "\"resource_changes\":[%s]", change(reading, actions, rest))),
         &reading->error);
    return shown_action(&reading->plan);
}

static const char *attributes(struct reading *reading, const char *change_members)
{
    (void)action_of(reading, "[\"update\"]", change_members);
    return json_text(&reading->arena, json_object_get(json_array_get(reading->plan.changes, 0), "attributes"));
}

static void plan__means_one_thing_for_the_whole(void **state)
{
    struct reading *reading = *state;
    assert_int_equal(action_of(reading, "[\"create\"]", ""), PLAN_CREATE);
    assert_int_equal(action_of(reading, "[\"create\"]", ",\"before\":{}"), PLAN_UPDATE);
    assert_int_equal(action_of(reading, "[\"update\"]", ",\"before\":{}"), PLAN_UPDATE);
    assert_int_equal(action_of(reading, "[\"delete\"]", ",\"before\":{}"), PLAN_REPLACE);
    assert_int_equal(action_of(reading, "[\"delete\",\"create\"]", ",\"before\":{}"), PLAN_REPLACE);
    assert_int_equal(action_of(reading, "[\"create\",\"delete\"]", ",\"before\":{}"), PLAN_REPLACE);
    assert_int_equal(action_of(reading, "[\"forget\"]", ",\"before\":{}"), PLAN_UPDATE);
    assert_int_equal(action_of(reading, "[\"no-op\"]", ",\"before\":{}"), PLAN_NONE);
    assert_int_equal(action_of(reading, "[\"read\"]", ""), PLAN_NONE);
    assert_int_equal(action_of(reading, "[\"no-op\"]", ",\"before\":{},\"importing\":{\"id\":\"1\"}"), PLAN_UPDATE);
    assert_string_equal(shown_summary(&reading->plan, &reading->arena), "1 to import");
    must(read_plan(reading,
                   "\"resource_changes\":[{\"address\":\"t.b\",\"previous_address\":\"t.a\",\"mode\":\"managed\","
                   "\"change\":{\"actions\":[\"no-op\"],\"before\":{}}}]"),
         &reading->error);
    assert_int_equal(shown_action(&reading->plan), PLAN_UPDATE);
    assert_string_equal(json_get_text(json_array_get(reading->plan.changes, 0), "was"), "t.a");
    must(read_plan(reading, "\"output_changes\":{\"x\":{\"actions\":[\"update\"],\"after\":1}}"), &reading->error);
    assert_int_equal(shown_action(&reading->plan), PLAN_CREATE);
    assert_string_equal(shown_summary(&reading->plan, &reading->arena), "only outputs change");
    must(read_plan(reading, "\"applyable\":true"),
         &reading->error); /* the state is to be written, though nothing is done */
    assert_int_equal(shown_action(&reading->plan), PLAN_CREATE);
    must(read_plan(reading, "\"applyable\":false"), &reading->error);
    assert_int_equal(shown_action(&reading->plan), PLAN_NONE);
    must(read_plan(reading, ""), &reading->error);
    assert_int_equal(shown_action(&reading->plan), PLAN_NONE);
}

static void plan__of_a_destroy_may_create_nothing(void **state)
{
    struct reading *reading = *state;
    static const struct {
        const char *actions, *rest;
        bool creates;
    } cases[] = {{"[\"delete\"]", "", false},
                 {"[\"no-op\"]", "", false},
                 {"[\"read\"]", "", false},
                 {"[\"forget\"]", "", false},
                 {"[\"create\"]", "", true},
                 {"[\"update\"]", "", true},
                 {"[\"delete\",\"create\"]", "", true},
                 {"[\"no-op\"]", ",\"importing\":{}", true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        (void)action_of(reading, cases[i].actions, cases[i].rest);
        if ((shown_creates(&reading->plan) != NULL) != cases[i].creates)
            fail_msg("%s%s", cases[i].actions, cases[i].rest);
    }
}

static void plan__tells_only_what_differs_in_a_fixed_order(void **state)
{
    struct reading *reading = *state;
    assert_string_equal(
        attributes(reading,
                   ",\"before\":{\"z\":1,\"same\":{\"deep\":[1]},\"a\":{\"n\":\"x\",\"gone\":true}},"
                   "\"after\":{\"a\":{\"n\":\"y\"},\"same\":{\"deep\":[1]},\"z\":2,\"new\":[{\"k.1\":null},3]}"),
        "[{\"after\":null,\"before\":true,\"path\":\"a.gone\",\"sensitive\":false},"
        "{\"after\":\"y\",\"before\":\"x\",\"path\":\"a.n\",\"sensitive\":false},"
        "{\"after\":3,\"before\":null,\"path\":\"new[1]\",\"sensitive\":false},"
        "{\"after\":2,\"before\":1,\"path\":\"z\",\"sensitive\":false}]");
    must(read_plan(reading, "\"resource_changes\":[{\"address\":\"t.b\",\"change\":{\"actions\":[\"create\"]}},"
                            "{\"address\":\"t.a\",\"change\":{\"actions\":[\"create\"]}}]"),
         &reading->error);
    const char *one = json_text(&reading->arena, reading->plan.changes);
    must(read_plan(reading, "\"resource_changes\":[{\"change\":{\"actions\":[\"create\"]},\"address\":\"t.a\"},"
                            "{\"address\":\"t.b\",\"change\":{\"actions\":[\"create\"]}}]"),
         &reading->error);
    assert_string_equal(json_text(&reading->arena, reading->plan.changes), one);
}

static void plan__marks_what_is_unknown_and_what_forces(void **state)
{
    struct reading *reading = *state;
    assert_string_equal(
        attributes(reading,
                   ",\"before\":{\"id\":\"1\",\"list\":[1,2],\"name\":\"a\"},\"after\":{\"name\":\"b\",\"list\":[1]},"
                   "\"after_unknown\":{\"id\":true,\"list\":[false,true]},\"replace_paths\":[[\"name\"],[\"list\",0]]"),
        "[{\"after\":null,\"before\":\"1\",\"path\":\"id\",\"sensitive\":false,\"unknown\":true},"
        "{\"after\":null,\"before\":2,\"path\":\"list[1]\",\"sensitive\":false,\"unknown\":true},"
        "{\"after\":\"b\",\"before\":\"a\",\"forces\":true,\"path\":\"name\",\"sensitive\":false}]");
}

static void plan__hides_sensitive_values_and_whole_trees(void **state)
{
    struct reading *reading = *state;
    const char *text = attributes(
        reading,
        ",\"before\":{\"pw\":\"topsecret1\",\"tree\":{\"inkey\":{\"a\":\"topsecret2\"}},\"open\":[{\"p\":\"topsecret3\",\"q\":1}]},"
        "\"after\":{\"pw\":\"topsecret4\",\"tree\":{\"inkey\":{\"a\":\"topsecret5\"},\"more\":1},\"open\":[{\"p\":\"topsecret6\",\"q\":2}]},"
        "\"before_sensitive\":{\"pw\":true,\"tree\":true},\"after_sensitive\":{\"open\":[{\"p\":true}]}");
    assert_null(strstr(text, "topsecret"));
    assert_null(strstr(text, "inkey"));
    json_t *list = json_object_get(json_array_get(reading->plan.changes, 0), "attributes");
    assert_int_equal(json_array_size(list), 4); /* open[0].p, open[0].q, pw, tree */
    const char *before = arena_strdup(&reading->arena, json_get_text(json_array_get(list, 2), "before"));
    assert_true(text_starts(before, "hmac:"));
    assert_string_not_equal(before, json_get_text(json_array_get(list, 2), "after"));
    assert_string_equal(json_get_text(json_array_get(list, 3), "path"), "tree");
    /* the same is the same again; elsewhere, or with another key, it is not */
    assert_non_null(
        strstr(attributes(reading, ",\"before\":{\"pw\":\"topsecret1\"},\"before_sensitive\":{\"pw\":true}"), before));
    assert_null(
        strstr(attributes(reading, ",\"before\":{\"px\":\"topsecret1\"},\"before_sensitive\":{\"px\":true}"), before));
    static const unsigned char other[KEY_BYTES] = {8};
    reading->with.key = other;
    assert_null(
        strstr(attributes(reading, ",\"before\":{\"pw\":\"topsecret1\"},\"before_sensitive\":{\"pw\":true}"), before));
}

static void plan__hides_what_the_redactor_knows(void **state)
{
    struct reading *reading = *state;
    struct redactor *redactor = redactor_new();
    redactor_add(redactor, "topsecret", 9);
    reading->with.redactor = redactor;
    const char *text =
        attributes(reading, ",\"after\":{\"url\":\"https://u:topsecret@x\",\"b\":\"dG9wc2VjcmV0\",\"c\":\"open\"}");
    assert_null(strstr(text, "topsecret"));
    assert_null(strstr(text, "dG9wc2VjcmV0"));
    assert_non_null(strstr(text, "\"open\""));
    must(read_plan(reading, "\"output_changes\":{\"x\":{\"actions\":[\"create\"],\"after\":{\"u\":\"topsecret\"}}}"),
         &reading->error);
    assert_null(strstr(json_text(&reading->arena, reading->plan.outputs), "topsecret"));
    redactor_free(redactor);
}

static void plan__cuts_long_values_but_not_their_difference(void **state)
{
    struct reading *reading = *state;
    char *one = calloc(1, 200001), *two = calloc(1, 200001);
    memset(one, 'a', 200000);
    memcpy(two, one, 200000);
    two[199999] = 'b';
    const char *text = attributes(
        reading, arena_printf(&reading->arena, ",\"before\":{\"x\":\"%s\"},\"after\":{\"x\":\"%s\"}", one, two));
    assert_true(strlen(text) < 3000);
    const json_t *attribute =
        json_array_get(json_object_get(json_array_get(reading->plan.changes, 0), "attributes"), 0);
    assert_string_not_equal(json_get_text(attribute, "before"), json_get_text(attribute, "after"));
    free(one);
    free(two);
}

static void plan__with_too_many_attributes_ends_in_a_fingerprint(void **state)
{
    struct reading *reading = *state;
    struct str text = STR_INIT;
    str_add(&text, ",\"after\":{");
    for (int i = 0; i < ATTRIBUTES_LIMIT + 50; i++)
        str_addf(&text, "%s\"k%04d\":%d", i ? "," : "", i, i);
    size_t length = text.length;
    str_add(&text, "}");
    char *first = arena_strdup(&reading->arena, attributes(reading, text.data));
    assert_int_equal(json_array_size(json_object_get(json_array_get(reading->plan.changes, 0), "attributes")),
                     ATTRIBUTES_LIMIT + 1);
    str_cut(&text, length);
    str_add(&text, ",\"z\":1}");
    assert_string_not_equal(attributes(reading, text.data), first);
    str_release(&text);
}

static void plan__knows_its_outputs_before_they_are_there(void **state)
{
    struct reading *reading = *state;
    must(read_plan(reading,
                   "\"output_changes\":{\"a\":{\"actions\":[\"create\"],\"after\":\"x\",\"after_unknown\":false},"
                   "\"b\":{\"actions\":[\"create\"],\"after_unknown\":true},"
                   "\"c\":{\"actions\":[\"create\"],\"after\":{\"k\":[1]},\"after_unknown\":{}},"
                   "\"d\":{\"actions\":[\"create\"],\"after\":\"topsecret\",\"after_sensitive\":true},"
                   "\"e\":{\"actions\":[\"create\"],\"after\":{},\"after_unknown\":{\"k\":true}},"
                   "\"f\":{\"actions\":[\"delete\"],\"before\":1}}"),
         &reading->error);
    const json_t *outputs = reading->plan.outputs;
    assert_string_equal(json_get_text(json_object_get(outputs, "a"), "value"), "x");
    assert_true(json_is_true(json_object_get(json_object_get(outputs, "b"), "unknown")));
    assert_string_equal(json_get_text(json_object_get(outputs, "c"), "value"), "{\"k\":[1]}");
    assert_true(text_starts(json_get_text(json_object_get(outputs, "d"), "sensitive"), "hmac:"));
    assert_true(json_is_true(json_object_get(json_object_get(outputs, "e"), "unknown")));
    assert_null(json_object_get(outputs, "f"));
    assert_null(strstr(json_text(&reading->arena, outputs), "topsecret"));
}

static void plan__that_cannot_be_trusted_is_refused(void **state)
{
    struct reading *reading = *state;
    static const struct {
        const char *text;
        enum error_code code;
    } cases[] = {
        {"", ERROR_TOOL},
        {"[]", ERROR_TOOL},
        {"{\"format_version\":\"1.2\"", ERROR_TOOL},
        {"{}", ERROR_VERSION},
        {"{\"format_version\":\"2.0\"}", ERROR_VERSION},
        {"{\"format_version\":\"1.2\",\"errored\":true}", ERROR_TOOL},
        {"{\"format_version\":\"1.2\",\"complete\":false}", ERROR_TOOL},
        {"{\"format_version\":\"1.2\",\"resource_changes\":[{\"address\":\"a\",\"change\":{\"actions\":[\"dance\"]}}]}",
         ERROR_VERSION},
        {"{\"format_version\":\"1.2\",\"resource_changes\":[{\"change\":{\"actions\":[\"create\"]}}]}", ERROR_VERSION},
        {"{\"format_version\":\"1.2\",\"resource_changes\":[{\"address\":\"a\"}]}", ERROR_VERSION}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        error_clear(&reading->error);
        assert_false(shown_plan_read(cases[i].text, strlen(cases[i].text), &reading->with, &reading->arena,
                                     &reading->plan, &reading->error));
        assert_int_equal(reading->error.code, cases[i].code);
        assert_true(reading->error.hint[0]);
    }
}

static void plan__that_is_deep_ends(void **state)
{
    struct reading *reading = *state;
    struct str text = STR_INIT;
    str_add(&text, ",\"after\":");
    for (int i = 0; i < 1500; i++)
        str_add(&text, i % 2 ? "[" : "{\"k\":");
    str_add(&text, "\"topsecret\"");
    for (int i = 1499; i >= 0; i--)
        str_add(&text, i % 2 ? "]" : "}");
    str_add(&text, ",\"after_sensitive\":");
    for (int i = 0; i < 1500; i++)
        str_add(&text, i % 2 ? "[" : "{\"k\":");
    str_add(&text, "true");
    for (int i = 1499; i >= 0; i--)
        str_add(&text, i % 2 ? "]" : "}");
    assert_null(strstr(attributes(reading, text.data), "topsecret"));
    str_release(&text);
}

/* What the state has in it, as berth lists it. */
static const char *parts_of(struct reading *reading, const char *resources, struct state_parts *parts)
{
    json_t *state = json_loads(resources, 0, NULL);
    assert_non_null(state);
    must(state_parts(state, parts, &reading->error), &reading->error);
    const char *text = json_text(&reading->arena, parts->inner);
    json_decref(parts->inner);
    json_decref(state);
    return text;
}

static void state__lists_what_is_managed(void **state)
{
    struct reading *reading = *state;
    struct state_parts parts;
    const char *text = parts_of(
        reading,
        "{\"version\":4,\"serial\":3,\"lineage\":\"l\",\"resources\":["
        "{\"mode\":\"managed\",\"type\":\"t\",\"name\":\"b\",\"instances\":[{\"status\":\"tainted\",\"attributes\":{\"pw\":"
        "\"topsecret\"}}]},"
        "{\"mode\":\"data\",\"type\":\"t\",\"name\":\"x\",\"instances\":[{}]},"
        "{\"module\":\"module.m[\\\"k\\\"]\",\"mode\":\"managed\",\"type\":\"t\",\"name\":\"a\",\"instances\":[{"
        "\"dependencies\":[\"t.b\"]}]}]}",
        &parts);
    assert_int_equal(parts.count, 2);
    assert_int_equal(parts.tainted, 1);
    assert_string_equal(
        text, "[{\"address\":\"module.m[\\\"k\\\"].t.a\",\"kind\":\"t\",\"needs\":[\"t.b\"],\"status\":\"ok\"},"
              "{\"address\":\"t.b\",\"kind\":\"t\",\"status\":\"failed\"}]");
    (void)parts_of(reading, "{}", &parts);
    assert_int_equal(parts.count, 0);
}

/* The keys of `count` and `for_each` as the tool writes them in an address. */
static void state__names_instances_as_the_tool_does(void **state)
{
    struct reading *reading = *state;
    struct state_parts parts;
    assert_string_equal(
        parts_of(reading,
                 "{\"resources\":[{\"mode\":\"managed\",\"type\":\"t\",\"name\":\"a\",\"instances\":["
                 "{\"index_key\":10},{\"index_key\":\"a\\\"b\\\\c\\n${d}%{e}$f\"}]}]}",
                 &parts),
        "[{\"address\":\"t.a[\\\"a\\\\\\\"b\\\\\\\\c\\\\n$${d}%%{e}$f\\\"]\",\"kind\":\"t\",\"status\":\"ok\"},"
        "{\"address\":\"t.a[10]\",\"kind\":\"t\",\"status\":\"ok\"}]");
}

/* A replacement made the new one first: the old one counts only where no new one is there. */
static void state__counts_what_is_deposed_once(void **state)
{
    struct reading *reading = *state;
    struct state_parts parts;
    assert_string_equal(parts_of(reading,
                                 "{\"resources\":[{\"mode\":\"managed\",\"type\":\"t\",\"name\":\"a\",\"instances\":["
                                 "{\"deposed\":\"00112233\"},{}]},"
                                 "{\"mode\":\"managed\",\"type\":\"t\",\"name\":\"b\",\"instances\":["
                                 "{\"deposed\":\"00112233\"}]}]}",
                                 &parts),
                        "[{\"address\":\"t.a\",\"kind\":\"t\",\"status\":\"ok\"},"
                        "{\"address\":\"t.b\",\"kind\":\"t\",\"status\":\"failed\"}]");
}

/* An object of the module's own may have the very keys of what the tool wraps a value in. */
static void state__tells_all_that_is_sensitive_in_an_object_with_a_type(void **state)
{
    json_t *read = json_loads(
        "{\"resources\":[{\"mode\":\"managed\",\"type\":\"t\",\"name\":\"a\",\"instances\":[{\"attributes\":{"
        "\"input\":{\"type\":[\"object\",{\"a\":\"string\"}],\"value\":{\"a\":\"wrapped-secret\"}},"
        "\"own\":{\"type\":\"kind-of-secret\",\"value\":\"xyz\"},\"flag\":true,\"count\":7},"
        "\"sensitive_attributes\":[[{\"type\":\"get_attr\",\"value\":\"input\"}],[{\"type\":\"get_attr\",\"value\":\"own\"}],"
        "[{\"type\":\"get_attr\",\"value\":\"flag\"}],[{\"type\":\"get_attr\",\"value\":\"count\"}]]}]}]}",
        0, NULL);
    const json_t *attributes = json_object_get(
        json_array_get(json_object_get(json_array_get(json_object_get(read, "resources"), 0), "instances"), 0),
        "attributes");
    struct redactor *redactor = redactor_new();
    struct str clean = STR_INIT;
    json_t *shorts = json_object();
    (void)state;
    assert_non_null(read);
    secrets_of_state(redactor, shorts, read);
    redact_text(redactor, "kind-of-secret wrapped-secret string object", &clean);
    assert_string_equal(clean.data, "*** *** string object");
    assert_int_equal(json_object_size(shorts), 1);
    assert_non_null(json_object_get(shorts, "xyz"));
    assert_int_equal(secrets_hide(redactor, NULL, attributes), 3); /* xyz, true, 7 */
    str_release(&clean);
    json_decref(shorts);
    json_decref(read);
    redactor_free(redactor);
}

/* --- errors and locks ---------------------------------------------------------------------------------------- */

static void say(struct diagnostic *diagnostic, const char *text)
{
    diagnostic_init(diagnostic);
    while (*text) {
        size_t length = strcspn(text, "\n");
        diagnostic_line(diagnostic, text, length);
        text += length + (text[length] ? 1 : 0);
    }
}

#define LOCKED                                                                                                \
    "Error: Error acquiring the state lock\n\nError message: resource temporarily unavailable\n"              \
    "Lock Info:\n  ID:        ae69b0f5\n  Path:      /s/terraform.tfstate\n  Operation: OperationTypeApply\n" \
    "  Who:       root@vm\n  Version:   1.11.4\n  Created:   2026-11-21 14:17:40.985556553 +0000 UTC\n  Info:      \n\n\nTerraform acquires"

static void lock__is_read_from_the_error(void **state)
{
    struct reading *reading = *state;
    struct diagnostic said;
    struct state_lock lock;
    struct str since = STR_INIT;
    say(&said, LOCKED);
    assert_true(diagnostic_lock(&said, &reading->arena, &lock));
    assert_string_equal(lock.id, "ae69b0f5");
    assert_string_equal(lock.who, "root@vm");
    assert_string_equal(lock.operation, "Apply");
    assert_string_equal(lock.path, "/s/terraform.tfstate");
    instant_format(&since, lock.since_ms);
    assert_string_equal(since.data, "2026-11-21T14:17:40Z");
    diagnostic_release(&said);
    say(&said, "╷\n│ Error: Error acquiring the state lock\n│ \n│ Lock Info:\n│   ID:        x\n╵\n");
    assert_true(diagnostic_lock(&said, &reading->arena, &lock));
    assert_string_equal(lock.id, "x");
    assert_string_equal(lock.who, "");
    diagnostic_release(&said);
    say(&said, "Error: no such thing\n\nit is not there\nLock Info:\n  ID: y\n\nError: another\n\nof no interest\n");
    assert_false(diagnostic_lock(&said, &reading->arena, &lock));
    assert_string_equal(said.summary, "no such thing");
    assert_null(strstr(said.detail.data, "interest"));
    diagnostic_release(&said);
    say(&said,
        "Error: Terraform encountered problems during initialisation, including problems\nwith it.\n\nError: Bad block\n\nline 3\n");
    assert_string_equal(said.summary, "Bad block");
    assert_string_equal(said.detail.data, "line 3\n");
    diagnostic_line(&said, "", 0);
    diagnostic_line(&said, "the rest", 8);
    assert_string_equal(said.detail.data, "line 3\n\nthe rest\n");
    assert_string_equal(diagnostic_in_a_line(&said, &reading->arena), "line 3 the rest");
    diagnostic_release(&said);
    str_release(&since);
}

static void lock__is_released_only_when_its_holder_is_proven_dead(void **state)
{
    struct reading *reading = *state;
    /* nobody else's: the test ends whatever carries it */
    const char *name = arena_printf(&reading->arena, "nobody/%d", (int)getpid());
    char *mark = arena_printf(&reading->arena, TERRAFORM_STATE_VARIABLE "=%s", name);
    char host[256] = "";
    (void)gethostname(host, sizeof host - 1);
    struct state_lock lock = {.id = "1", .who = "bob@elsewhere", .since_ms = 100000};
    assert_false(lock_holder_is_dead(&lock, name, 100000, &reading->error));
    assert_non_null(strstr(reading->error.detail, "held by bob@elsewhere"));
    lock.who = arena_printf(&reading->arena, "%s@%s", geteuid() == 0 ? "root" : getlogin() ? getlogin() : "", host);
    if (geteuid() != 0)
        skip(); /* the name of the user is the system's to say */
    lock.since_ms = 90000;
    assert_false(lock_holder_is_dead(&lock, name, 100000, &reading->error));
    assert_non_null(strstr(reading->error.detail, "before the attempt began"));
    lock.since_ms = 0;
    assert_false(lock_holder_is_dead(&lock, name, 0, &reading->error));
    lock.since_ms = 100000;
    lock.id = "";
    assert_false(lock_holder_is_dead(&lock, name, 100000, &reading->error));
    lock.id = "1";
    /* a tool of ours that lives */
    int out[2];
    assert_int_equal(pipe(out), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char *const environment[] = {mark, NULL};
        dup2(out[1], 1);
        close(out[0]);
        execle("/bin/sh", "sh", "-c", "echo; sleep 300 & exec sleep 300", NULL, environment);
        _exit(127);
    }
    char byte;
    assert_int_equal(read(out[0], &byte, 1), 1); /* it has its environment now */
    assert_false(lock_holder_is_dead(&lock, name, 100000, &reading->error));
    assert_non_null(strstr(reading->error.detail, "still runs"));
    must(process_end_all(mark, 0, SIGKILL, 0, PATIENCE_MS, &reading->error), &reading->error);
    close(out[0]);
    close(out[1]);
    while (waitpid(child, NULL, 0) < 0) {
    }
    /* without it only a tool that somebody else started now could speak against it */
    error_clear(&reading->error);
    if (!lock_holder_is_dead(&lock, name, 100000, &reading->error))
        assert_non_null(strstr(reading->error.detail, "by hand"));
}

/* --- lines of apply ------------------------------------------------------------------------------------------ */

static void events__take_any_line(void **state)
{
    struct reading *reading = *state;
    struct place place;
    struct events events;
    static const char *const lines[] = {
        "",
        "{",
        "{}",
        "[]",
        "null",
        "{\"@message\":1}",
        "{\"@message\":\"x\",\"type\":\"apply_start\"}",
        "plain text",
        "{\"@message\":\"y\",\"type\":\"apply_complete\",\"hook\":{\"resource\":[]}}",
        "{\"@message\":\"z\",\"type\":\"diagnostic\"}",
        "{\"@message\":\"o\",\"type\":\"outputs\",\"outputs\":[]}",
        "{\"@message\":\"Error: a\",\"type\":\"diagnostic\",\"diagnostic\":{\"severity\":\"error\",\"summary\":\"first\",\"detail\":\"one\\ntwo\"}}",
        "{\"@message\":\"Error: b\",\"type\":\"diagnostic\",\"diagnostic\":{\"severity\":\"error\",\"summary\":\"second\"}}",
        "\xff\xfe"};
    (void)reading;
    place_make(&place, "local");
    events_init(&events, &place.context, &place.arena);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        events_line(lines[i], strlen(lines[i]), &events);
    assert_string_equal(events.failed.summary, "first");
    assert_string_equal(events.failed.detail.data, "one\ntwo\n");
    assert_null(events.outputs);
    assert_non_null(strstr(place_log(&place), "plain text\n"));
    assert_non_null(strstr(place_log(&place), "Error: first\none\ntwo\n"));
    events_release(&events);
    place_remove(&place);
}

/* --- versions ------------------------------------------------------------------------------------------------ */

static void version__fits_as_terraform_reads_it(void **state)
{
    static const struct {
        const char *constraints, *version;
        bool fits;
    } cases[] = {
        {"1.9.8", "1.9.8", true},           {"1.9.8", "1.9.9", false},         {"= 1.9.8", "1.9.8", true},
        {">= 1.5, < 2.0", "1.11.4", true},  {">= 1.5, < 2.0", "2.0.0", false}, {">= 1.5, < 2.0", "1.4.9", false},
        {"~> 1.9", "1.11.0", true},         {"~> 1.9", "2.0.0", false},        {"~> 1.9", "1.8.9", false},
        {"~> 1.9.2", "1.9.5", true},        {"~> 1.9.2", "1.10.0", false},     {"!= 1.9.8", "1.9.8", false},
        {"> 1.9", "1.9.0", false},          {"<= 1.9", "1.9.0", true},         {">= 1.9", "1.10.0-rc1", false},
        {"1.10.0-rc1", "1.10.0-rc1", true}, {"1.10.0", "1.10.0-rc1", false},   {"1", "x", false}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (version_fits(cases[i].constraints, cases[i].version) != cases[i].fits)
            fail_msg("%s %s", cases[i].constraints, cases[i].version);
    assert_true(version_constraints_valid(">= 1.5 ,< 2.0") && version_constraints_valid("v1.2.3"));
    static const char *const bad[] = {"", ">>1", "1.2.3.4", "latest", "1,", "99999999999999", "1 2"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(version_constraints_valid(bad[i]));
    assert_string_equal(version_exact("= 1.9.8"), "1.9.8");
    assert_null(version_exact(">= 1.9.8"));
    assert_null(version_exact("1.9"));
}

/* --- the folder ---------------------------------------------------------------------------------------------- */

static void layout__mirrors_with_one_real_folder(void **state)
{
    struct reading *reading = *state;
    struct place place;
    struct stat status;
    place_make(&place, "local");
    place_file(&place, "tree/readme", "r", 0644);
    place_file(&place, "tree/a/b/main.tf", "m", 0644);
    place_file(&place, "tree/a/b/berth_override.tf.json", "theirs", 0644);
    place_file(&place, "tree/a/modules/x/main.tf", "x", 0644);
    char *mirror = path_join(place.run, "m"), *pool = path_join(place.run, "links");
    must(layout_mirror(place.tree, "./a/b", mirror, pool, &reading->error), &reading->error);
    const struct {
        const char *path;
        mode_t kind;
    } cases[] = {{"", S_IFDIR},          {"readme", S_IFLNK}, {"a", S_IFDIR},
                 {"a/modules", S_IFLNK}, {"a/b", S_IFDIR},    {"a/b/main.tf", S_IFLNK}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *path = path_join(mirror, cases[i].path);
        assert_int_equal(lstat(path, &status), 0);
        assert_int_equal(status.st_mode & S_IFMT, cases[i].kind);
        free(path);
    }
    char *beside = path_join(mirror, "a/b/../modules/x/main.tf"),
         *ours = path_join(mirror, "a/b/berth_override.tf.json");
    assert_true(file_exists(beside));
    assert_false(file_exists(ours));
    free(pool);
    free(beside);
    free(ours);
    free(mirror);
    place_remove(&place);
}

static struct stat link_in(const struct place *place, const char *path)
{
    struct stat status;
    char *whole = path_join(place->run, path);
    assert_int_equal(lstat(whole, &status), 0);
    assert_true(S_ISLNK(status.st_mode));
    free(whole);
    return status;
}

static void layout__shares_its_links_with_other_mirrors(void **state)
{
    struct reading *reading = *state;
    struct place place;
    place_make(&place, "local");
    place_file(&place, "tree/readme", "r", 0644);
    place_file(&place, "tree/a/main.tf", "m", 0644);
    place_file(&place, "tree/b/main.tf", "m", 0644);
    char *one = path_join(place.run, "one"), *two = path_join(place.run, "two"), *three = path_join(place.run, "three"),
         *pool = path_join(place.run, "links"), *read = path_join(place.run, "three/a/main.tf");
    must(layout_mirror(place.tree, "a", one, pool, &reading->error), &reading->error);
    must(layout_mirror(place.tree, "b", two, pool, &reading->error), &reading->error);
    assert_true(link_in(&place, "one/readme").st_ino == link_in(&place, "two/readme").st_ino);
    must(folder_remove(one, &reading->error) && folder_remove(pool, &reading->error), &reading->error);
    must(layout_mirror(place.tree, "a", three, pool, &reading->error), &reading->error);
    assert_true(link_in(&place, "three/readme").st_ino != link_in(&place, "two/readme").st_ino);
    assert_true(file_exists(read));
    free(one);
    free(two);
    free(three);
    free(pool);
    free(read);
    place_remove(&place);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(plan__means_one_thing_for_the_whole),
        TEST(plan__of_a_destroy_may_create_nothing),
        TEST(plan__tells_only_what_differs_in_a_fixed_order),
        TEST(plan__marks_what_is_unknown_and_what_forces),
        TEST(plan__hides_sensitive_values_and_whole_trees),
        TEST(plan__hides_what_the_redactor_knows),
        TEST(plan__cuts_long_values_but_not_their_difference),
        TEST(plan__with_too_many_attributes_ends_in_a_fingerprint),
        TEST(plan__knows_its_outputs_before_they_are_there),
        TEST(plan__that_cannot_be_trusted_is_refused),
        TEST(plan__that_is_deep_ends),
        TEST(state__lists_what_is_managed),
        TEST(state__names_instances_as_the_tool_does),
        TEST(state__counts_what_is_deposed_once),
        TEST(state__tells_all_that_is_sensitive_in_an_object_with_a_type),
        TEST(lock__is_read_from_the_error),
        TEST(lock__is_released_only_when_its_holder_is_proven_dead),
        TEST(events__take_any_line),
        TEST(version__fits_as_terraform_reads_it),
        TEST(layout__mirrors_with_one_real_folder),
        TEST(layout__shares_its_links_with_other_mirrors),
    };
    return TESTS_RUN(tests);
}
