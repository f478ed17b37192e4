/* SPDX-License-Identifier: ISC */
/* What the benchmarks share. */
#include "measure.h"

#include "berth/base/file.h"
#include "berth/base/time.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void samples_add(struct samples *samples, int64_t us)
{
    vec_push(samples, us);
}

static int by_value(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

void samples_sort(struct samples *samples)
{
    if (samples->count > 1)
        qsort(samples->items, samples->count, sizeof *samples->items, by_value);
}

double samples_ms(const struct samples *samples, int percent)
{
    if (samples->count == 0)
        return 0;
    size_t at = samples->count * (size_t)percent / 100;
    return (double)samples->items[at < samples->count ? at : samples->count - 1] / 1e3;
}

void samples_release(struct samples *samples)
{
    vec_release(samples);
}

char *measure_folder(void)
{
    const char *base = getenv("BENCH_FOLDER");
    char *folder = path_printf("%s/bench-XXXXXX", base && base[0] ? base : ".");
    BUG_ON(!mkdtemp(folder));
    return folder;
}

void measure_remove(char *folder)
{
    bool removed = folder_remove(folder, NULL);
    BUG_ON(!removed);
    free(folder);
}

void measure_sync(const char *folder, size_t count, struct samples *samples)
{
    static const char page[4096];
    char *path = path_join(folder, "sync");
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    BUG_ON(fd < 0);
    for (size_t i = 0; i < count; i++) {
        int64_t start = time_monotonic_us();
        bool written = write(fd, page, sizeof page) == (ssize_t)sizeof page && fdatasync(fd) == 0;
        BUG_ON(!written);
        samples_add(samples, time_monotonic_us() - start);
    }
    close(fd);
    unlink(path);
    free(path);
}

void require(bool done, const struct error *error)
{
    if (done)
        return;
    char line[2400];
    fprintf(stderr, "bench: %s\n", error_line(error, line, sizeof line));
    exit(1);
}
