/* SPDX-License-Identifier: ISC */
/* Mirrors that stay small: what is listed, what goes, what may not go, on real repositories and with the real git. */
#include "prelude.h"

#include "berth/base/text.h"
#include "berth/base/time.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define GARBAGE "1111111111111111111111111111111111111111"

static const struct provider *provider(void)
{
    return provider_named("git");
}

static char *in(struct place *place, const char *path)
{
    return arena_printf(&place->arena, "%s/%s", place->folder, path);
}

static char *mirror(struct place *place)
{
    return in(place, "store/mirrors/app.git");
}

static const char *commit_file(struct place *place, const char *path, const char *text)
{
    const char *repo = in(place, "repo");
    place_file(place, arena_printf(&place->arena, "repo/%s", path), text, 0644);
    git(place, repo, "add", "-A", NULL);
    git(place, repo, "commit", "-q", "-m", "A commit", NULL);
    return git(place, repo, "rev-parse", "HEAD", NULL);
}

static int setup(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    place_make(place, "git");
    git(place, place->folder, "init", "-q", "repo", NULL);
    (void)commit_file(place, "readme", "hello\n");
    place_key(place, "url", in(place, "repo"));
    *state = place;
    return 0;
}

static int teardown(void **state)
{
    place_remove(*state);
    free(*state);
    return 0;
}

static void pin(struct place *place, const char *commit, const char *name)
{
    must(provider_call_pin(provider(), &place->context, "app", commit, name, &place->error), &place->error);
}

static void unpin(struct place *place, const char *name)
{
    must(provider_call_unpin(provider(), &place->context, "app", name, &place->error), &place->error);
}

/* Commits with a file of their own each, pinned as runs/1 …; the last one's is returned. */
static const char *pin_many(struct place *place, int count)
{
    const char *commit = "";
    for (int i = 1; i <= count; i++) {
        commit = commit_file(place, "number", arena_printf(&place->arena, "%d\n", i));
        pin(place, commit, arena_printf(&place->arena, "runs/%d", i));
    }
    return commit;
}

/* What it did; NULL when it failed. */
static const char *tidy_with(struct place *place, const char *const *held)
{
    struct str done = STR_INIT;
    const char *text = NULL;
    if (provider_call_tidy(provider(), &place->context, "app", held, &done, &place->error))
        text = arena_strdup(&place->arena, done.data);
    str_release(&done);
    return text;
}

static const char *tidy(struct place *place)
{
    return tidy_with(place, (const char *const[]){NULL});
}

static const char *must_tidy(struct place *place)
{
    const char *done = tidy(place);
    must(done, &place->error);
    return done;
}

/* As if the file had been written two days ago. */
static void make_old(struct place *place, const char *name)
{
    const struct timespec then = {.tv_sec = (time_t)(time_now_ms() / MS_SECOND - 2 * 86400)}, times[2] = {then, then};
    char *path = path_join(mirror(place), name);
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    free(path);
}

static bool has(struct place *place, const char *commit)
{
    const char *const argv[] = {"git", "-C", mirror(place), "cat-file", "-e", commit, NULL};
    struct str said = STR_INIT;
    int status = run_program(place->folder, argv, NULL, &said);
    str_release(&said);
    return status == 0;
}

/* Commit, trees and files. */
static void expect_whole(struct place *place, const char *commit)
{
    char *folder = path_printf("%s/whole-%.12s", place->folder, commit);
    must(provider_call_export(provider(), &place->context, "app", commit, folder, &place->error), &place->error);
    must(folder_remove(folder, &place->error), &place->error);
    free(folder);
}

static long counted(struct place *place, const char *what)
{
    const char *counts = git(place, mirror(place), "count-objects", "-v", NULL);
    const char *found = strstr(counts, what);
    assert_non_null(found);
    return strtol(found + strlen(what), NULL, 10);
}

/* A program called git that comes first; `script` is what it does, %s in it the real one. */
static void put_git(struct place *place, const char *script)
{
    char *real = NULL, *paths = mem_strdup(getenv("PATH")), *rest = paths;
    for (char *each = strsep(&rest, ":"); each && !real; each = strsep(&rest, ":")) {
        real = path_join(each, "git");
        if (access(real, X_OK) != 0) {
            free(real);
            real = NULL;
        }
    }
    assert_non_null(real);
    place_file(place, "bin/git", arena_printf(&place->arena, "#!/bin/sh\nreal=%s\n%s\n", real, script), 0755);
    assert_int_equal(setenv("PATH", arena_printf(&place->arena, "%s:%s", in(place, "bin"), getenv("PATH")), 1), 0);
    free(real);
    free(paths);
}

static char *saved_path;

static int setup_path(void **state)
{
    saved_path = mem_strdup(getenv("PATH"));
    return setup(state);
}

static int teardown_path(void **state)
{
    setenv("PATH", saved_path, 1);
    free(saved_path);
    return teardown(state);
}

/* --- listing --------------------------------------------------------------------------------------------------- */

static bool note(const char *name, const char *commit, void *owner)
{
    str_addf(owner, "%s %.8s\n", name, commit);
    return true;
}

static bool stop(const char *name, const char *commit, void *owner)
{
    (void)name;
    (void)commit;
    ++*(int *)owner;
    return false;
}

static void pins__are_listed_with_their_commits(void **state)
{
    struct place *place = *state;
    struct str listed = STR_INIT;
    int seen = 0;
    const char *first = pin_many(place, 2), *second = commit_file(place, "more", "x");
    pin(place, second, "policy");
    unpin(place, "runs/1");
    git(place, mirror(place), "pack-refs", "--all", NULL);
    pin(place, second, "runs/17");
    must(provider_call_pins(provider(), &place->context, "app", note, &listed, &place->error), &place->error);
    assert_non_null(strstr(listed.data, arena_printf(&place->arena, "runs/2 %.8s\n", first)));
    assert_non_null(strstr(listed.data, arena_printf(&place->arena, "runs/17 %.8s\n", second)));
    assert_non_null(strstr(listed.data, arena_printf(&place->arena, "policy %.8s\n", second)));
    assert_int_equal(listed.length, strlen("runs/2 12345678\nruns/17 12345678\npolicy 12345678\n"));
    assert_false(provider_call_pins(provider(), &place->context, "app", stop, &seen, &place->error));
    assert_int_equal(place->error.code, ERROR_CANCELLED);
    assert_int_equal(seen, 1);
    str_release(&listed);
}

static bool note_mirror(const char *repository, void *owner)
{
    str_addf(owner, "%s\n", repository);
    return true;
}

static void mirrors__are_listed_also_those_no_policy_names(void **state)
{
    struct place *place = *state;
    struct str listed = STR_INIT;
    must(provider_call_mirrors(provider(), &place->context, note_mirror, &listed, &place->error), &place->error);
    assert_string_equal(listed.data, "");
    (void)pin_many(place, 1);
    must(folder_make(in(place, "store/mirrors/older.git"), 0700, &place->error), &place->error);
    must(folder_make(in(place, "store/mirrors/.removed-1"), 0700, &place->error), &place->error);
    must(provider_call_mirrors(provider(), &place->context, note_mirror, &listed, &place->error), &place->error);
    assert_string_equal(listed.data, "app\nolder\n");
    str_release(&listed);
}

/* Killed while it removed a ref, a process leaves its lock. */
static void release__takes_away_the_lock_of_a_process_that_was_killed(void **state)
{
    struct place *place = *state;
    (void)pin_many(place, 2);
    place_file(place, "store/mirrors/app.git/refs/berth/pins/runs/1.lock", "", 0644);
    unpin(place, "runs/1");
    assert_string_equal(git(place, mirror(place), "for-each-ref", "--format=%(refname)", NULL),
                        "refs/berth/pins/runs/2");
}

/* --- what goes, and when --------------------------------------------------------------------------------------- */

static void tidy__lets_go_of_what_was_released_a_day_ago(void **state)
{
    struct place *place = *state;
    const char *kept = pin_many(place, 3);
    const char *released = git(place, in(place, "repo"), "rev-parse", "HEAD~1", NULL);
    assert_string_equal(must_tidy(place), "");
    unpin(place, "runs/2");
    assert_string_equal(must_tidy(place), ""); /* not for the sake of a few minutes' */
    assert_true(has(place, released));
    make_old(place, "berth-released");
    assert_non_null(strstr(must_tidy(place), "into one of "));
    assert_false(has(place, released));
    expect_whole(place, kept);
    assert_int_equal(counted(place, "count: "), 0);
    assert_int_equal(counted(place, "packs: "), 1);
    assert_int_equal(counted(place, "garbage: "), 0);
    assert_string_equal(must_tidy(place), ""); /* once */
    pin(place, released, "runs/9");            /* it can come again */
    expect_whole(place, released);
}

/* Its run was prepared again, and its pin moved on, after it had been judged that the pin holds what others need. */
static void tidy__keeps_what_was_held_when_it_was_judged(void **state)
{
    struct place *place = *state;
    const char *moved = pin_many(place, 3), *judged = git(place, in(place, "repo"), "rev-parse", "HEAD~1", NULL);
    pin(place, moved, "runs/2");
    unpin(place, "runs/1");
    make_old(place, "berth-released");
    must(tidy_with(place, (const char *const[]){moved, judged, GARBAGE, NULL}), &place->error);
    assert_int_equal(counted(place, "packs: "), 1);
    expect_whole(place, judged);
    expect_whole(place, moved);
    assert_false(has(place, git(place, in(place, "repo"), "rev-parse", "HEAD~2", NULL)));
}

/* The new pack has the name of the one that is there, for it holds the same. */
static void tidy__keeps_a_pack_that_holds_just_what_is_needed(void **state)
{
    struct place *place = *state;
    const char *kept = pin_many(place, 2);
    for (int i = 0; i < 2; i++) {
        pin(place, kept, "runs/3");
        unpin(place, "runs/3");
        make_old(place, "berth-released");
        if (i > 0)
            make_old(place, "berth-tidied");
        assert_non_null(strstr(must_tidy(place), i == 0 ? "packed 0 packs" : "packed 1 packs"));
        expect_whole(place, kept);
    }
    assert_int_equal(counted(place, "packs: "), 1);
}

static void tidy__leaves_nothing_where_nothing_is_pinned(void **state)
{
    struct place *place = *state;
    const char *commit = pin_many(place, 1);
    unpin(place, "runs/1");
    make_old(place, "berth-released");
    (void)must_tidy(place);
    assert_false(has(place, commit));
    assert_int_equal(counted(place, "count: ") + counted(place, "packs: "), 0);
}

static void tidy__makes_one_pack_of_many(void **state)
{
    struct place *place = *state;
    for (int i = 0; i < 60; i++)
        place_file(place, arena_printf(&place->arena, "repo/many/%d/file", i), arena_printf(&place->arena, "%d\n", i),
                   0644);
    const char *commit = pin_many(place, 4); /* the first of them is so many objects that they come as a pack */
    for (int i = 0; i < 51; i++) {           /* each of one object that no ref names */
        const char *blob = arena_printf(&place->arena, "blob %d\n", i);
        const char *const hash[] = {"git", "-C", mirror(place), "hash-object", "-w", "--stdin", NULL};
        const char *const pack[] = {"git", "-C", mirror(place), "pack-objects", "-q", "objects/pack/pack", NULL};
        struct str id = STR_INIT, name = STR_INIT;
        assert_int_equal(run_program(place->folder, hash, blob, &id), 0);
        assert_int_equal(run_program(mirror(place), pack, id.data, &name), 0);
        str_release(&id);
        str_release(&name);
    }
    assert_int_equal(counted(place, "packs: "), 52);
    (void)must_tidy(place);
    assert_int_equal(counted(place, "packs: "), 1);
    assert_int_equal(counted(place, "count: "), 0);
    expect_whole(place, commit);
}

static void tidy__of_a_urls_mirror_keeps_its_history(void **state)
{
    struct place *place = *state;
    const char *commit = NULL, *kind, *branch;
    bool yes = false;
    const char *first = git(place, in(place, "repo"), "rev-parse", "HEAD", NULL);
    const char *middle = commit_file(place, "m", "0"); /* of which only the history speaks */
    const char *forced = commit_file(place, "a", "1");
    place_key(place, "url", arena_printf(&place->arena, "file://%s", in(place, "repo")));
    must(provider_call_resolve(provider(), &place->context, "app", "", &place->arena, &commit, &kind, &branch,
                               &place->error),
         &place->error);
    git(place, in(place, "repo"), "reset", "-q", "--hard", middle, NULL);
    const char *last = commit_file(place, "b", "2");
    must(provider_call_resolve(provider(), &place->context, "app", "", &place->arena, &commit, &kind, &branch,
                               &place->error),
         &place->error);
    assert_string_equal(commit, last);
    pin(place, last, "runs/1");
    pin(place, first, "runs/2");
    unpin(place, "runs/1");
    make_old(place, "berth-released");
    assert_true(has(place, forced));
    (void)must_tidy(place);
    assert_false(has(place, forced));
    must(provider_call_contains(provider(), &place->context, "app", branch, first, &yes, &place->error), &place->error);
    assert_true(yes);
    expect_whole(place, middle);
    expect_whole(place, last);
    commit = commit_file(place, "c", "3");
    must(provider_call_resolve(provider(), &place->context, "app", branch, &place->arena, &last, &kind, &branch,
                               &place->error),
         &place->error);
    assert_string_equal(commit, last);
}

static void tidy__sweeps_what_the_dead_left(void **state)
{
    static const char *const left[] = {
        "store/mirrors/app.git/objects/pack/tmp_pack_Ab12cD",
        "store/mirrors/app.git/objects/pack/pack_git2_Ab12cD",
        "store/mirrors/app.git/objects/pack/pack-" GARBAGE ".pack", /* its index went */
        "store/mirrors/app.git/objects/ab/tmp_obj_Ab12cD",
        "store/mirrors/app.git/objects/tmp_object_git2_Ab12cD",
        "store/mirrors/app.git/refs/berth/pins/runs/7.lock",
        "store/mirrors/app.git/packed-refs.lock",
        "store/mirrors/app.git.999999999.new/HEAD",
        "store/mirrors/.removed-00ff/HEAD",
    };
    struct place *place = *state;
    (void)pin_many(place, 1);
    for (size_t i = 0; i < sizeof left / sizeof *left; i++)
        place_file(place, left[i], "x", 0600);
    char *own = arena_printf(&place->arena, "store/mirrors/app.git.%d.new/HEAD", (int)getpid());
    place_file(place, own, "x", 0600); /* its maker lives */
    unpin(place, "runs/1");
    make_old(place, "berth-released");
    (void)must_tidy(place);
    for (size_t i = 0; i < sizeof left / sizeof *left; i++)
        assert_false(file_exists(in(place, left[i])));
    assert_true(file_exists(in(place, own)));
}

/* --- what may not go ------------------------------------------------------------------------------------------- */

static void tidy__takes_nothing_from_somebody_who_uses_it(void **state)
{
    struct place *place = *state;
    struct file_lock reader;
    (void)pin_many(place, 2);
    const char *released = git(place, in(place, "repo"), "rev-parse", "HEAD~1", NULL);
    unpin(place, "runs/1");
    make_old(place, "berth-released");
    must(folder_share(&reader, mirror(place), 1000, &place->error), &place->error);
    assert_non_null(strstr(must_tidy(place), "somebody uses the mirror"));
    assert_true(has(place, released));
    file_unlock(&reader);
    assert_string_equal(must_tidy(place), ""); /* not at once */
    make_old(place, "berth-tidied");
    (void)must_tidy(place);
    assert_false(has(place, released));
}

/* A run stands on a commit again whose objects were about to go: nobody copies them, for they are still there. */
static void tidy__keeps_what_is_pinned_while_it_packs(void **state)
{
    struct place *place = *state;
    const char *kept = pin_many(place, 2);
    const char *again = git(place, in(place, "repo"), "rev-parse", "HEAD~1", NULL);
    unpin(place, "runs/1");
    make_old(place, "berth-released");
    put_git(place, arena_printf(&place->arena,
                                "\"$real\" \"$@\" || exit\n"
                                "test -e %s/once || \"$real\" update-ref refs/berth/pins/runs/3 %s\n: >%s/once",
                                place->folder, again, place->folder));
    (void)must_tidy(place);
    expect_whole(place, again);
    expect_whole(place, kept);
}

static void tidy__waits_in_a_pin_until_it_has_taken_away(void **state)
{
    struct place *place = *state;
    struct file_lock alone;
    const char *commit = pin_many(place, 1);
    must(folder_lock(&alone, mirror(place), 1000, &place->error), &place->error);
    place->context.deadline_ms = time_monotonic_ms() + 300;
    assert_false(provider_call_pin(provider(), &place->context, "app", commit, "runs/2", &place->error));
    assert_int_equal(place->error.code, ERROR_TIMEOUT);
    place->context.deadline_ms = 0;
    file_unlock(&alone);
    pin(place, commit, "runs/2");
}

static void tidy__that_git_cannot_do_takes_nothing_away(void **state)
{
    struct place *place = *state;
    (void)pin_many(place, 2);
    const char *released = git(place, in(place, "repo"), "rev-parse", "HEAD~1", NULL);
    unpin(place, "runs/1");
    make_old(place, "berth-released");
    put_git(place, "echo 'fatal: something is wrong' >&2; exit 128");
    assert_null(tidy(place));
    assert_int_equal(place->error.code, ERROR_IO);
    assert_string_equal(place->error.detail, "fatal: something is wrong");
    setenv("PATH", saved_path, 1);
    assert_true(has(place, released));
    make_old(place, "berth-tidied");
    setenv("PATH", "/nonexistent", 1);
    assert_null(tidy(place));
    assert_int_equal(place->error.code, ERROR_UNSUPPORTED);
    setenv("PATH", saved_path, 1);
    assert_true(has(place, released));
}

static void tidy__of_a_damaged_mirror_takes_nothing_away(void **state)
{
    struct place *place = *state;
    const char *commit = pin_many(place, 2);
    const char *blob = git(place, mirror(place), "rev-parse", arena_printf(&place->arena, "%s:readme", commit), NULL);
    char *path = arena_printf(&place->arena, "%s/objects/%.2s/%s", mirror(place), blob, blob + 2);
    assert_int_equal(unlink(path), 0);
    unpin(place, "runs/1");
    make_old(place, "berth-released");
    assert_null(tidy(place));
    assert_int_equal(place->error.code, ERROR_IO);
    assert_true(has(place, commit));
}

/* git is not what the user's settings or a repository's hooks make of it. */
static void tidy__asks_git_without_anybodys_settings(void **state)
{
    struct place *place = *state;
    (void)pin_many(place, 2);
    unpin(place, "runs/1");
    make_old(place, "berth-released");
    put_git(place, arena_printf(&place->arena, "env >%s/seen; echo \"$@\" >>%s/seen; exec \"$real\" \"$@\"",
                                place->folder, place->folder));
    setenv("GIT_OBJECT_DIRECTORY", "/nonexistent", 1);
    (void)must_tidy(place);
    unsetenv("GIT_OBJECT_DIRECTORY");
    struct str seen = STR_INIT;
    must(file_read(in(place, "seen"), 1u << 16, &seen, &place->error), &place->error);
    assert_null(strstr(seen.data, "GIT_OBJECT_DIRECTORY"));
    assert_non_null(strstr(seen.data, "GIT_CONFIG_GLOBAL=/dev/null"));
    assert_non_null(strstr(seen.data, "core.hooksPath=/dev/null"));
    str_release(&seen);
}

/* --- a mirror that nobody needs -------------------------------------------------------------------------------- */

static const char *forget(struct place *place)
{
    struct str done = STR_INIT;
    must(provider_call_forget(provider(), &place->context, "app", &done, &place->error), &place->error);
    const char *text = arena_strdup(&place->arena, done.data);
    str_release(&done);
    return text;
}

static void forget__takes_only_a_mirror_without_pins_that_nobody_uses(void **state)
{
    struct place *place = *state;
    struct file_lock reader;
    const char *commit = pin_many(place, 1);
    assert_string_equal(forget(place), "");
    unpin(place, "runs/1");
    must(folder_share(&reader, mirror(place), 1000, &place->error), &place->error);
    assert_string_equal(forget(place), "");
    file_unlock(&reader);
    assert_string_equal(forget(place), "removed the mirror");
    assert_string_equal(forget(place), "");
    struct folder_list list = {0};
    must(folder_list(in(place, "store/mirrors"), &list, &place->error), &place->error);
    assert_int_equal(list.count, 0);
    folder_list_free(&list);
    pin(place, commit, "runs/2");
    expect_whole(place, commit);
}

static void users_repository__is_as_it_was(void **state)
{
    struct place *place = *state;
    const char *repo = in(place, "repo");
    const char *const look[] = {"sh", "-c", "find . -type f ! -name index -exec sha256sum {} + | sort", NULL};
    struct str before = STR_INIT, after = STR_INIT;
    (void)commit_file(place, "a", "1");
    assert_int_equal(run_program(repo, look, NULL, &before), 0);
    const char *commit = git(place, repo, "rev-parse", "HEAD", NULL);
    pin(place, commit, "runs/1");
    expect_whole(place, commit);
    unpin(place, "runs/1");
    make_old(place, "berth-released");
    (void)must_tidy(place);
    (void)forget(place);
    assert_int_equal(run_program(repo, look, NULL, &after), 0);
    assert_string_equal(after.data, before.data);
    str_release(&before);
    str_release(&after);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define PATH_TEST(name) cmocka_unit_test_setup_teardown(name, setup_path, teardown_path)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pins__are_listed_with_their_commits),
        TEST(mirrors__are_listed_also_those_no_policy_names),
        TEST(release__takes_away_the_lock_of_a_process_that_was_killed),
        TEST(tidy__lets_go_of_what_was_released_a_day_ago),
        TEST(tidy__keeps_what_was_held_when_it_was_judged),
        TEST(tidy__keeps_a_pack_that_holds_just_what_is_needed),
        TEST(tidy__leaves_nothing_where_nothing_is_pinned),
        TEST(tidy__makes_one_pack_of_many),
        TEST(tidy__of_a_urls_mirror_keeps_its_history),
        TEST(tidy__sweeps_what_the_dead_left),
        TEST(tidy__takes_nothing_from_somebody_who_uses_it),
        PATH_TEST(tidy__keeps_what_is_pinned_while_it_packs),
        TEST(tidy__waits_in_a_pin_until_it_has_taken_away),
        PATH_TEST(tidy__that_git_cannot_do_takes_nothing_away),
        TEST(tidy__of_a_damaged_mirror_takes_nothing_away),
        PATH_TEST(tidy__asks_git_without_anybodys_settings),
        TEST(forget__takes_only_a_mirror_without_pins_that_nobody_uses),
        TEST(users_repository__is_as_it_was),
    };
    return TESTS_RUN(tests);
}
