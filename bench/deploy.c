/* SPDX-License-Identifier: ISC */
/* Timing a deploy. */
#include "deploy.h"

#include "berth/base/process.h"
#include "berth/base/str.h"
#include "berth/base/time.h"

#include <stdio.h>

#define RESTS (1u << RUN_FAILED | 1u << RUN_HELD | 1u << RUN_DONE)

bool deploy_once(struct world *world, struct deploy_times *times)
{
    struct str arguments = STR_INIT;
    int64_t began = time_monotonic_us();
    world_submit(world, "deploy", DEPLOY_ENVIRONMENT, "{\"ref\":\"feature/x\"}");
    const struct run *run = world_wait_run(world, 1u << RUN_GATE | RESTS);
    times->plan_us = time_monotonic_us() - began;
    if (run && run->status == RUN_GATE) {
        str_addf(&arguments, "{\"digest\":\"%s\"}", run->digest);
        began = time_monotonic_us();
        world_submit(world, "approve", run->id, arguments.data);
        run = world_wait_run(world, RESTS);
        times->apply_us = time_monotonic_us() - began;
        str_release(&arguments);
        if (run && run->status == RUN_DONE)
            return true;
    }
    printf("the deploy ended as %s: %s\n", run ? word_name(run_status_names, run->status) : "nothing",
           run && run->status_reason ? run->status_reason : "");
    return false;
}

bool has_terraform(void)
{
    struct process process;
    int status;
    struct process_spec spec = {
        .argv = (const char *const[]){"terraform", "version", NULL}, .input_fd = -1, .output_fd = -1, .error_fd = -1};
    if (!process_start(&spec, &process, NULL))
        return false;
    bool ended = process_wait(&process, &status, NULL);
    process_release(&process);
    return ended && status == 0;
}
