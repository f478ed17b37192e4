/* SPDX-License-Identifier: ISC */
/*
 * Any bytes as what terraform says: a plan, a state, lines of apply, an error, a version. What comes out is bounded, the same again for the same, and
 * holds nothing that is marked as sensitive.
 */
#include "berth/base/str.h"
#include "berth/model/record.h"
#include "provider/terraform/events.h"
#include "provider/terraform/secrets.h"
#include "provider/terraform/shown.h"
#include "provider/terraform/state.h"
#include "provider/terraform/version.h"

#include <stdlib.h>

#define OUT_LIMIT ((size_t)64 << 20)

static void try_state(const uint8_t *data, size_t size, struct arena *arena)
{
    struct redactor *redactor = redactor_new();
    struct state_parts parts;
    json_t *state = json_loadb((const char *)data, size, 0, NULL);
    (void)state_base(state, arena);
    if (state_parts(state, &parts, NULL)) {
        BUG_ON(parts.tainted > parts.count || json_array_size(parts.inner) != parts.count);
        json_decref(parts.inner);
    }
    json_t *shorts = json_object(), *value;
    const char *text;
    secrets_of_state(redactor, shorts, state);
    json_object_foreach(shorts, text, value) BUG_ON(strlen(text) >= 4);
    json_decref(shorts);
    json_decref(state);
    redactor_free(redactor);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *plan_text(const uint8_t *data, size_t size, struct arena *arena)
{
    static const unsigned char key[KEY_BYTES] = {1};
    struct redactor *redactor = redactor_new();
    struct fingerprints with = {.key = key, .redactor = redactor};
    struct shown_plan plan;
    struct error error = {0};
    const char *text = "";
    redactor_add(redactor, "PLANTED-SECRET", 14);
    if (shown_plan_read((const char *)data, size, &with, arena, &plan, &error)) {
        BUG_ON(shown_summary(&plan, arena)[0] == '\0');
        (void)shown_action(&plan);
        (void)shown_creates(&plan);
        text = arena_printf(arena, "%s %s %s", json_text(arena, plan.changes), json_text(arena, plan.drift),
                            json_text(arena, plan.outputs));
        size_t at, attribute_at;
        json_t *change, *attribute;
        json_array_foreach(plan.changes, at, change)
        {
            json_array_foreach(json_object_get(change, "attributes"), attribute_at, attribute)
                BUG_ON(strstr(json_text(arena, json_object_get(attribute, "after")), "PLANTED-SECRET") != NULL);
        }
        shown_plan_release(&plan);
    } else {
        BUG_ON(error.code == ERROR_NONE || !error.hint[0]);
    }
    redactor_free(redactor);
    return text;
}

static void try_lines(const uint8_t *data, size_t size, struct arena *arena)
{
    struct provider_context context = {.stop_fd = -1};
    struct events events;
    struct diagnostic text;
    struct state_lock lock;
    events_init(&events, &context, arena);
    diagnostic_init(&text);
    for (size_t at = 0; at < size;) {
        const uint8_t *end = memchr(data + at, '\n', size - at);
        size_t length = end ? (size_t)(end - data) - at : size - at;
        events_line((const char *)data + at, length, &events);
        diagnostic_line(&text, (const char *)data + at, length);
        at += length + 1;
    }
    BUG_ON(events.done > events.total || text.detail.length > 8 * (size_t)DETAIL_LIMIT);
    (void)diagnostic_lock(&events.failed, arena, &lock);
    if (diagnostic_lock(&text, arena, &lock))
        json_decref(lock_to_json(&lock));
    diagnostic_release(&text);
    events_release(&events);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    const char *first = plan_text(data, size, &arena), *second = plan_text(data, size, &arena);
    BUG_ON(!text_equal(first, second) || strlen(first) > OUT_LIMIT);
    try_state(data, size, &arena);
    try_lines(data, size, &arena);
    char *text = mem_zero(size + 1, 1);
    memcpy(text, data, size);
    BUG_ON(version_fits(text, "1.9.8") && !version_constraints_valid(text));
    free(text);
    arena_release(&arena);
    return 0;
}
