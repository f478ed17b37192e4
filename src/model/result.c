/* SPDX-License-Identifier: ISC */
/* What workers and the engine say to each other, as JSON: one table of fields for each struct. */
#include "berth/model/result.h"

#include "berth/base/str.h"
#include "berth/model/record.h"
#include "model/json_value.h"

enum field_kind { FIELD_TEXT, FIELD_INT, FIELD_BOOL, FIELD_JSON, FIELD_WORD };
struct field {
    const char *name;
    enum field_kind kind;
    size_t offset;
    const char *const *names; /* FIELD_WORD, an int-sized enum */
};
#define FIELD(owner, member, how)                                                \
    {                                                                            \
        .name = #member, .kind = (how), .offset = offsetof(struct owner, member) \
    }
#define WORD(owner, member, word_list)                                                                      \
    {                                                                                                       \
        .name = #member, .kind = FIELD_WORD, .offset = offsetof(struct owner, member), .names = (word_list) \
    }
#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static const struct field wanted_fields[] = {
    FIELD(wanted_resource, address, FIELD_TEXT),
    FIELD(wanted_resource, template, FIELD_TEXT),
    FIELD(wanted_resource, template_version, FIELD_TEXT),
    FIELD(wanted_resource, name, FIELD_TEXT),
    FIELD(wanted_resource, item, FIELD_INT),
    FIELD(wanted_resource, count, FIELD_INT),
    FIELD(wanted_resource, executor, FIELD_TEXT),
    FIELD(wanted_resource, runner, FIELD_TEXT),
    FIELD(wanted_resource, target, FIELD_TEXT),
    FIELD(wanted_resource, pool, FIELD_TEXT),
    FIELD(wanted_resource, group, FIELD_TEXT),
    FIELD(wanted_resource, description, FIELD_TEXT),
    FIELD(wanted_resource, contact, FIELD_TEXT),
    FIELD(wanted_resource, needs, FIELD_JSON),
    FIELD(wanted_resource, spec, FIELD_JSON),
    FIELD(wanted_resource, probes, FIELD_JSON),
    FIELD(wanted_resource, links, FIELD_JSON),
    FIELD(wanted_resource, tags, FIELD_JSON),
    FIELD(wanted_resource, outputs, FIELD_JSON),
    FIELD(wanted_resource, external, FIELD_BOOL),
    FIELD(wanted_resource, data, FIELD_BOOL),
    FIELD(wanted_resource, shared_environment, FIELD_TEXT),
    FIELD(wanted_resource, shared_resource, FIELD_TEXT),
    FIELD(wanted_resource, timeout_ms, FIELD_INT),
    FIELD(wanted_resource, attempts, FIELD_INT),
    FIELD(wanted_resource, backoff_ms, FIELD_INT),
    FIELD(wanted_resource, repeatable, FIELD_BOOL),
    FIELD(wanted_resource, replans, FIELD_BOOL),
    FIELD(wanted_resource, phase_hint, FIELD_TEXT),
};
static const struct field source_fields[] = {
    FIELD(source, repository, FIELD_TEXT),
    FIELD(source, ref, FIELD_TEXT),
    FIELD(source, commit, FIELD_TEXT),
};
static const struct field prepare_fields[] = {
    FIELD(prepare_result, environment_name, FIELD_TEXT),
    FIELD(prepare_result, slug_wish, FIELD_TEXT),
    FIELD(prepare_result, description, FIELD_TEXT),
    FIELD(prepare_result, deployment, FIELD_TEXT),
    FIELD(prepare_result, environment_tags, FIELD_JSON),
    FIELD(prepare_result, commit, FIELD_TEXT),
    FIELD(prepare_result, subject, FIELD_TEXT),
    FIELD(prepare_result, author, FIELD_TEXT),
    FIELD(prepare_result, author_email, FIELD_TEXT),
    FIELD(prepare_result, committer_email, FIELD_TEXT),
    FIELD(prepare_result, templates, FIELD_JSON),
    FIELD(prepare_result, groups, FIELD_JSON),
    FIELD(prepare_result, checks, FIELD_JSON),
    FIELD(prepare_result, entrypoints, FIELD_JSON),
    FIELD(prepare_result, links, FIELD_JSON),
    FIELD(prepare_result, status_endpoints, FIELD_JSON),
    FIELD(prepare_result, settings, FIELD_JSON),
};
static const struct field plan_fields[] = {
    WORD(plan_result, action, plan_action_names), FIELD(plan_result, summary, FIELD_TEXT),
    FIELD(plan_result, reason, FIELD_TEXT),       FIELD(plan_result, text, FIELD_TEXT),
    FIELD(plan_result, artifact, FIELD_TEXT),     FIELD(plan_result, changes, FIELD_JSON),
    FIELD(plan_result, spec_digest, FIELD_TEXT),  FIELD(plan_result, outputs, FIELD_JSON),
    FIELD(plan_result, drift, FIELD_JSON),        FIELD(plan_result, inner, FIELD_JSON),
    FIELD(plan_result, lock, FIELD_JSON),         FIELD(plan_result, base, FIELD_TEXT),
};
static const struct field apply_fields[] = {
    FIELD(apply_result, outputs, FIELD_JSON),     FIELD(apply_result, links, FIELD_JSON),
    FIELD(apply_result, spec_digest, FIELD_TEXT), FIELD(apply_result, kind, FIELD_TEXT),
    FIELD(apply_result, ready, FIELD_TEXT),       FIELD(apply_result, exit_status, FIELD_INT),
    FIELD(apply_result, sensitive, FIELD_JSON),   FIELD(apply_result, inner, FIELD_JSON),
    FIELD(apply_result, there, FIELD_JSON),       FIELD(apply_result, lock, FIELD_JSON),
    FIELD(apply_result, base, FIELD_TEXT),
};
static const struct field step_fields[] = {
    FIELD(step_result, step, FIELD_TEXT), FIELD(step_result, token, FIELD_TEXT),
    FIELD(step_result, epoch, FIELD_INT), WORD(step_result, status, step_status_names),
    FIELD(step_result, body, FIELD_JSON), FIELD(step_result, log_bytes, FIELD_INT),
};

static json_t *field_to_json(const struct field *field, const void *owner)
{
    const void *at = (const char *)owner + field->offset;
    switch (field->kind) {
    case FIELD_TEXT: {
        const char *text = *(const char *const *)at;
        return json_from_text(text ? text : "");
    }
    case FIELD_INT: return json_integer(*(const int64_t *)at);
    case FIELD_BOOL: return json_boolean(*(const bool *)at);
    case FIELD_JSON: return json_incref(*(json_t *const *)at);
    case FIELD_WORD: return json_string(word_name(field->names, *(const int *)at));
    }
    return NULL;
}

static json_t *fields_to_json(const struct field *fields, size_t count, const void *owner)
{
    json_t *object = json_object();
    for (size_t i = 0; i < count; i++) {
        json_t *value = field_to_json(&fields[i], owner);
        if (value)
            json_object_set_new_nocheck(object, fields[i].name, value);
    }
    return object;
}

static bool field_from_json(const struct field *field, json_t *value, struct arena *arena, void *owner)
{
    void *at = (char *)owner + field->offset;
    int word;
    switch (field->kind) {
    case FIELD_TEXT:
        if (!value || json_is_null(value)) {
            *(const char **)at = "";
            return true;
        }
        if (json_is_string(value))
            *(const char **)at = arena_strdup(arena, json_string_value(value));
        return json_is_string(value);
    case FIELD_INT:
        if (value)
            *(int64_t *)at = json_integer_value(value);
        return !value || json_is_integer(value);
    case FIELD_BOOL:
        if (value)
            *(bool *)at = json_is_true(value);
        return !value || json_is_boolean(value);
    case FIELD_JSON: *(json_t **)at = json_is_null(value) ? NULL : value; return true;
    case FIELD_WORD:
        if (!value)
            return true;
        word = word_value(field->names, json_string_value(value));
        if (word >= 0)
            *(int *)at = word;
        return word >= 0;
    }
    return false;
}

static bool fields_from_json(const struct field *fields, size_t count, const json_t *json, const char *what,
                             struct arena *arena, void *owner, struct error *error)
{
    if (!json_is_object(json))
        return error_set(error, ERROR_CORRUPT, "%s is no JSON object", what);
    for (size_t i = 0; i < count; i++)
        if (!field_from_json(&fields[i], json_object_get(json, fields[i].name), arena, owner))
            return error_set(error, ERROR_CORRUPT, "%s does not fit: %s has a wrong value", what, fields[i].name);
    return true;
}

json_t *wanted_to_json(const struct wanted_resource *wanted)
{
    return fields_to_json(wanted_fields, COUNT_OF(wanted_fields), wanted);
}

bool wanted_from_json(const json_t *json, struct arena *arena, struct wanted_resource *wanted, struct error *error)
{
    memset(wanted, 0, sizeof *wanted);
    return fields_from_json(wanted_fields, COUNT_OF(wanted_fields), json, "a wanted resource", arena, wanted, error);
}

json_t *prepare_result_to_json(const struct prepare_result *result)
{
    json_t *object = fields_to_json(prepare_fields, COUNT_OF(prepare_fields), result);
    json_t *sources = json_array(), *wanted = json_array();
    for (size_t i = 0; i < result->sources.count; i++)
        json_array_append_new(sources,
                              fields_to_json(source_fields, COUNT_OF(source_fields), &result->sources.items[i]));
    for (size_t i = 0; i < result->wanted.count; i++)
        json_array_append_new(wanted, wanted_to_json(&result->wanted.items[i]));
    json_object_set_new(object, "sources", sources);
    json_object_set_new(object, "wanted", wanted);
    return object;
}

bool prepare_result_from_json(const json_t *json, struct arena *arena, struct prepare_result *result,
                              struct error *error)
{
    memset(result, 0, sizeof *result);
    if (!fields_from_json(prepare_fields, COUNT_OF(prepare_fields), json, "the result of a prepare step", arena, result,
                          error))
        return false;
    const json_t *sources = json_object_get(json, "sources"), *wanted = json_object_get(json, "wanted");
    size_t source_count = json_array_size(sources), wanted_count = json_array_size(wanted);
    result->sources.items = arena_alloc(arena, source_count * sizeof *result->sources.items);
    result->wanted.items = arena_alloc(arena, wanted_count * sizeof *result->wanted.items);
    result->sources.room = source_count;
    result->wanted.room = wanted_count;
    for (size_t i = 0; i < source_count; i++) {
        if (!fields_from_json(source_fields, COUNT_OF(source_fields), json_array_get(sources, i), "a source", arena,
                              &result->sources.items[i], error))
            return false;
        result->sources.count++;
    }
    for (size_t i = 0; i < wanted_count; i++) {
        if (!wanted_from_json(json_array_get(wanted, i), arena, &result->wanted.items[i], error))
            return false;
        result->wanted.count++;
    }
    return true;
}

json_t *plan_result_to_json(const struct plan_result *result)
{
    return fields_to_json(plan_fields, COUNT_OF(plan_fields), result);
}

bool plan_result_from_json(const json_t *json, struct arena *arena, struct plan_result *result, struct error *error)
{
    memset(result, 0, sizeof *result);
    return fields_from_json(plan_fields, COUNT_OF(plan_fields), json, "the result of a plan step", arena, result,
                            error);
}

json_t *apply_result_to_json(const struct apply_result *result)
{
    return fields_to_json(apply_fields, COUNT_OF(apply_fields), result);
}

bool apply_result_from_json(const json_t *json, struct arena *arena, struct apply_result *result, struct error *error)
{
    memset(result, 0, sizeof *result);
    return fields_from_json(apply_fields, COUNT_OF(apply_fields), json, "the result of an apply step", arena, result,
                            error);
}

json_t *step_result_to_json(const struct step_result *result)
{
    json_t *object = fields_to_json(step_fields, COUNT_OF(step_fields), result);
    if (result->error.code == ERROR_NONE)
        return object;
    json_t *error = json_object();
    json_object_set_new(error, "code", json_string(error_info(result->error.code)->name));
    json_object_set_new(error, "retry", json_boolean(result->error.retry));
    json_object_set_new(error, "message", json_from_text(result->error.message));
    json_object_set_new(error, "detail", json_from_text(result->error.detail));
    json_object_set_new(error, "hint", json_from_text(result->error.hint));
    json_object_set_new(object, "error", error);
    return object;
}

bool step_result_from_json(const json_t *json, struct arena *arena, struct step_result *result, struct error *error)
{
    memset(result, 0, sizeof *result);
    if (!fields_from_json(step_fields, COUNT_OF(step_fields), json, "the result of a step", arena, result, error))
        return false;
    const json_t *failure = json_object_get(json, "error");
    if (!failure || json_is_null(failure))
        return true;
    enum error_code code = error_code_from_name(json_get_text(failure, "code"));
    if (code == ERROR_NONE)
        return error_set(error, ERROR_CORRUPT, "the result of a step does not fit: error has an unknown code");
    error_set(&result->error, code, "%s", json_get_text(failure, "message"));
    error_detail(&result->error, "%s", json_get_text(failure, "detail"));
    error_hint(&result->error, "%s", json_get_text(failure, "hint"));
    result->error.retry = json_is_true(json_object_get(failure, "retry"));
    return true;
}

static void release_fields(const struct field *fields, size_t count, void *owner)
{
    for (size_t i = 0; i < count; i++) {
        if (fields[i].kind != FIELD_JSON)
            continue;
        json_t **at = (json_t **)(void *)((char *)owner + fields[i].offset);
        json_decref(*at);
        *at = NULL;
    }
}

void plan_result_release(struct plan_result *result)
{
    release_fields(plan_fields, COUNT_OF(plan_fields), result);
}

void apply_result_release(struct apply_result *result)
{
    release_fields(apply_fields, COUNT_OF(apply_fields), result);
}
