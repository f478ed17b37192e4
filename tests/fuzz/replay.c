/* SPDX-License-Identifier: ISC */
/* The main of a fuzz target in an ordinary build: feeds each file of its corpus to it, one TAP test a file. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    long size;
    uint8_t *data;

    if (!file || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0 || fseek(file, 0, SEEK_SET) != 0) {
        if (file)
            fclose(file);
        return -1;
    }
    data = malloc((size_t)size + 1); /* exactly sized but for 0, so that a sanitizer sees one byte read too many */
    if (size > 0 && data)
        data = realloc(data, (size_t)size);
    if (!data || fread(data, 1, (size_t)size, file) != (size_t)size) {
        free(data);
        fclose(file);
        return -1;
    }
    fclose(file);
    LLVMFuzzerTestOneInput(data, (size_t)size);
    free(data);
    return 0;
}

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

int main(int argc, char **argv)
{
    const char *name = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
    char folder[4096];
    struct dirent **entries;
    int count, failed = 0;

    snprintf(folder, sizeof(folder), "%s", argc > 1 ? argv[1] : "");
    if (argc == 1)
        snprintf(folder, sizeof(folder), TEST_SRCDIR "/tests/fuzz/corpus/%s", name);
    count = scandir(folder, &entries, visible, alphasort);
    if (count <= 0) {
        printf("1..1\nnot ok 1 - the corpus %s has files\n", folder);
        return 1;
    }
    printf("1..%d\n", count);
    for (int i = 0; i < count; i++) {
        char path[8192];

        snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
        int result = replay_file(path);
        printf("%s %d - %s\n", result == 0 ? "ok" : "not ok", i + 1, entries[i]->d_name);
        fflush(stdout);
        failed += result != 0;
        free(entries[i]);
    }
    free(entries);
    return failed != 0;
}
