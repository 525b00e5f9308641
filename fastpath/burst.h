/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * A burst: packets that walk through the stages side by side, as arrays. An ingress half fills it
 * with packets whose IP header is validated; the middle gives each a path and sorts the indices
 * into groups; an egress half takes a group.
 */

#include <stdint.h>

#include <rte_mbuf.h>

#include "lib/net/headers.h"
#include "lib/port/port.h"
#include "lib/ring/note.h"
#include "lib/table/path.h"
#include "lib/table/vif.h"

/* Packets of one burst: what is taken from a port or ring at once. Nothing else in the stages
 * depends on it; it may be as much as 64. */
#define BURST_PACKETS 32

/* The arrays that vectors are stored to have room for one that begins at the last packet. */
#define BURST_ROOM (BURST_PACKETS + 16)

struct burst {
    uint16_t port; /* where all of them came from, PORT_NONE: made here */
    unsigned n;
    struct rte_mbuf *packets[BURST_PACKETS];
    path_t paths[BURST_PACKETS];
    uint32_t destinations[BURST_ROOM]; /* of the (inner) IPv4 header, host order */
    uint32_t hashes[BURST_PACKETS];    /* of the flow */
    uint32_t vifs[BURST_ROOM];         /* came from this interface; VIF_NONE: from a tunnel */
    uint32_t vrfs[BURST_PACKETS];      /* entered this VRF; VRF_NONE: a label led elsewhere */
    uint16_t l3_offsets[BURST_ROOM];   /* from the packet's start to the (inner) IP header */
    uint16_t lengths[BURST_ROOM];      /* of the (inner) IP packet, and the end of the buffer */
    uint8_t families[BURST_ROOM];      /* of the (inner) IP header: IP_V4 or IP_V6 */
};

/* Packets of a burst that go the same way, by index. */
struct group {
    unsigned n;
    uint8_t at[BURST_PACKETS];
};

struct worker;

/* An egress half: sends the packets of the group. */
typedef void (*egress_half)(struct worker *worker, struct burst *burst, const struct group *group);

/* A packet ahead of the one at work, whose headers are fetched into the cache. */
#define PREFETCH_AHEAD 4

static inline void
burst_prefetch(struct rte_mbuf *const *packets, unsigned i, unsigned n)
{
    if (i + PREFETCH_AHEAD < n)
        rte_prefetch0(rte_pktmbuf_mtod(packets[i + PREFETCH_AHEAD], void *));
}

/** The (inner) IPv4 header of a packet of the burst: in the first segment, as ingress has seen. */
static inline struct ipv4_header *
burst_ipv4(const struct burst *burst, unsigned i)
{
    return rte_pktmbuf_mtod_offset(burst->packets[i], struct ipv4_header *, burst->l3_offsets[i]);
}

/** The same where it is IPv6. */
static inline struct ipv6_header *
burst_ipv6(const struct burst *burst, unsigned i)
{
    return rte_pktmbuf_mtod_offset(burst->packets[i], struct ipv6_header *, burst->l3_offsets[i]);
}

/** Moves a packet to a place before it, which is free. */
static inline void
burst_move(struct burst *burst, unsigned from, unsigned to)
{
    burst->packets[to] = burst->packets[from];
    burst->paths[to] = burst->paths[from];
    burst->destinations[to] = burst->destinations[from];
    burst->hashes[to] = burst->hashes[from];
    burst->vifs[to] = burst->vifs[from];
    burst->vrfs[to] = burst->vrfs[from];
    burst->l3_offsets[to] = burst->l3_offsets[from];
    burst->lengths[to] = burst->lengths[from];
    burst->families[to] = burst->families[from];
}

/** Takes packets that have gone elsewhere out of a burst, a bit each. */
static inline void
burst_remove(struct burst *burst, uint64_t gone)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < burst->n; i++) {
        if ((gone >> i & 1) == 0)
            burst_move(burst, i, kept++);
    }
    burst->n = kept;
}

/** What the slow path is told about a packet of the burst. */
static inline struct packet_note
burst_note(const struct burst *burst, unsigned i, uint8_t reason)
{
    return (struct packet_note){
        .reason = reason,
        .port = burst->port,
        .vif = burst->vifs[i],
        .vrf = burst->vrfs[i],
        .l3_offset = burst->l3_offsets[i],
    };
}
