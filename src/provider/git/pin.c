/* SPDX-License-Identifier: ISC */
/*
 * Pinning. A commit, its trees and blobs are copied, not its history; what the mirror has already is left out. Invariant of a mirror: an object that is
 * there has everything it names there too (but parents). So a few objects are written from the leaves to the commit, many as one pack that
 * appears whole, and a process that dies in between leaves nothing that lies.
 */
#include "provider/git/pin.h"

#include "provider/git/place.h"
#include "provider/git/ref.h"
#include "provider/git/tidy.h"

#include <stdlib.h>

#define LOOSE_MOST 16 /* objects written one by one; more become a pack */
#define DEPTH_LIMIT 256
#define STOP_EVERY 512

struct copy {
    const struct provider_context *context;
    git_repository *source;
    git_odb *from, *to;
    VEC(git_oid) missing; /* leaves first */
    struct map walked;    /* ids seen in this copy: equal trees are walked once */
    const char *commit;
    size_t looked;
};

static bool stopped(struct copy *copy, struct error *error)
{
    if (copy->looked++ % STOP_EVERY != 0)
        return false;
    if (provider_stopped(copy->context)) {
        error_set(error, ERROR_CANCELLED, "copying commit %.12s was cancelled", copy->commit);
        return true;
    }
    if (provider_left_ms(copy->context) == 0) {
        error_set(error, ERROR_TIMEOUT, "copying commit %.12s took too long", copy->commit);
        error_hint(error, "it is tried again; `timeout` says how long it may take");
        return true;
    }
    return false;
}

static bool is_new(struct copy *copy, const git_oid *id)
{
    char hex[GIT_OID_HEXSZ + 1];
    if (git_odb_exists_ext(copy->to, id, GIT_ODB_LOOKUP_NO_REFRESH))
        return false;
    git_oid_tostr(hex, sizeof hex, id);
    return map_set(&copy->walked, hex, copy) == NULL;
}

static bool lacks(const char *commit, struct error *error)
{
    git_failed(error, ERROR_NOT_FOUND, "commit %.12s is not whole in the repository", commit);
    return error_hint(error,
                      "a partial or shallow clone lacks objects: git fetch --refetch --no-filter, or name a whole one");
}

static bool collect_tree(struct copy *copy, const git_oid *id, int depth, struct error *error)
{
    git_tree *tree = NULL;
    if (!is_new(copy, id))
        return true;
    if (depth > DEPTH_LIMIT)
        return error_set(error, ERROR_LIMIT, "folders deeper than %d in commit %.12s", DEPTH_LIMIT, copy->commit);
    if (git_tree_lookup(&tree, copy->source, id) != 0)
        return lacks(copy->commit, error);
    bool collected = true;
    for (size_t i = 0; collected && i < git_tree_entrycount(tree); i++) {
        const git_tree_entry *entry = git_tree_entry_byindex(tree, i);
        git_object_t type = git_tree_entry_type(entry);
        if (stopped(copy, error))
            collected = false;
        else if (type == GIT_OBJECT_TREE)
            collected = collect_tree(copy, git_tree_entry_id(entry), depth + 1, error);
        else if (type == GIT_OBJECT_BLOB && is_new(copy, git_tree_entry_id(entry)))
            vec_push(&copy->missing, *git_tree_entry_id(entry));
    }
    git_tree_free(tree);
    if (collected)
        vec_push(&copy->missing, *id);
    return collected;
}

static bool copy_loose(struct copy *copy, struct error *error)
{
    for (size_t i = 0; i < copy->missing.count; i++) {
        git_odb_object *object = NULL;
        git_oid written;
        if (git_odb_read(&object, copy->from, &copy->missing.items[i]) != 0)
            return lacks(copy->commit, error);
        int code = git_odb_write(&written, copy->to, git_odb_object_data(object), git_odb_object_size(object),
                                 git_odb_object_type(object));
        git_odb_object_free(object);
        if (code != 0)
            return git_failed(error, ERROR_IO, "cannot copy commit %.12s into the mirror", copy->commit);
    }
    return true;
}

struct packing {
    git_odb_writepack *pack;
    git_indexer_progress progress;
};

static int add_to_pack(void *bytes, size_t count, void *owner)
{
    struct packing *packing = owner;
    return packing->pack->append(packing->pack, bytes, count, &packing->progress);
}

static bool copy_pack(struct copy *copy, struct error *error)
{
    struct packing packing = {0};
    git_packbuilder *builder = NULL;
    int code = git_packbuilder_new(&builder, copy->source);
    if (code == 0)
        git_packbuilder_set_threads(builder, 1);
    for (size_t i = 0; code == 0 && i < copy->missing.count; i++)
        code = git_packbuilder_insert(builder, &copy->missing.items[i], NULL);
    if (code != 0) {
        git_packbuilder_free(builder);
        return lacks(copy->commit, error);
    }
    code = git_odb_write_pack(&packing.pack, copy->to, NULL, NULL);
    if (code == 0)
        code = git_packbuilder_foreach(builder, add_to_pack, &packing);
    if (code == 0)
        code = packing.pack->commit(packing.pack, &packing.progress);
    bool copied = code == 0 || git_failed(error, ERROR_IO, "cannot copy commit %.12s into the mirror", copy->commit);
    if (packing.pack)
        packing.pack->free(packing.pack);
    git_packbuilder_free(builder);
    return copied;
}

static bool copy_commit(struct copy *copy, const git_oid *id, struct error *error)
{
    git_commit *commit = NULL;
    if (git_odb_exists(copy->to, id))
        return true;
    if (git_commit_lookup(&commit, copy->source, id) != 0) {
        git_failed(error, ERROR_NOT_FOUND, "commit %.12s is not in the repository", copy->commit);
        return error_hint(error, "it may have been removed by a force push; deploy the branch again");
    }
    bool copied = collect_tree(copy, git_commit_tree_id(commit), 0, error);
    vec_push(&copy->missing, *id);
    git_commit_free(commit);
    return copied && (copy->missing.count <= LOOSE_MOST ? copy_loose(copy, error) : copy_pack(copy, error));
}

static bool set_ref(git_repository *mirror, const char *name, const git_oid *id, struct error *error)
{
    git_oid now;
    if (git_reference_name_to_id(&now, mirror, name) == 0 && git_oid_equal(&now, id))
        return true;
    return ref_set(mirror, name, id, false, NULL, "berth: pin") == 0 ||
           git_failed(error, ERROR_IO, "cannot set %s in the mirror", name);
}

/* refs/berth/pins/PIN, or NULL when that is no name for a ref. */
static const char *ref_of(struct arena *arena, const char *pin, struct error *error)
{
    const char *name = arena_printf(arena, PIN_PREFIX "%s", pin);
    int valid = 0;
    if (git_reference_name_is_valid(&valid, name) == 0 && valid)
        return name;
    error_set(error, ERROR_USAGE, "'%s' cannot be the name of a pin", pin);
    return NULL;
}

bool pin_commit(const struct provider_context *context, const char *repository, const char *commit, const char *pin,
                struct error *error)
{
    struct copy copy = {.context = context, .commit = commit};
    struct place mirror, source = PLACE_INIT;
    struct arena arena = {0};
    git_oid id;
    bool opened = place_mirror(context, repository, &mirror, error);
    const char *name = opened ? ref_of(&arena, pin, error) : NULL;
    if (name && git_oid_fromstr(&id, commit) != 0) {
        error_set(error, ERROR_USAGE, "'%s' is no full commit", commit);
        name = NULL;
    }
    bool pinned = name && (git_repository_odb(&copy.to, mirror.repository) == 0 ||
                           git_failed(error, ERROR_IO, "cannot open the mirror's objects"));
    if (pinned && !git_odb_exists(copy.to, &id)) {
        pinned = place_source(context, repository, &source, error) &&
                 (git_repository_odb(&copy.from, source.repository) == 0 ||
                  git_failed(error, ERROR_IO, "cannot open the objects of '%s'", repository));
        copy.source = source.repository;
        pinned = pinned && copy_commit(&copy, &id, error);
    }
    pinned = pinned && set_ref(mirror.repository, name, &id, error);
    vec_release(&copy.missing);
    map_release(&copy.walked);
    git_odb_free(copy.from);
    git_odb_free(copy.to);
    place_close(&source);
    place_close(&mirror);
    arena_release(&arena);
    return pinned;
}

bool pin_remove(const struct provider_context *context, const char *repository, const char *pin, struct error *error)
{
    struct place mirror;
    struct arena arena = {0};
    if (!place_mirror(context, repository, &mirror, error))
        return false;
    const char *name = ref_of(&arena, pin, error);
    bool removed = name && tidy_note_released(mirror.repository, error) &&
                   (ref_remove(mirror.repository, name) == 0 ||
                    git_failed(error, ERROR_IO, "cannot remove %s from the mirror", name));
    place_close(&mirror);
    arena_release(&arena);
    return removed;
}

/* What cannot be read is no commit: it names nothing that could be kept or go. */
static bool visit_pin(git_repository *mirror, const char *name, provider_visit_pin *visit, void *owner)
{
    char hex[GIT_OID_HEXSZ + 1];
    git_oid id;
    return git_reference_name_to_id(&id, mirror, name) != 0 ||
           visit(name + strlen(PIN_PREFIX), git_oid_tostr(hex, sizeof hex, &id), owner);
}

bool pin_list(const struct provider_context *context, const char *repository, provider_visit_pin *visit, void *owner,
              struct error *error)
{
    git_reference_iterator *each = NULL;
    struct place mirror;
    const char *name;
    bool listed = place_mirror(context, repository, &mirror, error);
    int code = listed ? git_reference_iterator_glob_new(&each, mirror.repository, PIN_PREFIX "*") : 0;
    while (listed && code == 0 && (code = git_reference_next_name(&name, each)) == 0)
        if (!visit_pin(mirror.repository, name, visit, owner))
            listed = error_set(error, ERROR_CANCELLED, "listing the pins of '%s' was stopped", repository);
    if (listed && code != GIT_ITEROVER)
        listed = git_failed(error, ERROR_IO, "cannot list the pins of '%s'", repository);
    git_reference_iterator_free(each);
    place_close(&mirror);
    return listed;
}

struct holding {
    const char *commit;
    bool holds;
};

static bool look_whether_held(const char *pin, const char *commit, void *owner)
{
    struct holding *holding = owner;
    (void)pin;
    holding->holds |= text_equal(commit, holding->commit);
    return true;
}

bool pin_holds(const struct provider_context *context, const char *repository, const char *commit, bool *holds,
               struct error *error)
{
    struct holding holding = {.commit = commit};
    bool looked = pin_list(context, repository, look_whether_held, &holding, error);
    *holds = looked && holding.holds;
    return looked;
}
