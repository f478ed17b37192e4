/* SPDX-License-Identifier: ISC */
/*
 * The dashboard's middle: the stack of views, the layer on top (a prompt, a menu, a dialog, help), what they share, and how they ask for things.
 *
 * A view is a small ops struct with its own size. It fills its rows from the picture or from reads of the store that end before it returns, draws
 * into a grid, and answers requests; it never blocks and never changes the store. What acts goes through action.h.
 */
#ifndef UI_DASHBOARD_H
#define UI_DASHBOARD_H

#include "berth/base/process.h"
#include "berth/base/str.h"
#include "berth/policy.h"
#include "berth/ui.h"
#include "ui/format.h"
#include "ui/grid.h"
#include "ui/keymap.h"
#include "ui/picture.h"
#include "ui/theme.h"

struct config;
struct dashboard;
struct list_ops;
struct outline_ops;
struct pager;
struct store;
struct terminal;
struct view;

enum refresh { /* what a handler gives back */
               REFRESH_NOTHING = 0,
               REFRESH_SCREEN = 1 << 0, /* draw again */
               REFRESH_ROWS = 1 << 1    /* the view's rows must be read again, then drawn */
};

struct subject {     /* what an action would be about: borrowed from the picture or the view */
    unsigned scopes; /* enum verb_scope */
    const struct environment *environment;
    const struct branch_row *branch;
    const struct run *run;
    const struct release *release; /* that is selected, and in words what going back to it would change */
    const char *release_change;
    const char *url; /* of the row itself; NULL: subject_url says the environment's */
};

struct view_ops {     /* what is marked optional may be NULL */
    const char *name; /* as in `:` and on row 2 */
    enum view_kind kind;
    size_t size;
    const struct list_ops *list;       /* what the base of lists works by, see list.h */
    const struct outline_ops *outline; /* what the base of outlines works by, see outline.h */
    void (*init)(struct view *view, const char *argument);
    void (*release)(struct view *view);
    /* Rows changed (enum picture_part): read again what this view shows. Optional. */
    void (*refresh)(struct view *view, unsigned changed);
    /* A piece of work between keys; true: there is more. Optional. */
    bool (*work)(struct view *view, int64_t budget_us);
    void (*title)(struct view *view, struct str *out); /* row 3 */
    void (*draw)(struct view *view, struct grid *grid, struct area area);
    unsigned (*handle)(struct view *view, enum request request); /* enum refresh */
    void (*subject)(struct view *view, struct subject *subject); /* optional: nothing to act on */
    /* What `/` sets; "" clears. `text` NULL asks: gives what is set. Optional, as all below. */
    const char *(*filter)(struct view *view, const char *text);
    /* Columns for the sort picker, ends with NULL; sort by one (the same again reverses). */
    const char *const *(*columns)(struct view *view);
    void (*sort)(struct view *view, int column);
    bool (*why)(struct view *view, struct str *out); /* text for `w`; false: nothing to explain */
    int (*wait_on)(struct view *view);               /* a descriptor that wakes this view, -1: none */
};
struct view { /* the first member of each view */
    const struct view_ops *ops;
    struct dashboard *dashboard;
    char *argument; /* what it was opened on: an environment's id, a run's number, or "" */
};

struct layer;
struct layer_ops {
    const char *name;
    void (*draw)(struct layer *layer, struct grid *grid);
    /* Takes a key; the layer is freed when it set `is_done`. */
    void (*press)(struct layer *layer, int key);
    /* Takes a character that was pasted, as text; NULL: pastes are dropped. */
    void (*paste)(struct layer *layer, int character);
    void (*release)(struct layer *layer);
};
struct layer {
    const struct layer_ops *ops;
    struct dashboard *dashboard;
    bool is_done;
};

struct gate_rows { /* of the gate that was asked about last: keys are drawn more often than rows change */
    struct arena arena;
    struct run run; /* id NULL: none */
    const struct approval *const *approvals;
    size_t count;
    uint64_t moment; /* of the dashboard, when they were read */
};
struct release_rows { /* of the environment whose roll-back was asked about last */
    struct arena arena;
    const char *environment; /* NULL: none */
    const struct release *const *releases;
    size_t count;
    uint64_t moment;
};
struct serving {
    bool is, died;            /* one serves; the last one ended without a word */
    int tries;                /* to start one again, since the last that was steady */
    int64_t wait_ms, next_at; /* between two tries; when the next may be */
    int64_t coming_until;     /* one was just started and may be quiet until then */
};

#define VIEW_DEPTH 12
#define MESSAGE_MS 20000 /* how long a message stays */
struct dashboard {
    struct terminal *terminal;
    struct store *reader; /* read-only, from the start */
    struct store *client; /* opened when the first command is submitted; may be `reader` in tests */
    bool client_is_reader;
    const struct ui_options *options;
    struct picture *picture;
    struct grid grid;
    struct theme theme;
    enum time_form times;
    bool ascii, preview_off, destroyed_shown, loaded; /* loaded: the first whole picture is there */
    bool quit;
    struct serving serving; /* of berthd */
    int64_t now_ms, last_key_us, drawn_us;
    struct view *views[VIEW_DEPTH]; /* the top is shown */
    size_t depth;
    struct view *roots[4]; /* kept when another is shown: position and filter stay */
    size_t last_root;
    struct layer *layer;
    bool prefix; /* `g` was pressed: the pop-up is open */
    struct str message;
    enum style message_style;
    int64_t message_until;
    struct str why_text; /* of the last refusal, for `w` */
    /* who acts, and by which policy */
    char actor[32], login[64];
    bool is_owner;
    struct config *config;
    char *config_commit;
    uint64_t config_version;
    uint64_t moment; /* grows when the store changed */
    struct gate_rows gate_rows;
    struct release_rows release_rows;
    char *marks[2];         /* ids of environments to compare, NULL: none */
    char *pending;          /* id of the command whose answer is awaited */
    struct process browser; /* that was started last; pid 0: none is waited for */
};

void dashboard_init(struct dashboard *dashboard, const struct ui_options *options, struct terminal *terminal,
                    struct store *reader);
void dashboard_release(struct dashboard *dashboard);
/* One turn: keys, changes of the store, a piece of work, a paint. True: there is more to do at once. */
bool dashboard_turn(struct dashboard *dashboard);
/* The first frame: reads only what it shows. */
bool dashboard_open(struct dashboard *dashboard, struct error *error) BERTH_MUST_CHECK;
void dashboard_draw(struct dashboard *dashboard);
void dashboard_press(struct dashboard *dashboard, int key);
void dashboard_request(struct dashboard *dashboard, enum request request);

/* --- for views, layers and actions --------------------------------------------------------------------------- */
struct view *dashboard_view(const struct dashboard *dashboard);
/* An environment as the subject, with the run that a person would look at or answer. */
void subject_environment(struct subject *subject, const struct picture *picture, const struct environment *environment);
/* A run as the subject. */
void subject_run(struct subject *subject, const struct picture *picture, const struct run *run);
/* What is selected in the view that is shown; empty when nothing is. */
struct subject dashboard_subject(struct dashboard *dashboard);
/* Searches a view's pager: what `filter` of its ops does. `where`: "this log". */
const char *dashboard_search(struct dashboard *dashboard, struct pager *pager, const char *text, const char *where);
void dashboard_push(struct dashboard *dashboard, const struct view_ops *ops, const char *argument);
void dashboard_root(struct dashboard *dashboard, size_t root);
void dashboard_back(struct dashboard *dashboard);
/* Takes over the layer; the one that was there ends. */
void dashboard_layer(struct dashboard *dashboard, struct layer *layer);
/* The line above the keys. */
void dashboard_say(struct dashboard *dashboard, enum style style, const char *format, ...) BERTH_PRINTF(3, 4);
void dashboard_say_error(struct dashboard *dashboard, const struct error *error);
void dashboard_time(const struct dashboard *dashboard, struct str *out, int64_t at_ms);
/* Opens a pager on text; takes nothing over. */
void dashboard_show_text(struct dashboard *dashboard, const char *title, const char *text);

extern const struct view_ops environments_view, branches_view, approvals_view, runs_view, environment_view, gate_view,
    releases_view, run_view, text_view;
extern const struct view_ops *const root_views[4];

/* serving.c: whether a berthd serves. Looking is cheap; a turn also starts one again that died. */
void serving_open(struct dashboard *dashboard);
void serving_look(struct dashboard *dashboard);
void serving_turn(struct dashboard *dashboard);
/* Starts one unless one serves: a person asked for something. */
void serving_start(struct dashboard *dashboard);
void serving_retry(struct dashboard *dashboard); /* by hand */
/* Appends what is with it, where none serves. */
void serving_say(const struct dashboard *dashboard, struct str *out);
/* What a sign says while none serves: of what was worked on nobody knows how far it is. */
enum sign serving_sign(const struct dashboard *dashboard, enum sign sign);
/* Appends a status as it is known now; gives its style, old news where none serves. */
enum style serving_status(const struct dashboard *dashboard, struct str *out, enum sign sign, const char *word);

/* frame.c */
void frame_draw(struct dashboard *dashboard, struct grid *grid, struct area *body);
/* The last message, or what is wrong: above the keys, over the view. */
void frame_draw_message(struct dashboard *dashboard, struct grid *grid);
/* Too small for frames: a plain list. */
bool frame_is_small(const struct grid *grid);
/* Appends why what is shown is not what the repositories hold now: no policy, one that was not taken, a listing that failed. False: nothing is wrong. */
bool frame_trouble(const struct dashboard *dashboard, struct str *out);

/* layers */
void prompt_open_command(struct dashboard *dashboard);
void prompt_open_filter(struct dashboard *dashboard);
struct menu_item {
    char key;
    const char *label;
};
/* A pop-up; `chosen` gets the index. Items and labels are copied; the key ' ' is none: such an item is reached by the arrows. */
typedef void menu_chosen(struct dashboard *dashboard, size_t item, void *context);
void menu_open(struct dashboard *dashboard, const char *title, const struct menu_item *items, size_t count,
               menu_chosen *chosen, void *context);
void help_open(struct dashboard *dashboard);
/* The menu of what can be copied of what is selected (copy.c). */
void copy_open(struct dashboard *dashboard);
/* Whether it is an address of the web and nothing that a terminal or a shell might take for more; copies one, or shows it. */
bool copy_is_safe_url(const char *text);
void copy_url(struct dashboard *dashboard, const char *url);
/* The address of what is selected, "" none; opens it; sees how the browser ended; lets it go (opening.c). */
const char *subject_url(const struct subject *subject);
void opening_open(struct dashboard *dashboard);
void opening_turn(struct dashboard *dashboard);
void opening_end(struct dashboard *dashboard);
/* Marks the selected environment, or takes the mark away; shows in what the two that are marked differ, or the marked and the selected one (compare.c). */
void mark_toggle(struct dashboard *dashboard);
void mark_compare(struct dashboard *dashboard);
bool mark_is(const struct dashboard *dashboard, const char *environment);
/* Runs a line typed after `:`. */
void palette_run(struct dashboard *dashboard, const char *line);
/* Appends what could follow `line`, a line each: a whole word for its last word, a tab, what it does, or PALETTE_NOT_NOW and why it cannot be
 * done on what is selected. */
#define PALETTE_NOT_NOW "not now: "
void palette_complete(struct dashboard *dashboard, const char *line, struct str *out);

#endif
