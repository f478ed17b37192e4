/* SPDX-License-Identifier: ISC */
/* git pack-objects: its list of tips, its process, its bound, its answer. */
#include "provider/git/pack.h"

#include "berth/base/process.h"
#include "berth/base/text.h"
#include "berth/base/time.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PACK_LIMIT_MS \
    (5 * MS_MINUTE) /* a git that takes longer is ended; nothing is lost, and it is tried again another time */
#define END_MS 5000 /* what git has to clean up after SIGTERM */
#define LOOK_MS 200 /* so often it is looked whether this should end */
#define ANSWER_LIMIT 4096

/* --- tips ---------------------------------------------------------------------------------------------------- */

/* A commit whose parents are not all here is told to git as one that has none. */
static void cut_history(git_repository *mirror, git_odb *objects, const git_oid *id, bool alone, struct pack_tips *tips)
{
    git_object *object = NULL, *commit = NULL;
    char hex[GIT_OID_HEXSZ + 1];
    bool whole = !alone;
    if (git_object_lookup(&object, mirror, id, GIT_OBJECT_ANY) == 0 &&
        git_object_peel(&commit, object, GIT_OBJECT_COMMIT) == 0) {
        for (unsigned i = 0; whole && i < git_commit_parentcount((git_commit *)commit); i++)
            whole = git_odb_exists(objects, git_commit_parent_id((git_commit *)commit, i)) != 0;
        if (!whole)
            str_addf(&tips->cut, "--shallow %s\n", git_oid_tostr(hex, sizeof hex, git_object_id(commit)));
    }
    git_object_free(commit);
    git_object_free(object);
}

static void add_tip(git_repository *mirror, git_odb *objects, const git_oid *id, bool alone, struct pack_tips *tips)
{
    char hex[GIT_OID_HEXSZ + 1];
    git_oid_tostr(hex, sizeof hex, id);
    if (!map_set(&tips->ids, hex, tips))
        cut_history(mirror, objects, id, alone, tips);
}

bool pack_tips_read(git_repository *mirror, const char *const *held, struct pack_tips *tips, struct error *error)
{
    git_reference_iterator *each = NULL;
    git_odb *objects = NULL;
    const char *name;
    git_oid id;
    bool alone = !place_was_fetched(mirror);
    int code = git_repository_odb(&objects, mirror);
    if (code == 0)
        code = git_reference_iterator_new(&each, mirror);
    while (code == 0 && (code = git_reference_next_name(&name, each)) == 0) {
        if (git_reference_name_to_id(&id, mirror, name) != 0)
            continue; /* HEAD of no branch */
        add_tip(mirror, objects, &id, alone, tips);
    }
    for (size_t i = 0; code == GIT_ITEROVER && held && held[i]; i++)
        if (git_oid_fromstr(&id, held[i]) == 0 && git_odb_exists(objects, &id))
            add_tip(mirror, objects, &id, alone, tips);
    git_reference_iterator_free(each);
    git_odb_free(objects);
    return code == GIT_ITEROVER ||
           git_failed(error, ERROR_IO, "cannot read the refs of %s", git_repository_path(mirror));
}

void pack_tips_release(struct pack_tips *tips)
{
    map_release(&tips->ids);
    str_release(&tips->cut);
}

/* --- its input and output: files in memory, so that nobody waits for the other --------------------------------- */

static void add_ids(struct str *out, const struct pack_tips *tips, const char *before, const struct pack_tips *without)
{
    size_t at = 0;
    const char *id;
    void *value;
    while (map_next(&tips->ids, &at, &id, &value))
        if (!without || !map_get(&without->ids, id))
            str_addf(out, "%s%s\n", before, id);
}

static int file_of(const struct str *text)
{
    int fd = memfd_create("berth", MFD_CLOEXEC);
    if (fd >= 0 && (!file_write_all(fd, text->data, text->length, NULL) || lseek(fd, 0, SEEK_SET) != 0)) {
        close(fd);
        return -1;
    }
    return fd;
}

/* The first line of what a file in memory holds. */
static void first_line(int fd, struct str *line)
{
    char text[ANSWER_LIMIT];
    ssize_t got = pread(fd, text, sizeof text - 1, 0);
    text[got > 0 ? got : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    text_visible(line, text, strlen(text), TEXT_ONE_LINE);
}

/* --- the process --------------------------------------------------------------------------------------------- */

/* Its end; 0 with an error when it had to be ended. */
static bool wait_for(const struct provider_context *context, struct process *git, int *status, struct error *error)
{
    int64_t until = time_monotonic_ms() + PACK_LIMIT_MS, end_at = 0;
    struct pollfd ended = {.fd = git->pid_fd, .events = POLLIN};
    while (!process_poll(git, status)) {
        int64_t now = time_monotonic_ms();
        bool late = now >= until || provider_left_ms(context) == 0;
        if (end_at == 0 && (late || provider_stopped(context))) {
            end_at = now + END_MS;
            process_signal(git, SIGTERM);
            error_set(error, late ? ERROR_TIMEOUT : ERROR_CANCELLED, "git was ended: it %s",
                      late ? "took too long" : "is not needed any more");
        } else if (end_at != 0 && now >= end_at) {
            process_signal(git, SIGKILL);
        }
        poll(&ended, 1, LOOK_MS);
    }
    return end_at == 0;
}

/* None of the user's or the machine's settings, no hook, no question. */
static bool start(const char *folder, const int files[3], int held, struct process *git, struct error *error)
{
    const char *path = getenv("PATH");
    char *own_path = path_printf("PATH=%s", text_empty(path) ? "/usr/local/bin:/usr/bin:/bin" : path);
    char *own_folder = path_printf("GIT_DIR=%s", folder);
    const char *const environment[] = {own_path,
                                       own_folder,
                                       "HOME=/nonexistent",
                                       "GIT_CONFIG_NOSYSTEM=1",
                                       "GIT_CONFIG_GLOBAL=/dev/null",
                                       "LC_ALL=C",
                                       "GIT_TERMINAL_PROMPT=0",
                                       "GIT_NO_REPLACE_OBJECTS=1",
                                       NULL};
    const char *const argv[] = {"git",
                                "-c",
                                "core.hooksPath=/dev/null",
                                "-c",
                                "pack.threads=1",
                                "-c",
                                "pack.windowMemory=256m",
                                "pack-objects",
                                "--revs",
                                "--delta-base-offset",
                                "--non-empty",
                                "--quiet",
                                "objects/pack/pack",
                                NULL};
    struct process_spec spec = {.argv = argv,
                                .environment = environment,
                                .folder = folder,
                                .input_fd = files[0],
                                .output_fd = files[1],
                                .error_fd = files[2],
                                .extra_fds = &held,
                                .extra_count = 1,
                                .flags = PROCESS_DIE_WITH_PARENT};
    bool started = process_start(&spec, git, error);
    if (!started && error && error->code == ERROR_NOT_FOUND) {
        error_set(error, ERROR_UNSUPPORTED,
                  "the mirrors are not packed, and what nobody needs stays in them: there is no git here");
        error_hint(error, "install git: berthd needs it for nothing else");
    }
    free(own_path);
    free(own_folder);
    return started;
}

static bool run(const struct provider_context *context, const char *folder, const int files[3], int held,
                struct error *error)
{
    struct process git = {.pid_fd = -1};
    struct str line = STR_INIT;
    int status = -1;
    if (!start(folder, files, held, &git, error))
        return false;
    bool ended = wait_for(context, &git, &status, error);
    process_release(&git);
    if (ended && status != 0) {
        first_line(files[2], &line);
        ended = error_set(error, ERROR_IO, "git cannot pack the mirror %s", folder);
        error_detail(error, "%s", line.data);
        error_hint(error, "git fsck there tells what is damaged; nothing was taken away");
    }
    str_release(&line);
    return ended;
}

bool pack_write(const struct provider_context *context, const char *folder, const struct pack_tips *tips,
                const struct pack_tips *packed, int held, struct str *name, struct error *error)
{
    struct str input = STR_INIT, none = STR_INIT, line = STR_INIT;
    str_add(&input, tips->cut.data);
    if (packed)
        str_add(&input, packed->cut.data);
    add_ids(&input, tips, "", packed);
    if (packed)
        add_ids(&input, packed, "^", NULL);
    int files[3] = {file_of(&input), file_of(&none), file_of(&none)};
    bool written = (files[0] >= 0 && files[1] >= 0 && files[2] >= 0) ||
                   error_errno(error, ERROR_IO, errno, "cannot make the list of what is to be packed");
    written = written && run(context, folder, files, held, error);
    if (written)
        first_line(files[1], &line);
    if (line.length > 0)
        str_addf(name, "pack-%s", line.data);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (files[i] >= 0)
            close(files[i]);
    str_release(&input);
    str_release(&line);
    return written;
}
