/* SPDX-License-Identifier: ISC */
/*
 * The Nth call of a kind fails, for every N: first a whole story (deploy, gate, apply, destroy) is played with nothing failing, and the calls are
 * counted over all processes; then it is played once for each of them, with that one failing. Whatever fails, the run reaches an end or says what it
 * waits for, and a person who tries again gets there. Which kind: the program's first argument.
 */
#include "faults/cases.h"
#include "faults/story.h"

#include "berth/base/file.h"
#include "berth/base/time.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_IN_CI 90

#define STORIES 3 /* of one case, at most */

struct kind {
    const char *point;
    const size_t *chosen; /* which N of case i; NULL: only count */
    size_t calls;         /* of the story without a failing one */
};

static size_t count_of(struct world *world, const char *point)
{
    struct str text = STR_INIT;
    char *path = path_printf("%s/faults/%s.count", world->folder, point);
    size_t count = file_read(path, 64, &text, NULL) ? (size_t)strtoull(text.data, NULL, 10) : 0;
    free(path);
    str_release(&text);
    return count;
}

/* A whole story in which call n fails; 0: none. True when there was such a call. `calls`: those of this story. */
static bool play_story(const char *point, size_t n, size_t *calls, struct str *trouble)
{
    struct world world;
    char fault[64];
    world_open(&world, &(struct world_spec){.executor = WORLD_EXEC});
    snprintf(fault, sizeof fault, "%s:%zu=fail", point, n);
    world.fault = fault;
    world_start(&world);
    if (story_deploy(&world, trouble))
        story_destroy(&world, trouble);
    story_check(&world, trouble);
    *calls = count_of(&world, point);
    bool fired = world_fired(&world, point);
    world_close(&world);
    return fired;
}

/* A story that ended before its Nth call (how many there are differs: who waits looks again and again) is played again with the call at the same
 * place of a story of that length. */
static void play(size_t index, void *context, struct str *trouble, struct str *note)
{
    struct kind *kind = context;
    size_t n = kind->chosen ? kind->chosen[index] : 0, calls = 0;
    int64_t began = time_monotonic_ms();
    bool fired = play_story(kind->point, n, &calls, trouble);
    for (int story = 1; n > 0 && !fired && story < STORIES; story++) {
        n = 1 + (n - 1) * calls / kind->calls;
        fired = play_story(kind->point, n, &calls, trouble);
    }
    if (!kind->chosen)
        str_addf(note, "%zu", calls);
    else if (fired)
        str_addf(note, "%lld", (long long)(time_monotonic_ms() - began));
}

static size_t count_calls(const char *point)
{
    struct kind kind = {.point = point};
    struct case_result *results = cases_play(1, play, &kind);
    size_t calls = (size_t)strtoull(results[0].note.data, NULL, 10);
    cases_tell(1, &results[0], "the story without a failing %s", point);
    cases_free(results, 1);
    return calls;
}

static void play_all(const char *point, size_t calls)
{
    size_t *chosen = mem_zero(calls + 1, sizeof *chosen), tried = 0, failed = 0;
    struct kind kind = {.point = point, .chosen = chosen, .calls = calls};
    size_t count = cases_choose(calls, MOST_IN_CI, chosen);
    struct case_result *results = cases_play(count, play, &kind);
    for (size_t i = 0; i < count; i++) {
        tried += results[i].note.length > 0;
        if (getenv("BERTH_SLOW"))
            printf("# %zu: %s ms\n", chosen[i], results[i].note.data);
        if (results[i].trouble.length == 0)
            continue;
        failed++;
        printf("# %s number %zu: %s\n", point, chosen[i], results[i].trouble.data);
    }
    printf("%s 2 - the Nth %s fails: %zu tried of %zu\n",
           failed > 0 || calls == 0 || tried * 10 < count * 9 ? "not ok" : "ok", point, tried, calls);
    cases_free(results, count);
    free(chosen);
}

int main(int argc, char **argv)
{
    const char *point = argc > 1 ? argv[1] : "provider.call";
    play_all(point, count_calls(point));
    printf("1..2\n");
    return 0;
}
