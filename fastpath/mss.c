/* SPDX-License-Identifier: BSD-3-Clause */

/* The maximum segment size: see mss.h. */

#include "fastpath/mss.h"

#include <string.h>

#include "lib/net/checksum.h"
#include "lib/net/parse.h"

#define OPTION_END   0
#define OPTION_NONE  1
#define OPTION_MSS   2
#define MSS_OCTETS   4u /* kind, length, and the size itself */
#define VALUE_OFFSET 2u

/* What an IPv6 header takes more than one of IPv4. */
#define IPV6_MORE (sizeof(struct ipv6_header) - IPV4_HEADER_MIN)

/* Lowers the value at `offset` in a segment. */
static void
lower(uint8_t *segment, size_t offset, uint16_t mss)
{
    struct tcp_header *tcp = (struct tcp_header *)segment;
    uint8_t *value = segment + offset;
    be16 before, after = htobe16(mss);

    memcpy(&before, value, sizeof(before));
    if (be16toh(before) <= mss)
        return;
    memcpy(value, &after, sizeof(after));
    /* options need not be aligned: then the value's octets are in two of the words summed up */
    if (offset % 2 != 0) {
        before = __builtin_bswap16(before);
        after = __builtin_bswap16(after);
    }
    tcp->checksum = checksum_update16(tcp->checksum, before, after);
}

void
mss_clamp_segment(uint8_t *segment, size_t length, uint16_t mss)
{
    const struct tcp_header *tcp = (const struct tcp_header *)segment;

    if (length < sizeof(*tcp) || (tcp->flags & TCP_SYN) == 0)
        return;

    const size_t end = (tcp->offset >> 4) * 4u;
    size_t at = sizeof(*tcp);

    if (end > length)
        return;
    while (at < end && segment[at] != OPTION_END) {
        if (segment[at] == OPTION_NONE) {
            at++;
            continue;
        }
        if (at + 1 == end || segment[at + 1] < 2 || at + segment[at + 1] > end)
            return;
        if (segment[at] == OPTION_MSS && segment[at + 1] == MSS_OCTETS)
            lower(segment, at + VALUE_OFFSET, mss);
        at += segment[at + 1];
    }
}

/* Where TCP begins in an IP packet that is not a fragment, 0: nowhere. */
static size_t
tcp_offset(const struct burst *burst, unsigned i, size_t here)
{
    const struct ipv4_header *v4 = burst_ipv4(burst, i);
    struct ip_view view;

    if (burst->families[i] == IP_V4)
        return v4->protocol == IP_PROTOCOL_TCP &&
                       (be16toh(v4->fragment) & (IPV4_MORE_FRAGMENTS | IPV4_FRAGMENT_OFFSET)) == 0
                   ? (v4->version_ihl & 0x0f) * 4u
                   : 0;
    if (parse_ipv6((const uint8_t *)v4, here, burst->lengths[i], &view) != PARSE_OK ||
        view.protocol != IP_PROTOCOL_TCP || view.fragment)
        return 0;
    return view.transport;
}

void
mss_clamp(struct burst *burst, unsigned i, uint16_t mss)
{
    const struct rte_mbuf *packet = burst->packets[i];
    const size_t here =
        RTE_MIN(rte_pktmbuf_data_len(packet) - burst->l3_offsets[i], burst->lengths[i]);
    const size_t offset = tcp_offset(burst, i, here);

    if (offset != 0)
        mss_clamp_segment(rte_pktmbuf_mtod_offset(packet, uint8_t *, burst->l3_offsets[i] + offset),
                          here - offset, burst->families[i] == IP_V6 ? mss - IPV6_MORE : mss);
}
