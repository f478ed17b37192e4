/* SPDX-License-Identifier: ISC */
/* The list of branches, newest first, each with its environment. */
#include "berth/base/time.h"
#include "ui/action.h"
#include "ui/list.h"

enum {
    COLUMN_NAME,
    COLUMN_STATUS,
    COLUMN_ENVIRONMENT,
    COLUMN_AGE,
    COLUMN_AUTHOR,
    COLUMN_AHEAD,
    COLUMN_COMMIT,
    COLUMN_SUBJECT
};

static const struct table_column columns[] = {
    [COLUMN_NAME] = {"BRANCH", 26, 0},
    [COLUMN_STATUS] = {"STATUS", 0, 0},
    [COLUMN_ENVIRONMENT] = {"ENVIRONMENT", 18, 2},
    [COLUMN_AGE] = {"COMMITTED", 0, 1},
    [COLUMN_AUTHOR] = {"AUTHOR", 8, 4},
    [COLUMN_AHEAD] = {"+/-", 0, 6},
    [COLUMN_COMMIT] = {"COMMIT", 0, 5},
    [COLUMN_SUBJECT] = {"SUBJECT", 12, 3},
};
#define COLUMN_TOTAL ((int)(sizeof columns / sizeof *columns))

static struct picture *picture_of(void *context)
{
    return ((struct view *)context)->dashboard->picture;
}

static const struct branch_row *row_at(void *context, size_t place)
{
    return picture_branch_at(picture_of(context), place);
}

static const struct environment *environment_of(void *context, const struct branch_row *row)
{
    return picture_environment_of_branch(picture_of(context), row->id);
}

static size_t count(void *context)
{
    return picture_count(picture_of(context), PICTURE_BRANCHES);
}

static bool exists(void *context, size_t place)
{
    return row_at(context, place) != NULL;
}

/* By what their environments are; branches that have none come last. */
static int compare_environments(void *context, const struct branch_row *a, const struct branch_row *b, int column)
{
    const struct environment *left = environment_of(context, a), *right = environment_of(context, b);
    if (!left || !right)
        return !left - !right;
    int order = column == COLUMN_STATUS ? environment_urgency(left) - environment_urgency(right) : 0;
    return order ? order : strcmp(left->name, right->name);
}

/* Whether what is shown, or its order, hangs on environments too. */
static bool is_about_environments(const struct view *view)
{
    const struct table *table = &((const struct list_view *)view)->table;
    bool is = table->sort == COLUMN_STATUS || table->sort == COLUMN_ENVIRONMENT;
    for (size_t i = 0; i < table->filter.count; i++) {
        const char *name = table->filter.terms[i].field;
        is = is || text_equal(name, "status") || text_equal(name, "environment") || text_equal(name, "tier");
    }
    return is;
}

static int compare(void *context, size_t a, size_t b, int column)
{
    const struct branch_row *left = row_at(context, a), *right = row_at(context, b);
    if (!left || !right)
        return 0;
    switch (column) {
    case COLUMN_STATUS:
    case COLUMN_ENVIRONMENT: return compare_environments(context, left, right, column);
    case COLUMN_NAME: return strcmp(left->name, right->name);
    case COLUMN_AUTHOR: return strcmp(left->author, right->author);
    case COLUMN_SUBJECT: return strcmp(left->subject, right->subject);
    case COLUMN_AHEAD: return left->ahead < right->ahead ? -1 : left->ahead > right->ahead;
    default: return left->committed_at > right->committed_at ? -1 : left->committed_at < right->committed_at;
    }
}

static const char *field(void *context, size_t place, const char *name)
{
    const struct branch_row *row = row_at(context, place);
    if (!*name || text_equal(name, "branch") || text_equal(name, "name"))
        return row->name;
    if (text_equal(name, "author"))
        return row->author;
    if (text_equal(name, "subject"))
        return row->subject;
    if (text_equal(name, "repository"))
        return row->id;
    const struct environment *environment = environment_of(context, row);
    if (text_equal(name, "environment"))
        return environment ? environment->name : "";
    if (text_equal(name, "tier"))
        return environment ? word_name(tier_names, environment->tier) : "";
    if (text_equal(name, "status"))
        return row->is_gone ? "branch gone" : environment ? environment_word(environment) : "";
    return NULL;
}

static bool number(void *context, size_t place, const char *name, int64_t *number)
{
    const struct branch_row *row = row_at(context, place);
    if (text_equal(name, "age"))
        return list_age(context, row->committed_at, number);
    if (text_equal(name, "ahead"))
        *number = row->ahead;
    else if (text_equal(name, "behind"))
        *number = row->behind;
    else
        return false;
    return *number >= 0;
}

static void cell_status(struct view *view, const struct branch_row *row, struct str *text, enum style *style)
{
    const struct environment *environment = environment_of(view, row);
    if (row->is_gone) {
        format_status(text, SIGN_GONE, "branch gone", view->dashboard->ascii);
        *style = STYLE_GONE;
    } else if (environment) {
        *style = serving_status(view->dashboard, text, environment_sign(environment), environment_word(environment));
    } else {
        str_add(text, "-");
        *style = STYLE_MUTED;
    }
}

/* Of more than one repository, a branch is called by both. */
static bool has_several(const struct view *view)
{
    return picture_surroundings(view->dashboard->picture)->repository_count > 1;
}

static void cell(void *context, size_t place, int column, struct str *text, enum style *style)
{
    struct view *view = context;
    const struct branch_row *row = row_at(context, place);
    const struct environment *environment;
    if (!row)
        return;
    switch (column) {
    case COLUMN_NAME:
        str_add(text, has_several(view) ? row->id : row->name);
        *style = row->is_gone ? STYLE_GONE : STYLE_NORMAL;
        break;
    case COLUMN_STATUS: cell_status(view, row, text, style); break;
    case COLUMN_ENVIRONMENT:
        environment = environment_of(view, row);
        str_add(text, environment ? environment->name : "-");
        *style = environment ? STYLE_NORMAL : STYLE_MUTED;
        break;
    case COLUMN_AGE:
        dashboard_time(view->dashboard, text, row->committed_at);
        *style = STYLE_MUTED;
        break;
    case COLUMN_AUTHOR: str_add(text, row->author); break;
    case COLUMN_AHEAD:
        if (row->ahead >= 0 && row->behind >= 0)
            str_addf(text, "+%d -%d", row->ahead, row->behind);
        *style = STYLE_MUTED;
        break;
    case COLUMN_COMMIT:
        str_add(text, row->commit);
        *style = STYLE_MUTED;
        break;
    default: str_add(text, row->subject); break;
    }
}

/* While 100,000 rows come in, they are looked at anew only each time they have doubled. */
static uint64_t version(void *context)
{
    uint64_t exact = picture_version(picture_of(context), PICTURE_BRANCHES), doubled = 0;
    if (is_about_environments(context))
        exact += picture_version(picture_of(context), PICTURE_ENVIRONMENTS);
    if (!picture_loading(picture_of(context), PICTURE_BRANCHES))
        return exact + 64;
    for (size_t rows = count(context); rows; rows /= 2)
        doubled++;
    return doubled;
}

static const struct table_source source = {LIST_SOURCE};

static void name(struct view *view, size_t place, struct str *out)
{
    str_add(out, row_at(view, place)->name);
}

static void subject(struct view *view, size_t place, struct subject *subject)
{
    subject->scopes = SCOPE_BRANCH;
    subject->branch = row_at(view, place);
    subject_environment(subject, view->dashboard->picture, environment_of(view, subject->branch));
}

static void title_more(struct view *view, struct str *out)
{
    const struct surroundings *around = picture_surroundings(view->dashboard->picture);
    if (around->repository_count == 1)
        str_addf(out, "   repository %s", around->repositories[0].id);
    for (size_t i = 0; i < around->repository_count; i++) {
        const struct repository *repository = &around->repositories[i];
        if (!text_empty(repository->error))
            str_addf(out, "   %s %s: %s", sign_text(SIGN_WARN, view->dashboard->ascii), repository->id,
                     repository->error);
    }
}

static void preview(struct view *view, size_t place, struct grid *grid, struct area area)
{
    const struct branch_row *row = row_at(view, place);
    const struct environment *environment = environment_of(view, row);
    struct str text = STR_INIT;
    str_addf(&text, "%s  %s", row->commit, row->subject);
    list_fact(grid, area, 0, "commit", text.data);
    str_clear(&text);
    format_when(&text, view->dashboard->times, row->committed_at, view->dashboard->now_ms);
    str_addf(&text, " by %s", row->author);
    if (row->pushed_at > row->committed_at + MS_MINUTE) {
        str_add(&text, ", first seen here ");
        format_when(&text, view->dashboard->times, row->pushed_at, view->dashboard->now_ms);
    }
    list_fact(grid, area, 1, "made", text.data);
    str_clear(&text);
    if (environment) {
        str_addf(&text, "%s  ", environment->name);
        serving_status(view->dashboard, &text, environment_sign(environment), environment_word(environment));
        str_addf(&text, "  %s", environment->status_reason);
    }
    list_fact(grid, area, 2, "env", environment ? text.data : "none: D deploys it");
    list_fact(grid, area, 3, "url",
              environment && !text_empty(environment->entrypoint) ? environment->entrypoint : "-");
    str_release(&text);
}

static const char *empty(struct view *view)
{
    return view->dashboard->serving.is ? "no branch yet: berthd is listing the repository"
                                       : "no branch yet, and no berthd serves this workspace";
}

static void open_row(struct view *view, size_t place)
{
    const struct branch_row *row = row_at(view, place);
    const struct environment *environment = environment_of(view, row);
    if (environment)
        dashboard_push(view->dashboard, &environment_view, environment->id);
    else
        dashboard_say(view->dashboard, STYLE_MUTED, "%s has no environment yet: D deploys it", row->name);
}

static bool why(struct view *view, size_t place, struct str *out)
{
    const struct branch_row *row = row_at(view, place);
    const struct environment *environment = environment_of(view, row);
    if (environment) {
        str_addf(out, "%s makes %s, which is %s\n", row->name, environment->name, environment_word(environment));
        str_addf(out, "%s\n", text_empty(environment->status_reason) ? "" : environment->status_reason);
    } else {
        str_addf(out, "%s has no environment\n\n", row->name);
    }
    if (row->is_gone)
        str_add(out, "The branch is not in the repository any more.\n");
    struct subject subject = {.scopes = SCOPE_BRANCH, .branch = row, .environment = environment};
    const struct verb *deploy = verb_named("deploy");
    struct arena arena = {0};
    const struct why *may = deploy ? action_why(view->dashboard, deploy, &subject, &arena) : NULL;
    str_add(out, "Whether it may be deployed now:\n\n");
    if (may)
        why_text(may, out);
    else
        str_add(out, "the policy is not loaded yet: berthd decides\n");
    arena_release(&arena);
    return true;
}

static const struct list_ops list = {
    .title = "Branches",
    .columns = columns,
    .column_count = COLUMN_TOTAL,
    .sort = COLUMN_AGE,
    .source = &source,
    .preview_rows = 4,
    .name = name,
    .preview = preview,
    .subject = subject,
    .open = open_row,
    .why = why,
    .title_more = title_more,
    .empty = empty,
};
const struct view_ops branches_view = {LIST_VIEW, .name = "branches", .kind = VIEW_BRANCHES, .list = &list};
