/* SPDX-License-Identifier: ISC */
/*
 * An operator's own terraform commands, by the real programs: what is printed and the exit status, the gate of what changes the state, ^C, and what is left when the worker or berthd is
 * killed in the middle of one.
 */
#include "faults/cases.h"
#include "faults/story.h"

#include "berth/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define STATE_LIMIT ((size_t)1 << 20)
#define ENVIRONMENT STORY_ENVIRONMENT
#define SECRET "never-to-be-printed-4711"

/* The tool as it is, but that a `state` command waits until the file `go` is there or somebody writes to the pipe, once `hold` is there. */
static const char tool_text[] = "#!/bin/sh\n"
                                "if [ \"$1\" = state ] && [ -e '%s/hold' ]; then\n"
                                "  echo \"begins $1 $2\"\n"
                                "  echo x >> '%s/begun'\n"
                                "  test -e '%s/go' || read line < '%s/pipe'\n"
                                "fi\n"
                                "exec terraform \"$@\"\n";
static const char module_text[] = "resource \"terraform_data\" \"one\" {\n  input = \"one\"\n}\n"
                                  "resource \"terraform_data\" \"two\" {\n  input = sensitive(\"" SECRET "\")\n}\n"
                                  "output \"open\" {\n  value = terraform_data.one.output\n}\n"
                                  "output \"closed\" {\n  value = terraform_data.two.output\n  sensitive = true\n}\n";

/* --- the world ----------------------------------------------------------------------------------------------------- */

static char *in_folder(struct world *world, const char *name)
{
    return path_join(world->folder, name);
}

static void add_module(struct world *world)
{
    const char *folder = world->folder;
    char *pipe = in_folder(world, "pipe"), *tool = in_folder(world, "tool");
    char *text = path_printf(tool_text, folder, folder, folder, folder);
    char *template = path_printf("template: shop\nversion: 2\nresources:\n"
                                 "  infra: { executor: terraform, dir: infra, tool: { path: '%s' } }\n",
                                 tool);
    char *module = path_join(world->repository, "infra");
    if (mkfifo(pipe, 0600) != 0)
        printf("# %s: %s\n", pipe, strerror(errno));
    (void)!file_replace(tool, text, strlen(text), 0700, FILE_RELAXED, NULL);
    world_git(world, "checkout", "-q", "feature/x");
    (void)!folder_make(module, 0755, NULL);
    world_write(world, "infra/main.tf", module_text, false);
    world_git(world, "add", "infra", NULL);
    world_git(world, "commit", "-q", "-mmodule");
    world_git(world, "checkout", "-q", "main");
    world_push(world, template);
    free(module);
    free(template);
    free(text);
    free(tool);
    free(pipe);
}

static void mark(struct world *world, const char *name)
{
    char *path = in_folder(world, name);
    (void)!file_replace(path, "", 0, 0600, FILE_RELAXED, NULL);
    free(path);
}

/* How many commands came to where they wait. */
static size_t begun(struct world *world)
{
    struct str text = STR_INIT;
    char *path = in_folder(world, "begun");
    size_t count = file_read(path, STATE_LIMIT, &text, NULL) ? text.length / 2 : 0;
    str_release(&text);
    free(path);
    return count;
}

static bool one_has_begun(struct world *world, void *context)
{
    (void)context;
    return begun(world) > 0;
}

static void let_go(struct world *world)
{
    char *pipe = in_folder(world, "pipe");
    mark(world, "go");
    int fd = open(pipe, O_WRONLY | O_NONBLOCK | O_CLOEXEC); /* ENXIO: nobody waits any more */
    if (fd >= 0) {
        (void)!write(fd, "go\n", 3);
        close(fd);
    }
    free(pipe);
}

static bool state_has(struct world *world, const char *name)
{
    struct str text = STR_INIT;
    const struct environment *environment = world_environment(world, ENVIRONMENT);
    char *path = path_printf("%s/terraform/%s/infra/terraform.tfstate", world->store_folder, environment->id);
    char *quoted = path_printf("\"name\": \"%s\"", name);
    bool has = file_read(path, STATE_LIMIT, &text, NULL) && strstr(text.data, quoted);
    str_release(&text);
    free(quoted);
    free(path);
    return has;
}

/* --- what is said -------------------------------------------------------------------------------------------------- */

/* berth exec with these words (`berth exec ENV -- terraform` stands before them), against its exit status and a part of what it prints. */
static void expect(struct world *world, struct str *trouble, const char *const *words, int status, const char *says)
{
    const char *argv[16] = {"exec", ENVIRONMENT, "--", "terraform"};
    struct str printed = STR_INIT;
    size_t count = 4;
    for (; *words && count < 15; words++)
        argv[count++] = *words;
    int ended = world_berth(world, argv, &printed);
    if (ended != status || (says && !strstr(printed.data, says)))
        str_addf(trouble, "%s %s: exit %d and \"%s\", not %d and \"%s\"; ", argv[4], argv[5] ? argv[5] : "", ended,
                 printed.data, status, says ? says : "");
    if (strstr(printed.data, SECRET))
        str_addf(trouble, "%s prints what is sensitive; ", argv[4]);
    str_release(&printed);
}
#define EXPECT(status, says, ...) expect(world, trouble, (const char *const[]){__VA_ARGS__, NULL}, status, says)

static void reads(struct world *world, struct str *trouble)
{
    EXPECT(0, "terraform_data.one\nterraform_data.two\n", "state", "list");
    EXPECT(1, "No instance found", "state", "show", "terraform_data.none");
    EXPECT(0, "closed = <sensitive>\nopen = \"one\"\n", "output");
    EXPECT(0, "one", "output", "open");
    EXPECT(1, "the output 'closed' of 'infra' is sensitive: it is printed nowhere", "output", "closed");
    EXPECT(1, "is sensitive", "output", "-raw", "closed");
    EXPECT(0, "\"sensitive\": true", "output", "-json");
    EXPECT(0, "terraform_data.one", "show", "-json");
    EXPECT(0, "terraform_data", "state", "pull");
    EXPECT(0, "No changes", "plan", "-detailed-exitcode");
    EXPECT(2, "berth deploy plans it", "apply");
    EXPECT(2, "berth unlock", "force-unlock", "x");
    world_breaches(world, trouble);
}

/* A command that changes the state, up to its gate; NULL with trouble. */
static const struct run *to_gate(struct world *world, struct str *trouble)
{
    EXPECT(3, "waits for an approval", "state", "rm", "terraform_data.one");
    const struct run *run = world_wait_run(world, 1u << RUN_GATE | RUNS_REST);
    if (run && run->status == RUN_GATE && run->workflow == WORKFLOW_EXEC)
        return run;
    story_trouble(world, trouble, "the command does not wait at its gate");
    return NULL;
}

static void changes(struct world *world, struct str *trouble)
{
    struct str printed = STR_INIT;
    const struct run *run = to_gate(world, trouble);
    if (!run)
        return;
    if (!state_has(world, "one"))
        str_add(trouble, "the state changed before it was approved; ");
    story_approve(world, run);
    run = world_wait_run(world, RUNS_REST);
    if (!run || run->status != RUN_DONE || state_has(world, "one") || !state_has(world, "two"))
        story_trouble(world, trouble, "it was not removed from the state");
    (void)world_berth(world, (const char *const[]){"log", run ? run->id : "", NULL}, &printed);
    if (!strstr(printed.data, "Removed terraform_data.one"))
        str_addf(trouble, "the log does not tell: %s; ", printed.data);
    if (world_environment(world, ENVIRONMENT)->status != ENVIRONMENT_OK)
        str_add(trouble, "the environment is not OK; ");
    world_breaches(world, trouble);
    str_release(&printed);
}

/* --- in the middle ------------------------------------------------------------------------------------------------- */

static bool to_the_middle(struct world *world, struct str *trouble)
{
    const struct run *run = to_gate(world, trouble);
    if (!run)
        return false;
    mark(world, "hold");
    story_approve(world, run);
    if (world_wait(world, one_has_begun, NULL))
        return true;
    story_trouble(world, trouble, "the command did not begin");
    return false;
}

static void kills_worker(struct world *world, struct str *trouble)
{
    if (!to_the_middle(world, trouble))
        return;
    mark(world, "go"); /* for the next attempt, if there were one; this one waits on */
    world_kill_workers(world);
    const struct run *run = world_wait_run(world, RUNS_REST);
    if (!run || run->status != RUN_HELD)
        story_trouble(world, trouble, "it is not held");
    if (world_tools(world, NULL, NULL) != 0)
        str_add(trouble, "its tool lives on; ");
    if (begun(world) != 1 || !state_has(world, "one"))
        str_add(trouble, "it was repeated by itself; ");
    if (world_environment(world, ENVIRONMENT)->lock_run[0])
        str_add(trouble, "it keeps the lock; ");
    if (run)
        world_ask(world, "retry", run->id, "");
    run = world_wait_run(world, RUNS_REST);
    if (!run || run->status != RUN_DONE || begun(world) != 2 || state_has(world, "one"))
        story_trouble(world, trouble, "a person's retry did not run it");
    world_breaches(world, trouble);
}

static void kills_supervisor(struct world *world, struct str *trouble)
{
    if (!to_the_middle(world, trouble))
        return;
    world_kill(world, SIGKILL);
    let_go(world);
    const struct run *run = world_wait_run(world, RUNS_REST);
    if (!run || run->status != RUN_DONE || begun(world) != 1 || state_has(world, "one"))
        story_trouble(world, trouble, "the worker did not finish it");
    world_breaches(world, trouble);
}

static bool no_tool(struct world *world, void *context)
{
    (void)context;
    return world_tools(world, NULL, NULL) == 0;
}

/* ^C in the terminal: the run is cancelled, its tool ends. */
static void interrupts(struct world *world, struct str *trouble)
{
    const char *program = getenv("BERTH") ? getenv("BERTH") : TEST_BUILDDIR "/src/berth";
    const char *const argv[] = {program, "exec", ENVIRONMENT, "--", "terraform", "state", "list", NULL};
    struct process_spec spec = {
        .argv = argv, .folder = world->repository, .input_fd = -1, .output_fd = -1, .error_fd = -1};
    struct process client;
    int status = 0;
    mark(world, "hold");
    if (!process_start(&spec, &client, NULL)) {
        str_add(trouble, "berth does not start; ");
        return;
    }
    if (!world_wait(world, one_has_begun, NULL))
        story_trouble(world, trouble, "the command did not begin");
    process_signal(&client, SIGINT);
    if (!process_wait(&client, &status, NULL) || !WIFEXITED(status) || WEXITSTATUS(status) != 130)
        str_addf(trouble, "berth ended with %d; ", status);
    process_release(&client);
    if (world_last_run(world)->status != RUN_CANCELLED)
        story_trouble(world, trouble, "^C did not cancel the run");
    if (!world_wait(world, no_tool, NULL))
        str_add(trouble, "its tool lives on; ");
    world_breaches(world, trouble);
}

static const struct {
    const char *name;
    void (*play)(struct world *world, struct str *trouble);
} cases[] = {
    {"a command that reads prints what the tool says and ends as it does; nothing sensitive is printed", reads},
    {"a command that changes the state waits for an approval, then runs", changes},
    {"worker killed in a command: it is held, and repeated by a person alone", kills_worker},
    {"berthd killed in a command: the worker finishes it", kills_supervisor},
    {"^C cancels the run", interrupts},
};

static void play(size_t index, void *context, struct str *trouble, struct str *note)
{
    struct world world;
    if (!*(bool *)context) {
        str_add(note, "SKIP there is no terraform on PATH");
        return;
    }
    world_open(&world, &(struct world_spec){.executor = WORLD_EXEC});
    add_module(&world);
    world_start(&world);
    if (story_deploy(&world, trouble))
        cases[index].play(&world, trouble);
    world_close(&world);
}

int main(void)
{
    size_t count = sizeof cases / sizeof cases[0];
    bool there = world_has_terraform();
    struct case_result *results = cases_play(count, play, &there);
    for (size_t i = 0; i < count; i++)
        cases_tell(i + 1, &results[i], "%s", cases[i].name);
    cases_free(results, count);
    printf("1..%zu\n", count);
    return 0;
}
