/* SPDX-License-Identifier: BSD-3-Clause */

/* Ingress from the underlay: see underlay_ingress.h. */

#include "fastpath/underlay_ingress.h"

#include "fastpath/address.h"
#include "fastpath/drop.h"
#include "fastpath/ingress.h"
#include "fastpath/segments.h"
#include "fastpath/worker.h"
#include "lib/net/parse.h"
#include "lib/table/vrf.h"

/* What a reader of the outer headers found. */
enum outer {
    OUTER_TUNNEL,
    OUTER_PUNT,
    OUTER_REFUSED,
};

struct outer_verdict {
    enum outer kind;
    unsigned reason; /* enum punt_reason or enum drop_reason */
};

static inline struct outer_verdict
refuse(enum drop_reason reason)
{
    return (struct outer_verdict){ OUTER_REFUSED, reason };
}

/* Ethernet: to our MAC address; ARP also to all. */
static struct outer_verdict
judge_frame(const struct port *port, const struct frame_view *frame)
{
    const struct mac_addr *destination = &frame->eth->destination;
    const bool group = (destination->octets[0] & 1) != 0;

    if (frame->vlan != VLAN_UNTAGGED)
        return refuse(DROP_NO_INTERFACE);
    if (!group && memcmp(destination, &port->mac, sizeof(port->mac)) != 0)
        return refuse(DROP_DESTINATION_MAC);
    if (frame->type == ETHERTYPE_ARP)
        return (struct outer_verdict){ OUTER_PUNT, PUNT_UNDERLAY_ARP };
    if (frame->type != ETHERTYPE_IPV4)
        return refuse(DROP_ETHERTYPE);
    if (group)
        return refuse(DROP_MULTICAST);
    return (struct outer_verdict){ OUTER_TUNNEL, 0 };
}

/* The outer IP header and the tunnel's. `inner_offset` is counted from the frame's start. */
static struct outer_verdict
judge_outer(uint32_t underlay_address, const struct rte_mbuf *packet,
            const struct frame_view *frame, struct tunnel_view *tunnel, uint32_t *inner_length)
{
    const size_t here = rte_pktmbuf_data_len(packet) - frame->l3_offset;
    struct ipv4_view outer;
    enum drop_reason reason = parse_ipv4((const uint8_t *)frame->eth + frame->l3_offset, here,
                                         rte_pktmbuf_pkt_len(packet) - frame->l3_offset, &outer);

    if (reason != PARSE_OK)
        return refuse(segments_reason(packet, reason));
    if (outer.destination != underlay_address)
        return refuse(DROP_UNDERLAY_DESTINATION);
    if (outer.header->protocol == IP_PROTOCOL_ICMP)
        return (struct outer_verdict){ OUTER_PUNT, PUNT_UNDERLAY_LOCAL };
    reason = parse_tunnel(&outer, here, tunnel);
    if (reason != PARSE_OK)
        return refuse(segments_reason(packet, reason));
    *inner_length = (uint32_t)outer.total_length - tunnel->inner_offset;
    return (struct outer_verdict){ OUTER_TUNNEL, 0 };
}

/* The inner packet, from `offset` in the frame: validated, then alone in the buffer. */
static enum drop_reason
take_inner(struct rte_mbuf *packet, uint32_t offset, uint32_t length, struct ipv4_view *ip)
{
    const uint32_t here = rte_pktmbuf_data_len(packet) - offset;
    enum drop_reason reason =
        parse_ipv4(rte_pktmbuf_mtod_offset(packet, const uint8_t *, offset), here, length, ip);

    if (reason != PARSE_OK) /* what ends before its header does ends within the datagram */
        return here < length ? segments_reason(packet, reason) : reason;
    reason = address_check(ip->destination);
    if (reason != DROP_REASONS)
        return reason;
    (void)rte_pktmbuf_adj(packet, (uint16_t)offset);
    if (rte_pktmbuf_pkt_len(packet) > ip->total_length)
        segments_cut(packet, ip->total_length);
    return DROP_REASONS;
}

/* Counts what came out of the tunnel for the VRF that its label leads to. */
static void
count_from_tunnel(struct worker *worker, path_t path, uint32_t octets)
{
    uint32_t vrf;

    if (path_kind(path) == PATH_VRF) {
        vrf = vrf_of_root(path_target(path));
    } else if (path_kind(path) == PATH_VIF) {
        const struct vif *vif = vif_at(&worker->tables->vifs, path_target(path));

        if (vif == NULL)
            return;
        vrf = vif->vrf;
    } else {
        return;
    }
    traffic_add(&worker->counters->vrfs[vrf].from_tunnel, 1, octets);
}

static inline void
burst_add(struct burst *burst, struct rte_mbuf *packet, path_t path, const struct ipv4_view *ip)
{
    const unsigned i = burst->n++;

    burst->packets[i] = packet;
    burst->paths[i] = path;
    burst->destinations[i] = ip->destination;
    /* delivered by its label, it needs no hash */
    burst->hashes[i] =
        path_kind(path) == PATH_VIF ? 0 : parse_flow_hash(ip, rte_pktmbuf_data_len(packet));
    burst->vifs[i] = VIF_NONE;
    burst->l3_offsets[i] = 0;
    burst->lengths[i] = ip->total_length;
}

static void
ingress_one(struct worker *worker, struct rte_mbuf *packet, struct burst *burst)
{
    struct outer_verdict verdict;
    struct frame_view frame;
    struct tunnel_view tunnel;
    struct ipv4_view ip;
    uint32_t inner_length = 0;
    enum drop_reason reason;

    if (unlikely(!ingress_frame(worker, &packet, &frame)))
        return;

    verdict = judge_frame(burst->port, &frame);
    if (verdict.kind == OUTER_TUNNEL)
        verdict = judge_outer(worker->underlay_address, packet, &frame, &tunnel, &inner_length);
    if (unlikely(verdict.kind == OUTER_PUNT)) {
        const struct packet_note note = {
            .reason = (uint8_t)verdict.reason,
            .port = burst->port->number,
            .vif = VIF_NONE,
            .l3_offset = frame.l3_offset,
        };

        punt(worker, packet, &note);
        return;
    }
    if (unlikely(verdict.kind == OUTER_REFUSED)) {
        drop(worker, packet, (enum drop_reason)verdict.reason, VIF_NONE);
        return;
    }

    const path_t path = label_get(&worker->tables->labels, tunnel.label);

    if (unlikely(path_kind(path) == PATH_NONE)) {
        drop(worker, packet, DROP_LABEL_UNKNOWN, VIF_NONE);
        return;
    }
    reason = take_inner(packet, (uint32_t)frame.l3_offset + tunnel.inner_offset, inner_length, &ip);
    if (unlikely(reason != DROP_REASONS)) {
        drop(worker, packet, reason, VIF_NONE);
        return;
    }
    count_from_tunnel(worker, path, ip.total_length);
    burst_add(burst, packet, path, &ip);
}

void
underlay_ingress(struct worker *worker, const struct port *port, struct rte_mbuf **packets,
                 unsigned n, struct burst *burst)
{
    burst->port = port;
    burst->n = 0;
    for (unsigned i = 0; i < n; i++) {
        burst_prefetch(packets, i, n);
        ingress_one(worker, packets[i], burst);
    }
}
