/* SPDX-License-Identifier: ISC */
/* The workspace's key: hashes of what may hold a secret are made with it, so that they tell nothing to who has not the store. */
#ifndef PROVIDER_KEY_H
#define PROVIDER_KEY_H

#include "berth/base/error.h"

#include <stddef.h>

#define KEY_BYTES 32

/* Reads the file `key` of the store's folder; makes it (0600) when there is none. Two that make it at once agree. */
bool provider_key(const char *store_folder, unsigned char key[KEY_BYTES], struct error *error) BERTH_MUST_CHECK;

#endif
