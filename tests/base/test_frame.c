/* SPDX-License-Identifier: ISC */
/* Frames in buffers and over sockets. */
#include "prelude.h"

#include "berth/base/frame.h"

#include <sys/socket.h>
#include <unistd.h>

static void frame__comes_back_whole_from_any_split(void **state)
{
    (void)state;
    struct str out = STR_INIT, in = STR_INIT;
    frame_add(&out, 7, "hello\0world", 11);
    frame_add(&out, 255, NULL, 0);
    uint8_t kind;
    const char *payload;
    size_t count, size, seen = 0;
    for (size_t i = 0; i < out.length; i++) {
        str_add_char(&in, out.data[i]);
        enum frame_result result = frame_next(&in, &kind, &payload, &count, &size);
        assert_int_not_equal(result, FRAME_BAD);
        if (result == FRAME_MORE)
            continue;
        if (seen++ == 0) {
            assert_int_equal(kind, 7);
            assert_int_equal(count, 11);
            assert_memory_equal(payload, "hello\0world", 11);
        } else {
            assert_int_equal(kind, 255);
            assert_int_equal(count, 0);
        }
        str_consume(&in, size);
    }
    assert_int_equal(seen, 2);
    assert_int_equal(in.length, 0);
    str_release(&in);
    str_release(&out);
}

static void frame__of_no_length_or_too_much_is_bad(void **state)
{
    (void)state;
    uint8_t kind;
    const char *payload;
    size_t count, size;
    struct str in = STR_INIT;
    str_add_bytes(&in, "\0\0\0\0", 4);
    assert_int_equal(frame_next(&in, &kind, &payload, &count, &size), FRAME_BAD);
    str_clear(&in);
    str_add_bytes(&in, "\1\0\0\2", 4); /* FRAME_LIMIT + 1 */
    assert_int_equal(frame_next(&in, &kind, &payload, &count, &size), FRAME_BAD);
    str_clear(&in);
    str_add_bytes(&in, "\0\0\0\2", 4);
    assert_int_equal(frame_next(&in, &kind, &payload, &count, &size), FRAME_MORE);
    str_release(&in);
}

static void frame_receive__reads_what_was_sent_and_knows_the_end(void **state)
{
    (void)state;
    int ends[2];
    struct error error = {0};
    struct str payload = STR_INIT;
    uint8_t kind;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    assert_true(frame_send(ends[0], 9, "abc", 3, &error));
    assert_true(frame_receive(ends[1], &kind, &payload, &error));
    assert_int_equal(kind, 9);
    assert_string_equal(payload.data, "abc");
    assert_int_equal(write(ends[0], "\5\0\0\0\1ab", 7), 7); /* a frame cut short by the end of the stream */
    close(ends[0]);
    assert_false(frame_receive(ends[1], &kind, &payload, &error));
    assert_int_equal(error.code, ERROR_UNREACHABLE);
    assert_false(frame_send(ends[1], 1, "x", 1, &error)); /* and no SIGPIPE */
    assert_int_equal(error.code, ERROR_UNREACHABLE);
    close(ends[1]);
    str_release(&payload);
}

static void frame_send__works_on_a_pipe_and_refuses_too_much(void **state)
{
    (void)state;
    int ends[2];
    struct error error = {0};
    struct str payload = STR_INIT;
    uint8_t kind;
    assert_int_equal(pipe(ends), 0);
    assert_true(frame_send(ends[1], 1, "pipe", 4, &error));
    assert_true(frame_receive(ends[0], &kind, &payload, &error));
    assert_string_equal(payload.data, "pipe");
    assert_false(frame_send(ends[1], 1, "", FRAME_LIMIT, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    close(ends[0]);
    close(ends[1]);
    str_release(&payload);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frame__comes_back_whole_from_any_split),
        cmocka_unit_test(frame__of_no_length_or_too_much_is_bad),
        cmocka_unit_test(frame_receive__reads_what_was_sent_and_knows_the_end),
        cmocka_unit_test(frame_send__works_on_a_pipe_and_refuses_too_much),
    };
    return TESTS_RUN(tests);
}
