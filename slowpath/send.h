/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* The way out of the slow path: the inject ring of the worker that owns the port. */

#include "lib/stats/reasons.h"
#include "slowpath/context.h"

/**
 * Sends a frame that the slow path made, and counts it as originated.
 * @param vif the interface it is for, or VIF_NONE
 * @return DROP_REASONS; or DROP_PORT_GONE or DROP_NO_MEMORY: then nothing was originated.
 */
enum drop_reason send_frame(struct slowpath *slowpath, uint16_t port, uint32_t vif,
                            const struct frame *frame);

/** Sends an IP packet without link header that the slow path made, to where its destination is
 * routed to in a VRF, and counts it as originated. @return as send_frame(). */
enum drop_reason send_routed(struct slowpath *slowpath, uint32_t vrf, const struct frame *packet);

/** Sends a packet that is a complete frame and whose note says whose transmission it is; it is
 * dropped and counted if that cannot be. */
void send_packet(struct slowpath *slowpath, uint16_t port, uint32_t vif, struct rte_mbuf *packet);

/** Frees a packet and counts why, for the interface `vif` too unless it is VIF_NONE. */
void drop_packet(struct slowpath *slowpath, uint32_t vif, struct rte_mbuf *packet,
                 enum drop_reason reason);
