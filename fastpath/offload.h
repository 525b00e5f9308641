/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * What a port leaves to us: a guest that was offered checksum and segmentation offload sends TCP
 * and UDP with a checksum that is not there, and TCP in packets of up to 64 KiB, each to be cut
 * into segments. Both are done in software where a packet comes in, before anything else looks at
 * it: no stage knows of offloads, and the interface's rate, the path's MTU and the counters are
 * about the packets that the network sees. The price is that each segment is looked up alone.
 */

#include <stdbool.h>

#include <rte_mbuf.h>

#include "fastpath/burst.h"

struct worker;

/* Segments that a packet may be cut into: 64 KiB with the segment size that TCP begins with, 536
 * octets (RFC 9293). A guest that asks for more makes work for the worker at no price. */
#define OFFLOAD_SEGMENTS_MAX 128

/** Whether something is left to do on a packet that a port gave. */
static inline bool
offload_is_left(const struct rte_mbuf *packet)
{
    return (packet->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_NONE ||
           (packet->ol_flags & RTE_MBUF_F_RX_LRO) != 0;
}

/**
 * Does it. What is no whole TCP or UDP packet is left as it is, for the stages to judge.
 * @param finished the packets that come of it, in order: at most OFFLOAD_SEGMENTS_MAX
 * @return how many; 0: it was dropped
 */
unsigned offload_finish(struct worker *worker, struct rte_mbuf *packet,
                        struct rte_mbuf *finished[OFFLOAD_SEGMENTS_MAX]);
