/* SPDX-License-Identifier: ISC */
/*
 * Lives: when an environment ends by what `ttl` of its entry says. Pure. The life counts from a base that `ttl.from` names: when the environment was made,
 * its branch's last push (not before it was made), its last deploy, its last use. What extensions gave stays on top while the base moves; ttl.max
 * counts from the same base, and nothing that is computed here is later. Instants and durations are in milliseconds.
 */
#ifndef BERTH_POLICY_LIFE_H
#define BERTH_POLICY_LIFE_H

#include <stdbool.h>
#include <stdint.h>

struct branch;
struct config_entry;
struct environment;

/* However much shorter a changed `ttl` is, so long is left: it is announced like every end that is so near. */
#define LIFE_NOTICE_MS (2 * 3600 * (int64_t)1000)

/* What the life counts from. `branch`: the environment's own as it was last seen; NULL, or another: the last push is not known, and its last deploy
 * stands for it. Whoever asks because it is deployed or used just now says so in `environment`. */
int64_t policy_life_base(const struct config_entry *entry, const struct environment *environment,
                         const struct branch *branch);
/* The latest end that ttl.max allows; INT64_MAX: it says none. */
int64_t policy_life_latest(const struct config_entry *entry, const struct environment *environment,
                           const struct branch *branch);
/* The end by `ttl` and the extensions, never later than the latest; 0: `ttl` says none. */
int64_t policy_life_end(const struct config_entry *entry, const struct environment *environment,
                        const struct branch *branch);
/* Its end is the one a deploy's --ttl gave, with what it was extended since. */
bool policy_life_is_given(const struct environment *environment);
/* The base moved: its end moves with it, later only. Whether it did. */
bool policy_life_grows(const struct config_entry *entry, struct environment *environment, const struct branch *branch);
/* `ttl` was `before` and is `after` now. None, or a longer one, is taken at once; a shorter one takes only what `before` gave, leaves LIFE_NOTICE_MS
 * from now and never makes the end later. What a deploy's --ttl gave stays. Whether the end moved. */
bool policy_life_changes(const struct config_entry *before, const struct config_entry *after,
                         struct environment *environment, const struct branch *branch, int64_t now_ms);

#endif
