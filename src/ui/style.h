/* SPDX-License-Identifier: ISC */
/* Styles are roles, never colours; a theme maps each to an appearance. */
#ifndef UI_STYLE_H
#define UI_STYLE_H

enum style {
    STYLE_NORMAL,
    STYLE_TITLE,
    STYLE_MUTED,
    STYLE_STALE, /* old news */
    STYLE_BORDER,
    STYLE_BORDER_PROD,
    STYLE_IDENTITY,
    STYLE_TAB,
    STYLE_TAB_CURRENT,
    STYLE_COLUMN,
    STYLE_KEY,
    STYLE_KEY_DISABLED,
    STYLE_SELECTED, /* laid over the style of each cell of the row */
    STYLE_MATCH,
    STYLE_PROMPT,
    STYLE_BUTTON,
    STYLE_BUTTON_FOCUS,
    STYLE_DANGER,
    STYLE_OK,
    STYLE_RUNNING,
    STYLE_WAITING,
    STYLE_WARNING,
    STYLE_FAILED,
    STYLE_DESTROYING,
    STYLE_GONE,
    STYLE_UNKNOWN,
    STYLE_COUNT
};
extern const char *const style_names[]; /* as a theme file writes them; ends with NULL */

#endif
