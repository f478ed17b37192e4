/* SPDX-License-Identifier: ISC */
/*
 * The attributes of one inner resource that a plan changes, from the trees that terraform gives: what is before and after, and which parts of them are unknown
 * or sensitive. Pure; anything may be in the trees. A sensitive value never comes out, only a keyed fingerprint of it.
 */
#ifndef PROVIDER_TERRAFORM_ATTRIBUTES_H
#define PROVIDER_TERRAFORM_ATTRIBUTES_H

#include "provider/key.h"

#include <jansson.h>

struct redactor;

#define ATTRIBUTES_LIMIT 500          /* of one inner resource; the rest is one fingerprint */
#define ATTRIBUTE_TEXT_LIMIT 1024     /* bytes of a value that are shown; of the rest a fingerprint */
#define ATTRIBUTE_DEPTH_LIMIT 48      /* what is deeper is one value */
#define FINGERPRINT_SIZE (5 + 32 + 1) /* "hmac:" and half of the digest */

struct fingerprints {                /* what values are hidden with */
    const unsigned char *key;        /* KEY_BYTES */
    const struct redactor *redactor; /* values it knows are sensitive too; may be NULL */
    const json_t *shorts; /* object: texts too short for it, sensitive where they are a whole value; or NULL */
};
/* Of a value as part of something: the same value elsewhere has another one. */
void fingerprint(const struct fingerprints *with, const char *of, const char *path, const json_t *value,
                 char text[FINGERPRINT_SIZE]);
/* True when any part of the value holds a secret that the redactor knows. */
bool holds_secret(const struct fingerprints *with, const json_t *value);

struct attribute_trees { /* all borrowed, each may be NULL */
    const json_t *before, *after, *unknown, *before_sensitive, *after_sensitive;
    const json_t *replace_paths; /* list of lists of steps */
};
/* A list of {"path","before","after","sensitive","unknown","forces"}, in the order of their paths; only what differs. New reference. */
json_t *attribute_changes(const struct fingerprints *with, const char *address, const struct attribute_trees *trees)
    __attribute__((warn_unused_result));

#endif
