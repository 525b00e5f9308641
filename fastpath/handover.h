/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* From worker to worker: see lib/ring/rings.h. Worker. */

#include <rte_mbuf.h>

#include "fastpath/worker.h"

/**
 * Puts packets into the ring to another worker, each with its note.
 * @return how many it took; the rest, which finds no room, stays the caller's.
 */
static inline unsigned
hand_over(struct worker *worker, unsigned to, struct rte_mbuf *const *packets, unsigned n)
{
    struct rte_ring *ring = worker->rings->handover[worker->number][to];
    const unsigned taken = rte_ring_enqueue_burst(ring, (void *const *)packets, n, NULL);

    counter_add(&worker->counters->worker.handed_over, taken);
    return taken;
}
