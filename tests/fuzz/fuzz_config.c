/* SPDX-License-Identifier: BSD-3-Clause */

/* The configuration file: whatever it holds, it is read or refused with a text. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "control/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config config;
    struct config_error error;
    FILE *file;

    if (size == 0)
        return 0;
    file = fmemopen((void *)(uintptr_t)data, size, "r");
    if (file == NULL)
        return 0;
    if (config_read(file, "fuzz.conf", &config, &error) == 0)
        config_free(&config);
    else if (error.text[0] == '\0')
        abort();
    fclose(file);
    return 0;
}
