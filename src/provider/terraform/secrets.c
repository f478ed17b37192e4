/* SPDX-License-Identifier: ISC */
/* Finds what a state file marks as sensitive. */
#include "provider/terraform/secrets.h"

#include "provider/terraform/shown.h"

#include "berth/base/memory.h"
#include "berth/base/str.h"
#include "berth/provider.h"

#define DEPTH_LIMIT 64
#define HIDEABLE 4 /* bytes: the redactor knows nothing shorter */

/* How the tool writes a type: one of its names, or a list that begins with one. */
static bool is_type(const json_t *type)
{
    static const char *const names[] = {"string", "number", "bool", "dynamic", "object", "tuple", "list", "set", "map"};
    const char *name = json_string_value(json_is_array(type) ? json_array_get(type, 0) : type);
    for (size_t i = 0; name && i < sizeof names / sizeof *names; i++)
        if (text_equal(name, names[i]))
            return true;
    return false;
}

/* What a type that is not known before stands as: its type beside it. */
static const json_t *unwrapped(const json_t *value)
{
    const json_t *inside = json_object_get(value, "value");

    return inside && json_object_size(value) == 2 && is_type(json_object_get(value, "type")) ? inside : value;
}

static size_t hide_text(struct redactor *redactor, json_t *shorts, const json_t *value)
{
    json_t *text = output_text(value);
    size_t length = json_string_length(text), untold = length > 0;
    if (redactor && length >= HIDEABLE && !json_is_boolean(value)) {
        redactor_add(redactor, json_string_value(text), length);
        untold = 0;
    } else if (shorts && json_is_string(value) && length > 0) {
        json_object_set_new(shorts, json_string_value(text), json_true());
    }
    json_decref(text);
    return untold;
}

static size_t hide(struct redactor *redactor, json_t *shorts, const json_t *marked, int depth)
{
    const json_t *value = unwrapped(marked);
    const char *key;
    json_t *item;
    size_t at, untold = 0;
    if (!value || json_is_null(value))
        return 0;
    if (depth > DEPTH_LIMIT)
        return 1;
    if (!json_is_object(value) && !json_is_array(value))
        return hide_text(redactor, shorts, value);
    json_object_foreach((json_t *)(uintptr_t)value, key, item) untold += hide(redactor, shorts, item, depth + 1);
    json_array_foreach(value, at, item) untold += hide(redactor, shorts, item, depth + 1);
    return untold;
}

size_t secrets_hide(struct redactor *redactor, json_t *shorts, const json_t *value)
{
    return hide(redactor, shorts, value, 0);
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

static void hide_instance(struct redactor *redactor, json_t *shorts, const json_t *instance)
{
    size_t at, k;
    json_t *path, *step;
    json_array_foreach(json_object_get(instance, "sensitive_attributes"), at, path)
    {
        const json_t *value = json_object_get(instance, "attributes");
        json_array_foreach(path, k, step) value = below(value, step);
        if (value != json_object_get(instance, "attributes"))
            (void)hide(redactor, shorts, value, 0);
    }
}

void secrets_of_state(struct redactor *redactor, json_t *shorts, const json_t *state)
{
    const char *name;
    json_t *item, *instance;
    size_t at, k;
    json_object_foreach(json_object_get(state, "outputs"), name, item)
    {
        if (json_is_true(json_object_get(item, "sensitive")))
            (void)hide(redactor, shorts, json_object_get(item, "value"), 0);
    }
    json_array_foreach(json_object_get(state, "resources"), at, item)
        json_array_foreach(json_object_get(item, "instances"), k, instance) hide_instance(redactor, shorts, instance);
}
