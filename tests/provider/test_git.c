/* SPDX-License-Identifier: ISC */
/* The provider git on real repositories, made with git itself. */
#include "prelude.h"

#include "berth/base/text.h"
#include "provider/git/export.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

struct row {
    const char *name, *commit, *subject, *author, *email;
    int64_t committed_at;
    bool is_default;
};
struct rows {
    struct arena *arena;
    struct row items[64];
    size_t count, limit;
    const char *default_branch;
    bool complete;
};

static const struct provider *provider(void)
{
    return provider_named("git");
}

static bool keep(const struct branch *branch, void *owner)
{
    struct rows *rows = owner;
    assert_true(rows->count < 64);
    assert_string_equal(branch->repository, "app");
    assert_true(text_valid(branch->name, strlen(branch->name)));
    assert_true(text_starts(branch->id, "app:") && text_equal(branch->id + 4, branch->name));
    rows->items[rows->count++] = (struct row){arena_strdup(rows->arena, branch->name),
                                              arena_strdup(rows->arena, branch->commit),
                                              branch->subject ? arena_strdup(rows->arena, branch->subject) : NULL,
                                              arena_strdup(rows->arena, branch->author),
                                              arena_strdup(rows->arena, branch->author_email),
                                              branch->committed_at,
                                              branch->is_default};
    return rows->limit == 0 || rows->count < rows->limit;
}

static struct rows list(struct place *place, const struct map *known)
{
    struct rows rows = {.arena = &place->arena};
    must(provider_call_list(provider(), &place->context, "app", known, keep, &rows, &rows.complete,
                            &rows.default_branch, &place->arena, &place->error),
         &place->error);
    return rows;
}

static const struct row *row_named(const struct rows *rows, const char *name)
{
    for (size_t i = 0; i < rows->count; i++)
        if (text_equal(rows->items[i].name, name))
            return &rows->items[i];
    fail_msg("no branch %s", name);
    return NULL;
}

static char *repository(struct place *place)
{
    return path_join(place->folder, "repo");
}

static void commit_file(struct place *place, const char *path, const char *text, const char *message)
{
    char *below = path_printf("repo/%s", path), *repo = repository(place);
    place_file(place, below, text, 0644);
    git(place, repo, "add", "-A", NULL);
    git(place, repo, "commit", "-q", "-m", message, NULL);
    free(below);
    free(repo);
}

static int setup(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    place_make(place, "git");
    char *repo = repository(place);
    git(place, place->folder, "init", "-q", "repo", NULL);
    commit_file(place, "readme", "hello\n", "First commit\n\nwith a body");
    place_key(place, "url", repo);
    free(repo);
    *state = place;
    return 0;
}

static int teardown(void **state)
{
    place_remove(*state);
    free(*state);
    return 0;
}

static const char *head(struct place *place)
{
    char *repo = repository(place);
    const char *commit = git(place, repo, "rev-parse", "HEAD", NULL);
    free(repo);
    return commit;
}

/* --- listing ------------------------------------------------------------------------------------------------- */

static void list__gives_what_git_gives(void **state)
{
    struct place *place = *state;
    char *repo = repository(place);
    git(place, repo, "branch", "feature/a", NULL);
    git(place, repo, "pack-refs", "--all", NULL);
    git(place, repo, "branch", "fix/b", NULL);
    commit_file(place, "more", "x", "Second");
    struct rows rows = list(place, NULL);
    assert_true(rows.complete);
    assert_int_equal(rows.count, 3);
    assert_string_equal(rows.default_branch, "main");
    const struct row *row = row_named(&rows, "main");
    assert_string_equal(row->commit, head(place));
    assert_string_equal(row->subject, "Second");
    assert_true(row->is_default);
    row = row_named(&rows, "feature/a");
    assert_string_equal(row->subject, "First commit");
    assert_string_equal(row->author, "Alice");
    assert_string_equal(row->email, "alice@acme.org");
    assert_int_equal(row->committed_at, INT64_C(1700000001000));
    assert_false(row->is_default);
    free(repo);
}

static void list__of_an_empty_repository_is_whole_and_empty(void **state)
{
    struct place *place = *state;
    char *empty = path_join(place->folder, "empty");
    git(place, place->folder, "init", "-q", "empty", NULL);
    place_key(place, "url", empty);
    struct rows rows = list(place, NULL);
    assert_true(rows.complete);
    assert_int_equal(rows.count, 0);
    assert_string_equal(rows.default_branch, "");
    free(empty);
}

static void list__reads_only_what_moved(void **state)
{
    struct place *place = *state;
    char *repo = repository(place);
    struct map known = {0};
    git(place, repo, "branch", "same", NULL);
    struct rows rows = list(place, NULL);
    for (size_t i = 0; i < rows.count; i++)
        map_set(&known, rows.items[i].name, (void *)(uintptr_t)rows.items[i].commit);
    commit_file(place, "more", "x", "Second");
    rows = list(place, &known);
    assert_int_equal(rows.count, 2);
    assert_null(row_named(&rows, "same")->subject);
    assert_string_equal(row_named(&rows, "main")->subject, "Second");
    map_release(&known);
    free(repo);
}

static void list__keeps_hostile_names_as_data(void **state)
{
    struct place *place = *state;
    char *repo = repository(place);
    char long_name[201];
    static const char *const names[] = {"c1-\xc2\x9b\xc2\x85",
                                        "quo'te\"s`$(id)",
                                        "${{secret.env.HOME}}",
                                        "emoji-\xf0\x9f\x9a\xa2",
                                        "bidi-\xe2\x80\xae-x",
                                        "-rf",
                                        "a;b&c|d"};
    memset(long_name, 'n', 200);
    long_name[200] = '\0';
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *ref = arena_printf(&place->arena, "refs/heads/%s", names[i]);
        git(place, repo, "update-ref", ref, "HEAD", NULL);
    }
    git(place, repo, "update-ref", arena_printf(&place->arena, "refs/heads/%s", long_name), "HEAD", NULL);
    git(place, repo, "update-ref", "refs/heads/not-utf8-\xff\xfe", "HEAD", NULL);
    for (int packed = 0; packed < 2; packed++) {
        struct rows rows = list(place, NULL);
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            row_named(&rows, names[i]);
        row_named(&rows, long_name);
        row_named(&rows, "not-utf8-\\xFF\\xFE");
        git(place, repo, "pack-refs", "--all", "--prune", NULL);
    }
    const char *commit, *kind, *branch;
    assert_false(provider_call_resolve(provider(), &place->context, "app", "not-utf8-\\xFF\\xFE", &place->arena,
                                       &commit, &kind, &branch, &place->error));
    assert_int_equal(place->error.code, ERROR_UNSUPPORTED);
    assert_true(place->error.hint[0]);
    free(repo);
}

static void list__converts_or_shows_subjects_that_are_not_utf8(void **state)
{
    struct place *place = *state;
    char *repo = repository(place);
    git(place, repo, "-c", "i18n.commitEncoding=ISO-8859-1", "commit", "-q", "--allow-empty", "-m",
        "gr\xfc\xdf"
        "e",
        NULL);
    git(place, repo, "branch", "latin", NULL);
    struct str object = STR_INIT, id = STR_INIT;
    str_addf(&object, "tree %s\nauthor A\xfe <a> 1 +0000\ncommitter A <a> 9 +0000\n\nsub\xffject\n",
             git(place, repo, "rev-parse", "HEAD^{tree}", NULL));
    const char *const argv[] = {"git", "hash-object", "-w", "-t", "commit", "--stdin", NULL};
    assert_int_equal(run_program(repo, argv, object.data, &id), 0);
    str_cut(&id, 40);
    git(place, repo, "branch", "broken", id.data, NULL);
    struct rows rows = list(place, NULL);
    assert_string_equal(row_named(&rows, "latin")->subject, "gr\xc3\xbc\xc3\x9f"
                                                            "e");
    assert_string_equal(row_named(&rows, "broken")->subject, "sub\\xFFject");
    assert_string_equal(row_named(&rows, "broken")->author, "A\\xFE");
    assert_int_equal(row_named(&rows, "broken")->committed_at, 9000);
    str_release(&object);
    str_release(&id);
    free(repo);
}

static void list__is_partial_when_a_ref_is_broken(void **state)
{
    struct place *place = *state;
    char *repo = repository(place);
    git(place, repo, "branch", "good", NULL);
    place_file(place, "repo/.git/refs/heads/held.lock", arena_printf(&place->arena, "%s\n", head(place)), 0644);
    struct rows rows = list(place, NULL);
    assert_true(rows.complete);
    assert_int_equal(rows.count, 2);
    place_file(place, "repo/.git/refs/heads/torn", "", 0644);
    rows = list(place, NULL);
    assert_false(rows.complete);
    assert_int_equal(rows.count, 2);
    free(repo);
}

static void list__names_a_branch_whose_commit_is_missing(void **state)
{
    struct place *place = *state;
    place_file(place, "repo/.git/refs/heads/lost", "1234567890123456789012345678901234567890\n", 0644);
    struct rows rows = list(place, NULL);
    assert_true(rows.complete);
    assert_string_equal(row_named(&rows, "lost")->subject, "(its commit cannot be read)");
}

static void list__stops_when_it_is_told_to(void **state)
{
    struct place *place = *state;
    struct rows rows = {.arena = &place->arena, .limit = 1};
    char *repo = repository(place);
    git(place, repo, "branch", "second", NULL);
    assert_false(provider_call_list(provider(), &place->context, "app", NULL, keep, &rows, &rows.complete,
                                    &rows.default_branch, &place->arena, &place->error));
    assert_int_equal(place->error.code, ERROR_CANCELLED);
    assert_false(rows.complete);
    free(repo);
}

static void list__works_in_worktrees_and_bare_repositories(void **state)
{
    struct place *place = *state;
    char *repo = repository(place), *tree = path_join(place->folder, "wt"),
         *bare = path_join(place->folder, "bare.git");
    git(place, repo, "worktree", "add", "-q", "-b", "wt-branch", tree, NULL);
    place_key(place, "url", tree);
    struct rows rows = list(place, NULL);
    assert_int_equal(rows.count, 2);
    row_named(&rows, "wt-branch");
    git(place, place->folder, "clone", "-q", "--bare", repo, bare, NULL);
    git(place, bare, "symbolic-ref", "HEAD", "refs/heads/wt-branch", NULL);
    place_key(place, "url", bare);
    rows = list(place, NULL);
    assert_int_equal(rows.count, 2);
    assert_string_equal(rows.default_branch, "wt-branch");
    free(repo);
    free(tree);
    free(bare);
}

static void list__takes_the_remotes_default_branch(void **state)
{
    struct place *place = *state;
    char *repo = repository(place), *clone = path_join(place->folder, "clone");
    git(place, repo, "branch", "-m", "trunk", NULL);
    git(place, place->folder, "clone", "-q", repo, clone, NULL);
    git(place, clone, "checkout", "-q", "-b", "main", NULL);
    place_key(place, "url", clone);
    assert_string_equal(list(place, NULL).default_branch, "trunk");
    free(repo);
    free(clone);
}

/* --- refusing ------------------------------------------------------------------------------------------------ */

static void expect_refusal(struct place *place, enum error_code code, const char *word)
{
    struct rows rows = {.arena = &place->arena};
    error_clear(&place->error);
    assert_false(provider_call_list(provider(), &place->context, "app", NULL, keep, &rows, &rows.complete,
                                    &rows.default_branch, &place->arena, &place->error));
    assert_int_equal(place->error.code, code);
    if (!strstr(place->error.message, word))
        fail_msg("'%s' is not in '%s'", word, place->error.message);
    assert_true(place->error.hint[0]);
    assert_false(rows.complete);
}

static void open__refuses_what_it_cannot_read_with_the_reason(void **state)
{
    struct place *place = *state;
    char *repo = repository(place), *sha256 = path_join(place->folder, "sha256");
    place_key(place, "url", place->tree);
    expect_refusal(place, ERROR_NOT_FOUND, "not a git repository");
    git(place, place->folder, "init", "-q", "--object-format=sha256", "sha256", NULL);
    place_key(place, "url", sha256);
    expect_refusal(place, ERROR_UNSUPPORTED, "SHA-256");
    git(place, repo, "config", "core.repositoryformatversion", "1", NULL);
    git(place, repo, "config", "extensions.refstorage", "reftable", NULL);
    place_key(place, "url", repo);
    expect_refusal(place, ERROR_UNSUPPORTED, "reftable");
    free(repo);
    free(sha256);
}

static void open__takes_harmless_extensions_and_no_folder_inside(void **state)
{
    struct place *place = *state;
    char *repo = repository(place), *inside = path_join(repo, "inside");
    git(place, repo, "config", "core.repositoryformatversion", "1", NULL);
    git(place, repo, "config", "extensions.partialClone", "origin", NULL);
    git(place, repo, "config", "extensions.worktreeConfig", "true", NULL);
    assert_int_equal(list(place, NULL).count, 1);
    place_file(place, "repo/inside/file", "x", 0644);
    place_key(place, "url", inside);
    expect_refusal(place, ERROR_NOT_FOUND, "not a git repository");
    place_key(place, "url", repo);
    git(place, repo, "config", "extensions.fromTheFuture", "1", NULL);
    expect_refusal(place, ERROR_UNSUPPORTED, "extension");
    free(repo);
    free(inside);
}

static void open__refuses_the_repository_of_another_user(void **state)
{
    struct place *place = *state;
    char *folder = path_join(place->folder, "repo/.git"), *repo = repository(place);
    if (geteuid() == 0) { /* only root can make one */
        assert_int_equal(chown(folder, 65534, 65534), 0);
        expect_refusal(place, ERROR_DENIED, "another user");
        assert_non_null(strstr(place->error.hint, "safe.directory"));
        const char *text = arena_printf(&place->arena, "[safe]\n\tdirectory = %s\n", repo);
        char *file = path_join(getenv("HOME"), ".gitconfig");
        must(file_replace(file, text, strlen(text), 0600, FILE_RELAXED, &place->error), &place->error);
        assert_int_equal(list(place, NULL).count, 1);
        assert_int_equal(chown(folder, 0, 0), 0);
        assert_int_equal(unlink(file), 0);
        free(file);
    }
    free(folder);
    free(repo);
}

/* --- resolving ----------------------------------------------------------------------------------------------- */

static const char *resolved(struct place *place, const char *ref, const char *wanted_kind, const char *wanted_branch)
{
    const char *commit, *kind, *branch;
    must(provider_call_resolve(provider(), &place->context, "app", ref, &place->arena, &commit, &kind, &branch,
                               &place->error),
         &place->error);
    assert_string_equal(kind, wanted_kind);
    assert_string_equal(branch, wanted_branch);
    return commit;
}

static void resolve__takes_branches_tags_and_commits(void **state)
{
    struct place *place = *state;
    char *repo = repository(place);
    const char *first = head(place), *commit, *kind, *branch;
    git(place, repo, "tag", "-a", "-m", "x", "v1", NULL);
    git(place, repo, "branch", "feature/a", NULL);
    commit_file(place, "more", "x", "Second");
    assert_string_equal(resolved(place, "feature/a", "branch", "feature/a"), first);
    assert_string_equal(resolved(place, "v1", "tag", ""), first);
    assert_string_equal(resolved(place, first, "commit", ""), first);
    assert_string_equal(resolved(place, arena_strndup(&place->arena, first, 8), "commit", ""), first);
    assert_string_equal(resolved(place, "", "branch", "main"), head(place));
    static const char *const wrong[] = {"nothing", "0000000", "HEAD~1", "../x", "-x", "main^{tree}", "a b"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        error_clear(&place->error);
        assert_false(provider_call_resolve(provider(), &place->context, "app", wrong[i], &place->arena, &commit, &kind,
                                           &branch, &place->error));
        assert_int_equal(place->error.code, ERROR_NOT_FOUND);
    }
    free(repo);
}

static bool contained(struct place *place, const char *branch, const char *commit)
{
    bool yes = false;
    must(provider_call_contains(provider(), &place->context, "app", branch, commit, &yes, &place->error),
         &place->error);
    return yes;
}

static void contains__only_a_branchs_own_history(void **state)
{
    struct place *place = *state;
    char *repo = repository(place);
    const char *first = head(place), *second;
    bool yes = true;
    git(place, repo, "branch", "old", NULL);
    commit_file(place, "more", "x", "Second");
    second = head(place);
    assert_true(contained(place, "main", first));
    assert_true(contained(place, "main", second));
    assert_true(contained(place, "old", first));
    assert_false(contained(place, "old", second));
    assert_false(provider_call_contains(provider(), &place->context, "app", "nothing", first, &yes, &place->error));
    assert_int_equal(place->error.code, ERROR_NOT_FOUND);
    assert_false(yes);
    free(repo);
}

/* --- pinning ------------------------------------------------------------------------------------------------- */

static void pin(struct place *place, const char *commit, const char *name)
{
    must(provider_call_pin(provider(), &place->context, "app", commit, name, &place->error), &place->error);
}

static void expect_file(struct place *place, const char *commit, const char *path, const char *text)
{
    struct str out = STR_INIT;
    must(provider_call_read(provider(), &place->context, "app", commit, path, 1000, &out, &place->error),
         &place->error);
    assert_string_equal(out.data, text);
    str_release(&out);
}

static void pin__keeps_a_commit_when_the_repository_is_gone(void **state)
{
    struct place *place = *state;
    char *repo = repository(place), *mirror = path_join(place->store, "mirrors/app.git");
    commit_file(place, "dir/deep/file", "deep\n", "Second");
    const char *commit = head(place);
    pin(place, commit, "runs/1");
    pin(place, commit, "runs/1");
    must(folder_remove(repo, &place->error), &place->error);
    expect_file(place, commit, "dir/deep/file", "deep\n");
    assert_string_equal(git(place, mirror, "rev-parse", "refs/berth/pins/runs/1", NULL), commit);
    struct branch facts;
    const char *committer;
    must(provider_call_describe(provider(), &place->context, "app", commit, &place->arena, &facts, &committer,
                                &place->error),
         &place->error);
    assert_string_equal(facts.subject, "Second");
    assert_string_equal(facts.author_email, "alice@acme.org");
    assert_string_equal(committer, "bob@acme.org");
    must(provider_call_unpin(provider(), &place->context, "app", "runs/1", &place->error), &place->error);
    must(provider_call_unpin(provider(), &place->context, "app", "runs/1", &place->error), &place->error);
    assert_string_equal(git(place, mirror, "for-each-ref", NULL), "");
    free(repo);
    free(mirror);
}

static void pin__copies_many_files_as_one_pack_and_then_only_what_is_new(void **state)
{
    struct place *place = *state;
    char *mirror = path_join(place->store, "mirrors/app.git");
    for (int i = 0; i < 60; i++)
        place_file(place, arena_printf(&place->arena, "repo/many/%d/file", i), arena_printf(&place->arena, "%d\n", i),
                   0644);
    commit_file(place, "last", "x", "Many");
    const char *many = head(place);
    pin(place, many, "runs/1");
    const char *counts = git(place, mirror, "count-objects", "-v", NULL);
    assert_non_null(strstr(counts, "packs: 1\n"));
    assert_non_null(strstr(counts, "count: 0\n"));
    commit_file(place, "many/7/file", "seven\n", "One");
    pin(place, head(place), "runs/2");
    counts = git(place, mirror, "count-objects", "-v", NULL);
    assert_non_null(strstr(counts, "count: 5\n")); /* blob, three trees, commit */
    expect_file(place, head(place), "many/7/file", "seven\n");
    expect_file(place, head(place), "many/8/file", "8\n");
    expect_file(place, many, "many/7/file", "7\n");
    free(mirror);
}

static void pin__refuses_what_is_not_there(void **state)
{
    struct place *place = *state;
    const char *missing = "1234567890123456789012345678901234567890";
    assert_false(provider_call_pin(provider(), &place->context, "app", missing, "x", &place->error));
    assert_int_equal(place->error.code, ERROR_NOT_FOUND);
    assert_false(provider_call_pin(provider(), &place->context, "app", head(place), "../../heads/x", &place->error));
    assert_int_equal(place->error.code, ERROR_USAGE);
    assert_false(provider_call_pin(provider(), &place->context, "a/../b", head(place), "x", &place->error));
}

/* Killed while it set a ref, a process leaves the lock: empty, or with the commit. What somebody else wrote there stays. */
static void pin__takes_away_the_lock_of_a_process_that_was_killed(void **state)
{
    struct place *place = *state;
    const char *commit = head(place), *lock = "store/mirrors/app.git/refs/berth/pins/runs/2.lock";
    pin(place, commit, "runs/1");
    place_file(place, lock, "", 0644);
    pin(place, commit, "runs/2");
    place_file(place, "store/mirrors/app.git/refs/berth/pins/runs/3.lock", arena_printf(&place->arena, "%s\n", commit),
               0644);
    pin(place, commit, "runs/3");
    place_file(place, "store/mirrors/app.git/refs/berth/pins/runs/4.lock", "another's\n", 0644);
    assert_false(provider_call_pin(provider(), &place->context, "app", commit, "runs/4", &place->error));
}

static void read__has_limits_and_no_way_out(void **state)
{
    struct place *place = *state;
    struct str out = STR_INIT;
    pin(place, head(place), "x");
    static const struct {
        const char *path;
        enum error_code code;
    } cases[] = {
        {"readme", ERROR_LIMIT}, {"none", ERROR_NOT_FOUND}, {"../readme", ERROR_USAGE}, {"/etc/passwd", ERROR_USAGE}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_false(
            provider_call_read(provider(), &place->context, "app", head(place), cases[i].path, 3, &out, &place->error));
        assert_int_equal(place->error.code, cases[i].code);
    }
    str_release(&out);
}

/* --- exporting ----------------------------------------------------------------------------------------------- */

static bool export(struct place *place, const char *commit, const char *folder)
{
    return provider_call_export(provider(), &place->context, "app", commit, folder, &place->error);
}

static void export__lays_out_files_modes_and_links(void **state)
{
    struct place *place = *state;
    char *folder = path_join(place->folder, "out"), *repo = repository(place);
    struct stat status;
    place_file(place, "repo/bin/run", "#!/bin/sh\n", 0755);
    place_file(place, "repo/.gitattributes", "*.txt text eol=crlf\n", 0644);
    place_file(place, "repo/a.txt", "line\n", 0644);
    char *link = path_join(repo, "bin/link");
    assert_int_equal(symlink("../readme", link), 0);
    commit_file(place, "z", "z", "More");
    pin(place, head(place), "x");
    must(export(place, head(place), folder), &place->error);
    assert_int_equal(stat(arena_printf(&place->arena, "%s/bin/run", folder), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0755);
    assert_int_equal(stat(arena_printf(&place->arena, "%s/a.txt", folder), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0644);
    assert_int_equal(status.st_size, 5); /* no filter */
    assert_int_equal(lstat(arena_printf(&place->arena, "%s/bin/link", folder), &status), 0);
    assert_true(S_ISLNK(status.st_mode));
    assert_false(export(place, head(place), folder));
    assert_int_equal(place->error.code, ERROR_CONFLICT);
    struct folder_list list;
    must(folder_list(place->folder, &list, &place->error), &place->error);
    for (size_t i = 0; i < list.count; i++)
        assert_null(strstr(list.names[i], ".new"));
    folder_list_free(&list);
    free(folder);
    free(repo);
    free(link);
}

/* A commit of one tree, written as raw bytes: git itself would not make these. */
static const char *raw_commit(struct place *place, const char *mode, const char *name, const char *blob_text,
                              int copies)
{
    char *repo = repository(place);
    struct str id = STR_INIT, tree = STR_INIT, object = STR_INIT;
    char *path = path_join(place->folder, "raw-tree");
    const char *const blob[] = {"git", "hash-object", "-w", "--stdin", NULL};
    const char *const commit[] = {"git", "hash-object", "-w", "-t", "commit", "--stdin", NULL};
    assert_int_equal(run_program(repo, blob, blob_text, &id), 0);
    for (int copy = 0; copy < copies; copy++) {
        str_addf(&tree, "%s %s", copy == 1 ? "100644" : mode, name);
        str_add_char(&tree, '\0');
        for (int i = 0; i < 40; i += 2)
            str_add_char(&tree, (char)strtol((char[]){id.data[i], id.data[i + 1], '\0'}, NULL, 16));
    }
    must(file_replace(path, tree.data, tree.length, 0600, FILE_RELAXED, &place->error), &place->error);
    const char *tree_id = git(place, repo, "hash-object", "-w", "-t", "tree", "--literally", path, NULL);
    str_clear(&id);
    str_addf(&object, "tree %s\nauthor A <a> 1 +0000\ncommitter A <a> 1 +0000\n\nx\n", tree_id);
    assert_int_equal(run_program(repo, commit, object.data, &id), 0);
    const char *result = arena_strndup(&place->arena, id.data, 40);
    str_release(&id);
    str_release(&tree);
    str_release(&object);
    free(path);
    free(repo);
    return result;
}

static void export__refuses_trees_that_would_leave_the_folder(void **state)
{
    struct place *place = *state;
    static const struct {
        const char *mode, *name, *text;
        int copies;
    } cases[] = {
        {"100644", ".git", "x", 1},   {"100644", ".GIT", "x", 1},         {"100644", "..", "x", 1},
        {"120000", "out", "/etc", 1}, {"120000", "out", "../x", 1},       {"120000", "out", "a/../../x", 1},
        {"120000", "out", "x/..", 1}, {"120000", "twice", "harmless", 2}, {"100644", "a/b", "x", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *commit = raw_commit(place, cases[i].mode, cases[i].name, cases[i].text, cases[i].copies);
        char *folder = path_printf("%s/out-%zu", place->folder, i);
        error_clear(&place->error);
        bool done = provider_call_pin(provider(), &place->context, "app", commit, "x", &place->error) &&
                    export(place, commit, folder);
        if (done || folder_exists(folder))
            fail_msg("%s %s -> %s was laid out", cases[i].mode, cases[i].name, cases[i].text);
        free(folder);
    }
}

static void export__knows_which_links_stay(void **state)
{
    (void)state;
    static const struct {
        const char *target;
        int depth;
        bool stays;
    } cases[] = {
        {"a", 0, true},        {"a/b", 0, true},     {"./a", 0, true},   {"../a", 1, true},    {"../a", 0, false},
        {"../../a", 1, false}, {"../../a", 2, true}, {"a/..", 5, false}, {"/a", 5, false},     {"", 0, false},
        {"..", 1, true},       {"..", 0, false},     {"a..b", 0, true},  {".//../a", 1, true}, {"...", 0, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (export_link_stays(cases[i].target, strlen(cases[i].target), cases[i].depth) != cases[i].stays)
            fail_msg("'%s' at %d", cases[i].target, cases[i].depth);
}

/* --- following ----------------------------------------------------------------------------------------------- */

static const char *state_of(struct place *place, int *fd)
{
    struct str text = STR_INIT;
    must(provider_call_follow(provider(), &place->context, &text, fd, &place->error), &place->error);
    const char *copy = arena_strdup(&place->arena, text.data);
    str_release(&text);
    return copy;
}

static void expect_wake(struct place *place, int *fd, const char **before)
{
    struct pollfd wake = {.fd = *fd, .events = POLLIN};
    assert_int_equal(poll(&wake, 1, PATIENCE_MS), 1);
    const char *after = state_of(place, fd);
    assert_string_not_equal(after, *before);
    *before = after;
}

static void follow__wakes_for_every_change_of_a_ref(void **state)
{
    struct place *place = *state;
    char *repo = repository(place);
    int fd = -1;
    const char *before = state_of(place, &fd);
    assert_true(fd >= 0);
    assert_string_equal(state_of(place, &fd), before);
    git(place, repo, "branch", "new/deep/branch", NULL);
    expect_wake(place, &fd, &before);
    git(place, repo, "branch", "new/deep/other", NULL);
    expect_wake(place, &fd, &before);
    git(place, repo, "commit", "-q", "--allow-empty", "-m", "x", NULL);
    expect_wake(place, &fd, &before);
    git(place, repo, "pack-refs", "--all", NULL);
    expect_wake(place, &fd, &before);
    git(place, repo, "branch", "-D", "new/deep/branch", NULL);
    expect_wake(place, &fd, &before);
    close(fd);
    free(repo);
}

static void url__is_mirrored_followed_and_pruned(void **state)
{
    struct place *place = *state;
    char *repo = repository(place), *url = path_printf("file://%s/repo", place->folder);
    int fd = -1;
    git(place, repo, "branch", "-m", "trunk", NULL);
    git(place, repo, "branch", "gone", NULL);
    place_key(place, "url", url);
    struct rows rows = list(place, NULL);
    assert_int_equal(rows.count, 2);
    assert_string_equal(rows.default_branch, "trunk");
    const char *before = state_of(place, &fd);
    assert_int_equal(fd, -1);
    assert_string_equal(state_of(place, &fd), before);
    commit_file(place, "more", "x", "Second");
    git(place, repo, "branch", "-D", "gone", NULL);
    assert_string_not_equal(state_of(place, &fd), before);
    rows = list(place, NULL);
    assert_int_equal(rows.count, 1);
    assert_string_equal(rows.items[0].subject, "Second");
    const char *commit = resolved(place, "trunk", "branch", "trunk");
    pin(place, commit, "runs/1");
    expect_file(place, commit, "more", "x");
    place_key(place, "url", "file:///nonexistent/repo");
    struct str text = STR_INIT;
    assert_false(provider_call_follow(provider(), &place->context, &text, &fd, &place->error));
    assert_int_equal(place->error.code, ERROR_UNREACHABLE);
    assert_true(place->error.retry && place->error.hint[0]);
    str_release(&text);
    free(repo);
    free(url);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(list__gives_what_git_gives),
        TEST(list__of_an_empty_repository_is_whole_and_empty),
        TEST(list__reads_only_what_moved),
        TEST(list__keeps_hostile_names_as_data),
        TEST(list__converts_or_shows_subjects_that_are_not_utf8),
        TEST(list__is_partial_when_a_ref_is_broken),
        TEST(list__names_a_branch_whose_commit_is_missing),
        TEST(list__stops_when_it_is_told_to),
        TEST(list__works_in_worktrees_and_bare_repositories),
        TEST(list__takes_the_remotes_default_branch),
        TEST(open__refuses_what_it_cannot_read_with_the_reason),
        TEST(open__takes_harmless_extensions_and_no_folder_inside),
        TEST(open__refuses_the_repository_of_another_user),
        TEST(resolve__takes_branches_tags_and_commits),
        TEST(contains__only_a_branchs_own_history),
        TEST(pin__keeps_a_commit_when_the_repository_is_gone),
        TEST(pin__copies_many_files_as_one_pack_and_then_only_what_is_new),
        TEST(pin__refuses_what_is_not_there),
        TEST(pin__takes_away_the_lock_of_a_process_that_was_killed),
        TEST(read__has_limits_and_no_way_out),
        TEST(export__lays_out_files_modes_and_links),
        TEST(export__refuses_trees_that_would_leave_the_folder),
        cmocka_unit_test(export__knows_which_links_stay),
        TEST(follow__wakes_for_every_change_of_a_ref),
        TEST(url__is_mirrored_followed_and_pruned),
    };
    char home[] = "/tmp/berth-test-XXXXXX"; /* libgit2 looks once where the user's configuration is */
    struct error error = {0};
    if (!mkdtemp(home) || setenv("HOME", home, 1) != 0)
        return 1;
    int failed = TESTS_RUN(tests);
    return folder_remove(home, &error) ? failed : 1;
}
