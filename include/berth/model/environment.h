/* SPDX-License-Identifier: ISC */
/*
 * Rows that say what is there: environments, their templates, groups, resources, entrypoints, releases, recipes, and the
 * branches and repositories they come from. Conventions of record.h: text borrowed, JSON canonical, times in ms.
 */
#ifndef BERTH_MODEL_ENVIRONMENT_H
#define BERTH_MODEL_ENVIRONMENT_H

#include "berth/model/record.h"
#include "berth/model/words.h"

struct environment {
    const char *id;                 /* ULID; never reused, a destroyed environment keeps its row */
    const char *name;               /* "review/feature-x"; unique among those not destroyed */
    const char *slug;               /* unique, stored, never recomputed */
    int tier;                       /* enum tier */
    const char *entry;              /* the name of the berth.yaml entry that made it, as written there */
    const char *description, *tags; /* JSON list */
    const char *owner, *managed_by;
    const char *repository, *branch; /* branch name, "" when no branch owns it */
    const char *target, *deployment;
    const char *inputs;        /* JSON object, of the command that made it */
    int status;                /* enum environment_status */
    unsigned marks;            /* enum environment_mark */
    const char *status_reason; /* the cause line */
    bool permanent, is_protected;
    int64_t created_at, deployed_at, destroyed_at, planned_destruction_at;
    int64_t ends_at; /* the earlier of its life's end and, once its branch is gone, the end of the grace; 0: neither */
    const char *ends_why; /* which of the two, and what was seen */
    int64_t extensions;   /* of its life, used */
    int64_t extended_ms;  /* of its life, by all of them together */
    int64_t given_until;  /* the end that a deploy's --ttl gave, with what it was extended since; 0: none did */
    int64_t used_at; /* when a person last used it through berth, or a run deployed it; 0: not since this is recorded */
    const char *used_by;  /* "deploy by alice", "run 17" */
    int64_t release;      /* current vN, 0: none */
    const char *commit;   /* of the current release */
    const char *lock_run; /* the run that holds the environment's lock, or "" */
    int64_t lock_since;
    const char *excluded_commit; /* not deployed by itself after a rollback */
    const char *entrypoint;      /* the first one's URL, for lists */
    int64_t observed_at;         /* quiet */
    const char *observed_by;
    int64_t revision;
};
/* When it ends by itself, 0 never: also before the cleaner has looked at it. */
static inline int64_t environment_ends_at(const struct environment *environment)
{
    if (environment->status == ENVIRONMENT_DESTROYED)
        return 0;
    return environment->ends_at != 0 ? environment->ends_at : environment->planned_destruction_at;
}
/* How its end stands, the same in every list. */
enum life_end {
    LIFE_ENDS_NEVER, /* nothing says that it ends */
    LIFE_PERMANENT,
    LIFE_GOES_ON, /* until environment_ends_at */
    LIFE_OVER,    /* that instant has passed, and it is still there */
    LIFE_ASKED    /* the cleaner asks whether it shall go */
};
extern const char *const life_end_names[]; /* "-", "permanent", "", "ended", "asks !" */
enum life_end environment_life_end(const struct environment *environment, bool is_asked, int64_t now_ms);
/* many to many */
struct environment_template {
    const char *id; /* ENVIRONMENT/TEMPLATE */
    const char *environment, *template, *version, *commit, *repository;
    int64_t revision;
};
/* a template as some commit has it */
struct template_row {
    const char *id; /* REPOSITORY/NAME@COMMIT */
    const char *name, *version, *repository, *commit, *description;
    const char *tags, *parameters, *graph, *groups, *resources, *actions; /* JSON; graph: {"server": ["infra"], …} */
    int64_t revision;
};
/* may span templates */
struct resource_group {
    const char *id; /* ENVIRONMENT/NAME */
    const char *environment, *name, *description;
    const char *tags, *needs, *graph, *members; /* JSON; members: [{"template":…,"name":…}] */
    int64_t revision;
};
#define RESOURCE_INNER "//" /* between a resource's address and the name of an inner part */
struct resource {
    const char *id; /* ENVIRONMENT/ADDRESS */
    const char *environment;
    const char
        *address; /* "server", "server[1]" where count is used, "TEMPLATE:server" where two templates have the name;
                     "infra//terraform_data.a[0]" of an inner part, whose name is what its executor calls it */
    const char *template, *template_version, *name;
    int64_t item, count; /* index of count and count as applied */
    const char *
        parent; /* address of the resource it is an inner part of, or "": an inner part is only seen, never planned or destroyed by itself */
    const char *executor, *kind, *group, *target, *description, *contact;
    const char *runner, *pool;                /* how it is worked on, also when it vanished from its template */
    int64_t timeout_ms, attempts, backoff_ms; /* as in wanted_resource */
    bool repeatable, replans;
    int status; /* enum resource_status */
    const char *status_reason;
    const char *ready;                /* "2/3", or "" */
    const char *links, *tags, *needs; /* JSON; needs: list of addresses */
    bool external, data;
    const char *shared_environment, *shared_resource; /* whose it is, when it is another environment's */
    const char *spec;                                 /* JSON as applied (no secret: placeholders stay) */
    const char *spec_digest;                          /* of what was applied, inputs included */
    const char *sources; /* JSON: repository and commit that applied it; its undo runs from there */
    const char *outputs; /* JSON object, none sensitive */
    const char
        *sensitive;     /* JSON object NAME: "hmac:…" of the others; their values are asked for where they are used */
    const char *probes; /* JSON list, expanded */
    const char *applied_run;
    int64_t position; /* order of first apply in the environment; destroyed in reverse */
    int64_t created_at, applied_at;
    int64_t observed_at; /* quiet */
    const char *observed_by;
    int64_t revision;
};
/* How an address is called beside a resource: an inner part's neighbours by their own name. Borrowed. */
const char *resource_name_within(const struct resource *resource, const char *address);
struct entrypoint {
    const char *id; /* ENVIRONMENT/KIND/NAME */
    const char *environment, *template, *name, *url;
    const char *kind; /* entrypoint, status_endpoint, link */
    int status;       /* enum resource_status */
    const char *status_reason;
    int64_t observed_at;
    int64_t revision;
};
struct release {
    const char *id; /* ENVIRONMENT/vN */
    const char *environment;
    int64_t version;
    const char *run, *commit;
    const char *sources, *inputs, *images, *templates, *resources; /* JSON */
    bool validated;
    const char *verdict; /* good, rolled back, … */
    int64_t created_at;
    const char *
        settings; /* as a run's: what it deployed, whatever berth.yaml says today; "" when it was made before they were kept */
    int64_t revision;
};
/* Whether two `settings` may be the same: "" is not known, as are templates that one of them does not name, and is no difference. */
bool settings_agree(const char *one, const char *other);
/* what re-creates a destroyed environment */
struct recipe {
    const char *id; /* the environment's */
    const char *name, *entry, *sources, *inputs, *templates, *reason, *run;
    int64_t destroyed_at, kept_until;
    int64_t revision;
};
struct repository {
    const char *id; /* its name in berth.yaml */
    const char *provider, *url, *default_branch;
    const char *error; /* why the last listing failed or was partial, or "" */
    bool complete;     /* the last listing was whole */
    bool listed;       /* a first whole listing is in the store: triggers count from then on */
    int64_t listed_at; /* quiet */
    int64_t branches;
    int64_t revision;
};
/* Only then what its last listing misses is missing: an empty or partial one proves nothing. */
static inline bool repository_is_whole(const struct repository *repository)
{
    return repository->complete && repository->listed && repository->branches > 0;
}
#define BRANCH_GONE_MISSES 2 /* so many whole listings must miss a branch */
struct branch {
    const char *id; /* REPOSITORY:NAME */
    const char *repository, *name, *commit;
    const char *subject, *author, *author_email;
    int64_t committed_at;
    int64_t pushed_at; /* when berth first saw this commit there */
    int64_t ahead,
        behind; /* of the default branch; -1: not known (plain git does not count: a walk for each of 100,000 is dearer than the listing) */
    bool is_default;
    int64_t misses, gone_at;                 /* whole listings without it; set at BRANCH_GONE_MISSES */
    int64_t pull_request;                    /* 0: none */
    const char *pull_request_state, *checks; /* "" without a forge */
    int64_t revision;
};
/* one row an observer and thing looked at: freshness */
struct sweep {
    const char *id; /* PROVIDER/WHAT */
    const char *provider, *what, *error;
    bool complete;
    int64_t at, took_ms, count, failures, next_at; /* quiet */
    int64_t revision;
};
/* the policy in force: the text of the trusted ref */
struct policy_row {
    const char *id; /* "berth.yaml" */
    const char *repository, *ref, *commit, *path, *text;
    const char *error; /* why a newer text was not taken, or "" */
    int64_t loaded_at;
    int64_t revision;
};

/* Tables and the indexes that store_query.index names (each orders by its last column, then by id):
 *   environments           name (name, created_at) · slug (slug, created_at) · status (status, name) · branch (repository, branch, name)
 *   environment_templates  environment (environment, template) · template (template, environment)
 *   templates              name (name, repository, commit)
 *   resource_groups        environment (environment, name)
 *   resources              environment (environment, position) · status (status, environment) · shared (shared_environment, shared_resource)
 *   entrypoints            environment (environment, kind, name)
 *   releases               environment (environment, version)
 *   recipes                name (name, destroyed_at) · kept (kept_until)
 *   branches               repository (repository, committed_at)
 *   repositories, sweeps, policies   none: few rows, by id */
extern const struct record_type environment_type, environment_template_type, template_type, resource_group_type,
    resource_type, entrypoint_type, release_type, recipe_type, repository_type, branch_type, sweep_type, policy_type;

#endif
