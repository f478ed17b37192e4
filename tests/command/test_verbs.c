/* SPDX-License-Identifier: ISC */
/* The verb table and what is derived from it: keys, help, manual, completion; a row taken out is gone everywhere. */
#include "command/table.h"

#include "berth/base/str.h"
#include "berth/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static const char *const shells[] = {"bash", "zsh", "fish"};

/* True when the text holds the word with no letter, digit or dash beside it. */
static bool mentions(const char *text, const char *word)
{
    static const char part[] = "abcdefghijklmnopqrstuvwxyz0123456789-\\_";
    size_t length = strlen(word);

    for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word)) {
        if ((at == text || strchr(part, at[-1]) == NULL) && (at[length] == '\0' || strchr(part, at[length]) == NULL))
            return true;
    }
    return false;
}

static void dashes_escaped(const char *text, struct str *out)
{
    for (; *text != '\0'; text++)
        str_addf(out, *text == '-' ? "\\%c" : "%c", *text);
}

static void verb__is_whole(void **state)
{
    size_t count;
    const struct verb *all = verbs(&count);

    (void)state;
    assert_true(count > 30);
    for (size_t i = 0; i < count; i++) {
        const struct verb *verb = &all[i];

        assert_ptr_equal(verb_named(verb->name), verb); /* unique */
        assert_true(text_ends(verb->help, ".") && !text_ends(verb->help, "..") && strstr(verb->help, ". ") == NULL);
        assert_non_null(verb->manual);
        assert_non_null(verb->hint);
        assert_non_null(verb->route);
        assert_null(verb->arguments[VERB_ARGUMENTS - 1].name);
        if (verb->kind == VERB_ACTS) {
            assert_string_equal(verb->audit, verb->name);
            assert_true(verb->role >= ROLE_DEPLOYER && verb->dry_run && verb->json && verb->route[0] != '\0');
            assert_true(strncmp(verb->route, "POST ", 5) == 0);
        }
        if (verb->kind == VERB_LOOKS)
            assert_true(verb->json && verb->policy_flags == POLICY_READS && verb->role == ROLE_VIEWER &&
                        verb->key == 0);
        if (verb->undo[0] != '\0')
            assert_string_equal(verb_named(verb->undo)->undo, verb->name);
        for (const struct verb_argument *argument = verb->arguments; argument->name != NULL; argument++) {
            assert_true(argument->help != NULL && argument->help[0] != '\0');
            assert_true((argument->type == ARGUMENT_CHOICE) == (argument->choices != NULL));
        }
    }
}

static void destroy__is_the_only_one_that_asks_for_the_name(void **state)
{
    size_t count;
    const struct verb *all = verbs(&count);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(all[i].confirm == CONFIRM_NAME, (all[i].policy_flags & POLICY_DESTROYS) != 0);
        assert_int_equal(all[i].confirm == CONFIRM_NAME, strcmp(all[i].name, "destroy") == 0);
    }
}

static void key__means_one_verb_in_each_scope(void **state)
{
    static const struct {
        char key;
        enum verb_scope scope;
        const char *name;
    } cases[] = {
        {'D', SCOPE_ENVIRONMENT, "deploy"},  {'D', SCOPE_BRANCH, "deploy"}, {'A', SCOPE_GATE, "approve"},
        {'C', SCOPE_GATE, "reject"},         {'C', SCOPE_RUN, "cancel"},    {'C', SCOPE_ENVIRONMENT, "cancel"},
        {'X', SCOPE_ENVIRONMENT, "destroy"}, {'R', SCOPE_RUN, "retry"},     {'T', SCOPE_ENVIRONMENT, "extend"},
        {'L', SCOPE_ENVIRONMENT, "hold"},    {'X', SCOPE_GATE, NULL},       {'Q', SCOPE_RUN, NULL},
        {0, SCOPE_ENVIRONMENT, NULL},
    };
    size_t count;
    const struct verb *all = verbs(&count);

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct verb *verb = verb_for_key(cases[i].key, cases[i].scope);

        assert_int_equal(verb == NULL, cases[i].name == NULL);
        if (verb != NULL)
            assert_string_equal(verb->name, cases[i].name);
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < i; k++)
            assert_false(all[i].key != 0 && all[i].key == all[k].key && (all[i].scopes & all[k].scopes));
    }
}

static void texts_of(struct verb_table table, struct str texts[6])
{
    table_overview(table, &texts[0]);
    table_manual(table, &texts[1]);
    for (size_t i = 0; i < 3; i++)
        table_completion(table, shells[i], &texts[2 + i]);
    table_reference(table, &texts[5]);
}

/* The place of "berth NAME" usage in the manual, of the verb's own line elsewhere. */
static bool names_verb(const struct str texts[6], size_t text, const char *name)
{
    struct str wanted = STR_INIT;
    bool found;

    if (text == 0)
        str_addf(&wanted, "\n  %s ", name);
    else if (text == 1) {
        /* the usage ends there or goes on with arguments: not "stop" in "stop-all" */
        str_add(&wanted, ".SS \"berth ");
        dashes_escaped(name, &wanted);
    } else if (text == 4)
        str_addf(&wanted, "-a %s -d", name);
    else if (text == 5)
        str_addf(&wanted, "\n### %s\n", name);
    else
        str_addf(&wanted, "    %s) _berth_words --", name);
    found = false;
    for (const char *at = texts[text].data; !found && (at = strstr(at, wanted.data)) != NULL; at++)
        found = text != 1 || at[wanted.length] == ' ' || at[wanted.length] == '"';
    str_release(&wanted);
    return found;
}

static void verb__is_in_overview_manual_and_every_completion(void **state)
{
    struct str texts[6] = {STR_INIT, STR_INIT, STR_INIT, STR_INIT, STR_INIT, STR_INIT};

    (void)state;
    texts_of(verb_table, texts);
    for (size_t i = 0; i < verb_table.count; i++) {
        for (size_t text = 0; text < 6; text++) {
            if (!names_verb(texts, text, verb_table.verbs[i].name))
                fail_msg("%s is not in text %zu", verb_table.verbs[i].name, text);
        }
    }
    for (size_t text = 0; text < 6; text++)
        str_release(&texts[text]);
}

static void argument__is_in_help_manual_and_every_completion(void **state)
{
    struct str texts[6] = {STR_INIT, STR_INIT, STR_INIT, STR_INIT, STR_INIT, STR_INIT};

    (void)state;
    texts_of(verb_table, texts);
    for (size_t i = 0; i < verb_table.count; i++) {
        const struct verb *verb = &verb_table.verbs[i];
        struct str help = STR_INIT;

        verb_help(verb, &help);
        assert_true(mentions(help.data, verb->name));
        for (const struct verb_argument *argument = verb->arguments; argument->name != NULL; argument++) {
            struct str shown = STR_INIT, man = STR_INIT;

            argument_show(argument, &shown);
            dashes_escaped(shown.data, &man);
            assert_non_null(strstr(help.data, shown.data));
            if (strstr(shown.data, "…") == NULL)
                assert_non_null(strstr(texts[1].data, man.data));
            for (size_t text = 2; text < 4 && !argument->positional; text++)
                assert_non_null(strstr(texts[text].data, argument->name));
            str_release(&shown);
            str_release(&man);
        }
        str_release(&help);
    }
    for (size_t text = 0; text < 6; text++)
        str_release(&texts[text]);
}

static void row__taken_out_is_gone_everywhere(void **state)
{
    struct verb *copy = mem_copy(verb_table.verbs, verb_table.count * sizeof *copy);

    (void)state;
    for (size_t out = 0; out < verb_table.count; out++) {
        const struct verb_table less = {copy, verb_table.count - 1};
        struct str texts[6] = {STR_INIT, STR_INIT, STR_INIT, STR_INIT, STR_INIT, STR_INIT};

        memcpy(copy, verb_table.verbs, out * sizeof *copy);
        memcpy(copy + out, verb_table.verbs + out + 1, (verb_table.count - out - 1) * sizeof *copy);
        assert_null(table_find(less, verb_table.verbs[out].name));
        texts_of(less, texts);
        for (size_t text = 0; text < 6; text++) {
            if (names_verb(texts, text, verb_table.verbs[out].name))
                fail_msg("%s is still in text %zu", verb_table.verbs[out].name, text);
            str_release(&texts[text]);
        }
    }
    vec_free(copy);
}

static void help__lines_fit_a_terminal(void **state)
{
    (void)state;
    for (size_t i = 0; i <= verb_table.count; i++) {
        struct str help = STR_INIT;
        size_t length = 0;

        if (i == verb_table.count)
            verbs_overview(&help);
        else
            verb_help(&verb_table.verbs[i], &help);
        for (const char *at = help.data; *at != '\0'; at++) {
            length = *at == '\n' ? 0 : length + 1;
            if (length > 80)
                fail_msg("%s", i < verb_table.count ? verb_table.verbs[i].name : "overview");
        }
        str_release(&help);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verb__is_whole),
        cmocka_unit_test(destroy__is_the_only_one_that_asks_for_the_name),
        cmocka_unit_test(key__means_one_verb_in_each_scope),
        cmocka_unit_test(verb__is_in_overview_manual_and_every_completion),
        cmocka_unit_test(argument__is_in_help_manual_and_every_completion),
        cmocka_unit_test(row__taken_out_is_gone_everywhere),
        cmocka_unit_test(help__lines_fit_a_terminal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
