/* SPDX-License-Identifier: ISC */
/* The demo: a throwaway workspace of real local things, and the story played on it where nobody watches. */
#ifndef CLI_DEMO_H
#define CLI_DEMO_H

#include "cli/cli.h"

#define DEMO_PREFIX "berth-demo-" /* of folders in $TMPDIR */

/* Writes a git repository with a dozen branches into `folder` (made by the caller, empty). Needs the git program. `service` is the path of
 * demo-service, written into the scripts. */
bool demo_repository(struct cli *cli, const char *folder, const char *service, struct error *error) BERTH_MUST_CHECK;
/* Plays the story on it: deploy, plan, approve, an answer, a failure, destroy. Prints each command and what it says. False when one of them
 * did not do what the story tells. */
bool demo_story(struct cli *cli, const char *folder, const char *service, struct error *error) BERTH_MUST_CHECK;
/* Marks a folder as a demo's, so that its end may remove it. */
bool demo_mark(const char *folder, struct error *error) BERTH_MUST_CHECK;
/* Ends the berthd of a demo, the services that its environments started, and removes its folder. ERROR_USAGE where no demo marked it. */
bool demo_end(struct cli *cli, const char *folder, const char *service, struct error *error) BERTH_MUST_CHECK;
/* The demo in `folder`; where that is "" every demo of this user below `below`. Says which. */
bool demo_end_all(struct cli *cli, const char *folder, const char *below, const char *service,
                  struct error *error) BERTH_MUST_CHECK;
/* Runs a program to its end with the output of this one; false when it failed. */
bool demo_run(const char *const *argv, const char *folder, int input_fd, int output_fd,
              struct error *error) BERTH_MUST_CHECK;

#endif
