/* SPDX-License-Identifier: ISC */
/* Looks providers up by their names. */
#include "provider/registry.h"

#define PROVIDER_ADDRESS(name) &name##_provider,
static const struct provider *const registered[] = {PROVIDERS(PROVIDER_ADDRESS)};

const struct provider *const *providers(size_t *count)
{
    *count = sizeof registered / sizeof *registered;
    return registered;
}

const struct provider *provider_named(const char *name)
{
    for (size_t i = 0; i < sizeof registered / sizeof *registered; i++)
        if (text_equal(registered[i]->name, name))
            return registered[i];
    return NULL;
}
