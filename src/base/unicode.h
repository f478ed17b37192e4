/* SPDX-License-Identifier: ISC */
/* Characters of UTF-8, for the files of base that look at text. */
#ifndef BERTH_SRC_BASE_UNICODE_H
#define BERTH_SRC_BASE_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The character at the front and its length in bytes; 0 when the bytes are no UTF-8 (overlong, surrogate, cut) or none are left. */
size_t unicode_decode(const char *bytes, size_t count, int32_t *c);
/* A control or format character, or a line or paragraph separator: it steers whoever shows the text. */
bool unicode_steers(int32_t c);

#endif
