/* SPDX-License-Identifier: BSD-3-Clause */

/* Ingress from virtual interfaces: see vif_ingress.h. */

#include "fastpath/vif_ingress.h"

#include "fastpath/address.h"
#include "fastpath/drop.h"
#include "fastpath/express.h"
#include "fastpath/ingress.h"
#include "fastpath/mss.h"
#include "fastpath/segments.h"
#include "fastpath/trace.h"
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

/* Given to the interface, and such that an answer could be forwarded to it: a prefix of everything
 * does not give a middle-box the addresses that nobody may send from (RFC 1812 section 5.3.7). */
static bool
source_is_allowed(const struct vif *vif, uint32_t source)
{
    if (address_check(source) != DROP_REASONS)
        return false;
    for (unsigned i = 0; i < vif->n_sources; i++) {
        if ((source & vif->sources[i].mask) == vif->sources[i].network)
            return true;
    }
    return false;
}

static bool
source6_is_allowed(const struct vif *vif, const uint8_t *source)
{
    if (address6_check(source) != DROP_REASONS)
        return false;
    for (unsigned i = 0; i < vif->n_sources6; i++) {
        if (address6_is_in(source, vif->sources6[i].network, vif->sources6[i].length))
            return true;
    }
    return false;
}

/* DHCP from a client to anybody or to its gateway; to another address it is a packet as any. */
static bool
is_dhcp(const struct vif *vif, const struct ip_view *ip, size_t here)
{
    if (ip->protocol != IP_PROTOCOL_UDP || ip->fragment ||
        here < ip->header_length + sizeof(struct udp_header) ||
        ip->total_length < ip->header_length + sizeof(struct udp_header))
        return false;

    const struct udp_header *udp = (const void *)(ip->octets + ip->header_length);

    return udp->destination_port == htobe16(UDP_PORT_DHCP_SERVER) &&
           udp->source_port == htobe16(UDP_PORT_DHCP_CLIENT) &&
           (ip->destination == UINT32_MAX || ip->destination == ip_addr_to_v4(&vif->gateway));
}

/* An IPv4 packet of the guest. */
static struct verdict
judge_ipv4(const struct vif *vif, const struct eth_header *eth, const struct ip_view *ip,
           size_t here)
{
    const bool source_allowed = source_is_allowed(vif, ip->source);

    if ((source_allowed || ip->source == 0) && is_dhcp(vif, ip, here))
        return to_slow_path(PUNT_DHCP4);
    if ((eth->destination.octets[0] & 1) != 0)
        return refuse(DROP_MULTICAST);
    if (!mac_is(&eth->destination, &vif->gateway_mac))
        return refuse(DROP_DESTINATION_MAC);
    if (!source_allowed)
        return refuse(DROP_SOURCE_ADDRESS);

    const enum drop_reason destination = address_check(ip->destination);
    if (destination != DROP_REASONS)
        return refuse(destination);
    if (ip->v4->ttl <= 1 && ip->destination != ip_addr_to_v4(&vif->gateway))
        return to_slow_path(PUNT_TTL_EXPIRED);
    return (struct verdict){ GO_ON, 0 };
}

/* An IPv6 packet of the guest. Link-local addresses, and none, are good enough to talk to the
 * router itself. */
static struct verdict
judge_ipv6(const struct vif *vif, const struct eth_header *eth, const struct ip_view *ip,
           size_t here)
{
    const uint8_t *source = ip->v6->source, *destination = ip->v6->destination;
    const bool source_allowed = source6_is_allowed(vif, source);

    if (parse_is_nd(ip, here))
        return source_allowed || address6_is_link_local(source) || address6_is_unspecified(source)
                   ? to_slow_path(PUNT_ND)
                   : refuse(DROP_SOURCE_ADDRESS);
    if ((eth->destination.octets[0] & 1) != 0)
        return refuse(DROP_MULTICAST);
    if (!mac_is(&eth->destination, &vif->gateway_mac6))
        return refuse(DROP_DESTINATION_MAC);
    if ((source_allowed || address6_is_link_local(source)) &&
        memcmp(destination, vif->gateway6.octets, sizeof(ip->v6->destination)) == 0)
        return to_slow_path(PUNT_GATEWAY);
    if (!source_allowed)
        return refuse(DROP_SOURCE_ADDRESS);

    const enum drop_reason reason = address6_check(destination);
    if (reason != DROP_REASONS)
        return refuse(reason);
    return ip->v6->hop_limit <= 1 ? to_slow_path(PUNT_TTL_EXPIRED) : (struct verdict){ GO_ON, 0 };
}

/* What the guest may send. `ip` is filled if the verdict is about an IP packet. */
static struct verdict
judge(const struct vif *vif, const struct rte_mbuf *packet, const struct frame_view *frame,
      struct ip_view *ip)
{
    const uint8_t *start = (const uint8_t *)frame->eth + frame->l3_offset;
    const size_t here = rte_pktmbuf_data_len(packet) - frame->l3_offset;
    const size_t length = rte_pktmbuf_pkt_len(packet) - frame->l3_offset;
    enum drop_reason malformed;

    if (!vif->up)
        return refuse(DROP_INTERFACE_DOWN);
    if (!mac_is(&frame->eth->source, &vif->mac))
        return refuse(DROP_SOURCE_MAC);
    switch (frame->type) {
    case ETHERTYPE_IPV4:
        malformed = parse_ipv4(start, here, length, ip);
        return malformed == PARSE_OK ? judge_ipv4(vif, frame->eth, ip, here)
                                     : refuse(segments_reason(packet, malformed));
    case ETHERTYPE_IPV6:
        malformed = parse_ipv6(start, here, length, ip);
        return malformed == PARSE_OK ? judge_ipv6(vif, frame->eth, ip, here)
                                     : refuse(segments_reason(packet, malformed));
    case ETHERTYPE_ARP:
        return to_slow_path(PUNT_ARP);
    default:
        return refuse(DROP_ETHERTYPE);
    }
}

/* Puts a packet that goes on at the burst's end. */
static inline void
burst_add(struct burst *burst, struct rte_mbuf *packet, const struct vif *vif,
          const struct frame_view *frame, const struct ip_view *ip)
{
    const unsigned i = burst->n++;
    const uint32_t frame_length = (uint32_t)frame->l3_offset + ip->total_length;

    burst->packets[i] = packet;
    burst->paths[i] = path_make(PATH_VRF, vrf_upstream_root(vif->vrf), 0);
    burst->destinations[i] = ip->destination;
    burst->hashes[i] = parse_flow_hash(ip, rte_pktmbuf_data_len(packet) - frame->l3_offset);
    burst->vifs[i] = vif->id;
    burst->vrfs[i] = vif->vrf;
    burst->l3_offsets[i] = frame->l3_offset;
    burst->lengths[i] = ip->total_length;
    burst->families[i] = ip->family;
    if (rte_pktmbuf_pkt_len(packet) > frame_length)
        segments_cut(packet, frame_length);
    if (ttl_of(burst, i) > 1) /* else it is for the gateway itself */
        ttl_decrement(burst, i);
}

static void
ingress_one(struct worker *worker, struct rte_mbuf *packet, struct burst *burst)
{
    struct frame_view frame;
    struct ip_view ip;

    if (unlikely(!ingress_frame(worker, &packet, &frame)))
        return;

    const struct vif *vif =
        vif_at(&worker->tables->vifs, vif_lookup(&worker->tables->vifs, burst->port, frame.vlan));

    if (unlikely(vif == NULL)) {
        drop(worker, packet, DROP_NO_INTERFACE, VIF_NONE);
        return;
    }
    traffic_add(&worker->counters->vifs[vif->id].rx, 1, rte_pktmbuf_pkt_len(packet));

    if (unlikely(vif->metered_in) &&
        !rate_take(&worker->meters[vif->id].in, &vif->rate_in, vif->rates_version,
                   rte_pktmbuf_pkt_len(packet), worker->now)) {
        drop(worker, packet, DROP_RATE_IN, vif->id);
        return;
    }

    const struct verdict verdict = judge(vif, packet, &frame, &ip);

    if (likely(verdict.kind == GO_ON)) {
        traffic_add(&worker->counters->vrfs[vif->vrf].from_vif, 1, ip.total_length);
        trace_from_vif(worker, vif->id);
        burst_add(burst, packet, vif, &frame, &ip);
        if (vif->mss != 0)
            mss_clamp(burst, burst->n - 1, vif->mss);
    } else if (verdict.kind == PUNT) {
        const struct packet_note note = {
            .reason = (uint8_t)verdict.reason,
            .port = burst->port,
            .vif = vif->id,
            .vrf = vif->vrf,
            .l3_offset = frame.l3_offset,
        };

        punt(worker, packet, &note);
    } else {
        drop(worker, packet, (enum drop_reason)verdict.reason, vif->id);
    }
}

/* Packets of one interface, one behind the other, that are counted at once. */
struct run {
    const struct vif *vif;
    uint64_t packets, octets, ip_octets;
};

static inline void
run_count(struct worker *worker, const struct run *run)
{
    if (run->packets == 0)
        return;
    traffic_add(&worker->counters->vifs[run->vif->id].rx, run->packets, run->octets);
    traffic_add(&worker->counters->vrfs[run->vif->vrf].from_vif, run->packets, run->ip_octets);
}

/* What is left to do with ordinary packets that are not all the same: they are counted, and cut
 * where padding follows. */
static void
finish_ordinary(struct worker *worker, const struct express *express, uint64_t ordinary)
{
    struct burst *burst = express->burst;
    struct run run = { 0 };

    for (; ordinary != 0; ordinary &= ordinary - 1) {
        const unsigned i = (unsigned)__builtin_ctzll(ordinary);
        const uint32_t end = (uint32_t)burst->l3_offsets[i] + burst->lengths[i];
        const uint32_t length = rte_pktmbuf_pkt_len(burst->packets[i]);

        if (express->vifs[i] != run.vif) {
            run_count(worker, &run);
            run = (struct run){ .vif = express->vifs[i] };
        }
        run.packets++;
        run.octets += length;
        run.ip_octets += burst->lengths[i];
        if (unlikely(length > end))
            segments_cut(burst->packets[i], end);
        trace_from_vif(worker, run.vif->id);
        if (run.vif->mss != 0)
            mss_clamp(burst, i, run.vif->mss);
    }
    run_count(worker, &run);
}

void
vif_ingress(struct worker *worker, const struct port *port, struct rte_mbuf **packets, unsigned n,
            struct burst *burst)
{
    struct express express = { .burst = burst };

    burst->port = port->number;
    memcpy(burst->packets, packets, n * sizeof(packets[0]));

    const uint64_t ordinary = worker->express(&worker->tables->vifs, packets, n, &express);

    if (likely(!express.uneven && worker->trace == NULL && express.vifs[0]->mss == 0))
        run_count(worker, &(struct run){
                              .vif = express.vifs[0],
                              .packets = n,
                              .octets = express.ip_octets + (uint64_t)n * burst->l3_offsets[0],
                              .ip_octets = express.ip_octets,
                          });
    else
        finish_ordinary(worker, &express, ordinary);
    burst->n = n;
    if (likely(ordinary == ~0ull >> (64 - n)))
        return;
    /* the others are judged in their places: no packet overtakes another */
    burst->n = 0;
    for (unsigned i = 0; i < n; i++) {
        if ((ordinary >> i & 1) != 0)
            burst_move(burst, i, burst->n++);
        else
            ingress_one(worker, packets[i], burst);
    }
}
