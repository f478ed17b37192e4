/* SPDX-License-Identifier: ISC */
/*
 * The capability executor: what a resource is made of, and how it is planned, applied, destroyed and looked at. A part of berth/provider.h, which says how all
 * provider code must behave. A task and what hangs on it is borrowed for the call; results are the caller's (plan_result_release, apply_result_release).
 */
#ifndef BERTH_PROVIDER_EXECUTOR_H
#define BERTH_PROVIDER_EXECUTOR_H

#include "berth/base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct apply_result;
struct arena;
struct plan_result;
struct provider_context;
struct provider_runner;
struct resource;
struct str;
struct wanted_resource;

/* what a plan, apply, destroy or observe is about */
struct executor_task {
    const struct wanted_resource *wanted; /* NULL: it should go away */
    const struct resource *recorded;      /* NULL: nothing is recorded */
    const json_t *spec;                   /* the executor's own keys, all $parts resolved; for destroy those recorded */
    const char *environment, *environment_id, *slug, *tier, *address;
    const char *tree; /* the exported commit's folder, absolute */
    const char *commit;
    const char *planned_spec_digest; /* apply, destroy: what the approved plan said */
    const char *artifact;            /* apply, destroy: as plan_result named it; NULL or "": none */
    const json_t *variables;         /* object: BERTH_… values for the tool's environment */
    int64_t
        earlier_ms; /* when the attempts before this one began, which may have left a lock: where its holder is proven dead it is not waited for. 0: none */
    const struct provider_runner *runner;
    const struct provider_context *runner_context;
};
enum executor_flag {
    EXECUTOR_REPLANS = 1 << 0, /* an interrupted apply is planned again instead of held */
    EXECUTOR_OBSERVES = 1 << 1,
    EXECUTOR_NO_STEPS = 1 << 2, /* only recorded and observed: external */
};
/* A lock that others hold on what an executor works on. All text in the arena; "" where the tool does not say. */
struct state_lock {
    const char *id, *who, *operation, *path, *version;
    int64_t since_ms; /* wall clock; 0: not known */
};
/* Why a lock may be released although it is not ours. */
struct lock_release {
    const struct state_lock *lock; /* as plan or apply told it; only exactly this one is released */
    bool asked;       /* a person named it; else it is released only when its holder is proven dead on this machine */
    int64_t since_ms; /* not asked: when the attempt that may have left it began; an older lock is somebody else's */
};
/* Who holds the lock of what an executor works on, and whether it would be released. */
struct lock_seen {
    struct state_lock lock;
    bool held,
        dead; /* dead: its holder is proven dead on this machine, and the lock was taken not before the instant asked for */
    const char *why; /* held and not dead: why that is not proven. In the arena. */
};
/* An operator's own command to the tool. */
struct executor_command {
    const char *const *words; /* behind the tool's name, NULL ends */
    bool
        rehearse; /* runs nothing: gets ready what it needs, logs what it takes, and says whether it would be refused */
    bool changes; /* it may change what is there: its parts are read anew behind it */
    int64_t exit_status; /* out; -1 not run */
    bool began;          /* out: the tool was started, however it ended */
    json_t *there;       /* out: list as apply_result.there, owned by the caller; NULL: not known */
};
/* What is there, beyond what a status says. */
struct executor_drift {
    json_t *
        changes; /* list as plan_result.changes: how what is there differs from what was applied; owned by the caller */
    json_t *inner; /* list as apply_result.inner; owned by the caller */
    const char *base;
};
struct provider_executor {
    unsigned flags;
    /* Is the spec usable (files exist in the tree, arguments sane)? Called when preparing. */
    bool (*check)(const struct provider_context *context, const struct executor_task *task, struct error *error);
    /* What would apply do. Changes nothing outside. `result` text in the arena, json new references. */
    bool (*plan)(const struct provider_context *context, const struct executor_task *task, struct arena *arena,
                 struct plan_result *result, struct error *error);
    bool (*apply)(const struct provider_context *context, const struct executor_task *task, struct arena *arena,
                  struct apply_result *result, struct error *error);
    bool (*destroy)(const struct provider_context *context, const struct executor_task *task, struct arena *arena,
                    struct apply_result *result, struct error *error);
    /* How is it doing now: fills status, status_reason, ready. */
    bool (*observe)(const struct provider_context *context, const struct executor_task *task, struct arena *arena,
                    struct resource *seen, struct error *error);
    /* The rest may be NULL. What plan, apply and destroy know when they fail (`inner`, `lock`) is in their result all the same. */
    /* How what is there differs from what was applied, and its inner parts. Changes nothing, takes as long as a plan. */
    bool (*drift)(const struct provider_context *context, const struct executor_task *task, struct arena *arena,
                  struct executor_drift *drift, struct error *error);
    /* The value of one output, read now from where the tool keeps it: the only way to a sensitive one, which is never stored. Appended to `value`, known to the
     * redactor before it returns. `task` is about the resource that gives it. ERROR_NOT_FOUND: there is none of that name. */
    bool (*output)(const struct provider_context *context, const struct executor_task *task, const char *name,
                   struct str *value, struct error *error);
    /* Releases a lock that nobody will release any more. ERROR_CONFLICT: it is not proven that nobody does, or the lock is another. */
    bool (*unlock)(const struct provider_context *context, const struct executor_task *task,
                   const struct lock_release *release, struct error *error);
    /* Who holds the lock now; it is looked at by taking it for a moment. `since_ms`: when the last attempt began that may have left it. ERROR_UNSUPPORTED:
     * it is of a kind that ends with its holder. */
    bool (*look_at_lock)(const struct provider_context *context, const struct executor_task *task, int64_t since_ms,
                         struct arena *arena, struct lock_seen *seen, struct error *error);
    /* Runs the executor's tool with an operator's own words in the resource's folder and on its state; what it says goes to the log, all that is sensitive there
     * blotted out. True whenever it ran to an end, whatever its exit status. Once rehearsed in the same run, the log holds nothing but the tool's words.
     * ERROR_DENIED: it would print what may be printed nowhere. Who asks has seen to policy: it may change anything. */
    bool (*command)(const struct provider_context *context, const struct executor_task *task,
                    struct executor_command *command, struct error *error);
};

#endif
