/* SPDX-License-Identifier: ISC */
/* Reads one environment and lays its rows out as an outline. */
#include "ui/environment_rows.h"

#include "berth/base/str.h"
#include "berth/base/wording.h"
#include "berth/model/result.h"
#include "berth/store.h"

#include <stdio.h>
#include <stdlib.h>

#define MOST_DEPTH 8 /* of parts in parts */

static void add(struct environment_rows *rows, struct outline_row row)
{
    const char **texts[] = {&row.key, &row.id, &row.name, &row.word, &row.what, &row.ready, &row.detail, &row.seen_by};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = *texts[i] ? *texts[i] : "";
    vec_push(&rows->lines, row);
}

static void section(struct environment_rows *rows, const char *name)
{
    add(rows, (struct outline_row){.kind = OUTLINE_SECTION, .key = name, .name = name, .sign = SIGN_NONE});
}

/* --- what a run wants that is not there yet ---------------------------------------------------------------- */

static bool is_recorded(const struct environment_rows *rows, const char *address)
{
    for (size_t i = 0; i < rows->resource_count; i++) {
        if (text_equal(rows->resources[i].address, address))
            return true;
    }
    return false;
}

/* What becomes of it, in the words of the run that wants it. */
static void say_unbegun(struct environment_rows *rows, const struct run *run, struct resource *resource)
{
    struct arena *arena = rows->arena;
    enum run_status status = (enum run_status)run->status;
    resource->status = RESOURCE_ABSENT;
    if (run_ended(status) || status == RUN_HELD) {
        resource->status_reason =
            arena_printf(arena, "not begun: run %s is %s", run->id, word_name(run_status_names, run->status));
    } else if (status <= RUN_GATE) {
        resource->status_reason = arena_printf(arena, "run %s would make it", run->id);
    } else {
        resource->status = RESOURCE_WAITING;
        resource->status_reason = arena_printf(arena, "not begun yet in run %s", run->id);
    }
}

static bool take_unbegun(struct environment_rows *rows, const struct run *run, const struct step *step,
                         struct resource *out)
{
    struct wanted_resource wanted;
    json_t *spec = step->phase == PHASE_PLAN ? json_column(step->spec) : NULL, *json = json_object_get(spec, "wanted");
    bool taken =
        json_is_object(json) && !is_recorded(rows, step->address) && wanted_from_json(json, rows->arena, &wanted, NULL);
    if (taken) {
        struct resource row = {.id = arena_printf(rows->arena, "%s/%s", rows->environment.id, step->address),
                               .environment = rows->environment.id,
                               .address = step->address,
                               .name = step->address,
                               .template = step->template,
                               .executor = step->executor,
                               .group = wanted.group,
                               .description = wanted.description,
                               .needs = json_text(rows->arena, wanted.needs),
                               .data = wanted.data};
        say_unbegun(rows, run, &row);
        *out = *(struct resource *)record_copy(&resource_type, &row, rows->arena); /* no text is NULL in it */
    }
    json_decref(spec);
    return taken;
}

/* A run that did not come to its end leaves resources that nobody began: they belong to the picture as much as those that failed. */
static bool add_unbegun(struct environment_rows *rows, struct store *store, struct error *error)
{
    const struct run *run = rows->run_count ? &rows->runs[0] : NULL;
    struct step *steps;
    size_t count, extra = 0;
    if (!run || (run_ended((enum run_status)run->status) && (run->status == RUN_DONE || !run->applying_at)))
        return true;
    struct store_query query = {.type = &step_type, .index = "run", .equal = {run->id}};
    if (!store_list(store, &query, rows->arena, &steps, &count, error))
        return false;
    struct resource *all = arena_alloc(rows->arena, (rows->resource_count + count + 1) * sizeof *all);
    if (rows->resource_count)
        memcpy(all, rows->resources, rows->resource_count * sizeof *all);
    for (size_t i = 0; i < count; i++)
        extra += take_unbegun(rows, run, &steps[i], &all[rows->resource_count + extra]);
    rows->resources = all;
    rows->resource_count += extra;
    return true;
}

/* --- reading ---------------------------------------------------------------------------------------------- */

static bool list(struct environment_rows *rows, struct store *store, struct store_query query, void *items,
                 size_t *count, struct error *error)
{
    query.index = "environment";
    query.equal[0] = rows->environment.id;
    return store_list(store, &query, rows->arena, items, count, error);
}

static bool read_tables(struct environment_rows *rows, struct store *store, const char *id, struct error *error)
{
    enum store_found found = store_get(store, &environment_type, id, rows->arena, &rows->environment, error);
    rows->found = found == STORE_FOUND;
    if (found != STORE_FOUND)
        return found == STORE_MISSING;
    return list(rows, store, (struct store_query){.type = &resource_group_type}, &rows->groups, &rows->group_count,
                error) &&
           list(rows, store, (struct store_query){.type = &resource_type}, &rows->resources, &rows->resource_count,
                error) &&
           list(rows, store, (struct store_query){.type = &entrypoint_type}, &rows->entrypoints,
                &rows->entrypoint_count, error) &&
           list(rows, store, (struct store_query){.type = &run_type, .descending = true, .limit = OUTLINE_RUNS},
                &rows->runs, &rows->run_count, error) &&
           list(rows, store, (struct store_query){.type = &release_type, .descending = true, .limit = OUTLINE_RELEASES},
                &rows->releases, &rows->release_count, error) &&
           add_unbegun(rows, store, error);
}

/* --- resources -------------------------------------------------------------------------------------------- */

/* Whether one is below the other already. */
static bool is_within(const struct environment_rows *rows, size_t at, size_t whole)
{
    for (size_t steps = 0; at != NO_RESOURCE && steps < MOST_DEPTH; steps++, at = rows->above[at]) {
        if (at == whole)
            return true;
    }
    return at != NO_RESOURCE; /* deeper than anything is drawn */
}

/* Which is a part of which, once: the tree is made again at each fold. Of one that is not there, or round in a circle, is a part of nothing. */
static void index_parts(struct environment_rows *rows)
{
    size_t count = rows->resource_count;
    struct map by_address = {0};
    rows->above = arena_alloc(rows->arena, (count + 1) * sizeof *rows->above);
    rows->first = arena_alloc(rows->arena, (count + 1) * sizeof *rows->first);
    rows->next = arena_alloc(rows->arena, (count + 1) * sizeof *rows->next);
    for (size_t i = 0; i < count; i++) {
        rows->above[i] = rows->first[i] = rows->next[i] = NO_RESOURCE;
        map_set(&by_address, rows->resources[i].address, &rows->resources[i]);
    }
    for (size_t i = count; i-- > 0;) {
        const struct resource *above =
            text_empty(rows->resources[i].parent) ? NULL : map_get(&by_address, rows->resources[i].parent);
        size_t at = above ? (size_t)(above - rows->resources) : NO_RESOURCE;
        if (!above || is_within(rows, at, i))
            continue;
        rows->above[i] = at;
        rows->next[i] = rows->first[at];
        rows->first[at] = i;
    }
    map_release(&by_address);
}

static bool has_parts(const struct environment_rows *rows, size_t at)
{
    return rows->first[at] != NO_RESOURCE;
}

/* "5 parts: 3 OK, 1 creating, 1 failed". */
static const char *parts_words(const struct environment_rows *rows, size_t at)
{
    size_t counts[RESOURCE_GONE + 2] = {0}, all = 0;
    struct str text = STR_INIT;
    for (size_t part = rows->first[at]; part != NO_RESOURCE; part = rows->next[part], all++) {
        int status = rows->resources[part].status;
        counts[status >= 0 && status <= RESOURCE_GONE ? status : RESOURCE_UNKNOWN]++;
    }
    str_addf(&text, "%zu part%s", all, all == 1 ? "" : "s");
    for (int status = 0, said = 0; status <= RESOURCE_GONE; status++) {
        if (counts[status])
            str_addf(&text, "%s%zu %s", said++ ? ", " : ": ", counts[status], word_name(resource_status_names, status));
    }
    const char *words = arena_strdup(rows->arena, text.data);
    str_release(&text);
    return words;
}

/* How far the step that works on it is, as its tool says. */
static const char *progress_words(const struct environment_rows *rows, const char *address)
{
    for (size_t i = 0; i < rows->running_count; i++) {
        const struct step *step = &rows->running[i];
        if (!text_equal(step->address, address) || (step->progress < 0 && text_empty(step->progress_text)))
            continue;
        const char *share = step->progress < 0 ? "" : arena_printf(rows->arena, "%lld%% ", (long long)step->progress);
        return arena_printf(rows->arena, "%s%s", share, text_empty(step->progress_text) ? "" : step->progress_text);
    }
    return "";
}

static const char *resource_detail(struct environment_rows *rows, const struct resource *resource)
{
    const char *progress = text_empty(resource->parent) ? progress_words(rows, resource->address) : "";
    size_t at = (size_t)(resource - rows->resources);
    if (*progress)
        return progress;
    if (!text_empty(resource->status_reason))
        return resource->status_reason;
    if (!text_empty(resource->shared_environment))
        return arena_printf(rows->arena, "SHARED: %s's %s", resource->shared_environment, resource->shared_resource);
    if (resource->external)
        return arena_printf(rows->arena, "external%s%s", text_empty(resource->contact) ? "" : ", ask ",
                            resource->contact);
    if (has_parts(rows, at))
        return parts_words(rows, at);
    json_t *needs = json_column(resource->needs);
    const char *text = "";
    for (size_t i = 0; i < json_array_size(needs); i++) {
        const char *need = json_string_value(json_array_get(needs, i));
        text = arena_printf(rows->arena, "%s%s%s", text, *text ? ", " : "needs ", need ? need : "?");
    }
    json_decref(needs);
    return text;
}

struct opening {
    outline_opens *is_open;
    void *context;
};

static void add_resource(struct environment_rows *rows, size_t at, int depth, struct opening opening)
{
    const struct resource *resource = &rows->resources[at];
    bool opens = has_parts(rows, at) && depth < MOST_DEPTH;
    bool is_open = opens && opening.is_open(opening.context, resource->id, false);
    add(rows,
        (struct outline_row){
            .kind = OUTLINE_RESOURCE,
            .depth = depth,
            .key = resource->id,
            .id = resource->id,
            .name = text_empty(resource->parent) || text_empty(resource->name) ? resource->address : resource->name,
            .sign = resource_sign(resource->status),
            .word = word_name(resource_status_names, resource->status),
            .what = text_empty(resource->kind) ? resource->executor : resource->kind,
            .ready = resource->ready,
            .detail = resource_detail(rows, resource),
            .at = resource->observed_at ? resource->observed_at : resource->applied_at,
            .seen_by = resource->observed_at ? resource->observed_by : "",
            .is_watched = resource->observed_at != 0,
            .opens = opens,
            .is_folded = opens && !is_open,
            .index = at,
        });
    for (size_t part = rows->first[at]; is_open && part != NO_RESOURCE; part = rows->next[part])
        add_resource(rows, part, depth + 1, opening);
}

/* Those of a group that are no part of another; parts are where the whole is. */
static void add_resources(struct environment_rows *rows, const char *group, int depth, struct opening opening)
{
    for (size_t i = 0; i < rows->resource_count; i++) {
        if (rows->above[i] == NO_RESOURCE && text_equal(rows->resources[i].group, group))
            add_resource(rows, i, depth, opening);
    }
}

static size_t whole_of(const struct environment_rows *rows, size_t at)
{
    for (int depth = 0; rows->above[at] != NO_RESOURCE && depth < MOST_DEPTH; depth++)
        at = rows->above[at];
    return at;
}

struct
    tally { /* of a group: its resources, those that are well, those that are gone; parts are counted with their whole */
    size_t all, ok, gone;
};

/* The worst of a group's resources speaks for it. */
static enum sign group_sign(const struct environment_rows *rows, const char *group, struct tally *tally)
{
    static const enum sign worst_first[] = {SIGN_FAIL, SIGN_WARN, SIGN_UNKNOWN, SIGN_DELETE,
                                            SIGN_RUN,  SIGN_WAIT, SIGN_OK,      SIGN_GONE};
    bool seen[SIGN_NONE + 1] = {false};
    *tally = (struct tally){0};
    for (size_t i = 0; i < rows->resource_count; i++) {
        size_t whole = whole_of(rows, i);
        if (!text_equal(rows->resources[whole].group, group))
            continue;
        enum sign sign = resource_sign(rows->resources[i].status);
        seen[sign] = true;
        if (whole != i) /* parts speak for the whole, and are counted with it */
            continue;
        tally->ok += sign == SIGN_OK;
        tally->gone += rows->resources[i].status == RESOURCE_GONE;
        tally->all++;
    }
    for (size_t i = 0; i < sizeof worst_first / sizeof *worst_first; i++) {
        if (seen[worst_first[i]])
            return worst_first[i];
    }
    return SIGN_NONE;
}

static const char *sign_word(enum sign sign)
{
    static const char *const words[] = {
        [SIGN_UNKNOWN] = "unknown",   [SIGN_OK] = "ok",         [SIGN_RUN] = "working",
        [SIGN_WAIT] = "waiting",      [SIGN_WARN] = "degraded", [SIGN_FAIL] = "failed",
        [SIGN_DELETE] = "destroying", [SIGN_GONE] = "gone",     [SIGN_NONE] = "",
    };
    return words[sign];
}

static void add_group(struct environment_rows *rows, const char *name, const char *description, struct opening opening)
{
    struct tally tally;
    enum sign sign = group_sign(rows, name, &tally);
    const char *key = arena_printf(rows->arena, "group %s", name);
    bool is_folded = !opening.is_open(opening.context, key, true);
    if (!tally.all)
        return;
    add(rows,
        (struct outline_row){
            .kind = OUTLINE_GROUP,
            .key = key,
            .name = *name ? name : "(no group)",
            .sign = sign,
            .word = sign == SIGN_GONE && tally.gone < tally.all ? "absent" : sign_word(sign),
            .what = "group",
            .ready = tally.gone == tally.all ? "" /* nothing is waited for */
                                             : arena_printf(rows->arena, "%zu/%zu", tally.ok, tally.all - tally.gone),
            .detail = description,
            .opens = true,
            .is_folded = is_folded,
        });
    if (!is_folded)
        add_resources(rows, name, 1, opening);
}

static bool group_named(const struct environment_rows *rows, const char *name)
{
    for (size_t i = 0; i < rows->group_count; i++) {
        if (text_equal(rows->groups[i].name, name))
            return true;
    }
    return false;
}

static void add_tree(struct environment_rows *rows, struct opening opening)
{
    section(rows, "RESOURCES");
    for (size_t i = 0; i < rows->group_count; i++)
        add_group(rows, rows->groups[i].name, rows->groups[i].description, opening);
    for (size_t i = 0; i < rows->resource_count; i++) { /* groups that only resources name, once each */
        const char *name = rows->resources[i].group;
        bool before = rows->above[i] != NO_RESOURCE || text_empty(name) || group_named(rows, name);
        for (size_t j = 0; !before && j < i; j++)
            before = text_equal(rows->resources[j].group, name);
        if (!before)
            add_group(rows, name, "", opening);
    }
    if (rows->group_count || (rows->resource_count && !text_empty(rows->resources[0].group)))
        add_group(rows, "", "", opening);
    else
        add_resources(rows, "", 0, opening);
    if (!rows->resource_count)
        add(rows, (struct outline_row){.kind = OUTLINE_SECTION,
                                       .key = "none",
                                       .name = "  nothing is deployed here yet (D)",
                                       .sign = SIGN_NONE});
}

/* --- the rest --------------------------------------------------------------------------------------------- */

static void add_entrypoints(struct environment_rows *rows)
{
    if (rows->entrypoint_count)
        section(rows, "ENTRYPOINTS");
    for (size_t i = 0; i < rows->entrypoint_count; i++) {
        const struct entrypoint *row = &rows->entrypoints[i];
        bool link = text_equal(row->kind, "link"), is_watched = row->observed_at || row->status != RESOURCE_UNKNOWN;
        add(rows, (struct outline_row){
                      .kind = OUTLINE_ENTRYPOINT,
                      .key = row->id,
                      .id = row->id,
                      .name = row->name,
                      .sign = link || !is_watched ? SIGN_NONE : resource_sign(row->status),
                      .word = link          ? ""
                              : !is_watched ? "not watched"
                                            : word_name(resource_status_names, row->status),
                      .what = row->kind,
                      .detail = row->url,
                      .at = row->observed_at,
                      .is_watched = row->observed_at != 0,
                      .index = i,
                  });
    }
}

static void add_runs(struct environment_rows *rows)
{
    if (rows->run_count)
        section(rows, "RUNS");
    for (size_t i = 0; i < rows->run_count; i++) {
        const struct run *run = &rows->runs[i];
        add(rows, (struct outline_row){
                      .kind = OUTLINE_RUN,
                      .key = arena_printf(rows->arena, "run %s", run->id),
                      .id = run->id,
                      .name = arena_printf(rows->arena, "%s %s", run->id, word_name(workflow_names, run->workflow)),
                      .sign = run_sign(run->status),
                      .word = word_name(run_status_names, run->status),
                      .what = text_empty(run->person) ? run->actor : run->person,
                      .detail = text_empty(run->status_reason) ? run->subject : run->status_reason,
                      .at = run->ended_at ? run->ended_at : run->created_at,
                      .is_at_gate = run->status == RUN_GATE,
                      .index = i,
                  });
    }
}

static void add_releases(struct environment_rows *rows)
{
    if (rows->release_count)
        section(rows, "RELEASES");
    for (size_t i = 0; i < rows->release_count; i++) {
        const struct release *row = &rows->releases[i];
        bool current = row->version == rows->environment.release;
        add(rows,
            (struct outline_row){
                .kind = OUTLINE_RELEASE,
                .key = row->id,
                .id = row->id,
                .name = arena_printf(rows->arena, "v%lld %.*s%s", (long long)row->version, COMMIT_SHOWN, row->commit,
                                     current ? "  current" : ""),
                .sign = row->validated ? SIGN_OK : SIGN_UNKNOWN,
                .word = text_empty(row->verdict) ? (row->validated ? "validated" : "not validated") : row->verdict,
                .what = "release",
                .detail = arena_printf(rows->arena, "run %s", row->run),
                .at = row->created_at,
                .index = i,
            });
    }
}

static bool read_running(struct environment_rows *rows, struct store *store, struct arena *arena, struct step **out,
                         size_t *out_count, struct error *error)
{
    struct store_query query = {.type = &step_type, .index = "status", .equal = {step_status_names[STEP_RUNNING]}};
    struct step *steps;
    size_t count;
    *out_count = 0;
    if (!store_list(store, &query, arena, &steps, &count, error))
        return false;
    *out = steps;
    for (size_t i = 0; i < count; i++) {
        if (text_equal(steps[i].environment, rows->environment.id))
            steps[(*out_count)++] = steps[i];
    }
    return true;
}

bool environment_rows_read(struct environment_rows *rows, struct store *store, struct arena *arena, const char *id,
                           struct error *error)
{
    environment_rows_release(rows);
    rows->arena = arena;
    if (!read_tables(rows, store, id, error))
        return false;
    index_parts(rows);
    return !rows->found || read_running(rows, store, arena, &rows->running, &rows->running_count, error);
}

bool environment_rows_progress(struct environment_rows *rows, struct store *store)
{
    struct arena arena = {0};
    struct step *steps = NULL;
    size_t count = 0;
    bool runs = rows->found && rows->running_count && read_running(rows, store, &arena, &steps, &count, NULL);
    for (size_t i = 0; runs && i < rows->running_count; i++) {
        for (size_t j = 0; j < count; j++) {
            if (!text_equal(rows->running[i].id, steps[j].id))
                continue;
            rows->running[i].progress = steps[j].progress;
            if (!text_equal(rows->running[i].progress_text, steps[j].progress_text))
                rows->running[i].progress_text = arena_strdup(rows->arena, steps[j].progress_text);
        }
    }
    arena_release(&arena);
    return runs;
}

void environment_rows_folds(const struct environment_rows *rows,
                            void (*visit)(void *context, const char *key, bool at_first), void *context)
{
    for (size_t i = 0; i < rows->lines.count; i++) {
        if (rows->lines.items[i].kind == OUTLINE_GROUP)
            visit(context, rows->lines.items[i].key, true);
    }
    for (size_t i = 0; i < rows->resource_count; i++) {
        if (has_parts(rows, i))
            visit(context, rows->resources[i].id, false);
    }
}

bool environment_row_opens_first(const struct outline_row *row)
{
    return row->kind == OUTLINE_GROUP;
}

void environment_rows_arrange(struct environment_rows *rows, outline_opens *is_open, void *context)
{
    vec_clear(&rows->lines);
    if (!rows->found)
        return;
    add_tree(rows, (struct opening){is_open, context});
    add_entrypoints(rows);
    add_runs(rows);
    add_releases(rows);
}

void environment_rows_release(struct environment_rows *rows)
{
    vec_release(&rows->lines);
    *rows = (struct environment_rows){0};
}

/* --- telling ---------------------------------------------------------------------------------------------- */

static void needed_by(const struct environment_rows *rows, const char *address, struct str *out)
{
    size_t found = 0;
    for (size_t i = 0; i < rows->resource_count; i++) {
        json_t *needs = json_column(rows->resources[i].needs);
        for (size_t n = 0; n < json_array_size(needs); n++) {
            const char *need = json_string_value(json_array_get(needs, n));
            if (need && text_equal(need, address))
                str_addf(out, "%s%s", found++ ? ", " : "", rows->resources[i].address);
        }
        json_decref(needs);
    }
    if (!found)
        str_add(out, "nothing");
}

static void resource_facts(const struct environment_rows *rows, const struct resource *row, enum time_form times,
                           int64_t now_ms, struct str *out)
{
    json_t *needs = json_column(row->needs);
    str_add(out, "needs\t");
    for (size_t i = 0; i < json_array_size(needs); i++)
        str_addf(out, "%s%s", i ? ", " : "", json_string_value(json_array_get(needs, i)));
    str_addf(out, "%s\nneeded by\t", json_array_size(needs) ? "" : "nothing");
    json_decref(needs);
    needed_by(rows, row->address, out);
    str_addf(out, "\nwhy\t%s", text_empty(row->status_reason) ? "-" : row->status_reason);
    str_addf(out, "\napplied\t%s by run %s ", row->executor, text_empty(row->applied_run) ? "-" : row->applied_run);
    format_when(out, times, row->applied_at, now_ms);
    str_addf(out, "   template %s %s%s%s", row->template, row->template_version, row->data ? "   DATA" : "",
             row->external ? "   external" : "");
    str_add(out, "\nseen\t");
    if (row->observed_at)
        format_when(out, times, row->observed_at, now_ms);
    else
        str_add(out, "never observed");
    str_addf(out, "%s%s", text_empty(row->observed_by) ? "" : " by ", row->observed_by);
}

void environment_rows_facts(const struct environment_rows *rows, const struct outline_row *row, enum time_form times,
                            int64_t now_ms, struct str *out)
{
    if (row->kind == OUTLINE_RESOURCE) {
        resource_facts(rows, &rows->resources[row->index], times, now_ms, out);
        return;
    }
    str_addf(out, "is\t%s %s", row->what, row->word);
    str_addf(out, "\nmore\t%s", row->detail);
    if (row->kind == OUTLINE_RUN) {
        str_add(out, "\ncommit\t");
        wording_commit(out, rows->runs[row->index].commit);
        str_addf(out, " %s", rows->runs[row->index].subject);
    }
    if (row->kind == OUTLINE_RELEASE)
        str_addf(out, "\ntemplates\t%s", rows->releases[row->index].templates);
}

bool environment_rows_describe(const struct environment_rows *rows, const struct outline_row *row, struct str *out)
{
    json_t *json = NULL;
    if (row->kind == OUTLINE_RESOURCE)
        json = record_to_json(&resource_type, &rows->resources[row->index]);
    else if (row->kind == OUTLINE_ENTRYPOINT)
        json = record_to_json(&entrypoint_type, &rows->entrypoints[row->index]);
    else if (row->kind == OUTLINE_RUN)
        json = record_to_json(&run_type, &rows->runs[row->index]);
    else if (row->kind == OUTLINE_RELEASE)
        json = record_to_json(&release_type, &rows->releases[row->index]);
    else
        json = record_to_json(&environment_type, &rows->environment);
    char *text = json_dumps(json, JSON_INDENT(2));
    str_add(out, text ? text : "");
    free(text);
    json_decref(json);
    return true;
}

void environment_rows_why(const struct environment_rows *rows, struct str *out)
{
    str_addf(out, "%s is %s\n", rows->environment.name, environment_word(&rows->environment));
    if (!text_empty(rows->environment.status_reason))
        str_addf(out, "%s\n", rows->environment.status_reason);
    for (size_t i = 0; i < rows->resource_count; i++) {
        const struct resource *row = &rows->resources[i];
        enum sign sign = resource_sign(row->status);
        if (sign == SIGN_OK || sign == SIGN_GONE)
            continue;
        str_addf(out, "\n%s is %s\n  because    %s\n  needed by  ", row->address,
                 word_name(resource_status_names, row->status),
                 text_empty(row->status_reason) ? "-" : row->status_reason);
        needed_by(rows, row->address, out);
        str_add(out, "\n");
    }
}
