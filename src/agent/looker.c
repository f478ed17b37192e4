/* SPDX-License-Identifier: ISC */
/* A looker: forked, heard through a pipe, ended at its deadline. */
#include "agent/looker.h"

#include "agent/protocol.h"
#include "berth/base/memory.h"
#include "berth/base/time.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define READ_CHUNK 4096
#define ANSWER_LIMIT (1u << 20)

static void write_all(int fd, const char *text, size_t count)
{
    while (count > 0) {
        ssize_t wrote = write(fd, text, count);
        if (wrote < 0 && errno != EINTR)
            return;
        text += wrote > 0 ? wrote : 0;
        count -= wrote > 0 ? (size_t)wrote : 0;
    }
}

/* The observer's socket is closed here: its end must be seen even while a looker lives. */
static _Noreturn void look_and_end(const char *resource, looker_call *call, void *context, int fd, pid_t observer)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != observer)
        _exit(1);
    close(CHILD_SOCKET_FD);
    json_t *seen = call(resource, context);
    char *text = seen ? json_dumps(seen, JSON_COMPACT) : NULL;
    if (text)
        write_all(fd, text, strlen(text));
    _exit(0);
}

bool looker_start(struct looker *looker, const char *resource, int64_t until_ms, looker_call *call, void *context,
                  struct error *error)
{
    int ends[2];
    pid_t observer = getpid();
    if (pipe2(ends, O_CLOEXEC) != 0)
        return error_errno(error, ERROR_IO, errno, "cannot make a pipe to look at %s", resource);
    pid_t pid = fork();
    if (pid == 0)
        look_and_end(resource, call, context, ends[1], observer);
    int code = errno;
    close(ends[1]);
    (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
    if (pid < 0) {
        close(ends[0]);
        return error_errno(error, ERROR_IO, code, "cannot start a process to look at %s", resource);
    }
    *looker = (struct looker){.resource = mem_strdup(resource),
                              .pid = pid,
                              .fd = ends[0],
                              .answer = STR_INIT,
                              .began_ms = time_monotonic_ms(),
                              .until_ms = until_ms};
    return true;
}

void looker_read(struct looker *looker)
{
    ssize_t got = 1;
    while (!looker->ended && looker->answer.length <= ANSWER_LIMIT) {
        got = read(looker->fd, str_reserve(&looker->answer, READ_CHUNK), READ_CHUNK);
        if (got > 0)
            str_grew(&looker->answer, (size_t)got);
        else if (got == 0)
            looker->ended = true;
        else if (errno != EINTR)
            return;
    }
    looker->ended = true;
}

json_t *looker_answer(struct looker *looker)
{
    bool late = time_monotonic_ms() >= looker->until_ms;
    if (!looker->ended && !late)
        return NULL;
    json_t *answer = looker->ended ? json_loadb(looker->answer.data, looker->answer.length, 0, NULL) : NULL;
    if (answer)
        return answer;
    return json_pack("{s:s, s:s, s:s, s:s}", "resource", looker->resource, "status", "unknown", "reason",
                     looker->ended ? "the process that looked at it died" : "looking at it did not come back", "ready",
                     "");
}

void looker_release(struct looker *looker)
{
    int status;
    close(looker->fd);
    kill(looker->pid, SIGKILL); /* ours and not reaped: the number is still its own */
    while (waitpid(looker->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    str_release(&looker->answer);
    free(looker->resource);
}
