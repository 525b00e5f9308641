/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* The end of a packet that is not forwarded: counted under its reason, then freed. */

#include <rte_mbuf.h>

#include "lib/stats/reasons.h"

struct worker;

/**
 * Drops a packet.
 * @param vif the interface that it came from or was for, or VIF_NONE
 */
void drop(struct worker *worker, struct rte_mbuf *packet, enum drop_reason reason, uint32_t vif);
