/* SPDX-License-Identifier: ISC */
/* Listing branches: refs from files, facts from commits; what is known already is not read again. */
#include "provider/git/list.h"

#include "berth/base/text.h"
#include "provider/git/audit.h"
#include "provider/git/commit.h"
#include "provider/git/place.h"
#include "provider/git/refs.h"

#include <stdlib.h>

#define STOP_EVERY 256 /* branches between two looks at the deadline */

struct listing {
    const struct provider_context *context;
    const char *repository, *default_branch;
    const struct map *known;
    bool (*visit)(const struct branch *branch, void *owner);
    void *owner;
    git_odb *objects;
    struct commit_facts facts;
    struct str id, name;
    size_t count;
    bool refused; /* by visit */
    bool unread;  /* a commit could not be read: facts are missing, not branches */
    struct error *error;
};

bool list_read_commit(git_odb *objects, const char *commit, struct commit_facts *facts)
{
    git_oid id;
    git_odb_object *object = NULL;
    if (git_oid_fromstr(&id, commit) != 0 || git_odb_read(&object, objects, &id) != 0)
        return false;
    bool is_commit = git_odb_object_type(object) == GIT_OBJECT_COMMIT;
    if (is_commit)
        commit_parse(facts, git_odb_object_data(object), git_odb_object_size(object));
    git_odb_object_free(object);
    return is_commit;
}

/* A name as rows hold it: valid UTF-8. Git allows no backslash in a name, so an escaped one is never taken for another. */
void list_name(struct str *out, const char *name)
{
    unsigned char all = 0;
    size_t length = 0;
    for (; name[length]; length++)
        all |= (unsigned char)name[length];
    str_clear(out);
    if (all < 0x80)
        str_add_bytes(out, name, length);
    else
        commit_text(out, name, length, NULL);
}

static bool time_is_over(struct listing *listing)
{
    if (listing->count++ % STOP_EVERY != 0)
        return false;
    if (provider_stopped(listing->context)) {
        error_set(listing->error, ERROR_CANCELLED, "listing the branches of '%s' was cancelled", listing->repository);
        return true;
    }
    if (provider_left_ms(listing->context) > 0)
        return false;
    error_set(listing->error, ERROR_TIMEOUT, "listing the branches of '%s' took too long", listing->repository);
    error_detail(listing->error, "%zu branches were listed", listing->count - 1);
    error_hint(listing->error, "it is tried again; git pack-refs --all makes it faster");
    return true;
}

static void fill_facts(struct listing *listing, const char *commit, struct branch *branch)
{
    if (list_read_commit(listing->objects, commit, &listing->facts)) {
        branch->subject = listing->facts.subject.data;
        branch->author = listing->facts.author.data;
        branch->author_email = listing->facts.author_email.data;
        branch->committed_at = listing->facts.committed_at;
    } else {
        listing->unread = true;
        branch->subject = "(its commit cannot be read)";
    }
}

static bool visit_ref(const struct ref *ref, void *owner)
{
    struct listing *listing = owner;
    if (time_is_over(listing))
        return false;
    list_name(&listing->name, ref->name);
    if (audit_is_kept_in(listing->context->config, listing->repository, listing->name.data))
        return true; /* a run that ended is no push */
    str_cut(&listing->id, strlen(listing->repository) + 1);
    str_add_bytes(&listing->id, listing->name.data, listing->name.length);
    struct branch branch = {
        .id = listing->id.data,
        .repository = listing->repository,
        .name = listing->name.data,
        .commit = ref->commit,
        .ahead = -1,
        .behind = -1,
        .is_default = text_equal(listing->name.data, listing->default_branch),
    };
    const char *known = listing->known ? map_get(listing->known, listing->name.data) : NULL;
    if (!known || memcmp(known, ref->commit, sizeof ref->commit) != 0)
        fill_facts(listing, ref->commit, &branch);
    if (listing->visit(&branch, listing->owner))
        return true;
    listing->refused = true;
    error_set(listing->error, ERROR_CANCELLED, "listing the branches of '%s' was stopped", listing->repository);
    return false;
}

static bool list_all(struct listing *listing, git_repository *source, bool *complete, struct error *error)
{
    struct refs refs;
    bool listed = refs_read(&refs, git_repository_commondir(source), error);
    if (listed && git_repository_odb(&listing->objects, source) != 0)
        listed = git_failed(error, ERROR_IO, "cannot open the objects of '%s'", listing->repository);
    listed = listed && refs_each(&refs, visit_ref, listing);
    *complete = listed && refs.broken == 0;
    if (listed && refs.broken > 0)
        provider_log(listing->context, "%zu refs of '%s' cannot be read: the listing is partial", refs.broken,
                     listing->repository);
    git_odb_free(listing->objects);
    refs_release(&refs);
    return listed;
}

bool list_branches(const struct provider_context *context, const char *repository, const struct map *known,
                   bool (*visit)(const struct branch *branch, void *owner), void *owner, bool *complete,
                   const char **default_branch, struct arena *arena, struct error *error)
{
    struct error unwanted;
    struct listing listing = {.context = context,
                              .repository = repository,
                              .known = known,
                              .visit = visit,
                              .owner = owner,
                              .id = STR_INIT,
                              .name = STR_INIT,
                              .error = error ? error : &unwanted};
    struct place source;
    *complete = false;
    if (!place_source(context, repository, &source, error))
        return false;
    *default_branch = listing.default_branch = place_default_branch(source.repository, arena);
    str_addf(&listing.id, "%s:", repository);
    commit_facts_init(&listing.facts);
    bool listed = list_all(&listing, source.repository, complete, listing.error);
    commit_facts_release(&listing.facts);
    str_release(&listing.id);
    str_release(&listing.name);
    place_close(&source);
    return listed;
}
