/* SPDX-License-Identifier: ISC */
/* Reading a tool's outputs: text from outside, so each limit is checked and nothing is guessed. */
#include "provider/exec/outputs.h"

#include "berth/base/file.h"
#include "berth/base/memory.h"
#include "berth/base/text.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool name_is_good(const char *name, size_t length)
{
    if (length == 0 || length > OUTPUT_NAME_LIMIT || !is_letter(name[0]))
        return false;
    for (size_t i = 1; i < length; i++)
        if (!is_letter(name[i]) && !(name[i] >= '0' && name[i] <= '9'))
            return false;
    return true;
}

static bool bad_name(const char *name, size_t length, struct error *error)
{
    struct str visible = STR_INIT;
    text_visible(&visible, name, length < OUTPUT_NAME_LIMIT ? length : OUTPUT_NAME_LIMIT, TEXT_ONE_LINE);
    error_set(error, ERROR_TOOL, "the tool gave an output with the name '%s'", visible.data);
    str_release(&visible);
    return error_hint(error, "name outputs with letters, digits and '_', at most %d characters", OUTPUT_NAME_LIMIT);
}

static bool add_output(json_t *outputs, const char *name, size_t name_length, const char *value, size_t length,
                       struct error *error)
{
    if (!name_is_good(name, name_length))
        return bad_name(name, name_length, error);
    char *key = mem_zero(name_length + 1, 1);
    memcpy(key, name, name_length);
    json_t *text = memchr(value, '\0', length) ? NULL : json_stringn(value, length);
    bool added = text || error_set(error, ERROR_TOOL, "the tool gave an output '%s' that is not valid UTF-8", key);
    if (added)
        json_object_set_new(outputs, key, text);
    free(key);
    return added;
}

static bool parse_lines(json_t *outputs, const char *text, size_t length, struct error *error)
{
    for (size_t at = 0; at < length;) {
        const char *line = text + at;
        const char *end = memchr(line, '\n', length - at);
        size_t count = end ? (size_t)(end - line) : length - at;
        at += count + (end ? 1 : 0);
        if (count > 0 && line[count - 1] == '\r')
            count--;
        if (count == 0 || line[0] == '#')
            continue;
        const char *equals = memchr(line, '=', count);
        size_t name = equals ? (size_t)(equals - line) : count;
        if (!equals)
            return bad_name(line, count, error);
        if (!add_output(outputs, line, name, equals + 1, count - name - 1, error))
            return false;
    }
    return true;
}

static bool parse_object(json_t *outputs, const char *text, size_t length, struct error *error)
{
    json_error_t problem;
    json_t *object = json_loadb(text, length, JSON_REJECT_DUPLICATES, &problem);
    const char *name;
    json_t *value;
    bool parsed = object || error_set(error, ERROR_TOOL, "the tool's outputs are no JSON object");
    if (!object)
        error_detail(error, "line %d: %s", problem.line, problem.text);
    json_object_foreach(object, name, value)
    {
        char *dumped = json_is_string(value) ? NULL : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        const char *shown = dumped ? dumped : json_string_value(value);
        if (parsed)
            parsed = add_output(outputs, name, strlen(name), shown, strlen(shown), error);
        free(dumped);
    }
    json_decref(object);
    return parsed;
}

json_t *outputs_parse(const char *text, size_t length, struct error *error)
{
    json_t *outputs = json_object();
    size_t start = 0;
    while (start < length && strchr(" \t\r\n", text[start]))
        start++;
    bool object = start < length && text[start] == '{';
    bool parsed = object ? parse_object(outputs, text, length, error) : parse_lines(outputs, text, length, error);
    if (parsed)
        return outputs;
    json_decref(outputs);
    return NULL;
}

json_t *outputs_read(const char *path, struct error *error)
{
    struct str text = STR_INIT;
    struct error problem = {0};
    struct stat status;
    json_t *outputs = NULL;
    if (lstat(path, &status) == 0 && !S_ISREG(status.st_mode)) { /* a pipe would never end */
        error_set(error, ERROR_TOOL, "the tool made something else of its outputs than a file");
        return NULL;
    }
    if (file_read(path, OUTPUTS_LIMIT, &text, &problem)) {
        outputs = outputs_parse(text.data, text.length, error);
    } else if (problem.code == ERROR_NOT_FOUND) {
        outputs = json_object();
    } else if (problem.code == ERROR_LIMIT) {
        error_set(error, ERROR_LIMIT, "the tool gave more than %d bytes of outputs", OUTPUTS_LIMIT);
        error_hint(error, "outputs are names and addresses; write what is larger to a file");
    } else if (error) {
        *error = problem;
    }
    str_release(&text);
    return outputs;
}
