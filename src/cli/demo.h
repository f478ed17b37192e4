/* SPDX-License-Identifier: ISC */
/* The demo: a throwaway workspace of real local things, and the story played on it where nobody watches. */
#ifndef CLI_DEMO_H
#define CLI_DEMO_H

#include "cli/cli.h"

/* Writes a git repository with a dozen branches into `folder` (made by the caller, empty). Needs the git program. `service` is the path of
 * demo-service, written into the scripts. */
bool demo_repository(struct cli *cli, const char *folder, const char *service, struct error *error) BERTH_MUST_CHECK;
/* Plays the story on it: deploy, plan, approve, an answer, a failure, destroy. Prints each command and what it says. False when one of them
 * did not do what the story tells. */
bool demo_story(struct cli *cli, const char *folder, const char *service, struct error *error) BERTH_MUST_CHECK;
/* Runs a program to its end with the output of this one; false when it failed. */
bool demo_run(const char *const *argv, const char *folder, int input_fd, int output_fd,
              struct error *error) BERTH_MUST_CHECK;

#endif
