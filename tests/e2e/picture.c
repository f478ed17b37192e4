/* SPDX-License-Identifier: ISC */
/*
 * Draws the picture of the README: plays the demo's first part, opens the real dashboard on a real pseudo terminal, and writes the cells of its screen as SVG.
 *
 *   picture BERTH FOLDER     the demo is made in FOLDER and ended again; the picture goes to standard output
 *
 * A row of the screen is a <g>, cells of one look are one <text>, a line each, so that two pictures can be compared as text.
 */
#include "berth/base/memory.h"
#include "berth/base/str.h"
#include "screen.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROWS 24
#define COLUMNS 120
#define CELL_WIDTH 8.4
#define CELL_HEIGHT 18
#define FONT_SIZE 14
#define BASELINE 13 /* below the top of a cell */
#define MARGIN 14
#define PAPER 0x14171c
#define INK 0xd3d7cf

struct look { /* of a cell */
    uint32_t ink, paper;
    bool bold, italic, underline;
};

static uint32_t colour(const struct screen *screen, VTermColor value, uint32_t preset)
{
    if (VTERM_COLOR_IS_DEFAULT_FG(&value) || VTERM_COLOR_IS_DEFAULT_BG(&value))
        return preset;
    vterm_screen_convert_color_to_rgb(screen->cells, &value);
    return (uint32_t)value.rgb.red << 16 | (uint32_t)value.rgb.green << 8 | value.rgb.blue;
}

static VTermScreenCell cell_at(const struct screen *screen, int row, int column)
{
    VTermScreenCell cell;

    vterm_screen_get_cell(screen->cells, (VTermPos){row, column}, &cell);
    return cell;
}

static struct look look_of(const struct screen *screen, const VTermScreenCell *cell)
{
    struct look look = {
        .ink = colour(screen, cell->fg, INK),
        .paper = colour(screen, cell->bg, PAPER),
        .bold = cell->attrs.bold,
        .italic = cell->attrs.italic,
        .underline = cell->attrs.underline != 0,
    };

    if (cell->attrs.reverse) {
        uint32_t ink = look.ink;
        look.ink = look.paper;
        look.paper = ink;
    }
    return look;
}

static bool same_look(const struct look *a, const struct look *b)
{
    return a->ink == b->ink && a->paper == b->paper && a->bold == b->bold && a->italic == b->italic &&
           a->underline == b->underline;
}

/* Lines of a frame meet only when they are drawn: arms to the left, right, up and down. */
static const char *arms_of(uint32_t character)
{
    switch (character) {
    case 0x2500: return "lr";
    case 0x2502: return "ud";
    case 0x250c: return "rd";
    case 0x2510: return "ld";
    case 0x2514: return "ru";
    case 0x2518: return "lu";
    case 0x251c: return "rud";
    case 0x2524: return "lud";
    case 0x252c: return "lrd";
    case 0x2534: return "lru";
    case 0x253c: return "lrud";
    default: return NULL;
    }
}

static void draw_arms(const char *arms, double left, int top, uint32_t ink)
{
    const double x = left + CELL_WIDTH / 2, y = top + CELL_HEIGHT / 2.0;

    printf("<path stroke=\"#%06x\" d=\"", ink);
    for (; *arms != '\0'; arms++) {
        const double to_x = *arms == 'l' ? left : *arms == 'r' ? left + CELL_WIDTH : x;
        const double to_y = *arms == 'u' ? top : *arms == 'd' ? top + CELL_HEIGHT : y;
        printf("M%.1f %.1fL%.1f %.1f", x, y, to_x, to_y);
    }
    printf("\"/>\n");
}

static void put_character(uint32_t character)
{
    switch (character) {
    case 0: putchar(' '); break;
    case '<': fputs("&lt;", stdout); break;
    case '>': fputs("&gt;", stdout); break;
    case '&': fputs("&amp;", stdout); break;
    default:
        if (character < 0x80)
            putchar((int)character);
        else
            printf("&#x%x;", character);
    }
}

/* Cells of one look, from `from` up to `to`. */
static void draw_run(const struct screen *screen, int row, int from, int to, const struct look *look)
{
    const double left = MARGIN + from * CELL_WIDTH, width = (to - from) * CELL_WIDTH;
    const int top = MARGIN + row * CELL_HEIGHT;
    bool blank = true;

    if (look->paper != PAPER)
        printf("<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"#%06x\"/>\n", left, top, width,
               CELL_HEIGHT, look->paper);
    for (int column = from; column < to; column++) {
        VTermScreenCell cell = cell_at(screen, row, column);
        const char *arms = arms_of(cell.chars[0]);
        if (arms != NULL)
            draw_arms(arms, MARGIN + column * CELL_WIDTH, top, look->ink);
        else
            blank = blank && (cell.chars[0] == 0 || cell.chars[0] == ' ');
    }
    if (blank)
        return;
    printf("<text x=\"%.1f\" y=\"%d\" textLength=\"%.1f\" fill=\"#%06x\"%s%s%s>", left, top + BASELINE, width,
           look->ink, look->bold ? " font-weight=\"bold\"" : "", look->italic ? " font-style=\"italic\"" : "",
           look->underline ? " text-decoration=\"underline\"" : "");
    for (int column = from; column < to; column++) {
        VTermScreenCell cell = cell_at(screen, row, column);
        put_character(arms_of(cell.chars[0]) != NULL ? ' ' : cell.chars[0]);
    }
    printf("</text>\n");
}

static void draw_row(const struct screen *screen, int row)
{
    printf("<g>\n");
    for (int from = 0, to; from < screen->columns; from = to) {
        VTermScreenCell cell = cell_at(screen, row, from);
        struct look look = look_of(screen, &cell);

        for (to = from + 1; to < screen->columns; to++) {
            VTermScreenCell next = cell_at(screen, row, to);
            struct look other = look_of(screen, &next);
            if (!same_look(&look, &other))
                break;
        }
        draw_run(screen, row, from, to, &look);
    }
    printf("</g>\n");
}

static void draw(const struct screen *screen)
{
    const double width = 2 * MARGIN + screen->columns * CELL_WIDTH;
    const int height = 2 * MARGIN + screen->rows * CELL_HEIGHT;

    printf("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.1f %d\" width=\"%.1f\" height=\"%d\" "
           "font-size=\"%d\" font-family=\"ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace\" "
           "xml:space=\"preserve\">\n"
           "<title>berth's dashboard on its demo: branches, and the environment of each</title>\n"
           "<rect width=\"100%%\" height=\"100%%\" rx=\"8\" fill=\"#%06x\"/>\n",
           width, height, width, height, FONT_SIZE, PAPER);
    for (int row = 0; row < screen->rows; row++)
        draw_row(screen, row);
    printf("</svg>\n");
}

/* The branches, once each that has an environment shows how it is doing. */
static bool show_branches(struct screen *screen)
{
    if (!screen_wait(screen, "review/search") || !screen_wait(screen, "needs approval"))
        return false;
    screen_type(screen, "2");
    if (!screen_wait(screen, "larger-pictures") || !screen_wait(screen, "branch gone"))
        return false;
    screen_type(screen, "j");
    return screen_wait(screen, "▸broken-migration") && screen_wait(screen, "s ago │"); /* painted again since */
}

int main(int argc, char **argv)
{
    char demo[] = "demo", folder[] = "--folder", end[] = "--end";
    char *begin_words[] = {argv[1], demo, folder, argc == 3 ? argv[2] : NULL, NULL};
    char *end_words[] = {argv[1], demo, end, folder, argv[2], NULL};
    struct screen screen;
    bool shown;

    if (argc != 3) {
        fprintf(stderr, "usage: picture BERTH FOLDER\n");
        return 2;
    }
    setenv("TERM", "xterm-256color", 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    unsetenv("NO_COLOR");
    screen_start(&screen, ROWS, COLUMNS, "/", begin_words);
    shown = show_branches(&screen);
    if (shown)
        draw(&screen);
    screen_stop(&screen);
    screen_start(&screen, ROWS, COLUMNS, "/", end_words);
    shown = screen_wait_end(&screen) && WIFEXITED(screen.status) && WEXITSTATUS(screen.status) == 0 && shown;
    screen_stop(&screen);
    return shown ? 0 : 1;
}
