/* SPDX-License-Identifier: ISC */
/* Any bytes as a stream of frames: what is taken lies inside of what came, and goes out again as the same bytes. */
#include "berth/base/frame.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = STR_INIT, out = STR_INIT;
    uint8_t kind;
    const char *payload;
    size_t count, taken;
    str_add_bytes(&in, data, size);
    while (frame_next(&in, &kind, &payload, &count, &taken) == FRAME_READY) {
        BUG_ON(taken > in.length || payload < in.data || payload + count > in.data + taken);
        str_clear(&out);
        frame_add(&out, kind, payload, count);
        BUG_ON(out.length != taken || memcmp(out.data, in.data, taken) != 0);
        str_consume(&in, taken);
    }
    str_release(&in);
    str_release(&out);
    return 0;
}
