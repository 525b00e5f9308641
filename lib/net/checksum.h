/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* The Internet checksum (RFC 1071) and its incremental update (RFC 1624). Any thread. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/net/headers.h"

/** The sum of `length` octets as 16-bit words as they stand in memory, added to `sum`; not folded.
 */
uint64_t checksum_add(uint64_t sum, const void *data, size_t length);

/** Folds a sum and complements it: the value of a checksum field (network order). */
be16 checksum_finish(uint64_t sum);

/** The checksum of an IPv4 header of `length` octets whose checksum field is zero, or, over a
 * header with its checksum, zero if that is right. */
be16 checksum_ipv4(const void *header, size_t length);

/** True if the five words of an IPv4 header without options, as they stand in memory, have the
 * right checksum: checksum_ipv4() of it is zero. No branch, so that a loop of it can be vectorized.
 */
static inline bool
checksum_words_are_right(uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e)
{
    uint32_t sum = (a & 0xffff) + (a >> 16) + (b & 0xffff) + (b >> 16) + (c & 0xffff) + (c >> 16) +
                   (d & 0xffff) + (d >> 16) + (e & 0xffff) + (e >> 16);

    sum = (sum & 0xffff) + (sum >> 16);
    return ((sum & 0xffff) + (sum >> 16)) == 0xffff;
}

/** The sum of the pseudo header before `length` octets of UDP or TCP, for checksum_finish(). */
uint64_t checksum_pseudo_v4(const struct ipv4_header *ip, size_t length);

/** The same in an IPv6 packet. @param protocol the last header of the chain */
uint64_t checksum_pseudo_v6(const struct ipv6_header *ip, uint8_t protocol, size_t length);

/** The checksum of a UDP datagram or TCP segment of `length` octets in an IPv4 packet. Its checksum
 * field must be zero, or with it the result is zero if that is right. */
be16 checksum_transport_v4(const struct ipv4_header *ip, const void *segment, size_t length);

/** The same in an IPv6 packet. @param protocol of the datagram: the last header of the chain */
be16 checksum_transport_v6(const struct ipv6_header *ip, uint8_t protocol, const void *segment,
                           size_t length);

/** A checksum after a 16-bit word it covers went from `before` to `after` (RFC 1624, equation 3).
 */
static inline be16
checksum_update16(be16 checksum, be16 before, be16 after)
{
    uint32_t sum = (uint16_t)~checksum + (uint32_t)(uint16_t)~before + after;

    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (be16)~sum;
}

/** A checksum after two 16-bit words it covers went from zero to `a` and `b`. */
static inline be16
checksum_fill16(be16 checksum, be16 a, be16 b)
{
    uint32_t sum = (uint16_t)~checksum + 0xffffu + a + b;

    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (be16)~sum;
}
