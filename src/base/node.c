/* SPDX-License-Identifier: ISC */
/* Reads YAML into trees of nodes, from libyaml's events: no recursion, every limit checked as it comes. */
#include "berth/base/node.h"

#include "base/scalar.h"
#include "berth/base/str.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define SMALL_MAP 16 /* up to so many keys duplicates are found by looking at each */

/* What a name of an anchor stands for, and what its alias adds to the limits. */
struct anchor {
    struct node *node;
    size_t weight; /* nodes with aliases expanded; 0 while it is still being read */
    int height;    /* levels of nesting, 0 for a scalar */
};

/* A list or map being read. */
struct frame {
    struct node *node;
    struct node *key; /* of a map: read, its value is still to come */
    bool key_refused; /* the pair was an error and is left out */
    VEC(struct node *) items;
    VEC(struct node_pair) pairs;
    struct map keys;
    struct anchor *anchor; /* to be completed at its end, or NULL */
    size_t weight;
    int height;
};

struct reader {
    struct arena *arena;
    const char *file;
    struct problems *problems;
    struct map anchors;
    struct frame frames[NODE_LIMIT_DEPTH];
    int depth;
    size_t weight; /* nodes so far, with aliases expanded */
    struct node *root;
    bool stop; /* a limit was passed or the text is no YAML */
};

static bool BERTH_PRINTF(4, 5)
    complain(struct reader *reader, yaml_mark_t mark, const char *hint, const char *format, ...)
{
    struct str message = STR_INIT;
    va_list arguments;
    va_start(arguments, format);
    str_addv(&message, format, arguments);
    va_end(arguments);
    problem_add(reader->problems, PROBLEM_ERROR, reader->file, (int)mark.line + 1, (int)mark.column + 1, hint, "%s",
                message.data);
    str_release(&message);
    return false;
}

static struct node *new_node(struct reader *reader, enum node_kind kind, yaml_mark_t mark)
{
    struct node *node = arena_alloc(reader->arena, sizeof *node);
    *node = (struct node){.kind = kind, .line = (int)mark.line + 1, .column = (int)mark.column + 1, .text = ""};
    return node;
}

static bool key_is_taken(struct frame *frame, const struct node *key)
{
    if (frame->pairs.count < SMALL_MAP) {
        for (size_t i = 0; i < frame->pairs.count; i++) {
            if (text_equal(frame->pairs.items[i].key->text, key->text))
                return true;
        }
        return false;
    }
    if (!frame->keys.count) {
        for (size_t i = 0; i < frame->pairs.count; i++)
            map_set(&frame->keys, frame->pairs.items[i].key->text, frame->pairs.items[i].key);
    }
    return map_set(&frame->keys, key->text, (void *)key) != NULL;
}

static bool take_key(struct reader *reader, struct frame *frame, struct node *key, yaml_mark_t mark)
{
    frame->key = key;
    frame->key_refused = true;
    if (key->kind == NODE_LIST || key->kind == NODE_MAP)
        return complain(reader, mark, "write a text as the key", "a key is a %s", node_kind_name(key->kind));
    if (!key->quoted && text_equal(key->text, "<<"))
        return complain(reader, mark, "repeat the keys, or name the whole map with an alias",
                        "merge keys (<<) are not supported");
    if (key_is_taken(frame, key))
        return complain(reader, mark, "keep one of them", "the key \"%s\" is there twice", key->text);
    frame->key_refused = false;
    return true;
}

/* Puts a finished node where it belongs. */
static void place(struct reader *reader, struct node *node, size_t weight, int height, yaml_mark_t mark)
{
    if (!reader->depth) {
        reader->root = node;
        return;
    }
    struct frame *frame = &reader->frames[reader->depth - 1];
    frame->weight += weight;
    if (frame->height < height + 1)
        frame->height = height + 1;
    if (frame->node->kind == NODE_LIST) {
        vec_push(&frame->items, node);
    } else if (!frame->key) {
        (void)take_key(reader, frame, node, mark);
    } else {
        if (!frame->key_refused)
            vec_push(&frame->pairs, ((struct node_pair){frame->key, node}));
        frame->key = NULL;
    }
}

/* Counts nodes against the limit; a text that passes it is read no further. */
static bool count_nodes(struct reader *reader, size_t weight, yaml_mark_t mark)
{
    reader->weight += weight;
    if (reader->weight <= NODE_LIMIT_NODES)
        return true;
    reader->stop = true;
    return complain(reader, mark, "use fewer aliases, or split the file",
                    "the file has more than %u values with its aliases expanded", NODE_LIMIT_NODES);
}

static bool check_depth(struct reader *reader, int depth, yaml_mark_t mark)
{
    if (depth <= NODE_LIMIT_DEPTH)
        return true;
    reader->stop = true;
    return complain(reader, mark, "", "lists and maps are nested deeper than %d", NODE_LIMIT_DEPTH);
}

static struct anchor *name_anchor(struct reader *reader, const yaml_char_t *name, struct node *node, size_t weight)
{
    if (!name)
        return NULL;
    struct anchor *anchor = arena_alloc(reader->arena, sizeof *anchor);
    *anchor = (struct anchor){.node = node, .weight = weight};
    map_set(&reader->anchors, (const char *)name, anchor);
    return anchor;
}

static bool has_tag(const yaml_char_t *tag, const char *name)
{
    return text_starts((const char *)tag, "tag:yaml.org,2002:") &&
           text_equal((const char *)tag + strlen("tag:yaml.org,2002:"), name);
}

/* Checks a tag against what the scalar looks like; !!str makes text of it. */
static void apply_tag(struct reader *reader, struct node *node, const yaml_char_t *tag, yaml_mark_t mark)
{
    static const struct {
        const char *name;
        enum node_kind kind;
    } tags[] = {{"null", NODE_NULL}, {"bool", NODE_BOOL}, {"int", NODE_INT}, {"float", NODE_FLOAT}};
    if (has_tag(tag, "str") || text_equal((const char *)tag, "!")) {
        node->kind = NODE_TEXT;
        node->quoted = true;
        return;
    }
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
        if (!has_tag(tag, tags[i].name))
            continue;
        scalar_resolve(node);
        node->quoted = false;
        if (node->kind == NODE_INT && tags[i].kind == NODE_FLOAT)
            node->kind = NODE_FLOAT;
        if (node->kind != tags[i].kind)
            complain(reader, mark, "", "\"%s\" is tagged as a %s, found %s", node->text, node_kind_name(tags[i].kind),
                     node_kind_name(node->kind));
        return;
    }
    complain(reader, mark, "leave the tag out", "the tag %s is not supported here", (const char *)tag);
}

static void read_scalar(struct reader *reader, const yaml_event_t *event)
{
    const char *value = (const char *)event->data.scalar.value;
    size_t length = event->data.scalar.length;
    struct node *node = new_node(reader, NODE_TEXT, event->start_mark);
    node->text = arena_strndup(reader->arena, value, length);
    if (memchr(value, '\0', length))
        complain(reader, event->start_mark, "", "a text holds a NUL character");
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    if (event->data.scalar.tag)
        apply_tag(reader, node, event->data.scalar.tag, event->start_mark);
    else if (!node->quoted)
        scalar_resolve(node);
    name_anchor(reader, event->data.scalar.anchor, node, 1);
    if (count_nodes(reader, 1, event->start_mark))
        place(reader, node, 1, 0, event->start_mark);
}

static void read_alias(struct reader *reader, const yaml_event_t *event)
{
    const char *name = (const char *)event->data.alias.anchor;
    const struct anchor *anchor = map_get(&reader->anchors, name);
    struct node *node = anchor ? anchor->node : new_node(reader, NODE_NULL, event->start_mark);
    if (!anchor)
        complain(reader, event->start_mark, "", "there is no anchor &%s before this", name);
    else if (!anchor->weight)
        complain(reader, event->start_mark, "", "the alias *%s stands inside of what it names", name);
    if (anchor && !anchor->weight)
        node = new_node(reader, NODE_NULL, event->start_mark);
    size_t weight = anchor && anchor->weight ? anchor->weight : 1;
    int height = anchor && anchor->weight ? anchor->height : 0;
    if (count_nodes(reader, weight, event->start_mark) &&
        check_depth(reader, reader->depth + height, event->start_mark))
        place(reader, node, weight, height, event->start_mark);
}

static void begin(struct reader *reader, const yaml_event_t *event, enum node_kind kind, const yaml_char_t *tag,
                  const yaml_char_t *name)
{
    if (!count_nodes(reader, 1, event->start_mark) || !check_depth(reader, reader->depth + 1, event->start_mark))
        return;
    if (tag && !has_tag(tag, kind == NODE_LIST ? "seq" : "map") && !text_equal((const char *)tag, "!"))
        complain(reader, event->start_mark, "leave the tag out", "the tag %s is not supported here", (const char *)tag);
    struct frame *frame = &reader->frames[reader->depth++];
    *frame = (struct frame){.node = new_node(reader, kind, event->start_mark), .weight = 1};
    frame->anchor = name_anchor(reader, name, frame->node, 0);
}

static void frame_release(struct frame *frame)
{
    vec_release(&frame->items);
    vec_release(&frame->pairs);
    map_release(&frame->keys);
}

static void end(struct reader *reader)
{
    struct frame *frame = &reader->frames[--reader->depth];
    struct node *node = frame->node;
    if (node->kind == NODE_LIST) {
        node->count = frame->items.count;
        node->items = arena_copy(reader->arena, frame->items.items, node->count * sizeof *node->items);
    } else {
        node->count = frame->pairs.count;
        node->pairs = arena_copy(reader->arena, frame->pairs.items, node->count * sizeof *node->pairs);
    }
    if (frame->anchor) {
        frame->anchor->weight = frame->weight;
        frame->anchor->height = frame->height;
    }
    yaml_mark_t mark = {.line = (size_t)node->line - 1, .column = (size_t)node->column - 1};
    place(reader, node, frame->weight, frame->height, mark);
    frame_release(frame);
}

static void read_event(struct reader *reader, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (reader->root) {
            complain(reader, event->start_mark, "put each into a file of its own", "a second document begins here");
            reader->stop = true;
        }
        break;
    case YAML_ALIAS_EVENT: read_alias(reader, event); break;
    case YAML_SCALAR_EVENT: read_scalar(reader, event); break;
    case YAML_SEQUENCE_START_EVENT:
        begin(reader, event, NODE_LIST, event->data.sequence_start.tag, event->data.sequence_start.anchor);
        break;
    case YAML_MAPPING_START_EVENT:
        begin(reader, event, NODE_MAP, event->data.mapping_start.tag, event->data.mapping_start.anchor);
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: end(reader); break;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT: break;
    }
}

/* libyaml knows the byte at which text stops being UTF-8 or printable, but not its line. */
static yaml_mark_t mark_of_offset(const char *text, size_t length, size_t offset)
{
    yaml_mark_t mark = {0};
    for (size_t i = 0; i < offset && i < length; i++) {
        if (text[i] == '\n') {
            mark.line++;
            mark.column = 0;
        } else if (((unsigned char)text[i] & 0xc0) != 0x80) {
            mark.column++;
        }
    }
    return mark;
}

static void complain_of_syntax(struct reader *reader, const yaml_parser_t *parser, const char *text, size_t length)
{
    reader->stop = true;
    const char *problem = parser->problem ? parser->problem : "this is no YAML";
    if (parser->error == YAML_READER_ERROR)
        complain(reader, mark_of_offset(text, length, parser->problem_offset), "save the file as UTF-8", "%s", problem);
    else if (parser->context)
        complain(reader, parser->problem_mark, "", "%s %s (which began in line %zu)", problem, parser->context,
                 parser->context_mark.line + 1);
    else
        complain(reader, parser->problem_mark, "", "%s", problem);
}

static void read_events(struct reader *reader, const char *text, size_t length)
{
    yaml_parser_t parser;
    BUG_ON(!yaml_parser_initialize(&parser)); /* only when memory is out */
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
    for (bool last = false; !last && !reader->stop;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            complain_of_syntax(reader, &parser, text, length);
            break;
        }
        last = event.type == YAML_STREAM_END_EVENT;
        read_event(reader, &event);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
}

struct node *node_parse(struct arena *arena, const char *file, const char *text, size_t length,
                        struct problems *problems)
{
    size_t errors = problems->errors;
    if (length > NODE_LIMIT_BYTES) {
        problem_add(problems, PROBLEM_ERROR, file, 1, 1, "", "the file is longer than %u bytes", NODE_LIMIT_BYTES);
        return NULL;
    }
    struct reader *reader = mem_zero(1, sizeof *reader);
    reader->arena = arena;
    reader->file = file;
    reader->problems = problems;
    read_events(reader, text, length);
    while (reader->depth > 0)
        frame_release(&reader->frames[--reader->depth]);
    map_release(&reader->anchors);
    struct node *root = reader->root ? reader->root : new_node(reader, NODE_NULL, (yaml_mark_t){0});
    free(reader);
    return problems->errors == errors ? root : NULL;
}

struct node *node_get(const struct node *node, const char *key)
{
    if (!node || node->kind != NODE_MAP)
        return NULL;
    for (size_t i = 0; i < node->count; i++) {
        if (text_equal(node->pairs[i].key->text, key))
            return node->pairs[i].value;
    }
    return NULL;
}

const char *node_kind_name(enum node_kind kind)
{
    static const char *const names[] = {
        [NODE_NULL] = "nothing", [NODE_BOOL] = "true or false", [NODE_INT] = "whole number", [NODE_FLOAT] = "number",
        [NODE_TEXT] = "text",    [NODE_LIST] = "list",          [NODE_MAP] = "map",
    };
    return names[kind];
}
