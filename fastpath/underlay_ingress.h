/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "fastpath/burst.h"

struct worker;

/**
 * The ingress half of frames from the fabric (C5): takes the outer header off what is a tunnel to
 * us, and lets the label choose the path.
 * @param burst filled with IPv4 packets that begin with their inner header, each with its label's
 * path; the rest was punted or dropped
 */
void underlay_ingress(struct worker *worker, const struct port *port, struct rte_mbuf **packets,
                      unsigned n, struct burst *burst);
