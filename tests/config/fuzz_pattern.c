/* SPDX-License-Identifier: ISC */
/* Any line as a regular expression and as a glob of branches, the rest as what they are tried on: neither loops, and both say the same twice. */
#include "config/scalar.h"

#include "berth/base/str.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str all = STR_INIT;
    char *rest;
    if (size == 0 || memchr(data, 0, size) != NULL)
        return 0;
    str_add_bytes(&all, data, size);
    rest = strchr(all.data, '\n');
    if (rest != NULL) {
        *rest++ = '\0';
        if (pattern_valid(all.data, NULL))
            BUG_ON(pattern_fits(all.data, rest) != pattern_fits(all.data, rest));
        BUG_ON(text_glob(all.data, rest) != text_glob(all.data, rest));
        BUG_ON(strpbrk(all.data, "*?[]{}\\!") == NULL && text_glob(all.data, all.data) != true);
    }
    str_release(&all);
    return 0;
}
