/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* Filling in an interface from texts: each function reads one value, appends it where there may be
 * several, and returns 0, or -EINVAL with field and text. */

#include "control/config.h"

/** "10.0.0.11" (point-to-point), "10.0.0.11/24" (multipoint) or "2001:db8::11". */
int vif_config_address(struct vif_config *vif, const char *text, struct config_error *error);

/** A network behind the guest, without host bits. */
int vif_config_prefix(struct vif_config *vif, const char *text, struct config_error *error);

/** A name server to tell the guest. */
int vif_config_dns(struct vif_config *vif, const char *text, struct config_error *error);

/** The guest's MAC address: of one host. */
int vif_config_mac(struct vif_config *vif, const char *text, struct config_error *error);

/** Its first-hop router's addresses instead of its VRF's. */
int vif_config_gateway(struct vif_config *vif, const char *text, struct config_error *error);
int vif_config_gateway6(struct vif_config *vif, const char *text, struct config_error *error);

/** What its SYNs may offer: "auto", "off" or octets. */
int vif_config_mss_clamp(struct vif_config *vif, const char *text, struct config_error *error);
