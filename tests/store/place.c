/* SPDX-License-Identifier: ISC */
/* A throwaway folder for a test's store. */
#include "place.h"

#include "berth/base/file.h"
#include "berth/base/memory.h"

#include <stdlib.h>

char *place_make(void)
{
    const char *base = getenv("TMPDIR");
    char *folder = path_printf("%s/berth-store-XXXXXX", base && base[0] ? base : "/tmp");
    BUG_ON(!mkdtemp(folder));
    return folder;
}

void place_remove(char *folder)
{
    bool removed = folder_remove(folder, NULL);
    BUG_ON(!removed);
    free(folder);
}
