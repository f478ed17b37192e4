/* SPDX-License-Identifier: ISC */
/* berth log: the logs of a run's steps, in the order of the steps, followed with -f until the run has ended. */
#include "cli/output.h"

#include "berth/base/text.h"
#include "berth/store_log.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

#define LOOK_AGAIN_MS 1000

struct place { /* how far a step's log was printed */
    const char *step;
    int64_t offset;
};
struct reader {
    struct cli *cli;
    const char *run, *only; /* only: a step's id, or NULL */
    VEC(struct place) places;
    const char *last; /* step whose text was printed last */
    bool at_line_start;
};

static struct place *place_of(struct reader *reader, const char *step)
{
    struct place place;

    for (size_t i = 0; i < reader->places.count; i++) {
        if (text_equal(reader->places.items[i].step, step))
            return &reader->places.items[i];
    }
    place = (struct place){.step = arena_strdup(&reader->cli->arena, step)};
    vec_push(&reader->places, place);
    return &reader->places.items[reader->places.count - 1];
}

/* Bytes at the end that begin a character whose rest has not come yet. */
static size_t unfinished(const struct str *text)
{
    for (size_t back = 1; back <= 3 && back <= text->length; back++) {
        unsigned char byte = (unsigned char)text->data[text->length - back];

        if (byte >= 0xc0)
            return back < (byte >= 0xf0 ? 4u : byte >= 0xe0 ? 3u : 2u) ? back : 0;
        if (byte < 0x80)
            return 0;
    }
    return 0;
}

static void print_chunk(struct reader *reader, const struct place *place, const struct str *bytes)
{
    struct cli *cli = reader->cli;
    struct str text = STR_INIT;

    if (bytes->length == 0)
        return;
    text_visible(&text, bytes->data, bytes->length, TEXT_LINES);
    if (cli->call.json) {
        json_t *object =
            json_pack("{s:s, s:I, s:s}", "step", place->step, "offset", (json_int_t)place->offset, "text", text.data);

        json_dumpf(object, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
        putchar('\n');
        json_decref(object);
    } else {
        if (reader->only == NULL && !text_equal(reader->last, place->step)) {
            if (!reader->at_line_start)
                putchar('\n');
            print_styled(cli, STYLE_MUTED, arena_printf(&cli->arena, "== %s ==\n", shown(cli, place->step)));
        }
        fwrite(text.data, 1, text.length, stdout);
        reader->at_line_start = text_ends(text.data, "\n");
    }
    reader->last = place->step;
    fflush(stdout);
    str_release(&text);
}

/* Prints what came since the last time. At the end an unfinished character is printed as the bytes it is. */
static bool print_step(struct reader *reader, const char *step, bool ended, struct error *error)
{
    struct place *place = place_of(reader, step);

    for (;;) {
        struct str bytes = STR_INIT;
        size_t kept;

        if (!run_log_read(reader->cli->store_folder, reader->run, step, place->offset, RUN_LOG_READ_LIMIT, &bytes,
                          error)) {
            str_release(&bytes);
            return false;
        }
        kept = ended && bytes.length <= 3 ? 0 : unfinished(&bytes);
        str_cut(&bytes, bytes.length - kept);
        print_chunk(reader, place, &bytes);
        place->offset += (int64_t)bytes.length;
        if (bytes.length == 0) {
            str_release(&bytes);
            return true;
        }
        str_release(&bytes);
    }
}

/* One look at everything; `*ended` when the run writes no more. */
static bool print_new(struct reader *reader, bool *ended, struct error *error)
{
    struct cli *cli = reader->cli;
    struct run run;
    struct step *steps;
    size_t count;

    if (!session_need_run(cli, reader->run, NULL, &run, error) ||
        !session_list(cli, &step_type, "run", reader->run, false, 0, &steps, &count, error))
        return false;
    steps_sort(steps, count);
    *ended = run_ended((enum run_status)run.status);
    for (size_t i = 0; i < count; i++) {
        if (reader->only == NULL || text_equal(reader->only, steps[i].id)) {
            if (!print_step(reader, steps[i].id, *ended || step_ended((enum step_status)steps[i].status), error))
                return false;
        }
    }
    return true;
}

/* "17.server" is a step's address where no phase is named: the last step that has it. */
static bool find_step(struct cli *cli, const char *run, const char *wanted, const char **id, struct error *error)
{
    struct step *steps;
    size_t count;

    if (!session_list(cli, &step_type, "run", run, false, 0, &steps, &count, error))
        return false;
    steps_sort(steps, count);
    *id = NULL;
    for (size_t i = 0; i < count; i++) {
        if (text_equal(steps[i].id, wanted)) {
            *id = steps[i].id;
            return true;
        }
        if (text_equal(steps[i].address, wanted + strlen(run) + 1))
            *id = steps[i].id;
    }
    if (*id != NULL)
        return true;
    error_set(error, ERROR_USAGE, "there is no step %s", wanted);
    return error_hint(error, "berth runs %s lists its steps", run);
}

static bool follow(struct reader *reader, struct error *error)
{
    int watch = run_log_watch(reader->cli->store_folder, reader->run);
    bool ended = false, done = true;

    if (!text_empty(daemon_absent(reader->cli))) /* it may wait for long */
        fprintf(stderr, "berth: %s; start one: berth envs\n", daemon_absent(reader->cli));
    while (!ended && done) {
        struct pollfd events[] = {{.fd = watch, .events = POLLIN},
                                  {.fd = store_bell(reader->cli->store), .events = POLLIN}};

        (void)poll(events, 2, LOOK_AGAIN_MS);
        if (watch >= 0)
            run_log_woken(watch);
        else
            watch = run_log_watch(reader->cli->store_folder, reader->run);
        (void)store_changed(reader->cli->store);
        done = print_new(reader, &ended, error);
    }
    if (watch >= 0)
        close(watch);
    return done;
}

bool log_print_step(struct cli *cli, const char *run, const char *step, int64_t *offset, bool ended,
                    struct error *error)
{
    struct reader reader = {.cli = cli, .run = run, .only = step, .at_line_start = true};
    bool done;

    place_of(&reader, step)->offset = *offset;
    done = print_step(&reader, step, ended, error);
    *offset = place_of(&reader, step)->offset;
    vec_release(&reader.places);
    return done;
}

bool cli_log(struct cli *cli, int *status, struct error *error)
{
    const char *subject = cli->call.subject, *dot = strchr(subject, '.');
    struct reader reader = {.cli = cli, .at_line_start = true};
    bool ended = false, done;

    (void)status;
    if (!session_open(cli, STORE_READER, SESSION_AS_IT_IS, error))
        return false;
    reader.run = dot == NULL ? subject : arena_strndup(&cli->arena, subject, (size_t)(dot - subject));
    if (dot != NULL && !find_step(cli, reader.run, subject, &reader.only, error))
        return false;
    done = print_new(&reader, &ended, error);
    if (done && !ended && json_is_true(json_object_get(cli->call.arguments, "follow")))
        done = follow(&reader, error);
    vec_release(&reader.places);
    return done;
}
