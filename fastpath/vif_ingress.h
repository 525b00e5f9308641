/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "fastpath/burst.h"

struct worker;

/**
 * The ingress half of frames from guests (C2, C3, C13): finds the interface, lets pass only what
 * its guest may send, takes one off the TTL.
 * @param burst filled with IPv4 packets to be looked up upstream; the rest was punted or dropped
 */
void vif_ingress(struct worker *worker, const struct port *port, struct rte_mbuf **packets,
                 unsigned n, struct burst *burst);
