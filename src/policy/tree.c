/* SPDX-License-Identifier: ISC */
/* Why-trees: building them, their JSON and text forms, and the one rule that matters most. */
#include "policy/tree.h"

#include "berth/base/str.h"
#include "berth/base/time.h"
#include "berth/config.h"
#include "berth/model/record.h"

#define WHY_DEPTH 16 /* of a tree read from JSON; ours are three deep */

static const char *const kind_names[] = {"all", "any", "rule", NULL};
static const char *const verdict_names[] = {"yes", "wait", "no", NULL};

void why_begin(struct why_builder *builder, enum why_kind kind, struct arena *arena)
{
    *builder = (struct why_builder){.arena = arena, .kind = kind};
}

void why_add_node(struct why_builder *builder, const struct why *node)
{
    vec_push(&builder->children, node);
}

void why_add(struct why_builder *builder, enum verdict verdict, const char *rule, const char *source, const char *next,
             const char *format, ...)
{
    struct why *node = arena_alloc(builder->arena, sizeof *node);
    struct str reason = STR_INIT;
    va_list arguments;

    va_start(arguments, format);
    str_addv(&reason, format, arguments);
    va_end(arguments);
    *node = (struct why){.kind = WHY_RULE,
                         .verdict = verdict,
                         .rule = rule,
                         .reason = arena_strdup(builder->arena, reason.data),
                         .source = source,
                         .next = next};
    str_release(&reason);
    why_add_node(builder, node);
}

static enum verdict verdict_of(enum why_kind kind, const struct why *const *children, size_t count)
{
    enum verdict verdict = kind == WHY_ANY && count > 0 ? POLICY_NO : POLICY_YES;

    for (size_t i = 0; i < count; i++) {
        if (kind == WHY_ANY ? children[i]->verdict < verdict : children[i]->verdict > verdict)
            verdict = children[i]->verdict;
    }
    return verdict;
}

const struct why *why_finish(struct why_builder *builder, const char *rule, const char *reason)
{
    struct why *node = arena_alloc(builder->arena, sizeof *node);

    *node = (struct why){.kind = builder->kind,
                         .verdict = verdict_of(builder->kind, builder->children.items, builder->children.count),
                         .rule = rule,
                         .reason = reason,
                         .source = "",
                         .next = "",
                         .count = builder->children.count};
    if (node->count > 0)
        node->children = arena_copy(builder->arena, builder->children.items, node->count * sizeof *node->children);
    vec_release(&builder->children);
    return node;
}

const char *why_line(struct arena *arena, const struct config *config, int line)
{
    if (config == NULL || line <= 0)
        return "";
    return arena_printf(arena, "%s:%d", text_empty(config->file) ? "berth.yaml" : config->file, line);
}

json_t *why_to_json(const struct why *why)
{
    json_t *object = json_object();
    json_t *children;

    json_object_set_new(object, "kind", json_string(kind_names[why->kind]));
    json_object_set_new(object, "verdict", json_string(verdict_names[why->verdict]));
    json_object_set_new(object, "rule", json_string(why->rule));
    json_object_set_new(object, "reason", json_string(why->reason));
    if (!text_empty(why->source))
        json_object_set_new(object, "source", json_string(why->source));
    if (!text_empty(why->next))
        json_object_set_new(object, "next", json_string(why->next));
    if (why->kind == WHY_RULE)
        return object;
    children = json_array();
    for (size_t i = 0; i < why->count; i++)
        json_array_append_new(children, why_to_json(why->children[i]));
    json_object_set_new(object, "children", children);
    return object;
}

static const struct why *read_tree(const json_t *json, struct arena *arena, int depth)
{
    const json_t *children = json_object_get(json, "children");
    int kind = word_value(kind_names, json_get_text(json, "kind"));
    int verdict = word_value(verdict_names, json_get_text(json, "verdict"));
    struct why *why;
    const struct why **list;

    if (!json_is_object(json) || kind < 0 || verdict < 0 || depth > WHY_DEPTH)
        return NULL;
    why = arena_alloc(arena, sizeof *why);
    *why = (struct why){.kind = (enum why_kind)kind,
                        .verdict = (enum verdict)verdict,
                        .rule = arena_strdup(arena, json_get_text(json, "rule")),
                        .reason = arena_strdup(arena, json_get_text(json, "reason")),
                        .source = arena_strdup(arena, json_get_text(json, "source")),
                        .next = arena_strdup(arena, json_get_text(json, "next")),
                        .count = json_array_size(children)};
    if (why->count == 0)
        return why;
    list = arena_alloc(arena, why->count * sizeof *list);
    for (size_t i = 0; i < why->count; i++) {
        list[i] = read_tree(json_array_get(children, i), arena, depth + 1);
        if (list[i] == NULL)
            return NULL;
    }
    why->children = list;
    return why;
}

const struct why *why_from_json(const json_t *json, struct arena *arena)
{
    return read_tree(json, arena, 0);
}

static void add_text(const struct why *why, int depth, struct str *out)
{
    static const char *const shown[] = {"yes ", "wait", "NO  "};

    str_add_fill(out, ' ', (size_t)depth * 2);
    str_add(out, shown[why->verdict]);
    if (!text_empty(why->rule))
        str_addf(out, "  %s", why->rule);
    if (!text_empty(why->reason))
        str_addf(out, "%s%s", text_empty(why->rule) ? "  " : ": ", why->reason);
    if (!text_empty(why->source))
        str_addf(out, " [%s]", why->source);
    if (!text_empty(why->next))
        str_addf(out, " -> %s", why->next);
    str_add_char(out, '\n');
    for (size_t i = 0; i < why->count; i++)
        add_text(why->children[i], depth + 1, out);
}

void why_text(const struct why *why, struct str *out)
{
    add_text(why, 0, out);
}

static const struct why *first_with(const struct why *why, enum verdict verdict)
{
    if (why->verdict != verdict)
        return NULL;
    for (size_t i = 0; i < why->count; i++) {
        const struct why *found = first_with(why->children[i], verdict);

        if (found != NULL)
            return found;
    }
    return why;
}

const struct why *why_first(const struct why *why)
{
    const struct why *found = first_with(why, POLICY_NO);

    return found != NULL ? found : first_with(why, POLICY_WAIT);
}
