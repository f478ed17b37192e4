/* SPDX-License-Identifier: ISC */
/* Any bytes as a packed row of some table: what is taken lies inside of what came, and packs to a row that reads the same. */
#include "berth/base/str.h"
#include "berth/model/record.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t count, taken = 0, again = 0;
    const struct record_type *const *types = record_types(&count);
    struct arena arena = {0};
    struct str packed = STR_INIT;
    if (size > 1) {
        const struct record_type *type = types[data[0] % count];
        void *row = arena_alloc(&arena, type->size), *second = arena_alloc(&arena, type->size);
        char *bytes = mem_copy(data + 1, size - 1); /* exactly as long: a read behind it is seen */
        if (record_unpack(type, bytes, size - 1, &arena, row, &taken, NULL)) {
            BUG_ON(taken > size - 1);
            record_pack(type, row, &packed);
            BUG_ON(!record_unpack(type, packed.data, packed.length, &arena, second, &again, NULL) ||
                   again != packed.length || record_compare(type, row, second) != RECORD_SAME);
        }
        vec_free(bytes);
    }
    str_release(&packed);
    arena_release(&arena);
    return 0;
}
