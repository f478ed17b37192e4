/* SPDX-License-Identifier: ISC */
/*
 * Bytes that are kept but may hold secrets: sealed with AES-256-GCM by a key made from the one given (the workspace's). A sealed text begins with a mark of its
 * form and a nonce of its own; a changed byte, another workspace or another `about` does not open it.
 */
#ifndef BERTH_BASE_SEAL_H
#define BERTH_BASE_SEAL_H

#include "berth/base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct str;

#define SEAL_KEY_BYTES 32

/* Appends the sealed bytes. */
bool seal(const unsigned char key[SEAL_KEY_BYTES], const char *about, const void *bytes, size_t count, struct str *out,
          struct error *error) BERTH_MUST_CHECK;
/* Appends what was sealed; nothing when it does not open (ERROR_CORRUPT). */
bool unseal(const unsigned char key[SEAL_KEY_BYTES], const char *about, const void *bytes, size_t count,
            struct str *out, struct error *error) BERTH_MUST_CHECK;
/* Overwrites what was secret; the compiler does not leave it out. */
void bytes_wipe(void *bytes, size_t count);

#endif
