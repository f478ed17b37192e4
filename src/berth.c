/* SPDX-License-Identifier: ISC */
/* The main of berth: says its version until its rooms stand. */
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--version") == 0)
        return printf("berth %s\n", PACKAGE_VERSION) < 0;
    fprintf(stderr, "usage: berth --version\n");
    return 2;
}
