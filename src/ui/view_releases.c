/* SPDX-License-Identifier: ISC */
/* The releases of one environment, newest first, and what going back to the selected one would change. */
#include "berth/base/text.h"
#include "berth/base/wording.h"
#include "berth/store.h"
#include "ui/outline.h"
#include "ui/wrap.h"

#include <stdlib.h>

#define MOST_RELEASES 500
#define NAMED_RESOURCES 8 /* in a sentence about what changes */
#define PREVIEW_ROWS 5

struct release_row {
    struct release release;
    struct run run; /* that made it; id "" when it is not there any more */
    bool is_current;
    const char *change; /* what going back to it would change */
};
struct releases_view_state {
    struct outline_view outline;
    struct environment environment;
    bool found;
    struct release_row *rows;
    size_t row_count;
    struct resource *resources;
    size_t resource_count;
};

static struct releases_view_state *self_of(struct view *view)
{
    return (struct releases_view_state *)view;
}

/* --- what going back would change -------------------------------------------------------------------------- */

struct naming {
    struct str names;
    size_t count;
};

static void name_one(struct naming *naming, const char *address)
{
    if (naming->count < NAMED_RESOURCES)
        str_addf(&naming->names, "%s%s", naming->count ? ", " : "", address);
    else if (naming->count == NAMED_RESOURCES)
        str_add(&naming->names, " …");
    naming->count++;
}

static void say_names(struct str *out, struct naming *naming, const char *one, const char *many)
{
    if (naming->count)
        str_addf(out, "%s%zu resource%s %s (%s)", out->length ? ", " : "", naming->count, naming->count == 1 ? "" : "s",
                 naming->count == 1 ? one : many, naming->names.data);
    str_release(&naming->names);
}

static bool counts_as_there(const struct resource *resource)
{
    return text_empty(resource->parent) && resource->status != RESOURCE_GONE && resource->status != RESOURCE_ABSENT;
}

static void compare_resources(const struct releases_view_state *self, const struct release *release, struct str *out)
{
    struct naming change = {STR_INIT, 0}, go = {STR_INIT, 0}, come = {STR_INIT, 0};
    json_t *list = json_column(release->resources), *item;
    struct map released = {0}, there = {0};
    size_t at;
    json_array_foreach(list, at, item) map_set(&released, json_get_text(item, "address"), item);
    for (size_t i = 0; i < self->resource_count; i++) {
        const struct resource *resource = &self->resources[i];
        const json_t *then = map_get(&released, resource->address);
        if (!counts_as_there(resource))
            continue;
        map_set(&there, resource->address, self->resources);
        if (!then)
            name_one(&go, resource->address);
        else if (!text_equal(json_get_text(then, "spec_digest"), resource->spec_digest))
            name_one(&change, resource->address);
    }
    json_array_foreach(list, at, item)
    {
        const char *address = json_get_text(item, "address");
        if (!map_get(&there, address) && !strstr(address, RESOURCE_INNER))
            name_one(&come, address);
    }
    bool known = json_is_array(list) && json_array_size(list) > 0;
    map_release(&released);
    map_release(&there);
    if (!known)
        str_add(out, "not recorded: the plan of the roll-back will say it");
    say_names(out, &change, "changes", "change");
    say_names(out, &go, "would go", "would go");
    say_names(out, &come, "would come back", "would come back");
    if (!out->length)
        str_add(out, "no resource changes: each is as this release left it");
    json_decref(list);
}

static const char *template_version(const json_t *list, const char *name)
{
    const json_t *item;
    size_t at;
    json_array_foreach(list, at,
                       item) if (text_equal(json_get_text(item, "name"), name)) return json_get_text(item, "version");
    return "";
}

/* "template shop 3 > 2", where the release had another version than what is there now. */
static void compare_templates(const struct release *then, const struct release *now, struct str *out)
{
    json_t *before = json_column(now ? now->templates : ""), *after = json_column(then->templates), *item;
    size_t at;
    json_array_foreach(after, at, item)
    {
        const char *name = json_get_text(item, "name"), *version = json_get_text(item, "version");
        const char *present = template_version(before, name);
        if (now && !text_equal(present, version))
            str_addf(out, "; template %s %s > %s", name, text_empty(present) ? "(none)" : present,
                     text_empty(version) ? "-" : version);
    }
    json_array_foreach(before, at, item)
    {
        const char *name = json_get_text(item, "name");
        if (json_array_size(after) && text_empty(template_version(after, name)))
            str_addf(out, "; template %s would go", name);
    }
    json_decref(before);
    json_decref(after);
}

static void compare_all(struct releases_view_state *self, struct arena *arena)
{
    const struct release *now = NULL;
    for (size_t i = 0; i < self->row_count; i++)
        now = self->rows[i].is_current ? &self->rows[i].release : now;
    for (size_t i = 0; i < self->row_count; i++) {
        struct str text = STR_INIT;
        compare_resources(self, &self->rows[i].release, &text);
        compare_templates(&self->rows[i].release, now, &text);
        self->rows[i].change = arena_strdup(arena, text.data);
        str_release(&text);
    }
}

/* --- rows ------------------------------------------------------------------------------------------------- */

static bool read_releases(struct releases_view_state *self, struct store *store, struct arena *arena,
                          struct error *error)
{
    struct release *releases;
    size_t count;
    struct store_query query = {.type = &release_type,
                                .index = "environment",
                                .equal = {self->environment.id},
                                .descending = true,
                                .limit = MOST_RELEASES};
    struct store_query resources = {.type = &resource_type, .index = "environment", .equal = {self->environment.id}};
    if (!store_list(store, &query, arena, &releases, &count, error) ||
        !store_list(store, &resources, arena, &self->resources, &self->resource_count, error))
        return false;
    self->rows = arena_alloc(arena, (count + 1) * sizeof *self->rows);
    for (size_t i = 0; i < count; i++) {
        struct release_row *row = &self->rows[i];
        row->release = releases[i];
        row->is_current = releases[i].version == self->environment.release;
        if (store_get(store, &run_type, releases[i].run, arena, &row->run, NULL) != STORE_FOUND)
            row->run = (struct run){.id = "", .person = "", .actor = "", .subject = ""};
    }
    self->row_count = count;
    compare_all(self, arena);
    return true;
}

static bool read_rows(struct view *view, struct store *store, struct arena *arena, struct error *error)
{
    struct releases_view_state *self = self_of(view);
    self->row_count = self->resource_count = 0;
    enum store_found found = store_get(store, &environment_type, view->argument, arena, &self->environment, error);
    self->found = found == STORE_FOUND;
    return found == STORE_MISSING || (found == STORE_FOUND && read_releases(self, store, arena, error));
}

static size_t count(struct view *view)
{
    return self_of(view)->row_count;
}

static const char *key(struct view *view, size_t at)
{
    return self_of(view)->rows[at].release.id;
}

static const struct release_row *selected(struct view *view)
{
    const struct releases_view_state *self = self_of(view);
    return self->outline.cursor.at < self->row_count ? &self->rows[self->outline.cursor.at] : NULL;
}

/* It opens on the release that a roll-back which names none would take. */
static void init(struct view *view, const char *argument)
{
    struct releases_view_state *self = self_of(view);
    outline_init(view, argument);
    const struct release **releases = mem_zero(self->row_count + 1, sizeof *releases);
    for (size_t i = 0; i < self->row_count; i++)
        releases[i] = &self->rows[i].release;
    const struct release *meant =
        self->found ? policy_release_meant(&self->environment, releases, self->row_count) : NULL;
    for (size_t i = 0; meant && i < self->row_count; i++) {
        if (releases[i] == meant)
            self->outline.cursor.at = i;
    }
    free(releases);
}

/* --- drawing ---------------------------------------------------------------------------------------------- */

static void title(struct view *view, struct str *out)
{
    const struct releases_view_state *self = self_of(view);
    const struct environment *row = &self->environment;
    if (!self->found) {
        str_addf(out, "Environments > %s is not there", view->argument);
        return;
    }
    str_addf(out, "Environments > %s > releases %zu", row->name, self->row_count);
    if (row->release)
        str_addf(out, "   current v%lld", (long long)row->release);
    if (!text_empty(row->excluded_commit)) {
        str_add(out, "   excluded ");
        wording_commit(out, row->excluded_commit);
    }
}

static enum sign verdict_sign(const struct release *release)
{
    if (text_equal(release->verdict, "good"))
        return SIGN_OK;
    return text_equal(release->verdict, "rolled back") ? SIGN_FAIL : SIGN_UNKNOWN;
}

static const char *verdict_word(const struct release *release)
{
    return !text_empty(release->verdict) ? release->verdict : release->validated ? "validated" : "not validated";
}

static void draw_row(struct view *view, struct grid *grid, struct area area, int row, size_t at)
{
    const struct release_row *line = &self_of(view)->rows[at];
    const struct release *release = &line->release;
    struct str text = STR_INIT;
    int column = area.column + 1, end = area.column + area.columns - 1, status = grid->ascii ? 18 : 14;
    grid_putf(grid, row, column, 6, STYLE_TITLE, "v%lld", (long long)release->version);
    grid_put(grid, row, column + 7, 7, STYLE_WAITING, line->is_current ? "current" : "");
    format_status(&text, verdict_sign(release), verdict_word(release), grid->ascii);
    grid_put(grid, row, column + 15, status, sign_style(verdict_sign(release)), text.data);
    column += 16 + status;
    str_clear(&text);
    wording_commit(&text, release->commit);
    grid_put(grid, row, column, 8, STYLE_NORMAL, text.data);
    column += 9;
    str_clear(&text);
    str_addf(&text, "run %s  ", release->run);
    wording_person(&text, line->run.person, line->run.actor);
    str_add(&text, "  ");
    format_time(&text, view->dashboard->times, release->created_at, view->dashboard->now_ms);
    end = grid_put_right(grid, row, end, STYLE_MUTED, text.data) - 2;
    grid_put(grid, row, column, end - column, STYLE_NORMAL, line->run.subject);
    str_release(&text);
}

static int draw_fact(struct grid *grid, struct area area, int row, int most, const char *name, enum style style,
                     const char *text)
{
    int left = area.row + area.rows - row, rows = left < most ? left : most;
    if (rows < 1)
        return row;
    grid_put(grid, row, area.column, 8, STYLE_MUTED, name);
    return row + wrap_put(grid, (struct area){row, area.column + 9, rows, area.columns - 9}, style, text);
}

static void draw_preview(struct view *view, struct grid *grid, struct area area, const struct release_row *line)
{
    const struct environment *environment = &self_of(view)->environment;
    struct str text = STR_INIT;
    int row = area.row;
    if (line->is_current)
        row = draw_fact(grid, area, row, 1, "is", STYLE_OK, "what is there now");
    row = draw_fact(grid, area, row, 2, line->is_current ? "since" : "back", STYLE_NORMAL, line->change);
    if (text_equal(line->release.commit, environment->excluded_commit) && !text_empty(environment->excluded_commit))
        row = draw_fact(grid, area, row, 1, "excluded", STYLE_WARNING,
                        "its commit is not deployed by itself any more: it was rolled back");
    else if (!line->is_current)
        row = draw_fact(grid, area, row, 2, "then", STYLE_NORMAL,
                        "a plan and a gate of its own come first; what is there now is not deployed by itself again");
    str_addf(&text, "%s, run %s ", verdict_word(&line->release), line->release.run);
    format_when(&text, view->dashboard->times, line->release.created_at, view->dashboard->now_ms);
    if (!text_empty(line->run.subject))
        str_addf(&text, ": %s", line->run.subject);
    draw_fact(grid, area, row, 1, "made", STYLE_MUTED, text.data);
    str_release(&text);
}

static void draw(struct view *view, struct grid *grid, struct area area)
{
    struct releases_view_state *self = self_of(view);
    const struct release_row *line = selected(view);
    enum box box = self->environment.tier == TIER_PROD ? BOX_PROD : BOX_PLAIN;
    if (frame_is_small(grid)) {
        outline_draw(view, grid, area);
        return;
    }
    grid_box(grid, area, box, NULL);
    struct area inside = area_inside(area);
    if (line) {
        struct str name = STR_INIT;
        int row = area.row + area.rows - 2 - PREVIEW_ROWS;
        str_addf(&name, line->is_current ? "v%lld" : "going back to v%lld", (long long)line->release.version);
        grid_divide(grid, area, row, box, name.data);
        draw_preview(view, grid, (struct area){row + 1, inside.column + 1, PREVIEW_ROWS, inside.columns - 2}, line);
        inside.rows = row - inside.row;
        str_release(&name);
    }
    outline_draw(view, grid, inside);
}

static const char *empty(struct view *view)
{
    return self_of(view)->found ? "no release yet: a deploy that passes its checks leaves one (D)"
                                : "this environment is not in the store";
}

/* --- keys ------------------------------------------------------------------------------------------------- */

static void describe(struct view *view)
{
    const struct release_row *line = selected(view);
    if (!line)
        return;
    json_t *json = record_to_json(&release_type, &line->release);
    char *text = json_dumps(json, JSON_INDENT(2));
    dashboard_show_text(view->dashboard, line->release.id, text);
    free(text);
    json_decref(json);
}

static unsigned handle(struct view *view, enum request request)
{
    const struct release_row *line = selected(view);
    if (request == REQUEST_DESCRIBE)
        describe(view);
    else if (request == REQUEST_OPEN && line && *line->run.id)
        dashboard_push(view->dashboard, &run_view, line->run.id);
    else if (!outline_move(view, request))
        return REFRESH_NOTHING;
    return REFRESH_SCREEN;
}

static void subject(struct view *view, struct subject *subject)
{
    const struct release_row *line = selected(view);
    if (!self_of(view)->found)
        return;
    subject->scopes = SCOPE_ENVIRONMENT;
    subject_environment(subject, view->dashboard->picture, &self_of(view)->environment);
    if (line) {
        subject->release = &line->release;
        subject->release_change = line->change;
    }
}

static bool why(struct view *view, struct str *out)
{
    const struct release_row *line = selected(view);
    if (!line)
        return false;
    str_addf(out, "v%lld is %s\n\nback to it: %s\n", (long long)line->release.version, verdict_word(&line->release),
             line->change);
    return true;
}

static const struct outline_ops outline = {
    .read = read_rows,
    .count = count,
    .key = key,
    .draw_row = draw_row,
    .empty = empty,
};
const struct view_ops releases_view = {
    .name = "releases",
    .kind = VIEW_RELEASES,
    .size = sizeof(struct releases_view_state),
    .outline = &outline,
    .init = init,
    .release = outline_release,
    .refresh = outline_refresh,
    .title = title,
    .draw = draw,
    .handle = handle,
    .subject = subject,
    .why = why,
};
