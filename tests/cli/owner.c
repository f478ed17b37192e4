/* SPDX-License-Identifier: ISC */
/* The workspace and the store's owner for tests of the command line. */
#include "owner.h"

#include "berth/cli.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define WORDS_MOST 16

static void put_policy(struct owner *owner, const char *text)
{
    const struct policy_row policy = {.id = "berth.yaml",
                                      .repository = "app",
                                      .ref = "main",
                                      .commit = "0123456789abcdef",
                                      .path = "berth.yaml",
                                      .text = text,
                                      .loaded_at = 1};

    owner_put(owner, &policy_type, &policy);
}

void owner_start(struct owner *owner, const char *berth_yaml)
{
    char *git, *file, *lock;
    struct error error;

    *owner = (struct owner){.out = STR_INIT, .error = STR_INIT, .terminal_fd = -1};
    snprintf(owner->folder, sizeof owner->folder, "/tmp/berth-cli-XXXXXX");
    assert_non_null(mkdtemp(owner->folder));
    snprintf(owner->repository, sizeof owner->repository, "%s/repo", owner->folder);
    setenv("XDG_STATE_HOME", owner->folder, 1);
    git = path_join(owner->repository, ".git");
    assert_true(folder_make(git, 0700, &error));
    file = path_join(owner->repository, "berth.yaml");
    assert_true(file_replace(file, berth_yaml, strlen(berth_yaml), 0600, FILE_RELAXED, &error));
    owner->store_folder = store_folder_for(owner->repository, "shop", &error);
    assert_non_null(owner->store_folder);
    owner->store = store_open(owner->store_folder, STORE_OWNER, &error);
    if (owner->store == NULL)
        fail_msg("%s: %s", error.message, error.detail);
    lock = path_join(owner->store_folder, "berthd.lock");
    assert_true(file_lock(&owner->lock, lock, LOCK_TRY, &error));
    put_policy(owner, berth_yaml);
    owner_put(owner, &repository_type,
              &(struct repository){.id = "app", .provider = "git", .complete = true, .listed = true});
    free(git);
    free(file);
    free(lock);
}

void owner_end(struct owner *owner)
{
    struct error error;

    owner_rest(owner);
    store_close(owner->store);
    file_unlock(&owner->lock);
    free(owner->store_folder);
    assert_true(folder_remove(owner->folder, &error));
    str_release(&owner->out);
    str_release(&owner->error);
}

void owner_put(struct owner *owner, const struct record_type *type, const void *row)
{
    struct error error;

    if (!store_begin(owner->store, STORE_RELAXED, &error) || !store_put(owner->store, type, row, &error) ||
        !store_commit(owner->store, NULL, &error))
        fail_msg("%s: %s", error.message, error.detail);
}

static bool answer_waiting(struct owner *owner, struct store *store)
{
    const struct store_query query = {.type = &command_type, .index = "status", .equal = {"waiting"}};
    struct arena arena = {0};
    struct command *commands;
    size_t count;
    bool done = store_list(store, &query, &arena, &commands, &count, NULL);

    for (size_t i = 0; i < count && done; i++) {
        commands[i].answered_at = 1;
        done = store_begin(store, STORE_DURABLE, NULL) && owner->answer(store, &commands[i]) &&
               store_put(store, &command_type, &commands[i], NULL) && store_commit(store, NULL, NULL);
    }
    arena_release(&arena);
    return done;
}

static void *answer_commands(void *context)
{
    struct owner *owner = context;
    struct store *store = store_open(owner->store_folder, STORE_OWNER, NULL);

    while (store != NULL && !atomic_load(&owner->stop)) {
        struct pollfd bell = {.fd = store_bell(store), .events = POLLIN};

        if (!answer_waiting(owner, store))
            break;
        (void)poll(&bell, 1, 10);
        (void)store_changed(store);
    }
    store_close(store);
    return NULL;
}

void owner_answers(struct owner *owner, bool (*answer)(struct store *store, struct command *command))
{
    owner_rest(owner);
    owner->answer = answer;
    atomic_store(&owner->stop, false);
    assert_int_equal(pthread_create(&owner->thread, NULL, answer_commands, owner), 0);
}

void owner_rest(struct owner *owner)
{
    if (owner->answer == NULL)
        return;
    atomic_store(&owner->stop, true);
    pthread_join(owner->thread, NULL);
    owner->answer = NULL;
}

/* Sends a stream's descriptor to a file; returns the one to put back. */
static int divert(FILE *stream, const char *path)
{
    int fd = fileno(stream), saved, file;

    fflush(stream);
    saved = fcntl(fd, F_DUPFD_CLOEXEC, 10);
    file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(saved >= 0 && file >= 0 && dup2(file, fd) >= 0);
    close(file);
    return saved;
}

static void give_back(FILE *stream, int saved, const char *path, struct str *text)
{
    fflush(stream);
    assert_true(dup2(saved, fileno(stream)) >= 0);
    close(saved);
    str_clear(text);
    assert_true(file_read(path, 1 << 24, text, NULL));
}

int owner_berth(struct owner *owner, const char *words)
{
    char *argv[WORDS_MOST + 3] = {0}, *copy = mem_strdup(words), *save = NULL;
    char program[] = "berth", change[] = "-C";
    char *out = path_join(owner->folder, "out"), *error = path_join(owner->folder, "error");
    int argc = 0, status, saved_out, saved_error;

    argv[argc++] = program;
    argv[argc++] = change;
    argv[argc++] = owner->repository;
    for (char *word = strtok_r(copy, " ", &save); word != NULL && argc < WORDS_MOST + 2;
         word = strtok_r(NULL, " ", &save))
        argv[argc++] = word;
    saved_out = divert(stdout, out);
    saved_error = divert(stderr, error);
    if (owner->terminal_fd >= 0)
        assert_true(dup2(owner->terminal_fd, STDERR_FILENO) >= 0);
    status = cli_main(argc, argv);
    assert_true(fcntl(STDIN_FILENO, F_GETFD) >= 0); /* what it did not open it does not close */
    give_back(stdout, saved_out, out, &owner->out);
    give_back(stderr, saved_error, error, &owner->error);
    free(copy);
    free(out);
    free(error);
    return status;
}
