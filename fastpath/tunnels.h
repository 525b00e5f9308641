/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * What the outer headers of a burst's tunnelled packets said, beside the burst (fastpath/burst.h),
 * by the same index: the way in from the underlay carries it from stage to stage. The frames stay
 * whole until they leave: the burst says where the inner packets begin in them.
 */

#include <rte_mbuf.h>

#include "fastpath/burst.h"
#include "lib/net/addr.h"

struct tunnels {
    uint32_t labels[BURST_ROOM];        /* or VNIs */
    uint32_t sources[BURST_ROOM];       /* outer, IPv4, host order */
    uint16_t outer_offsets[BURST_ROOM]; /* from the packet's start to the outer IP header */
    uint16_t ends[BURST_ROOM];          /* of the outer packet, from there, too */
    uint8_t families[BURST_ROOM];       /* of the outer IP header */
    uint8_t inner_families[BURST_ROOM]; /* as the tunnel says it; IP_NONE: it does not */
    uint8_t encapsulations[BURST_ROOM]; /* enum encapsulation */
};

/** Moves what belongs to a packet to a place before it, which is free. */
static inline void
tunnels_move(struct tunnels *tunnels, unsigned from, unsigned to)
{
    tunnels->labels[to] = tunnels->labels[from];
    tunnels->sources[to] = tunnels->sources[from];
    tunnels->outer_offsets[to] = tunnels->outer_offsets[from];
    tunnels->ends[to] = tunnels->ends[from];
    tunnels->families[to] = tunnels->families[from];
    tunnels->inner_families[to] = tunnels->inner_families[from];
    tunnels->encapsulations[to] = tunnels->encapsulations[from];
}

/** The outer IP header of a packet. */
static inline const uint8_t *
tunnels_outer(const struct tunnels *tunnels, const struct burst *burst, unsigned i)
{
    return rte_pktmbuf_mtod_offset(burst->packets[i], const uint8_t *, tunnels->outer_offsets[i]);
}

/** The 16 octets of an IPv6 outer source. */
static inline const uint8_t *
tunnels_source6(const struct tunnels *tunnels, const struct burst *burst, unsigned i)
{
    return ((const struct ipv6_header *)(const void *)tunnels_outer(tunnels, burst, i))->source;
}

/** The outer source, of either family. */
static inline struct ip_addr
tunnels_source(const struct tunnels *tunnels, const struct burst *burst, unsigned i)
{
    return tunnels->families[i] == IP_V4 ? ip_addr_from_v4(tunnels->sources[i])
                                         : ip_addr_from_v6(tunnels_source6(tunnels, burst, i));
}

/** The octet of DSCP and ECN of the outer IP header. */
static inline uint8_t
tunnels_class(const struct tunnels *tunnels, const struct burst *burst, unsigned i)
{
    const uint8_t *outer = tunnels_outer(tunnels, burst, i);

    return tunnels->families[i] == IP_V4 ? outer[1] : (uint8_t)(outer[0] << 4 | outer[1] >> 4);
}
