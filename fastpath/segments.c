/* SPDX-License-Identifier: BSD-3-Clause */

/* Chains, shared buffers and offloads: see segments.h. */

#include "fastpath/segments.h"

#include <string.h>

#include <rte_ether.h>

static bool
segment_is_shared(struct rte_mbuf *segment)
{
    if (rte_mbuf_refcnt_read(segment) != 1 || (segment->ol_flags & RTE_MBUF_F_INDIRECT) != 0)
        return true;
    return RTE_MBUF_HAS_EXTBUF(segment) && rte_mbuf_ext_refcnt_read(segment->shinfo) != 1;
}

enum drop_reason
segments_check(struct rte_mbuf **packet)
{
    const uint64_t flags = (*packet)->ol_flags;

    for (struct rte_mbuf *segment = *packet; segment != NULL; segment = segment->next) {
        if (segment_is_shared(segment))
            return DROP_SEGMENTS;
    }
    /* "the checksum in the packet is not right, its data are": left for us to compute */
    if ((flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_NONE ||
        (flags & (RTE_MBUF_F_RX_LRO | RTE_MBUF_F_TX_OFFLOAD_MASK)) != 0)
        return DROP_SEGMENTS;
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
