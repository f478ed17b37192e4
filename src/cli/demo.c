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

static bool play(struct cli *cli, const char *folder, const char *repository, const char *service, struct error *error)
{
    bool done = demo_story(cli, repository, service, error);

    if (done) {
        if (!demo_end(cli, folder, service, error))
            return false;
        printf("\nthe demo did all it should; its folder is removed again\n");
        return true;
    }
    return error_hint(
        error, "its folder is kept: XDG_STATE_HOME=%s/state %s -C %s doctor; to end it: %s demo --end --folder %s",
        folder, own_name(cli), repository, own_name(cli), folder);
}

bool cli_demo(struct cli *cli, int *status, struct error *error)
{
    const char *service = find_service(cli, error), *folder, *repository, *state;
    bool headless =
        json_is_true(json_object_get(cli->call.arguments, "headless")) || !cli->terminal || isatty(STDIN_FILENO) != 1;

    if (service != NULL && json_is_true(json_object_get(cli->call.arguments, "end")))
        return demo_end_all(cli, cli_argument(cli, "folder"), temporary_folder(), service, error);
    folder = service != NULL ? make_folder(cli, error) : NULL;
    if (folder == NULL)
        return false;
    repository = arena_printf(&cli->arena, "%s/shop", folder);
    state = arena_printf(&cli->arena, "%s/state", folder);
    if (!folder_make(repository, 0700, error) || !demo_repository(cli, repository, service, error))
        return false;
    setenv("XDG_STATE_HOME", state, 1);
    printf("the demo's workspace is %s\n", repository);
    if (headless)
        return play(cli, folder, repository, service, error);
    cli->folder = repository;
    if (!cli_dashboard(cli, status, error))
        return false;
    printf("the demo goes on in the background. Again:\n    XDG_STATE_HOME=%s %s -C %s\n"
           "to end it, its services and its folder:\n    %s demo --end --folder %s\n",
           state, own_name(cli), repository, own_name(cli), folder);
    return true;
}
