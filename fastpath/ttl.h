/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <string.h>

#include "fastpath/burst.h"
#include "lib/net/checksum.h"
#include "lib/net/headers.h"

/** Takes one off the TTL (at least 1), and brings the checksum along (RFC 1624). */
static inline void
ttl_decrement_v4(struct ipv4_header *header)
{
    be16 before, after;

    memcpy(&before, &header->ttl, sizeof(before)); /* the word of TTL and protocol */
    header->ttl--;
    memcpy(&after, &header->ttl, sizeof(after));
    header->checksum = checksum_update16(header->checksum, before, after);
}

/** The TTL or hop limit of a packet of the burst. */
static inline uint8_t
ttl_of(const struct burst *burst, unsigned i)
{
    return burst->families[i] == IP_V4 ? burst_ipv4(burst, i)->ttl
                                       : burst_ipv6(burst, i)->hop_limit;
}

/** Takes one off it; it is at least 1. */
static inline void
ttl_decrement(struct burst *burst, unsigned i)
{
    if (burst->families[i] == IP_V4)
        ttl_decrement_v4(burst_ipv4(burst, i));
    else
        burst_ipv6(burst, i)->hop_limit--;
}
