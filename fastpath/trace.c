/* SPDX-License-Identifier: BSD-3-Clause */

/* Steps into a trace: see trace.h. */

#include "fastpath/trace.h"

#include <string.h>

uint32_t
trace_copy(const struct rte_mbuf *packet, uint8_t *octets, uint32_t room)
{
    uint32_t copied = 0;

    for (; packet != NULL && copied < room; packet = packet->next) {
        const uint32_t here = packet->data_len < room - copied ? packet->data_len : room - copied;

        memcpy(octets + copied, rte_pktmbuf_mtod(packet, const void *), here);
        copied += here;
    }
    return copied;
}

void
trace_add(struct trace *trace, const struct trace_step *step, const struct rte_mbuf *packet)
{
    struct trace_step *added = &trace->steps[trace->n_steps];
    const uint32_t room = trace->room - trace->used;

    if (trace->n_steps == TRACE_STEPS_MAX) {
        trace->more = true;
        return;
    }
    *added = *step;
    trace->n_steps++;
    if (packet == NULL)
        return;
    added->length = rte_pktmbuf_pkt_len(packet);
    added->at = trace->used;
    added->kept =
        trace_copy(packet, trace->octets + trace->used, trace->keep < room ? trace->keep : room);
    trace->used += added->kept;
}
