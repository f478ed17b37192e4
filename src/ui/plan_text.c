/* SPDX-License-Identifier: ISC */
/* Reads a tool's own words: the file it left beside its plan, or the log of its step. */
#include "ui/plan_text.h"

#include "berth/base/file.h"
#include "berth/store.h"
#include "berth/store_log.h"

#include <stdlib.h>

#define TEXT_LIMIT (1u << 20) /* of a tool's own text that is shown */

/* False where there is none any more: a run takes its folder with it when it ends. */
static bool add_file(struct dashboard *dashboard, const struct plan *plan, struct str *out)
{
    struct error error = {0};
    if (text_empty(plan->text))
        return false;
    if (!path_inside(plan->text)) {
        dashboard_say(dashboard, STYLE_FAILED, "%s: its text is outside the run's folder, it is not read",
                      plan->address);
        return false;
    }
    char *path = path_printf("%s/runs/%s/%s", store_folder(dashboard->reader), plan->run, plan->text);
    bool fine = file_read(path, TEXT_LIMIT, out, &error);
    free(path);
    return fine;
}

static bool add_log(struct dashboard *dashboard, const struct plan *plan, struct str *out)
{
    const char *folder = store_folder(dashboard->reader);
    char *step = path_printf("%s.plan.%s", plan->run, plan->address);
    struct error error = {0};
    size_t before = out->length;
    bool fine = !text_empty(folder) && run_log_read(folder, plan->run, step, 0, TEXT_LIMIT, out, &error);
    free(step);
    return fine && out->length > before;
}

void plan_text_show(struct dashboard *dashboard, const struct plan *plan)
{
    struct str body = STR_INIT, text = STR_INIT;
    bool is_file = add_file(dashboard, plan, &body);
    if (is_file || add_log(dashboard, plan, &body)) {
        str_addf(&text, "%s: %s of run %s\n", plan->address,
                 is_file ? "the tool's own words about the plan" : "the log of the plan", plan->run);
        str_add_bytes(&text, body.data, body.length);
        dashboard_push(dashboard, &text_view, text.data);
    } else if (text_empty(plan->text) || path_inside(plan->text)) {
        dashboard_say(dashboard, STYLE_MUTED, "%s: the executor %s left no text of its own in run %s", plan->address,
                      plan->executor, plan->run);
    }
    str_release(&body);
    str_release(&text);
}

void plan_text_show_of(struct dashboard *dashboard, const struct resource *resource, const struct run *runs,
                       size_t count)
{
    struct arena arena = {0};
    struct plan plan;
    bool found = false;
    for (size_t i = 0; !found && i < count; i++)
        found = store_get(dashboard->reader, &plan_type, arena_printf(&arena, "%s/%s", runs[i].id, resource->address),
                          &arena, &plan, NULL) == STORE_FOUND;
    if (found)
        plan_text_show(dashboard, &plan);
    else
        dashboard_say(dashboard, STYLE_MUTED, "%s: none of the newest runs has a plan of it", resource->address);
    arena_release(&arena);
}
