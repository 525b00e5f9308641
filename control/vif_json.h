/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* An interface as JSON, with the keys of the verb vif.add: from the control socket, and to and from
 * the state directory. */

#include <jansson.h>

#include "control/config.h"

/**
 * Reads an interface; members that are absent have their defaults. Types must be right (the control
 * socket checks them; elsewhere wrong ones count as absent). vif_config_check() is left to the
 * caller.
 * @return 0, or -EINVAL with field and text.
 */
int vif_config_from_json(const json_t *object, struct vif_config *vif, struct config_error *error);

/** Reads what vif.set may change, of the same keys, over what `*vif` holds. @return as above. */
int vif_config_changes_from_json(const json_t *object, struct vif_config *vif,
                                 struct config_error *error);

/** The interface with all its members, or NULL without memory. */
json_t *vif_config_to_json(const struct vif_config *vif);
