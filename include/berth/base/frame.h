/* SPDX-License-Identifier: ISC */
/*
 * Messages between berthd's processes over a stream socket: frames of a length (u32, little endian, of what follows), a
 * kind (u8, see agent) and a payload. A frame over FRAME_LIMIT or a short one at the end of the stream is an error.
 */
#ifndef BERTH_BASE_FRAME_H
#define BERTH_BASE_FRAME_H

#include "berth/base/str.h"

#include <stdint.h>

#define FRAME_LIMIT (32u << 20)

/* Appends a frame to an output buffer; a payload of FRAME_LIMIT bytes or more is a bug. */
void frame_add(struct str *out, uint8_t kind, const void *payload, size_t count);
enum frame_result { FRAME_READY, FRAME_MORE, FRAME_BAD };
/* Looks at the front of `in`; FRAME_READY: kind and payload (borrowed from `in` until frame_done), size for frame_done. */
enum frame_result frame_next(const struct str *in, uint8_t *kind, const char **payload, size_t *count, size_t *size);
/* Blocking, without SIGPIPE on sockets: writes one frame (too long: ERROR_LIMIT, nobody reads: ERROR_UNREACHABLE); reads one frame into `payload` (cleared first). End of stream: ERROR_UNREACHABLE. */
bool frame_send(int fd, uint8_t kind, const void *payload, size_t count, struct error *error) BERTH_MUST_CHECK;
bool frame_receive(int fd, uint8_t *kind, struct str *payload, struct error *error) BERTH_MUST_CHECK;

#endif
