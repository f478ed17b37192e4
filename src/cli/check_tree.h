/* SPDX-License-Identifier: ISC */
/* The part of berth check that looks at the work tree and its repository. Each adds problems at the place that names what is wrong. */
#ifndef CLI_CHECK_TREE_H
#define CLI_CHECK_TREE_H

#include "cli/cli.h"

/* Programs written "./…" that are not in the tree, are no files or not executable. */
void check_programs(struct cli *cli, const char *folder, const struct template *template, struct problems *problems);
/* A trusted ref that the repository in `folder` does not have; in one without a commit yet it is a warning. Silent where git is not at hand. */
void check_trusted_ref(struct cli *cli, const char *folder, const struct config *config, struct problems *problems);
/* templates/NAME.yml, which nobody reads. */
void check_other_name(struct cli *cli, const char *file, const char *name, struct problems *problems);

#endif
