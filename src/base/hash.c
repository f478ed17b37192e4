/* SPDX-License-Identifier: ISC */
/* SHA-256, HMAC, random bytes and ULIDs, with libcrypto. */
#include "berth/base/hash.h"

#include <errno.h>
#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/random.h>

#define SHA256_SIZE 32

static void to_hex(const unsigned char digest[SHA256_SIZE], char hex[HASH_HEX_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < SHA256_SIZE; i++) {
        hex[2 * i] = digits[digest[i] >> 4];
        hex[2 * i + 1] = digits[digest[i] & 15];
    }
    hex[HASH_HEX_SIZE - 1] = '\0';
}

void hash_sha256(const void *bytes, size_t count, char hex[HASH_HEX_SIZE])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    BUG_ON(!EVP_Digest(count ? bytes : "", count, digest, NULL, EVP_sha256(), NULL));
    to_hex(digest, hex);
}

void hash_hmac(const void *key, size_t key_count, const void *bytes, size_t count, char hex[HASH_HEX_SIZE])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    BUG_ON(key_count > INT_MAX);
    BUG_ON(!HMAC(EVP_sha256(), key_count ? key : "", (int)key_count, count ? bytes : (const void *)"", count, digest,
                 NULL));
    to_hex(digest, hex);
}

void random_bytes(void *bytes, size_t count)
{
    for (size_t done = 0; done < count;) {
        ssize_t got = getrandom((char *)bytes + done, count - done, 0);
        BUG_ON(got < 0 && errno != EINTR);
        if (got > 0)
            done += (size_t)got;
    }
}

void id_new(char id[ID_SIZE], int64_t now_ms)
{
    static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"; /* Crockford's: no I, L, O, U */
    unsigned char random[10];
    random_bytes(random, sizeof random);
    uint64_t time = now_ms < 0 ? 0 : (uint64_t)now_ms;
    for (int i = 9; i >= 0; i--, time >>= 5)
        id[i] = digits[time & 31];
    for (size_t half = 0; half < 2; half++) { /* twice five bytes are eight digits */
        uint64_t bits = 0;
        for (size_t i = 0; i < 5; i++)
            bits = bits << 8 | random[5 * half + i];
        for (size_t i = 0; i < 8; i++, bits >>= 5)
            id[10 + 8 * half + 7 - i] = digits[bits & 31];
    }
    id[ID_SIZE - 1] = '\0';
}
