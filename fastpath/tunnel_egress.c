/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Egress to tunnels: see tunnel_egress.h. The endpoint's header is copied with a length that the
 * compiler knows, so that it ends where the inner packet begins; what differs from packet to packet
 * is patched from that point backwards: label, lengths, entropy, the checksum by what the total
 * length adds to it, and last, at the other end, the destination MAC address.
 */

#include "fastpath/tunnel_egress.h"

#include "fastpath/drop.h"
#include "fastpath/too_big.h"
#include "fastpath/traffic_class.h"
#include "fastpath/ttl.h"
#include "fastpath/worker.h"
#include "lib/net/encapsulation.h"

/* RFC 7510, RFC 7348: the source port says which flow it is, in the dynamic range. */
#define ENTROPY_PORT_FIRST 49152u
#define ENTROPY_BITS       14u

#define FLOW_LABEL_MASK 0xfffffu /* RFC 6438 */

/* Headers without more than Ethernet and IPv4 around them fit into one cache line. */
#define HEADER_NARROW 64u
#define HEADER_WIDE   ENDPOINT_HEADER_MAX

/* What stands before the inner packet, from the outer IP header's end on. */
struct shim_gre {
    struct gre_header gre;
    mpls_entry label;
} __attribute__((packed));

struct shim_udp {
    struct udp_header udp;
    mpls_entry label;
} __attribute__((packed));

struct shim_vxlan {
    struct udp_header udp;
    struct vxlan_header vxlan;
    struct eth_header eth;
} __attribute__((packed));

/* A packet on its way into a tunnel; its IP header stands at the buffer's start. */
struct outgoing {
    struct rte_mbuf *packet;
    uint32_t vif; /* it came from, or VIF_NONE */
    uint32_t endpoint, label;
    uint32_t hash;
    uint16_t length; /* of the IP packet */
    uint8_t family, ttl, class;
};

/* All of UDP, in one store: its checksum is zero. */
static inline void
write_udp(struct udp_header *udp, uint16_t destination_port, uint16_t length, uint32_t hash)
{
    const uint64_t octets = (uint64_t)(ENTROPY_PORT_FIRST + (hash >> (32 - ENTROPY_BITS))) << 48 |
                            (uint64_t)destination_port << 32 | (uint64_t)length << 16;
    const uint64_t in_order = htobe64(octets);

    memcpy(udp, &in_order, sizeof(*udp));
}

/* Patches the outer IP header before `octets` of a shim that ends at `end`. What was ready is read
 * where it comes from: a store as wide as a header's is not done yet.
 * @param class what is copied of the packet's DSCP and ECN; zero in the ready-made header */
static inline void
write_ip(uint8_t *end, size_t octets, const struct endpoint *endpoint, const struct outgoing *out,
         uint8_t class)
{
    const uint16_t payload = (uint16_t)(octets + out->length);
    const uint8_t *ready = endpoint->header + sizeof(endpoint->header) - octets;

    if (endpoint->address.family == IP_V4) {
        struct ipv4_header *ip = (struct ipv4_header *)(end - octets) - 1;
        const struct ipv4_header *ready_ip = (const struct ipv4_header *)ready - 1;
        const be16 total_length = htobe16((uint16_t)(sizeof(*ip) + payload));

        ip->total_length = total_length;
        ip->dscp_ecn = ready_ip->dscp_ecn | class;
        ip->checksum = checksum_fill16(ready_ip->checksum, total_length, htobe16(class));
    } else {
        struct ipv6_header *ip = (struct ipv6_header *)(end - octets) - 1;
        const struct ipv6_header *ready_ip = (const struct ipv6_header *)ready - 1;

        ip->version_class_flow = ready_ip->version_class_flow |
                                 htobe32((uint32_t) class << 20 | (out->hash & FLOW_LABEL_MASK));
        ip->payload_length = htobe16(payload);
    }
}

/* Patches the ready-made headers, which end at `end`. */
static inline void
write_headers(uint8_t *end, const struct endpoint *endpoint, const struct outgoing *out,
              uint8_t class, uint8_t mpls_class)
{
    const mpls_entry label = mpls_entry_make(out->label, mpls_class, out->ttl);

    switch (endpoint->encapsulation) {
    case ENCAP_UDP: {
        struct shim_udp *shim = (struct shim_udp *)end - 1;

        write_udp(&shim->udp, UDP_PORT_MPLS, (uint16_t)(sizeof(*shim) + out->length), out->hash);
        shim->label = label;
        write_ip(end, sizeof(*shim), endpoint, out, class);
        break;
    }
    case ENCAP_GRE: {
        struct shim_gre *shim = (struct shim_gre *)end - 1;

        shim->label = label;
        write_ip(end, sizeof(*shim), endpoint, out, class);
        break;
    }
    default: {
        struct shim_vxlan *shim = (struct shim_vxlan *)end - 1;

        write_udp(&shim->udp, UDP_PORT_VXLAN, (uint16_t)(sizeof(*shim) + out->length), out->hash);
        shim->vxlan.vni = htobe32(out->label << 8);
        shim->eth.type = htobe16(ETHERTYPE_IPV4);
        if (out->family == IP_V6) {
            shim->eth.destination = shim->eth.source = MAC_VIRTUAL_ROUTER_V6;
            shim->eth.type = htobe16(ETHERTYPE_IPV6);
        }
        write_ip(end, sizeof(*shim), endpoint, out, class);
    }
    }
}

/* A complete frame whose next hop's MAC address is not known: the slow path finds it out. */
static void
wait_for_adjacency(struct worker *worker, const struct outgoing *out,
                   const struct endpoint *endpoint)
{
    const struct packet_note note = {
        .reason = PUNT_ADJACENCY,
        .port = endpoint->port,
        .vif = out->vif,
        .vrf = VRF_NONE,
        .adjacency = endpoint->adjacency,
        .l3_offset = endpoint->header_length,
        .account = PACKET_ACCOUNT_ENDPOINT | out->endpoint,
    };

    punt(worker, out->packet, &note);
}

/* Puts the headers before a packet that fits, and moves its start there. */
static inline void
encapsulate(const struct underlay *underlay, const struct endpoint *endpoint,
            const struct outgoing *out, uint16_t l3_offset)
{
    struct rte_mbuf *packet = out->packet;
    uint8_t *end = rte_pktmbuf_mtod_offset(packet, uint8_t *, l3_offset);
    const uint8_t class = traffic_class_outwards(underlay, out->class);

    /* copied as a whole, beyond what is used of it */
    if (likely(endpoint->header_length <= HEADER_NARROW))
        memcpy(end - HEADER_NARROW, endpoint->header + HEADER_WIDE - HEADER_NARROW, HEADER_NARROW);
    else
        memcpy(end - HEADER_WIDE, endpoint->header, HEADER_WIDE);
    write_headers(end, endpoint, out, class, traffic_class_mpls(underlay, class));

    const int longer = endpoint->header_length - l3_offset;

    packet->data_off = (uint16_t)(packet->data_off - longer);
    packet->data_len = (uint16_t)(packet->data_len + longer);
    packet->pkt_len = (uint32_t)((int)packet->pkt_len + longer);
}

/* Frames for one port, on their way to transmit(): many at once. */
struct outbox {
    uint16_t port;
    unsigned n;
    struct rte_mbuf *packets[BURST_PACKETS];
    uint32_t accounts[BURST_PACKETS];
};

static void
outbox_send(struct worker *worker, struct outbox *outbox)
{
    transmit_burst(worker, outbox->port, outbox->packets, outbox->accounts, outbox->n);
    outbox->n = 0;
}

static inline void
egress_one(struct worker *worker, const struct underlay *underlay, struct burst *burst, unsigned i,
           const struct endpoint *endpoint, struct outbox *outbox)
{
    const path_t path = burst->paths[i];
    const uint16_t l3_offset = burst->l3_offsets[i];
    struct outgoing out = {
        .packet = burst->packets[i],
        .vif = burst->vifs[i],
        .endpoint = path_target(path),
        .label = path_label(path),
        .hash = burst->hashes[i],
        .length = burst->lengths[i],
        .family = burst->families[i],
    };

    if (unlikely(endpoint == NULL)) {
        drop(worker, out.packet, DROP_ENDPOINT_GONE, out.vif);
        return;
    }
    /* out of one tunnel and into another: two labels that lead to each other must not loop */
    if (out.vif == VIF_NONE && burst->port != PORT_NONE) {
        if (ttl_of(burst, i) <= 1) {
            const struct packet_note note = burst_note(burst, i, PUNT_TTL_EXPIRED);

            punt(worker, out.packet, &note);
            return;
        }
        ttl_decrement(burst, i);
    }
    if (unlikely(out.length > endpoint->mtu)) {
        outbox_send(worker, outbox); /* its fragments are sent behind those */
        too_big(worker, burst, i, endpoint->mtu, tunnel_egress);
        return;
    }
    if (unlikely(out.packet->data_off + l3_offset < HEADER_WIDE)) {
        drop(worker, out.packet, DROP_HEADROOM, out.vif);
        return;
    }
    out.ttl = ttl_of(burst, i);
    out.class = traffic_class_of(burst, i);
    encapsulate(underlay, endpoint, &out, l3_offset);

    const uint64_t link = atomic_load_explicit(
        &worker->tables->adjacencies.entries[endpoint->adjacency].link, memory_order_acquire);

    if (unlikely((link & ADJACENCY_UP) == 0)) {
        wait_for_adjacency(worker, &out, endpoint);
        return;
    }
    /* its low octets, as they stand in the frame */
    memcpy(rte_pktmbuf_mtod(out.packet, uint8_t *), &link, sizeof(struct mac_addr));
    if (unlikely(outbox->port != endpoint->port)) {
        outbox_send(worker, outbox);
        outbox->port = endpoint->port;
    }
    outbox->packets[outbox->n] = out.packet;
    outbox->accounts[outbox->n++] = PACKET_ACCOUNT_ENDPOINT | out.endpoint;
}

/* Finds the endpoints of the packets of a group, and has fetched what will be needed of them. */
static inline void
find_endpoints(const struct worker *worker, const struct burst *burst, const struct group *group,
               const struct endpoint **endpoints)
{
    for (unsigned i = 0; i < group->n; i++) {
        const uint32_t index = path_target(burst->paths[group->at[i]]);

        endpoints[i] = endpoint_at(&worker->tables->endpoints, index);
        rte_prefetch0(endpoints[i]);
        rte_prefetch0((const uint8_t *)endpoints[i] + sizeof(*endpoints[i]) - HEADER_NARROW);
        rte_prefetch0(&worker->counters->endpoints[index]);
    }
}

void
tunnel_egress(struct worker *worker, struct burst *burst, const struct group *group)
{
    const struct underlay underlay = *worker->underlay; /* nobody writes through a copy */
    const struct endpoint *endpoints[BURST_PACKETS];
    struct outbox outbox;

    if (group->n == 0)
        return;
    outbox.port = PORT_NONE;
    outbox.n = 0;
    find_endpoints(worker, burst, group, endpoints);
    for (unsigned i = 0; i < group->n; i++)
        egress_one(worker, &underlay, burst, group->at[i], endpoints[i], &outbox);
    outbox_send(worker, &outbox);
}
