/* SPDX-License-Identifier: ISC */
/*
 * What of a module decides how it is initialised: two modules with the same of it need the same plugins from the same places. Said in lines; it may tell apart
 * what would be the same, never the other way round.
 */
#ifndef PROVIDER_TERRAFORM_NEEDS_H
#define PROVIDER_TERRAFORM_NEEDS_H

#include "berth/base/memory.h"
#include "berth/base/str.h"

enum needs_flag {
    NEEDS_BACKEND = 1 << 0, /* it may name a backend: not given is sure, given is not */
    NEEDS_MODULES = 1 << 1, /* it may call modules: the same */
};
struct needs { /* starts zeroed */
    VEC(char *) lines;
    unsigned flags; /* enum needs_flag */
};
void needs_release(struct needs *needs);
/* One more: "KIND NAME". */
void needs_add(struct needs *needs, const char *kind, const char *name);
/* Of one file's text. `language`: its own, else it is JSON. */
enum needs_language { NEEDS_NATIVE, NEEDS_JSON };
void needs_of_text(struct needs *needs, const char *text, size_t length, enum needs_language language);
/* Of the files in a module's folder. */
bool needs_of_folder(struct needs *needs, const char *folder, struct error *error) BERTH_MUST_CHECK;
/* All lines, sorted, each once. */
void needs_text(struct needs *needs, struct str *out);

#endif
