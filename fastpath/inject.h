/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "fastpath/burst.h"

struct worker;

/**
 * The ingress of packets that were made here (TASK_ROUTE): IP packets without a link header, each
 * to be looked up in the upstream root of its note's VRF, as if a guest had sent it.
 * @param n at most BURST_PACKETS
 * @param burst filled with them; what is no whole IP packet was dropped
 */
void inject(struct worker *worker, struct rte_mbuf **packets, unsigned n, struct burst *burst);
