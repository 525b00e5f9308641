/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The host's share of the underlay: what is for our addresses and is no tunnel goes to the kernel
 * through the host port, and what the kernel sends there goes out on the underlay. Frames pass as
 * they are; only the underlay's 802.1Q tag is taken off and put on. Worker.
 */

#include <rte_mbuf.h>

struct worker;

/** Gives a frame from the underlay, at least its Ethernet header in the first segment, to the host
 * port. Without one it is dropped: DROP_HOST. */
void host_deliver(struct worker *worker, struct rte_mbuf *packet);

/** Sends frames from the host port on the underlay. */
void host_forward(struct worker *worker, struct rte_mbuf **packets, unsigned n);
