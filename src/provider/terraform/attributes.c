/* SPDX-License-Identifier: ISC */
/* Walking what is before and after at once, down to the single values. */
#include "provider/terraform/attributes.h"

#include "berth/base/hash.h"
#include "berth/base/memory.h"
#include "berth/base/seal.h"
#include "berth/base/str.h"
#include "berth/provider.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_LIMIT 256 /* bytes of one step of a path */

struct walk {
    const struct fingerprints *with;
    const char *address;
    const struct attribute_trees *trees;
    json_t *list;
    struct str path;
    VEC(char *) forcing; /* paths that make terraform replace it, as text */
    bool too_many;
};
struct place { /* the same place in each of the trees */
    const json_t *before, *after, *unknown, *before_sensitive, *after_sensitive;
};

/* --- hiding -------------------------------------------------------------------------------------------------- */

void fingerprint(const struct fingerprints *with, const char *of, const char *path, const json_t *value,
                 char text[FINGERPRINT_SIZE])
{
    struct str whole = STR_INIT;
    char hex[HASH_HEX_SIZE];
    char *dumped = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
    str_addf(&whole, "%s\n%s\n", of, path);
    str_add(&whole, dumped ? dumped : "null");
    hash_hmac(with->key, KEY_BYTES, whole.data, whole.length, hex);
    (void)snprintf(text, FINGERPRINT_SIZE, "hmac:%.32s", hex);
    bytes_wipe(whole.data, whole.length);
    str_release(&whole);
    free(dumped);
}

bool holds_secret(const struct fingerprints *with, const json_t *value)
{
    struct str clean = STR_INIT;
    if (json_is_string(value) && json_object_get(with->shorts, json_string_value(value)))
        return true;
    if (!with->redactor || redactor_count(with->redactor) == 0 || !value)
        return false;
    char *dumped = json_is_string(value) ? mem_strdup(json_string_value(value))
                                         : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    redact_text(with->redactor, dumped ? dumped : "", &clean);
    bool holds = dumped && !text_equal(dumped, clean.data);
    str_release(&clean);
    free(dumped);
    return holds;
}

static bool has_true(const json_t *mark, int depth)
{
    const char *key;
    json_t *item;
    size_t at;
    if (json_is_true(mark) || (depth > ATTRIBUTE_DEPTH_LIMIT && mark))
        return true;
    json_array_foreach(mark, at, item)
    {
        if (has_true(item, depth + 1))
            return true;
    }
    json_object_foreach((json_t *)(uintptr_t)mark, key, item)
    {
        if (has_true(item, depth + 1))
            return true;
    }
    return false;
}

/* --- one value ----------------------------------------------------------------------------------------------- */

/* As it may be shown: short, or its beginning and a fingerprint of the whole. */
static json_t *shown(const struct walk *walk, const json_t *value, bool sensitive)
{
    char mark[FINGERPRINT_SIZE], text[ATTRIBUTE_TEXT_LIMIT + 1];
    if (!value || json_is_null(value))
        return json_null();
    if (sensitive) {
        fingerprint(walk->with, walk->address, walk->path.data, value, mark);
        return json_string(mark);
    }
    if (!json_is_string(value) && !json_is_object(value) && !json_is_array(value))
        return json_deep_copy(value);
    char *dumped =
        json_is_string(value) ? mem_strdup(json_string_value(value)) : json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);
    json_t *result = NULL;
    if (dumped && !text_copy(text, sizeof text, dumped)) {
        fingerprint(walk->with, walk->address, walk->path.data, value, mark);
        result = json_sprintf("%s… (%zu bytes, %s)", text, strlen(dumped), mark);
    } else if (dumped) {
        result = json_string(dumped);
    }
    free(dumped);
    return result ? result : json_string("(not text)");
}

static bool forces(const struct walk *walk)
{
    for (size_t i = 0; i < walk->forcing.count; i++) {
        size_t length = strlen(walk->forcing.items[i]);
        if (strncmp(walk->path.data, walk->forcing.items[i], length) == 0 && strchr(".[", walk->path.data[length]))
            return true; /* strchr finds the end of the text too */
    }
    return false;
}

static bool same(const json_t *a, const json_t *b)
{
    bool no_a = !a || json_is_null(a), no_b = !b || json_is_null(b);
    return no_a || no_b ? no_a == no_b : json_equal(a, b) != 0;
}

static void add_value(struct walk *walk, const struct place *place)
{
    bool unknown = has_true(place->unknown, 0);
    if (!unknown && same(place->before, place->after))
        return;
    if (json_array_size(walk->list) >= ATTRIBUTES_LIMIT) {
        walk->too_many = true;
        return;
    }
    bool sensitive = has_true(place->before_sensitive, 0) || has_true(place->after_sensitive, 0) ||
                     holds_secret(walk->with, place->before) || holds_secret(walk->with, place->after);
    json_t *change = json_object();
    json_object_set_new(change, "path", json_string(walk->path.data));
    json_object_set_new(change, "before", shown(walk, place->before, sensitive));
    json_object_set_new(change, "after", unknown ? json_null() : shown(walk, place->after, sensitive));
    json_object_set_new(change, "sensitive", json_boolean(sensitive));
    if (unknown)
        json_object_set_new(change, "unknown", json_true());
    if (forces(walk))
        json_object_set_new(change, "forces", json_true());
    json_array_append_new(walk->list, change);
}

/* --- the trees ----------------------------------------------------------------------------------------------- */

/* A mark that is true holds for all below it, so nobody looks there. */
static const json_t *tree_at(const json_t *tree, const char *key, size_t at)
{
    return key ? json_object_get(tree, key) : json_array_get(tree, at);
}

static struct place place_at(const struct place *place, const char *key, size_t at)
{
    return (struct place){
        .before = tree_at(place->before, key, at),
        .after = tree_at(place->after, key, at),
        .unknown = tree_at(place->unknown, key, at),
        .before_sensitive = tree_at(place->before_sensitive, key, at),
        .after_sensitive = tree_at(place->after_sensitive, key, at),
    };
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void add_step(struct str *path, const char *key, size_t at)
{
    char name[NAME_LIMIT];
    if (!key) {
        str_addf(path, "[%zu]", at);
        return;
    }
    (void)text_copy(name, sizeof name, key);
    if (name[0] && name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")] == '\0')
        str_addf(path, "%s%s", path->length > 0 ? "." : "", name);
    else
        str_addf(path, "[\"%s\"]", name);
}

static void visit(struct walk *walk, const struct place *place, int depth);

static void visit_step(struct walk *walk, const struct place *place, const char *key, size_t at, int depth)
{
    size_t length = walk->path.length;
    struct place below = place_at(place, key, at);
    add_step(&walk->path, key, at);
    visit(walk, &below, depth + 1);
    str_cut(&walk->path, length);
}

/* Keys of all three in order, so that the list is the same whatever order terraform writes them in. */
static void visit_object(struct walk *walk, const struct place *place, int depth)
{
    const json_t *trees[] = {place->before, place->after, place->unknown};
    VEC(const char *) keys = {0};
    const char *key;
    json_t *value;
    for (size_t i = 0; i < sizeof trees / sizeof *trees; i++)
        json_object_foreach((json_t *)(uintptr_t)trees[i], key, value) vec_push(&keys, key);
    if (keys.count > 0)
        qsort(keys.items, keys.count, sizeof *keys.items, by_text);
    for (size_t i = 0; i < keys.count; i++)
        if (i == 0 || !text_equal(keys.items[i], keys.items[i - 1]))
            visit_step(walk, place, keys.items[i], 0, depth);
    vec_release(&keys);
}

static void visit_array(struct walk *walk, const struct place *place, int depth)
{
    size_t count = json_array_size(place->before);
    if (json_array_size(place->after) > count)
        count = json_array_size(place->after);
    if (json_array_size(place->unknown) > count)
        count = json_array_size(place->unknown);
    for (size_t i = 0; i < count; i++)
        visit_step(walk, place, NULL, i, depth);
}

static bool is_like(const json_t *value, json_type type)
{
    return !value || json_is_null(value) || (json_typeof(value) == type);
}

static bool opens(const struct place *place, json_type type)
{
    const json_t *unknown = json_is_boolean(place->unknown) ? NULL : place->unknown;
    size_t inside = type == JSON_OBJECT ? json_object_size(place->before) + json_object_size(place->after)
                                        : json_array_size(place->before) + json_array_size(place->after);
    inside += type == JSON_OBJECT ? json_object_size(unknown) : json_array_size(unknown);
    return inside > 0 && !json_is_true(place->unknown) && is_like(place->before, type) && is_like(place->after, type) &&
           is_like(unknown, type);
}

static void visit(struct walk *walk, const struct place *place, int depth)
{
    if (!json_is_true(place->unknown) && !has_true(place->unknown, 0) && same(place->before, place->after))
        return;
    if (json_is_true(place->before_sensitive) || json_is_true(place->after_sensitive))
        add_value(walk, place); /* its keys and its size tell something too */
    else if (depth < ATTRIBUTE_DEPTH_LIMIT && opens(place, JSON_OBJECT))
        visit_object(walk, place, depth);
    else if (depth < ATTRIBUTE_DEPTH_LIMIT && opens(place, JSON_ARRAY))
        visit_array(walk, place, depth);
    else
        add_value(walk, place);
}

static void read_forcing(struct walk *walk)
{
    size_t at, step_at;
    json_t *path, *step;
    json_array_foreach(walk->trees->replace_paths, at, path)
    {
        struct str text = STR_INIT;
        json_array_foreach(path, step_at, step)
        {
            if (json_is_string(step))
                add_step(&text, json_string_value(step), 0);
            else if (json_is_integer(step) && json_integer_value(step) >= 0)
                add_step(&text, NULL, (size_t)json_integer_value(step));
        }
        if (text.length > 0 && walk->forcing.count < ATTRIBUTES_LIMIT)
            vec_push(&walk->forcing, str_take(&text));
        str_release(&text);
    }
}

json_t *attribute_changes(const struct fingerprints *with, const char *address, const struct attribute_trees *trees)
{
    struct walk walk = {.with = with, .address = address, .trees = trees, .list = json_array(), .path = STR_INIT};
    struct place root = {trees->before, trees->after, trees->unknown, trees->before_sensitive, trees->after_sensitive};
    char before[FINGERPRINT_SIZE], after[FINGERPRINT_SIZE];
    read_forcing(&walk);
    visit(&walk, &root, 0);
    if (walk.too_many) {
        fingerprint(with, address, "before", trees->before, before);
        fingerprint(with, address, "after", trees->after, after);
        json_array_append_new(walk.list, json_pack("{s:s, s:s, s:s, s:b}", "path", "(more)", "before", before, "after",
                                                   after, "sensitive", 1));
    }
    for (size_t i = 0; i < walk.forcing.count; i++)
        free(walk.forcing.items[i]);
    vec_release(&walk.forcing);
    str_release(&walk.path);
    return walk.list;
}
