/* SPDX-License-Identifier: ISC */
/*
 * UTF-8 as data for a terminal: what comes from outside (branch names, subjects, logs, API answers) is made
 * harmless and measured here, and nowhere else.
 */
#ifndef BERTH_BASE_TEXT_H
#define BERTH_BASE_TEXT_H

#include "berth/base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum text_form {
    TEXT_ONE_LINE, /* tabs and line ends too become visible escapes */
    TEXT_LINES,    /* '\n' is kept, '\t' becomes spaces to the next multiple of 8 */
};

/* Appends `bytes` so that no control character survives: C0, DEL, C1, bidi marks and overrides, zero-width and other
 * format characters, private use, unassigned, line and paragraph separators become `\xNN` or `\u{NNNN}`; each bad byte of invalid UTF-8
 * becomes `\xNN`. Emoji (with their joiners and variation selectors) and combining marks stay; more than 8 combining marks on one base are
 * escaped. The result is valid UTF-8. */
void text_visible(struct str *out, const char *bytes, size_t count, enum text_form form);
/* True when the bytes are valid UTF-8 without overlong forms and surrogates. */
bool text_valid(const char *bytes, size_t count);
/* The next grapheme cluster of valid text at `*at`: its bytes and its width in cells (0, 1 or 2). False at the end. */
bool text_next(const char *text, size_t length, size_t *at, size_t *cluster_start, size_t *cluster_length, int *width);
/* Width in cells. */
int text_width(const char *text);
/* Appends at most `width` cells of `text`; when something is cut the last cell is `…` (or `>` with `ascii`). Returns the cells used. */
int text_fit(struct str *out, const char *text, int width, bool ascii);
/* Appends the shell-quoted form of one argument, for showing a command to a person (never for running it). */
void text_shell_quote(struct str *out, const char *argument);
/* JSON string with quotes, fit for a terminal: control and format characters and line separators are escaped, each bad byte of invalid
 * UTF-8 becomes U+FFFD. */
void text_json_quote(struct str *out, const char *text, size_t length);
/* A readable slug: lower case ASCII letters, digits and '-', starting with a letter, at most `max` bytes (at least 12). Where
 * anything was lost (cut, folded or replaced) it ends in '-' and 6 hex digits of the SHA-256 of the whole input, so distinct inputs
 * stay distinct. */
void text_slug(struct str *out, const char *text, size_t max);

#endif
