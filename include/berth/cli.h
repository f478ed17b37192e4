/* SPDX-License-Identifier: ISC */
/*
 * The command line of berth: parses, finds the workspace, opens its store, runs one verb, prints. Without a verb it opens the
 * dashboard. It starts a berthd in the background where none serves the workspace.
 */
#ifndef BERTH_CLI_H
#define BERTH_CLI_H

/* Runs berth with main's arguments. Returns the exit status: 0 done; 1 failed; 2 used wrongly; 3 waits for an approval; 4 refused by policy;
 * 5 conflict; 6 timed out. */
int cli_main(int argc, char **argv);

#endif
