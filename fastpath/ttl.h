/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <string.h>

#include "lib/net/checksum.h"
#include "lib/net/headers.h"

/** Takes one off the TTL (at least 1), and brings the checksum along (RFC 1624). */
static inline void
ttl_decrement(struct ipv4_header *header)
{
    be16 before, after;

    memcpy(&before, &header->ttl, sizeof(before)); /* the word of TTL and protocol */
    header->ttl--;
    memcpy(&after, &header->ttl, sizeof(after));
    header->checksum = checksum_update16(header->checksum, before, after);
}
