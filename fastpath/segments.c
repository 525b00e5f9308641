/* SPDX-License-Identifier: BSD-3-Clause */

/* Chains and shared buffers: see segments.h. */

#include "fastpath/segments.h"

#include <string.h>

#include <rte_ether.h>

#include "lib/net/checksum.h"

/* The octets of a segment: somebody else reads them, too. */
static bool
data_is_shared(const struct rte_mbuf *segment)
{
    return (segment->ol_flags & RTE_MBUF_F_INDIRECT) != 0 ||
           (RTE_MBUF_HAS_EXTBUF(segment) && rte_mbuf_ext_refcnt_read(segment->shinfo) != 1);
}

/* Brings the headers of a chain into its first segment, as far as there is room. */
static void
pull_up(struct rte_mbuf *packet)
{
    uint32_t wanted = RTE_MIN(rte_pktmbuf_pkt_len(packet), SEGMENTS_HEADERS);

    wanted = RTE_MIN(wanted, (uint32_t)rte_pktmbuf_data_len(packet) + rte_pktmbuf_tailroom(packet));
    while (rte_pktmbuf_data_len(packet) < wanted) {
        struct rte_mbuf *next = packet->next;
        const uint16_t here = rte_pktmbuf_data_len(packet);
        const uint16_t part = (uint16_t)RTE_MIN(wanted - here, rte_pktmbuf_data_len(next));

        memcpy(rte_pktmbuf_mtod_offset(packet, uint8_t *, here), rte_pktmbuf_mtod(next, uint8_t *),
               part);
        packet->data_len = (uint16_t)(here + part);
        next->data_off = (uint16_t)(next->data_off + part);
        next->data_len = (uint16_t)(next->data_len - part);
        if (next->data_len == 0) {
            packet->next = next->next;
            packet->nb_segs--;
            rte_pktmbuf_free_seg(next);
        }
    }
}

enum drop_reason
segments_check(struct rte_mbuf **packet)
{
    const uint64_t flags = (*packet)->ol_flags;

    if (data_is_shared(*packet) || (flags & RTE_MBUF_F_TX_OFFLOAD_MASK) != 0)
        return DROP_SEGMENTS;
    for (const struct rte_mbuf *segment = *packet; segment != NULL; segment = segment->next) {
        if (rte_mbuf_refcnt_read(segment) != 1)
            return DROP_SEGMENTS;
    }
    if ((*packet)->nb_segs > 1 && rte_pktmbuf_data_len(*packet) < SEGMENTS_HEADERS)
        pull_up(*packet);
    if ((flags & RTE_MBUF_F_RX_VLAN_STRIPPED) == 0)
        return DROP_REASONS;
    if (rte_pktmbuf_data_len(*packet) < sizeof(struct rte_ether_hdr))
        return DROP_FRAME_TOO_SHORT;
    return rte_vlan_insert(packet) == 0 ? DROP_REASONS : DROP_HEADROOM;
}

void
segments_cut(struct rte_mbuf *packet, uint32_t length)
{
    struct rte_mbuf *segment = packet;
    uint32_t before = 0;

    while (before + segment->data_len < length) {
        before += segment->data_len;
        segment = segment->next;
    }
    segment->data_len = (uint16_t)(length - before);
    packet->pkt_len = length;
    if (segment->next == NULL)
        return;

    struct rte_mbuf *rest = segment->next;
    uint16_t freed = 0;

    for (const struct rte_mbuf *each = rest; each != NULL; each = each->next)
        freed++;
    packet->nb_segs = (uint16_t)(packet->nb_segs - freed);
    segment->next = NULL;
    rest->nb_segs = freed;
    rte_pktmbuf_free(rest);
}

/* Not rte_raw_cksum_mbuf(): where a segment begins at an odd place, that of DPDK 22.11 loses what
 * was carried. */
uint64_t
segments_sum(const struct rte_mbuf *packet, uint32_t offset, uint32_t length)
{
    uint64_t sum = 0;
    bool odd = false;

    for (; length > 0; packet = packet->next) {
        if (offset >= packet->data_len) {
            offset -= packet->data_len;
            continue;
        }

        const uint32_t here = RTE_MIN(packet->data_len - offset, length);
        const uint64_t part =
            checksum_add(0, rte_pktmbuf_mtod_offset(packet, const void *, offset), here);

        sum += odd ? __builtin_bswap16((uint16_t)~checksum_finish(part)) : part;
        odd ^= here % 2 != 0;
        length -= here;
        offset = 0;
    }
    return sum;
}

bool
segments_pull(struct rte_mbuf *packet, uint16_t length)
{
    while (packet->data_len < length && packet->next != NULL) {
        struct rte_mbuf *next = packet->next;
        const uint16_t wanted = RTE_MIN((uint16_t)(length - packet->data_len), next->data_len);

        if (wanted > rte_pktmbuf_tailroom(packet))
            return false;
        memcpy(rte_pktmbuf_mtod_offset(packet, uint8_t *, packet->data_len),
               rte_pktmbuf_mtod(next, uint8_t *), wanted);
        packet->data_len = (uint16_t)(packet->data_len + wanted);
        next->data_off = (uint16_t)(next->data_off + wanted);
        next->data_len = (uint16_t)(next->data_len - wanted);
        if (next->data_len > 0)
            continue;
        packet->next = next->next;
        packet->nb_segs--;
        next->next = NULL;
        rte_pktmbuf_free_seg(next);
    }
    return true;
}
