/* SPDX-License-Identifier: ISC */
/*
 * The schema as compiled data: shapes that a node must have. Read from the YAML files embedded in the program (src/config/schema/,
 * src/provider/NAME/schema.yaml); how those are written is in src/config/schema/README.md. Provider files are compiled when first
 * asked for. Everything lives in the arena given to schema_load. A schema that does not compile is a bug of ours: it aborts.
 */
#ifndef BERTH_CONFIG_SCHEMA_H
#define BERTH_CONFIG_SCHEMA_H

#include "berth/base/node.h"
#include "berth/config.h"

enum shape_kind {
    SHAPE_TEXT,     /* any text without control characters but line ends and tabs */
    SHAPE_NAME,     /* letters, digits, '_' and '-', at most 63 */
    SHAPE_KEY,      /* one line, at most 256 bytes, not starting with '$' */
    SHAPE_VARIABLE, /* name of an environment variable */
    SHAPE_VERSION,  /* text or number, read as text */
    SHAPE_PATH,     /* relative, without leaving the repository */
    SHAPE_URL,      /* scheme://… */
    SHAPE_EMAIL,
    SHAPE_HOST_PORT, /* HOST:PORT */
    SHAPE_GLOB,
    SHAPE_BRANCH_GLOB, /* a glob, '!' in front excludes */
    SHAPE_REGEX,
    SHAPE_DURATION,
    SHAPE_INSTANT,
    SHAPE_CRON,
    SHAPE_WINDOW,
    SHAPE_SHARE, /* "20%" */
    SHAPE_INT,
    SHAPE_NUMBER,
    SHAPE_BOOL,
    SHAPE_CONDITION, /* true, false, or one ${{ }} */
    SHAPE_ENUM,      /* one of `words` */
    SHAPE_REF,       /* one of `words`, a name of a section in `to`, or prefix:NAME */
    SHAPE_SCALAR,    /* text, number or bool */
    SHAPE_ANY,       /* any tree without null */
    SHAPE_LIST,
    SHAPE_MAP,  /* keys of the user's choice */
    SHAPE_KEYS, /* the keys named here */
    SHAPE_ONE_OF,
    SHAPE_SECTION, /* a map that a provider understands */
    SHAPE_KIND_COUNT
};
struct shape_key {
    const char *name;
    const struct shape *shape;
    bool required;
    const char *preset; /* the default as text, or "" */
    const char *doc;
};
struct shape_prefix {
    const char *prefix; /* without ':' */
    const char *to;     /* the section its names are of, or "" for any */
};
struct shape {
    enum shape_kind kind;
    const struct shape_key *keys; /* KEYS */
    size_t key_count;
    const struct shape *item;          /* LIST, MAP */
    const struct shape *name;          /* MAP: what its keys must be */
    const struct shape *const *shapes; /* ONE_OF */
    size_t shape_count;
    const char *by;         /* ONE_OF: the key by which the first is known, or "": by the kind of node */
    struct name_list words; /* ENUM, REF */
    struct name_list to;    /* REF */
    const struct shape_prefix *prefixes;
    size_t prefix_count;
    const char *capability; /* SECTION */
    bool has_min, has_max;  /* of a number, of a duration in ms, of how many items */
    int64_t min, max;
    const char *expression; /* the set of roots that ${{ }} may name here, or "" for no ${{ }} */
};
struct capability {
    const char *name;
    const char *by; /* the key that names the provider; "key": the probe's own key does */
    struct name_list providers;
};
struct provider_section { /* what a provider takes for one capability, the common keys included */
    const char *provider, *doc;
    bool built;
    const struct shape *shape;
};

struct schema;
struct schema *schema_load(struct arena *arena, enum schema_kind kind) BERTH_MUST_CHECK;
const struct shape *schema_root(const struct schema *schema);
const char *schema_title(const struct schema *schema);
/* NULL when there is no such capability, no such provider of it. */
const struct capability *schema_capability(struct schema *schema, const char *name);
const struct provider_section *schema_section(struct schema *schema, const char *capability, const char *provider);
/* The names of all capabilities, in the order of capabilities.yaml. */
struct name_list schema_capabilities(const struct schema *schema);
/* The roots of a set ("late"), the members of a root ("env"; empty: not known here), all roots. */
struct name_list schema_path_set(const struct schema *schema, const char *set);
struct name_list schema_path_members(const struct schema *schema, const char *root);
/* "a duration such as 2d": for messages, in the schema's arena. */
const char *shape_expected(struct schema *schema, const struct shape *shape);

#endif
