/* SPDX-License-Identifier: BSD-3-Clause */

/* A main() for fuzzers in builds without libFuzzer: runs the files it is given, and the files of
 * the directories it is given, each also cut short at every octet of its first kilobyte. */

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/file.h"

#define FILE_OCTETS_MAX (16u << 20)
#define CUTS_MAX        1024u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In a block of exactly this size, so that AddressSanitizer sees a read beyond it. */
static void
run_exact(const char *data, size_t size)
{
    uint8_t *copy = malloc(size == 0 ? 1 : size);

    if (copy == NULL)
        abort();
    if (size > 0)
        memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static int
run_file(const char *path)
{
    char *data;
    size_t length;
    int error = file_read(path, FILE_OCTETS_MAX, &data, &length);

    if (error != 0) {
        fprintf(stderr, "%s: %s\n", path, strerror(-error));
        return 1;
    }
    for (size_t size = 0; size < length && size < CUTS_MAX; size++)
        run_exact(data, size);
    run_exact(data, length);
    free(data);
    return 0;
}

static int
run_path(const char *path)
{
    DIR *directory = opendir(path);
    struct dirent *entry;
    int failures = 0, files = 0;

    if (directory == NULL)
        return run_file(path);
    while ((entry = readdir(directory)) != NULL) {
        char inner[4096];
        if (entry->d_name[0] == '.')
            continue;
        if (snprintf(inner, sizeof(inner), "%s/%s", path, entry->d_name) >= (int)sizeof(inner))
            failures++;
        else
            failures += run_file(inner);
        files++;
    }
    closedir(directory);
    if (files == 0)
        fprintf(stderr, "%s: no seeds\n", path);
    return failures + (files == 0);
}

int
main(int argc, char **argv)
{
    int failures = 0;

    for (int i = 1; i < argc; i++)
        failures += run_path(argv[i]);
    return failures != 0;
}
