/* SPDX-License-Identifier: ISC */
/* Whether one scalar is what its shape wants. */
#ifndef BERTH_CONFIG_SCALAR_H
#define BERTH_CONFIG_SCALAR_H

#include "config/schema.h"

/* True when it is; else `error` (code, message) says why where there is more to say than what was expected. */
bool scalar_fits(const struct shape *shape, const struct node *node, struct error *error) BERTH_MUST_CHECK;
bool name_fits(const char *name);
/* "20%" -> 20. */
bool share_parse(const char *text, int *percent) BERTH_MUST_CHECK;
bool is_scalar(const struct node *node);
/* No control characters, valid UTF-8; `lines` allows line ends and tabs. */
enum plain_form { PLAIN_LINE, PLAIN_LINES };
bool text_is_plain(const char *text, enum plain_form form);
/* A regular expression; false with the reason. The match is of the whole text, with a bound on its work. */
bool pattern_valid(const char *pattern, struct error *error) BERTH_MUST_CHECK;
bool pattern_fits(const char *pattern, const char *text);

#endif
