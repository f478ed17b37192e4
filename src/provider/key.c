/* SPDX-License-Identifier: ISC */
/* Reading and making the workspace's key. */
#include "provider/key.h"

#include "berth/base/file.h"
#include "berth/base/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool read_key(const char *path, unsigned char key[KEY_BYTES], struct error *error)
{
    struct str bytes = STR_INIT;
    bool read = file_read(path, KEY_BYTES, &bytes, error);
    if (read && bytes.length != KEY_BYTES) {
        read = error_set(error, ERROR_CORRUPT, "the workspace's key %s is not %d bytes long", path, KEY_BYTES);
        error_hint(error, "restore it from a copy; without it every resource would seem changed");
    }
    if (read)
        memcpy(key, bytes.data, KEY_BYTES);
    str_release(&bytes);
    return read;
}

/* Under a name of its own first, then linked: whoever comes second finds the first one's. */
static bool make_key(const char *path, struct error *error)
{
    unsigned char key[KEY_BYTES], suffix[8];
    random_bytes(key, sizeof key);
    random_bytes(suffix, sizeof suffix);
    uint64_t number;
    memcpy(&number, suffix, sizeof number);
    char *own = path_printf("%s.%016llx", path, (unsigned long long)number);
    bool made = file_replace(own, key, sizeof key, 0600, FILE_SYNCED, error);
    if (made && link(own, path) != 0 && errno != EEXIST)
        made = error_errno(error, ERROR_IO, errno, "cannot make the workspace's key %s", path);
    made = made && file_sync_name(path, error);
    (void)unlink(own);
    free(own);
    return made;
}

bool provider_key(const char *store_folder, unsigned char key[KEY_BYTES], struct error *error)
{
    char *path = path_join(store_folder, "key");
    struct error first = {0};
    bool got = read_key(path, key, &first);
    if (!got && first.code == ERROR_NOT_FOUND)
        got = make_key(path, error) && read_key(path, key, error);
    else if (!got && error)
        *error = first;
    free(path);
    return got;
}
