/* SPDX-License-Identifier: ISC */
/* Reading plans that terraform shows as JSON. */
#include "provider/terraform/shown.h"

#include "berth/base/str.h"
#include "berth/model/record.h"

#include <stdlib.h>
#include <string.h>

#define FORMAT_MAJOR "1."

/* --- what both have in common -------------------------------------------------------------------------------- */

static json_t *load(const char *bytes, size_t count, const char *what, struct error *error)
{
    json_error_t problem;
    if (count > SHOWN_LIMIT) {
        error_set(error, ERROR_LIMIT, "the %s is more than %zu bytes of JSON", what, SHOWN_LIMIT);
        error_hint(error, "split the module into smaller ones");
        return NULL;
    }
    json_t *root = json_loadb(bytes, count, 0, &problem);
    if (!json_is_object(root)) {
        error_set(error, ERROR_TOOL, "the %s that the tool shows is no JSON object", what);
        if (!root)
            error_detail(error, "line %d: %s", problem.line, problem.text);
        error_hint(error, "see its log for what else it said");
        json_decref(root);
        return NULL;
    }
    const char *format = json_get_text(root, "format_version");
    if (text_starts(format, FORMAT_MAJOR))
        return root;
    error_set(error, ERROR_VERSION, "the %s is written in form '%.20s', which this berth does not know", what, format);
    error_hint(error, "use another version of the tool, or a newer berth");
    json_decref(root);
    return NULL;
}

json_t *output_text(const json_t *value)
{
    char *dumped = json_is_string(value) ? NULL : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
    json_t *text = json_is_string(value) ? json_string(json_string_value(value)) : json_string(dumped ? dumped : "");
    free(dumped);
    return text ? text : json_string("");
}

static void set_text(json_t *object, const char *key, const char *text)
{
    if (!text_empty(text))
        json_object_set_new(object, key, json_string(text));
}

static int by_path(const void *a, const void *b)
{
    const json_t *const *x = a, *const *y = b;
    int order = strcmp(json_get_text(*x, "path"), json_get_text(*y, "path"));
    return order ? order : strcmp(json_get_text(*x, "deposed"), json_get_text(*y, "deposed"));
}

static int by_address(const void *a, const void *b)
{
    const json_t *const *x = a, *const *y = b;
    return strcmp(json_get_text(*x, "address"), json_get_text(*y, "address"));
}

static json_t *sorted(json_t *list_take, int (*order)(const void *a, const void *b))
{
    VEC(json_t *) items = {0};
    json_t *list = json_array();
    size_t at;
    json_t *item;
    json_array_foreach(list_take, at, item) vec_push(&items, item);
    if (items.count > 0)
        qsort(items.items, items.count, sizeof *items.items, order);
    for (size_t i = 0; i < items.count; i++)
        json_array_append(list, items.items[i]);
    vec_release(&items);
    json_decref(list_take);
    return list;
}

/* --- changes ------------------------------------------------------------------------------------------------- */

/* terraform's list of actions as one word of ours; "" for nothing, NULL for what is not known. */
static const char *action_of(const json_t *actions)
{
    const char *first = json_string_value(json_array_get(actions, 0));
    const char *second = json_string_value(json_array_get(actions, 1));
    static const char *const words[][2] = {{"no-op", ""},        {"create", "create"},  {"read", "read"},
                                           {"update", "update"}, {"delete", "destroy"}, {"forget", "forget"}};
    if (json_array_size(actions) == 2) /* destroyed or forgotten, and made anew, in either order */
        return text_equal(first, "create") || text_equal(second, "create") ? "replace" : NULL;
    for (size_t i = 0; json_array_size(actions) == 1 && i < sizeof words / sizeof *words; i++)
        if (text_equal(first, words[i][0]))
            return words[i][1];
    return NULL;
}

static size_t *counter(struct shown_counts *counts, const char *action)
{
    const struct {
        const char *action;
        size_t *counter;
    } table[] = {{"create", &counts->creates},   {"update", &counts->updates}, {"replace", &counts->replaces},
                 {"destroy", &counts->destroys}, {"read", &counts->reads},     {"forget", &counts->forgets},
                 {"move", &counts->moves},       {"import", &counts->imports}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (text_equal(action, table[i].action))
            return table[i].counter;
    return NULL;
}

/* One inner resource's change, or NULL when there is none; `*unknown` is set for an action that berth does not know. */
static json_t *change_of(const json_t *item, const struct fingerprints *with, bool *unknown)
{
    const json_t *change = json_object_get(item, "change");
    const char *address = json_get_text(item, "address"), *was = json_get_text(item, "previous_address");
    const char *action = action_of(json_object_get(change, "actions"));
    bool imports = json_is_object(json_object_get(change, "importing"));
    *unknown = !action || !address[0];
    if (*unknown)
        return NULL;
    if (!action[0] && imports)
        action = "import";
    else if (!action[0] && was[0] && !text_equal(was, address))
        action = "move";
    if (!action[0])
        return NULL;
    json_t *made = json_object();
    json_object_set_new(made, "path", json_string(address));
    json_object_set_new(made, "action", json_string(action));
    json_object_set_new(made, "kind", json_string(json_get_text(item, "type")));
    json_object_set_new(made, "before", json_null());
    json_object_set_new(made, "after", json_null());
    json_object_set_new(made, "sensitive", json_false());
    set_text(made, "reason", json_get_text(item, "action_reason"));
    set_text(made, "was", text_equal(was, address) ? "" : was);
    set_text(made, "deposed", json_get_text(item, "deposed"));
    if (imports)
        json_object_set_new(made, "imports", json_true());
    struct attribute_trees trees = {
        .before = json_object_get(change, "before"),
        .after = json_object_get(change, "after"),
        .unknown = json_object_get(change, "after_unknown"),
        .before_sensitive = json_object_get(change, "before_sensitive"),
        .after_sensitive = json_object_get(change, "after_sensitive"),
        .replace_paths = json_object_get(change, "replace_paths"),
    };
    json_object_set_new(made, "attributes", attribute_changes(with, address, &trees));
    return made;
}

static bool take_changes(const json_t *list, const struct fingerprints *with, struct shown_counts *counts,
                         json_t **changes, struct error *error)
{
    size_t at;
    json_t *item;
    *changes = json_array();
    if (json_array_size(list) > INNER_LIMIT) {
        error_set(error, ERROR_LIMIT, "the plan is about more than %d inner resources", INNER_LIMIT);
        return error_hint(error, "split the module into smaller ones");
    }
    json_array_foreach(list, at, item)
    {
        bool unknown = false;
        json_t *change = change_of(item, with, &unknown);
        if (unknown) {
            error_set(error, ERROR_VERSION, "the plan would do something to '%.100s' that this berth does not know",
                      json_get_text(item, "address"));
            return error_hint(error, "use another version of the tool, or a newer berth");
        }
        if (!change)
            continue;
        size_t *count = counts ? counter(counts, json_get_text(change, "action")) : NULL;
        if (count)
            (*count)++;
        json_array_append_new(*changes, change);
    }
    *changes = sorted(*changes, by_path);
    return true;
}

json_t *shown_in_order(json_t *inner_take)
{
    return sorted(inner_take, by_address);
}

/* --- what will be there -------------------------------------------------------------------------------------- */

static bool stays(const char *action)
{
    return action && !text_equal(action, "destroy") && !text_equal(action, "forget");
}

static json_t *inner_of(const json_t *list, bool *there)
{
    json_t *inner = json_array(), *item;
    size_t at;
    json_array_foreach(list, at, item)
    {
        const json_t *actions = json_object_get(json_object_get(item, "change"), "actions");
        const json_t *before = json_object_get(json_object_get(item, "change"), "before");
        const char *action = action_of(actions);
        bool managed = text_equal(json_get_text(item, "mode"), "managed");
        *there = *there || (managed && json_is_object(before));
        if (!managed || !stays(action) || json_object_get(item, "deposed"))
            continue;
        json_array_append_new(inner, json_pack("{s:s, s:s, s:s}", "address", json_get_text(item, "address"), "kind",
                                               json_get_text(item, "type"), "status", action[0] ? "waiting" : "ok"));
    }
    return shown_in_order(inner);
}

/* --- outputs ------------------------------------------------------------------------------------------------- */

static bool is_sensitive(const json_t *mark)
{
    return mark && !json_is_false(mark) && !json_is_null(mark);
}

static json_t *output_of(const struct fingerprints *with, const char *name, const json_t *change)
{
    char mark[FINGERPRINT_SIZE];
    const json_t *after = json_object_get(change, "after"), *unknown = json_object_get(change, "after_unknown");
    bool known = !unknown || json_is_false(unknown) ||
                 (!json_is_true(unknown) && json_array_size(unknown) + json_object_size(unknown) == 0);
    if (is_sensitive(json_object_get(change, "after_sensitive")) ||
        is_sensitive(json_object_get(change, "before_sensitive")) || holds_secret(with, after)) {
        fingerprint(with, "output", name, after, mark);
        return known ? json_pack("{s:s}", "sensitive", mark) : json_pack("{s:s, s:b}", "sensitive", "", "unknown", 1);
    }
    return known ? json_pack("{s:o}", "value", output_text(after)) : json_pack("{s:b}", "unknown", 1);
}

static void take_outputs(const json_t *changes, const struct fingerprints *with, struct shown_plan *plan)
{
    const char *name;
    json_t *change;
    plan->outputs = json_object();
    json_object_foreach((json_t *)(uintptr_t)changes, name, change)
    {
        const char *action = action_of(json_object_get(change, "actions"));
        plan->output_changes = plan->output_changes || !action || action[0];
        if (action && !text_equal(action, "destroy"))
            json_object_set_new(plan->outputs, name, output_of(with, name, change));
    }
}

/* --- the plan ------------------------------------------------------------------------------------------------ */

bool shown_plan_read(const char *bytes, size_t count, const struct fingerprints *with, struct arena *arena,
                     struct shown_plan *plan, struct error *error)
{
    *plan = (struct shown_plan){.version = ""};
    json_t *root = load(bytes, count, "plan", error);
    if (!root)
        return false;
    const json_t *changes = json_object_get(root, "resource_changes"), *whole = json_object_get(root, "complete");
    bool read = take_changes(changes, with, &plan->counts, &plan->changes, error) &&
                take_changes(json_object_get(root, "resource_drift"), with, NULL, &plan->drift, error);
    if (read && (json_is_true(json_object_get(root, "errored")) || json_is_false(whole))) {
        read = error_set(error, ERROR_TOOL, "the plan is not whole");
        error_detail(error, "the tool says that it failed or left something for later");
        error_hint(error, "see its log; mend it and plan again");
    }
    if (read) {
        const json_t *applyable = json_object_get(root, "applyable");
        plan->inner = inner_of(changes, &plan->there);
        take_outputs(json_object_get(root, "output_changes"), with, plan);
        plan->applyable = json_is_true(applyable);
        plan->version = arena_strdup(arena, json_get_text(root, "terraform_version"));
    }
    json_decref(root);
    if (!read)
        shown_plan_release(plan);
    return read;
}

void shown_plan_release(struct shown_plan *plan)
{
    json_decref(plan->changes);
    json_decref(plan->drift);
    json_decref(plan->outputs);
    json_decref(plan->inner);
    plan->changes = plan->drift = plan->outputs = plan->inner = NULL;
}

const char *shown_summary(const struct shown_plan *plan, struct arena *arena)
{
    const struct shown_counts *counts = &plan->counts;
    const struct {
        size_t count;
        const char *words;
    } parts[] = {{counts->destroys, "to destroy"}, {counts->replaces, "to replace"}, {counts->creates, "to create"},
                 {counts->updates, "to update"},   {counts->imports, "to import"},   {counts->moves, "to move"},
                 {counts->forgets, "to forget"},   {counts->reads, "to read"}};
    const char *text = "";
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (parts[i].count > 0)
            text = arena_printf(arena, "%s%s%zu %s", text, text[0] ? ", " : "", parts[i].count, parts[i].words);
    if (text[0])
        return text;
    return plan->output_changes ? "only outputs change" : "no changes";
}

enum plan_action shown_action(const struct shown_plan *plan)
{
    const struct shown_counts *counts = &plan->counts;
    if (counts->destroys + counts->replaces > 0)
        return PLAN_REPLACE;
    if (counts->creates + counts->updates + counts->forgets + counts->moves + counts->imports > 0 ||
        plan->output_changes || plan->applyable)
        return plan->there ? PLAN_UPDATE : PLAN_CREATE;
    return PLAN_NONE;
}

const char *shown_creates(const struct shown_plan *plan)
{
    size_t at;
    json_t *change;
    json_array_foreach(plan->changes, at, change)
    {
        const char *action = json_get_text(change, "action");
        if (!text_equal(action, "destroy") && !text_equal(action, "read") && !text_equal(action, "forget") &&
            !text_equal(action, "move"))
            return json_get_text(change, "path");
    }
    return NULL;
}
