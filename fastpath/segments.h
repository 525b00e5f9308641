/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * What a packet buffer may look like. A port may give chains of segments, and buffers that somebody
 * else holds too. The stages change headers in place, in the first segment, which must be ours
 * alone; of the others they change nothing but where they end. Offloads that a port left to do are
 * done before (fastpath/offload.h).
 */

#include <stdbool.h>

#include <rte_mbuf.h>

#include "lib/stats/reasons.h"

/* What the headers of a packet take, those of a tunnel and of what is in it: so much of a chain is
 * brought into its first segment if there is room. */
#define SEGMENTS_HEADERS 256

/** What is rare enough to be looked at closely: not one plain segment of our own. */
static inline bool
segments_are_unusual(const struct rte_mbuf *packet)
{
    const uint64_t unusual = RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL |
                             RTE_MBUF_F_RX_VLAN_STRIPPED | RTE_MBUF_F_TX_OFFLOAD_MASK;

    return packet->nb_segs != 1 || (packet->ol_flags & unusual) != 0 ||
           rte_mbuf_refcnt_read(packet) != 1;
}

/**
 * Looks at an unusual packet: brings headers into the first segment, puts an 802.1Q tag that the
 * port took off back into the frame, and refuses buffers that are shared and flags that are meant
 * for a port.
 * @return DROP_REASONS if the stages can handle it, else DROP_SEGMENTS, DROP_HEADROOM or
 * DROP_FRAME_TOO_SHORT.
 */
enum drop_reason segments_check(struct rte_mbuf **packet);

/** Cuts a packet (at least `length` octets) to `length`: what follows is padding. */
void segments_cut(struct rte_mbuf *packet, uint32_t length);

/** The sum of `length` octets of a packet from `offset` on, for checksum_finish(). */
uint64_t segments_sum(const struct rte_mbuf *packet, uint32_t offset, uint32_t length);

/** Moves octets of the following segments into the first one, until `length` are there, or all.
 * @return false if they do not fit; the packet's content is the same in any case. */
bool segments_pull(struct rte_mbuf *packet, uint16_t length);

/** The reason of a packet that its parser refused: too short, or not in the first segment. */
static inline enum drop_reason
segments_reason(const struct rte_mbuf *packet, enum drop_reason reason)
{
    return reason == DROP_FRAME_TOO_SHORT && packet->nb_segs > 1 ? DROP_SEGMENTS : reason;
}
