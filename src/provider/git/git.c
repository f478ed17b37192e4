/* SPDX-License-Identifier: ISC */
/*
 * The provider git: branches of a local repository, or of a URL through a bare mirror. Listing and following read the repository that the policy
 * names; everything that a run stands on is read from berth's own mirror, where its commit is pinned.
 */
#include "provider/git/audit.h"
#include "provider/git/commit.h"
#include "provider/git/export.h"
#include "provider/git/follow.h"
#include "provider/git/list.h"
#include "provider/git/pin.h"
#include "provider/git/place.h"
#include "provider/git/tidy.h"
#include "provider/registry.h"

#include "berth/base/file.h"
#include "berth/base/text.h"

#include <stdlib.h>

#define PREFIX_LEAST 4 /* digits of an abbreviated commit */

/* --- resolve ------------------------------------------------------------------------------------------------- */

struct resolved {
    git_oid id;
    const char *kind;
    bool found, ambiguous;
    bool unreadable; /* the ref is there, what it points to is not */
};

static bool is_hex(const char *text)
{
    size_t length = strlen(text);
    return length >= PREFIX_LEAST && length <= GIT_OID_HEXSZ && strspn(text, "0123456789abcdef") == length;
}

static bool look_up_ref(git_repository *source, const char *prefix, const char *ref, const char *kind,
                        struct resolved *resolved)
{
    git_reference *found = NULL;
    git_object *object = NULL;
    struct str name = STR_INIT;
    str_addf(&name, "%s%s", prefix, ref);
    bool there = git_reference_lookup(&found, source, name.data) == 0;
    if (there && git_reference_peel(&object, found, GIT_OBJECT_COMMIT) == 0) {
        resolved->id = *git_object_id(object);
        resolved->kind = kind;
        resolved->found = true;
    }
    resolved->unreadable |= there && !resolved->found;
    git_object_free(object);
    git_reference_free(found);
    str_release(&name);
    return resolved->found;
}

static void look_up_commit(git_repository *source, const char *ref, struct resolved *resolved)
{
    git_oid id;
    git_object *object = NULL, *commit = NULL;
    if (!is_hex(ref) || git_oid_fromstrn(&id, ref, strlen(ref)) != 0)
        return;
    int code = git_object_lookup_prefix(&object, source, &id, strlen(ref), GIT_OBJECT_ANY);
    resolved->ambiguous = code == GIT_EAMBIGUOUS;
    if (code == 0 && git_object_peel(&commit, object, GIT_OBJECT_COMMIT) == 0) {
        resolved->id = *git_object_id(commit);
        resolved->kind = "commit";
        resolved->found = true;
    }
    git_object_free(commit);
    git_object_free(object);
}

/* A branch before a tag before a commit: a branch named like a commit is meant when somebody types its name. */
static void look_up(git_repository *source, const char *ref, struct resolved *resolved)
{
    if (!look_up_ref(source, HEADS_PREFIX, ref, "branch", resolved) &&
        !look_up_ref(source, "refs/tags/", ref, "tag", resolved))
        look_up_commit(source, ref, resolved);
}

static bool explain_missing(const char *repository, const char *ref, const struct resolved *resolved,
                            struct error *error)
{
    struct str shown = STR_INIT;
    text_visible(&shown, ref, strlen(ref), TEXT_ONE_LINE);
    if (resolved->ambiguous) {
        error_set(error, ERROR_NOT_FOUND, "several commits of '%s' begin with %s", repository, shown.data);
        error_hint(error, "give more digits");
    } else if (resolved->unreadable) {
        error_set(error, ERROR_CORRUPT, "the commit of '%s' cannot be read in '%s'", shown.data, repository);
        error_hint(error, "git fsck there tells what is damaged or missing");
    } else {
        error_set(error, ERROR_NOT_FOUND, "'%s' is no branch, tag or commit of '%s'", shown.data, repository);
        error_hint(error, "berth branches lists what there is");
    }
    str_release(&shown);
    return false;
}

/* A URL's branches move elsewhere: it is asked first, unless a whole commit is here already. */
static bool freshen(const struct provider_context *context, git_repository *source, const char *ref,
                    struct error *error)
{
    struct str url = STR_INIT;
    struct resolved here = {.found = false};
    bool fresh = place_url(context, &url, error);
    if (fresh && place_is_url(url.data)) {
        if (strlen(ref) == GIT_OID_HEXSZ)
            look_up_commit(source, ref, &here);
        fresh = here.found || place_fetch(context, source, url.data, error);
    }
    str_release(&url);
    return fresh;
}

/* What was deployed is found again by its whole name, also when its branch was deleted and the repository has collected it: what a roll-back goes back to. */
static bool look_up_pinned(const struct provider_context *context, const char *repository, const char *ref,
                           struct resolved *resolved, struct error *error)
{
    bool holds = false;
    if (strlen(ref) != GIT_OID_HEXSZ || !is_hex(ref))
        return true;
    if (!pin_holds(context, repository, ref, &holds, error))
        return false;
    resolved->found = holds && git_oid_fromstr(&resolved->id, ref) == 0;
    if (resolved->found)
        resolved->kind = "commit";
    return true;
}

static bool ref_is_deployable(const char *ref, struct error *error)
{
    if (!strchr(ref, '\\') && text_valid(ref, strlen(ref)))
        return true;
    error_set(error, ERROR_UNSUPPORTED, "the branch '%s' cannot be deployed: its name is not valid UTF-8", ref);
    return error_hint(error, "rename it: git branch -m OLD NEW");
}

static bool resolve(const struct provider_context *context, const char *repository, const char *ref,
                    struct arena *arena, const char **commit, const char **kind, const char **branch,
                    struct error *error)
{
    struct place source;
    struct resolved resolved = {.kind = ""};
    char hex[GIT_OID_HEXSZ + 1];
    const char *name = ref ? ref : "";
    if (!ref_is_deployable(name, error) || !place_source(context, repository, &source, error))
        return false;
    bool done = freshen(context, source.repository, name, error);
    if (done && name[0] == '\0') {
        name = place_default_branch(source.repository, arena);
        if (name[0] == '\0') {
            done = error_set(error, ERROR_NOT_FOUND, "the repository '%s' has no default branch", repository);
            error_hint(error, "make a first commit, or name the branch in `trusted.ref`");
        }
    }
    if (done) {
        look_up(source.repository, name, &resolved);
        done = (resolved.found || look_up_pinned(context, repository, name, &resolved, error)) &&
               (resolved.found || explain_missing(repository, name, &resolved, error));
    }
    if (done) {
        *commit = arena_strdup(arena, git_oid_tostr(hex, sizeof hex, &resolved.id));
        *kind = resolved.kind;
        *branch = text_equal(resolved.kind, "branch") ? arena_strdup(arena, name) : "";
    }
    place_close(&source);
    return done;
}

static bool lacks_history(const char *branch, struct error *error)
{
    git_failed(error, ERROR_UNSUPPORTED, "the history of the branch '%s' cannot be walked", branch);
    return error_hint(error, "a shallow clone lacks it: git fetch --unshallow, or deploy the branch itself");
}

static bool contains(const struct provider_context *context, const char *repository, const char *branch,
                     const char *commit, bool *yes, struct error *error)
{
    struct place source;
    struct resolved head = {.found = false};
    git_oid id;
    int code = 0;
    *yes = false;
    if (!place_source(context, repository, &source, error))
        return false;
    bool known = look_up_ref(source.repository, HEADS_PREFIX, branch, "branch", &head) ||
                 error_set(error, ERROR_NOT_FOUND, "there is no branch '%s' in '%s'", branch, repository);
    if (known && git_oid_fromstr(&id, commit) != 0)
        known = error_set(error, ERROR_USAGE, "'%s' is no full commit", commit);
    if (known) {
        code = git_oid_equal(&head.id, &id) ? 1 : git_graph_descendant_of(source.repository, &head.id, &id);
        known = code >= 0 || lacks_history(branch, error);
    }
    *yes = known && code > 0;
    place_close(&source);
    return known;
}

/* --- what the mirror has ------------------------------------------------------------------------------------- */

static bool describe(const struct provider_context *context, const char *repository, const char *commit,
                     struct arena *arena, struct branch *facts, const char **committer_email, struct error *error)
{
    struct place mirror;
    git_odb *objects = NULL;
    struct commit_facts found;
    if (!place_mirror(context, repository, &mirror, error))
        return false;
    commit_facts_init(&found);
    bool described = git_repository_odb(&objects, mirror.repository) == 0 && list_read_commit(objects, commit, &found);
    if (described) {
        *facts = (struct branch){
            .repository = arena_strdup(arena, repository),
            .commit = arena_strdup(arena, commit),
            .subject = arena_strdup(arena, found.subject.data),
            .author = arena_strdup(arena, found.author.data),
            .author_email = arena_strdup(arena, found.author_email.data),
            .committed_at = found.committed_at,
            .ahead = -1,
            .behind = -1,
        };
        *committer_email = arena_strdup(arena, found.committer_email.data);
    } else {
        git_failed(error, ERROR_NOT_FOUND, "commit %.12s is not in the mirror of '%s'", commit, repository);
        error_hint(error, "deploy its branch again");
    }
    commit_facts_release(&found);
    git_odb_free(objects);
    place_close(&mirror);
    return described;
}

static bool read_blob(git_repository *mirror, const git_oid *id, const char *path, size_t limit, struct str *out,
                      struct error *error)
{
    git_odb *objects = NULL;
    git_odb_object *object = NULL;
    git_object_t type;
    size_t size = 0;
    bool read = git_repository_odb(&objects, mirror) == 0 && git_odb_read_header(&size, &type, objects, id) == 0;
    if (!read) {
        git_failed(error, ERROR_CORRUPT, "cannot read %s from the mirror", path);
    } else if (size > limit) {
        read = error_set(error, ERROR_LIMIT, "%s is larger than %zu bytes", path, limit);
        error_hint(error, "make it smaller");
    } else {
        read = git_odb_read(&object, objects, id) == 0 ||
               git_failed(error, ERROR_CORRUPT, "cannot read %s from the mirror", path);
    }
    if (read)
        str_add_bytes(out, git_odb_object_data(object), git_odb_object_size(object));
    git_odb_object_free(object);
    git_odb_free(objects);
    return read;
}

static bool find_file(git_repository *mirror, const char *commit, const char *path, git_oid *id, struct error *error)
{
    git_oid commit_id;
    git_commit *found = NULL;
    git_tree *tree = NULL;
    git_tree_entry *entry = NULL;
    bool is_file = false;
    if (git_oid_fromstr(&commit_id, commit) != 0 || git_commit_lookup(&found, mirror, &commit_id) != 0 ||
        git_commit_tree(&tree, found) != 0) {
        git_failed(error, ERROR_NOT_FOUND, "commit %.12s is not in the mirror", commit);
        error_hint(error, "deploy its branch again");
    } else if (git_tree_entry_bypath(&entry, tree, path) != 0) {
        error_set(error, ERROR_NOT_FOUND, "commit %.12s has no file %s", commit, path);
        error_hint(error, "add it in a newer commit and deploy that");
    } else {
        git_filemode_t mode = git_tree_entry_filemode(entry);
        is_file = mode == GIT_FILEMODE_BLOB || mode == GIT_FILEMODE_BLOB_EXECUTABLE;
        *id = *git_tree_entry_id(entry);
        if (!is_file) {
            error_set(error, ERROR_NOT_FOUND, "%s of commit %.12s is no ordinary file", path, commit);
            error_hint(error, "make it an ordinary file: a link or folder is not read");
        }
    }
    git_tree_entry_free(entry);
    git_tree_free(tree);
    git_commit_free(found);
    return is_file;
}

static bool read_file(const struct provider_context *context, const char *repository, const char *commit,
                      const char *path, size_t limit, struct str *out, struct error *error)
{
    struct place mirror;
    git_oid id;
    if (!path_inside(path))
        return error_set(error, ERROR_USAGE, "'%s' is no path inside a repository", path);
    if (!place_mirror(context, repository, &mirror, error))
        return false;
    bool read = find_file(mirror.repository, commit, path, &id, error) &&
                read_blob(mirror.repository, &id, path, limit, out, error);
    place_close(&mirror);
    return read;
}

static const struct provider_branches branches = {
    .list = list_branches,
    .follow = follow_refs,
    .resolve = resolve,
    .contains = contains,
    .pin = pin_commit,
    .unpin = pin_remove,
    .mirrors = tidy_mirrors,
    .pins = pin_list,
    .tidy = tidy_mirror,
    .forget = tidy_forget,
    .describe = describe,
    .read = read_file,
    .export = export_commit,
};

static const struct provider_notify notify = {
    .deliver = audit_deliver,
};

const struct provider git_provider = {
    .name = "git",
    .branches = &branches,
    .notify = &notify,
};
