/* SPDX-License-Identifier: ISC */
/* Statuses as words with a symbol and a style; what is not known never looks healthy, old news is shown as old. */
#include "cli/output.h"

#include "berth/base/time.h"
#include "berth/config.h"

#define OLD_MS (10 * MS_MINUTE) /* seen longer ago than this is old news */

struct look {
    const char *glyph, *ascii;
    enum style style;
};
static const struct look unknown_look = {"?", "[??]", STYLE_MUTED};
static const struct look environment_looks[] = {
    [ENVIRONMENT_UNKNOWN] = {"?", "[??]", STYLE_MUTED},
    [ENVIRONMENT_ABSENT] = {"·", "[GONE]", STYLE_MUTED},
    [ENVIRONMENT_DEPLOYING] = {"▶", "[RUN]", STYLE_BUSY},
    [ENVIRONMENT_VALIDATING] = {"▶", "[RUN]", STYLE_BUSY},
    [ENVIRONMENT_OK] = {"●", "[OK]", STYLE_GOOD},
    [ENVIRONMENT_FAILED] = {"✗", "[FAIL]", STYLE_BAD},
    [ENVIRONMENT_DESTROYING] = {"▼", "[DEL]", STYLE_WAITING},
    [ENVIRONMENT_DESTROYED] = {"·", "[GONE]", STYLE_MUTED},
};
static const struct look resource_looks[] = {
    [RESOURCE_UNKNOWN] = {"?", "[??]", STYLE_MUTED},       [RESOURCE_ABSENT] = {"·", "[GONE]", STYLE_MUTED},
    [RESOURCE_WAITING] = {"◌", "[WAIT]", STYLE_WAITING},   [RESOURCE_CREATING] = {"▶", "[RUN]", STYLE_BUSY},
    [RESOURCE_UPDATING] = {"▶", "[RUN]", STYLE_BUSY},      [RESOURCE_OK] = {"●", "[OK]", STYLE_GOOD},
    [RESOURCE_DEGRADED] = {"▲", "[WARN]", STYLE_WAITING},  [RESOURCE_FAILED] = {"✗", "[FAIL]", STYLE_BAD},
    [RESOURCE_DESTROYING] = {"▼", "[DEL]", STYLE_WAITING}, [RESOURCE_GONE] = {"·", "[GONE]", STYLE_MUTED},
};
static const struct look run_looks[] = {
    [RUN_QUEUED] = {"◌", "[WAIT]", STYLE_MUTED},
    [RUN_PREPARING] = {"▶", "[RUN]", STYLE_BUSY},
    [RUN_PLANNING] = {"▶", "[RUN]", STYLE_BUSY},
    [RUN_GATE] = {"◌", "[WAIT]", STYLE_WAITING},
    [RUN_APPLYING] = {"▶", "[RUN]", STYLE_BUSY},
    [RUN_VALIDATING] = {"▶", "[RUN]", STYLE_BUSY},
    [RUN_ROLLING_BACK] = {"▶", "[RUN]", STYLE_WAITING},
    [RUN_HELD] = {"▲", "[WARN]", STYLE_WAITING},
    [RUN_DONE] = {"●", "[OK]", STYLE_GOOD},
    [RUN_FAILED] = {"✗", "[FAIL]", STYLE_BAD},
    [RUN_ROLLED_BACK] = {"▲", "[WARN]", STYLE_WAITING},
    [RUN_REJECTED] = {"✗", "[FAIL]", STYLE_WAITING},
    [RUN_SUPERSEDED] = {"·", "[GONE]", STYLE_MUTED},
    [RUN_CANCELLED] = {"·", "[GONE]", STYLE_MUTED},
};
static const struct look step_looks[] = {
    [STEP_WAITING] = {"◌", "[WAIT]", STYLE_MUTED},   [STEP_READY] = {"◌", "[WAIT]", STYLE_MUTED},
    [STEP_RUNNING] = {"▶", "[RUN]", STYLE_BUSY},     [STEP_DONE] = {"●", "[OK]", STYLE_GOOD},
    [STEP_FAILED] = {"✗", "[FAIL]", STYLE_BAD},      [STEP_SKIPPED] = {"·", "[GONE]", STYLE_MUTED},
    [STEP_CANCELLED] = {"·", "[GONE]", STYLE_MUTED}, [STEP_INTERRUPTED] = {"▲", "[WARN]", STYLE_WAITING},
};

static const char *with_symbol(struct cli *cli, const struct look *looks, size_t count, const char *const *names,
                               int status, enum style *style)
{
    const struct look *look = status >= 0 && (size_t)status < count ? &looks[status] : &unknown_look;

    if (cli->unserved && (text_equal(look->ascii, "[RUN]") || text_equal(look->ascii, "[DEL]")))
        look = &unknown_look;
    *style = look->style;
    return arena_printf(&cli->arena, "%s %s", cli->ascii ? look->ascii : look->glyph, word_name(names, status));
}

#define LOOK(cli, looks, names, status, style) \
    with_symbol(cli, looks, sizeof looks / sizeof *looks, names, status, style)

const char *shown_environment_status(struct cli *cli, const struct environment *environment, int64_t now_ms,
                                     enum style *style)
{
    const char *text = LOOK(cli, environment_looks, environment_status_names, environment->status, style);
    const char *separator = " (";

    for (unsigned bit = 0; environment_mark_names[bit] != NULL; bit++) {
        if (!(environment->marks & (1u << bit)))
            continue;
        text = arena_printf(&cli->arena, "%s%s%s", text, separator, environment_mark_names[bit]);
        separator = ", ";
    }
    if (config_left_behind(cli->config, environment)) {
        text = arena_printf(&cli->arena, "%s%s" LEFT_BEHIND, text, separator);
        separator = ", ";
        *style = STYLE_WAITING;
    }
    if (environment->status == ENVIRONMENT_OK && environment->observed_at != 0 &&
        now_ms - environment->observed_at > OLD_MS) {
        text =
            arena_printf(&cli->arena, "%s%sseen %s", text, separator, shown_ago(cli, environment->observed_at, now_ms));
        separator = ", ";
        *style = STYLE_MUTED;
    } else if (environment->marks & (MARK_DEGRADED | MARK_DRIFTED | MARK_UNREACHABLE | MARK_WAITING)) {
        *style = STYLE_WAITING;
    }
    return separator[0] == ',' ? arena_printf(&cli->arena, "%s)", text) : text;
}

const char *shown_resource_status(struct cli *cli, int status, enum style *style)
{
    return LOOK(cli, resource_looks, resource_status_names, status, style);
}

const char *shown_run_status(struct cli *cli, int status, enum style *style)
{
    return LOOK(cli, run_looks, run_status_names, status, style);
}

const char *shown_step_status(struct cli *cli, int status, enum style *style)
{
    return LOOK(cli, step_looks, step_status_names, status, style);
}
