/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* ICMPv6 (RFC 4443): what icmp.h is for IPv4. */

#include "slowpath/icmp.h"

/**
 * Answers an echo request.
 * @param octets the frame; all `length` octets can be read
 * @param l3_offset from the frame's start to the IP header
 * @param link where the answer goes
 * @param mtu the largest IP packet that may be sent there
 * @param own the address that must have been asked, or NULL: any address of one node
 * @return PARSE_OK with the answer in `reply`, or why there is none: not an echo request is
 * DROP_GATEWAY_PROTOCOL.
 */
enum drop_reason icmp6_echo_answer(const uint8_t *octets, size_t length, size_t l3_offset,
                                   const struct link_address *link, uint16_t mtu,
                                   const struct ip_addr *own, struct frame *reply);

/**
 * Appends the error about an IPv6 packet to `reply`, to the packet's source: as much of the packet
 * as fits into 1280 octets (RFC 4443 section 2.4 (c)).
 * @param from IPv6, whom the error comes from
 * @param ip the packet, of which `here` octets can be read
 * @return false if there is none, as RFC 4443 section 2.4 (e) has it; also about what cannot be
 * seen not to be an error itself
 */
bool icmp6_error_add(const struct icmp_error *error, const struct ip_addr *from,
                     const struct ip_view *ip, size_t here, struct frame *reply);
