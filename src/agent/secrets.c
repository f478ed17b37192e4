/* SPDX-License-Identifier: ISC */
/* A reference to a secret becomes its value, known to the redactor before anybody sees it. */
#include "agent/secrets.h"

#include "berth/config.h"
#include "berth/policy.h"

#include <stdlib.h>
#include <string.h>

#define SECRET_SHORTEST 4

bool secrets_resolve(const struct provider_context *context, const struct config_entry *entry, const char *path,
                     struct arena *arena, struct str *value, struct error *error)
{
    const char *dot = strchr(path, '.');
    const char *store = arena_strndup(arena, path, dot ? (size_t)(dot - path) : strlen(path));
    const struct config_section *section = config_section_named(&context->config->secrets, store);
    const struct provider *provider = provider_named(section ? section->provider : store);
    struct provider_context resolving = *context;
    size_t before = value->length;
    if (!entry) { /* nothing says any more what the environment may use */
        error_set(error, ERROR_DENIED, "the secret '%s' may not be used: %s has no entry for the environment any more",
                  path, context->config->file);
        return error_hint(error, "put the entry back on the trusted ref until the environment is destroyed");
    }
    if (!policy_secret_allowed(entry, path)) {
        error_set(error, ERROR_DENIED, "the environment '%s' may not use the secret '%s'", entry->name, path);
        error_detail(error, "%s:%d does not allow it", context->config->file, entry->line);
        return error_hint(error, "add it to `allow.secrets` there, on the trusted ref");
    }
    if (!provider || !provider->secrets)
        return error_set(error, ERROR_UNSUPPORTED, "no store of secrets is called '%s'", store);
    resolving.section = section;
    if (!provider_call_secret(provider, &resolving, dot ? dot + 1 : "", value, error))
        return error_context(error, "cannot resolve the secret '%s'", path);
    if (value->length - before < SECRET_SHORTEST)
        provider_log(context, "warning: the secret '%s' is too short to be kept out of logs", path);
    if (context->redactor)
        redactor_add(context->redactor, value->data + before, value->length - before);
    return true;
}
