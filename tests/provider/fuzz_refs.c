/* SPDX-License-Identifier: ISC */
/* Any bytes as git's packed-refs: each branch comes once, named by bytes of the file, with a commit of hexadecimal digits or none. */
#include "provider/git/refs.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool visit(const struct ref *ref, void *owner)
{
    size_t *count = owner;
    BUG_ON(strlen(ref->commit) != strspn(ref->commit, "0123456789abcdef") || strlen(ref->commit) >= HEX_SIZE);
    BUG_ON(ref->name[0] == '\0' || strchr(ref->name, '\n') != NULL);
    (*count)++;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct refs refs = {0};
    size_t count = 0;
    str_init(&refs.packed);
    str_add_bytes(&refs.packed, data, size);
    BUG_ON(!refs_each(&refs, visit, &count));
    BUG_ON(count > size / HEX_SIZE);
    refs_release(&refs);
    return 0;
}
