/* SPDX-License-Identifier: ISC */
/* The audit: who did what, newest first; its chain verified, and compared with the ref that keeps it in git. */
#include "cli/audit_ref.h"
#include "cli/output.h"

#define ENTRIES_SHOWN 50 /* unless --limit says otherwise */

#define DIFFERENCES_SHOWN 20

static json_t *difference_json(const struct audit_difference *difference)
{
    return json_pack("{s:s, s:I, s:s, s:s, s:s}", "kind", difference->kind, "sequence",
                     (json_int_t)difference->sequence, "run", difference->run, "commit", difference->commit, "message",
                     difference->message);
}

static void add_comparison(json_t *answer, const struct audit_ref *ref, const struct audit_comparison *comparison)
{
    json_t *differences = json_array();

    for (size_t i = 0; i < comparison->differences.count; i++)
        json_array_append_new(differences, difference_json(&comparison->differences.items[i]));
    json_object_set_new(answer, "against",
                        json_pack("{s:s, s:s, s:s}", "url", ref->url, "ref", ref->ref, "tip", ref->tip));
    json_object_set_new(answer, "agrees", json_boolean(comparison->differences.count == 0));
    json_object_set_new(answer, "commits", json_integer((json_int_t)ref->commits.count));
    json_object_set_new(answer, "runs", json_integer((json_int_t)comparison->runs));
    json_object_set_new(answer, "others", json_integer((json_int_t)comparison->others));
    json_object_set_new(answer, "differences", differences);
}

static void say_difference(struct cli *cli, const struct audit_difference *difference)
{
    if (difference->sequence != 0)
        printf("entry %lld, ", (long long)difference->sequence);
    if (!text_empty(difference->run))
        printf("run %s, ", shown(cli, difference->run));
    if (!text_empty(difference->commit))
        printf("commit %s: ", shown_commit(cli, difference->commit));
    printf("%s\n", shown(cli, difference->message));
}

static void say_comparison(struct cli *cli, const struct audit_ref *ref, const struct audit_comparison *comparison)
{
    size_t count = comparison->differences.count;

    if (count == 0)
        printf("%s of %s agrees with it: %zu runs", shown(cli, ref->ref), shown(cli, ref->url), comparison->runs);
    else
        printf("%s of %s differs; %zu runs agree", shown(cli, ref->ref), shown(cli, ref->url), comparison->runs);
    if (comparison->others > 0)
        printf(", %zu of other stores were not compared", comparison->others);
    putchar('\n');
    for (size_t i = 0; i < count && i < DIFFERENCES_SHOWN; i++)
        say_difference(cli, &comparison->differences.items[i]);
    if (count > DIFFERENCES_SHOWN)
        printf("and %zu more\n", count - DIFFERENCES_SHOWN);
}

/* With the ref that the policy names, or the one of --against; `*asked`: there was one to compare with. */
static bool compare(struct cli *cli, struct audit_ref *ref, struct audit_comparison *comparison, bool *asked,
                    struct error *error)
{
    const char *against = cli_argument(cli, "against");

    *asked = false;
    if (!text_empty(cli_argument(cli, "local")))
        return true;
    if (!audit_ref_find(cli, against, ref, error))
        return false;
    *asked = ref->url != NULL;
    return !*asked || (audit_ref_read(cli, ref, error) && audit_compare(cli, ref, comparison, error));
}

static void say_chain(bool whole, int64_t entries)
{
    if (whole)
        printf("the audit is whole: %lld entries\n", (long long)entries);
    else
        printf("%lld entries are good before the break\n", (long long)entries);
}

static bool verify(struct cli *cli, struct error *error)
{
    struct audit_ref ref = {.tip = ""};
    struct audit_comparison comparison = {0};
    struct error other = {0};
    int64_t entries = 0;
    bool whole = store_verify_audit(cli->store, &entries, error), asked = false;
    bool compared = compare(cli, &ref, &comparison, &asked, &other);

    if (cli->call.json) {
        json_t *answer = json_object();

        json_object_set_new(answer, "whole", json_boolean(whole));
        json_object_set_new(answer, "entries", json_integer(entries));
        if (compared && asked)
            add_comparison(answer, &ref, &comparison);
        print_json(answer);
    } else {
        say_chain(whole, entries);
        if (compared && asked)
            say_comparison(cli, &ref, &comparison);
    }
    if (whole && !compared)
        *error = other;
    else if (whole && comparison.differences.count > 0)
        compared = error_set(error, ERROR_CORRUPT, "the audit and %s of %s differ in %zu places", ref.ref, ref.url,
                             comparison.differences.count);
    vec_release(&comparison.differences);
    audit_ref_release(&ref);
    return whole && compared;
}

static bool environment_id(struct cli *cli, const char **id, struct error *error)
{
    const char *name = cli_argument(cli, "env");
    struct environment environment;

    *id = NULL;
    if (text_empty(name))
        return true;
    if (!session_need_environment(cli, name, &environment, error))
        return false;
    *id = environment.id;
    return true;
}

bool cli_audit(struct cli *cli, int *status, struct error *error)
{
    static const char *const headers[] = {"#", "AT", "ACTION", "BY", "VIA", "TARGET", "RESULT", "WHY", NULL};
    struct audit *rows;
    size_t count;
    const char *environment;
    struct table table;

    (void)status;
    if (!session_open(cli, STORE_READER, SESSION_AS_IT_IS, error))
        return false;
    if (text_equal(cli->call.subject, "verify"))
        return verify(cli, error);
    if (!environment_id(cli, &environment, error) ||
        !session_list(cli, &audit_type, environment != NULL ? "environment" : NULL, environment, true,
                      cli_limit(cli, ENTRIES_SHOWN), &rows, &count, error))
        return false;
    if (cli->call.json) {
        print_json(rows_to_json(&audit_type, rows, count));
        return true;
    }
    table_begin(&table, cli, headers);
    for (size_t i = 0; i < count; i++) {
        bool denied = text_equal(rows[i].result, "denied") || text_equal(rows[i].result, "failed");

        table_putf(&table, STYLE_MUTED, "%lld", (long long)rows[i].sequence);
        table_put(&table, STYLE_PLAIN, shown_instant(cli, rows[i].at));
        table_add(&table, STYLE_STRONG, rows[i].action);
        table_put(&table, STYLE_PLAIN, shown_person(cli, rows[i].person, rows[i].actor));
        table_add(&table, STYLE_PLAIN, rows[i].via);
        table_add(&table, STYLE_PLAIN, rows[i].target);
        table_add(&table, denied ? STYLE_BAD : STYLE_PLAIN, rows[i].result);
        table_add(&table, STYLE_PLAIN, rows[i].reason);
    }
    table_end(&table, "nothing is recorded yet");
    return true;
}
