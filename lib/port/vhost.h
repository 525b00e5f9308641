/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The socket of a vhost-user port. The driver offers guests what rte_vhost can, and starts to serve
 * its socket at once. That is more than we do for guests: checksums and TCP's segments of both
 * families (fastpath/complete.h), but no fragments of UDP, and no ECN in what is cut. What a guest
 * was offered once it keeps, so the offer must be cut before a guest can see it: the driver works
 * on a path of its own, and the socket gets its name, or the driver its way to the guest's socket,
 * when the offer is right.
 *
 * All functions: helper thread (or at start), may block.
 */

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/port/spec.h"

#define VHOST_PATH_MAX 108

/**
 * Keeps up to date what the guest that is connected can do without: `offloads` is written whenever
 * one comes or goes, on rte_vhost's thread, and is zero in between. The device is configured, and
 * nobody can connect yet.
 * @param offloads enum port_offload
 */
int vhost_follow(uint16_t ethdev, _Atomic uint8_t *offloads);

/** Ends that, before the device is closed. */
void vhost_unfollow(uint16_t ethdev, _Atomic uint8_t *offloads);

/** The path on which the driver works; nothing is there afterwards. */
void vhost_prepare(const struct port_spec *spec, char path[VHOST_PATH_MAX]);

/**
 * Cuts the offer to guests and lets them connect. The device is configured.
 * @return 0 or a negative errno: -EEXIST if somebody else listens on the socket.
 */
int vhost_publish(const struct port_spec *spec);

/** Takes the names away again that vhost_publish() gave, before the device is closed. */
void vhost_withdraw(const struct port_spec *spec);
