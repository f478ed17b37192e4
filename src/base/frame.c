/* SPDX-License-Identifier: ISC */
/* Frames over stream sockets and pipes. */
#include "berth/base/frame.h"

#include "berth/base/file.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD_SIZE 5 /* length and kind */

static void put_head(unsigned char head[HEAD_SIZE], uint8_t kind, size_t count)
{
    uint32_t length = (uint32_t)count + 1;
    for (size_t i = 0; i < 4; i++)
        head[i] = (unsigned char)(length >> (8 * i));
    head[4] = kind;
}

/* The length of what follows it, or 0 when it is not one. */
static uint32_t get_length(const char *bytes)
{
    const unsigned char *at = (const unsigned char *)bytes;
    uint32_t length = at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
    return length <= FRAME_LIMIT ? length : 0;
}

void frame_add(struct str *out, uint8_t kind, const void *payload, size_t count)
{
    BUG_ON(count >= FRAME_LIMIT);
    unsigned char head[HEAD_SIZE];
    put_head(head, kind, count);
    str_add_bytes(out, head, HEAD_SIZE);
    str_add_bytes(out, payload, count);
}

enum frame_result frame_next(const struct str *in, uint8_t *kind, const char **payload, size_t *count, size_t *size)
{
    if (in->length < 4)
        return FRAME_MORE;
    uint32_t length = get_length(in->data);
    if (!length)
        return FRAME_BAD;
    if (in->length - 4 < length)
        return FRAME_MORE;
    *kind = (uint8_t)in->data[4];
    *payload = in->data + HEAD_SIZE;
    *count = length - 1;
    *size = length + 4;
    return FRAME_READY;
}

/* write, but on a socket whose other side is gone an error instead of SIGPIPE. */
static bool put_all(int fd, const void *bytes, size_t count, struct error *error)
{
    for (size_t done = 0; done < count;) {
        ssize_t put = send(fd, (const char *)bytes + done, count - done, MSG_NOSIGNAL);
        if (put < 0 && errno == ENOTSOCK)
            return file_write_all(fd, (const char *)bytes + done, count - done, error);
        if (put < 0 && errno != EINTR) {
            bool gone = errno == EPIPE || errno == ECONNRESET;
            return error_errno(error, gone ? ERROR_UNREACHABLE : ERROR_IO, errno, "cannot send a message");
        }
        if (put > 0)
            done += (size_t)put;
    }
    return true;
}

bool frame_send(int fd, uint8_t kind, const void *payload, size_t count, struct error *error)
{
    if (count >= FRAME_LIMIT)
        return error_set(error, ERROR_LIMIT, "a message of %zu bytes is longer than %u", count, FRAME_LIMIT - 1);
    struct str frame = STR_INIT;
    frame_add(&frame, kind, payload, count);
    bool sent = put_all(fd, frame.data, frame.length, error);
    str_release(&frame);
    return sent;
}

static bool get_all(int fd, char *bytes, size_t count, struct error *error)
{
    for (size_t done = 0; done < count;) {
        ssize_t got = read(fd, bytes + done, count - done);
        if (got == 0)
            return error_set(error, ERROR_UNREACHABLE, "the other side closed the connection");
        if (got < 0 && errno != EINTR) {
            bool gone = errno == ECONNRESET;
            return error_errno(error, gone ? ERROR_UNREACHABLE : ERROR_IO, errno, "cannot receive a message");
        }
        if (got > 0)
            done += (size_t)got;
    }
    return true;
}

bool frame_receive(int fd, uint8_t *kind, struct str *payload, struct error *error)
{
    char head[HEAD_SIZE];
    str_clear(payload);
    if (!get_all(fd, head, HEAD_SIZE, error))
        return false;
    uint32_t length = get_length(head);
    if (!length)
        return error_set(error, ERROR_LIMIT, "a message is empty or longer than %u bytes", FRAME_LIMIT - 1);
    /* In pieces: a length alone, from a side that then sends nothing, takes no memory. */
    for (size_t left = length - 1; left > 0;) {
        size_t piece = left < 65536 ? left : 65536;
        if (!get_all(fd, str_reserve(payload, piece), piece, error))
            return false;
        str_grew(payload, piece);
        left -= piece;
    }
    *kind = (uint8_t)head[4];
    return true;
}
