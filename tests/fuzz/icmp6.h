/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* What the fuzzers of ICMPv6 have in common. */

#include <stdlib.h>
#include <string.h>

#include "lib/net/checksum.h"
#include "lib/net/parse.h"
#include "slowpath/frame.h"

/** A copy of a frame whose ICMPv6 checksum is right, in a block of its size; NULL if it carries no
 * ICMPv6 message. The caller frees it. */
static inline uint8_t *
icmp6_made_right(const uint8_t *data, size_t size)
{
    struct frame_view view;
    struct ip_view ip;

    if (parse_frame(data, size, &view) != PARSE_OK ||
        parse_ipv6(data + view.l3_offset, size - view.l3_offset, size - view.l3_offset, &ip) !=
            PARSE_OK ||
        ip.transport == 0 || ip.transport + 4u > ip.total_length)
        return NULL;

    uint8_t *octets = malloc(size);
    if (octets == NULL)
        abort();
    memcpy(octets, data, size);
    uint8_t *message = octets + view.l3_offset + ip.transport;
    memset(message + 2, 0, 2);
    const be16 sum = checksum_transport_v6(ip.v6, IP_PROTOCOL_ICMPV6, message,
                                           ip.total_length - (size_t)ip.transport);
    memcpy(message + 2, &sum, sizeof(sum));
    return octets;
}

/** Checks that an ICMPv6 packet without extension headers ends the frame. @return its message, and
 * the length of that. */
static inline const uint8_t *
icmp6_check(const struct frame *frame, size_t at, struct ip_view *ip, size_t *length)
{
    const uint8_t *packet = frame->octets + at;

    if (parse_ipv6(packet, frame->length - at, frame->length - at, ip) != PARSE_OK ||
        ip->total_length != frame->length - at || ip->transport != sizeof(struct ipv6_header))
        abort();
    *length = ip->total_length - sizeof(struct ipv6_header);
    if (checksum_transport_v6(ip->v6, IP_PROTOCOL_ICMPV6, packet + ip->transport, *length) != 0)
        abort();
    return packet + ip->transport;
}
