/* SPDX-License-Identifier: ISC */
/* Feeds texts to the loaders of berth.yaml, templates and berthd.yaml: the first byte says which; what is accepted is also used. */
#include "berth/base/str.h"
#include "berth/config.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use_config(struct config *config)
{
    const struct config_entry *entries[4];

    if (!config)
        return;
    for (size_t i = 0; i < config->repositories.count; i++)
        (void)config_match_branch(config, config->repositories.items[i].name, "feature/x-1", entries, 4);
    (void)config_entry_for_name(config, "review/feature-x");
    for (size_t i = 0; i < config->environment_count; i++) {
        if (!config_entry_named(config, config->environments[i].name))
            abort();
        (void)config_allows_secret(&config->environments[i], "env.TOKEN");
        (void)config_allows_executor(&config->environments[i], "exec");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct problems problems;
    const char *text = (const char *)data + 1;

    if (size < 1)
        return 0;
    problems_init(&problems, &arena);
    if (data[0] == 't') {
        struct template *template = template_load("t.yaml", text, size - 1, &problems);

        if (!template && problems.errors == 0)
            abort();
        template_free(template);
    } else if (data[0] == 'h') {
        host_config_free(host_config_load("berthd.yaml", text, size - 1, &problems));
    } else {
        struct config *config = config_load("berth.yaml", text, size - 1, &problems);

        if (!config && problems.errors == 0)
            abort();
        use_config(config);
        config_free(config);
    }
    problems_release(&problems);
    arena_release(&arena);
    return 0;
}
