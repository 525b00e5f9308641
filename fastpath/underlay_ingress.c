/* SPDX-License-Identifier: BSD-3-Clause */

/* Ingress from the underlay: see underlay_ingress.h. */

#include "fastpath/underlay_ingress.h"

#include "fastpath/address.h"
#include "fastpath/drop.h"
#include "fastpath/host.h"
#include "fastpath/ingress.h"
#include "fastpath/reverse_path.h"
#include "fastpath/segments.h"
#include "fastpath/source_guard.h"
#include "fastpath/spread.h"
#include "fastpath/trace.h"
#include "fastpath/traffic_class.h"
#include "fastpath/worker.h"
#include "lib/net/checksum.h"
#include "lib/net/parse.h"
#include "lib/table/vrf.h"

/* What a reader of the outer headers found. */
enum outer {
    OUTER_TUNNEL,
    OUTER_FRAGMENT,
    OUTER_PUNT,
    OUTER_HOST, /* for the kernel of this host */
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

/* Ethernet: to our MAC address; ARP also to all, and IPv6 to groups for neighbour discovery. */
static struct outer_verdict
judge_frame(const struct underlay *underlay, const struct port *port,
            const struct frame_view *frame)
{
    const struct mac_addr *destination = &frame->eth->destination;
    const bool group = (destination->octets[0] & 1) != 0;

    if (frame->vlan != underlay->vlan)
        return refuse(DROP_NO_INTERFACE);
    if (!group && memcmp(destination, &port->mac, sizeof(port->mac)) != 0)
        return refuse(DROP_DESTINATION_MAC);
    if (frame->type == ETHERTYPE_ARP)
        return (struct outer_verdict){ OUTER_PUNT, PUNT_UNDERLAY_ARP };
    if (frame->type != ETHERTYPE_IPV4 && frame->type != ETHERTYPE_IPV6)
        return refuse(DROP_ETHERTYPE);
    if (group && frame->type == ETHERTYPE_IPV4)
        return refuse(DROP_MULTICAST);
    return (struct outer_verdict){ OUTER_TUNNEL, 0 };
}

static bool
is_for_us(const struct underlay *underlay, const struct ip_view *outer)
{
    if (outer->family == IP_V4)
        return underlay->v4.family != IP_NONE && outer->destination == ip_addr_to_v4(&underlay->v4);
    return underlay->v6.family != IP_NONE &&
           memcmp(outer->v6->destination, underlay->v6.octets, sizeof(outer->v6->destination)) == 0;
}

/* The kernel has an address of its own there, beside ours. */
static bool
is_link_local(const struct ip_view *outer)
{
    return outer->family == IP_V6 && address6_is_link_local(outer->v6->destination);
}

/* Errors may be about our tunnels: the slow path looks at them, and passes them on. What else there
 * is the kernel answers, or the slow path where no kernel is to. */
static struct outer_verdict
judge_icmp(const struct ip_view *outer, size_t here, bool has_host)
{
    if (has_host && !parse_is_icmp_error(outer, here))
        return (struct outer_verdict){ OUTER_HOST, 0 };
    return (struct outer_verdict){ OUTER_PUNT, PUNT_UNDERLAY_LOCAL };
}

/* The checksum of a datagram in several segments: DROP_REASONS if it is right. */
static enum drop_reason
verify_outer(const struct rte_mbuf *packet, uint16_t l3_offset, const struct ip_view *outer)
{
    const uint32_t length = (uint32_t)outer->total_length - outer->transport;
    const bool udp = outer->protocol == IP_PROTOCOL_UDP;
    uint64_t sum = segments_sum(packet, (uint32_t)l3_offset + outer->transport, length);

    if (udp)
        sum += outer->family == IP_V4 ? checksum_pseudo_v4(outer->v4, length)
                                      : checksum_pseudo_v6(outer->v6, IP_PROTOCOL_UDP, length);
    if (checksum_finish(sum) == 0)
        return DROP_REASONS;
    return udp ? DROP_UDP_CHECKSUM : DROP_GRE_CHECKSUM;
}

/* The outer IP header and the tunnel's. */
static struct outer_verdict
judge_outer(struct worker *worker, const struct rte_mbuf *packet, const struct frame_view *frame,
            struct ip_view *outer, struct tunnel_view *tunnel)
{
    const bool has_host = port_of_role(worker->ports, PORT_HOST) != NULL;
    const uint8_t *start = (const uint8_t *)frame->eth + frame->l3_offset;
    const size_t here = rte_pktmbuf_data_len(packet) - frame->l3_offset;
    const size_t length = rte_pktmbuf_pkt_len(packet) - frame->l3_offset;
    enum drop_reason reason = frame->type == ETHERTYPE_IPV4
                                  ? parse_ipv4(start, here, length, outer)
                                  : parse_ipv6(start, here, length, outer);

    if (reason != PARSE_OK)
        return refuse(segments_reason(packet, reason));
    if (parse_is_nd(outer, here))
        return (struct outer_verdict){ OUTER_PUNT, PUNT_UNDERLAY_ND };
    if ((frame->eth->destination.octets[0] & 1) != 0)
        return refuse(DROP_MULTICAST);
    if (!is_for_us(worker->underlay, outer))
        return has_host && is_link_local(outer) ? (struct outer_verdict){ OUTER_HOST, 0 }
                                                : refuse(DROP_UNDERLAY_DESTINATION);
    if (outer->protocol == (outer->family == IP_V4 ? IP_PROTOCOL_ICMP : IP_PROTOCOL_ICMPV6))
        return judge_icmp(outer, here, has_host);
    if (outer->fragment && parse_is_tunnel(outer, here))
        return (struct outer_verdict){ OUTER_FRAGMENT, 0 };
    reason = parse_tunnel(outer, here, tunnel);
    if (unlikely(tunnel->unverified)) {
        const enum drop_reason wrong = verify_outer(packet, frame->l3_offset, outer);

        if (wrong != DROP_REASONS)
            return refuse(wrong);
    }
    if (reason == DROP_UNDERLAY_PROTOCOL)
        return (struct outer_verdict){ OUTER_HOST, 0 };
    if (reason != PARSE_OK)
        return refuse(segments_reason(packet, reason));
    return (struct outer_verdict){ OUTER_TUNNEL, 0 };
}

static enum drop_reason
check_destination(const struct ip_view *ip)
{
    return ip->family == IP_V4 ? address_check(ip->destination)
                               : address6_check(ip->v6->destination);
}

/* The inner packet, from `offset` in the frame: validated, then alone in the buffer.
 * @param family what the tunnel says that it is, or IP_NONE */
static enum drop_reason
take_inner(struct rte_mbuf *packet, uint32_t offset, uint32_t length, uint8_t family,
           struct ip_view *ip)
{
    const uint8_t *start = rte_pktmbuf_mtod_offset(packet, const uint8_t *, offset);
    const uint32_t here = rte_pktmbuf_data_len(packet) - offset;
    enum drop_reason reason = parse_ip(start, here, length, ip);

    if (reason != PARSE_OK) /* what ends before its header does ends within the datagram */
        return here < length ? segments_reason(packet, reason) : reason;
    if (family != IP_NONE && family != ip->family)
        return DROP_IP_VERSION;
    reason = check_destination(ip);
    if (reason != DROP_REASONS)
        return reason;
    (void)rte_pktmbuf_adj(packet, (uint16_t)offset);
    if (rte_pktmbuf_pkt_len(packet) > ip->total_length)
        segments_cut(packet, ip->total_length);
    return DROP_REASONS;
}

/* The packet's DSCP and ECN after its tunnel's. */
static enum drop_reason
take_class(const struct underlay *underlay, uint8_t outer_class, const struct ip_view *ip,
           struct rte_mbuf *packet)
{
    const uint8_t before = ip_view_class(ip);
    uint8_t class;

    if (!traffic_class_inwards(underlay, outer_class, before, &class))
        return DROP_ECN;
    if (class != before)
        traffic_class_write(ip->family, rte_pktmbuf_mtod(packet, void *), class);
    return DROP_REASONS;
}

static struct ip_addr
source_of(const struct ip_view *outer)
{
    return outer->family == IP_V4 ? ip_addr_from_v4(outer->source)
                                  : ip_addr_from_v6(outer->v6->source);
}

/* The VRF that a label leads into, VRF_NONE if it leads on. */
static uint32_t
vrf_of_path(const struct worker *worker, path_t path)
{
    if (path_kind(path) == PATH_VRF)
        return vrf_of_root(path_target(path));
    if (path_kind(path) == PATH_VIF) {
        const struct vif *vif = vif_at(&worker->tables->vifs, path_target(path));

        return vif == NULL ? VRF_NONE : vif->vrf;
    }
    return VRF_NONE;
}

static inline void
burst_add(struct burst *burst, struct rte_mbuf *packet, path_t path, uint32_t vrf,
          const struct ip_view *ip)
{
    const unsigned i = burst->n++;

    burst->packets[i] = packet;
    burst->paths[i] = path;
    burst->destinations[i] = ip->destination;
    /* delivered by its label, it needs no hash */
    burst->hashes[i] =
        path_kind(path) == PATH_VIF ? 0 : parse_flow_hash(ip, rte_pktmbuf_data_len(packet));
    burst->vifs[i] = VIF_NONE;
    burst->vrfs[i] = vrf;
    burst->l3_offsets[i] = 0;
    burst->lengths[i] = ip->total_length;
    burst->families[i] = ip->family;
}

/* Whatever is on the underlay's side of the tunnel: for the slow path, the host, or nobody. */
static void
end_outside(struct worker *worker, uint16_t port, struct rte_mbuf *packet,
            const struct frame_view *frame, const struct outer_verdict *verdict)
{
    const struct packet_note note = {
        .reason = (uint8_t)verdict->reason,
        .port = port,
        .vif = VIF_NONE,
        .vrf = VRF_NONE,
        .l3_offset = frame->l3_offset,
    };

    if (verdict->kind == OUTER_PUNT)
        punt(worker, packet, &note);
    else if (verdict->kind == OUTER_HOST)
        host_deliver(worker, packet);
    else
        drop(worker, packet, (enum drop_reason)verdict->reason, VIF_NONE);
}

/* Tunnelled packets of a burst between its two passes: what their outer headers said. */
struct arrivals {
    unsigned n;
    struct rte_mbuf *packets[BURST_PACKETS];
    struct ip_view outers[BURST_PACKETS];
    struct tunnel_view tunnels[BURST_PACKETS];
    uint16_t l3_offsets[BURST_PACKETS]; /* of the outer IP header */
    bool received[BURST_PACKETS];       /* here, or made here: its flow may be another worker's */
};

static void
pass_outer(struct worker *worker, const struct port *port, struct rte_mbuf *packet, bool received,
           struct arrivals *arrivals)
{
    const unsigned i = arrivals->n;
    struct outer_verdict verdict;
    struct frame_view frame;

    if (unlikely(!ingress_frame(worker, &packet, &frame)))
        return;

    verdict = judge_frame(worker->underlay, port, &frame);
    if (verdict.kind == OUTER_TUNNEL)
        verdict = judge_outer(worker, packet, &frame, &arrivals->outers[i], &arrivals->tunnels[i]);
    if (unlikely(verdict.kind == OUTER_FRAGMENT)) {
        if (received && spread_fragment(worker, port, packet, &arrivals->outers[i]))
            return;
        packet = reassemble(worker, packet, &frame, &arrivals->outers[i]);
        if (packet != NULL)
            pass_outer(worker, port, packet, true, arrivals);
        return;
    }
    if (unlikely(verdict.kind != OUTER_TUNNEL)) {
        end_outside(worker, port->number, packet, &frame, &verdict);
        return;
    }
    arrivals->packets[i] = packet;
    arrivals->l3_offsets[i] = frame.l3_offset;
    arrivals->received[i] = received;
    arrivals->n++;
}

/* To the worker that owns the inner flow, if it must be spread, and if that is another one. */
static inline bool
pass_to_owner(struct worker *worker, const struct port *port, const struct arrivals *arrivals,
              unsigned i)
{
    const struct tunnel_view *tunnel = &arrivals->tunnels[i];

    return spread_is_needed(port, tunnel, worker->rings->n_workers) &&
           spread(worker, port, arrivals->packets[i],
                  (uint32_t)arrivals->l3_offsets[i] + tunnel->inner_offset,
                  (uint32_t)arrivals->outers[i].total_length - tunnel->inner_offset);
}

/* From the label on. */
static void
pass_inner(struct worker *worker, const struct arrivals *arrivals, unsigned i, struct burst *burst)
{
    const struct tunnel_view *tunnel = &arrivals->tunnels[i];
    const struct ip_view *outer = &arrivals->outers[i];
    const uint8_t outer_class = ip_view_class(outer);
    const uint16_t length = outer->total_length;
    struct rte_mbuf *packet = arrivals->packets[i];
    struct ip_view ip;

    const path_t path =
        tunnel->label < LABEL_SPACE ? label_get(&worker->tables->labels, tunnel->label) : PATH_NONE;

    if (unlikely(path_kind(path) == PATH_NONE)) {
        drop(worker, packet, DROP_LABEL_UNKNOWN, VIF_NONE);
        return;
    }

    enum drop_reason reason =
        take_inner(packet, (uint32_t)arrivals->l3_offsets[i] + tunnel->inner_offset,
                   (uint32_t)length - tunnel->inner_offset, tunnel->family, &ip);

    if (likely(reason == DROP_REASONS))
        reason = take_class(worker->underlay, outer_class, &ip, packet);
    if (unlikely(reason != DROP_REASONS)) {
        drop(worker, packet, reason, VIF_NONE);
        return;
    }

    const uint32_t vrf = vrf_of_path(worker, path);

    if (likely(vrf != VRF_NONE))
        traffic_add(&worker->counters->vrfs[vrf].from_tunnel, 1, ip.total_length);
    trace_from_tunnel(worker, tunnel->label, path);
    burst_add(burst, packet, path, vrf, &ip);
}

void
underlay_ingress(struct worker *worker, const struct port *port, struct rte_mbuf **packets,
                 unsigned n, bool handed_over, struct burst *burst)
{
    const struct underlay *underlay = worker->underlay;
    const bool check_sources = underlay->check_sources && !handed_over;
    struct arrivals arrivals = { .n = 0 };
    struct ip_addr sources[BURST_PACKETS];
    bool allowed[BURST_PACKETS];

    burst->port = port->number;
    burst->n = 0;
    for (unsigned i = 0; i < n; i++) {
        burst_prefetch(packets, i, n);
        pass_outer(worker, port, packets[i], !handed_over, &arrivals);
    }
    if (check_sources)
        source_guard(worker, arrivals.outers, arrivals.n, allowed);
    for (unsigned i = 0; i < arrivals.n; i++) {
        if (check_sources && unlikely(!allowed[i])) {
            drop(worker, arrivals.packets[i], DROP_OUTER_SOURCE, VIF_NONE);
            continue;
        }
        if (arrivals.received[i] && pass_to_owner(worker, port, &arrivals, i))
            continue;
        if (unlikely(underlay->check_reverse_path))
            sources[burst->n] = source_of(&arrivals.outers[i]);
        pass_inner(worker, &arrivals, i, burst);
    }
    if (unlikely(underlay->check_reverse_path))
        reverse_path(worker, burst, sources);
}
