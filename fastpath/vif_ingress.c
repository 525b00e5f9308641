/* SPDX-License-Identifier: BSD-3-Clause */

/* Ingress from virtual interfaces: see vif_ingress.h. */

#include "fastpath/vif_ingress.h"

#include "fastpath/address.h"
#include "fastpath/drop.h"
#include "fastpath/ingress.h"
#include "fastpath/segments.h"
#include "fastpath/ttl.h"
#include "fastpath/worker.h"
#include "lib/net/parse.h"
#include "lib/table/vrf.h"

/* What becomes of a frame: it goes on, is punted, or is dropped for a reason. */
struct verdict {
    enum { GO_ON, PUNT, REFUSE } kind;
    unsigned reason; /* enum punt_reason or enum drop_reason */
};

static inline struct verdict
refuse(enum drop_reason reason)
{
    return (struct verdict){ REFUSE, reason };
}

static inline struct verdict
to_slow_path(enum punt_reason reason)
{
    return (struct verdict){ PUNT, reason };
}

static inline bool
mac_is(const struct mac_addr *a, const struct mac_addr *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

static bool
source_is_allowed(const struct vif *vif, uint32_t source)
{
    for (unsigned i = 0; i < vif->n_sources; i++) {
        if ((source & vif->sources[i].mask) == vif->sources[i].network)
            return true;
    }
    return false;
}

/* DHCP from a client to anybody or to its gateway; to another address it is a packet as any. */
static bool
is_dhcp(const struct vif *vif, const struct ipv4_view *ip, size_t here)
{
    if (ip->header->protocol != IP_PROTOCOL_UDP ||
        (be16toh(ip->header->fragment) & (IPV4_MORE_FRAGMENTS | IPV4_FRAGMENT_OFFSET)) != 0 ||
        here < ip->header_length + sizeof(struct udp_header) ||
        ip->total_length < ip->header_length + sizeof(struct udp_header))
        return false;

    const struct udp_header *udp = (const void *)((const uint8_t *)ip->header + ip->header_length);

    return udp->destination_port == htobe16(UDP_PORT_DHCP_SERVER) &&
           udp->source_port == htobe16(UDP_PORT_DHCP_CLIENT) &&
           (ip->destination == UINT32_MAX || ip->destination == ip_addr_to_v4(&vif->gateway));
}

/* What the guest may send. `ip` is filled if the verdict is about an IPv4 packet. */
static struct verdict
judge(const struct vif *vif, const struct rte_mbuf *packet, const struct frame_view *frame,
      struct ipv4_view *ip)
{
    const size_t here = rte_pktmbuf_data_len(packet) - frame->l3_offset;

    if (!vif->up)
        return refuse(DROP_INTERFACE_DOWN);
    if (!mac_is(&frame->eth->source, &vif->mac))
        return refuse(DROP_SOURCE_MAC);
    if (frame->type == ETHERTYPE_ARP)
        return to_slow_path(PUNT_ARP);
    if (frame->type != ETHERTYPE_IPV4)
        return refuse(DROP_ETHERTYPE);

    const enum drop_reason malformed =
        parse_ipv4((const uint8_t *)frame->eth + frame->l3_offset, here,
                   rte_pktmbuf_pkt_len(packet) - frame->l3_offset, ip);
    if (malformed != PARSE_OK)
        return refuse(segments_reason(packet, malformed));

    const bool source_allowed = source_is_allowed(vif, ip->source);

    if ((source_allowed || ip->source == 0) && is_dhcp(vif, ip, here))
        return to_slow_path(PUNT_DHCP4);
    if ((frame->eth->destination.octets[0] & 1) != 0)
        return refuse(DROP_MULTICAST);
    if (!mac_is(&frame->eth->destination, &vif->gateway_mac))
        return refuse(DROP_DESTINATION_MAC);
    if (!source_allowed)
        return refuse(DROP_SOURCE_ADDRESS);

    const enum drop_reason destination = address_check(ip->destination);
    if (destination != DROP_REASONS)
        return refuse(destination);
    if (ip->header->ttl <= 1 && ip->destination != ip_addr_to_v4(&vif->gateway))
        return to_slow_path(PUNT_TTL_EXPIRED);
    return (struct verdict){ GO_ON, 0 };
}

/* Puts a packet that goes on at the burst's end. */
static inline void
burst_add(struct burst *burst, struct rte_mbuf *packet, const struct vif *vif,
          const struct frame_view *frame, const struct ipv4_view *ip)
{
    const unsigned i = burst->n++;
    const uint32_t frame_length = (uint32_t)frame->l3_offset + ip->total_length;

    burst->packets[i] = packet;
    burst->paths[i] = path_make(PATH_VRF, vrf_upstream_root(vif->vrf), 0);
    burst->destinations[i] = ip->destination;
    burst->hashes[i] = parse_flow_hash(ip, rte_pktmbuf_data_len(packet) - frame->l3_offset);
    burst->vifs[i] = vif->id;
    burst->l3_offsets[i] = frame->l3_offset;
    burst->lengths[i] = ip->total_length;
    if (rte_pktmbuf_pkt_len(packet) > frame_length)
        segments_cut(packet, frame_length);
    if (ip->header->ttl > 1) /* else it is for the gateway itself */
        ttl_decrement(burst_ipv4(burst, i));
}

static void
ingress_one(struct worker *worker, struct rte_mbuf *packet, struct burst *burst)
{
    struct frame_view frame;
    struct ipv4_view ip;

    if (unlikely(!ingress_frame(worker, &packet, &frame)))
        return;

    const struct vif *vif = vif_at(
        &worker->tables->vifs, vif_lookup(&worker->tables->vifs, burst->port->number, frame.vlan));

    if (unlikely(vif == NULL)) {
        drop(worker, packet, DROP_NO_INTERFACE, VIF_NONE);
        return;
    }
    traffic_add(&worker->counters->vifs[vif->id].rx, 1, rte_pktmbuf_pkt_len(packet));

    const struct verdict verdict = judge(vif, packet, &frame, &ip);

    if (likely(verdict.kind == GO_ON)) {
        traffic_add(&worker->counters->vrfs[vif->vrf].from_vif, 1, ip.total_length);
        burst_add(burst, packet, vif, &frame, &ip);
    } else if (verdict.kind == PUNT) {
        const struct packet_note note = {
            .reason = (uint8_t)verdict.reason,
            .port = burst->port->number,
            .vif = vif->id,
            .l3_offset = frame.l3_offset,
        };

        punt(worker, packet, &note);
    } else {
        drop(worker, packet, (enum drop_reason)verdict.reason, vif->id);
    }
}

void
vif_ingress(struct worker *worker, const struct port *port, struct rte_mbuf **packets, unsigned n,
            struct burst *burst)
{
    burst->port = port;
    burst->n = 0;
    for (unsigned i = 0; i < n; i++) {
        burst_prefetch(packets, i, n);
        ingress_one(worker, packets[i], burst);
    }
}
