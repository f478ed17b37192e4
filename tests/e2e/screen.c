/* SPDX-License-Identifier: ISC */
/* Drives a program on a pseudo terminal and looks at its screen. */
#include "screen.h"

#include "berth/base/memory.h"
#include "berth/base/str.h"
#include "berth/base/time.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define BOUND_MS 60000

static void answer(const char *bytes, size_t count, void *context)
{
    struct screen *screen = context;
    if (write(screen->fd, bytes, count) < 0)
        return;
}

void screen_start(struct screen *screen, int rows, int columns, const char *folder, char *const argv[])
{
    struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
    *screen = (struct screen){.rows = rows, .columns = columns};
    screen->terminal = vterm_new(rows, columns);
    vterm_set_utf8(screen->terminal, 1);
    vterm_output_set_callback(screen->terminal, answer, screen);
    screen->cells = vterm_obtain_screen(screen->terminal);
    vterm_screen_enable_altscreen(screen->cells, 1);
    vterm_screen_reset(screen->cells, 1);
    screen->pid = forkpty(&screen->fd, NULL, NULL, &size);
    BUG_ON(screen->pid < 0);
    if (screen->pid == 0) {
        if (chdir(folder) == 0)
            execv(argv[0], argv);
        _exit(127);
    }
    fcntl(screen->fd, F_SETFD, FD_CLOEXEC);
}

void screen_stop(struct screen *screen)
{
    if (screen->pid) {
        kill(screen->pid, SIGKILL);
        waitpid(screen->pid, &screen->status, 0);
    }
    close(screen->fd);
    vterm_free(screen->terminal);
    free(screen->text);
}

void screen_type(struct screen *screen, const char *keys)
{
    size_t length = strlen(keys), sent = 0;
    while (sent < length) {
        ssize_t count = write(screen->fd, keys + sent, length - sent);
        if (count <= 0)
            return;
        sent += (size_t)count;
    }
}

void screen_resize(struct screen *screen, int rows, int columns)
{
    struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
    screen->rows = rows;
    screen->columns = columns;
    vterm_set_size(screen->terminal, rows, columns);
    ioctl(screen->fd, TIOCSWINSZ, &size);
}

static void add_utf8(struct str *out, uint32_t c)
{
    char bytes[4];
    size_t count = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    if (count == 1) {
        str_add_char(out, (char)c);
        return;
    }
    for (size_t i = count - 1; i > 0; i--, c >>= 6)
        bytes[i] = (char)(0x80 | (c & 0x3f));
    bytes[0] = (char)((count == 2 ? 0xc0 : count == 3 ? 0xe0 : 0xf0) | c);
    str_add_bytes(out, bytes, count);
}

static void look(struct screen *screen)
{
    struct str text = STR_INIT;
    for (int row = 0; row < screen->rows; row++) {
        for (int column = 0; column < screen->columns; column++) {
            VTermScreenCell cell;
            vterm_screen_get_cell(screen->cells, (VTermPos){row, column}, &cell);
            for (int i = 0; i < VTERM_MAX_CHARS_PER_CELL && cell.chars[i] && cell.chars[i] != (uint32_t)-1; i++)
                add_utf8(&text, cell.chars[i]);
            if (!cell.chars[0])
                str_add_char(&text, ' ');
        }
        str_add_char(&text, '\n');
    }
    free(screen->text);
    screen->text = str_take(&text);
}

/* Takes what the program wrote, waiting at most `ms`; false when it has ended. */
static bool pump(struct screen *screen, int ms)
{
    struct pollfd poll_fd = {.fd = screen->fd, .events = POLLIN};
    char bytes[65536];
    if (poll(&poll_fd, 1, ms) <= 0)
        return true;
    ssize_t count = read(screen->fd, bytes, sizeof bytes);
    if (count <= 0)
        return false;
    vterm_input_write(screen->terminal, bytes, (size_t)count);
    return true;
}

static bool wait_for(struct screen *screen, const char *text, bool there)
{
    int64_t until = time_monotonic_ms() + BOUND_MS;
    bool alive = true;
    while (alive && time_monotonic_ms() < until) {
        look(screen);
        if ((strstr(screen->text, text) != NULL) == there)
            return true;
        alive = pump(screen, 100);
    }
    look(screen);
    fprintf(stderr, "# the screen %s \"%s\":\n%s\n", there ? "does not show" : "still shows", text, screen->text);
    return false;
}

bool screen_wait(struct screen *screen, const char *text)
{
    return wait_for(screen, text, true);
}

bool screen_wait_gone(struct screen *screen, const char *text)
{
    return wait_for(screen, text, false);
}

bool screen_has(struct screen *screen, const char *text)
{
    look(screen);
    return strstr(screen->text, text) != NULL;
}

bool screen_wait_end(struct screen *screen)
{
    int64_t until = time_monotonic_ms() + BOUND_MS;
    while (time_monotonic_ms() < until) {
        pump(screen, 20);
        if (waitpid(screen->pid, &screen->status, WNOHANG) == screen->pid) {
            screen->pid = 0;
            return true;
        }
    }
    return false;
}
