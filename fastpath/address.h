/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* IPv4 destinations that a router does not forward to, the same for both ingress halves. */

#include <stdint.h>

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
