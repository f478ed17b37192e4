/* SPDX-License-Identifier: ISC */
/* What probes share. */
#include "provider/look.h"

#include "berth/base/time.h"

#include <stdarg.h>

#define TIMEOUT_MS 5000

int look_timeout_ms(const struct provider_context *context, const json_t *spec)
{
    int64_t timeout_ms = TIMEOUT_MS;
    int left_ms = provider_left_ms(context);
    const char *text = json_get_text(spec, "timeout");
    if (text[0] && (!duration_parse(text, &timeout_ms, NULL) || timeout_ms <= 0))
        timeout_ms = TIMEOUT_MS;
    return timeout_ms < left_ms ? (int)timeout_ms : left_ms;
}

bool look_says(struct resource *seen, struct arena *arena, enum resource_status status, const char *format, ...)
{
    struct str text = STR_INIT;
    va_list arguments;
    va_start(arguments, format);
    str_addv(&text, format, arguments);
    va_end(arguments);
    seen->status = (int)status;
    seen->status_reason = arena_strdup(arena, text.data);
    str_release(&text);
    return true;
}
