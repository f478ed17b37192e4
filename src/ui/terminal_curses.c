/* SPDX-License-Identifier: ISC */
/* The terminal by curses: the one file that knows it. Signals come through a descriptor, so nothing here is global. */
#include "ui/terminal.h"

#include "berth/base/memory.h"
#include "berth/base/str.h"
#include "berth/base/time.h"
#include "ui/grid.h"
#include "ui/theme.h"

#include <curses.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <wchar.h>

#define ESCAPE_DELAY_MS 25
/* What a terminal puts around a paste when it was asked to; curses hands both over as keys. */
#define PASTE_ON "\033[?2004h"
#define PASTE_OFF "\033[?2004l"
#define KEY_PASTE_BEGINS (KEY_MAX + 1)
#define KEY_PASTE_ENDS (KEY_MAX + 2)

struct curses_terminal {
    struct terminal terminal;
    SCREEN *screen;
    WINDOW *input; /* a pad: reading from it never refreshes the screen */
    int signals;   /* signalfd */
    sigset_t old_mask;
    bool is_pasting;    /* between the two marks of a paste */
    struct cell *shown; /* what was painted last, NULL: nothing */
    int rows, columns;  /* of `shown` */
    struct {
        attr_t looks;
        short pair;
    } styles[STYLE_COUNT][2]; /* [1]: with the selection laid over */
};

static struct curses_terminal *self_of(struct terminal *terminal)
{
    return (struct curses_terminal *)terminal;
}

/* --- colours ---------------------------------------------------------------------------------------------- */

#define CUBE_BEGIN 16 /* of the 256 colours: a cube of six a side, then greys */
#define GREYS_BEGIN 232
#define GREY_MIDDLE 244

/* The nearest of the eight colours to one of 256; a grey is the default, a dark one dim. */
static short nearest_of_eight(short colour, attr_t *looks)
{
    if (colour >= GREYS_BEGIN) {
        *looks |= colour < GREY_MIDDLE ? A_DIM : 0;
        return COLOUR_DEFAULT;
    }
    int cell = colour - CUBE_BEGIN, red = cell / 36, green = cell % 36 / 6, blue = cell % 6;
    int nearest = (red >= 3 ? 1 : 0) | (green >= 3 ? 2 : 0) | (blue >= 3 ? 4 : 0);
    return nearest == 0 || nearest == 7 ? COLOUR_DEFAULT : (short)nearest;
}

/* A colour of the theme on a terminal that has fewer. */
static short colour_here(short colour, attr_t *looks)
{
    if (colour == COLOUR_DEFAULT || colour < COLORS)
        return colour;
    if (colour >= CUBE_BEGIN)
        return nearest_of_eight(colour, looks);
    *looks |= A_BOLD;
    return (short)(colour - 8);
}

/* A ground that the terminal has not is shown reversed: what is selected must be seen. */
static short ground_here(short colour, attr_t *looks)
{
    attr_t unused = 0;
    if (colour == COLOUR_DEFAULT || colour < CUBE_BEGIN || colour < COLORS)
        return colour_here(colour, &unused);
    *looks |= A_REVERSE;
    return COLOUR_DEFAULT;
}

/* Reversed, greys would be grounds of other shades in the selected row. */
static bool is_grey(short colour)
{
    return colour == COLOUR_DEFAULT || colour >= GREYS_BEGIN;
}

static attr_t looks_here(unsigned looks)
{
    return ((looks & LOOK_BOLD) ? A_BOLD : 0) | ((looks & LOOK_DIM) ? A_DIM : 0) |
           ((looks & LOOK_UNDERLINE) ? A_UNDERLINE : 0) | ((looks & LOOK_REVERSE) ? A_REVERSE : 0) |
           ((looks & LOOK_ITALIC) ? A_ITALIC : 0);
}

static void use_appearance(struct curses_terminal *self, int style, int selected, struct appearance look)
{
    attr_t looks = looks_here(look.looks);
    short pair = 0;
    if (has_colors() && (look.foreground != COLOUR_DEFAULT || look.background != COLOUR_DEFAULT)) {
        pair = (short)(1 + style * 2 + selected);
        short foreground = colour_here(look.foreground, &looks), background = ground_here(look.background, &looks);
        if (pair >= COLOR_PAIRS || init_pair(pair, foreground, background) == ERR)
            pair = 0;
    }
    self->styles[style][selected].looks = looks;
    self->styles[style][selected].pair = pair;
}

static void curses_set_theme(struct terminal *terminal, const struct theme *theme)
{
    struct curses_terminal *self = self_of(terminal);
    struct appearance over = theme->styles[STYLE_SELECTED];
    for (int style = 0; style < STYLE_COUNT; style++) {
        struct appearance look = theme->styles[style];
        use_appearance(self, style, 0, look);
        if (over.background != COLOUR_DEFAULT)
            look.background = over.background;
        bool is_reversed = over.background >= CUBE_BEGIN && over.background >= COLORS;
        if (over.foreground != COLOUR_DEFAULT && (style == STYLE_NORMAL || (is_reversed && is_grey(look.foreground))))
            look.foreground = over.foreground;
        look.looks |= over.looks;
        use_appearance(self, style, 1, look);
    }
    terminal->ops->redraw(terminal);
}

/* --- painting --------------------------------------------------------------------------------------------- */

/* The terminal counts by wcwidth; a character it counts otherwise than we do would shift the rest of its row. */
static bool width_agrees(const struct cell *cell)
{
    wchar_t wide;
    mbstate_t state;
    memset(&state, 0, sizeof state);
    size_t taken = mbrtowc(&wide, cell->text, CELL_BYTES, &state);
    return taken != (size_t)-1 && taken != (size_t)-2 && wcwidth(wide) == cell->width;
}

static void put_cell(const struct cell *cell)
{
    if ((unsigned char)cell->text[0] < 0x80 || width_agrees(cell))
        addstr(cell->text);
    else
        addnstr("??", cell->width);
}

static void paint_row(struct curses_terminal *self, const struct grid *grid, int row)
{
    const struct cell *cells = grid_cell(grid, row, 0);
    for (int column = 0; column < grid->columns; column++) {
        const struct cell *cell = &cells[column];
        if (cell->width == 0)
            continue;
        move(row, column);
        attr_set(self->styles[cell->style][cell->selected ? 1 : 0].looks,
                 self->styles[cell->style][cell->selected ? 1 : 0].pair, NULL);
        put_cell(cell);
    }
}

static void curses_paint(struct terminal *terminal, const struct grid *grid)
{
    struct curses_terminal *self = self_of(terminal);
    size_t row_bytes = sizeof *grid->cells * (size_t)grid->columns;
    bool all = !self->shown || self->rows != grid->rows || self->columns != grid->columns;
    if (all) {
        free(self->shown);
        self->shown = mem_zero((size_t)grid->rows, row_bytes);
        self->rows = grid->rows;
        self->columns = grid->columns;
    }
    for (int row = 0; row < grid->rows; row++) {
        struct cell *before = self->shown + (size_t)row * (size_t)grid->columns;
        const struct cell *now = grid_cell(grid, row, 0);
        if (!all && memcmp(before, now, row_bytes) == 0)
            continue;
        paint_row(self, grid, row);
        memcpy(before, now, row_bytes);
    }
    if (grid->cursor_row >= 0)
        move(grid->cursor_row, grid->cursor_column);
    curs_set(grid->cursor_row >= 0);
    refresh();
}

static void curses_redraw(struct terminal *terminal)
{
    struct curses_terminal *self = self_of(terminal);
    free(self->shown);
    self->shown = NULL;
    clearok(curscr, TRUE);
}

static void curses_size(struct terminal *terminal, int *rows, int *columns)
{
    (void)terminal;
    *rows = LINES;
    *columns = COLS;
}

/* --- keys and signals ------------------------------------------------------------------------------------- */

static int take_new_size(struct terminal *terminal)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row && size.ws_col)
        resizeterm(size.ws_row, size.ws_col);
    curses_redraw(terminal);
    return PRESS_RESIZE;
}

static int read_signal(struct curses_terminal *self)
{
    struct signalfd_siginfo info;
    if (read(self->signals, &info, sizeof info) != (ssize_t)sizeof info)
        return PRESS_NONE;
    if (info.ssi_signo == SIGWINCH)
        return take_new_size(&self->terminal);
    return PRESS_HANG_UP;
}

static int function_key(wint_t key)
{
    static const struct {
        wint_t curses;
        int press;
    } keys[] = {
        {KEY_UP, PRESS_UP},         {KEY_DOWN, PRESS_DOWN},       {KEY_LEFT, PRESS_LEFT},
        {KEY_RIGHT, PRESS_RIGHT},   {KEY_HOME, PRESS_HOME},       {KEY_END, PRESS_END},
        {KEY_PPAGE, PRESS_PAGE_UP}, {KEY_NPAGE, PRESS_PAGE_DOWN}, {KEY_DC, PRESS_DELETE},
        {KEY_BTAB, PRESS_BACK_TAB}, {KEY_F(1), PRESS_F1},         {KEY_BACKSPACE, PRESS_BACKSPACE},
        {KEY_ENTER, PRESS_ENTER},   {KEY_RESIZE, PRESS_RESIZE},
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (keys[i].curses == key)
            return keys[i].press;
    }
    return PRESS_NONE;
}

static int curses_read(struct terminal *terminal)
{
    struct curses_terminal *self = self_of(terminal);
    int signal_key = read_signal(self);
    if (signal_key != PRESS_NONE)
        return signal_key;
    for (;;) {
        wint_t key = 0;
        int kind = wget_wch(self->input, &key);
        if (kind == ERR)
            return PRESS_NONE;
        if (kind == KEY_CODE_YES && (key == KEY_PASTE_BEGINS || key == KEY_PASTE_ENDS)) {
            self->is_pasting = key == KEY_PASTE_BEGINS;
            continue;
        }
        if (self->is_pasting) {
            if (kind == OK && key)
                return PRESS_PASTED | (int)key;
            continue;
        }
        int press = kind == KEY_CODE_YES ? function_key(key)
                    : key == 127         ? PRESS_BACKSPACE
                    : key == '\n'        ? PRESS_ENTER
                                         : (int)key;
        if (press != PRESS_NONE)
            return press;
    }
}

static void curses_wait_on(struct terminal *terminal, int fds[2])
{
    fds[0] = STDIN_FILENO;
    fds[1] = self_of(terminal)->signals;
}

/* Past curses, which does not know about pastes; a terminal that does not either shows nothing of it. */
static void say_to_terminal(const char *text)
{
    ssize_t written = write(STDOUT_FILENO, text, strlen(text));
    (void)written; /* a terminal that is gone ends the program elsewhere */
}

static void curses_suspend(struct terminal *terminal)
{
    def_prog_mode();
    say_to_terminal(PASTE_OFF);
    endwin();
    kill(0, SIGTSTP); /* the whole job, as the terminal driver would */
    reset_prog_mode();
    say_to_terminal(PASTE_ON);
    self_of(terminal)->is_pasting = false;
    take_new_size(terminal);
    refresh();
}

static void add_base64(struct str *out, const char *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i += 3) {
        unsigned bits = 0;
        for (size_t k = 0; k < 3; k++)
            bits = bits << 8 | (i + k < length ? (unsigned char)text[i + k] : 0u);
        for (size_t k = 0; k < 4; k++)
            str_add_char(out, i + k > length ? '=' : digits[bits >> (18 - 6 * k) & 63]);
    }
}

/* By OSC 52, also over SSH; only where terminfo says (Ms) that the terminal knows it. */
static bool curses_copy(struct terminal *terminal, const char *text)
{
    const char *knows = tigetstr("Ms");
    struct str sequence = STR_INIT;
    (void)terminal;
    if (!knows || knows == (const char *)-1)
        return false;
    str_add(&sequence, "\033]52;c;");
    add_base64(&sequence, text);
    str_add(&sequence, "\a");
    say_to_terminal(sequence.data);
    str_release(&sequence);
    return true;
}

static void curses_ring(struct terminal *terminal)
{
    (void)terminal;
    beep();
}

static int64_t curses_now(struct terminal *terminal)
{
    (void)terminal;
    return time_now_ms();
}

static int64_t curses_monotonic(struct terminal *terminal)
{
    (void)terminal;
    return time_monotonic_us();
}

/* A crash must not leave a raw terminal behind: curses is asked to restore it, then the signal does what it always does. */
static void restore_and_die(int number)
{
    say_to_terminal(PASTE_OFF);
    endwin();
    raise(number);
}

static void catch_crashes(void (*handler)(int))
{
    static const int crashes[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    struct sigaction action = {.sa_handler = handler, .sa_flags = (int)SA_RESETHAND};
    for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++)
        sigaction(crashes[i], &action, NULL);
}

static bool watch_signals(struct curses_terminal *self, struct error *error)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGWINCH);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, &self->old_mask);
    self->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (self->signals >= 0)
        return true;
    sigprocmask(SIG_SETMASK, &self->old_mask, NULL);
    return error_errno(error, ERROR_IO, errno, "cannot watch signals");
}

static void curses_close(struct terminal *terminal)
{
    struct curses_terminal *self = self_of(terminal);
    if (!self)
        return;
    catch_crashes(SIG_DFL);
    delwin(self->input);
    say_to_terminal(PASTE_OFF);
    endwin();
    delscreen(self->screen);
    close(self->signals);
    sigprocmask(SIG_SETMASK, &self->old_mask, NULL);
    free(self->shown);
    free(self);
}

static const struct terminal_ops curses_ops = {
    .name = "curses",
    .size = curses_size,
    .paint = curses_paint,
    .read = curses_read,
    .wait_on = curses_wait_on,
    .suspend = curses_suspend,
    .redraw = curses_redraw,
    .set_theme = curses_set_theme,
    .copy = curses_copy,
    .ring = curses_ring,
    .now_ms = curses_now,
    .monotonic_us = curses_monotonic,
    .close = curses_close,
};

static bool begin_screen(struct curses_terminal *self, struct error *error)
{
    const char *name = getenv("TERM") ? getenv("TERM") : "(TERM is not set)";
    self->screen = newterm(NULL, stdout, stdin);
    const char *place_cursor = self->screen ? tigetstr("cup") : NULL;
    if (place_cursor && place_cursor != (const char *)-1)
        return true;
    if (self->screen) {
        endwin();
        delscreen(self->screen);
    }
    error_set(error, ERROR_UNSUPPORTED,
              self->screen ? "the terminal %s cannot place its cursor" : "the terminal %s is not known here", name);
    return error_hint(error, "set TERM to one that can, for example TERM=xterm-256color; berth envs needs none");
}

struct terminal *terminal_open_curses(const struct theme *theme, struct error *error)
{
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
        error_set(error, ERROR_UNSUPPORTED, "the dashboard needs a terminal");
        error_hint(error, "berth envs, berth branches and berth runs print tables; see berth --help");
        return NULL;
    }
    struct curses_terminal *self = mem_zero(1, sizeof *self);
    self->terminal.ops = &curses_ops;
    if (!watch_signals(self, error)) {
        free(self);
        return NULL;
    }
    set_escdelay(ESCAPE_DELAY_MS);
    if (!begin_screen(self, error)) {
        close(self->signals);
        sigprocmask(SIG_SETMASK, &self->old_mask, NULL);
        free(self);
        return NULL;
    }
    catch_crashes(restore_and_die);
    raw();
    noecho();
    nonl();
    self->input = newpad(1, 1);
    keypad(self->input, TRUE);
    define_key("\033[200~", KEY_PASTE_BEGINS);
    define_key("\033[201~", KEY_PASTE_ENDS);
    say_to_terminal(PASTE_ON);
    nodelay(self->input, TRUE);
    if (has_colors()) {
        start_color();
        use_default_colors();
    }
    curses_set_theme(&self->terminal, theme);
    return &self->terminal;
}
