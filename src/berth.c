/* SPDX-License-Identifier: ISC */
/* The main of berth: the dashboard and the command line, for people. */
#include "berth/cli.h"

int main(int argc, char **argv)
{
    return cli_main(argc, argv);
}
