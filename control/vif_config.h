/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* Filling in an interface from texts: each function reads one value, appends it where there may be
 * several, and returns 0, or -EINVAL with field and text. */

#include "control/config.h"

int vif_config_address(struct vif_config *vif, const char *text, struct config_error *error);
int vif_config_prefix(struct vif_config *vif, const char *text, struct config_error *error);
int vif_config_dns(struct vif_config *vif, const char *text, struct config_error *error);
int vif_config_mac(struct vif_config *vif, const char *text, struct config_error *error);
int vif_config_gateway(struct vif_config *vif, const char *text, struct config_error *error);
