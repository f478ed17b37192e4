/* SPDX-License-Identifier: ISC */
/* berth demo: makes the workspace and opens the dashboard on it; without a terminal it plays the story and ends it again. */
#include "cli/demo.h"

#include "cli/dispatch.h"
#include "cli/output.h"

#include "berth/base/file.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GRACE "3m"          /* seen, and seen to end, within the first minutes */
#define HEADLESS_GRACE "1s" /* nobody watches */

/* demo-service: beside this program (build tree), else where it is installed. */
static const char *find_service(struct cli *cli, struct error *error)
{
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    const char *installed = BERTH_PKGLIBEXECDIR "/demo-service", *beside = "";

    if (length > 0) {
        char *slash;

        self[length] = '\0';
        slash = strrchr(self, '/');
        if (slash != NULL)
            beside = arena_printf(&cli->arena, "%.*s/demo-service", (int)(slash - self), self);
    }
    if (access(beside, X_OK) == 0)
        return beside;
    if (access(installed, X_OK) == 0)
        return installed;
    error_set(error, ERROR_NOT_FOUND, "the demo's service is neither %s nor %s", beside, installed);
    error_hint(error, "install berth with make install, or build it whole with make");
    return NULL;
}

/* This program as a shell finds it again: by its name where that is enough, else by its place. */
static const char *own_name(struct cli *cli)
{
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);

    if (length <= 0)
        return "berth";
    self[length] = '\0';
    return text_equal(self, BERTH_BINDIR "/berth") ? "berth" : arena_strdup(&cli->arena, self);
}

static const char *temporary_folder(void)
{
    const char *folder = getenv("TMPDIR");

    return text_empty(folder) ? "/tmp" : folder;
}

/* A folder of its own for repository and store, so that nothing else is touched. */
static const char *make_folder(struct cli *cli, struct error *error)
{
    const char *wanted = cli_argument(cli, "folder");
    char *folder, *canonical;
    const char *result;

    if (!text_empty(wanted)) {
        if (folder_exists(wanted) || file_exists(wanted)) {
            error_set(error, ERROR_CONFLICT, "%s is there already", wanted);
            error_hint(error, "name a folder that is not");
            return NULL;
        }
        if (!folder_make(wanted, 0700, error))
            return NULL;
        folder = mem_strdup(wanted);
    } else {
        folder = path_join(temporary_folder(), DEMO_PREFIX "XXXXXX");
        if (mkdtemp(folder) == NULL) {
            error_errno(error, ERROR_IO, errno, "cannot make a folder like %s", folder);
            free(folder);
            return NULL;
        }
    }
    canonical = path_canonical(folder, error);
    result = canonical != NULL && demo_mark(canonical, error) ? arena_strdup(&cli->arena, canonical) : NULL;
    free(canonical);
    free(folder);
    return result;
}

/* True when it is there and works. What it says of its own settings is not of interest. */
static bool answers(const char *tool)
{
    const char *const argv[] = {tool, "version", NULL};
    const struct process_spec spec = {.argv = argv, .folder = "/", .input_fd = -1, .output_fd = -1, .error_fd = -1};
    struct process process;
    int status = -1;
    bool done = process_start(&spec, &process, NULL);

    if (!done)
        return false;
    done = process_wait(&process, &status, NULL);
    process_release(&process);
    return done && status == 0;
}

/* What staging's module is applied with: the first that answers; "" where none does. */
static const char *find_tool(void)
{
    setenv("CHECKPOINT_DISABLE", "1", 0); /* nobody is asked for news of a demo */
    return answers("terraform") ? "terraform" : answers("tofu") ? "tofu" : "";
}

static void say_tool(const struct demo *demo)
{
    if (text_empty(demo->tool))
        printf("neither terraform nor tofu is here: a script stands for staging's platform, the rest is the same\n");
    else
        printf("staging's platform is a Terraform module (builtin resources, nothing is downloaded), applied by %s\n",
               demo->tool);
}

static bool play(const struct demo *demo, struct error *error)
{
    if (demo_story(demo, error)) {
        if (!demo_end(demo->cli, demo->folder, demo->service, error))
            return false;
        printf("\nthe demo did all it should; its folder is removed again\n");
        return true;
    }
    return error_hint(
        error, "its folder is kept: XDG_STATE_HOME=%s/state %s -C %s doctor; to end it: %s demo --end --folder %s",
        demo->folder, demo->program, demo->repository, demo->program, demo->folder);
}

/* The dashboard on environments that live; what it leaves goes on. */
static bool look(const struct demo *demo, int *status, struct error *error)
{
    if (!demo_begin(demo, error))
        return error_hint(error, "to end it: %s demo --end --folder %s", demo->program, demo->folder);
    demo->cli->folder = demo->repository;
    if (!cli_dashboard(demo->cli, status, error))
        return false;
    printf("the demo goes on in the background. Again:\n    XDG_STATE_HOME=%s/state %s -C %s\n"
           "to end it, its services and its folder:\n    %s demo --end --folder %s\n",
           demo->folder, demo->program, demo->repository, demo->program, demo->folder);
    return true;
}

bool cli_demo(struct cli *cli, int *status, struct error *error)
{
    bool headless =
        json_is_true(json_object_get(cli->call.arguments, "headless")) || !cli->terminal || isatty(STDIN_FILENO) != 1;
    struct demo demo = {.cli = cli, .service = find_service(cli, error)};

    if (demo.service != NULL && json_is_true(json_object_get(cli->call.arguments, "end")))
        return demo_end_all(cli, cli_argument(cli, "folder"), temporary_folder(), demo.service, error);
    demo.folder = demo.service != NULL ? make_folder(cli, error) : NULL;
    if (demo.folder == NULL)
        return false;
    demo.repository = arena_printf(&cli->arena, "%s/shop", demo.folder);
    demo.program = own_name(cli);
    demo.tool = find_tool();
    demo.grace = headless ? HEADLESS_GRACE : GRACE;
    if (!folder_make(demo.repository, 0700, error) || !demo_repository(&demo, error))
        return false;
    setenv("XDG_STATE_HOME", arena_printf(&cli->arena, "%s/state", demo.folder), 1);
    printf("the demo's workspace is %s\n", demo.repository);
    say_tool(&demo);
    fflush(stdout);
    return headless ? play(&demo, error) : look(&demo, status, error);
}
