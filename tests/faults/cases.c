/* SPDX-License-Identifier: ISC */
/* Stories in processes of their own, several at once. */
#include "faults/cases.h"

#include "berth/base/memory.h"
#include "berth/base/time.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define AT_ONCE 8
#define CASE_LIMIT_MS 100000
#define POLL_MS 5
#define TEXT_LIMIT 65536

/* What a case says: the trouble, a NUL, the note. */
struct running {
    pid_t pid; /* 0: the place is free */
    size_t index;
    int said;
    int64_t since_ms;
};

static bool write_whole(int fd, const struct str *text)
{
    size_t done = 0;
    while (done < text->length) {
        ssize_t wrote = write(fd, text->data + done, text->length - done);
        if (wrote < 0 && errno != EINTR)
            return false;
        done += wrote > 0 ? (size_t)wrote : 0;
    }
    return true;
}

static void start_case(struct running *place, size_t index, case_play *play, void *context)
{
    fflush(stdout);
    place->said = memfd_create("case", MFD_CLOEXEC);
    place->index = index;
    place->since_ms = time_monotonic_ms();
    place->pid = fork();
    if (place->said < 0 || place->pid < 0) {
        printf("Bail out! a case cannot be started: %s\n", strerror(errno));
        exit(1);
    }
    if (place->pid > 0)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* its world then ends with it */
    struct str trouble = STR_INIT, note = STR_INIT;
    play(index, context, &trouble, &note);
    str_add_char(&trouble, '\0');
    str_add_bytes(&trouble, note.data, note.length);
    bool written = write_whole(place->said, &trouble);
    str_release(&trouble);
    str_release(&note);
    fflush(stdout);
    _exit(written ? 0 : 1);
}

static void read_case(const struct running *place, int status, struct case_result *result)
{
    char text[TEXT_LIMIT + 1];
    ssize_t length = pread(place->said, text, TEXT_LIMIT, 0);
    text[length > 0 ? length : 0] = '\0';
    if (WIFSIGNALED(status))
        str_addf(&result->trouble, "it took too long or died (signal %d)", WTERMSIG(status));
    else if (WEXITSTATUS(status) != 0 || length <= 0)
        str_addf(&result->trouble, "it gave up (exit status %d)", WEXITSTATUS(status));
    else
        str_add(&result->trouble, text);
    if (length > 0 && strlen(text) + 1 < (size_t)length)
        str_add(&result->note, text + strlen(text) + 1);
    close(place->said);
}

static bool case_ended(struct running *place, struct case_result *results)
{
    int status;
    if (place->pid == 0)
        return false;
    if (time_monotonic_ms() - place->since_ms > CASE_LIMIT_MS)
        kill(place->pid, SIGKILL);
    if (waitpid(place->pid, &status, WNOHANG) != place->pid)
        return false;
    read_case(place, status, &results[place->index]);
    if (getenv("BERTH_SLOW"))
        fprintf(stderr, "# case %zu: %lld ms%s%s\n", place->index + 1,
                (long long)(time_monotonic_ms() - place->since_ms),
                results[place->index].trouble.length > 0 ? ", " : "", results[place->index].trouble.data);
    place->pid = 0;
    return true;
}

struct case_result *cases_play(size_t count, case_play *play, void *context)
{
    struct case_result *results = mem_zero(count + 1, sizeof *results);
    struct running places[AT_ONCE] = {{.pid = 0}};
    for (size_t i = 0; i < count; i++) {
        str_init(&results[i].trouble);
        str_init(&results[i].note);
    }
    for (size_t next = 0, ended = 0; ended < count;) {
        size_t before = ended;
        for (size_t i = 0; i < AT_ONCE; i++) {
            ended += case_ended(&places[i], results);
            if (places[i].pid == 0 && next < count)
                start_case(&places[i], next++, play, context);
        }
        if (ended == before)
            poll(NULL, 0, POLL_MS);
    }
    return results;
}

void cases_free(struct case_result *results, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        str_release(&results[i].trouble);
        str_release(&results[i].note);
    }
    free(results);
}

bool cases_tell(size_t number, const struct case_result *result, const char *format, ...)
{
    struct str name = STR_INIT;
    va_list arguments;
    bool passed = result->trouble.length == 0, skipped = text_starts(result->note.data, "SKIP ");
    va_start(arguments, format);
    str_addv(&name, format, arguments);
    va_end(arguments);
    printf("%s %zu - %s%s%s\n", passed ? "ok" : "not ok", number, name.data, skipped ? " # " : "",
           skipped ? result->note.data : "");
    if (!passed)
        printf("# %s\n", result->trouble.data);
    if (result->note.length > 0 && !skipped)
        printf("# %s\n", result->note.data);
    fflush(stdout);
    str_release(&name);
    return passed;
}

bool cases_exhaustive(void)
{
    const char *torture = getenv("BERTH_TORTURE");
    return torture && *torture;
}

size_t cases_seed(void)
{
    const char *text = getenv("BERTH_SEED");
    return text ? (size_t)strtoull(text, NULL, 10) : 1;
}

size_t cases_choose(size_t count, size_t most, size_t *chosen)
{
    size_t seed = cases_seed(), taken = 0;
    if (count <= most || cases_exhaustive())
        most = count;
    for (size_t i = 0; i < most; i++)
        chosen[taken++] = (i * count / most + (most < count ? seed % (count / most) : 0)) % count + 1;
    return taken;
}
