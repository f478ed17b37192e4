/* SPDX-License-Identifier: ISC */
/* Two environments beside each other: what they are, their inputs, templates and resources, and what lies between their commits. */
#include "berth/base/text.h"
#include "berth/base/wording.h"
#include "berth/store.h"
#include "ui/action.h"

#include <stdlib.h>

#define NAME_WIDTH 14
#define SIDE_WIDTH 30

struct side {
    const struct environment *environment;
    struct resource *resources;
    struct environment_template *templates;
    size_t resource_count, template_count;
};
struct comparison {
    struct dashboard *dashboard;
    struct arena arena;
    struct side sides[2];
    struct str *out;
    size_t same; /* that are not told one by one */
};

/* --- rows -------------------------------------------------------------------------------------------------- */

static void put(struct str *out, const char *text, int width)
{
    struct str visible = STR_INIT;
    text_visible(&visible, text, strlen(text), TEXT_ONE_LINE);
    str_add(out, visible.data);
    for (int used = text_width(visible.data); used < width; used++)
        str_add_char(out, ' ');
    str_add(out, "  ");
    str_release(&visible);
}

static void put_row(struct comparison *comparison, const char *name, const char *left, const char *right)
{
    str_add(comparison->out, text_equal(left, right) ? "  " : "~ ");
    put(comparison->out, name, NAME_WIDTH);
    put(comparison->out, left, SIDE_WIDTH);
    put(comparison->out, right, 0);
    str_add_char(comparison->out, '\n');
}

static void put_title(struct comparison *comparison, const char *title)
{
    str_addf(comparison->out, "\n%s\n", title);
}

static const char *said(struct comparison *comparison, void (*word)(struct str *, const char *), const char *value)
{
    struct str text = STR_INIT;
    word(&text, value);
    const char *kept = arena_strdup(&comparison->arena, text.data);
    str_release(&text);
    return kept;
}

static const char *json_words(struct comparison *comparison, const json_t *value)
{
    if (!value)
        return "-";
    if (json_is_string(value))
        return json_string_value(value);
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
    const char *kept = arena_strdup(&comparison->arena, text ? text : "?");
    free(text);
    return kept;
}

/* The members in which two objects differ, `prefix` before each name. Gives how many there are. */
static size_t put_members(struct comparison *comparison, const char *prefix, json_t *left, json_t *right)
{
    size_t count = 0;
    const char *key;
    json_t *value;
    json_object_foreach(left, key, value)
    {
        json_t *other = json_object_get(right, key);
        if (other && json_equal(value, other))
            continue;
        put_row(comparison, arena_printf(&comparison->arena, "%s%s", prefix, key), json_words(comparison, value),
                json_words(comparison, other));
        count++;
    }
    json_object_foreach(right, key, value)
    {
        if (json_object_get(left, key))
            continue;
        put_row(comparison, arena_printf(&comparison->arena, "%s%s", prefix, key), "-", json_words(comparison, value));
        count++;
    }
    return count;
}

static size_t put_objects(struct comparison *comparison, const char *prefix, const char *left, const char *right)
{
    json_t *a = json_column(left), *b = json_column(right);
    size_t count = put_members(comparison, prefix, a, b);
    json_decref(a);
    json_decref(b);
    return count;
}

/* --- what they are ------------------------------------------------------------------------------------------ */

static const char *number(struct comparison *comparison, int64_t version)
{
    return version ? arena_printf(&comparison->arena, "v%lld", (long long)version) : "-";
}

static void put_facts(struct comparison *comparison)
{
    const struct environment *a = comparison->sides[0].environment, *b = comparison->sides[1].environment;
    put_row(comparison, "", a->name, b->name);
    put_row(comparison, "status", environment_word(a), environment_word(b));
    put_row(comparison, "tier", word_name(tier_names, a->tier), word_name(tier_names, b->tier));
    put_row(comparison, "branch", text_empty(a->branch) ? "-" : a->branch, text_empty(b->branch) ? "-" : b->branch);
    put_row(comparison, "commit", said(comparison, wording_commit, a->commit),
            said(comparison, wording_commit, b->commit));
    put_row(comparison, "release", number(comparison, a->release), number(comparison, b->release));
    put_row(comparison, "target", a->target, b->target);
    put_row(comparison, "entry", a->entry, b->entry);
    put_title(comparison, "Inputs");
    if (!put_objects(comparison, "", a->inputs, b->inputs))
        str_add(comparison->out, "  the same\n");
}

static const char *version_of(const struct side *side, const char *name)
{
    for (size_t i = 0; i < side->template_count; i++) {
        if (text_equal(side->templates[i].template, name))
            return text_empty(side->templates[i].version) ? "(no version)" : side->templates[i].version;
    }
    return "-";
}

static void put_templates(struct comparison *comparison)
{
    const struct side *a = &comparison->sides[0], *b = &comparison->sides[1];
    put_title(comparison, "Templates");
    if (!a->template_count && !b->template_count)
        str_add(comparison->out, "  none recorded\n");
    for (size_t i = 0; i < a->template_count; i++)
        put_row(comparison, a->templates[i].template, version_of(a, a->templates[i].template),
                version_of(b, a->templates[i].template));
    for (size_t i = 0; i < b->template_count; i++) {
        if (text_equal(version_of(a, b->templates[i].template), "-"))
            put_row(comparison, b->templates[i].template, "-", version_of(b, b->templates[i].template));
    }
}

/* --- resources ---------------------------------------------------------------------------------------------- */

static bool counts(const struct resource *resource)
{
    return text_empty(resource->parent) && resource->status != RESOURCE_GONE && resource->status != RESOURCE_ABSENT;
}

static const struct resource *resource_at(const struct side *side, const char *address)
{
    for (size_t i = 0; i < side->resource_count; i++) {
        if (counts(&side->resources[i]) && text_equal(side->resources[i].address, address))
            return &side->resources[i];
    }
    return NULL;
}

static void put_resource(struct comparison *comparison, const struct resource *left, const struct resource *right)
{
    const char *words[2];
    const struct resource *both[2] = {left, right};
    for (int i = 0; i < 2; i++)
        words[i] = both[i] ? word_name(resource_status_names, both[i]->status) : "-";
    bool same_spec = left && right && text_equal(left->spec_digest, right->spec_digest);
    if (same_spec && text_equal(words[0], words[1])) {
        comparison->same++;
        return;
    }
    put_row(comparison, left ? left->address : right->address, words[0], words[1]);
    if (!left || !right || same_spec)
        return;
    if (!put_objects(comparison, "  ", left->spec, right->spec))
        str_add(comparison->out, "~   what it was applied with differs, not its own text\n");
}

static void put_resources(struct comparison *comparison)
{
    const struct side *a = &comparison->sides[0], *b = &comparison->sides[1];
    put_title(comparison, "Resources");
    for (size_t i = 0; i < a->resource_count; i++) {
        if (counts(&a->resources[i]))
            put_resource(comparison, &a->resources[i], resource_at(b, a->resources[i].address));
    }
    for (size_t i = 0; i < b->resource_count; i++) {
        if (counts(&b->resources[i]) && !resource_at(a, b->resources[i].address))
            put_resource(comparison, NULL, &b->resources[i]);
    }
    if (comparison->same)
        str_addf(comparison->out, "  %zu the same in both\n", comparison->same);
}

static void put_commits(struct comparison *comparison)
{
    const struct environment *a = comparison->sides[0].environment, *b = comparison->sides[1].environment;
    put_title(comparison, "Commits");
    if (text_empty(a->commit) || text_empty(b->commit))
        str_add(comparison->out, "  one of them was never deployed whole\n");
    else if (text_equal(a->commit, b->commit))
        str_add(comparison->out, "  the same commit\n");
    else
        str_addf(comparison->out, "  git log --oneline %.12s..%.12s    what %s has beside %s\n", a->commit, b->commit,
                 b->name, a->name);
}

/* --- opening ------------------------------------------------------------------------------------------------ */

static bool read_side(struct comparison *comparison, struct side *side, const struct environment *row,
                      struct error *error)
{
    struct store *store = comparison->dashboard->reader;
    const struct store_query resources = {.type = &resource_type, .index = "environment", .equal = {row->id}};
    const struct store_query templates = {
        .type = &environment_template_type, .index = "environment", .equal = {row->id}};
    side->environment = row;
    return store_list(store, &resources, &comparison->arena, &side->resources, &side->resource_count, error) &&
           store_list(store, &templates, &comparison->arena, &side->templates, &side->template_count, error);
}

static void compare_open(struct dashboard *dashboard, const struct environment *left, const struct environment *right)
{
    struct str text = STR_INIT, title = STR_INIT;
    struct comparison comparison = {.dashboard = dashboard, .out = &text};
    struct error error = {0};
    if (read_side(&comparison, &comparison.sides[0], left, &error) &&
        read_side(&comparison, &comparison.sides[1], right, &error)) {
        put_facts(&comparison);
        put_templates(&comparison);
        put_resources(&comparison);
        put_commits(&comparison);
        str_addf(&title, "Compare %s with %s   ~ differs", left->name, right->name);
        dashboard_show_text(dashboard, title.data, text.data);
    } else {
        dashboard_say_error(dashboard, &error);
    }
    str_release(&text);
    str_release(&title);
    arena_release(&comparison.arena);
}

/* --- marks -------------------------------------------------------------------------------------------------- */

bool mark_is(const struct dashboard *dashboard, const char *environment)
{
    return text_equal(dashboard->marks[0], environment) || text_equal(dashboard->marks[1], environment);
}

void mark_toggle(struct dashboard *dashboard)
{
    const struct environment *row = dashboard_subject(dashboard).environment;
    char **marks = dashboard->marks;
    if (!row) {
        dashboard_say(dashboard, STYLE_MUTED, "there is no environment here to mark");
        return;
    }
    if (mark_is(dashboard, row->id)) {
        size_t at = text_equal(marks[0], row->id) ? 0 : 1;
        free(marks[at]);
        marks[at] = NULL;
        dashboard_say(dashboard, STYLE_MUTED, "%s is not marked any more", row->name);
        return;
    }
    if (marks[0] && marks[1]) { /* the older one goes */
        free(marks[0]);
        marks[0] = marks[1];
        marks[1] = NULL;
    }
    marks[marks[0] ? 1 : 0] = mem_strdup(row->id);
    dashboard_say(dashboard, STYLE_NORMAL,
                  marks[0] && marks[1] ? "%s is marked; v compares the two"
                                       : "%s is marked; v compares another one with it",
                  row->name);
}

void mark_compare(struct dashboard *dashboard)
{
    const struct environment *rows[2] = {NULL, NULL}, *selected = dashboard_subject(dashboard).environment;
    size_t count = 0;
    for (size_t i = 0; i < 2; i++) {
        const struct environment *row =
            dashboard->marks[i] ? picture_environment(dashboard->picture, dashboard->marks[i]) : NULL;
        if (row)
            rows[count++] = row;
    }
    if (count == 1 && selected && selected != rows[0])
        rows[count++] = selected;
    if (count == 2)
        compare_open(dashboard, rows[0], rows[1]);
    else
        dashboard_say(dashboard, STYLE_MUTED, "m marks an environment, then another; v shows in what they differ");
}
