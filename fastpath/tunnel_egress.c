/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Egress to tunnels: see tunnel_egress.h. The header is copied with a length that the compiler
 * knows, then patched: destination MAC address, lengths, entropy, label, and the checksum by what
 * the total length adds to it.
 */

#include "fastpath/tunnel_egress.h"

#include "fastpath/drop.h"
#include "fastpath/too_big.h"
#include "fastpath/ttl.h"
#include "fastpath/worker.h"
#include "lib/net/encapsulation.h"

/* RFC 7510: the source port says which flow it is, in the dynamic range. */
#define ENTROPY_PORT_FIRST 49152u
#define ENTROPY_BITS       14u

struct outer_udp {
    struct eth_header eth;
    struct ipv4_header ip;
    struct udp_header udp;
    mpls_entry label;
} __attribute__((packed));

struct outer_gre {
    struct eth_header eth;
    struct ipv4_header ip;
    struct gre_header gre;
    mpls_entry label;
} __attribute__((packed));

/* What both have in common, patched for an outer IP packet of `length` octets. */
static inline void
patch_ipv4(struct ipv4_header *ip, uint16_t length)
{
    ip->total_length = htobe16(length);
    ip->checksum = checksum_update16(ip->checksum, 0, ip->total_length);
}

static inline void
write_udp(void *at, const struct endpoint *endpoint, mpls_entry label, uint16_t inner_length,
          uint32_t hash)
{
    struct outer_udp *outer = at;
    const uint16_t udp_length =
        (uint16_t)(sizeof(outer->udp) + sizeof(outer->label) + inner_length);

    memcpy(outer, endpoint->header, offsetof(struct outer_udp, label));
    patch_ipv4(&outer->ip, (uint16_t)(sizeof(outer->ip) + udp_length));
    outer->udp.source_port =
        htobe16((uint16_t)(ENTROPY_PORT_FIRST + (hash >> (32 - ENTROPY_BITS))));
    outer->udp.length = htobe16(udp_length);
    outer->label = label;
}

static inline void
write_gre(void *at, const struct endpoint *endpoint, mpls_entry label, uint16_t inner_length)
{
    struct outer_gre *outer = at;

    memcpy(outer, endpoint->header, offsetof(struct outer_gre, label));
    patch_ipv4(&outer->ip, (uint16_t)(sizeof(outer->ip) + sizeof(outer->gre) +
                                      sizeof(outer->label) + inner_length));
    outer->label = label;
}

/* A complete frame whose next hop's MAC address is not known: the slow path finds it out. */
static void
wait_for_adjacency(struct worker *worker, struct rte_mbuf *packet, uint32_t vif,
                   const struct endpoint *endpoint, uint32_t index, uint16_t l3_offset)
{
    const struct packet_note note = {
        .reason = PUNT_ADJACENCY,
        .port = endpoint->port,
        .vif = vif,
        .adjacency = endpoint->adjacency,
        .l3_offset = l3_offset,
        .account = PACKET_ACCOUNT_ENDPOINT | index,
    };

    punt(worker, packet, &note);
}

static void
egress_one(struct worker *worker, struct burst *burst, unsigned i)
{
    struct rte_mbuf *packet = burst->packets[i];
    const path_t path = burst->paths[i];
    const uint32_t index = path_target(path);
    const struct endpoint *endpoint = endpoint_at(&worker->tables->endpoints, index);
    struct ipv4_header *inner = burst_ipv4(burst, i);
    const uint16_t length = burst->lengths[i];

    if (unlikely(endpoint == NULL)) {
        drop(worker, packet, DROP_ENDPOINT_GONE, burst->vifs[i]);
        return;
    }
    /* out of one tunnel and into another: two labels that lead to each other must not loop */
    if (burst->vifs[i] == VIF_NONE) {
        if (inner->ttl <= 1) {
            drop(worker, packet, DROP_TTL_EXPIRED, VIF_NONE);
            return;
        }
        ttl_decrement(inner);
    }
    if (unlikely(length > endpoint->mtu)) {
        too_big(worker, burst, i, endpoint->mtu);
        return;
    }

    const uint16_t header_length = (uint16_t)(endpoint->header_length + sizeof(mpls_entry));

    if (unlikely(rte_pktmbuf_headroom(packet) + burst->l3_offsets[i] < header_length)) {
        drop(worker, packet, DROP_HEADROOM, burst->vifs[i]);
        return;
    }
    (void)rte_pktmbuf_adj(packet, burst->l3_offsets[i]);

    void *at = rte_pktmbuf_prepend(packet, header_length);
    const mpls_entry label = mpls_entry_make(path_label(path), 0, inner->ttl);

    if (endpoint->encapsulation == ENCAP_UDP)
        write_udp(at, endpoint, label, length, burst->hashes[i]);
    else
        write_gre(at, endpoint, label, length);

    const uint64_t link = atomic_load_explicit(
        &worker->tables->adjacencies.entries[endpoint->adjacency].link, memory_order_acquire);

    if (unlikely((link & ADJACENCY_UP) == 0)) {
        wait_for_adjacency(worker, packet, burst->vifs[i], endpoint, index, header_length);
        return;
    }
    memcpy(at, &link, sizeof(struct mac_addr)); /* its low octets, as they stand in the frame */
    transmit(worker, endpoint->port, packet, PACKET_ACCOUNT_ENDPOINT | index);
}

void
tunnel_egress(struct worker *worker, struct burst *burst, const struct group *group)
{
    for (unsigned i = 0; i < group->n; i++)
        egress_one(worker, burst, group->at[i]);
}
