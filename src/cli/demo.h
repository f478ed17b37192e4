/* SPDX-License-Identifier: ISC */
/* The demo: a throwaway workspace of real local things, and the story played on it where nobody watches. */
#ifndef CLI_DEMO_H
#define CLI_DEMO_H

#include "cli/cli.h"

#define DEMO_PREFIX "berth-demo-" /* of folders in $TMPDIR */
#define DEMO_BROKEN "broken-migration"
#define DEMO_BROKEN_NEXT "refs/demo/" DEMO_BROKEN /* its next commit, which fails on purpose, until it is pushed */
#define DEMO_LEAVES "summer-banner"               /* the branch that is deleted */

struct demo { /* text lives in the arena of `cli` */
    struct cli *cli;
    const char *folder;     /* all of it, canonical */
    const char *repository; /* in it */
    const char *service;    /* path of demo-service */
    const char *program;    /* this program as a shell finds it again */
    const char *tool;       /* what staging's module is applied with: terraform, tofu; "" for neither */
    const char *grace;      /* how long an environment outlives its branch */
};

/* Writes a git repository with a dozen branches into `repository` (made by the caller, empty). Needs the git program. */
bool demo_repository(const struct demo *demo, struct error *error) BERTH_MUST_CHECK;
/* What a first look should find: environments that live, one whose branch is gone, a newer commit that fails, a plan at its gate. Says what it does. */
bool demo_begin(const struct demo *demo, struct error *error) BERTH_MUST_CHECK;
/* Plays the whole story in acts: prints each command, what came of it and the tables. False when something did not do what the story tells. */
bool demo_story(const struct demo *demo, struct error *error) BERTH_MUST_CHECK;
/* Marks a folder as a demo's, so that its end may remove it. */
bool demo_mark(const char *folder, struct error *error) BERTH_MUST_CHECK;
/* Ends the berthd of a demo, the services that its environments started, and removes its folder. ERROR_USAGE where no demo marked it. */
bool demo_end(struct cli *cli, const char *folder, const char *service, struct error *error) BERTH_MUST_CHECK;
/* The demo in `folder`; where that is "" every demo of this user below `below`. Says which. */
bool demo_end_all(struct cli *cli, const char *folder, const char *below, const char *service,
                  struct error *error) BERTH_MUST_CHECK;
/* Runs a program to its end with the output of this one; false when it failed, ERROR_NOT_FOUND when there is none. */
bool demo_run(const char *const *argv, const char *folder, int input_fd, int output_fd,
              struct error *error) BERTH_MUST_CHECK;

#endif
