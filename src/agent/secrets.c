/* SPDX-License-Identifier: ISC */
/* References to secrets become values, known to the redactor before anybody sees them. */
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
    if (entry && !policy_secret_allowed(entry, path)) {
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

struct resolving {
    const struct provider_context *context;
    struct arena *arena;
    bool any;
};

static bool resolve_part(const char *path, struct str *value, void *owner, struct error *error)
{
    struct resolving *resolving = owner;
    resolving->any = true;
    if (!text_starts(path, "secret."))
        return error_set(error, ERROR_CONFIG, "'%s' cannot be used in the policy itself", path);
    return secrets_resolve(resolving->context, NULL, path + strlen("secret."), resolving->arena, value, error);
}

static const struct node *node_of_json(const json_t *json, struct arena *arena, struct problems *problems)
{
    char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
    char *kept = arena_strdup(arena, text);
    free(text);
    return node_parse(arena, "berth.yaml", kept, strlen(kept), problems);
}

const struct config_section *secrets_in_section(const struct provider_context *context,
                                                const struct config_section *section, struct arena *arena,
                                                struct error *error)
{
    struct resolving resolving = {.context = context, .arena = arena};
    struct problems problems;
    struct scope *scope = scope_new();
    const struct config_section *result = NULL;
    problems_init(&problems, arena);
    json_t *parts = expand_tree(scope, context->config->file, section->node, EXPAND_EARLY, &problems);
    json_t *plain = parts ? expand_parts(parts, resolve_part, &resolving, error) : NULL;
    if (!parts)
        problems_error(&problems, error);
    if (plain && !resolving.any)
        result = section;
    else if (plain) {
        struct config_section *resolved = arena_copy(arena, section, sizeof *section);
        resolved->node = node_of_json(plain, arena, &problems);
        result = resolved->node ? resolved : NULL;
        if (!result)
            problems_error(&problems, error);
    }
    json_decref(parts);
    json_decref(plain);
    scope_free(scope);
    problems_release(&problems);
    return result;
}
