/* SPDX-License-Identifier: ISC */
/* Finds what a state file marks as sensitive. */
#include "provider/terraform/secrets.h"

#include "provider/terraform/shown.h"

#include "berth/base/memory.h"
#include "berth/base/str.h"
#include "berth/provider.h"

#define DEPTH_LIMIT 64

/* What a type that is not known before stands as: its type beside it. */
static const json_t *unwrapped(const json_t *value)
{
    const json_t *inside = json_object_get(value, "value");

    return inside && json_object_size(value) == 2 && json_object_get(value, "type") ? inside : value;
}

static void hide(struct redactor *redactor, const json_t *marked, int depth)
{
    const json_t *value = unwrapped(marked);
    const char *key;
    json_t *item;
    size_t at;
    if (!value || json_is_null(value) || json_is_boolean(value) || depth > DEPTH_LIMIT)
        return;
    if (json_is_object(value)) {
        json_object_foreach((json_t *)(uintptr_t)value, key, item) hide(redactor, item, depth + 1);
    } else if (json_is_array(value)) {
        json_array_foreach(value, at, item) hide(redactor, item, depth + 1);
    } else {
        json_t *text = output_text(value);
        redactor_add(redactor, json_string_value(text), json_string_length(text));
        json_decref(text);
    }
}

/* A step of a path is {"type": "get_attr", "value": NAME} or {"type": "index", "value": {"value": KEY or NUMBER}}; what cannot be followed is marked from there on. */
static const json_t *below(const json_t *value, const json_t *step)
{
    const json_t *whole = unwrapped(value), *key = json_object_get(step, "value");
    if (json_is_object(key))
        key = json_object_get(key, "value");
    const json_t *inside = json_is_string(key)    ? json_object_get(whole, json_string_value(key))
                           : json_is_integer(key) ? json_array_get(whole, (size_t)json_integer_value(key))
                                                  : NULL;
    return inside ? inside : value;
}

static void hide_instance(struct redactor *redactor, const json_t *instance)
{
    size_t at, k;
    json_t *path, *step;
    json_array_foreach(json_object_get(instance, "sensitive_attributes"), at, path)
    {
        const json_t *value = json_object_get(instance, "attributes");
        json_array_foreach(path, k, step) value = below(value, step);
        if (value != json_object_get(instance, "attributes"))
            hide(redactor, value, 0);
    }
}

void secrets_of_state(struct redactor *redactor, const json_t *state)
{
    const char *name;
    json_t *item, *instance;
    size_t at, k;
    if (!redactor)
        return;
    json_object_foreach(json_object_get(state, "outputs"), name, item)
    {
        if (json_is_true(json_object_get(item, "sensitive")))
            hide(redactor, json_object_get(item, "value"), 0);
    }
    json_array_foreach(json_object_get(state, "resources"), at, item)
        json_array_foreach(json_object_get(item, "instances"), k, instance) hide_instance(redactor, instance);
}
