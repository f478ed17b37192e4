/* SPDX-License-Identifier: ISC */
/* How values are written on the screen: statuses as word, symbol and style; instants by the one switch; counts. */
#ifndef UI_FORMAT_H
#define UI_FORMAT_H

#include "berth/model/words.h"
#include "ui/style.h"

#include <stdint.h>

struct environment;
struct run;
struct str;

enum time_form { TIME_AGE, TIME_UTC, TIME_LOCAL, TIME_FORMS };
extern const char *const time_form_names[]; /* "age", "UTC", "local" */

enum sign { SIGN_UNKNOWN, SIGN_OK, SIGN_RUN, SIGN_WAIT, SIGN_WARN, SIGN_FAIL, SIGN_DELETE, SIGN_GONE, SIGN_NONE };
enum style sign_style(enum sign sign);
/* "[OK]" with `ascii`, else one glyph. */
const char *sign_text(enum sign sign, bool ascii);
enum sign environment_sign(const struct environment *environment);
enum sign resource_sign(int status);
enum sign run_sign(int status);
enum sign step_sign(int status);
enum sign action_sign(int plan_action);
/* The word beside the sign; for an environment the mark that matters most replaces a healthy word. */
const char *environment_word(const struct environment *environment);
/* Sign and word: "[OK] OK", "✓ OK". */
void format_status(struct str *out, enum sign sign, const char *word, bool ascii);
/* "failed: step 17.apply.migrate failed", never the status twice. */
void format_run_status(struct str *out, const struct run *run);
/* How much attention it needs: lower comes first in lists. */
int environment_urgency(const struct environment *environment);

/* An instant by the switch: "41m" (age), "14:05:09Z" or "11-20 14:05Z", "15:05:09"; "-" for none. */
void format_time(struct str *out, enum time_form form, int64_t at_ms, int64_t now_ms);
/* "41m ago", "in 3h", and in the other forms the time itself: for sentences. */
void format_when(struct str *out, enum time_form form, int64_t at_ms, int64_t now_ms);

#endif
