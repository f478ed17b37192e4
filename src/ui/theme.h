/* SPDX-License-Identifier: ISC */
/*
 * Themes: what each style role looks like. A theme is a text file of lines `ROLE FOREGROUND BACKGROUND [bold] [dim] [underline] [reverse]
 * [italic]`; a colour is `default`, one of the sixteen names (`red`, `bright-red` …) or a number up to 255. `#` begins a comment.
 */
#ifndef UI_THEME_H
#define UI_THEME_H

#include "berth/base/error.h"
#include "ui/style.h"

enum look {
    LOOK_BOLD = 1 << 0,
    LOOK_DIM = 1 << 1,
    LOOK_UNDERLINE = 1 << 2,
    LOOK_REVERSE = 1 << 3,
    LOOK_ITALIC = 1 << 4
};
#define COLOUR_DEFAULT (-1)
struct appearance {
    short foreground, background; /* COLOUR_DEFAULT, or 0..255 */
    unsigned looks;               /* enum look */
};
struct theme {
    struct appearance styles[STYLE_COUNT];
};

#define THEME_LIMIT (64u << 10) /* bytes of a theme file */
/* ERROR_CONFIG names file:line, what was found and what was expected. Every role must be there once. */
bool theme_parse(const char *file, const char *text, struct theme *theme, struct error *error) BERTH_MUST_CHECK;
/* A theme that comes with berth ("dark", "monochrome"), NAME.theme in the person's configuration folder, or a path with a '/'. */
bool theme_load(const char *name, struct theme *theme, struct error *error) BERTH_MUST_CHECK;
/* Takes every colour away, keeps the looks: for NO_COLOR. */
void theme_uncolour(struct theme *theme);

#endif
