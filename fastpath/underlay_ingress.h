/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "fastpath/burst.h"

struct worker;

/**
 * The ingress half of frames from the fabric (C5): takes the outer header off what is a tunnel to
 * us, and lets the label choose the path. What must be spread goes to the worker that owns its flow
 * (fastpath/spread.h).
 * @param handed_over they come from the worker that received them: they are this one's
 * @param burst filled with IP packets that begin with their inner header, each with its label's
 * path; the rest was punted or dropped
 */
void underlay_ingress(struct worker *worker, const struct port *port, struct rte_mbuf **packets,
                      unsigned n, bool handed_over, struct burst *burst);
