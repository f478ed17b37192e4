/* SPDX-License-Identifier: ISC */
/* What a provider is told about its call: when to give up, when to stop, where to log. */
#include "berth/provider.h"

#include "berth/base/log.h"
#include "berth/base/time.h"
#include "berth/store_log.h"

#include <limits.h>
#include <poll.h>
#include <stdarg.h>

bool provider_stopped(const struct provider_context *context)
{
    struct pollfd stop = {.fd = context->stop_fd, .events = POLLIN};
    return context->stop_fd >= 0 && poll(&stop, 1, 0) > 0;
}

int provider_left_ms(const struct provider_context *context)
{
    if (context->deadline_ms == 0)
        return INT_MAX;
    int64_t left = context->deadline_ms - time_monotonic_ms();
    return left <= 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

void provider_log(const struct provider_context *context, const char *format, ...)
{
    struct str text = STR_INIT, line = STR_INIT;
    struct error error = {0};
    va_list arguments;
    if (!context->log)
        return;
    va_start(arguments, format);
    str_addv(&text, format, arguments);
    va_end(arguments);
    if (context->redactor)
        redact_text(context->redactor, text.data, &line);
    else
        str_add(&line, text.data);
    str_add_char(&line, '\n');
    if (!run_log_append(context->log, line.data, line.length, &error))
        log_error("provider", LOG_WARNING, &error);
    str_release(&text);
    str_release(&line);
}
