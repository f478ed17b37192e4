/* SPDX-License-Identifier: ISC */
/* Three resources of terraform, one after the other. */
#include "faults/chain.h"
#include "faults/story.h"

#include "berth/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ADDRESS "infra//terraform_data."

const char chain_template[] = "template: shop\n"
                              "version: 1\n"
                              "resources:\n"
                              "  infra: { executor: terraform, dir: infra, outputs: [told] }\n";

/* `held` is being made until somebody writes to the pipe, or the file `go` is there; and taken away while the file `stay` is there, until somebody does. */
static const char module_text[] = "resource \"terraform_data\" \"done\" {\n  input = \"one\"\n}\n"
                                  "resource \"terraform_data\" \"held\" {\n"
                                  "  input = terraform_data.done.output\n"
                                  "  provisioner \"local-exec\" {\n"
                                  "    command = \"test -e '%s/go' || read line < '%s/pipe'\"\n"
                                  "  }\n"
                                  "  provisioner \"local-exec\" {\n"
                                  "    when = destroy\n"
                                  "    command = \"test ! -e '%s/stay' || read line < '%s/pipe'\"\n"
                                  "  }\n}\n"
                                  "resource \"terraform_data\" \"last\" {\n  input = terraform_data.held.output\n}\n"
                                  "output \"told\" {\n  value = terraform_data.last.output\n}\n";

void chain_add(struct world *world, const char *backend)
{
    char *pipe = path_join(world->folder, "pipe"), *folder = path_join(world->repository, "infra");
    char *module = path_printf(module_text, world->folder, world->folder, world->folder, world->folder);
    char *text = path_printf("%s%s", backend, module);
    if (mkfifo(pipe, 0600) != 0)
        printf("# %s: %s\n", pipe, strerror(errno));
    world_git(world, "checkout", "-q", "feature/x");
    (void)!folder_make(folder, 0755, NULL);
    world_write(world, "infra/main.tf", text, false);
    world_git(world, "add", "infra", NULL);
    world_git(world, "commit", "-q", "-mmodule");
    world_git(world, "checkout", "-q", "main");
    free(text);
    free(module);
    free(folder);
    free(pipe);
}

const struct resource *chain_part(struct world *world, const char *name)
{
    const struct environment *environment = world_environment(world, STORY_ENVIRONMENT);
    struct resource *row = arena_alloc(&world->arena, sizeof *row);
    const char *id = environment ? arena_printf(&world->arena, "%s/" ADDRESS "%s", environment->id, name) : "";
    return store_get(world->store, &resource_type, id, &world->arena, row, NULL) == STORE_FOUND ? row : NULL;
}

bool chain_is(struct world *world, const char *name, enum resource_status status)
{
    const struct resource *row = chain_part(world, name);
    return row && row->status == (int)status;
}

bool chain_is_in_the_middle(struct world *world, void *context)
{
    (void)context;
    return chain_is(world, "done", RESOURCE_OK) && chain_is(world, "held", RESOURCE_CREATING);
}

void chain_say(struct world *world, const char *name)
{
    char *path = path_join(world->folder, name);
    (void)!file_replace(path, "", 0, 0600, FILE_RELAXED, NULL);
    free(path);
}

void chain_unsay(struct world *world, const char *name)
{
    char *path = path_join(world->folder, name);
    unlink(path);
    free(path);
}

void chain_let_go(struct world *world)
{
    char *pipe = path_join(world->folder, "pipe");
    chain_say(world, "go");
    int fd = open(pipe, O_WRONLY | O_NONBLOCK | O_CLOEXEC); /* ENXIO: nobody waits any more */
    if (fd >= 0) {
        (void)!write(fd, "go\n", 3);
        close(fd);
    }
    free(pipe);
}

static void kill_if_terraform(pid_t pid, void *context)
{
    struct str name = STR_INIT;
    char *path = path_printf("/proc/%d/comm", (int)pid);
    size_t *killed = context;
    if (file_read(path, 100, &name, NULL) && text_starts(name.data, "terraform"))
        *killed += kill(pid, SIGKILL) == 0;
    str_release(&name);
    free(path);
}

size_t chain_kill_tool(struct world *world)
{
    size_t killed = 0;
    world_tools(world, kill_if_terraform, &killed);
    return killed;
}
