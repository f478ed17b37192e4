/* SPDX-License-Identifier: ISC */
/* The test's side of the library that counts system calls and lets one fail. */
#include "faults/calls.h"

#include "berth/base/file.h"
#include "faults/world.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define LIBRARY TEST_BUILDDIR "/tests/faults/calls_library.so"

const char *const calls_process_names[CALLS_PROCESSES] = {"supervisor", "worker", "observer", "notifier", "berth"};
const char *const calls_kind_names[CALLS_KINDS] = {
    "open",     "read", "write", "sync",       "rename", "link", "mkdir", "unlink",
    "truncate", "lock", "fork",  "descriptor", "watch",  "map",  "poll",
};

static void add_variable(struct world *world, const char *name, const char *value)
{
    size_t at = 0;
    while (at < WORLD_VARIABLES && world->variables[at])
        at++;
    if (at == WORLD_VARIABLES) {
        printf("Bail out! no place for the variable %s\n", name);
        exit(1);
    }
    world->variables[at] = arena_printf(&world->arena, "%s=%s", name, value);
}

struct calls *calls_prepare(struct world *world)
{
    char *path = path_join(world->folder, "calls");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    struct calls *calls = MAP_FAILED;
    if (fd >= 0 && ftruncate(fd, sizeof *calls) == 0)
        calls = mmap(NULL, sizeof *calls, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (calls == MAP_FAILED || !file_exists(LIBRARY)) {
        printf("Bail out! no " LIBRARY "\n");
        exit(1);
    }
    close(fd);
    calls->process = calls->kind = -1;
    add_variable(world, "LD_PRELOAD", LIBRARY);
    add_variable(world, "BERTH_CALLS", path);
    free(path);
    return calls;
}

void calls_enter(const struct world *world)
{
    for (size_t i = 0; i < WORLD_VARIABLES && world->variables[i]; i++) {
        const char *equals = strchr(world->variables[i], '=');
        char *name = path_printf("%.*s", (int)(equals - world->variables[i]), world->variables[i]);
        setenv(name, equals + 1, 1);
        free(name);
    }
}

void calls_leave(void)
{
    static const char *const names[] = {"LD_PRELOAD", "BERTH_CALLS", "BERTH_CALLS_DISK", "BERTH_CALLS_ROOT",
                                        "BERTH_CALLS_BOOT"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unsetenv(names[i]);
}
