/* SPDX-License-Identifier: ISC */
/* AES-256-GCM over bytes that are kept, with libcrypto. */
#include "berth/base/seal.h"

#include "berth/base/hash.h"
#include "berth/base/str.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#define MARK "berth sealed 1\n"
#define MARK_BYTES (sizeof(MARK) - 1)
#define NONCE_BYTES 12
#define TAG_BYTES 16
#define PURPOSE "berth artifact"

/* One key for each purpose: what hashes secrets never seals anything. */
static void make_key(const unsigned char key[SEAL_KEY_BYTES], unsigned char out[SEAL_KEY_BYTES])
{
    char hex[HASH_HEX_SIZE];
    hash_hmac(key, SEAL_KEY_BYTES, PURPOSE, strlen(PURPOSE), hex);
    for (size_t i = 0; i < SEAL_KEY_BYTES; i++) {
        unsigned high = (unsigned)(hex[2 * i] <= '9' ? hex[2 * i] - '0' : hex[2 * i] - 'a' + 10);
        unsigned low = (unsigned)(hex[2 * i + 1] <= '9' ? hex[2 * i + 1] - '0' : hex[2 * i + 1] - 'a' + 10);
        out[i] = (unsigned char)(high << 4 | low);
    }
    OPENSSL_cleanse(hex, sizeof hex);
}

/* `at` has room for `count` bytes; the tag is written, or is what must come out. */
static bool run_cipher(const unsigned char key[SEAL_KEY_BYTES], bool sealing, const unsigned char *nonce,
                       const char *about, const void *bytes, size_t count, unsigned char *at, unsigned char *tag)
{
    unsigned char own[SEAL_KEY_BYTES];
    int done = 0;
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    BUG_ON(!cipher);
    make_key(key, own);
    bool good = EVP_CipherInit_ex(cipher, EVP_aes_256_gcm(), NULL, own, nonce, sealing) == 1 &&
                EVP_CipherUpdate(cipher, NULL, &done, (const unsigned char *)about, (int)strlen(about)) == 1 &&
                EVP_CipherUpdate(cipher, at, &done, bytes, (int)count) == 1 && done == (int)count;
    if (good && !sealing)
        good = EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, tag) == 1;
    good = good && EVP_CipherFinal_ex(cipher, at + count, &done) == 1;
    if (good && sealing)
        good = EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, tag) == 1;
    OPENSSL_cleanse(own, sizeof own);
    EVP_CIPHER_CTX_free(cipher);
    return good;
}

bool seal(const unsigned char key[SEAL_KEY_BYTES], const char *about, const void *bytes, size_t count, struct str *out,
          struct error *error)
{
    unsigned char nonce[NONCE_BYTES], tag[TAG_BYTES];
    if (count > INT_MAX - 64)
        return error_set(error, ERROR_LIMIT, "more than %d bytes cannot be sealed", INT_MAX - 64);
    random_bytes(nonce, sizeof nonce);
    str_add_bytes(out, MARK, MARK_BYTES);
    str_add_bytes(out, nonce, sizeof nonce);
    BUG_ON(
        !run_cipher(key, true, nonce, about, bytes, count, (unsigned char *)str_reserve(out, count + TAG_BYTES), tag));
    str_grew(out, count);
    str_add_bytes(out, tag, sizeof tag);
    return true;
}

bool unseal(const unsigned char key[SEAL_KEY_BYTES], const char *about, const void *bytes, size_t count,
            struct str *out, struct error *error)
{
    const unsigned char *sealed = bytes;
    size_t around = MARK_BYTES + NONCE_BYTES + TAG_BYTES;
    unsigned char tag[TAG_BYTES];
    bool opened = count >= around && count <= INT_MAX && memcmp(sealed, MARK, MARK_BYTES) == 0;
    if (opened) {
        unsigned char *at = (unsigned char *)str_reserve(out, count - around + 1);
        memcpy(tag, sealed + count - TAG_BYTES, TAG_BYTES);
        opened = run_cipher(key, false, sealed + MARK_BYTES, about, sealed + MARK_BYTES + NONCE_BYTES, count - around,
                            at, tag);
        if (opened)
            str_grew(out, count - around);
        else
            OPENSSL_cleanse(at, count - around);
    }
    if (opened)
        return true;
    error_set(error, ERROR_CORRUPT, "what was sealed does not open");
    return error_detail(error, "its bytes were changed, or it belongs to something else or to another workspace");
}

void bytes_wipe(void *bytes, size_t count)
{
    OPENSSL_cleanse(bytes, count);
}
