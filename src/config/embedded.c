/* SPDX-License-Identifier: ISC */
/* The table of embedded schema files; its rows are made by scripts/embed. */
#include "config/embedded.h"

#include "berth/base/str.h"

static const struct embedded_file files[] = {
#include "config/embedded.inc"
};

const struct embedded_file *embedded_files(size_t *count)
{
    *count = sizeof(files) / sizeof(files[0]);
    return files;
}

const struct embedded_file *embedded_named(const char *name)
{
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        if (text_equal(files[i].name, name))
            return &files[i];
    }
    return NULL;
}
