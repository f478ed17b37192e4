/* SPDX-License-Identifier: ISC */
/*
 * The local runner: a tool on berthd's own machine, in a session of its own.
 *
 * While it runs, its output is read from one pipe, redacted and written to the step's log. It has ended when its main process has; what it
 * detached with setsid is the resource and stays, what is left in its session is ended. To see cheaply whether anything is left, the
 * calling process (a worker) becomes a subreaper: a tool's orphans become its children, and having no child at all is one system call.
 */
#include "provider/local/session.h"
#include "provider/registry.h"

#include "berth/base/fault.h"
#include "berth/base/file.h"
#include "berth/base/log.h"
#include "berth/base/process.h"
#include "berth/base/text.h"
#include "berth/base/time.h"
#include "berth/config.h"
#include "berth/store_log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define BLIND_MS 50
#define READ_BYTES 65536
#define GATHER_BYTES 16384
#define TAIL_BYTES 1024 /* of the output, kept for the last line */
#define GRACE_MS 10000  /* from SIGINT to SIGTERM */
#define TERM_MS 5000    /* from SIGTERM to SIGKILL */
#define GATHER_MS \
    20 /* a tool that says little at a time is read so often, not for each line; less than a full pipe waits */
#define DRAIN_MS 100 /* how long output is still read after the end when somebody keeps the pipe */
#define VARIABLES_LIMIT 4096

enum stage { STAGE_RUNNING, STAGE_INTERRUPTED, STAGE_TERMINATED };

struct run {
    const struct provider_context *context;
    const struct runner_job *job;
    struct runner_outcome *outcome;
    struct process process;
    int pipe;     /* -1: at its end */
    int captured; /* its standard output apart from the log; -1: at its end or not asked for */
    bool too_much;
    char *buffer;
    struct redact_stream stream;
    struct str clean, tail, line;
    bool log_failed;
    enum stage stage;
    int64_t deadline_ms; /* monotonic, INT64_MAX: none */
    int64_t read_at_ms;  /* the output is not looked at before */
    int64_t next_ms;     /* of the next harder signal */
    int status;
};

/* --- environment --------------------------------------------------------------------------------------------- */

typedef VEC(char *) variables;

static bool name_is_good(const char *name)
{
    return name[0] != '\0' && !strchr(name, '=');
}

static void add_variable(variables *list, const char *name, const char *value)
{
    char *variable = path_printf("%s=%s", name, value);
    vec_push(list, variable);
}

/* A small clean environment, what the job adds, and what marks the tool's processes. */
static bool make_environment(const struct run *run, variables *list, struct error *error)
{
    static const char *const kept[] = {"PATH", "HOME", "LANG", "TMPDIR", "USER"};
    const char *name;
    json_t *value;
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        const char *own = getenv(kept[i]);
        if (own && !json_object_get(run->job->environment, kept[i]))
            add_variable(list, kept[i], own);
    }
    if (json_object_size(run->job->environment) > VARIABLES_LIMIT)
        return error_set(error, ERROR_LIMIT, "more than %d environment variables", VARIABLES_LIMIT);
    json_object_foreach((json_t *)(uintptr_t)run->job->environment, name, value)
    {
        if (!name_is_good(name) || !json_is_string(value)) {
            error_set(error, ERROR_CONFIG, "the environment variable '%s' cannot be set", name);
            return error_hint(error, "a name holds no '=', a value is a text");
        }
        add_variable(list, name, json_string_value(value));
    }
    if (!text_empty(run->context->token))
        add_variable(list, "BERTH_STEP_TOKEN", run->context->token);
    if (run->job->outputs_file)
        add_variable(list, "BERTH_OUTPUTS", run->job->outputs_file);
    vec_push(list, NULL);
    return true;
}

static void release_environment(variables *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    vec_release(list);
}

/* --- output -------------------------------------------------------------------------------------------------- */

static void keep_tail(struct run *run, const char *bytes, size_t count)
{
    if (count >= TAIL_BYTES) {
        str_clear(&run->tail);
        bytes += count - TAIL_BYTES;
        count = TAIL_BYTES;
    } else if (run->tail.length + count > TAIL_BYTES) {
        str_consume(&run->tail, run->tail.length + count - TAIL_BYTES);
    }
    str_add_bytes(&run->tail, bytes, count);
}

/* The tool goes on when its log cannot be written: ending it would leave half of its work. */
static void write_log(struct run *run, const char *bytes, size_t count)
{
    struct error error = {0};
    keep_tail(run, bytes, count);
    if (!run->context->log || run->log_failed || count == 0)
        return;
    if (!run_log_append(run->context->log, bytes, count, &error)) {
        run->log_failed = true;
        error_context(&error, "a part of a step's log is lost");
        log_error("provider", LOG_WARNING, &error);
    }
}

/* Whole lines to whoever asked for them; the rest waits. A line without an end in sight is cut. */
static void hand_lines(struct run *run, const char *bytes, size_t count, bool last)
{
    while (count > 0) {
        const char *end = memchr(bytes, '\n', count);
        size_t length = end ? (size_t)(end - bytes) : count;
        size_t room = RUNNER_LINE_LIMIT - run->line.length;
        str_add_bytes(&run->line, bytes, length < room ? length : room);
        bytes += length + (end ? 1 : 0);
        count -= length + (end ? 1 : 0);
        if (end) {
            run->job->line(run->line.data, run->line.length, run->job->owner);
            str_clear(&run->line);
        }
    }
    if (last && run->line.length > 0)
        run->job->line(run->line.data, run->line.length, run->job->owner);
}

static void take_output(struct run *run, size_t count)
{
    if (run->job->line) {
        hand_lines(run, run->buffer, count, false);
        return;
    }
    const struct redactor *redactor = run->context->redactor;
    if (!redactor || redactor_count(redactor) == 0) {
        write_log(run, run->buffer, count);
        return;
    }
    str_clear(&run->clean);
    redact_bytes(redactor, &run->stream, run->buffer, count, &run->clean);
    write_log(run, run->clean.data, run->clean.length);
}

static void finish_output(struct run *run)
{
    if (run->job->line)
        hand_lines(run, "", 0, true);
    if (run->context->redactor) {
        str_clear(&run->clean);
        redact_finish(run->context->redactor, &run->stream, &run->clean);
        write_log(run, run->clean.data, run->clean.length);
    }
}

/* Reads what is there, at most one buffer. */
static void read_some(struct run *run)
{
    ssize_t got = read(run->pipe, run->buffer, READ_BYTES);
    if (got > 0) {
        take_output(run, (size_t)got);
        run->read_at_ms = got < GATHER_BYTES ? time_monotonic_ms() + GATHER_MS : 0;
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        close(run->pipe);
        run->pipe = -1;
    }
}

/* What the job wants whole. What is over its limit is read and dropped: ending the tool would leave half of its work. */
static void capture_some(struct run *run)
{
    struct str *output = run->job->output;
    ssize_t got = read(run->captured, run->buffer, READ_BYTES);
    if (got > 0) {
        size_t room = run->job->output_limit - output->length;
        run->too_much = run->too_much || (size_t)got > room;
        str_add_bytes(output, run->buffer, (size_t)got < room ? (size_t)got : room);
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        close(run->captured);
        run->captured = -1;
    }
}

/* What was written before the end is read to the last byte; a pipe that somebody keeps open is left after a short while. */
static void drain(struct run *run)
{
    int64_t until_ms = time_monotonic_ms() + DRAIN_MS;
    while (run->pipe >= 0 || run->captured >= 0) {
        struct pollfd outputs[] = {{.fd = run->pipe, .events = POLLIN}, {.fd = run->captured, .events = POLLIN}};
        int64_t left_ms = until_ms - time_monotonic_ms();
        int ready = poll(outputs, 2, left_ms > 0 ? (int)left_ms : 0);
        if (ready == 0 || (ready < 0 && errno != EINTR))
            break;
        if (ready > 0 && outputs[0].revents)
            read_some(run);
        if (ready > 0 && outputs[1].revents)
            capture_some(run);
        if (left_ms < -DRAIN_MS) /* it writes without an end */
            break;
    }
}

static void last_line(struct run *run)
{
    struct str visible = STR_INIT;
    size_t end = run->tail.length;
    while (end > 0 && strchr(" \t\r\n", run->tail.data[end - 1]))
        end--;
    size_t start = end;
    while (start > 0 && run->tail.data[start - 1] != '\n')
        start--;
    text_visible(&visible, run->tail.data + start, end - start, TEXT_ONE_LINE);
    text_copy(run->outcome->last_line, sizeof run->outcome->last_line, visible.data);
    str_release(&visible);
}

/* --- running and stopping ------------------------------------------------------------------------------------ */

static bool start(struct run *run, struct error *error)
{
    int ends[2], apart[2] = {-1, -1};
    variables list = {0};
    if (pipe2(ends, O_CLOEXEC) != 0)
        return error_errno(error, ERROR_IO, errno, "cannot make the pipe for the output of %s", run->job->argv[0]);
    if (run->job->output && pipe2(apart, O_CLOEXEC) != 0) {
        error_errno(error, ERROR_IO, errno, "cannot make the pipe for the output of %s", run->job->argv[0]);
        close(ends[0]);
        close(ends[1]);
        return false;
    }
    struct process_spec spec = {
        .argv = run->job->argv,
        .folder = run->job->folder,
        .input_fd = -1,
        .output_fd = run->job->output ? apart[1] : ends[1],
        .error_fd = ends[1],
        .flags = PROCESS_NEW_SESSION,
    };
    bool started = make_environment(run, &list, error);
    if (started) {
        spec.environment = (const char *const *)(uintptr_t)list.items;
        started = process_start(&spec, &run->process, error);
    }
    release_environment(&list);
    close(ends[1]);
    if (apart[1] >= 0)
        close(apart[1]);
    if (!started) {
        close(ends[0]);
        if (apart[0] >= 0)
            close(apart[0]);
        return false;
    }
    (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
    if (apart[0] >= 0)
        (void)fcntl(apart[0], F_SETFL, O_NONBLOCK);
    run->pipe = ends[0];
    run->captured = apart[0];
    return true;
}

/* From one stage to the next harder one. */
static void stop_harder(struct run *run, int64_t now_ms)
{
    struct error error = {0};
    switch (run->stage) {
    case STAGE_RUNNING:
        provider_log(run->context, "berth: %s: interrupting it", run->outcome->cancelled ? "cancelled" : "out of time");
        session_signal(run->process.pid, SIGINT);
        run->stage = STAGE_INTERRUPTED;
        run->next_ms = now_ms + (run->job->grace_ms > 0 ? run->job->grace_ms : GRACE_MS);
        break;
    case STAGE_INTERRUPTED:
        session_signal(run->process.pid, SIGTERM);
        run->stage = STAGE_TERMINATED;
        run->next_ms = now_ms + TERM_MS;
        break;
    case STAGE_TERMINATED:
        if (!session_end_all(run->process.pid, run->context->token, SIGKILL, 0, &error))
            log_error("provider", LOG_WARNING, &error);
        run->next_ms = now_ms + TERM_MS;
        break;
    }
}

static int wait_ms(const struct run *run, int64_t now_ms)
{
    int64_t until_ms = run->stage == STAGE_RUNNING ? run->deadline_ms : run->next_ms;
    if (until_ms == INT64_MAX)
        return -1;
    return until_ms <= now_ms ? 0 : until_ms - now_ms > INT_MAX ? INT_MAX : (int)(until_ms - now_ms);
}

/* Of two waits for poll: negative is for ever. */
static int sooner(int one_ms, int other_ms)
{
    return one_ms < 0 || (other_ms >= 0 && other_ms < one_ms) ? other_ms : one_ms;
}

/* Until the main process has ended and is reaped. Without a descriptor of it (there may have been none left) it is looked at now and then. */
static void watch(struct run *run)
{
    for (;;) {
        int64_t now_ms = time_monotonic_ms();
        bool gathers = run->pipe >= 0 && run->read_at_ms > now_ms;
        struct pollfd watched[] = {
            {.fd = run->process.pid_fd, .events = POLLIN},
            {.fd = gathers ? -1 : run->pipe, .events = POLLIN},
            {.fd = run->stage == STAGE_RUNNING ? run->context->stop_fd : -1, .events = POLLIN},
            {.fd = run->captured, .events = POLLIN},
        };
        bool blind = run->process.pid_fd < 0;
        int limit_ms = sooner(wait_ms(run, now_ms), blind ? BLIND_MS : -1);
        int ready = poll(watched, 4, sooner(limit_ms, gathers ? (int)(run->read_at_ms - now_ms) : -1));
        if (ready < 0)
            continue;
        if (watched[1].revents)
            read_some(run);
        if (watched[3].revents)
            capture_some(run);
        if ((watched[0].revents || blind) && process_poll(&run->process, &run->status))
            return;
        if (watched[2].revents) {
            run->outcome->cancelled = true;
            stop_harder(run, time_monotonic_ms());
        } else if (wait_ms(run, time_monotonic_ms()) ==
                   0) { /* asked of the clock: one that writes without a pause keeps poll busy */
            run->outcome->timed_out = run->outcome->timed_out || run->stage == STAGE_RUNNING;
            stop_harder(run, time_monotonic_ms());
        }
    }
}

static void end_leftovers(struct run *run)
{
    struct error error = {0};
    bool stopped = run->stage != STAGE_RUNNING || run->status == PROCESS_STATUS_UNKNOWN || WIFSIGNALED(run->status);
    bool ended = true;
    if (stopped) /* of an interrupted tool all descendants end, detached ones too */
        ended = session_end_all(run->process.pid, run->context->token, SIGTERM, TERM_MS, &error);
    else if (session_may_have_left())
        ended = session_end(run->process.pid, &error);
    else
        return;
    if (!ended) {
        provider_log(run->context, "berth: some processes of the tool could not be ended: %s", error.message);
        log_error("provider", LOG_WARNING, &error);
    }
    (void)session_may_have_left(); /* reaps what was ended */
}

static bool give_up_before(struct run *run)
{
    run->outcome->cancelled = provider_stopped(run->context);
    run->outcome->timed_out = !run->outcome->cancelled && provider_left_ms(run->context) == 0;
    return run->outcome->cancelled || run->outcome->timed_out;
}

static bool refuse_sandbox(const struct provider_context *context, struct error *error)
{
    const struct node *sandbox = context->section ? node_get(context->section->node, "sandbox") : NULL;
    if (!sandbox || text_equal(sandbox->text, "none"))
        return true;
    error_set(error, ERROR_UNSUPPORTED, "the local runner cannot shut tools in a %s sandbox", sandbox->text);
    error_detail(error, "this version runs them with berthd's own rights");
    return error_hint(error, "take `sandbox` out of the runner to agree to that, or name another runner");
}

static bool run_tool(const struct provider_context *context, const struct runner_job *job,
                     struct runner_outcome *outcome, struct error *error)
{
    struct run run = {.context = context,
                      .job = job,
                      .outcome = outcome,
                      .pipe = -1,
                      .captured = -1,
                      .clean = STR_INIT,
                      .tail = STR_INIT,
                      .line = STR_INIT};
    *outcome = (struct runner_outcome){.exit_status = -1};
    if (!refuse_sandbox(context, error))
        return false;
    if (give_up_before(&run))
        return true;
    run.deadline_ms = context->deadline_ms > 0 ? context->deadline_ms : INT64_MAX;
    if (job->timeout_ms > 0 && time_monotonic_ms() + job->timeout_ms < run.deadline_ms)
        run.deadline_ms = time_monotonic_ms() + job->timeout_ms;
    session_adopt_orphans();
    if (!start(&run, error))
        return false;
    if (context->tool_started)
        context->tool_started(context, &run.process);
    run.buffer = mem_alloc(READ_BYTES);
    fault_point("tool.running");
    watch(&run);
    drain(&run);
    finish_output(&run);
    end_leftovers(&run);
    if (run.pipe >= 0)
        close(run.pipe);
    if (run.captured >= 0)
        close(run.captured);
    if (run.status != PROCESS_STATUS_UNKNOWN)
        outcome->exit_status = WIFEXITED(run.status) ? WEXITSTATUS(run.status) : 128 + WTERMSIG(run.status);
    last_line(&run);
    process_release(&run.process);
    free(run.buffer);
    str_release(&run.stream.held);
    str_release(&run.clean);
    str_release(&run.tail);
    str_release(&run.line);
    if (!run.too_much)
        return true;
    error_set(error, ERROR_LIMIT, "'%s' gave more than %zu bytes", job->argv[0], job->output_limit);
    return error_hint(error, "make smaller what it is about");
}

static const struct provider_runner runner = {
    .run = run_tool,
};

const struct provider local_provider = {
    .name = "local",
    .runner = &runner,
};
