/* SPDX-License-Identifier: ISC */
/* Which child a berthd that was started with --child is. */
#include "agent/observer.h"
#include "agent/worker.h"
#include "berth/agent.h"
#include "berth/base/str.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

int agent_child(const char *kind, const struct agent_options *options, struct error *error)
{
    static const struct {
        const char *name;
        int (*main)(const struct agent_options *options);
    } kinds[] = {
        {"worker", worker_main},
        {"observer:branches", observer_branches_main},
        {"observer:probes", observer_probes_main},
        {"notifier", notifier_main},
        {"keeper", keeper_main},
    };
    (void)prctl(PR_SET_NAME, "berthd"); /* it was started as /proc/self/exe */
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (text_equal(kinds[i].name, kind))
            return kinds[i].main(options);
    error_set(error, ERROR_USAGE, "berthd has no child of the kind '%s'", kind);
    return error_info(ERROR_USAGE)->exit_status;
}
