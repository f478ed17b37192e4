/* SPDX-License-Identifier: ISC */
/*
 * What the observers share: a socket that is both heard and spoken to, frames out, the policy in. An observer ends when its socket closes. It may hang or be
 * killed at any moment: what it had not sent is seen again by the next.
 */
#ifndef AGENT_OBSERVER_H
#define AGENT_OBSERVER_H

#include "agent/setup.h"
#include "berth/base/str.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct observer {
    struct setup setup;
    struct str in;
    bool ended;
};

void observer_init(struct observer *observer, const struct agent_options *options);
void observer_release(struct observer *observer);
/* Waits for the socket, the descriptors given (may be -1) or the time; takes in what the supervisor said. `ready[i]` says which became readable. */
void observer_wait(struct observer *observer, const int *fds, bool *ready, size_t count, int64_t wait_ms);
/* Sends a JSON frame; false (and `ended`) when nobody hears. Takes the reference. */
bool observer_send(struct observer *observer, uint8_t kind, json_t *message);
bool observer_send_bytes(struct observer *observer, uint8_t kind, const struct str *bytes);

int observer_branches_main(const struct agent_options *options);
int observer_probes_main(const struct agent_options *options);
int notifier_main(const struct agent_options *options);
int keeper_main(const struct agent_options *options);

#endif
