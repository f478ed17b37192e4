/* SPDX-License-Identifier: ISC */
/* The main of berthd: says its version until its rooms stand. */
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--version") == 0)
        return printf("berthd %s\n", PACKAGE_VERSION) < 0;
    fprintf(stderr, "usage: berthd --version\n");
    return 2;
}
