/* SPDX-License-Identifier: ISC */
/* Whose a process is that nobody owns any more: what a step left on purpose stays, whoever dies. The "workers" are shells. */
#include "agent/supervisor.h"

#include "berth/base/str.h"
#include "berth/base/time.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define BOUND_MS 20000

struct scene {
    struct supervisor supervisor;
    struct child worker;
    int input; /* of the worker: it ends when this is closed */
    pid_t service;
};

static void take_service(pid_t pid, uint64_t start_ticks, void *context)
{
    (void)start_ticks;
    *(pid_t *)context = pid;
}

/* The child of that process, once it is there. */
static pid_t child_of(pid_t parent)
{
    const int64_t until = time_monotonic_ms() + BOUND_MS;
    pid_t service = 0;
    while (service == 0 && time_monotonic_ms() < until) {
        process_children(parent, take_service, &service);
        if (service == 0)
            (void)poll(NULL, 0, 5);
    }
    return service;
}

/* A worker whose step left a service in a session of its own. */
static int set_up(void **state)
{
    static const char *const argv[] = {"/bin/sh", "-c", "setsid sleep 600 </dev/null & read -r line", NULL};
    struct scene *scene = mem_zero(1, sizeof *scene);
    int ends[2];
    struct error error = {0};
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
    assert_int_equal(pipe(ends), 0);
    struct process_spec spec = {.argv = argv, .input_fd = ends[0], .output_fd = -1, .error_fd = -1};
    assert_true(process_start(&spec, &scene->worker.process, &error));
    close(ends[0]);
    scene->input = ends[1];
    scene->service = child_of(scene->worker.process.pid);
    assert_true(scene->service > 0);
    vec_push(&scene->supervisor.children, &scene->worker);
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    (void)kill(scene->service, SIGKILL);
    while (waitpid(-1, NULL, 0) > 0)
        ;
    process_release(&scene->worker.process);
    vec_release(&scene->worker.left);
    vec_release(&scene->supervisor.children);
    vec_release(&scene->supervisor.adopted);
    vec_free(scene);
    return 0;
}

/* Its service is this process's child then. */
static void worker_ends(struct scene *scene)
{
    struct error error = {0};
    int status;
    close(scene->input);
    assert_true(process_wait(&scene->worker.process, &status, &error));
}

static void worker_is_gone(struct scene *scene)
{
    orphans_inherit(&scene->supervisor, &scene->worker);
    scene->supervisor.children.count = 0;
}

static void orphan__of_nobody_that_ended_well_is_taken_for_the_dead_workers(void **state)
{
    struct scene *scene = *state;
    worker_ends(scene);
    worker_is_gone(scene);
    assert_int_equal(orphans_signal(&scene->supervisor, 1, 0), 1);
    assert_int_equal(orphans_signal(&scene->supervisor, process_ticks_now() + 1000, 0), 0); /* it was there before */
}

static void orphan__that_an_ended_step_left_stays_when_another_worker_dies(void **state)
{
    struct scene *scene = *state;
    orphans_note(&scene->worker); /* its result came */
    worker_ends(scene);
    assert_int_equal(orphans_signal(&scene->supervisor, 1, SIGKILL), 0); /* before anybody has noticed its end … */
    worker_is_gone(scene);
    assert_int_equal(orphans_signal(&scene->supervisor, 1, SIGKILL), 0); /* … and after */
    assert_int_equal(kill(scene->service, 0), 0);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(orphan__of_nobody_that_ended_well_is_taken_for_the_dead_workers),
        TEST(orphan__that_an_ended_step_left_stays_when_another_worker_dies),
    };
    return cmocka_run_group_tests_name("agent orphans", tests, NULL, NULL);
}
