/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * What the sender of a packet was told to leave undone, done in software: the checksum of TCP or
 * UDP, and the cutting of TCP into segments. Whether it is done here, and where, says
 * fastpath/offload.h.
 */

#include <stdbool.h>

#include <rte_mbuf.h>

#include "lib/net/headers.h"

struct worker;

/* Segments that a packet may be cut into: 64 KiB with the segment size that TCP begins with, 536
 * octets (RFC 9293). A guest that asks for more makes work for the worker at no price. */
#define COMPLETE_SEGMENTS_MAX 128

/* Where the headers of a whole TCP or UDP packet stand. */
struct layers {
    uint8_t family, protocol;
    uint16_t l3;   /* octets from the packet's start to the IP header */
    uint16_t l4;   /* to the TCP or UDP header */
    uint16_t data; /* to what is behind it */
    uint32_t end;  /* to the IP packet's end */
};

/** @return false for what is no TCP or UDP packet, or not with its headers in the first segment. */
bool layers_find(struct rte_mbuf *packet, uint16_t l3_offset, struct layers *layers);

/** True for TCP whose data is more than one segment. */
static inline bool
layers_are_large(const struct rte_mbuf *packet, const struct layers *layers)
{
    return (packet->ol_flags & RTE_MBUF_F_RX_LRO) != 0 && layers->protocol == IP_PROTOCOL_TCP &&
           packet->tso_segsz != 0 && layers->end - layers->data > packet->tso_segsz;
}

/** True if these are more segments than may be asked for. */
static inline bool
layers_are_too_many(const struct rte_mbuf *packet, const struct layers *layers)
{
    return layers->end - layers->data > (uint32_t)packet->tso_segsz * COMPLETE_SEGMENTS_MAX;
}

/**
 * Does what is left to do. What is no whole TCP or UDP packet stays as it is.
 * @param l3_offset octets from the packet's start to its IP header; each segment has the same
 * @param vif whom a drop is counted for, or VIF_NONE
 * @param segments the packets that come of it, in order: at most COMPLETE_SEGMENTS_MAX
 * @return how many; 0: it was dropped
 */
unsigned complete(struct worker *worker, struct rte_mbuf *packet, uint16_t l3_offset, uint32_t vif,
                  struct rte_mbuf *segments[COMPLETE_SEGMENTS_MAX]);
