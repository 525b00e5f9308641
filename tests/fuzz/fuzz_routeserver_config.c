/* SPDX-License-Identifier: BSD-3-Clause */

/* millrace-rs's configuration file: whatever it says, it is read or refused with a text. */

#include <stdint.h>
#include <stdlib.h>

#include "control/routeserver/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char error[RS_CONFIG_ERROR_MAX];
    struct rs_config config;

    if (rs_config_read((const char *)data, size, "fuzz", &config, error) == 0)
        rs_config_free(&config);
    else if (error[0] == '\0' || config.vpns != NULL)
        abort();
    return 0;
}
