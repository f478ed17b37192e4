/* SPDX-License-Identifier: ISC */
/*
 * Saved views: a list's filter and order under a name, in $XDG_CONFIG_HOME/berth/views, the same in every workspace of a person. A line each:
 * name, list, column, "reversed" or "", filter, tabs between them. What a newer berth wrote there and this one does not know stays as it is.
 */
#include "berth/base/file.h"
#include "berth/base/text.h"
#include "ui/list.h"
#include "ui/saved.h"

#include <ctype.h>
#include <stdlib.h>

#define FILE_MOST (64u << 10)
#define NAME_MOST 40
#define FIELDS 5

struct saved {
    struct str text;
    char *path;
};

static bool saved_open(struct saved *saved, struct error *error)
{
    char *home = path_config_home(error);
    *saved = (struct saved){.text = STR_INIT};
    if (!home)
        return false;
    bool made = folder_make(home, 0700, error);
    saved->path = path_join(home, "views");
    free(home);
    return made && (!file_exists(saved->path) || file_read(saved->path, FILE_MOST, &saved->text, error));
}

static void saved_close(struct saved *saved)
{
    str_release(&saved->text);
    free(saved->path);
}

/* The line with that name, NULL: none; `length` without its end. */
static const char *find(const struct saved *saved, const char *name, size_t *length)
{
    const size_t name_length = strlen(name);
    for (const char *line = saved->text.data; line && *line; line += *length + (line[*length] == '\n')) {
        *length = strcspn(line, "\n");
        if (*length > name_length && strncmp(line, name, name_length) == 0 && line[name_length] == '\t')
            return line;
    }
    return NULL;
}

static void drop(struct saved *saved, const char *name)
{
    size_t length;
    const char *line = find(saved, name, &length);
    struct str rest = STR_INIT;
    if (!line)
        return;
    const char *after = line + length + (line[length] == '\n');
    str_add_bytes(&rest, saved->text.data, (size_t)(line - saved->text.data));
    str_add(&rest, after);
    str_release(&saved->text);
    saved->text = rest;
}

static bool write_back(struct saved *saved, struct error *error)
{
    return file_replace(saved->path, saved->text.data, saved->text.length, 0600, FILE_RELAXED, error);
}

static bool is_name(const char *name)
{
    for (const char *at = name; *at; at++)
        if (!isalnum((unsigned char)*at) && !strchr("-_.", *at))
            return false;
    return *name && strlen(name) <= NAME_MOST;
}

static void save(struct dashboard *dashboard, struct saved *saved, const char *name)
{
    const struct view *view = dashboard_view(dashboard);
    const struct table *table = view->ops->list ? &((const struct list_view *)view)->table : NULL;
    struct error error = {0};
    if (!table || !text_empty(view->argument) || !is_name(name)) {
        dashboard_say(dashboard, STYLE_WARNING, "%s",
                      is_name(name) ? "a view of a list is saved: environments, branches, approvals, runs"
                                    : "a view's name is letters, digits and -_. , at most 40");
        return;
    }
    drop(saved, name);
    if (saved->text.length && saved->text.data[saved->text.length - 1] != '\n')
        str_add_char(&saved->text, '\n');
    str_addf(&saved->text, "%s\t%s\t%s\t%s\t%s\n", name, view->ops->name,
             table->sort >= 0 ? table->columns[table->sort].title : "", table->descending ? "reversed" : "",
             table->filter.text);
    if (write_back(saved, &error))
        dashboard_say(dashboard, STYLE_OK, "saved: :view %s shows it again", name);
    else
        dashboard_say_error(dashboard, &error);
}

static void forget(struct dashboard *dashboard, struct saved *saved, const char *name)
{
    struct error error = {0};
    size_t length;
    if (!find(saved, name, &length)) {
        dashboard_say(dashboard, STYLE_WARNING, "there is no saved view %s", name);
        return;
    }
    drop(saved, name);
    if (write_back(saved, &error))
        dashboard_say(dashboard, STYLE_OK, "the saved view %s is forgotten", name);
    else
        dashboard_say_error(dashboard, &error);
}

static void order_by(struct view *view, const char *column, bool descending)
{
    struct table *table = &((struct list_view *)view)->table;
    const char *const *titles = list_columns(view);
    for (int i = 0; titles[i]; i++)
        if (text_equal(titles[i], column))
            table_sort(table, i, descending);
}

static void show(struct dashboard *dashboard, const struct saved *saved, const char *name)
{
    size_t length;
    const char *line = find(saved, name, &length), *fields[FIELDS] = {""};
    if (!line) {
        dashboard_say(dashboard, STYLE_WARNING, "there is no saved view %s: :view save %s makes one of this list", name,
                      name);
        return;
    }
    char *copy = mem_copy(line, length + 1), *rest = copy;
    copy[length] = '\0';
    for (size_t i = 0; i < FIELDS; i++)
        fields[i] = rest ? strsep(&rest, "\t") : "";
    for (size_t root = 0; root < 4; root++) {
        if (!text_equal(root_views[root]->name, fields[1]))
            continue;
        dashboard_root(dashboard, root);
        order_by(dashboard_view(dashboard), fields[2], *fields[3] != '\0');
        list_filter(dashboard_view(dashboard), fields[4]);
    }
    free(copy);
}

void saved_view_run(struct dashboard *dashboard, char **words, int count)
{
    struct saved saved;
    struct error error = {0};
    if (!saved_open(&saved, &error))
        dashboard_say_error(dashboard, &error);
    else if (count == 3 && text_equal(words[1], "save"))
        save(dashboard, &saved, words[2]);
    else if (count == 3 && text_equal(words[1], "forget"))
        forget(dashboard, &saved, words[2]);
    else if (count == 3 && text_equal(words[1], "load"))
        show(dashboard, &saved, words[2]);
    else if (count == 2 && !text_equal(words[1], "save") && !text_equal(words[1], "forget"))
        show(dashboard, &saved, words[1]);
    else
        dashboard_say(dashboard, STYLE_MUTED, "view NAME shows a saved view; view save NAME, view forget NAME");
    saved_close(&saved);
}

void saved_view_names(struct str *out)
{
    struct saved saved;
    if (saved_open(&saved, NULL)) {
        for (const char *line = saved.text.data; line && *line; line += strcspn(line, "\n"), line += *line == '\n') {
            str_add_bytes(out, line, strcspn(line, "\t\n"));
            str_add_char(out, '\n');
        }
    }
    saved_close(&saved);
}
