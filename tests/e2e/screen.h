/* SPDX-License-Identifier: ISC */
/*
 * A real program on a real pseudo terminal, libvterm playing the terminal. Steps wait for a condition of the screen, with a bound; nothing sleeps.
 */
#ifndef TESTS_E2E_SCREEN_H
#define TESTS_E2E_SCREEN_H

#include <stdbool.h>
#include <sys/types.h>
#include <vterm.h>

struct screen {
    pid_t pid; /* 0: ended */
    int fd, rows, columns, status;
    VTerm *terminal;
    VTermScreen *cells;
    char *text; /* the whole screen, a line a row; of the last look */
};
/* Starts argv in `folder` with this process's environment. */
void screen_start(struct screen *screen, int rows, int columns, const char *folder, char *const argv[]);
void screen_stop(struct screen *screen);
/* Sends bytes as they are. */
void screen_type(struct screen *screen, const char *keys);
void screen_resize(struct screen *screen, int rows, int columns);
/* Until the screen holds the text (or does not any more); false after the bound, with the screen printed. */
bool screen_wait(struct screen *screen, const char *text);
bool screen_wait_gone(struct screen *screen, const char *text);
bool screen_has(struct screen *screen, const char *text);
/* Until the program has ended; its status as of waitpid. */
bool screen_wait_end(struct screen *screen);

#endif
