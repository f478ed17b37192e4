/* SPDX-License-Identifier: ISC */
/*
 * SHA-256, keyed hashes, random identifiers. Hex is lower case and terminated.
 */
#ifndef BERTH_BASE_HASH_H
#define BERTH_BASE_HASH_H

#include "berth/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HASH_HEX_SIZE 65 /* 64 digits and NUL */
#define ID_SIZE 27       /* 26 characters and NUL */

void hash_sha256(const void *bytes, size_t count, char hex[HASH_HEX_SIZE]);
void hash_hmac(const void *key, size_t key_count, const void *bytes, size_t count, char hex[HASH_HEX_SIZE]);
/* Bytes of the system's random source; aborts when it has none. */
void random_bytes(void *bytes, size_t count);
/* A ULID: 26 characters, sorts by time of making. */
void id_new(char id[ID_SIZE], int64_t now_ms);

#endif
