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
#include "fastpath/tunnels.h"
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

/* The inner packet at `i`, validated, with nothing behind it.
 * @param ip filled */
static enum drop_reason
take_inner(const struct tunnels *tunnels, struct burst *burst, unsigned i, struct ip_view *ip)
{
    struct rte_mbuf *packet = burst->packets[i];
    const uint32_t offset = burst->l3_offsets[i], length = tunnels->ends[i] - offset;
    const uint8_t *start = rte_pktmbuf_mtod_offset(packet, const uint8_t *, offset);
    const uint32_t here = rte_pktmbuf_data_len(packet) - offset;
    const uint8_t family = tunnels->inner_families[i];
    enum drop_reason reason = parse_ip(start, here, length, ip);

    if (reason != PARSE_OK) /* what ends before its header does ends within the datagram */
        return here < length ? segments_reason(packet, reason) : reason;
    if (family != IP_NONE && family != ip->family)
        return DROP_IP_VERSION;
    reason = check_destination(ip);
    if (reason != DROP_REASONS)
        return reason;
    if (rte_pktmbuf_pkt_len(packet) > offset + ip->total_length)
        segments_cut(packet, offset + ip->total_length);
    return DROP_REASONS;
}

/* The DSCP and ECN of the packet at `i` after its tunnel's. */
static enum drop_reason
take_class(const struct underlay *underlay, const struct tunnels *tunnels, struct burst *burst,
           unsigned i, const struct ip_view *ip)
{
    const uint8_t before = ip_view_class(ip);
    uint8_t class;

    if (!traffic_class_inwards(underlay, tunnels_class(tunnels, burst, i), before, &class))
        return DROP_ECN;
    if (class != before)
        traffic_class_write(
            ip->family, rte_pktmbuf_mtod_offset(burst->packets[i], void *, burst->l3_offsets[i]),
            class);
    return DROP_REASONS;
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

/* Packets of a burst, a bit each. */
struct marks {
    uint64_t ordinary; /* the express lane's: judged as far as the inner header */
    uint64_t here;     /* received by this worker, or made here: their flows may be others' */
};

/* The tunnelled packet at the burst's end: what its outer headers said. */
static void
add_tunnel(struct burst *burst, struct tunnels *tunnels, struct rte_mbuf *packet,
           uint16_t outer_offset, const struct ip_view *outer, const struct tunnel_view *tunnel)
{
    const unsigned i = burst->n++;

    burst->packets[i] = packet;
    burst->l3_offsets[i] = (uint16_t)(outer_offset + tunnel->inner_offset);
    burst->vifs[i] = VIF_NONE;
    tunnels->labels[i] = tunnel->label;
    tunnels->sources[i] = outer->source;
    tunnels->outer_offsets[i] = outer_offset;
    tunnels->ends[i] = (uint16_t)(outer_offset + outer->total_length);
    tunnels->families[i] = outer->family;
    tunnels->inner_families[i] = tunnel->family;
    tunnels->encapsulations[i] = tunnel->encapsulation;
}

/* Judges a packet by its outer headers; a tunnelled one is added to the burst. */
static void
judge_one(struct worker *worker, const struct port *port, struct rte_mbuf *packet, bool received,
          struct burst *burst, struct tunnels *tunnels, struct marks *marks)
{
    struct outer_verdict verdict;
    struct frame_view frame;
    struct ip_view outer;
    struct tunnel_view tunnel;

    if (unlikely(!ingress_frame(worker, &packet, &frame)))
        return;

    verdict = judge_frame(worker->underlay, port, &frame);
    if (verdict.kind == OUTER_TUNNEL)
        verdict = judge_outer(worker, packet, &frame, &outer, &tunnel);
    if (unlikely(verdict.kind == OUTER_FRAGMENT)) {
        if (received && spread_fragment(worker, port, packet, &outer))
            return;
        packet = reassemble(worker, packet, &frame, &outer);
        if (packet != NULL)
            judge_one(worker, port, packet, true, burst, tunnels, marks);
        return;
    }
    if (unlikely(verdict.kind != OUTER_TUNNEL)) {
        end_outside(worker, port->number, packet, &frame, &verdict);
        return;
    }
    marks->here |= (uint64_t)received << burst->n;
    add_tunnel(burst, tunnels, packet, frame.l3_offset, &outer, &tunnel);
}

/* Judges those that are not ordinary, in their places: no packet overtakes another. */
static void
judge_others(struct worker *worker, const struct port *port, struct rte_mbuf **packets, unsigned n,
             bool received, struct burst *burst, struct tunnels *tunnels, struct marks *marks)
{
    const uint64_t ordinary = marks->ordinary;

    *marks = (struct marks){ 0 };
    burst->n = 0;
    for (unsigned i = 0; i < n; i++) {
        if ((ordinary >> i & 1) == 0) {
            judge_one(worker, port, packets[i], received, burst, tunnels, marks);
            continue;
        }
        marks->ordinary |= 1ull << burst->n;
        marks->here |= (uint64_t)received << burst->n;
        tunnels_move(tunnels, i, burst->n);
        burst_move(burst, i, burst->n++);
    }
}

/* Hands packets over to the workers that own their inner flows. @return those that are gone. */
static uint64_t
hand_to_owners(struct worker *worker, const struct port *port, const struct burst *burst,
               const struct tunnels *tunnels, uint64_t candidates)
{
    uint64_t gone = 0;

    for (; candidates != 0; candidates &= candidates - 1) {
        const unsigned i = (unsigned)__builtin_ctzll(candidates);

        if (spread_is_needed(port, tunnels->encapsulations[i], worker->rings->n_workers) &&
            spread(worker, port, burst->packets[i], burst->l3_offsets[i],
                   (uint32_t)tunnels->ends[i] - burst->l3_offsets[i]))
            gone |= 1ull << i;
    }
    return gone;
}

/* Judges what is inside of the packet at `i`. */
static enum drop_reason
judge_inner(const struct worker *worker, const struct tunnels *tunnels, struct burst *burst,
            unsigned i)
{
    struct ip_view ip;
    enum drop_reason reason = take_inner(tunnels, burst, i, &ip);

    if (likely(reason == DROP_REASONS))
        reason = take_class(worker->underlay, tunnels, burst, i, &ip);
    burst->destinations[i] = ip.destination;
    burst->lengths[i] = ip.total_length;
    burst->families[i] = ip.family;
    return reason;
}

/* The hash of the flow of a packet whose inner header is validated. */
static inline uint32_t
hash_of(const struct burst *burst, unsigned i)
{
    const size_t here = rte_pktmbuf_data_len(burst->packets[i]) - burst->l3_offsets[i];
    const struct ipv4_header *v4 = burst_ipv4(burst, i);
    struct tcp_ports ports;
    struct ip_view ip;

    /* a whole TCP or UDP packet without options, as nearly all are */
    if (likely(burst->families[i] == IP_V4 && v4->version_ihl == 0x45 &&
               (v4->fragment & htobe16(IPV4_MORE_FRAGMENTS | IPV4_FRAGMENT_OFFSET)) == 0 &&
               (v4->protocol == IP_PROTOCOL_TCP || v4->protocol == IP_PROTOCOL_UDP) &&
               here >= sizeof(*v4) + sizeof(ports) &&
               burst->lengths[i] >= sizeof(*v4) + sizeof(ports))) {
        memcpy(&ports, v4 + 1, sizeof(ports));
        return flow_hash(flow_addresses_v4(be32toh(v4->source), burst->destinations[i]),
                         flow_rest(v4->protocol, ports));
    }
    (void)parse_ip((const uint8_t *)v4, here, burst->lengths[i], &ip);
    return parse_flow_hash(&ip, here);
}

/* Packets by one label or labels with one path, one behind the other: what they count is added at
 * once. */
struct run {
    path_t path;
    uint32_t vrf;
    uint64_t packets, octets;
};

static inline void
run_count(struct worker *worker, const struct run *run)
{
    if (run->packets > 0 && run->vrf != VRF_NONE)
        traffic_add(&worker->counters->vrfs[run->vrf].from_tunnel, run->packets, run->octets);
}

/* From the label on. @return those that are gone. */
static uint64_t
enter(struct worker *worker, struct burst *burst, const struct tunnels *tunnels, uint64_t ordinary,
      uint64_t gone)
{
    const struct label_table *labels = &worker->tables->labels;
    struct run run = { .path = PATH_NONE };

    for (unsigned i = 0; i < burst->n; i++) {
        const uint32_t label = tunnels->labels[i];

        burst->paths[i] = label < LABEL_SPACE ? label_get(labels, label) : PATH_NONE;
    }
    for (unsigned i = 0; i < burst->n; i++) {
        const path_t path = burst->paths[i];
        enum drop_reason reason = DROP_REASONS;

        if (unlikely((gone >> i & 1) != 0))
            continue;
        if (unlikely(path_kind(path) == PATH_NONE))
            reason = DROP_LABEL_UNKNOWN;
        else if (unlikely((ordinary >> i & 1) == 0))
            reason = judge_inner(worker, tunnels, burst, i);
        if (unlikely(reason != DROP_REASONS)) {
            drop(worker, burst->packets[i], reason, VIF_NONE);
            gone |= 1ull << i;
            continue;
        }
        if (path != run.path) {
            run_count(worker, &run);
            run = (struct run){ .path = path, .vrf = vrf_of_path(worker, path) };
        }
        run.packets++;
        run.octets += burst->lengths[i];
        burst->vrfs[i] = run.vrf;
        /* delivered by its label, it needs no hash */
        burst->hashes[i] = path_kind(path) == PATH_VIF ? 0 : hash_of(burst, i);
        trace_from_tunnel(worker, tunnels->labels[i], path);
    }
    run_count(worker, &run);
    return gone;
}

void
underlay_ingress(struct worker *worker, const struct port *port, struct rte_mbuf **packets,
                 unsigned n, bool handed_over, struct burst *burst)
{
    const struct underlay *underlay = worker->underlay;
    const uint64_t all = ~0ull >> (64 - n);
    struct tunnels tunnels;
    struct marks marks;
    uint64_t gone = 0;

    burst->port = port->number;
    burst->n = n;
    memcpy(burst->packets, packets, n * sizeof(packets[0]));
    marks.ordinary =
        worker->tunnel_express(&worker->tunnel_heads, &port->mac, packets, n, burst, &tunnels);
    marks.here = handed_over ? 0 : all;
    if (unlikely(marks.ordinary != all))
        judge_others(worker, port, packets, n, !handed_over, burst, &tunnels, &marks);
    if (underlay->check_sources && !handed_over)
        gone = source_guard(worker, burst, &tunnels);
    if (unlikely(worker->rings->n_workers > 1))
        gone |= hand_to_owners(worker, port, burst, &tunnels, marks.here & ~gone);
    gone = enter(worker, burst, &tunnels, marks.ordinary, gone);
    if (unlikely(underlay->check_reverse_path))
        gone = reverse_path(worker, burst, &tunnels, gone);
    if (unlikely(gone != 0))
        burst_remove(burst, gone);
}
