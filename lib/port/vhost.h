/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The socket of a vhost-user port. The driver offers guests what rte_vhost can, and starts to serve
 * its socket at once. That is more than we do for guests: checksums and TCP's segments of both
 * families (fastpath/offload.h), but no fragments of UDP, and no ECN in what is cut. What a guest
 * was offered once it keeps, so the offer must be cut before a guest can see it: the driver works
 * on a path of its own, and the socket gets its name, or the driver its way to the guest's socket,
 * when the offer is right.
 *
 * All functions: helper thread (or at start), may block.
 */

#include <stddef.h>

#include "lib/port/spec.h"

#define VHOST_PATH_MAX 108

/** The path on which the driver works; nothing is there afterwards. */
void vhost_prepare(const struct port_spec *spec, char path[VHOST_PATH_MAX]);

/**
 * Cuts the offer to guests and lets them connect. The device is configured.
 * @return 0 or a negative errno: -EEXIST if somebody else listens on the socket.
 */
int vhost_publish(const struct port_spec *spec);

/** Takes the names away again that vhost_publish() gave, before the device is closed. */
void vhost_withdraw(const struct port_spec *spec);
