/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* Packets that were made of one that was too large: its fragments, or its segments of TCP. */

#include <rte_mbuf.h>

#include "fastpath/burst.h"

/**
 * Gives the parts of packet `i` of a burst to its egress half, as if they had been it. Worker.
 * @param l3_offset octets from each part's start to its IP header
 */
void parts_send(struct worker *worker, const struct burst *burst, unsigned i,
                struct rte_mbuf **parts, unsigned n, uint16_t l3_offset, egress_half egress);
