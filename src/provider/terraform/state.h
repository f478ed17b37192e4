/* SPDX-License-Identifier: ISC */
/*
 * What a state file itself says: the tool's own form, version 4, which every release since 0.12 writes. Reading it needs no run of the tool beside the one that brings it.
 * Pure; the bytes may be anything. Values are looked at by secrets.h alone.
 */
#ifndef PROVIDER_TERRAFORM_STATE_H
#define PROVIDER_TERRAFORM_STATE_H

#include "berth/base/error.h"
#include "berth/base/memory.h"

#include <jansson.h>
#include <stdbool.h>

struct state_parts {
    json_t *inner; /* as apply_result.there, in the order of their addresses; owned by the caller */
    size_t count;
    size_t tainted; /* of these: made only half, or left over from a replacement that went wrong */
};
/* Every managed resource instance in it; NULL: a state with nothing in it. ERROR_LIMIT. */
bool state_parts(const json_t *state, struct state_parts *parts, struct error *error)
    __attribute__((warn_unused_result));
/* "LINEAGE/SERIAL", "" when it has none. In the arena. */
const char *state_base(const json_t *state, struct arena *arena);

#endif
