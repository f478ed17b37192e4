/* SPDX-License-Identifier: ISC */
/*
 * berthd's last trouble: one small file, `berthd.trouble`, beside the database, because what goes wrong may be the database itself. It says what
 * failed, since when, how often, and when it was over. berthd writes it, `berth doctor` reads it.
 */
#ifndef BERTH_STORE_TROUBLE_H
#define BERTH_STORE_TROUBLE_H

#include "berth/base/error.h"
#include "berth/base/memory.h"

#include <stdint.h>

struct trouble {
    int64_t first_at, last_at, over_at; /* over_at 0: it may be so still */
    int64_t times;                      /* in a row */
    const char *text;                   /* the error in one line */
};

/* Notes that `error` happened at `now_ms`: once more where the trouble before it is not over and says the same. A file that cannot be written is
 * left: the log has it too. */
void trouble_note(const char *folder, const struct error *error, int64_t now_ms);
/* Notes that it works again; nothing where there was no trouble or it was over. */
void trouble_over(const char *folder, int64_t now_ms);
/* The last one, in the arena. False: there was none, or the file is not to be read. */
bool trouble_read(const char *folder, struct arena *arena, struct trouble *trouble);

#endif
