/* SPDX-License-Identifier: ISC */
/* The schema files as they are in the source tree, compiled into the program. */
#ifndef BERTH_CONFIG_EMBEDDED_H
#define BERTH_CONFIG_EMBEDDED_H

#include <stddef.h>

struct embedded_file {
    const char *name; /* "src/config/schema/berth.yaml" */
    const char *text;
    size_t size;
};
const struct embedded_file *embedded_files(size_t *count);
/* NULL when there is none. */
const struct embedded_file *embedded_named(const char *name);

#endif
