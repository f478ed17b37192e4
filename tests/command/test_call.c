/* SPDX-License-Identifier: ISC */
/* Parsing, checking and showing calls; the completion of bash run over hostile names. */
#include "command/table.h"

#include "berth/base/file.h"
#include "berth/base/process.h"
#include "berth/base/str.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define WORDS_MOST 16

static struct arena arena;

/* Parses words separated by one space. */
static bool parse(const char *line, struct call *call, struct error *error)
{
    char *words[WORDS_MOST];
    int count = 0;
    char *copy = arena_strdup(&arena, line), *save = NULL;

    for (char *word = strtok_r(copy, " ", &save); word != NULL && count < WORDS_MOST; word = strtok_r(NULL, " ", &save))
        words[count++] = word;
    error_clear(error);
    return call_parse(count, words, &arena, call, error);
}

static const char *dumped(const struct call *call)
{
    char *text = json_dumps(call->arguments, JSON_COMPACT | JSON_SORT_KEYS);
    const char *copy = arena_strdup(&arena, text);

    free(text);
    return copy;
}

static int teardown(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

static void parse__takes_what_is_right(void **state)
{
    static const struct {
        const char *line, *subject, *arguments;
        bool json, wait, dry_run;
        int verbose;
    } cases[] = {
        {"deploy review/x", "review/x", "{}", false, false, false, 0},
        {"deploy review/x --ref main --with a=1 --with b=2=3", "review/x",
         "{\"ref\":\"main\",\"with\":[\"a=1\",\"b=2=3\"]}", false, false, false, 0},
        {"deploy --wait --json --dry-run x --ttl=8h -vv", "x", "{\"ttl\":\"8h\"}", true, true, true, 2},
        {"deploy -- --odd", "--odd", "{}", false, false, false, 0},
        {"extend x 2d --reason why", "x", "{\"by\":\"2d\",\"reason\":\"why\"}", false, false, false, 0},
        {"why deploy prod", "deploy", "{\"environment\":\"prod\"}", false, false, false, 0},
        {"find a b", "a", "{\"words\":[\"a\",\"b\"]}", false, false, false, 0},
        {"log 17.apply.server[1] -f", "17.apply.server[1]", "{\"follow\":true}", false, false, false, 0},
        {"log -fv 17", "17", "{\"follow\":true}", false, false, false, 1},
        {"branches -n5", "", "{\"limit\":\"5\"}", false, false, false, 0},
        {"envs", "", "{}", false, false, false, 0},
        {"graph x --format dot", "x", "{\"format\":\"dot\"}", false, false, false, 0},
        {"freeze all --until 2h --except rollback", "all", "{\"except\":[\"rollback\"],\"until\":\"2h\"}", false, false,
         false, 0},
        {"approve 17 --digest 0123456789ab", "17", "{\"digest\":\"0123456789ab\"}", false, false, false, 0},
        {"audit verify", "verify", "{}", false, false, false, 0},
    };
    struct error error;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct call call;

        if (!parse(cases[i].line, &call, &error))
            fail_msg("%s: %s", cases[i].line, error.message);
        assert_string_equal(call.subject, cases[i].subject);
        assert_string_equal(dumped(&call), cases[i].arguments);
        assert_int_equal(call.json, cases[i].json);
        assert_int_equal(call.wait, cases[i].wait);
        assert_int_equal(call.dry_run, cases[i].dry_run);
        assert_int_equal(call.verbose, cases[i].verbose);
        json_decref(call.arguments);
    }
}

static void parse__refuses_with_what_to_do(void **state)
{
    static const struct {
        const char *line, *message, *hint;
    } cases[] = {
        {"deplpy x", "no verb \"deplpy\"", "did you mean \"deploy\"?"},
        {"zzzzzzzz", "no verb", "berth help"},
        {"deploy", "deploy needs environment|branch", ""},
        {"deploy x y", "takes no \"y\"", "berth deploy"},
        {"deploy x --refs main", "no option --refs", "did you mean --ref?"},
        {"deploy x -q", "no option -q", "berth deploy"},
        {"deploy x --ref", "--ref needs a value", ""},
        {"deploy x --ref a --ref b", "twice", ""},
        {"deploy x --wait=yes", "takes no value", ""},
        {"deploy x --ttl 8", "--ttl is wrong", ""},
        {"deploy x --with novalue", "--with is wrong", ""},
        {"deploy x --pr -1", "--pr is wrong", ""},
        {"envs --wait", "no option --wait", ""},
        {"envs --tier production", "--tier is wrong", ""},
        {"graph x --format png", "--format is wrong", ""},
        {"approve 17 --digest xyz", "--digest is wrong", ""},
        {"log abc", "is wrong", ""},
        {"freeze prod", "freeze needs --until", ""},
        {"freeze prod --until tomorrow", "--until is wrong", ""},
        {"extend x", "extend needs by", ""},
        {"stop-all now", "takes no \"now\"", ""},
    };
    struct error error;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct call call;

        if (parse(cases[i].line, &call, &error))
            fail_msg("%s was taken", cases[i].line);
        assert_int_equal(error.code, ERROR_USAGE);
        if (strstr(error.message, cases[i].message) == NULL || strstr(error.hint, cases[i].hint) == NULL)
            fail_msg("%s: %s (%s)", cases[i].line, error.message, error.hint);
    }
}

static void parse__refuses_words_that_are_not_text(void **state)
{
    static const char *const lines[] = {"deploy latin-\xe9", "deploy x --ref cut-\xf0\x9f", "find -- \xff"};
    struct call call;
    struct error error;

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        assert_false(parse(lines[i], &call, &error));
        assert_int_equal(error.code, ERROR_USAGE);
        assert_non_null(strstr(error.message, "is not UTF-8"));
    }
}

static void help__is_taken_though_arguments_are_missing(void **state)
{
    struct error error;
    struct call call;

    (void)state;
    assert_true(parse("destroy --help", &call, &error));
    assert_true(call.help);
    json_decref(call.arguments);
}

static void check__arguments_from_anywhere(void **state)
{
    static const struct {
        const char *verb, *subject, *arguments;
        bool right;
    } cases[] = {
        {"deploy", "x", "{}", true},
        {"deploy", "", "{}", false},
        {"deploy", "x\n", "{}", false},
        {"deploy", "x", "{\"with\":\"a=1\"}", false},
        {"deploy", "x", "{\"with\":[1]}", false},
        {"deploy", "x", "{\"ref\":7}", false},
        {"deploy", "x", "{\"ref\":\"\"}", false},
        {"deploy", "x", "{\"unknown\":\"y\"}", false},
        {"deploy", "x", "{\"reason\":\"a\\nb\"}", true},
        {"envs", "", "{\"reason\":\"a\"}", false},
        {"log", "17", "{\"follow\":\"yes\"}", false},
        {"log", "17", "{\"follow\":true}", true},
        {"stop-all", "x", "{}", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *arguments = json_loads(cases[i].arguments, 0, NULL);
        struct error error = {0};

        if (call_check(verb_named(cases[i].verb), cases[i].subject, arguments, &error) != cases[i].right)
            fail_msg("case %zu: %s", i, error.message);
        assert_int_equal(error.code, cases[i].right ? ERROR_NONE : ERROR_USAGE);
        json_decref(arguments);
    }
}

static void check__an_argument_over_the_limit_is_refused(void **state)
{
    struct str text = STR_INIT;
    struct error error;

    (void)state;
    str_add_fill(&text, 'x', 5000);
    assert_false(call_check(verb_named("deploy"), text.data, NULL, &error));
    str_release(&text);
}

/* What call_shell shows is what call_parse reads, for every hostile text. */
static void shell__shown_call_parses_to_the_same(void **state)
{
    static const char *const texts[] = {"x",     "a b",   "it's", "$(touch x)", "`id`",     "a;b", "-f",
                                        "--",    "\"q\"", "!x",   "a\\b",       "${{ x }}", "*",   "é",
                                        "a|b&c", "#1",    "~",    "a=b",        "(x)"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *argv[] = {"bash", "-c", NULL, NULL};
        struct process_spec spec = {.argv = argv, .input_fd = -1, .output_fd = -1, .error_fd = -1};
        struct process process;
        struct str line = STR_INIT, out = STR_INIT, wanted = STR_INIT;
        json_t *arguments = json_pack("{s:[s], s:s}", "with", "k=v", "ref", texts[i]);
        char path[] = "/tmp/berth-shell-XXXXXX";
        int fd = mkstemp(path), status = -1;

        assert_true(fd >= 0);
        call_shell(verb_named("deploy"), texts[i], arguments, &line);
        argv[2] = arena_printf(&arena, "berth() { printf '%%s\\n' \"$@\"; }; %s", line.data);
        spec.output_fd = fd;
        assert_true(process_start(&spec, &process, NULL));
        assert_true(process_wait(&process, &status, NULL));
        process_release(&process);
        close(fd);
        assert_true(file_read(path, 1 << 16, &out, NULL));
        if (texts[i][0] == '-')
            str_addf(&wanted, "deploy\n--ref\n%s\n--with\nk=v\n--\n%s\n", texts[i], texts[i]);
        else
            str_addf(&wanted, "deploy\n%s\n--ref\n%s\n--with\nk=v\n", texts[i], texts[i]);
        assert_string_equal(out.data, wanted.data);
        unlink(path);
        json_decref(arguments);
        str_release(&line);
        str_release(&out);
        str_release(&wanted);
    }
}

static void run_bash(const char *script, struct str *out)
{
    char path[] = "/tmp/berth-bash-XXXXXX", script_path[] = "/tmp/berth-script-XXXXXX";
    int fd = mkstemp(path), script_fd = mkstemp(script_path), status = -1;
    const char *argv[] = {"bash", "--norc", script_path, NULL};
    struct process_spec spec = {.argv = argv, .input_fd = -1, .output_fd = fd, .error_fd = fd};
    struct process process;

    assert_true(fd >= 0 && script_fd >= 0);
    assert_true(file_write_all(script_fd, script, strlen(script), NULL));
    close(script_fd);
    assert_true(process_start(&spec, &process, NULL));
    assert_true(process_wait(&process, &status, NULL));
    process_release(&process);
    close(fd);
    assert_true(file_read(path, 1 << 16, out, NULL));
    unlink(path);
    unlink(script_path);
}

static void completion__of_bash_offers_and_never_expands(void **state)
{
    static const struct {
        const char *words; /* COMP_WORDS; the last is completed */
        const char *reply;
    } cases[] = {
        {"berth dep", "deploy\n"},
        {"berth why destr", "destroy\n"},
        {"berth graph x --format m", "mermaid\n"},
        {"berth deploy --w", "--with\n--wait\n"},
        {"berth freeze st", "staging\n"},
        {"berth deploy fe", "feature/x\n"},
        {"berth deploy \"\\$(\"", "\\$\\(touch\\ hacked\\)\n"},
        {"berth deploy '`'", "\\`touch\\ hacked\\`\n"},
        {"berth audit v", "verify\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str script = STR_INIT, out = STR_INIT;

        str_add(&script,
                "cd \"$(mktemp -d)\" || exit 1\n"
                "berth() { printf '%s\\n' 'feature/x' '$(touch hacked)' '`touch hacked`' 'a;touch hacked'; }\n");
        verbs_completion("bash", &script);
        str_addf(&script,
                 "COMP_WORDS=(%s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _berth\nprintf '%%s\\n' \"${COMPREPLY[@]}\"\n"
                 "[ ! -e hacked ] || echo HACKED\nrm -rf \"$PWD\"\n",
                 cases[i].words);
        run_bash(script.data, &out);
        if (strcmp(out.data, cases[i].reply) != 0)
            fail_msg("%s: %s", cases[i].words, out.data);
        str_release(&script);
        str_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(parse__takes_what_is_right, teardown),
        cmocka_unit_test_teardown(parse__refuses_with_what_to_do, teardown),
        cmocka_unit_test_teardown(parse__refuses_words_that_are_not_text, teardown),
        cmocka_unit_test_teardown(help__is_taken_though_arguments_are_missing, teardown),
        cmocka_unit_test_teardown(check__arguments_from_anywhere, teardown),
        cmocka_unit_test_teardown(check__an_argument_over_the_limit_is_refused, teardown),
        cmocka_unit_test_teardown(shell__shown_call_parses_to_the_same, teardown),
        cmocka_unit_test_teardown(completion__of_bash_offers_and_never_expands, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
