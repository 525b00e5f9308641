/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* ICMP (RFC 792): echo, and the errors that tell a guest why its packet went nowhere. */

#include "lib/net/parse.h"
#include "slowpath/frame.h"

#define ICMP_ECHO_REPLY                0
#define ICMP_UNREACHABLE               3
#define ICMP_ECHO_REQUEST              8
#define ICMP_TIME_EXCEEDED             11
#define ICMP_CODE_FRAGMENTATION_NEEDED 4
#define ICMP_CODE_TTL                  0

/* An ICMP or ICMPv6 error to be sent. */
struct icmp_error {
    uint8_t type, code;
    uint16_t
        mtu; /* of the next hop, for fragmentation needed (RFC 1191) and packet too big; else 0 */
};

/**
 * Answers an echo request. IP options are not sent back.
 * @param octets the frame; all `length` octets can be read
 * @param l3_offset from the frame's start to the IP header
 * @param link where the answer goes
 * @param mtu the largest IP packet that may be sent there
 * @param own the address that must have been asked, or NULL: any unicast address
 * @return PARSE_OK with the answer in `reply`, or why there is none: not an echo request is
 * DROP_GATEWAY_PROTOCOL.
 */
enum drop_reason icmp_echo_answer(const uint8_t *octets, size_t length, size_t l3_offset,
                                  const struct link_address *link, uint16_t mtu,
                                  const struct ip_addr *own, struct frame *reply);

/**
 * Appends the error about an IPv4 packet to `reply`, to the packet's source: its IP header and what
 * follows it, up to a datagram of 576 octets (RFC 1812 section 4.3.2.3).
 * @param from IPv4, whom the error comes from
 * @param ip the packet, of which `here` octets can be read
 * @return false if there is none, as RFC 1122 section 3.2.2 and RFC 1812 section 4.3.2.7 have it
 */
bool icmp_error_add(const struct icmp_error *error, const struct ip_addr *from,
                    const struct ip_view *ip, size_t here, struct frame *reply);
