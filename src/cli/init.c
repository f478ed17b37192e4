/* SPDX-License-Identifier: ISC */
/* berth init: a first berth.yaml, a template and the script it runs, that work on the spot. What is there is left alone. */
#include "cli/output.h"

#include "berth/base/file.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define HEAD_LIMIT 4096u

static const char template_text[] =
    "# templates/app.yaml: what an environment is made of. It is read from the commit that is deployed.\n"
    "template: app\n"
    "version: 1\n"
    "description: a first template; replace what scripts/app does by what your application needs\n"
    "resources:\n"
    "  page:\n"
    "    executor: exec\n"
    "    run: [\"./scripts/app\", \"up\", \"${{ env.name }}\"]   # an argument list, never a shell's text\n"
    "    undo: [\"./scripts/app\", \"down\"]                   # what destroy runs, from the commit that was applied\n"
    "    outputs: [page]\n"
    "checks: [ { run: [\"./scripts/app\", \"check\", \"${{ resource.page.outputs.page }}\"], timeout: 1m } ]   # is a deploy well?\n";

static const char script_text[] =
    "#!/bin/sh\n"
    "# up NAME: makes what the environment needs; down: removes it; check PAGE: is it well?\n"
    "# berth gives every environment a folder of its own, and takes outputs as KEY=VALUE lines.\n"
    "set -eu\n"
    "\n"
    "case $1 in\n"
    "up)\n"
    "    page=$BERTH_ENVIRONMENT_FOLDER/page\n"
    "    echo \"hello from $2, commit $BERTH_COMMIT\" >\"$page\"\n"
    "    echo \"page=$page\" >>\"$BERTH_OUTPUTS\"\n"
    "    cat \"$page\"\n"
    "    ;;\n"
    "down) rm -f \"$BERTH_ENVIRONMENT_FOLDER/page\" ;;\n"
    "check) grep -q hello \"$2\" ;;\n"
    "*)\n"
    "    echo \"usage: $0 up NAME | down | check PAGE\" >&2\n"
    "    exit 2\n"
    "    ;;\n"
    "esac\n";

/* The branch that HEAD is on; "" when it is on none or this is a linked work tree. */
static const char *head_branch(struct cli *cli, const char *folder)
{
    char *path = path_join(folder, ".git/HEAD");
    struct str text = STR_INIT;
    const char *branch = "";

    if (file_read(path, HEAD_LIMIT, &text, NULL) && text_starts(text.data, "ref: refs/heads/"))
        branch = arena_strndup(&cli->arena, text.data + strlen("ref: refs/heads/"),
                               strcspn(text.data + strlen("ref: refs/heads/"), "\n"));
    str_release(&text);
    free(path);
    return branch;
}

static bool write_new(struct cli *cli, const char *folder, const char *name, const char *text, mode_t mode,
                      struct error *error)
{
    char *path = path_join(folder, name), *slash, *parent;
    bool done = true;

    if (file_exists(path)) {
        printf("%s is there already: left alone\n", name);
        free(path);
        return true;
    }
    parent = mem_strdup(path);
    slash = strrchr(parent, '/');
    if (slash != NULL)
        *slash = '\0';
    done = folder_make(parent, 0777, error) && file_replace(path, text, strlen(text), mode, FILE_RELAXED, error);
    if (done)
        printf("wrote %s\n", shown(cli, name));
    free(parent);
    free(path);
    return done;
}

bool cli_init(struct cli *cli, int *status, struct error *error)
{
    char *folder = path_canonical(cli->folder, error), *git;
    const char *name, *branch;
    struct str first = STR_INIT;
    bool done;

    (void)status;
    if (folder == NULL)
        return false;
    git = path_join(folder, ".git");
    if (!file_exists(git) && !folder_exists(git)) {
        error_set(error, ERROR_NOT_FOUND, "%s is not the root of a git repository", folder);
        error_hint(error, "go to its root, or make one: git init");
        free(git);
        free(folder);
        return false;
    }
    name = strrchr(folder, '/') + 1;
    branch = head_branch(cli, folder);
    config_first(*name != '\0' ? name : "workspace", branch, &first);
    done = write_new(cli, folder, "berth.yaml", first.data, 0666, error) &&
           write_new(cli, folder, "templates/app.yaml", template_text, 0666, error) &&
           write_new(cli, folder, "scripts/app", script_text, 0777, error);
    if (done)
        printf("\nnext: berth check, then commit on %s (policy is read from there), then berth\n",
               *branch != '\0' ? shown(cli, branch) : "the trusted branch");
    str_release(&first);
    free(git);
    free(folder);
    return done;
}
