/* SPDX-License-Identifier: ISC */
/* berthd.yaml: the machine's own file. */
#include "config/check.h"
#include "config/read.h"

#include "berth/base/time.h"

#include <stdlib.h>

static void read_host(struct host_config *host)
{
    const struct node *root = host->root;

    host->store = read_text(root, "store", "");
    host->pools = read_names(&host->arena, root, "pools");
    host->workers = (int)read_int(root, "workers", 0);
    host->linger_ms = read_duration(root, "linger", 30 * MS_SECOND);
    host->poll_ms = read_duration(root, "poll", 60 * MS_SECOND);
    host->hung_after_ms = read_duration(root, "hung_after", 60 * MS_SECOND);
    host->log = read_text(node_get(root, "telemetry"), "log", "text");
}

struct host_config *host_config_load(const char *file, const char *text, size_t length, struct problems *problems)
{
    struct host_config *host = mem_zero(1, sizeof(*host));
    size_t before = problems->errors;
    struct check check;

    arena_init(&host->arena);
    host->root = node_parse(&host->arena, file, text, length, problems);
    if (host->root && host->root->kind != NODE_NULL && problems->errors == before) {
        check = (struct check){.arena = &host->arena,
                               .schema = schema_load(&host->arena, SCHEMA_HOST),
                               .file = file,
                               .root = host->root,
                               .problems = problems};
        check_tree(&check);
    }
    problems_sort(problems);
    if (!host->root || problems->errors > before) {
        host_config_free(host);
        return NULL;
    }
    read_host(host);
    return host;
}

struct host_config *host_config_default(void)
{
    struct host_config *host = mem_zero(1, sizeof(*host));

    arena_init(&host->arena);
    read_host(host);
    return host;
}

void host_config_free(struct host_config *host)
{
    if (!host)
        return;
    arena_release(&host->arena);
    free(host);
}
