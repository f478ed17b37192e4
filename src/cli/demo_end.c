/* SPDX-License-Identifier: ISC */
/* The end of a demo: its berthd, the services that its environments started, its folder. Only what a demo has marked is touched. */
#include "cli/demo.h"

#include "cli/dispatch.h"
#include "cli/output.h"

#include "berth/base/file.h"
#include "berth/base/text.h"

#include <stdlib.h>
#include <unistd.h>

#define MARK ".berth-demo"
#define STORES "state/berth"

bool demo_mark(const char *folder, struct error *error)
{
    char *path = path_join(folder, MARK);
    bool done = file_replace(path, "", 0, 0600, FILE_RELAXED, error);

    free(path);
    return done;
}

static bool is_marked(const char *folder)
{
    char *path = path_join(folder, MARK);
    bool there = file_exists(path);

    free(path);
    return there;
}

/* Each folder below `folder`, by `visit`; one that is not there has none. */
static bool each_folder(struct cli *cli, const char *folder,
                        bool (*visit)(struct cli *cli, const char *folder, const char *service, struct error *error),
                        const char *service, struct error *error)
{
    struct folder_list list = {0};
    bool done = !folder_exists(folder) || folder_list(folder, &list, error);

    for (size_t i = 0; i < list.count && done; i++)
        done = visit(cli, arena_printf(&cli->arena, "%s/%s", folder, list.names[i]), service, error);
    folder_list_free(&list);
    return done;
}

/* "…/environments/SLUG": its server is what the demo's script started there. */
static bool end_service(struct cli *cli, const char *environment, const char *service, struct error *error)
{
    const char *const argv[] = {service, "stop", arena_printf(&cli->arena, "%s/server", environment), NULL};

    return demo_run(argv, "/", -1, -1, error);
}

static bool end_store(struct cli *cli, const char *store, const char *service, struct error *error)
{
    return each_folder(cli, arena_printf(&cli->arena, "%s/environments", store), end_service, service, error);
}

bool demo_end(struct cli *cli, const char *folder, const char *service, struct error *error)
{
    char stop[] = "stop";
    char *argv[] = {stop, NULL};
    const char *repository = arena_printf(&cli->arena, "%s/shop", folder);

    if (!is_marked(folder)) {
        error_set(error, ERROR_USAGE, "%s is no demo's folder", folder);
        return error_hint(error, "berth demo --end ends those in $TMPDIR");
    }
    setenv("XDG_STATE_HOME", arena_printf(&cli->arena, "%s/state", folder), 1);
    if (folder_exists(repository) && run_words(repository, 1, argv) != 0)
        return error_set(error, ERROR_CONFLICT, "the demo's berthd does not end; its folder %s is kept", folder);
    return each_folder(cli, arena_printf(&cli->arena, "%s/" STORES, folder), end_store, service, error) &&
           folder_remove(folder, error);
}

bool demo_end_all(struct cli *cli, const char *folder, const char *below, const char *service, struct error *error)
{
    struct folder_list list = {0};
    bool done = true;
    size_t ended = 0;

    if (!text_empty(folder)) {
        char *canonical = path_canonical(folder, error);

        done = canonical != NULL && demo_end(cli, canonical, service, error);
        free(canonical);
        return done && printf("the demo in %s is gone\n", shown(cli, folder)) > 0;
    }
    done = folder_list(below, &list, error);
    for (size_t i = 0; i < list.count && done; i++) {
        const char *path = arena_printf(&cli->arena, "%s/%s", below, list.names[i]);

        if (!text_starts(list.names[i], DEMO_PREFIX) || !is_marked(path) || access(path, W_OK) != 0)
            continue;
        done = demo_end(cli, path, service, error);
        if (done)
            printf("the demo in %s is gone\n", shown(cli, path));
        ended++;
    }
    folder_list_free(&list);
    if (done && ended == 0)
        printf("there is no demo in %s\n", shown(cli, below));
    return done;
}
