/* SPDX-License-Identifier: ISC */
/* The receiver git on real repositories: what a record becomes, again and again, here and on another side. */
#include "prelude.h"

#include "berth/model/ledger.h"

#define REF "refs/heads/berth/audit"
#define COMMIT "author A <a@b> 1700000000 +0000\ncommitter berth <berth@localhost> 1700000000 +0000\n\nrun %d\n"

struct keeper {
    struct place place;
    struct config *config;
    char *repo;
};

static struct config *policy(const char *receiver)
{
    struct str text = STR_INIT;
    struct arena arena = {0};
    struct problems problems;
    problems_init(&problems, &arena);
    str_addf(&text,
             "version: 1\nworkspace: w\nrepositories: { app: { provider: git, url: . } }\n"
             "targets: { here: { provider: local } }\nenvironments:\n"
             "  - { name: e, tier: dev, source: { branches: [x] }, templates: [t], target: here }\n"
             "notify: [ { provider: git, repository: app%s } ]\n",
             receiver);
    struct config *config = config_load("berth.yaml", text.data, text.length, &problems);
    assert_non_null(config);
    str_release(&text);
    problems_release(&problems);
    arena_release(&arena);
    return config;
}

static void keeper_make(struct keeper *keeper, const char *receiver)
{
    place_make(&keeper->place, "git");
    keeper->repo = path_join(keeper->place.folder, "repo");
    git(&keeper->place, keeper->place.folder, "init", "-q", "repo", NULL);
    place_key(&keeper->place, "url", keeper->repo);
    keeper->config = policy(receiver);
    keeper->place.context.config = keeper->config;
}

static void keeper_remove(struct keeper *keeper)
{
    place_remove(&keeper->place);
    config_free(keeper->config);
    free(keeper->repo);
}

static bool deliver(struct keeper *keeper, int run, const char *file)
{
    struct place *place = &keeper->place;
    const char *commit = arena_printf(&place->arena, COMMIT, run);
    const char *path = arena_printf(&place->arena, "runs/S/2026/11/%06d.json", run);
    json_t *payload = json_pack("{s:s, s:s, s:s, s:s}", "run", "1", "path", path, "file", file, "commit", commit);
    struct delivery delivery = {
        .id = "d", .receiver = keeper->config->notify[0].id, .payload = json_text(&place->arena, payload)};
    json_decref(payload);
    return provider_call_deliver(provider_named("git"), &place->context, &delivery, "d", &place->error);
}

static void kept(struct keeper *keeper, int run, const char *file)
{
    must(deliver(keeper, run, file), &keeper->place.error);
}

static const char *tip(struct keeper *keeper)
{
    return git(&keeper->place, keeper->repo, "rev-parse", REF, NULL);
}

static void record__has_the_same_id_on_the_same_parent(void **state)
{
    struct keeper one, two;
    (void)state;
    keeper_make(&one, "");
    keeper_make(&two, "");
    for (int run = 1; run <= 3; run++) {
        kept(&one, run, "{}\n");
        kept(&two, run, "{}\n");
        assert_string_equal(tip(&one), tip(&two));
    }
    assert_string_equal(git(&one.place, one.repo, "rev-list", "--count", REF, NULL), "3");
    git(&one.place, one.repo, "fsck", "--strict", NULL);
    keeper_remove(&one);
    keeper_remove(&two);
}

static void record__delivered_again_makes_no_second_commit(void **state)
{
    struct keeper keeper;
    (void)state;
    keeper_make(&keeper, "");
    kept(&keeper, 1, "{}\n");
    kept(&keeper, 2, "{}\n");
    const char *before = tip(&keeper);
    kept(&keeper, 1, "{}\n");
    kept(&keeper, 2, "{}\n");
    assert_string_equal(tip(&keeper), before);
    keeper_remove(&keeper);
}

static void record__that_is_another_than_the_one_there_is_refused_for_good(void **state)
{
    struct keeper keeper;
    (void)state;
    keeper_make(&keeper, "");
    kept(&keeper, 1, "{}\n");
    const char *before = tip(&keeper);
    assert_false(deliver(&keeper, 1, "{\"other\": 1}\n"));
    assert_int_equal(keeper.place.error.code, ERROR_CONFLICT);
    assert_false(keeper.place.error.retry);
    assert_string_equal(tip(&keeper), before);
    keeper_remove(&keeper);
}

static void record__stands_on_the_tip_of_who_was_faster(void **state)
{
    struct keeper one;
    (void)state;
    place_make(&one.place, "git");
    char *bare = path_join(one.place.folder, "bare"), *push = path_printf(", push: \"file://%s\"", bare);
    git(&one.place, one.place.folder, "init", "-q", "--bare", "bare", NULL);
    struct keeper two, three;
    keeper_make(&two, push);
    keeper_make(&three, push);
    kept(&two, 1, "{}\n");
    kept(&three, 2, "{}\n");
    kept(&two, 3, "{}\n");
    const char *there = git(&one.place, bare, "rev-parse", REF, NULL);
    assert_string_equal(git(&one.place, bare, "rev-list", "--count", REF, NULL), "3");
    assert_string_equal(tip(&two), there);
    assert_string_equal(git(&one.place, bare, "for-each-ref", "--format=%(refname)", NULL), REF);
    free(push);
    free(bare);
    keeper_remove(&two);
    keeper_remove(&three);
    place_remove(&one.place);
}

static void record__goes_to_no_ref_that_only_points_elsewhere(void **state)
{
    struct keeper keeper;
    (void)state;
    keeper_make(&keeper, "");
    git(&keeper.place, keeper.repo, "commit", "-q", "--allow-empty", "-m", "mine", NULL);
    git(&keeper.place, keeper.repo, "symbolic-ref", REF, "refs/heads/main", NULL);
    const char *before = git(&keeper.place, keeper.repo, "rev-parse", "main", NULL);
    assert_false(deliver(&keeper, 1, "{}\n"));
    assert_string_equal(git(&keeper.place, keeper.repo, "rev-parse", "main", NULL), before);
    keeper_remove(&keeper);
}

/* The other end is out of order: whatever it is, the record waits for it. */
static void record__is_not_given_up_when_the_ref_cannot_be_written(void **state)
{
    struct keeper keeper;
    (void)state;
    keeper_make(&keeper, "");
    char *lock = path_join(keeper.repo, ".git/" REF ".lock");
    must(folder_make(lock, 0700, &keeper.place.error), &keeper.place.error);
    assert_false(deliver(&keeper, 1, "{}\n"));
    assert_true(keeper.place.error.retry);
    must(folder_remove(lock, &keeper.place.error), &keeper.place.error);
    kept(&keeper, 1, "{}\n");
    free(lock);
    keeper_remove(&keeper);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(record__has_the_same_id_on_the_same_parent),
        cmocka_unit_test(record__delivered_again_makes_no_second_commit),
        cmocka_unit_test(record__that_is_another_than_the_one_there_is_refused_for_good),
        cmocka_unit_test(record__stands_on_the_tip_of_who_was_faster),
        cmocka_unit_test(record__goes_to_no_ref_that_only_points_elsewhere),
        cmocka_unit_test(record__is_not_given_up_when_the_ref_cannot_be_written),
    };
    return TESTS_RUN(tests);
}
