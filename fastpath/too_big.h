/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "fastpath/burst.h"

struct worker;

/**
 * Ends a packet of the burst that is larger than `mtu`: IPv4 that may be fragmented is
 * (fastpath/fragment.h), the sender of any other is told by the slow path (RFC 1191, RFC 8201).
 * @param egress the egress half that the packet is in
 */
void too_big(struct worker *worker, const struct burst *burst, unsigned i, uint16_t mtu,
             egress_half egress);
