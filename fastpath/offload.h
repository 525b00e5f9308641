/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * What the sender of a packet was told to leave undone, and who does it. A guest that was offered
 * checksum and segmentation offload sends TCP and UDP with a checksum that is not there, and TCP in
 * packets of up to 64 KiB, to be cut into segments: its port says so in the buffer's flags for
 * receiving. The stages that look at headers do not care. After the lookup such a packet is passed
 * on as it is, with the flags for sending, if it goes to an interface whose port does what is left
 * (struct port, `offloads`); else, and before it goes to the slow path, it is completed in
 * software.
 *
 * Two kinds are completed as soon as they come in: what a port of the underlay gives, where only
 * outer headers can be meant, and large packets of an interface with a rate, which is about the
 * packets that the network sees.
 */

#include <stdbool.h>

#include <rte_mbuf.h>

#include "fastpath/burst.h"

#define OFFLOAD_FLAGS (RTE_MBUF_F_RX_LRO | RTE_MBUF_F_RX_L4_CKSUM_MASK)

/** Whether something is left to do on a packet, or may be on one of several whose flags these are
 * together. */
static inline bool
offload_is_left(uint64_t flags)
{
    return (flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_NONE ||
           (flags & RTE_MBUF_F_RX_LRO) != 0;
}

/** Whether a port is to cut the packet: then its length is not what the MTU is about. */
static inline bool
offload_cuts(const struct rte_mbuf *packet)
{
    return (packet->ol_flags & RTE_MBUF_F_TX_TCP_SEG) != 0;
}

/**
 * Completes, of packets that came in through a port, what cannot wait until after the lookup.
 * @param ready what is then to go through the stages, in order: at most COMPLETE_SEGMENTS_MAX
 * @return how many; 0: it was dropped
 */
unsigned offload_ingress(struct worker *worker, const struct port *port, struct rte_mbuf *packet,
                         struct rte_mbuf **ready);

/** Gives a group to its egress half, in its order, each packet completed or ready to be passed on.
 */
void offload_egress(struct worker *worker, struct burst *burst, const struct group *group,
                    egress_half egress);
