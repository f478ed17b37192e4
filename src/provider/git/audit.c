/* SPDX-License-Identifier: ISC */
/*
 * The audit in git. A record becomes one file in one commit whose only parent is the tip of the ref. Where the repository is a path the commit is made in
 * it and the ref moved by compare and swap; where it is a URL (or `push` names one) the commit stands on the tip that is there, and is pushed, never by
 * force: when somebody was faster it is made again on theirs. No work tree is touched, and a ref that one has checked out is left alone.
 *
 * A process that dies anywhere in between leaves objects that nothing names, or a record that is found the next time: never two, never none.
 */
#include "provider/git/audit.h"

#include "berth/base/fault.h"
#include "berth/base/file.h"
#include "berth/config.h"
#include "berth/model/ledger.h"
#include "berth/model/run_record.h"
#include "provider/git/open.h"
#include "provider/git/place.h"
#include "provider/git/ref.h"
#include "provider/section.h"

#include <stdlib.h>

#define TRIES 8 /* on tips that moved; then the outbox tries later */
#define HEAD_LIMIT 4096
#define SEEN_REF "refs/berth/audit/seen" /* keeps what was fetched of the other side's ref */
#define OUTGOING_REF "refs/berth/audit/outgoing"
#define INCOMING_PREFIX "refs/berth/audit/incoming/" /* there, while the ref is set */

struct record {
    const char *run, *path, *file, *commit;
};

struct keeping {
    const struct provider_context *context; /* with the repository's section */
    const struct config_notify *notify;
    struct place place;
    git_repository *repository; /* of `place` */
    struct place_remote remote;
    bool pushes;   /* to `remote` */
    bool is_local; /* the ref is kept in `repository` itself */
    git_oid here, there, base;
    bool has_here, has_there, has_base;
    struct str refused; /* what the other side said of the last push */
};

bool audit_is_kept_in(const struct config *config, const char *repository, const char *branch)
{
    for (size_t i = 0; config && i < config->notify_count; i++) {
        const struct config_notify *notify = &config->notify[i];
        if (text_starts(notify->ref, HEADS_PREFIX) && text_equal(notify->ref + strlen(HEADS_PREFIX), branch) &&
            text_equal(notify->repository, repository))
            return true;
    }
    return false;
}

/* --- the commit --------------------------------------------------------------------------------------------------- */

static bool write_failed(const struct record *record, struct error *error)
{
    return git_failed(error, ERROR_IO, "cannot write the record of run %s", record->run);
}

static bool empty_tree(git_repository *repository, git_tree **tree)
{
    git_treebuilder *builder = NULL;
    git_oid id;
    bool made = git_treebuilder_new(&builder, repository, NULL) == 0 && git_treebuilder_write(&id, builder) == 0 &&
                git_tree_lookup(tree, repository, &id) == 0;
    git_treebuilder_free(builder);
    return made;
}

static bool tree_of(const struct keeping *keeping, git_tree **tree)
{
    git_commit *commit = NULL;
    if (!keeping->has_base)
        return empty_tree(keeping->repository, tree);
    bool found =
        git_commit_lookup(&commit, keeping->repository, &keeping->base) == 0 && git_commit_tree(tree, commit) == 0;
    git_commit_free(commit);
    return found;
}

static bool write_commit(const struct keeping *keeping, const struct record *record, const git_oid *tree, git_oid *id)
{
    char hex[GIT_OID_HEXSZ + 1];
    struct str text = STR_INIT;
    git_odb *objects = NULL;
    str_addf(&text, "tree %s\n", git_oid_tostr(hex, sizeof hex, tree));
    if (keeping->has_base)
        str_addf(&text, "parent %s\n", git_oid_tostr(hex, sizeof hex, &keeping->base));
    str_add(&text, record->commit);
    bool written = git_repository_odb(&objects, keeping->repository) == 0 &&
                   git_odb_write(id, objects, text.data, text.length, GIT_OBJECT_COMMIT) == 0;
    git_odb_free(objects);
    str_release(&text);
    return written;
}

/* The commit of the record on the base: the same of the same. */
static bool make_commit(const struct keeping *keeping, const struct record *record, git_tree *tree, git_oid *id,
                        struct error *error)
{
    git_tree_update update = {.action = GIT_TREE_UPDATE_UPSERT, .filemode = GIT_FILEMODE_BLOB, .path = record->path};
    git_oid whole;
    bool made = git_blob_create_from_buffer(&update.id, keeping->repository, record->file, strlen(record->file)) == 0 &&
                git_tree_create_updated(&whole, keeping->repository, tree, 1, &update) == 0 &&
                write_commit(keeping, record, &whole, id);
    return made || write_failed(record, error);
}

/* --- what is there ------------------------------------------------------------------------------------------------ */

/* A ref that holds anything but records is somebody's: nothing is added to it. */
static bool holds_records(const struct keeping *keeping, const git_tree *tree, struct error *error)
{
    for (size_t i = 0; i < git_tree_entrycount(tree); i++) {
        const git_tree_entry *entry = git_tree_entry_byindex(tree, i);
        if (git_tree_entry_type(entry) == GIT_OBJECT_TREE &&
            strncmp(git_tree_entry_name(entry), RECORD_FOLDER, strlen(RECORD_FOLDER) - 1) == 0)
            continue;
        error_set(error, ERROR_CONFIG, "%s of '%s' holds other things than records of runs", keeping->notify->ref,
                  keeping->notify->repository);
        error_detail(error, "there is '%s' in it", git_tree_entry_name(entry));
        return error_hint(error, "name a ref in `notify` that is used for nothing else");
    }
    return true;
}

enum there { THERE_NOT, THERE_SAME, THERE_OTHER };
static enum there look_for(const struct keeping *keeping, const git_tree *tree, const struct record *record)
{
    git_tree_entry *entry = NULL;
    git_blob *blob = NULL;
    enum there there = THERE_NOT;
    if (git_tree_entry_bypath(&entry, tree, record->path) == 0) {
        size_t length = strlen(record->file);
        there = THERE_OTHER;
        if (git_blob_lookup(&blob, keeping->repository, git_tree_entry_id(entry)) == 0 &&
            (size_t)git_blob_rawsize(blob) == length && memcmp(git_blob_rawcontent(blob), record->file, length) == 0)
            there = THERE_SAME;
    }
    git_blob_free(blob);
    git_tree_entry_free(entry);
    return there;
}

/* `commit` is the one after which the record is there: the base itself when it has it already. */
static bool add_record(const struct keeping *keeping, const struct record *record, git_oid *commit, struct error *error)
{
    git_tree *tree = NULL;
    bool added = (tree_of(keeping, &tree) || write_failed(record, error)) && holds_records(keeping, tree, error);
    switch (added ? look_for(keeping, tree, record) : THERE_NOT) {
    case THERE_SAME: *commit = keeping->base; break;
    case THERE_OTHER:
        added = error_set(error, ERROR_CONFLICT, "%s of '%s' has another record of run %s", keeping->notify->ref,
                          keeping->notify->repository, record->run);
        error_detail(error, "%s there is not what this store recorded", record->path);
        error_hint(error, "berth audit verify tells where they differ");
        break;
    case THERE_NOT: added = added && make_commit(keeping, record, tree, commit, error); break;
    }
    git_tree_free(tree);
    return added;
}

/* --- a ref that a work tree stands on ------------------------------------------------------------------------------- */

static bool names_ref(const char *path, const char *ref)
{
    struct str head = STR_INIT;
    bool names = file_read(path, HEAD_LIMIT, &head, NULL) && text_starts(head.data, "ref: ");
    if (names) {
        head.data[strcspn(head.data, "\n")] = '\0';
        names = text_equal(head.data + strlen("ref: "), ref);
    }
    str_release(&head);
    return names;
}

static bool is_checked_out(git_repository *repository, const char *ref)
{
    const char *common = git_repository_commondir(repository);
    struct folder_list trees = {0};
    char *head = path_join(common, "HEAD"), *folder = path_join(common, "worktrees");
    bool out = !open_is_bare(repository) && names_ref(head, ref);
    if (!out && folder_exists(folder) && folder_list(folder, &trees, NULL)) {
        for (size_t i = 0; !out && i < trees.count; i++) {
            char *other = path_printf("%s/%s/HEAD", folder, trees.names[i]);
            out = names_ref(other, ref);
            free(other);
        }
        folder_list_free(&trees);
    }
    free(folder);
    free(head);
    return out;
}

static bool read_here(struct keeping *keeping, struct error *error)
{
    const char *ref = keeping->notify->ref;
    git_reference *found = NULL;
    keeping->has_here = false;
    if (!keeping->is_local)
        return true;
    if (is_checked_out(keeping->repository, ref)) {
        error_set(error, ERROR_CONFLICT, "%s of '%s' is checked out in a work tree", ref, keeping->notify->repository);
        if (error)
            error->retry = true;
        return error_hint(error, "go to another branch there: git switch -");
    }
    int code = git_reference_lookup(&found, keeping->repository, ref);
    bool good = code == 0 || code == GIT_ENOTFOUND;
    if (!good)
        good = git_failed(error, ERROR_IO, "cannot read %s of '%s'", ref, keeping->notify->repository);
    if (code == 0 && git_reference_type(found) != GIT_REFERENCE_DIRECT) {
        good =
            error_set(error, ERROR_CONFIG, "%s of '%s' only points at another ref", ref, keeping->notify->repository);
        error_hint(error, "remove it: git symbolic-ref --delete %s", ref);
    } else if (code == 0) {
        keeping->here = *git_reference_target(found);
        keeping->has_here = true;
    }
    git_reference_free(found);
    return good;
}

/* --- the other side ------------------------------------------------------------------------------------------------- */

static bool find_there(struct keeping *keeping, const git_remote_callbacks *callbacks, struct error *error)
{
    const git_remote_head **heads = NULL;
    size_t count = 0;
    keeping->has_there = false;
    int code = git_remote_connect(keeping->remote.remote, GIT_DIRECTION_FETCH, callbacks, NULL, NULL);
    if (code == 0)
        code = git_remote_ls(&heads, &count, keeping->remote.remote);
    for (size_t i = 0; code == 0 && i < count; i++) {
        if (text_equal(heads[i]->name, keeping->notify->ref)) {
            keeping->there = heads[i]->oid;
            keeping->has_there = true;
        }
    }
    return code == 0 || place_remote_failed(&keeping->remote, code, "read the audit of", error);
}

static bool has_object(const struct keeping *keeping, const git_oid *id)
{
    git_odb *objects = NULL;
    bool has = git_repository_odb(&objects, keeping->repository) == 0 && git_odb_refresh(objects) == 0 &&
               git_odb_exists(objects, id);
    git_odb_free(objects);
    return has;
}

static bool read_there(struct keeping *keeping, struct error *error)
{
    git_fetch_options options;
    char *spec = path_printf("+%s:" SEEN_REF, keeping->notify->ref);
    const git_strarray specs = {.strings = &spec, .count = 1};
    git_fetch_options_init(&options, GIT_FETCH_OPTIONS_VERSION);
    options.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE;
    place_remote_callbacks(&keeping->remote, &options.callbacks);
    bool read = find_there(keeping, &options.callbacks, error);
    if (read && keeping->has_there && !has_object(keeping, &keeping->there)) {
        int code = git_remote_fetch(keeping->remote.remote, &specs, &options, "berth: audit");
        read = code == 0 || place_remote_failed(&keeping->remote, code, "fetch the audit of", error);
    }
    (void)git_remote_disconnect(keeping->remote.remote);
    free(spec);
    return read;
}

static int note_refusal(const char *ref, const char *status, void *payload)
{
    struct keeping *keeping = (struct keeping *)((char *)payload - offsetof(struct keeping, remote));
    (void)ref;
    if (status)
        str_add(&keeping->refused, status);
    return 0;
}

/* The path of a repository on this machine, or NULL. */
static const char *path_of(const char *url)
{
    if (text_starts(url, "file://"))
        return url + strlen("file://");
    return place_is_url(url) ? NULL : url;
}

/* Sets a ref that is still where it was seen. `*moved`: it is not. */
static bool set_ref(git_repository *repository, const char *ref, const git_oid *commit, const git_oid *was, bool *moved,
                    struct error *error)
{
    int code = ref_set(repository, ref, commit, true, was, "berth: a run ended");
    *moved = code == GIT_EMODIFIED || code == GIT_EEXISTS;
    if (code == 0 || *moved)
        return true;
    git_failed(error, ERROR_IO, "cannot set %s", ref);
    if (code == GIT_ELOCKED)
        error_hint(error, "another git works there, or one that died left %s.lock in its folder", ref);
    return false;
}

/* libgit2 pushes to a path without a look at what is there by then: it brings the commit alone, and the ref is moved here. */
static bool push_to_path(struct keeping *keeping, const char *path, const git_oid *commit, const char *incoming,
                         bool *moved, struct error *error)
{
    git_repository *there = NULL;
    bool set = open_repository(path, &there, error) &&
               set_ref(there, keeping->notify->ref, commit, keeping->has_there ? &keeping->there : NULL, moved, error);
    if (there)
        (void)git_reference_remove(there, incoming);
    git_repository_free(there);
    return set;
}

/* `*moved`: somebody else was faster. */
static bool push(struct keeping *keeping, const git_oid *commit, bool *moved, struct error *error)
{
    git_push_options options;
    char hex[GIT_OID_HEXSZ + 1];
    const char *path = path_of(git_remote_url(keeping->remote.remote));
    char *incoming = path_printf(INCOMING_PREFIX "%s", git_oid_tostr(hex, sizeof hex, commit));
    char *spec = path_printf(OUTGOING_REF ":%s", path ? incoming : keeping->notify->ref);
    const git_strarray specs = {.strings = &spec, .count = 1};
    git_push_options_init(&options, GIT_PUSH_OPTIONS_VERSION);
    place_remote_callbacks(&keeping->remote, &options.callbacks);
    options.callbacks.push_update_reference = note_refusal;
    str_clear(&keeping->refused);
    int code = ref_set(keeping->repository, OUTGOING_REF, commit, false, NULL, "berth: audit");
    if (code == 0)
        code = git_remote_push(keeping->remote.remote, &specs, &options);
    *moved = code == GIT_ENONFASTFORWARD || keeping->refused.length > 0;
    bool pushed = *moved || code == 0 || place_remote_failed(&keeping->remote, code, "push the audit to", error);
    if (pushed && !*moved && path)
        pushed = push_to_path(keeping, path, commit, incoming, moved, error);
    free(spec);
    free(incoming);
    return pushed;
}

/* --- delivering ------------------------------------------------------------------------------------------------------- */

/* Whether one commit comes after the other. What cannot be read says neither: to take it for a no would lose a record. */
static bool comes_after(const struct keeping *keeping, const git_oid *later, const git_oid *earlier, bool *after,
                        struct error *error)
{
    int code = git_oid_equal(later, earlier) ? 1 : git_graph_descendant_of(keeping->repository, later, earlier);
    *after = code == 1;
    return code >= 0 || git_failed(error, ERROR_IO, "cannot read the history of %s", keeping->notify->ref);
}

static bool choose_base(struct keeping *keeping, struct error *error)
{
    if (!read_here(keeping, error) || (keeping->pushes && !read_there(keeping, error)))
        return false;
    bool from_here = keeping->has_here;
    if (from_here && keeping->pushes && keeping->has_there &&
        !comes_after(keeping, &keeping->here, &keeping->there, &from_here, error))
        return false;
    keeping->has_base = from_here || keeping->has_there;
    if (keeping->has_base)
        keeping->base = from_here ? keeping->here : keeping->there;
    return true;
}

/* Moves the ref when it is still where it was seen. What was never pushed and is no part of what is there now stays where it is. */
static bool move_here(struct keeping *keeping, const git_oid *commit, bool *moved, struct error *error)
{
    bool after = true;
    *moved = false;
    if (!keeping->is_local || (keeping->has_here && git_oid_equal(&keeping->here, commit)))
        return true;
    if (keeping->has_here && !comes_after(keeping, commit, &keeping->here, &after, error))
        return false;
    return !after || set_ref(keeping->repository, keeping->notify->ref, commit,
                             keeping->has_here ? &keeping->here : NULL, moved, error);
}

static bool keep_once(struct keeping *keeping, const struct record *record, bool *moved, struct error *error)
{
    git_oid commit;
    *moved = false;
    if (!choose_base(keeping, error) || !add_record(keeping, record, &commit, error))
        return false;
    fault_point("notifier.mid_record");
    if (keeping->pushes && !(keeping->has_there && git_oid_equal(&keeping->there, &commit)) &&
        (!push(keeping, &commit, moved, error) || *moved))
        return *moved;
    return move_here(keeping, &commit, moved, error);
}

static bool may_go_on(const struct keeping *keeping, const struct record *record, struct error *error)
{
    if (provider_stopped(keeping->context))
        error_set(error, ERROR_CANCELLED, "keeping the record of run %s was cancelled", record->run);
    else if (provider_left_ms(keeping->context) == 0)
        error_set(error, ERROR_TIMEOUT, "keeping the record of run %s took too long", record->run);
    else
        return true;
    if (error)
        error->retry = true;
    return error_hint(error, "it is tried again");
}

static bool keep(struct keeping *keeping, const struct record *record, struct error *error)
{
    bool moved = true;
    for (int i = 0; i < TRIES && moved; i++)
        if (!may_go_on(keeping, record, error) || !keep_once(keeping, record, &moved, error))
            return false;
    if (!moved)
        return true;
    error_set(error, ERROR_CONFLICT, "%s of '%s' cannot be added to", keeping->notify->ref,
              keeping->notify->repository);
    error_detail(error, "%s", keeping->refused.length > 0 ? keeping->refused.data : "it moved each time");
    error_hint(error, "it is tried again; see whether berth may push there");
    if (error)
        error->retry = true;
    return false;
}

/* --- where ------------------------------------------------------------------------------------------------------------ */

/* What `push` means: a URL, or the name of a remote of the repository. */
static bool push_url(const struct keeping *keeping, const char *push, struct str *url, struct error *error)
{
    git_config *config = NULL;
    git_buf found = GIT_BUF_INIT;
    char *file = path_join(git_repository_commondir(keeping->repository), "config");
    char *key = path_printf("remote.%s.url", push);
    if (place_is_url(push) || strchr(push, '/'))
        str_add(url, push);
    else if (git_config_open_ondisk(&config, file) == 0 && git_config_get_string_buf(&found, config, key) == 0)
        str_add(url, found.ptr);
    bool known = url->length > 0;
    if (!known) {
        error_set(error, ERROR_CONFIG, "'%s' has no remote '%s' to push the audit to", keeping->notify->repository,
                  push);
        error_hint(error, "git remote add %s URL there, or give `push` a URL", push);
    }
    git_buf_dispose(&found);
    git_config_free(config);
    free(key);
    free(file);
    return known;
}

static bool open_keeping(struct keeping *keeping, struct error *error)
{
    const struct provider_context *context = keeping->context;
    const struct config_notify *notify = keeping->notify;
    struct provider_context apart = *context;
    struct str url = STR_INIT, push = STR_INIT, to = STR_INIT;
    int valid = 0;
    if (git_reference_name_is_valid(&valid, notify->ref) != 0 || !valid || !text_starts(notify->ref, "refs/")) {
        error_set(error, ERROR_CONFIG, "'%s' is no name of a ref", notify->ref);
        return error_hint(error, "a whole name is meant: refs/heads/berth/audit");
    }
    apart.section = &notify->section;
    bool opened = section_text(&apart, "push", &push, error);
    if (opened && (!context->section || !text_equal(context->section->provider, "git"))) {
        opened = error_set(error, ERROR_UNSUPPORTED, "the audit cannot be kept in '%s' yet: it is of provider %s",
                           notify->repository, context->section ? context->section->provider : "?");
        error_hint(error, "name it once more with provider git and its url");
    }
    opened = opened && place_url(context, &url, error);
    keeping->is_local = opened && !place_is_url(url.data);
    if (opened)
        opened = keeping->is_local ? open_repository(url.data, &keeping->place.repository, error)
                                   : place_mirror(context, notify->repository, &keeping->place, error);
    keeping->repository = keeping->place.repository;
    if (opened && push.length > 0)
        opened = push_url(keeping, push.data, &to, error);
    else if (opened && !keeping->is_local)
        str_add(&to, url.data);
    keeping->pushes = opened && to.length > 0;
    if (keeping->pushes)
        opened = place_remote_open(context, keeping->repository, to.data, &keeping->remote, error);
    str_release(&url);
    str_release(&push);
    str_release(&to);
    return opened;
}

static bool read_record(const struct delivery *delivery, const json_t *payload, struct record *record,
                        struct error *error)
{
    *record = (struct record){
        .run = json_get_text(payload, "run"),
        .path = json_get_text(payload, "path"),
        .file = json_get_text(payload, "file"),
        .commit = json_get_text(payload, "commit"),
    };
    if (text_starts(record->path, RECORD_FOLDER) && path_inside(record->path) && text_starts(record->commit, "author "))
        return true;
    return error_set(error, ERROR_CORRUPT, "the delivery %s is no record of a run", delivery->id);
}

bool audit_deliver(const struct provider_context *context, const struct delivery *delivery, const char *key,
                   struct error *error)
{
    struct keeping keeping = {.context = context, .place = PLACE_INIT, .refused = STR_INIT};
    struct record record;
    json_t *payload = json_column(delivery->payload);
    (void)key; /* the path of the record is what makes a repeat harmless */
    open_begin();
    keeping.notify = config_notify_named(context->config, delivery->receiver);
    bool kept = read_record(delivery, payload, &record, error);
    if (kept && !keeping.notify)
        kept = error_set(error, ERROR_NOT_FOUND, "the policy has no such receiver any more");
    kept = kept && open_keeping(&keeping, error) && keep(&keeping, &record, error);
    if (!kept && error && error->code == ERROR_IO)
        error->retry = true; /* a full or broken disk, a folder that went: no record is given up for that */
    place_remote_close(&keeping.remote);
    place_close(&keeping.place);
    str_release(&keeping.refused);
    json_decref(payload);
    return kept;
}
