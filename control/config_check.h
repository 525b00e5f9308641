/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <confuse.h>

#include "control/config.h"

/**
 * Checks what concerns several sections: names that must exist, values that must not occur twice.
 * `root` is the tree that `config` was read from, for line numbers.
 * @return 0, or -EINVAL after it has complained.
 */
int config_check(cfg_t *root, const struct config *config, struct config_error *error);
