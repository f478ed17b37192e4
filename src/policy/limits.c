/* SPDX-License-Identifier: ISC */
/* How much may be at work at once on a target and in a tier, besides the limits of the workspace. */
#include "berth/policy/limits.h"

#include "berth/base/str.h"
#include "berth/config/types.h"

static int most(const struct limit_counts *counts, const struct config_limit *limit)
{
    return counts->of == LIMIT_RUNS ? limit->runs : limit->steps;
}

/* The place of the target among those with a limit, or their count. */
static size_t place_of(const struct limit_counts *counts, const char *target)
{
    const struct config_limits *limits = &counts->config->limits;
    size_t at = 0;

    while (at < limits->target_count && !text_equal(limits->targets[at].name, target))
        at++;
    return at;
}

static bool target_is_full(const struct limit_counts *counts, size_t at)
{
    const struct config_limits *limits = &counts->config->limits;
    int limit = at < limits->target_count ? most(counts, &limits->targets[at]) : 0;

    return limit > 0 && counts->targets[at] >= (size_t)limit;
}

static bool tier_is_full(const struct limit_counts *counts, int tier)
{
    int limit = most(counts, &counts->config->limits.tiers[tier]);

    return limit > 0 && counts->tiers[tier] >= (size_t)limit;
}

void limit_counts_init(struct limit_counts *counts, const struct config *config, enum limit_of of, struct arena *arena)
{
    size_t targets = config->limits.target_count + 1, tiers = TIER_PROD + 1;

    *counts = (struct limit_counts){.config = config, .of = of};
    counts->targets = arena_alloc(arena, targets * sizeof *counts->targets);
    counts->tiers = arena_alloc(arena, tiers * sizeof *counts->tiers);
    memset(counts->targets, 0, targets * sizeof *counts->targets);
    memset(counts->tiers, 0, tiers * sizeof *counts->tiers);
}

void limit_counts_add(struct limit_counts *counts, const char *target, int tier)
{
    counts->targets[place_of(counts, target)]++; /* the last place is of those without a limit */
    counts->tiers[tier]++;
}

bool limit_reached(const struct limit_counts *counts, const char *target, int tier)
{
    return tier_is_full(counts, tier) || target_is_full(counts, place_of(counts, target));
}

void limit_keep(struct limit_counts *counts, const char *target, int tier)
{
    size_t at = place_of(counts, target);

    if (!target_is_full(counts, at))
        counts->targets[at]++;
    if (!tier_is_full(counts, tier))
        counts->tiers[tier]++;
}

const char *limit_text(const struct limit_counts *counts, const char *target, int tier, struct arena *arena)
{
    const struct config *config = counts->config;
    const char *what = counts->of == LIMIT_RUNS ? "runs" : "steps";
    size_t at = place_of(counts, target);

    if (target_is_full(counts, at))
        return arena_printf(arena, "%zu of %d %s on target %s (limits.per_target, %s:%d)", counts->targets[at],
                            most(counts, &config->limits.targets[at]), what, target, config->file,
                            config->limits.targets[at].line);
    if (tier_is_full(counts, tier))
        return arena_printf(arena, "%zu of %d %s of tier %s (limits.per_tier, %s:%d)", counts->tiers[tier],
                            most(counts, &config->limits.tiers[tier]), what, word_name(tier_names, tier), config->file,
                            config->limits.tiers[tier].line);
    return "";
}
