/* SPDX-License-Identifier: BSD-3-Clause */

/* Tunnels to the workers that own their inner flows: see spread.h. */

#include "fastpath/spread.h"

#include "fastpath/drop.h"
#include "fastpath/handover.h"
#include "fastpath/trace.h"
#include "fastpath/worker.h"

static unsigned
owner_of_hash(const struct worker *worker, uint32_t hash)
{
    return (unsigned)((uint64_t)hash * worker->rings->n_workers >> 32);
}

/* The worker that owns the inner flow; of what is no IP packet, the one that has it. */
static unsigned
owner_of(const struct worker *worker, const struct rte_mbuf *packet, uint32_t offset,
         uint32_t length)
{
    const uint8_t *start = rte_pktmbuf_mtod_offset(packet, const uint8_t *, offset);
    const uint32_t here = rte_pktmbuf_data_len(packet) - offset;
    struct ip_view ip;

    if (parse_ip(start, here, length, &ip) != PARSE_OK)
        return worker->number;
    return owner_of_hash(worker, parse_flow_hash(&ip, here));
}

static void
flush(struct worker *worker, unsigned to)
{
    struct spread_buffer *buffer = &worker->spread.buffers[to];
    const unsigned n = buffer->n;

    buffer->n = 0;
    for (unsigned i = hand_over(worker, to, buffer->packets, n); i < n; i++)
        drop(worker, buffer->packets[i], DROP_HANDOVER, VIF_NONE);
}

static bool
give(struct worker *worker, const struct port *port, struct rte_mbuf *packet, unsigned to)
{
    struct spread_buffer *buffer = &worker->spread.buffers[to];

    if (to == worker->number)
        return false;
    trace_handover(worker);
    *packet_note(packet) = (struct packet_note){
        .task = TASK_RECEIVE,
        .port = port->number,
        .vif = VIF_NONE,
    };
    buffer->packets[buffer->n++] = packet;
    if (buffer->n == BURST_PACKETS)
        flush(worker, to);
    return true;
}

bool
spread(struct worker *worker, const struct port *port, struct rte_mbuf *packet, uint32_t offset,
       uint32_t length)
{
    return give(worker, port, packet, owner_of(worker, packet, offset, length));
}

bool
spread_fragment(struct worker *worker, const struct port *port, struct rte_mbuf *packet,
                const struct ip_view *outer)
{
    return give(worker, port, packet, owner_of_hash(worker, parse_flow_hash(outer, 0)));
}

void
spread_flush(struct worker *worker)
{
    for (unsigned to = 0; to < worker->rings->n_workers; to++) {
        if (worker->spread.buffers[to].n > 0)
            flush(worker, to);
    }
}
