/* SPDX-License-Identifier: ISC */
/* The supervisor's event loop: the bell, signals, children, one second's tick; each only notes what came and wants a turn. */
#include "agent/supervisor.h"

#include "agent/keeping.h"

#include "berth/base/log.h"
#include "berth/base/str.h"
#include "berth/base/time.h"
#include "berth/config.h"
#include "berth/store.h"
#include "agent/marker.h"

#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define TICK_MS 1000
#define ENDING_TICK_MS 50

static void on_again(uv_idle_t *again)
{
    (void)again; /* only keeps the loop from waiting */
}

void supervisor_want(struct supervisor *supervisor)
{
    uv_idle_start(&supervisor->again, on_again);
}

static void on_timer(uv_timer_t *timer);

/* The next tick: a second, sooner when a run is due, tools are being ended, or a turn that failed is to be tried again. */
static void set_timer(struct supervisor *supervisor)
{
    int64_t wait = recover_is_at_work(supervisor) ? ENDING_TICK_MS : TICK_MS, now = time_now_ms();
    int64_t failed = supervisor->failed_until_ms - time_monotonic_ms();
    if (failed >= 0 && failed < wait)
        wait = failed + 1;
    if (failed < 0 && supervisor->slot_runs.count > 0)
        wait = 1;
    for (size_t i = 0; failed < 0 && i < supervisor->due.count; i++) { /* what is due waits for that turn too */
        int64_t left = supervisor->due.items[i].at_ms - now;
        if (left < wait)
            wait = left > 1 ? left : 1;
    }
    uv_timer_start(&supervisor->timer, on_timer, (uint64_t)wait, 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct supervisor *supervisor = timer->data;
    if (store_changed(supervisor->store))
        supervisor->look_at_commands = true;
    supervisor->tick = true;
    supervisor_want(supervisor);
}

static void on_bell(uv_poll_t *poll, int status, int events)
{
    struct supervisor *supervisor = poll->data;
    (void)status;
    (void)events;
    if (store_changed(supervisor->store))
        supervisor->look_at_commands = true;
    supervisor_want(supervisor);
}

static void once_a_second(struct supervisor *supervisor)
{
    supervisor->tick = false;
    lifetime_watch_place(supervisor);
    if (supervisor->ended)
        return;
    children_end_hung(supervisor);
    children_keep_observers(supervisor);
    workers_retire(supervisor);
    orphans_adopt(supervisor);
    keeping_look(supervisor);
    supervisor->look_at_deliveries = true;
    lifetime_look(supervisor);
}

/* The end of a round of the loop: the turn, then whoever was made to wait goes on. */
static void on_check(uv_check_t *check)
{
    struct supervisor *supervisor = check->data;
    if (!uv_is_active((uv_handle_t *)&supervisor->again))
        return;
    uv_idle_stop(&supervisor->again);
    supervisor_turn(supervisor);
    if (supervisor->look_at_deliveries)
        deliveries_send(supervisor);
    if (supervisor->tick || supervisor->draining)
        once_a_second(supervisor);
    for (size_t i = 0; i < supervisor->children.count && !supervisor->ended; i++)
        child_resume(supervisor->children.items[i]);
    set_timer(supervisor);
}

static void reap_children(void)
{
    int status;
    while (waitpid(-1, &status, WNOHANG) > 0)
        continue;
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct supervisor *supervisor = handle->data;
    if (number == SIGCHLD) {
        reap_children();
    } else {
        supervisor->leave_now = supervisor->draining;
        supervisor->draining = true;
        log_line("agent", LOG_INFO, supervisor->leave_now ? "told to end at once" : "told to end: draining");
    }
    supervisor_want(supervisor);
}

/* True when libuv said 0. */
static bool went_well(int code, const char *what, struct error *error)
{
    if (code == 0)
        return true;
    error_set(error, ERROR_IO, "cannot %s", what);
    return error_detail(error, "%s", uv_strerror(code));
}

static bool watch_signals(struct supervisor *supervisor, struct error *error)
{
    static const int numbers[] = {SIGCHLD, SIGTERM, SIGINT};
    int code = 0;
    for (size_t i = 0; code == 0 && i < sizeof numbers / sizeof numbers[0]; i++) {
        code = uv_signal_init(&supervisor->loop, &supervisor->signals[i]);
        supervisor->signals[i].data = supervisor;
        if (code == 0)
            code = uv_signal_start(&supervisor->signals[i], on_signal, numbers[i]);
    }
    return went_well(code, "watch for signals", error);
}

/* The system may have no watch left: then the timer looks once a second. */
static bool watch_bell(struct supervisor *supervisor, struct error *error)
{
    int bell = store_bell(supervisor->store);
    if (bell < 0) {
        log_line("agent", LOG_WARNING, "the bell cannot be watched: commands are seen once a second");
        return true;
    }
    int code = uv_poll_init(&supervisor->loop, &supervisor->bell, bell);
    if (code == 0)
        code = uv_poll_start(&supervisor->bell, UV_READABLE, on_bell);
    return went_well(code, "watch the bell", error);
}

static bool watch_all(struct supervisor *supervisor, struct error *error)
{
    uv_timer_init(&supervisor->loop, &supervisor->timer);
    uv_check_init(&supervisor->loop, &supervisor->check);
    uv_idle_init(&supervisor->loop, &supervisor->again);
    supervisor->timer.data = supervisor->check.data = supervisor->bell.data = supervisor;
    uv_check_start(&supervisor->check, on_check);
    if (!watch_bell(supervisor, error) || !watch_signals(supervisor, error))
        return false;
    set_timer(supervisor);
    return true;
}

static void close_handle(uv_handle_t *handle, void *context)
{
    (void)context;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static char *login_of_owner(void)
{
    struct passwd entry, *found = NULL;
    char buffer[4096];
    getpwuid_r(getuid(), &entry, buffer, sizeof buffer, &found);
    return mem_strdup(found ? found->pw_name : "");
}

static bool start(struct supervisor *supervisor, struct error *error)
{
    process_boot_id(supervisor->boot);
    supervisor->owner_login = login_of_owner();
    supervisor->idle_since_ms = time_monotonic_ms();
    supervisor->look_at_commands = supervisor->look_at_steps = supervisor->look_at_deliveries =
        supervisor->due_everything = true;
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0)
        return error_set(error, ERROR_UNSUPPORTED, "this kernel has no child subreaper");
    if (!lifetime_begin(supervisor, error) || !recover_running(supervisor, error) ||
        !listing_load_policy(supervisor, error) || !watch_all(supervisor, error))
        return false;
    cleanup_left(supervisor);
    keeping_note(supervisor);
    if (supervisor->config && !lifetime_serving(supervisor, error))
        return false;
    children_keep_observers(supervisor);
    supervisor_want(supervisor);
    return true;
}

static void release(struct supervisor *supervisor)
{
    supervisor_cool(supervisor);
    children_free_all(supervisor);
    uv_walk(&supervisor->loop, close_handle, NULL);
    uv_run(&supervisor->loop, UV_RUN_DEFAULT);
    uv_loop_close(&supervisor->loop);
    store_close(supervisor->store);
    lifetime_unlock(supervisor);
    config_free(supervisor->config);
    for (size_t i = 0; i < supervisor->due.count; i++)
        free(supervisor->due.items[i].run);
    vec_release(&supervisor->due);
    supervisor_forget_slots(supervisor);
    vec_release(&supervisor->slot_runs);
    vec_release(&supervisor->results);
    vec_release(&supervisor->endings);
    vec_release(&supervisor->adopted);
    vec_release(&supervisor->claims);
    aside_release(supervisor);
    vec_release(&supervisor->cancel_steps);
    vec_release(&supervisor->give_up_steps);
    vec_release(&supervisor->ended_runs);
    vec_release(&supervisor->left_environments);
    keeping_release(supervisor);
    for (size_t i = 0; i < supervisor->listed.count; i++)
        free(supervisor->listed.items[i]);
    vec_release(&supervisor->listed);
    free(supervisor->policy_commit);
    free(supervisor->setup_payload);
    free(supervisor->owner_login);
}

/* One life, from the lock to its release. `again`: it should begin anew. */
static int supervise_once(const struct agent_options *options, bool *again, struct error *error)
{
    struct supervisor supervisor = {.options = options, .lock = {.fd = -1}, .folder = {.fd = -1}};
    int status = 0;
    *again = false;
    if (!went_well(uv_loop_init(&supervisor.loop), "make the loop that waits for everything", error))
        return error_info(error->code)->exit_status;
    if (start(&supervisor, error)) {
        log_line("agent", LOG_INFO, "serving %s, epoch %lld", options->store_folder, (long long)supervisor.epoch);
        while (!supervisor.ended)
            uv_run(&supervisor.loop, UV_RUN_DEFAULT);
        if (supervisor.lost.code != ERROR_NONE) {
            *error = supervisor.lost;
            status = error_info(error->code)->exit_status;
        }
    } else {
        status = error_info(error->code)->exit_status;
    }
    *again = supervisor.begin_anew;
    release(&supervisor);
    return status;
}

int agent_supervise(const struct agent_options *options, struct error *error)
{
    bool again = false;
    int status = supervise_once(options, &again, error);
    while (again) {
        status = supervise_once(options, &again, error);
        if (status != 0 && error->code == ERROR_CONFLICT) { /* another was faster: it answers the command */
            error_clear(error);
            return 0;
        }
    }
    return status;
}
