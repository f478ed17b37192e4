/* SPDX-License-Identifier: ISC */
/*
 * What passes between the engine (rows) and a worker (work): the spec of a step and its result, as typed structs with
 * one JSON form each. The engine writes specs and reads results; the worker does the reverse. Text is borrowed
 * from the arena given.
 *
 * Values that hold a secret or another resource's output are not text but {"$parts": ["pre", {"path": "resource.db.outputs.url"}, "post"]}:
 * parts are resolved once, in the worker, and what they resolve to is never looked at again for placeholders.
 */
#ifndef BERTH_MODEL_RESULT_H
#define BERTH_MODEL_RESULT_H

#include "berth/base/memory.h"
#include "berth/model/words.h"

#include <jansson.h>

/* of a run: one a repository */
struct source {
    const char *repository, *ref, *commit;
};

/* A resource as the templates want it, counted and expanded. */
struct wanted_resource {
    const char *address, *template, *template_version, *name;
    int64_t item, count;
    const char *executor, *runner, *target, *pool, *group, *description, *contact;
    json_t *needs;                           /* list of addresses */
    json_t *spec;                            /* the executor's own keys, with $parts */
    json_t *probes, *links, *tags, *outputs; /* lists */
    bool external, data;
    const char *shared_environment, *shared_resource;
    int64_t timeout_ms, attempts, backoff_ms; /* attempts at least 1 */
    bool repeatable;                          /* `retries` declared and not `never` */
    bool replans;           /* its executor plans again after an interruption instead of asking (set when preparing) */
    const char *phase_hint; /* at: seed | wipe | validate, or "" */
};

/* Specs of steps, written by the engine (a worker also gets the run, the environment's row and known outputs, see the agent's task.h):
 *   prepare   none: the run's columns say which environment, ref, commit and inputs
 *   plan      {"wanted": {…}|null, "recorded": {…}|null}: wanted_resource as prepare returned it (with members the engine does not know, such
 *             as "replans": true of an executor that plans again after an interruption instead of asking), the resource's row
 *   apply, destroy   the same and "planned" (an action's name; "deferred": plan again first, end with ERROR_WAITING and the plan_result as body
 *             when it would replace or destroy; an executor that replans does the same, at a second attempt or where the saved plan does not
 *             fit any more, when a change is none of those approved), "planned_spec_digest", "artifact"
 *   check     {"check": {…}} as the template says it
 * A run keeps in `wanted` what prepare returned without the resources that have steps: checks, entrypoints, links, status_endpoints,
 * templates (name, version, repository, commit) and "foreign", the wanted resources that are only observed or another environment's. */

/* Result of a prepare step. */
struct prepare_result {
    const char *environment_name, *slug_wish, *description, *deployment;
    json_t *environment_tags;
    VEC(struct source) sources;
    const char *commit, *subject, *author, *author_email, *committer_email;
    json_t *templates; /* list of template rows' JSON */
    json_t *groups;    /* list of group rows' JSON, `environment` empty */
    VEC(struct wanted_resource) wanted;
    json_t *checks, *entrypoints, *links, *status_endpoints; /* lists, expanded, with $parts */
    json_t *
        settings; /* every value that was used, and of which templates: {"inputs": {NAME: text}, "parameters": {TEMPLATE: {NAME: text}}, "templates": [NAME]}; none holds a secret */
};
/* Result of a plan step.
 *
 * A change is {"path","before","after","sensitive","action"}: of one value, or of an inner part of the resource (`path` is its address), which adds
 * "kind" and "attributes", a list of {"path","before","after","sensitive","unknown","forces"} in order, and where they apply "reason", "was" (the address it
 * moves from), "deposed", "imports". Actions: create, update, replace, destroy, read, forget, move, import. Values are JSON; null: none. A sensitive value is
 * never there, but a keyed fingerprint of it ("hmac:…": equal values of one path are equal); one that will be known after apply is null with
 * "unknown" true; "forces" says that this makes it replace the part. The list is in an order that depends on nothing but the plan. */
struct plan_result {
    enum plan_action action;
    const char *summary, *reason, *text, *artifact;
    json_t *changes;         /* list, see above */
    const char *spec_digest; /* of what would be applied; "" when deferred */
    json_t *
        outputs; /* object NAME: {"value": text} as it is known before apply, {"unknown": true}, or {"sensitive": "hmac:…"} */
    json_t *drift; /* list of changes made outside since the last apply, as `changes` */
    json_t *
        inner; /* list as apply_result.there: the parts that will be there; "waiting": something is to be done to it, "ok": it is there as it should be */
    json_t *lock; /* {"id","who","since","operation","path"} of the lock it failed on */
    const char *
        base; /* what it was planned on: differs when what is there was changed meanwhile (terraform: lineage and serial); "" not known */
};
/* Result of an apply, destroy or check step. Of one that failed too where the tool said it. */
struct apply_result {
    json_t *outputs;   /* object, none sensitive */
    json_t *sensitive; /* object NAME: "hmac:…", the sensitive outputs; their value is asked for when it is used */
    json_t *links;     /* list */
    json_t *
        inner; /* list of {"address","kind","status","text","needs"}: parts that were worked on; status as of a resource */
    json_t *there; /* list as `inner`: every part that there is now, worked on or not; NULL: not known */
    json_t *lock;  /* as in plan_result */
    const char *spec_digest, *kind, *ready, *base;
    int64_t exit_status; /* of the tool, -1 none */
};
/* Drop the references to JSON that plan and apply made. Not of results that were read with *_from_json, which borrow. */
void plan_result_release(struct plan_result *result);
void apply_result_release(struct apply_result *result);
/* How a step ended, whatever its phase: the one message a worker sends at the end. */
struct step_result {
    const char *step, *token;
    int64_t epoch;
    enum step_status status; /* done, failed, cancelled, interrupted */
    struct error error;      /* when not done */
    json_t *body;            /* the phase's result as JSON, or NULL */
    int64_t log_bytes;
};

/* JSON forms. The *_to_json give a new reference; the *_from_json borrow json_t members from `json` (keep it alive); text and the items of
 * vectors live in the arena (no vec_release). */
json_t *wanted_to_json(const struct wanted_resource *wanted) BERTH_MUST_CHECK;
bool wanted_from_json(const json_t *json, struct arena *arena, struct wanted_resource *wanted,
                      struct error *error) BERTH_MUST_CHECK;
json_t *prepare_result_to_json(const struct prepare_result *result) BERTH_MUST_CHECK;
bool prepare_result_from_json(const json_t *json, struct arena *arena, struct prepare_result *result,
                              struct error *error) BERTH_MUST_CHECK;
json_t *plan_result_to_json(const struct plan_result *result) BERTH_MUST_CHECK;
bool plan_result_from_json(const json_t *json, struct arena *arena, struct plan_result *result,
                           struct error *error) BERTH_MUST_CHECK;
json_t *apply_result_to_json(const struct apply_result *result) BERTH_MUST_CHECK;
bool apply_result_from_json(const json_t *json, struct arena *arena, struct apply_result *result,
                            struct error *error) BERTH_MUST_CHECK;
json_t *step_result_to_json(const struct step_result *result) BERTH_MUST_CHECK;
bool step_result_from_json(const json_t *json, struct arena *arena, struct step_result *result,
                           struct error *error) BERTH_MUST_CHECK;

#endif
