/* SPDX-License-Identifier: ISC */
/* The store of secrets env: environment variables of berthd. */
#include "berth/base/text.h"
#include "provider/registry.h"
#include "provider/section.h"

#include <stdlib.h>

static bool name_is_good(const char *name)
{
    size_t length = strlen(name);
    return length > 0 && !(name[0] >= '0' && name[0] <= '9') &&
           strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") == length;
}

static bool take(const char *name, struct str *value, struct error *error)
{
    const char *found = name_is_good(name) ? getenv(name) : NULL;
    if (found && text_valid(found, strlen(found))) {
        str_add(value, found);
        return true;
    }
    if (found)
        return error_set(error, ERROR_CONFIG, "the environment variable %s of berthd is not valid UTF-8", name);
    if (name[0] == '\0') {
        error_set(error, ERROR_CONFIG, "the store 'env' has no value as a whole");
        return error_hint(error, "name a variable: ${{ secret.env.NAME }}");
    }
    if (!name_is_good(name))
        return error_set(error, ERROR_CONFIG, "'%s' cannot be the name of an environment variable", name);
    error_set(error, ERROR_NOT_FOUND, "berthd has no environment variable %s", name);
    return error_hint(error, "export %s, then start berthd again", name);
}

static bool resolve(const struct provider_context *context, const char *key, struct str *value, struct error *error)
{
    struct str name = STR_INIT;
    bool resolved = section_text(context, "prefix", &name, error);
    if (resolved) {
        if (key[0] == '\0')
            str_clear(&name);
        str_add(&name, key);
        resolved = take(name.data, value, error);
    }
    str_release(&name);
    return resolved;
}

static const struct provider_secrets secrets = {
    .resolve = resolve,
};

const struct provider env_provider = {
    .name = "env",
    .secrets = &secrets,
};
