/* SPDX-License-Identifier: ISC */
/* A commit's header and subject, read from the object's bytes: a listing reads a hundred thousand of them. */
#ifndef PROVIDER_GIT_COMMIT_H
#define PROVIDER_GIT_COMMIT_H

#include "berth/base/str.h"

#include <stdint.h>

#define COMMIT_SUBJECT_LIMIT 1000 /* bytes */
#define COMMIT_NAME_LIMIT 250

struct commit_facts { /* all text is valid UTF-8 */
    struct str subject, author, author_email, committer_email;
    int64_t committed_at; /* ms */
};
void commit_facts_init(struct commit_facts *facts);
void commit_facts_release(struct commit_facts *facts);
/* Fills facts (what it held is overwritten). What is missing or malformed is left empty: any bytes give an answer. */
void commit_parse(struct commit_facts *facts, const char *bytes, size_t count);
/* Appends text from git as valid UTF-8: converted from `encoding` (NULL or "": UTF-8); bytes that fit nowhere become \xNN. */
void commit_text(struct str *out, const char *bytes, size_t count, const char *encoding);

#endif
