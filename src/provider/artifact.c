/* SPDX-License-Identifier: ISC */
/* What executors keep from one step of a run to another: sealed here, kept by the provider that the policy names. */
#include "provider/key.h"
#include "provider/registry.h"

#include "berth/base/seal.h"
#include "berth/base/str.h"
#include "berth/config.h"

#include <string.h>

#define ARTIFACT_LIMIT ((size_t)512 << 20)
#define DEFAULT_PROVIDER "file"

static const struct provider *keeper(struct provider_context *context, struct error *error)
{
    const struct config_section *section = context->config ? context->config->artifacts : NULL;
    const char *name = section ? section->provider : DEFAULT_PROVIDER;
    const struct provider *provider = provider_named(name);
    context->section = section;
    if (provider && provider->artifacts)
        return provider;
    error_set(error, ERROR_UNSUPPORTED, "artifacts of provider '%s' are not built yet", name);
    error_hint(error, "take `artifacts` out of the policy: they are then kept, encrypted, beside the store");
    return NULL;
}

static bool name_is_plain(const char *name)
{
    return !text_empty(name) && name[0] != '.' &&
           name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-.")] == '\0' && strlen(name) <= 100;
}

/* The run and the name are in the seal too: one plan's file cannot stand for another's. */
static bool begin(const struct provider_context *context, const char *name, const char *about, struct str *whole,
                  unsigned char key[KEY_BYTES], struct error *error)
{
    if (text_empty(context->run) || !name_is_plain(name)) {
        error_set(error, ERROR_UNSUPPORTED, "no artifact '%s' can be kept outside a run", name ? name : "");
        return error_hint(error, "this is a fault of berth: please report it");
    }
    str_addf(whole, "%s\n%s\n%s", context->run, name, about);
    return provider_key(context->store_folder, key, error);
}

bool artifact_keep(const struct provider_context *context, const char *name, const char *about, const void *bytes,
                   size_t count, struct error *error)
{
    struct provider_context apart = *context;
    struct str whole = STR_INIT, sealed = STR_INIT;
    unsigned char key[KEY_BYTES];
    const struct provider *provider = keeper(&apart, error);
    bool kept = provider && begin(context, name, about, &whole, key, error);
    if (kept && count > ARTIFACT_LIMIT) {
        kept = error_set(error, ERROR_LIMIT, "the artifact '%s' is larger than %zu bytes", name, ARTIFACT_LIMIT);
        error_hint(error, "make smaller what it is about");
    }
    kept = kept && seal(key, whole.data, bytes, count, &sealed, error) &&
           provider_call_put(provider, &apart, context->run, name, sealed.data, sealed.length, error);
    str_release(&whole);
    str_release(&sealed);
    return kept;
}

bool artifact_fetch(const struct provider_context *context, const char *name, const char *about, struct str *bytes,
                    struct error *error)
{
    struct provider_context apart = *context;
    struct str whole = STR_INIT, sealed = STR_INIT;
    unsigned char key[KEY_BYTES];
    const struct provider *provider = keeper(&apart, error);
    bool fetched = provider && begin(context, name, about, &whole, key, error) &&
                   provider_call_get(provider, &apart, context->run, name, ARTIFACT_LIMIT + 64, &sealed, error);
    if (fetched && !unseal(key, whole.data, sealed.data, sealed.length, bytes, error)) {
        fetched = error_context(error, "the artifact '%s' cannot be used", name);
        error_hint(error, "plan again");
    }
    str_release(&whole);
    str_release(&sealed);
    return fetched;
}

bool artifacts_forget(const struct provider_context *context, const char *run, struct error *error)
{
    struct provider_context apart = *context;
    const struct provider *provider = keeper(&apart, error);
    return provider && provider_call_remove(provider, &apart, run, error);
}
