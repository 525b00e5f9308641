/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Checksums and segmentation in software: see complete.h. TCP over IPv4 is cut by rte_gso, which
 * shares the payload between the segments; rte_gso knows no IPv6 (DPDK 22.11 to 24.11), so that is
 * cut here, by copying.
 */

#include "fastpath/complete.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <rte_gso.h>

#include "fastpath/drop.h"
#include "fastpath/offload.h"
#include "fastpath/segments.h"
#include "fastpath/worker.h"
#include "lib/net/checksum.h"
#include "lib/net/parse.h"

static void *
header_at(struct rte_mbuf *packet, uint16_t offset)
{
    return rte_pktmbuf_mtod_offset(packet, void *, offset);
}

/* @return octets of the TCP or UDP header that stands at `start`, 0 if it is not whole. */
static uint16_t
transport_header_length(uint8_t protocol, const uint8_t *start, size_t here)
{
    const struct tcp_header *tcp = (const void *)start;

    if (protocol == IP_PROTOCOL_UDP)
        return here < sizeof(struct udp_header) ? 0 : sizeof(struct udp_header);
    if (protocol != IP_PROTOCOL_TCP || here < sizeof(*tcp))
        return 0;

    const uint16_t length = (uint16_t)((tcp->offset >> 4) * 4);

    return length < sizeof(*tcp) || length > here ? 0 : length;
}

bool
layers_find(struct rte_mbuf *packet, uint16_t l3_offset, struct layers *layers)
{
    const uint8_t *octets = rte_pktmbuf_mtod(packet, const uint8_t *);
    const size_t here = rte_pktmbuf_data_len(packet);
    struct ip_view ip;

    if (parse_ip(octets + l3_offset, here - l3_offset, rte_pktmbuf_pkt_len(packet) - l3_offset,
                 &ip) != PARSE_OK ||
        ip.fragment || ip.transport == 0)
        return false;
    layers->family = ip.family;
    layers->protocol = ip.protocol;
    layers->l3 = l3_offset;
    layers->l4 = (uint16_t)(l3_offset + ip.transport);
    layers->end = (uint32_t)l3_offset + ip.total_length;
    if (layers->l4 > here || layers->l4 > layers->end)
        return false;

    const uint16_t length = transport_header_length(ip.protocol, octets + layers->l4,
                                                    RTE_MIN(here, layers->end) - layers->l4);

    layers->data = (uint16_t)(layers->l4 + length);
    return length != 0;
}

/* Writes the checksum of a packet that ends with its IP packet. */
static void
write_checksum(struct rte_mbuf *packet, const struct layers *layers)
{
    const uint32_t length = rte_pktmbuf_pkt_len(packet) - layers->l4;
    const bool tcp = layers->protocol == IP_PROTOCOL_TCP;
    uint8_t *field = header_at(packet, layers->l4);
    uint64_t sum =
        layers->family == IP_V4
            ? checksum_pseudo_v4(header_at(packet, layers->l3), length)
            : checksum_pseudo_v6(header_at(packet, layers->l3), layers->protocol, length);
    be16 checksum = 0;

    field += tcp ? offsetof(struct tcp_header, checksum) : offsetof(struct udp_header, checksum);
    memcpy(field, &checksum, sizeof(checksum));
    checksum = checksum_finish(sum + segments_sum(packet, layers->l4, length));
    if (checksum == 0 && !tcp)
        checksum = UINT16_MAX; /* RFC 768: zero says that there is none */
    memcpy(field, &checksum, sizeof(checksum));
}

/* Cuts TCP over IPv4. @return segments with lengths, identifiers, sequence numbers and flags. */
static int
cut_ipv4(struct worker *worker, struct rte_mbuf *packet, const struct layers *layers,
         struct rte_mbuf **segments)
{
    /* the library takes this segment's flags for its own buffers' */
    if (RTE_MBUF_HAS_EXTBUF(packet))
        return -ENOTSUP;

    const struct rte_gso_ctx context = {
        .direct_pool = worker->pool,
        .indirect_pool = worker->pool,
        .gso_types = RTE_ETH_TX_OFFLOAD_TCP_TSO,
        .gso_size = (uint16_t)(layers->data + packet->tso_segsz),
    };

    packet->l2_len = layers->l3;
    packet->l3_len = layers->l4 - layers->l3;
    packet->l4_len = layers->data - layers->l4;
    packet->ol_flags |= RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_IPV4;
    return rte_gso_segment(packet, &context, segments, COMPLETE_SEGMENTS_MAX);
}

/* One segment of TCP over IPv6: `length` octets of data, from `offset` in the packet. */
static struct rte_mbuf *
copy_segment(struct worker *worker, struct rte_mbuf *packet, const struct layers *layers,
             uint32_t offset, uint16_t length)
{
    struct rte_mbuf *segment = rte_pktmbuf_alloc(worker->pool);
    uint8_t *octets =
        segment == NULL ? NULL
                        : (uint8_t *)rte_pktmbuf_append(segment, (uint16_t)(layers->data + length));

    if (octets == NULL) {
        rte_pktmbuf_free(segment);
        return NULL;
    }
    memcpy(octets, rte_pktmbuf_mtod(packet, const uint8_t *), layers->data);

    const void *from = rte_pktmbuf_read(packet, offset, length, octets + layers->data);

    if (from != octets + layers->data)
        memcpy(octets + layers->data, from, length);

    struct ipv6_header *ip = header_at(segment, layers->l3);
    struct tcp_header *tcp = header_at(segment, layers->l4);

    ip->payload_length = htobe16((uint16_t)(layers->data + length - layers->l3 - sizeof(*ip)));
    tcp->sequence = htobe32(be32toh(tcp->sequence) + offset - layers->data);
    if (offset + length < layers->end)
        tcp->flags &= (uint8_t) ~(TCP_FIN | TCP_PUSH);
    return segment;
}

/* Cuts TCP over IPv6. */
static int
cut_ipv6(struct worker *worker, struct rte_mbuf *packet, const struct layers *layers,
         struct rte_mbuf **segments)
{
    const uint32_t size = packet->tso_segsz;
    int n = 0;

    for (uint32_t offset = layers->data; offset < layers->end; offset += size) {
        const uint16_t length = (uint16_t)RTE_MIN(layers->end - offset, size);

        segments[n] = copy_segment(worker, packet, layers, offset, length);
        if (segments[n] == NULL) {
            rte_pktmbuf_free_bulk(segments, (unsigned)n);
            return -ENOMEM;
        }
        n++;
    }
    return n;
}

/* Cuts a packet, and gives each segment its checksums. */
static unsigned
cut(struct worker *worker, struct rte_mbuf *packet, const struct layers *layers, uint32_t vif,
    struct rte_mbuf **segments)
{
    const int n = layers->family == IP_V4 ? cut_ipv4(worker, packet, layers, segments)
                                          : cut_ipv6(worker, packet, layers, segments);

    if (n <= 0) {
        drop(worker, packet, n == -ENOMEM ? DROP_NO_MEMORY : DROP_SEGMENTS, vif);
        return 0;
    }
    for (int i = 0; i < n; i++) {
        struct ipv4_header *ip = header_at(segments[i], layers->l3);

        if (layers->family == IP_V4) {
            ip->checksum = 0;
            ip->checksum = checksum_ipv4(ip, layers->l4 - layers->l3);
        }
        segments[i]->ol_flags = 0;
        write_checksum(segments[i], layers);
    }
    counter_add(&worker->counters->balance.consumed, 1);
    counter_add(&worker->counters->balance.originated, (unsigned)n);
    rte_pktmbuf_free(packet);
    return (unsigned)n;
}

unsigned
complete(struct worker *worker, struct rte_mbuf *packet, uint16_t l3_offset, uint32_t vif,
         struct rte_mbuf *segments[COMPLETE_SEGMENTS_MAX])
{
    struct layers layers;
    const bool found = layers_find(packet, l3_offset, &layers);
    const bool large = found && layers_are_large(packet, &layers);

    packet->ol_flags &= ~OFFLOAD_FLAGS;
    segments[0] = packet;
    if (!found)
        return 1;
    if (rte_pktmbuf_pkt_len(packet) > layers.end)
        segments_cut(packet, layers.end);
    if (!large) {
        write_checksum(packet, &layers);
        return 1;
    }
    if (layers_are_too_many(packet, &layers)) {
        drop(worker, packet, DROP_SEGMENTS, vif);
        return 0;
    }
    return cut(worker, packet, &layers, vif, segments);
}
