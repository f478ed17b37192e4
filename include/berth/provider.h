/* SPDX-License-Identifier: ISC */
/*
 * The provider layer: how berthd's workers, observers and notifiers talk to the outside. A provider is one folder below src/provider/ and one line in
 * the registry; it declares which capabilities it has, each a small const table of functions.
 *
 * Provider code is plain, blocking and short. It runs in a worker, an observer or a notifier, never in the supervisor or the dashboard;
 * it may hang, crash or be killed and nothing is lost. Duties of every function: look at provider_stopped between things that take long; give up by the
 * context's deadline; log through provider_log (the log is redacted there and nowhere else); return false with an error that says what was
 * tried, what came back and what to do; never print; never keep state between calls but in what `open` returned.
 *
 * Wrappers (trace, fault, replay) work over any provider: the functions are only ever called through provider_* below, which count
 * provider.call fault points and trace.
 */
#ifndef BERTH_PROVIDER_H
#define BERTH_PROVIDER_H

#include "berth/base/memory.h"
#include "berth/base/str.h"
#include "berth/model/environment.h"
#include "berth/model/result.h"
#include "berth/provider/executor.h"

#include <jansson.h>
#include <stdint.h>
struct config;
struct config_entry;
struct config_section;
struct inner_progress;
struct redactor;
struct run_log;
struct delivery;
struct http_client;
struct process;

/* --- the context of one call ------------------------------------------------------------------------------------- */
struct provider_context {
    const struct config *config;          /* the trusted policy */
    const struct config_section *section; /* of this repository, target, runner, store or receiver; NULL: none needed */
    const char *store_folder, *run_folder; /* run_folder: 0700, removed when the run ends; "" outside a run */
    const char *run;                       /* its number as text; NULL or "" outside a run */
    const char *token;                     /* of the attempt; marks tools (BERTH_STEP_TOKEN=…) */
    int64_t deadline_ms;                   /* time_monotonic_ms at which to give up, 0: none */
    int stop_fd;                           /* readable when the call should end early (cancel, shutdown); -1: none */
    struct run_log *log;                   /* the step's (store_log.h), or NULL: none */
    struct redactor *redactor;             /* knows every secret resolved in this process; may be NULL */
    struct http_client *http; /* connections and circuit breakers of this process; NULL: one for the call alone */
    void (*progress)(const struct provider_context *context, int percent,
                     const char *text); /* may be NULL; percent -1: unknown */
    /* How one inner part of the resource comes along; may be NULL. Its texts are redacted and borrowed for the call. */
    void (*inner)(const struct provider_context *context, const struct inner_progress *inner);
    /* It waits for what somebody else holds, `reason` says for what and who: shown at the step until it ends or that is "". May be NULL; as often as wanted. */
    void (*waits)(const struct provider_context *context, const char *reason);
    /* A runner started a tool here: whoever ends the tools of a dead worker has to know its session. May be NULL. */
    void (*tool_started)(const struct provider_context *context, const struct process *tool);
    void *owner; /* for progress, inner, waits and tool_started */
};
struct inner_progress {
    const char *address, *kind, *text; /* as the tool names it: "terraform_data.a[0]", "terraform_data" */
    enum resource_status status;       /* creating, updating, destroying, ok, gone, failed */
    int64_t elapsed_ms;                /* of this part, as the tool says; -1: not known */
};
bool provider_stopped(const struct provider_context *context);
/* Milliseconds left until the deadline (INT_MAX when none), 0: over. */
int provider_left_ms(const struct provider_context *context);
/* Appends a line to the step's log, redacted. */
void provider_log(const struct provider_context *context, const char *format, ...) BERTH_PRINTF(2, 3);

/* What HTTP providers share in a process: connections, and a circuit breaker for each host. */
struct http_client *http_client_new(void) BERTH_MUST_CHECK;
void http_client_free(struct http_client *client);

/* --- redaction: values that may appear nowhere, whole, split over reads, in base64, JSON-escaped and URL-encoded form ---------------- */
struct redactor *redactor_new(void) BERTH_MUST_CHECK;
void redactor_free(struct redactor *redactor);
/* Values shorter than 4 bytes are not redacted (they would blot out everything); the caller warns. */
void redactor_add(struct redactor *redactor, const char *value, size_t length);
size_t redactor_count(const struct redactor *redactor);
/* A stream: keeps back what may be the beginning of a secret until more comes or redact_finish. `stream` starts zeroed. */
struct redact_stream {
    struct str held;
    size_t covered; /* how many of its first bytes belong to a secret that was replaced already */
};
void redact_bytes(const struct redactor *redactor, struct redact_stream *stream, const char *bytes, size_t count,
                  struct str *out);
void redact_finish(const struct redactor *redactor, struct redact_stream *stream, struct str *out);
/* A whole text at once. */
void redact_text(const struct redactor *redactor, const char *text, struct str *out);

/* --- branches ---------------------------------------------------------------------------------------------------- */
typedef bool provider_visit_pin(const char *pin, const char *commit, void *owner); /* borrowed; false stops */
typedef bool provider_visit_mirror(const char *repository, void *owner);           /* the same */
struct provider_branches {
    /* Lists every branch: `visit` gets rows (id, repository filled; text borrowed). `*complete` false: the listing is
     * partial and proves nothing about what is missing. An empty repository is complete with no rows. Return false from
     * visit stops with ERROR_CANCELLED. `known` (may be NULL) holds name -> commit (const char *) of an earlier listing: a
     * branch that is still at its known commit is visited with id, repository, name, commit and is_default alone (subject NULL). */
    bool (*list)(const struct provider_context *context, const char *repository, const struct map *known,
                 bool (*visit)(const struct branch *branch, void *owner), void *owner, bool *complete,
                 const char **default_branch, struct arena *arena, struct error *error);
    /* Cheap: a text that differs when any ref may have changed; and a descriptor that becomes readable then (-1: poll).
     * `*fd` is -1 in the first call; the caller keeps it, gives it to the next calls (they drain it and watch what is new) and
     * closes it at the end. The repository is the one of the context's section; of a URL this fetches. */
    bool (*follow)(const struct provider_context *context, struct str *state, int *fd, struct error *error);
    /* A branch, tag, commit (full or unambiguous prefix) or "" (default branch) to a commit of this repository. `kind`: branch, tag, commit. */
    bool (*resolve)(const struct provider_context *context, const char *repository, const char *ref,
                    struct arena *arena, const char **commit, const char **kind, const char **branch,
                    struct error *error);
    /* Whether a commit (full) is the head of a branch or one of its ancestors. An error when that cannot be known: no such branch, a shallow clone. */
    bool (*contains)(const struct provider_context *context, const char *repository, const char *branch,
                     const char *commit, bool *yes, struct error *error);
    /* Copies the commit's objects into berth's own mirror and pins them as refs/berth/pins/PIN. Idempotent. */
    bool (*pin)(const struct provider_context *context, const char *repository, const char *commit, const char *pin,
                struct error *error);
    bool (*unpin)(const struct provider_context *context, const char *repository, const char *pin, struct error *error);
    /* What it keeps in the store's folder between calls, for whoever looks after that (all four, or NULL: it keeps nothing). Each repository of which there is
     * something, its policy's or not; each pin of one (ERROR_CANCELLED when visit stops). The context needs no section. */
    bool (*mirrors)(const struct provider_context *context, provider_visit_mirror *visit, void *owner,
                    struct error *error);
    bool (*pins)(const struct provider_context *context, const char *repository, provider_visit_pin *visit, void *owner,
                 struct error *error);
    /* Keeps a mirror small: lets go of what no ref of it needs, packs what is many; only when it is worth it, and never while another process reads or writes
     * it. `held` (NULL ends it): commits that stay too, for a pin held them when it was judged what is needed, wherever that pin is by now. Says in `done` what it did ("": nothing). ERROR_UNSUPPORTED: this machine lacks what that takes. */
    bool (*tidy)(const struct provider_context *context, const char *repository, const char *const *held,
                 struct str *done, struct error *error);
    /* Takes a mirror away that has no pin, and that nobody uses at the moment; else it stays. */
    bool (*forget)(const struct provider_context *context, const char *repository, struct str *done,
                   struct error *error);
    /* From the mirror: a commit's facts; a file's bytes (ERROR_NOT_FOUND; ERROR_LIMIT over `limit`); the whole tree into a folder that does not exist yet
     * (through a temporary name and rename, so that it is there whole or not at all). No submodules, no filters, no hooks; symlinks that leave the tree are refused. */
    bool (*describe)(const struct provider_context *context, const char *repository, const char *commit,
                     struct arena *arena, struct branch *facts, const char **committer_email, struct error *error);
    bool (*read)(const struct provider_context *context, const char *repository, const char *commit, const char *path,
                 size_t limit, struct str *out, struct error *error);
    bool (*export)(const struct provider_context *context, const char *repository, const char *commit,
                   const char *folder, struct error *error);
};

/* --- runner: where a tool runs -------------------------------------------------------------------------------------- */
struct runner_job {
    const char *const *argv;
    const char *folder; /* below the tree */
    const json_t
        *environment; /* object NAME: text, added to a small clean environment (PATH, HOME, LANG, TMPDIR, USER) */
    const char
        *outputs_file;  /* absolute path told to the tool as BERTH_OUTPUTS: lines KEY=VALUE or a JSON object; or NULL */
    int64_t timeout_ms; /* 0: the context's deadline alone */
    int64_t grace_ms;   /* between SIGINT and SIGTERM when it is stopped; 0: 10 s */
    /* Where its standard output goes instead of the log, at most one of two. Both get the bytes as they are, secrets and all: never store them. */
    struct str *output;  /* the whole, appended; more than output_limit bytes end it with ERROR_LIMIT */
    size_t output_limit; /* the tool's error output still goes to the log */
    void (*line)(const char *line, size_t length,
                 void *owner); /* each line of standard and error output, without its end;
                                                                   one over RUNNER_LINE_LIMIT comes cut */
    void *owner;               /* for line */
};
#define RUNNER_LINE_LIMIT ((size_t)1 << 20)
struct runner_outcome {
    int64_t exit_status; /* 128+signal when killed by one; -1 not started */
    bool timed_out, cancelled;
    char last_line[256]; /* the last line it wrote that is not blank, redacted and made visible; for messages */
};
struct provider_runner {
    /* Runs it to its end, streams its output to the log (redacted), stops it (SIGINT, grace, SIGTERM, SIGKILL, then all of its session and every process with
     * the token) when cancelled or timed out. True whenever it ran, whatever its exit status. What it detached with setsid after success stays. */
    bool (*run)(const struct provider_context *context, const struct runner_job *job, struct runner_outcome *outcome,
                struct error *error);
};

/* --- the small ones --------------------------------------------------------------------------------------------------- */
struct provider_secrets {
    /* The value of a key ("" = the whole), appended to `value`. The caller adds it to the redactor before anything else. */
    bool (*resolve)(const struct provider_context *context, const char *key, struct str *value, struct error *error);
};
struct provider_probe {
    /* `spec` is one item of `probes`, expanded. Fills status (ok, degraded, failed, unknown), reason and, when known, ready. A probe that cannot be made is
     * `unknown` with a reason, and true. */
    bool (*look)(const struct provider_context *context, const json_t *spec, struct arena *arena, struct resource *seen,
                 struct error *error);
};
struct provider_notify {
    /* Delivers one outbox row. The context's section is the receiver's; of a receiver that keeps records (config_notify.ref) its repository's. False with retry set: try again later. `key` makes a repeat harmless (sent as Idempotency-Key). */
    bool (*deliver)(const struct provider_context *context, const struct delivery *delivery, const char *key,
                    struct error *error);
};

struct provider_artifacts {
    /* Keeps bytes under a name (letters, digits, '-', '.') of a run, whole or not at all; replaces. They are sealed already. */
    bool (*put)(const struct provider_context *context, const char *run, const char *name, const void *bytes,
                size_t count, struct error *error);
    /* Appends them. ERROR_NOT_FOUND, ERROR_LIMIT over `limit`. */
    bool (*get)(const struct provider_context *context, const char *run, const char *name, size_t limit,
                struct str *bytes, struct error *error);
    /* Removes all of a run; none is fine. */
    bool (*remove)(const struct provider_context *context, const char *run, struct error *error);
};
/* What executors use: sealed with the workspace's key (AES-256-GCM, a nonce for each), kept where `artifacts` of the policy says, else in the run's folder.
 * `about` says what it belongs to: only who says the same can open it again. A changed byte is ERROR_CORRUPT. Needs `run`. */
bool artifact_keep(const struct provider_context *context, const char *name, const char *about, const void *bytes,
                   size_t count, struct error *error) BERTH_MUST_CHECK;
bool artifact_fetch(const struct provider_context *context, const char *name, const char *about, struct str *bytes,
                    struct error *error) BERTH_MUST_CHECK;
/* Removes what a run kept. Whoever ends a run calls it; what lies in the run's folder goes with that anyhow. */
bool artifacts_forget(const struct provider_context *context, const char *run, struct error *error) BERTH_MUST_CHECK;

/* --- registry ------------------------------------------------------------------------------------------------------------ */
struct provider_wrapper; /* of provider_traced */
struct provider {
    const char *name;
    const struct provider_branches *branches; /* NULL: has not that capability */
    const struct provider_executor *executor;
    const struct provider_runner *runner;
    const struct provider_secrets *secrets;
    const struct provider_probe *probe; /* `name` is then the key of the probe: "http", "tcp" */
    const struct provider_notify *notify;
    const struct provider_artifacts *artifacts;
    const struct provider_wrapper *wrapper; /* NULL: none */
};
const struct provider *const *providers(size_t *count);
const struct provider *provider_named(const char *name);
/* Wrappers: a provider that calls `inner` and records calls (trace), or fails the Nth call. Owned by the caller; provider_unwrap frees. */
const struct provider *provider_traced(const struct provider *inner, void (*line)(const char *text, void *owner),
                                       void *owner) BERTH_MUST_CHECK;
void provider_unwrap(const struct provider *wrapper);

#include "berth/provider/call.h" /* provider_call_*: the only way in */

#endif
