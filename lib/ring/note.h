/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * What travels with a packet that changes threads: a note in the packet buffer's private area.
 * Numbers, never pointers into tables: the reader looks them up again and finds them gone if they
 * are.
 */

#include <stdint.h>

#include <rte_mbuf.h>

struct packet_note {
    uint8_t reason;     /* punts: enum punt_reason */
    uint8_t hops;       /* VRFs that the packet has been looked up in */
    uint16_t port;      /* where it came from, or, injected or handed over, where it goes to */
    uint32_t vif;       /* the interface it came from, or VIF_NONE */
    uint32_t adjacency; /* PUNT_ADJACENCY: what the complete outer frame waits for */
    uint16_t l3_offset; /* from the frame's start to the (inner) IP header, octets */
    uint16_t mtu;       /* PUNT_TOO_BIG: the largest IP packet that would pass, octets */
};

/** Octets of private area that every packet pool reserves. */
#define PACKET_PRIVATE_OCTETS RTE_ALIGN_CEIL(sizeof(struct packet_note), RTE_MBUF_PRIV_ALIGN)

/** The note of a packet; from a pool made with PACKET_PRIVATE_OCTETS. */
static inline struct packet_note *
packet_note(struct rte_mbuf *packet)
{
    return rte_mbuf_to_priv(packet);
}
