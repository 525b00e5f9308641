/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* Between the files that read the sections of millrace.conf. Each function returns 0, or -EINVAL
 * after it has complained; a section is added to its array, which has room for it. */

#include <confuse.h>

#include "control/config.h"

/** Appends what a section says to `config`, which has room. @return 0, or -EINVAL with a text. */
int config_certificates_read(cfg_t *section, struct config *config, struct config_error *error);
int config_server_read(cfg_t *section, struct config *config, struct config_error *error);
int config_underlay_read(cfg_t *section, struct config *config, struct config_error *error);
int config_vpn_read(cfg_t *section, struct config *config, struct config_error *error);
int config_vif_read(cfg_t *section, struct config *config, struct config_error *error);

/** A list of encapsulations in the order of preference; untouched if the key is not given. */
int config_encapsulations_read(cfg_t *section, const char *key, uint8_t *list, unsigned *n,
                               struct config_error *error);
