/* SPDX-License-Identifier: BSD-3-Clause */

/* Drops: see drop.h. */

#include "fastpath/drop.h"

#include "fastpath/trace.h"
#include "fastpath/worker.h"

void
drop(struct worker *worker, struct rte_mbuf *packet, enum drop_reason reason, uint32_t vif)
{
    counter_add(&worker->counters->drops[reason], 1);
    if (vif != VIF_NONE)
        counter_add(&worker->counters->vifs[vif].drops[reason], 1);
    trace_drop(worker, reason, vif);
    rte_pktmbuf_free(packet);
}
