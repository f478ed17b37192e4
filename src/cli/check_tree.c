/* SPDX-License-Identifier: ISC */
/* What berth check sees in the work tree besides the files' own text: programs that templates run, files that are named otherwise, the trusted ref. */
#include "cli/check_tree.h"

#include "berth/base/file.h"
#include "berth/base/process.h"
#include "berth/base/str.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct looking {
    struct cli *cli;
    const char *folder; /* of the tree */
    const struct template *template;
    struct problems *problems;
};

static void look_at_program(const struct node *word, const char *folder, void *context)
{
    const struct looking *looking = context;
    const char *below =
        arena_printf(&looking->cli->arena, "%s%s%s", folder, *folder != '\0' ? "/" : "", word->text + strlen("./"));
    const char *path = arena_printf(&looking->cli->arena, "%s/%s", looking->folder, below);
    struct stat status;

    if (stat(path, &status) != 0)
        problem_add(looking->problems, PROBLEM_ERROR, looking->template->file, word->line, word->column,
                    "add it to the repository, or correct the path", "expected a program, found no file %s", below);
    else if (!S_ISREG(status.st_mode))
        problem_add(looking->problems, PROBLEM_ERROR, looking->template->file, word->line, word->column, "",
                    "expected a program, and %s is no file", below);
    else if (!(status.st_mode & S_IXUSR)) /* git keeps this bit and no other */
        problem_add(looking->problems, PROBLEM_ERROR, looking->template->file, word->line, word->column,
                    arena_printf(&looking->cli->arena, "git add --chmod=+x %s", below),
                    "expected a program, and %s is not executable", below);
}

void check_programs(struct cli *cli, const char *folder, const struct template *template, struct problems *problems)
{
    struct looking looking = {cli, folder, template, problems};

    template_programs(template, look_at_program, &looking);
}

/* True when git says so, or cannot be asked. */
static bool git_knows(const char *folder, const char *ref)
{
    const char *const argv[] = {"git", "-C", folder, "rev-parse", "--quiet", "--verify", "--end-of-options", ref, NULL};
    struct process_spec spec = {.argv = argv, .input_fd = -1, .output_fd = -1, .error_fd = -1};
    struct process process = {.pid_fd = -1};
    int status = 0;

    if (!process_start(&spec, &process, NULL))
        return true;
    if (!process_wait(&process, &status, NULL))
        status = 0;
    process_release(&process);
    return status == 0;
}

static bool is_repository(const char *folder)
{
    char *path = path_join(folder, ".git");
    bool there = folder_exists(path) || file_exists(path);

    free(path);
    return there;
}

void check_trusted_ref(struct cli *cli, const char *folder, const struct config *config, struct problems *problems)
{
    const struct node *trusted = node_get(config->root, "trusted"), *ref = node_get(trusted, "ref");
    const struct config_section *section = config_section_named(&config->repositories, config->trusted_repository);
    const struct node *url = section != NULL ? node_get(section->node, "url") : NULL;
    struct arena *arena = &cli->arena;

    if (ref == NULL || !text_equal(url != NULL ? url->text : ".", ".") || !is_repository(folder))
        return;
    if (git_knows(folder, arena_printf(arena, "refs/heads/%s", ref->text)) ||
        git_knows(folder, arena_printf(arena, "refs/tags/%s", ref->text)) ||
        (text_starts(ref->text, "refs/") && git_knows(folder, ref->text)))
        return;
    problem_add(problems, git_knows(folder, "HEAD") ? PROBLEM_ERROR : PROBLEM_WARNING, config->file, ref->line,
                ref->column, "policy is read from there and nowhere else: make it, or name the one that is meant",
                "trusted: expected a branch of this repository, found \"%s\", which it does not have", ref->text);
}

void check_other_name(struct cli *cli, const char *file, const char *name, struct problems *problems)
{
    size_t length = strlen(name) - strlen(".yml");

    problem_add(problems, PROBLEM_WARNING, file, 1, 1,
                arena_printf(&cli->arena, "git mv templates/%s templates/%.*s.yaml", name, (int)length, name),
                "this file is not read: a template is looked for as templates/%.*s.yaml", (int)length, name);
}
