/* SPDX-License-Identifier: ISC */
/* Resolving what a section of the policy names. */
#include "provider/section.h"

#include "berth/config.h"
#include "berth/provider.h"

static bool resolve(const char *path, struct str *value, void *owner, struct error *error)
{
    const struct provider_context *context = owner;
    struct provider_context apart = *context;
    struct arena arena = {0};
    const char *name = text_starts(path, "secret.") ? path + strlen("secret.") : NULL;
    if (!name) {
        error_set(error, ERROR_CONFIG, "'%s' is not known in a section of the policy", path);
        return error_hint(error, "only secrets are: ${{ secret.STORE.KEY }}");
    }
    const char *dot = strchr(name, '.');
    const char *store = arena_strndup(&arena, name, dot ? (size_t)(dot - name) : strlen(name));
    apart.section = context->config ? config_section_named(&context->config->secrets, store) : NULL;
    const struct provider *provider = provider_named(apart.section ? apart.section->provider : store);
    bool resolved = provider && provider->secrets;
    size_t before = value->length;
    if (!resolved)
        error_set(error, ERROR_UNSUPPORTED, "no store of secrets is called '%s'", store);
    else
        resolved = provider_call_secret(provider, &apart, dot ? dot + 1 : "", value, error) ||
                   error_context(error, "cannot resolve the secret '%s'", name);
    if (resolved && context->redactor)
        redactor_add(context->redactor, value->data + before, value->length - before);
    arena_release(&arena);
    return resolved;
}

/* A text with placeholders, as the parts it is made of. */
static bool resolve_tree(const struct provider_context *context, const struct node *node, struct str *value,
                         struct error *error)
{
    const char *file = context->config && context->config->file ? context->config->file : "berth.yaml";
    struct arena arena = {0};
    struct problems problems;
    struct scope *scope = scope_new();
    problems_init(&problems, &arena);
    json_t *tree = expand_tree(scope, file, node, EXPAND_EARLY, &problems);
    json_t *whole = tree ? expand_parts(tree, resolve, (void *)(uintptr_t)context, error) : NULL;
    bool resolved = whole || (!tree && problems_error(&problems, error));
    if (json_is_string(whole))
        str_add_bytes(value, json_string_value(whole), json_string_length(whole));
    else if (resolved)
        resolved = error_set(error, ERROR_CONFIG, "%s:%d: expected a text", file, node->line);
    json_decref(whole);
    json_decref(tree);
    scope_free(scope);
    problems_release(&problems);
    arena_release(&arena);
    return resolved;
}

bool section_text(const struct provider_context *context, const char *key, struct str *value, struct error *error)
{
    const struct node *node = context->section ? node_get(context->section->node, key) : NULL;
    if (!node)
        return true;
    if (node->kind == NODE_LIST || node->kind == NODE_MAP)
        return error_set(error, ERROR_CONFIG, "line %d: `%s` is no text", node->line, key);
    if (strstr(node->text, "${{"))
        return resolve_tree(context, node, value, error);
    str_add(value, node->text);
    return true;
}
