/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Reassembly: see reassembly.h. rte_ip_frag puts fragments together and says nothing of those that
 * it gives up, so each carries a mark in its buffers' private area, by which they are counted.
 */

#define ALLOW_EXPERIMENTAL_API /* rte_ip_frag_table_del_expired_entries(), in 22.11 to 24.11 */

#include "fastpath/reassembly.h"

#include "fastpath/drop.h"
#include "fastpath/host.h"
#include "fastpath/segments.h"
#include "fastpath/source_guard.h"
#include "fastpath/trace.h"
#include "fastpath/worker.h"
#include "lib/net/checksum.h"
#include "lib/ring/note.h"

/* What later stages want to have in the first segment: the outer headers and the inner ones. */
#define HEADERS_MAX 256u

/* In the private area of each segment of a fragment. */
struct mark {
    uint8_t fragments; /* 1 in its first segment, else 0 */
    uint8_t ecn;       /* in the first segment */
};

static_assert(sizeof(struct mark) <= PACKET_PRIVATE_OCTETS, "no room for the mark");

/* A fragment as its headers say. */
struct piece {
    uint16_t header_length; /* IPv6: with the fragment header */
    uint8_t protocol;
    bool more;
    uint32_t offset, length; /* of what it carries, octets */
};

static struct mark *
mark_of(struct rte_mbuf *segment)
{
    return rte_mbuf_to_priv(segment);
}

static void
mark(struct rte_mbuf *packet, uint8_t ecn)
{
    for (struct rte_mbuf *segment = packet; segment != NULL; segment = segment->next)
        *mark_of(segment) = (struct mark){ segment == packet, ecn };
}

/* What the marks in a chain say. */
struct marks {
    unsigned fragments;
    bool congested, incapable; /* one was marked CE, Not-ECT */
};

static struct marks
marks_of(struct rte_mbuf *packet)
{
    struct marks sum = { 0 };

    for (struct rte_mbuf *segment = packet; segment != NULL; segment = segment->next) {
        const struct mark *each = mark_of(segment);

        if (each->fragments == 0)
            continue;
        sum.fragments++;
        sum.congested |= each->ecn == ECN_CE;
        sum.incapable |= each->ecn == ECN_NOT_ECT;
    }
    return sum;
}

/* The fields of an IPv4 fragment. */
static void
read_v4(const struct ip_view *outer, struct piece *piece)
{
    const uint16_t fragment = be16toh(outer->v4->fragment);

    *piece = (struct piece){
        .header_length = outer->header_length,
        .protocol = outer->protocol,
        .more = (fragment & IPV4_MORE_FRAGMENTS) != 0,
        .offset = (fragment & IPV4_FRAGMENT_OFFSET) * 8u,
        .length = (uint32_t)outer->total_length - outer->header_length,
    };
}

/* The fields of an IPv6 fragment. @return false if its header is not where the library wants it. */
static bool
read_v6(const struct ip_view *outer, struct piece *piece)
{
    const struct ipv6_fragment *fragment = (const void *)(outer->octets + sizeof(*outer->v6));
    const uint16_t header_length = sizeof(*outer->v6) + sizeof(*fragment);

    if (outer->v6->next_header != IPV6_FRAGMENT)
        return false;
    *piece = (struct piece){
        .header_length = header_length,
        .protocol = fragment->next_header,
        .more = (be16toh(fragment->offset) & IPV6_MORE_FRAGMENTS) != 0,
        .offset = be16toh(fragment->offset) & IPV6_FRAGMENT_OFFSET,
        .length = (uint32_t)outer->total_length - header_length,
    };
    return true;
}

/* Reads a fragment. @return DROP_REASONS if it may wait for others. */
static enum drop_reason
check(struct worker *worker, const struct ip_view *outer, struct piece *piece)
{
    if (outer->family == IP_V4)
        read_v4(outer, piece);
    else if (!read_v6(outer, piece))
        return DROP_OUTER_FRAGMENT;
    if (piece->protocol != IP_PROTOCOL_UDP && piece->protocol != IP_PROTOCOL_GRE)
        return DROP_OUTER_FRAGMENT;
    if (worker->underlay->check_sources && !source_is_allowed(worker, outer))
        return DROP_OUTER_SOURCE;
    if (piece->length == 0 || (piece->more && piece->length % 8 != 0) ||
        piece->header_length + piece->offset + piece->length > UINT16_MAX ||
        worker->counters->worker.fragments_held == REASSEMBLY_FRAGMENTS)
        return DROP_REASSEMBLY;
    return DROP_REASONS;
}

static void
let_go(struct worker *worker, unsigned fragments)
{
    counter_add(&worker->counters->worker.fragments_held, -(uint64_t)fragments);
}

/* Drops what the library gave up. @return false if there was nothing. */
static bool
bury(struct worker *worker)
{
    struct rte_ip_frag_death_row *dead = &worker->reassembly.dead;
    const bool any = dead->cnt > 0;

    for (uint32_t i = 0; i < dead->cnt; i++) {
        const unsigned fragments = marks_of(dead->row[i]).fragments;

        let_go(worker, fragments);
        counter_add(&worker->counters->drops[DROP_REASSEMBLY], fragments);
        rte_pktmbuf_free(dead->row[i]);
    }
    dead->cnt = 0;
    return any;
}

/* Marks the whole as one of its parts was, and makes its checksum right. */
static void
write_header(struct rte_mbuf *whole, uint16_t l3_offset, uint8_t family, bool congested)
{
    if (family == IP_V4) {
        struct ipv4_header *ip = rte_pktmbuf_mtod_offset(whole, struct ipv4_header *, l3_offset);

        if (congested)
            ip->dscp_ecn |= ECN_CE;
        ip->checksum = 0;
        ip->checksum = checksum_ipv4(ip, (ip->version_ihl & 0x0f) * 4u);
    } else if (congested) {
        struct ipv6_header *ip = rte_pktmbuf_mtod_offset(whole, struct ipv6_header *, l3_offset);

        ip->version_class_flow |= htobe32((uint32_t)ECN_CE << 20);
    }
}

static struct rte_mbuf *
finish(struct worker *worker, struct rte_mbuf *whole, uint16_t l3_offset, uint8_t family)
{
    const struct marks marks = marks_of(whole);

    let_go(worker, marks.fragments);
    counter_add(&worker->counters->balance.consumed, marks.fragments);
    counter_add(&worker->counters->balance.originated, 1);
    trace_whole(worker, marks.fragments);
    if (marks.congested && marks.incapable) {
        drop(worker, whole, DROP_REASSEMBLY, VIF_NONE);
        return NULL;
    }
    write_header(whole, l3_offset, family, marks.congested);
    if (!segments_pull(whole, HEADERS_MAX)) {
        drop(worker, whole, DROP_SEGMENTS, VIF_NONE);
        return NULL;
    }
    return whole;
}

/* A fragment that waits for no others. What cannot be ours may be for the host, who has sources of
 * its own. */
static void
refuse(struct worker *worker, struct rte_mbuf *packet, enum drop_reason reason, uint8_t protocol)
{
    if (reason != DROP_REASSEMBLY && protocol != IP_PROTOCOL_GRE &&
        port_of_role(worker->ports, PORT_HOST) != NULL)
        host_deliver(worker, packet);
    else
        drop(worker, packet, reason, VIF_NONE);
}

struct rte_mbuf *
reassemble(struct worker *worker, struct rte_mbuf *packet, const struct frame_view *frame,
           const struct ip_view *outer)
{
    struct reassembly *reassembly = &worker->reassembly;
    const uint8_t family = outer->family;
    const uint16_t l3_offset = frame->l3_offset;
    void *header = rte_pktmbuf_mtod_offset(packet, void *, l3_offset);
    struct piece piece;
    const enum drop_reason reason = check(worker, outer, &piece);

    if (reason != DROP_REASONS) {
        refuse(worker, packet, reason, outer->protocol);
        return NULL;
    }
    segments_cut(packet, (uint32_t)l3_offset + outer->total_length);
    mark(packet, ip_view_class(outer) & ECN_MASK);
    packet->l2_len = l3_offset;
    packet->l3_len = piece.header_length;
    counter_add(&worker->counters->worker.fragments_held, 1);

    struct rte_ip_frag_tbl *table = reassembly->tables[piece.protocol == IP_PROTOCOL_UDP];
    struct rte_mbuf *whole =
        family == IP_V4
            ? rte_ipv4_frag_reassemble_packet(table, &reassembly->dead, packet, worker->now, header)
            : rte_ipv6_frag_reassemble_packet(
                  table, &reassembly->dead, packet, worker->now, header,
                  (void *)((uint8_t *)header + sizeof(struct ipv6_header)));

    if (bury(worker))
        trace_drop(worker, DROP_REASSEMBLY, VIF_NONE);
    else if (whole == NULL)
        trace_held(worker);
    return whole == NULL ? NULL : finish(worker, whole, l3_offset, family);
}

void
reassembly_expire(struct worker *worker)
{
    if (worker->counters->worker.fragments_held == 0)
        return;
    for (unsigned i = 0; i < REASSEMBLY_PROTOCOLS; i++) {
        rte_ip_frag_table_del_expired_entries(worker->reassembly.tables[i],
                                              &worker->reassembly.dead, worker->now);
        (void)bury(worker);
    }
}
