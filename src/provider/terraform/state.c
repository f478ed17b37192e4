/* SPDX-License-Identifier: ISC */
/* The resource instances of a state, by the addresses that the tool itself has for them. */
#include "provider/terraform/state.h"

#include "provider/terraform/shown.h"

#include "berth/base/str.h"
#include "berth/model/record.h"

/* As the tool writes a key in an address: quoted, and what begins an expression doubled. */
static void add_key(struct str *address, const char *key)
{
    str_add(address, "[\"");
    for (; *key; key++) {
        if (*key == '\n')
            str_add(address, "\\n");
        else if (*key == '\r')
            str_add(address, "\\r");
        else if (*key == '\t')
            str_add(address, "\\t");
        else if (*key == '"' || *key == '\\')
            str_addf(address, "\\%c", *key);
        else if ((*key == '$' || *key == '%') && key[1] == '{')
            str_addf(address, "%c%c", *key, *key);
        else
            str_add_char(address, *key);
    }
    str_add(address, "\"]");
}

static void add_address(struct str *address, const json_t *resource, const json_t *instance)
{
    const json_t *key = json_object_get(instance, "index_key");
    const char *module = json_get_text(resource, "module");
    str_addf(address, "%s%s", module, module[0] ? "." : "");
    str_addf(address, "%s.%s", json_get_text(resource, "type"), json_get_text(resource, "name"));
    if (json_is_integer(key))
        str_addf(address, "[%lld]", (long long)json_integer_value(key));
    else if (json_is_string(key))
        add_key(address, json_string_value(key));
}

/* A deposed object is what is left of one that was replaced: it counts where nothing took its place. */
static bool take_instance(const json_t *resource, const json_t *instance, struct map *taken, struct state_parts *parts,
                          struct error *error)
{
    const json_t *needs = json_object_get(instance, "dependencies");
    bool deposed = json_get_text(instance, "deposed")[0] != '\0';
    bool tainted = deposed || text_equal(json_get_text(instance, "status"), "tainted");
    struct str address = STR_INIT;
    add_address(&address, resource, instance);
    if (map_get(taken, address.data)) {
        str_release(&address);
        return true;
    }
    (void)map_set(taken, address.data, taken);
    if (++parts->count > INNER_LIMIT) {
        str_release(&address);
        error_set(error, ERROR_LIMIT, "the state has more than %d inner resources", INNER_LIMIT);
        return error_hint(error, "split the module into smaller ones");
    }
    parts->tainted += tainted;
    json_t *part = json_pack("{s:s, s:s, s:s}", "address", address.data, "kind", json_get_text(resource, "type"),
                             "status", tainted ? "failed" : "ok");
    if (json_array_size(needs) > 0)
        json_object_set_new(part, "needs", json_deep_copy(needs));
    json_array_append_new(parts->inner, part);
    str_release(&address);
    return true;
}

static bool take_resource(const json_t *resource, struct map *taken, struct state_parts *parts, struct error *error)
{
    static const bool deposed_last[] = {false, true};
    const json_t *instances = json_object_get(resource, "instances");
    size_t at;
    json_t *instance;
    bool took = true;
    for (size_t i = 0; i < sizeof deposed_last / sizeof *deposed_last; i++)
        json_array_foreach(instances, at, instance)
        {
            bool deposed = json_get_text(instance, "deposed")[0] != '\0';
            took = took && (deposed != deposed_last[i] || take_instance(resource, instance, taken, parts, error));
        }
    return took;
}

bool state_parts(const json_t *state, struct state_parts *parts, struct error *error)
{
    struct map taken = {0};
    size_t at;
    json_t *resource;
    bool took = true;
    *parts = (struct state_parts){.inner = json_array()};
    json_array_foreach(json_object_get(state, "resources"), at, resource)
    {
        if (text_equal(json_get_text(resource, "mode"), "managed"))
            took = took && take_resource(resource, &taken, parts, error);
    }
    map_release(&taken);
    if (took) {
        parts->inner = shown_in_order(parts->inner);
        return true;
    }
    json_decref(parts->inner);
    parts->inner = NULL;
    return false;
}

const char *state_base(const json_t *state, struct arena *arena)
{
    const char *lineage = json_get_text(state, "lineage");
    return lineage[0] ? arena_printf(arena, "%s/%lld", lineage, (long long)json_get_int(state, "serial")) : "";
}
