/* SPDX-License-Identifier: ISC */
/* The repository of 100,000 branches that benchmarks list: made once by git fast-import, kept in the working directory. */
#include "repository.h"

#include "berth/base/file.h"
#include "berth/base/process.h"
#include "berth/base/time.h"
#include "measure.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const environment[] = {"PATH=/usr/local/bin:/usr/bin:/bin",
                                          "HOME=/nonexistent",
                                          "GIT_CONFIG_GLOBAL=/dev/null",
                                          "GIT_CONFIG_NOSYSTEM=1",
                                          "GIT_AUTHOR_NAME=A",
                                          "GIT_AUTHOR_EMAIL=a@example.org",
                                          "GIT_COMMITTER_NAME=A",
                                          "GIT_COMMITTER_EMAIL=a@example.org",
                                          NULL};

/* Runs git to its end, its input from a descriptor (-1 none), what it says read and counted. */
size_t repository_git(const char *const *argv, int input)
{
    char buffer[65536];
    struct error error = {0};
    struct process process;
    size_t total = 0;
    int ends[2], status = 0;
    if (pipe2(ends, O_CLOEXEC) != 0)
        abort();
    struct process_spec spec = {
        .argv = argv, .environment = environment, .input_fd = input, .output_fd = ends[1], .error_fd = STDERR_FILENO};
    require(process_start(&spec, &process, &error), &error);
    close(ends[1]);
    for (ssize_t got; (got = read(ends[0], buffer, sizeof buffer)) > 0;)
        total += (size_t)got;
    close(ends[0]);
    require(process_wait(&process, &status, &error), &error);
    process_release(&process);
    if (status != 0) {
        fprintf(stderr, "git %s failed\n", argv[3]);
        exit(1);
    }
    return total;
}

/* What berthd reads at the trusted ref. */
static const char policy[] = "version: 1\n"
                             "workspace: " REPOSITORY_WORKSPACE "\n"
                             "trusted: { repository: app, ref: main }\n"
                             "repositories:\n"
                             "  app: { provider: git, url: . }\n"
                             "targets:\n"
                             "  here: { provider: local }\n"
                             "environments:\n"
                             "  - name: \"review/${{ branch.slug }}\"\n"
                             "    tier: review\n"
                             "    source: { branches: [\"feature/**\"] }\n"
                             "    templates: [shop]\n"
                             "    target: here\n"
                             "    deploy_on: [manual]\n";

const char *repository_ref(char name[REPOSITORY_NAME_SIZE], int number)
{
    (void)snprintf(name, REPOSITORY_NAME_SIZE, "refs/heads/feature/team-%d/change-%06llx-%d", number % 40,
                   number * 104729LL % 0xffffff, number);
    return name;
}

static void write_stream(FILE *out)
{
    char name[REPOSITORY_NAME_SIZE];
    fprintf(out,
            "commit refs/heads/main\nmark :1\ncommitter Main <main@example.org> 1600000000 +0000\ndata 5\nfirst\n");
    fprintf(out, "M 100644 inline berth.yaml\ndata %zu\n%s\n", strlen(policy), policy);
    for (int i = 0; i < REPOSITORY_BRANCHES - 1; i++) {
        char message[200];
        int length =
            snprintf(message, sizeof message, "Change the part %d so that it holds\n\nBecause of what %d said.\n",
                     (int)(i * 7919LL % 10007), i);
        fprintf(out, "commit %s\n", repository_ref(name, i));
        fprintf(out, "author Person %d <person%d@example.org> %d +0000\n", i % 500, i % 500, 1650000000 + i);
        fprintf(out, "committer Person %d <person%d@example.org> %d +0000\n", i % 300, i % 300,
                1650000000 + (int)(i * 7919LL % 9999991));
        fprintf(out, "data %d\n%sfrom :1\n\n", length, message);
    }
}

void repository_make(void)
{
    static const char stream[] = "bench-branches.stream";
    const char *const init[] = {"git", "init", "-q", "--bare", REPOSITORY_PATH ".new", NULL};
    const char *const head[] = {"git", "--git-dir", REPOSITORY_PATH ".new", "symbolic-ref", "HEAD", "refs/heads/main",
                                NULL};
    const char *const import[] = {"git", "--git-dir", REPOSITORY_PATH ".new", "fast-import", "--quiet", NULL};
    const char *const pack[] = {"git", "--git-dir", REPOSITORY_PATH ".new", "pack-refs", "--all", NULL};
    struct error error = {0};
    if (folder_exists(REPOSITORY_PATH))
        return;
    require(folder_remove(REPOSITORY_PATH ".new", &error), &error);
    repository_git(init, -1);
    repository_git(head, -1);
    FILE *out = fopen(stream, "we");
    if (!out)
        abort();
    write_stream(out);
    fclose(out);
    int input = open(stream, O_RDONLY | O_CLOEXEC);
    repository_git(import, input);
    close(input);
    unlink(stream);
    repository_git(pack, -1);
    if (rename(REPOSITORY_PATH ".new", REPOSITORY_PATH) != 0)
        abort();
}

void repository_pack(void)
{
    const char *const pack[] = {"git", "--git-dir", REPOSITORY_PATH, "pack-refs", "--all", NULL};
    repository_git(pack, -1);
}

int64_t repository_peer(void)
{
    const char *const peer[] = {
        "git",
        "--git-dir",
        REPOSITORY_PATH,
        "for-each-ref",
        "--sort=-committerdate",
        "--format=%(refname)%00%(objectname)%00%(subject)%00%(authorname)%00%(authoremail)%00%(committerdate:unix)",
        "refs/heads",
        NULL};
    int64_t began_us = time_monotonic_us();
    repository_git(peer, -1);
    return time_monotonic_us() - began_us;
}

int repository_moved(int number)
{
    return 1000 * number + 17;
}

/* One process for all of them, as a fetch would do it. */
void repository_move(int count)
{
    static const char list[] = "bench-branches.moves";
    const char *const argv[] = {"git", "--git-dir", REPOSITORY_PATH, "update-ref", "--stdin", NULL};
    char name[REPOSITORY_NAME_SIZE], other[REPOSITORY_NAME_SIZE];
    FILE *out = fopen(list, "we");
    if (!out)
        abort();
    for (int i = 0; i < count; i++) {
        repository_ref(name, repository_moved(i));
        repository_ref(other, 20000 + (int)((time_now_ms() / 10 + i * 101) % 70000)); /* another than in earlier runs */
        fprintf(out, "update %s %s\n", name, other);
    }
    fclose(out);
    int input = open(list, O_RDONLY | O_CLOEXEC);
    repository_git(argv, input);
    close(input);
    unlink(list);
}
