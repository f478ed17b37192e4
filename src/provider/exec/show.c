/* SPDX-License-Identifier: ISC */
/* Showing specs and their differences. */
#include "provider/exec/show.h"

#include "berth/base/str.h"
#include "berth/base/text.h"
#include "berth/model/record.h"

#include <stdlib.h>

static bool show_parts(struct str *out, const json_t *parts)
{
    size_t at;
    json_t *part;
    if (!json_is_array(parts))
        return false;
    json_array_foreach(parts, at, part)
    {
        if (json_is_string(part))
            str_add(out, json_string_value(part));
        else
            str_addf(out, "${{ %s }}", json_get_text(part, "path"));
    }
    return true;
}

void exec_show(struct str *out, const json_t *value)
{
    size_t at;
    json_t *item;
    if (json_is_string(value)) {
        str_add(out, json_string_value(value));
    } else if (json_is_array(value)) {
        json_array_foreach(value, at, item)
        {
            struct str argument = STR_INIT;
            exec_show(&argument, item);
            str_add(out, at > 0 ? " " : "");
            if (json_is_object(item)) /* a placeholder: quoting would hide what it is */
                str_add(out, argument.data);
            else
                text_shell_quote(out, argument.data);
            str_release(&argument);
        }
    } else if (value && !show_parts(out, json_object_get(value, "$parts"))) {
        char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
        str_add(out, text ? text : "");
        free(text);
    }
}

static void add_change(json_t *changes, const char *path, const char *before, const char *after)
{
    const char *action = before[0] == '\0' ? "create" : after[0] == '\0' ? "destroy" : "update";
    json_array_append_new(changes, json_pack("{s:s, s:s, s:s, s:b, s:s}", "path", path, "before", before, "after",
                                             after, "sensitive", 0, "action", action));
}

static void compare(json_t *changes, const char *path, const json_t *before, const json_t *after)
{
    struct str old = STR_INIT, new = STR_INIT;
    if (before && after && json_equal(before, after))
        return;
    exec_show(&old, before);
    exec_show(&new, after);
    if (before || after)
        add_change(changes, path, old.data, new.data);
    str_release(&old);
    str_release(&new);
}

static void compare_environments(json_t *changes, const json_t *before, const json_t *after)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)before, name, value)
    {
        char path[160] = "env.";
        text_copy(path + 4, sizeof path - 4, name);
        compare(changes, path, value, json_object_get(after, name));
    }
    json_object_foreach((json_t *)(uintptr_t)after, name, value)
    {
        char path[160] = "env.";
        text_copy(path + 4, sizeof path - 4, name);
        if (!json_object_get(before, name))
            compare(changes, path, NULL, value);
    }
}

json_t *exec_changes(const json_t *before, const json_t *after, const char *commit_before, const char *commit_after)
{
    static const char *const keys[] = {"run", "undo", "dir", "changed"};
    json_t *changes = json_array();
    if (!text_equal(commit_before, commit_after))
        add_change(changes, "commit", commit_before ? commit_before : "", commit_after ? commit_after : "");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        compare(changes, keys[i], json_object_get(before, keys[i]), json_object_get(after, keys[i]));
    compare_environments(changes, json_object_get(before, "env"), json_object_get(after, "env"));
    return changes;
}
