/* SPDX-License-Identifier: ISC */
/*
 * The Nth system call of a kind fails in a process of a kind, for every N: first a whole story (deploy, gate, apply, destroy, asked for by the real
 * berth, told to a webhook and recorded in git) is played with nothing failing and all calls are counted; then it is played once for each, with that one giving an error that it can really
 * give, or moving half of its bytes. Nobody crashes, who ends with a failure says why, and a person who tries again gets to the end.
 */
#include "faults/calls.h"
#include "faults/cases.h"
#include "faults/receiver.h"
#include "faults/story.h"

#include "berth/base/file.h"
#include "berth/base/time.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_IN_CI 64
#define ASKS 4
#define LOG_LIMIT (16u << 20)

struct choice {
    int process, kind;
    uint32_t number;
};
struct chosen {
    const struct choice *choices; /* NULL: only count */
};

/* --- the story ---------------------------------------------------------------------------------------------------------- */

/* berth does it, or says why not and another one does. False when it never does. */
static bool ask(struct world *world, const char *const *arguments, struct str *trouble)
{
    struct str said = STR_INIT;
    int status = 1;
    for (int tries = 0; status != 0 && tries < ASKS; tries++) {
        str_clear(&said);
        calls_enter(world);
        status = world_berth(world, arguments, &said);
        calls_leave();
        if (status >= 128 || (status != 0 && said.length == 0))
            str_addf(trouble, "berth %s ends with %d and says '%s'; ", arguments[0], status, said.data);
    }
    str_release(&said);
    return status == 0;
}

static const struct run *deploy(struct world *world, struct str *trouble)
{
    const char *arguments[] = {"deploy", STORY_ENVIRONMENT, "--ref", "feature/x", NULL};
    ask(world, arguments, trouble);
    const struct run *run = world_wait_run(world, 1u << RUN_GATE | RUNS_REST);
    if (world_journal(world, "begin up a") > 0)
        str_add(trouble, "something was applied before anybody approved it; ");
    if (run && run->status == RUN_GATE) {
        const char *approve[] = {"approve", run->id, "--digest", run->digest, NULL};
        ask(world, approve, trouble);
    }
    return story_to_end(world, trouble);
}

/* Until the run is one of its own: a berth that failed may or may not have asked. */
static const struct run *destroy(struct world *world, struct str *trouble)
{
    const char *arguments[] = {"destroy", STORY_ENVIRONMENT, "--confirm", STORY_ENVIRONMENT, NULL};
    const struct run *run = NULL;
    for (int tries = 0; tries < ASKS && (!run || run->workflow != WORKFLOW_DESTROY); tries++) {
        ask(world, arguments, trouble);
        run = story_to_end(world, trouble);
    }
    return run;
}

static void play_story(struct world *world, struct str *trouble)
{
    const struct run *run = deploy(world, trouble);
    if (!run || run->status != RUN_DONE) {
        story_trouble(world, trouble, "the deploy did not end well");
        return;
    }
    run = destroy(world, trouble);
    const struct environment *environment = world_environment(world, STORY_ENVIRONMENT);
    if (!run || run->status != RUN_DONE || !environment || environment->status != ENVIRONMENT_DESTROYED)
        story_trouble(world, trouble, "the destroy did not end well");
}

/* --- what must hold ------------------------------------------------------------------------------------------------------- */

static bool count_retry(const void *row, void *context)
{
    *(size_t *)context += text_equal(((const struct command *)row)->verb, "retry");
    return true;
}

/* A tool that ran although its step failed runs again when somebody asks for it, and only then. */
static void check_tools(struct world *world, struct str *trouble)
{
    static const char *const lines[] = {"end up a", "end up b", "end up c", "end down a", "end down b", "end down c"};
    struct store_query commands = {.type = &command_type};
    size_t retries = 0, again = 0;
    if (!store_each(world->store, &commands, count_retry, &retries, NULL))
        str_add(trouble, "the commands cannot be read; ");
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        size_t times = world_journal(world, lines[i]);
        again += times > 1 ? times - 1 : 0;
        if (times == 0)
            str_addf(trouble, "\"%s\" never; ", lines[i]);
    }
    if (again > retries)
        str_addf(trouble, "%zu tools ran again, and only %zu times somebody asked for it; ", again, retries);
}

/* --- what was told ---------------------------------------------------------------------------------------------------------- */

struct told {
    const struct receiver *receiver;
    size_t rows, waiting, given_up, lost, records;
    struct str errors; /* of those that were given up */
};

static bool look_at_delivery(const void *row, void *context)
{
    const struct delivery *delivery = row;
    struct told *told = context;
    bool record = text_equal(delivery->event, DELIVERY_RECORD);
    told->rows++;
    told->records += record;
    told->waiting += delivery->status == DELIVERY_WAITING;
    told->given_up += delivery->status == DELIVERY_GIVEN_UP;
    told->lost += delivery->status == DELIVERY_DONE && text_equal(delivery->provider, "webhook") &&
                  receiver_count(told->receiver, delivery->id) == 0;
    if (delivery->status == DELIVERY_GIVEN_UP)
        str_addf(&told->errors, "%s: %s; ", delivery->event, delivery->error);
    return true;
}

static bool all_told(struct world *world, void *context)
{
    struct told *told = context;
    struct store_query query = {.type = &delivery_type};
    const struct receiver *receiver = told->receiver;
    str_release(&told->errors);
    *told = (struct told){.receiver = receiver, .errors = STR_INIT};
    return store_each(world->store, &query, look_at_delivery, told, NULL) && told->waiting == 0;
}

/* A lock of git that could not be removed stays, as one of a git that died: the delivery waits and says so, and a person removes it. */
static void remove_lock(const struct calls *calls)
{
    const char *ending = strrchr(calls->about, '.');
    if (atomic_load(&calls->fired) && calls->kind == CALLS_UNLINK && ending && text_equal(ending, ".lock"))
        (void)remove(calls->about);
}

/* Whatever failed on this side is tried again: what was promised to be told has been told, and git has the record of each run. */
static void check_told(struct world *world, const struct receiver *receiver, struct str *trouble)
{
    struct told told = {.receiver = receiver, .errors = STR_INIT};
    const char *verify[] = {"audit", "verify", NULL};
    struct str said = STR_INIT;
    if (!world_wait(world, all_told, &told))
        str_addf(trouble, "%zu of %zu deliveries wait still; ", told.waiting, told.rows);
    if (told.given_up > 0 || told.lost > 0 || told.records < 2)
        str_addf(trouble, "of %zu deliveries %zu were given up (%s), %zu are done and did not come, %zu are records; ",
                 told.rows, told.given_up, told.errors.data, told.lost, told.records);
    if (world_berth(world, verify, &said) != 0)
        str_addf(trouble, "audit verify: %s; ", said.data);
    str_release(&said);
    str_release(&told.errors);
}

/* berthd that ended with a failure said so where a person finds it. */
static void check_words(struct world *world, struct calls *calls, struct str *trouble)
{
    struct str said = STR_INIT;
    char *log = path_join(world->store_folder, "berthd.log"), *other = path_join(world->folder, "said");
    bool read = file_read(log, LOG_LIMIT, &said, NULL);
    read = file_read(other, LOG_LIMIT, &said, NULL) || read;
    if (atomic_load(&calls->exits[CALLS_SUPERVISOR]) > 0 && (!read || !strstr(said.data, "error")))
        str_addf(trouble, "berthd ended with a failure and said nothing; ");
    free(log);
    free(other);
    str_release(&said);
}

/* libuv ends a process that gets no pipe for its signals at its very start; the next one is started. Nobody can ask it not to. */
static bool is_of_libuv(const struct calls *calls, const struct str *frames)
{
    const char *after = strstr(frames->data, "(abort+");
    const char *line = after ? strchr(after, '\n') : NULL;
    return line && calls->kind == CALLS_DESCRIPTOR && strncmp(line + 1, "/", 1) == 0 &&
           memmem(line + 1, strcspn(line + 1, "("), "libuv.so", 8);
}

static void check_crash(struct world *world, const struct calls *calls, struct str *trouble)
{
    struct str frames = STR_INIT;
    char *path = path_join(world->folder, "calls.crash");
    bool told =
        atomic_load(&calls->crashed) == 0 || (file_read(path, LOG_LIMIT, &frames, NULL) && is_of_libuv(calls, &frames));
    if (!told)
        str_addf(trouble, "a process died of signal %u: %s", atomic_load(&calls->crashed), frames.data);
    free(path);
    str_release(&frames);
}

static void tell_failure(const struct calls *calls, struct str *out)
{
    str_addf(out, "%s %s %u", calls_process_names[calls->process], calls_kind_names[calls->kind], calls->number);
    if (atomic_load(&calls->fired))
        str_addf(out, " of '%s' gave %s", calls->about,
                 calls->errno_given > 0 ? strerrorname_np(calls->errno_given) : "half");
}

static void count_all(struct calls *calls, struct str *note)
{
    for (size_t i = 0; i < CALLS_PROCESSES * (size_t)CALLS_KINDS; i++)
        str_addf(note, "%u ", atomic_load(&calls->counts[i / CALLS_KINDS][i % CALLS_KINDS]));
}

static void play(size_t index, void *context, struct str *trouble, struct str *note)
{
    const struct chosen *chosen = context;
    struct world world;
    struct receiver receiver;
    int64_t began = time_monotonic_ms();
    receiver_start(&receiver);
    char *notify = path_printf("notify:\n  - { provider: webhook, url: \"http://127.0.0.1:%d/\" }\n"
                               "  - { provider: git, repository: app, ref: refs/heads/berth/audit }\n",
                               receiver.port);
    world_open(&world, &(struct world_spec){.executor = WORLD_EXEC, .policy_more = notify});
    free(notify);
    struct calls *calls = calls_prepare(&world);
    if (chosen->choices) {
        calls->process = chosen->choices[index].process;
        calls->kind = chosen->choices[index].kind;
        calls->outcome = calls->number = chosen->choices[index].number;
    }
    world_start(&world);
    play_story(&world, trouble);
    if (world_breaches(&world, trouble) > 0)
        str_add(trouble, "; ");
    check_tools(&world, trouble);
    remove_lock(calls);
    check_told(&world, &receiver, trouble);
    check_words(&world, calls, trouble);
    check_crash(&world, calls, trouble);
    if (!chosen->choices) {
        count_all(calls, note);
    } else {
        str_addf(note, "%s ", atomic_load(&calls->fired) ? "fired" : "not reached");
        tell_failure(calls, note);
        str_addf(note, ", %lld ms", (long long)(time_monotonic_ms() - began));
    }
    if (trouble->length > 0 && getenv("BERTH_SLOW")) {
        struct str kept = STR_INIT;
        str_addf(&kept, "cp -r %s /tmp/kept", world.folder);
        world_command_line("/", (const char *const[]){"sh", "-c", kept.data, NULL});
        str_release(&kept);
    }
    world_close(&world);
    receiver_stop(&receiver);
}

/* --- the choice ----------------------------------------------------------------------------------------------------------- */

struct wish { /* the program's arguments: a process, a kind, a number or two with a dash; less names more */
    const char *process, *kind, *number;
};
typedef VEC(struct choice) choice_list;

static bool is_wished(const struct wish *wish, int process, int kind)
{
    return (!wish->process || text_equal(wish->process, calls_process_names[process])) &&
           (!wish->kind || text_equal(wish->kind, calls_kind_names[kind]));
}

/* In CI each kind of call of each kind of process has its share: more for those that are made often, but not as many times more. */
static size_t share_of(size_t count, double roots)
{
    size_t share = (size_t)(MOST_IN_CI * sqrt((double)count) / roots);
    return cases_exhaustive() ? count : share > 0 ? share : 1;
}

/* "7", "7-40". */
static size_t choose_named(const char *range, size_t count, size_t *numbers)
{
    char *end;
    size_t first = (size_t)strtoul(range, &end, 10), last = *end == '-' ? (size_t)strtoul(end + 1, NULL, 10) : first;
    size_t chosen = 0;
    for (size_t number = first > 0 ? first : 1; number <= last && chosen < count; number++)
        numbers[chosen++] = number;
    return chosen;
}

static void choose_of(const struct wish *wish, int at, size_t count, size_t share, choice_list *list)
{
    size_t *numbers = mem_zero(count + 1, sizeof *numbers);
    size_t chosen = wish->number ? choose_named(wish->number, count, numbers)
                                 : cases_choose(count, wish->process ? count : share, numbers);
    for (size_t i = 0; i < chosen; i++) {
        struct choice choice = {at / CALLS_KINDS, at % CALLS_KINDS, (uint32_t)numbers[i]};
        vec_push(list, choice);
    }
    free(numbers);
}

static size_t choose(const struct wish *wish, const char *text, choice_list *list)
{
    size_t counts[CALLS_PROCESSES * CALLS_KINDS] = {0}, total = 0;
    double roots = 0;
    for (int at = 0; at < CALLS_PROCESSES * CALLS_KINDS; at++) {
        char *end;
        size_t count = strtoul(text, &end, 10);
        text = end;
        counts[at] = is_wished(wish, at / CALLS_KINDS, at % CALLS_KINDS) ? count : 0;
        total += counts[at];
        roots += sqrt((double)counts[at]);
    }
    for (int at = 0; at < CALLS_PROCESSES * CALLS_KINDS; at++)
        if (counts[at] > 0)
            choose_of(wish, at, counts[at], share_of(counts[at], roots), list);
    return total;
}

static void play_chosen(const choice_list *list, size_t total)
{
    size_t tried = 0, failed = 0;
    struct chosen chosen = {.choices = list->items};
    struct case_result *results = cases_play(list->count, play, &chosen);
    for (size_t i = 0; i < list->count; i++) {
        tried += strncmp(results[i].note.data, "fired", 5) == 0;
        if (results[i].trouble.length > 0 || getenv("BERTH_SLOW"))
            printf("# %s: %s\n", results[i].note.data, results[i].trouble.data);
        failed += results[i].trouble.length > 0;
    }
    printf("%s 2 - the Nth system call fails: %zu tried of %zu\n",
           failed > 0 || total == 0 || tried * 10 < list->count * 9 ? "not ok" : "ok", tried, total);
    cases_free(results, list->count);
}

int main(int argc, char **argv)
{
    struct wish wish = {argc > 1 ? argv[1] : NULL, argc > 2 ? argv[2] : NULL, argc > 3 ? argv[3] : NULL};
    struct chosen none = {.choices = NULL};
    choice_list list = {0};
    struct case_result *results = cases_play(1, play, &none);
    size_t total = choose(&wish, results[0].note.data, &list);
    str_clear(&results[0].note);
    cases_tell(1, &results[0], "the story with all its system calls counted");
    cases_free(results, 1);
    play_chosen(&list, total);
    vec_release(&list);
    printf("1..2\n");
    return 0;
}
