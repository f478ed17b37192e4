/* SPDX-License-Identifier: ISC */
/*
 * The audit ref as a remote has it, read by the program git (berth is linked with no git of its own), and its comparison with the chain.
 */
#ifndef CLI_AUDIT_REF_H
#define CLI_AUDIT_REF_H

#include "cli/cli.h"

struct audit_commit {
    const char *id;   /* of the commit */
    const char *path; /* what it adds; "" when it does not add one file and nothing else */
    const char *odd;  /* then: what it does instead */
    const char *blob;
    const char *file, *text; /* the file's bytes; the commit's after its tree and parent */
    size_t file_length, text_length;
};
struct audit_ref {
    const char *url, *ref; /* url NULL: none is meant */
    const char *tip;       /* "" there is no such ref */
    int64_t read_at;       /* when it began to be read: what was delivered since may be missing in it */
    VEC(struct audit_commit) commits;
};
/* Which ref is meant: `against` is a URL, a path, the name of a repository, or "" for the receiver of the policy, where it has one. */
bool audit_ref_find(struct cli *cli, const char *against, struct audit_ref *ref, struct error *error) BERTH_MUST_CHECK;
/* Fetches it into a folder of its own, oldest commit first; everything lives in the cli's arena. */
bool audit_ref_read(struct cli *cli, struct audit_ref *ref, struct error *error) BERTH_MUST_CHECK;
void audit_ref_release(struct audit_ref *ref);

struct audit_difference {
    const char *kind; /* changed, unknown, missing, waiting, row, chain */
    int64_t sequence; /* of the chain's entry, 0: none */
    const char *run, *commit, *message;
};
struct audit_comparison {
    VEC(struct audit_difference) differences; /* the first in the chain first */
    size_t runs, others;                      /* records that agree; commits of other stores */
};
bool audit_compare(struct cli *cli, const struct audit_ref *ref, struct audit_comparison *comparison,
                   struct error *error) BERTH_MUST_CHECK;

#endif
