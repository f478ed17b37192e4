/* SPDX-License-Identifier: ISC */
/* Checks of single scalars, one small function for each kind of shape. */
#include "config/scalar.h"

#include "berth/base/file.h"
#include "berth/base/str.h"
#include "berth/base/text.h"
#include "berth/base/time.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define NAME_LIMIT 63
#define KEY_LIMIT 256

bool is_scalar(const struct node *node)
{
    return node->kind != NODE_LIST && node->kind != NODE_MAP;
}

bool text_is_plain(const char *text, enum plain_form form)
{
    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        bool line = *at == '\n' || *at == '\t' || *at == '\r';

        if ((*at < 0x20 && !(form == PLAIN_LINES && line)) || *at == 0x7f)
            return false;
        if (*at == 0xc2 && at[1] >= 0x80 && at[1] <= 0x9f) /* C1 */
            return false;
    }
    return text_valid(text, strlen(text));
}

static bool made_of(const char *text, size_t limit, const char *others)
{
    size_t length = strlen(text);

    if (length == 0 || length > limit)
        return false;
    for (size_t i = 0; i < length; i++) {
        if (!isalnum((unsigned char)text[i]) && !strchr(others, text[i]))
            return false;
    }
    return true;
}

bool name_fits(const char *name)
{
    return made_of(name, NAME_LIMIT, "-_") && name[0] != '-';
}

static bool key_fits(const char *text)
{
    return *text && *text != '$' && strlen(text) <= KEY_LIMIT && !strstr(text, "${{") &&
           text_is_plain(text, PLAIN_LINE);
}

static bool variable_fits(const char *text)
{
    return made_of(text, KEY_LIMIT, "_") && !isdigit((unsigned char)*text);
}

static bool version_fits(const char *text)
{
    return made_of(text, NAME_LIMIT, ".-_+") && isalnum((unsigned char)*text);
}

static bool path_fits(const char *text)
{
    return text_is_plain(text, PLAIN_LINE) && path_inside(strncmp(text, "./", 2) == 0 && text[2] ? text + 2 : text);
}

static bool url_fits(const char *text)
{
    const char *rest = strstr(text, "://");

    if (!rest || rest == text || !rest[3] || !text_is_plain(text, PLAIN_LINE) || strchr(text, ' '))
        return false;
    for (const char *at = text; at < rest; at++) {
        if (!isalnum((unsigned char)*at) && !strchr("+.-", *at))
            return false;
    }
    return isalpha((unsigned char)*text);
}

static bool email_fits(const char *text)
{
    const char *at = strchr(text, '@');

    return at && at > text && at[1] && !strchr(at + 1, '@') && !strpbrk(text, " \t<>,;\"") &&
           text_is_plain(text, PLAIN_LINE);
}

static bool host_port_fits(const char *text)
{
    const char *colon = strrchr(text, ':');
    long long port;

    return colon && colon > text && !strchr(text, ' ') && !strchr(text, '/') && text_to_int(colon + 1, &port) &&
           port > 0 && port < 65536 && text_is_plain(text, PLAIN_LINE);
}

static bool glob_fits(const char *text)
{
    return *text && strlen(text) <= KEY_LIMIT && text_is_plain(text, PLAIN_LINE);
}

bool share_parse(const char *text, int *percent)
{
    char digits[8];
    long long value;

    if (!text_ends(text, "%") || strlen(text) >= sizeof(digits))
        return false;
    memcpy(digits, text, strlen(text) - 1);
    digits[strlen(text) - 1] = '\0';
    if (!text_to_int(digits, &value) || value < 1 || value > 100)
        return false;
    *percent = (int)value;
    return true;
}

static bool number_fits(const struct shape *shape, const struct node *node, struct error *error)
{
    double value;

    if (node->kind != NODE_INT && (shape->kind == SHAPE_INT || node->kind != NODE_FLOAT))
        return false;
    value = node->kind == NODE_INT ? (double)node->number : strtod(node->text, NULL);
    if (shape->has_min && value < (double)shape->min)
        return error_set(error, ERROR_CONFIG, "at least %lld", (long long)shape->min);
    if (shape->has_max && value > (double)shape->max)
        return error_set(error, ERROR_CONFIG, "at most %lld", (long long)shape->max);
    return true;
}

static bool duration_fits(const struct shape *shape, const char *text, struct error *error)
{
    int64_t ms;

    if (!duration_parse(text, &ms, NULL))
        return false;
    if (shape->has_min && ms < shape->min)
        return error_set(error, ERROR_CONFIG, "at least %llds", (long long)(shape->min / MS_SECOND));
    return true;
}

static bool cron_fits(const char *text, struct error *error)
{
    struct cron *cron = cron_parse(text, error);

    cron_free(cron);
    return cron != NULL;
}

static bool window_fits(const char *text, struct error *error)
{
    struct window *window = window_parse(text, error);

    window_free(window);
    return window != NULL;
}

static bool enum_fits(const struct shape *shape, const char *text)
{
    for (size_t i = 0; i < shape->words.count; i++) {
        if (text_equal(shape->words.items[i], text))
            return true;
    }
    return false;
}

static bool condition_fits(const struct node *node)
{
    return node->kind == NODE_BOOL ||
           (node->kind == NODE_TEXT && strncmp(node->text, "${{", 3) == 0 && text_ends(node->text, "}}"));
}

static bool text_fits(const struct shape *shape, const struct node *node, struct error *error)
{
    const char *text = node->text;
    int percent;
    int64_t at;

    switch (shape->kind) {
    case SHAPE_NAME: return name_fits(text);
    case SHAPE_KEY: return key_fits(text);
    case SHAPE_VARIABLE: return variable_fits(text);
    case SHAPE_VERSION: return version_fits(text);
    case SHAPE_PATH: return path_fits(text);
    case SHAPE_URL: return url_fits(text);
    case SHAPE_EMAIL: return email_fits(text);
    case SHAPE_HOST_PORT: return host_port_fits(text);
    case SHAPE_GLOB: return glob_fits(text);
    case SHAPE_BRANCH_GLOB: return glob_fits(text) && !text_equal(text, "!");
    case SHAPE_REGEX: return pattern_valid(text, error);
    case SHAPE_DURATION: return duration_fits(shape, text, error);
    case SHAPE_INSTANT: return instant_parse(text, &at, error);
    case SHAPE_CRON: return cron_fits(text, error);
    case SHAPE_WINDOW: return window_fits(text, error);
    case SHAPE_SHARE: return share_parse(text, &percent);
    case SHAPE_ENUM: return enum_fits(shape, text);
    case SHAPE_TEXT:
    case SHAPE_INT:
    case SHAPE_NUMBER:
    case SHAPE_BOOL:
    case SHAPE_CONDITION:
    case SHAPE_REF:
    case SHAPE_SCALAR:
    case SHAPE_ANY:
    case SHAPE_LIST:
    case SHAPE_MAP:
    case SHAPE_KEYS:
    case SHAPE_ONE_OF:
    case SHAPE_SECTION:
    case SHAPE_KIND_COUNT: break;
    }
    return text_is_plain(text, PLAIN_LINES);
}

bool scalar_fits(const struct shape *shape, const struct node *node, struct error *error)
{
    if (!is_scalar(node) || node->kind == NODE_NULL)
        return false;
    if (shape->kind == SHAPE_INT || shape->kind == SHAPE_NUMBER)
        return number_fits(shape, node, error);
    if (shape->kind == SHAPE_BOOL)
        return node->kind == NODE_BOOL;
    if (shape->kind == SHAPE_CONDITION)
        return condition_fits(node);
    if (shape->kind == SHAPE_SCALAR || shape->kind == SHAPE_ANY || shape->kind == SHAPE_VERSION)
        return text_fits(shape, node, error);
    if (node->kind != NODE_TEXT)
        return error_set(error, ERROR_CONFIG, "put it in quotes if it is meant as text");
    return text_fits(shape, node, error);
}
