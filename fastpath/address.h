/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* Destinations that a router does not forward to, the same for both ingress halves. */

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "lib/stats/reasons.h"

/**
 * @param address host order
 * @return DROP_REASONS if packets to it are forwarded; DROP_MULTICAST for multicast and the limited
 * broadcast, DROP_IP_DESTINATION for "this network", loopback and class E (RFC 1812 section 5.3.7).
 */
static inline enum drop_reason
address_check(uint32_t address)
{
    const uint32_t first = address >> 24;

    if (first - 1 < 126 || first - 128 < 96)
        return DROP_REASONS;
    return first >= 224 && (first < 240 || address == UINT32_MAX) ? DROP_MULTICAST
                                                                  : DROP_IP_DESTINATION;
}

/** True for fe80::/10. */
static inline bool
address6_is_link_local(const uint8_t *address)
{
    return address[0] == 0xfe && (address[1] & 0xc0) == 0x80;
}

/**
 * The same for IPv6.
 * @param address 16 octets
 * @return DROP_REASONS; DROP_MULTICAST; DROP_IP_DESTINATION for link-local addresses, and for the
 * unspecified, the loopback and IPv4-mapped ones (RFC 4291 section 2.5).
 */
static inline enum drop_reason
address6_check(const uint8_t *address)
{
    uint64_t high, low;

    if (address[0] == 0xff)
        return DROP_MULTICAST;
    if (address6_is_link_local(address))
        return DROP_IP_DESTINATION;
    memcpy(&high, address, sizeof(high));
    memcpy(&low, address + sizeof(high), sizeof(low));
    if (high == 0 && (be64toh(low) <= 1 || be64toh(low) >> 32 == 0xffff))
        return DROP_IP_DESTINATION;
    return DROP_REASONS;
}

/** True for ::, which a host has before it has an address. */
static inline bool
address6_is_unspecified(const uint8_t *address)
{
    static const uint8_t zeros[16];

    return memcmp(address, zeros, sizeof(zeros)) == 0;
}

/** True if an address is in a network whose host bits are zero. */
static inline bool
address6_is_in(const uint8_t *address, const uint8_t *network, uint8_t length)
{
    const unsigned octets = length / 8, bits = length % 8;

    return memcmp(address, network, octets) == 0 &&
           (bits == 0 || ((address[octets] ^ network[octets]) >> (8 - bits)) == 0);
}
