/* SPDX-License-Identifier: BSD-3-Clause */

/* A worker's loop: see worker.h. */

#include "fastpath/worker.h"

#include <rte_cycles.h>

#include "fastpath/complete.h"
#include "fastpath/drop.h"
#include "fastpath/host.h"
#include "fastpath/inject.h"
#include "fastpath/lookup.h"
#include "fastpath/offload.h"
#include "fastpath/tunnel_egress.h"
#include "fastpath/underlay_ingress.h"
#include "fastpath/vif_egress.h"
#include "fastpath/vif_ingress.h"
#include "fastpath/watch.h"
#include "lib/port/turn.h"
#include "lib/ring/watch.h"

/* What is behind every ingress.
 * @param left whether something may be left to do on a packet (fastpath/offload.h) */
static void
forward(struct worker *worker, struct burst *burst, bool left)
{
    struct group tunnels, interfaces;

    lookup(worker, burst, &tunnels, &interfaces);
    if (unlikely(left)) {
        offload_egress(worker, burst, &tunnels, tunnel_egress);
        offload_egress(worker, burst, &interfaces, vif_egress);
        return;
    }
    tunnel_egress(worker, burst, &tunnels);
    vif_egress(worker, burst, &interfaces);
}

static void
forward_from(struct worker *worker, const struct port *port, struct rte_mbuf **packets, unsigned n,
             bool handed_over, bool left)
{
    struct burst burst;

    if (port->role == PORT_HOST) {
        host_forward(worker, packets, n);
        return;
    }
    if (port->role == PORT_UNDERLAY)
        underlay_ingress(worker, port, packets, n, handed_over, &burst);
    else
        vif_ingress(worker, port, packets, n, &burst);
    forward(worker, &burst, left);
}

/* Packets of which one at least has something left to do, in their order. */
static void
forward_what_is_left(struct worker *worker, const struct port *port, struct rte_mbuf **packets,
                     unsigned n)
{
    struct rte_mbuf *ready[BURST_PACKETS], *made[COMPLETE_SEGMENTS_MAX];
    unsigned n_ready = 0;

    for (unsigned i = 0; i < n; i++) {
        const unsigned n_made = offload_ingress(worker, port, packets[i], made);

        for (unsigned k = 0; k < n_made; k++) {
            ready[n_ready++] = made[k];
            if (n_ready == BURST_PACKETS) {
                forward_from(worker, port, ready, n_ready, false, true);
                n_ready = 0;
            }
        }
    }
    if (n_ready > 0)
        forward_from(worker, port, ready, n_ready, false, true);
}

void
worker_stages(struct worker *worker, const struct port *port, struct rte_mbuf **packets, unsigned n,
              bool handed_over)
{
    uint64_t flags = 0;

    for (unsigned i = 0; i < n; i++)
        flags |= packets[i]->ol_flags;
    if (unlikely(offload_is_left(flags)) && !handed_over)
        forward_what_is_left(worker, port, packets, n);
    else
        forward_from(worker, port, packets, n, handed_over, false);
}

static void
watch_or_forward(struct worker *worker, const struct port *port, struct rte_mbuf **packets,
                 unsigned n, bool handed_over)
{
    if (unlikely(worker->watching != NULL))
        watch_forward(worker, port, packets, n, handed_over);
    else
        worker_stages(worker, port, packets, n, handed_over);
}

void
worker_forward(struct worker *worker, const struct port *port, struct rte_mbuf **packets,
               unsigned n)
{
    watch_or_forward(worker, port, packets, n, false);
}

static unsigned
poll_queue(struct worker *worker, const struct poll *poll)
{
    const struct port *port = poll->port;
    struct rte_mbuf *packets[BURST_PACKETS];
    uint64_t octets = 0;
    const unsigned n = port_receive(port, poll->queue, packets, BURST_PACKETS);

    if (n == 0)
        return 0;
    for (unsigned i = 0; i < n; i++)
        octets += rte_pktmbuf_pkt_len(packets[i]);
    traffic_add(&worker->counters->ports[port->number].rx, n, octets);
    counter_add(&worker->counters->worker.bursts, 1);
    worker_forward(worker, port, packets, n);
    return n;
}

/* Frames of the underlay that another worker received. */
static void
receive_handed_over(struct worker *worker, struct rte_mbuf **packets, unsigned n)
{
    for (unsigned i = 0, same; i < n; i += same) {
        const uint16_t number = packet_note(packets[i])->port;
        const struct port *port = port_at(worker->ports, number);

        for (same = 1; i + same < n && packet_note(packets[i + same])->port == number;)
            same++;
        if (likely(port != NULL)) {
            watch_or_forward(worker, port, packets + i, same, true);
            continue;
        }
        for (unsigned j = i; j < i + same; j++)
            drop(worker, packets[j], DROP_PORT_GONE, VIF_NONE);
    }
}

void
worker_do_tasks(struct worker *worker, struct rte_mbuf **packets, unsigned n)
{
    struct rte_mbuf *routed[BURST_PACKETS], *received[BURST_PACKETS];
    struct burst burst;
    unsigned n_routed = 0, n_received = 0;

    for (unsigned i = 0; i < n; i++) {
        const struct packet_note *note = packet_note(packets[i]);

        switch (note->task) {
        case TASK_ROUTE:
            routed[n_routed++] = packets[i];
            break;
        case TASK_RECEIVE:
            received[n_received++] = packets[i];
            break;
        default:
            transmit(worker, note->port, packets[i], note->account);
        }
    }
    receive_handed_over(worker, received, n_received);
    if (n_routed > 0) {
        inject(worker, routed, n_routed, &burst);
        forward(worker, &burst, false);
    }
}

/*
 * What the slow path and other workers give. All that is there now is taken, so that the quiescent
 * state after this turn leaves no number in the ring that was noted before it
 * (lib/table/reclaim.h).
 */
static unsigned
take_ring(struct worker *worker, struct rte_ring *ring)
{
    struct rte_mbuf *packets[BURST_PACKETS];
    unsigned left = rte_ring_count(ring), taken = 0;

    while (left > 0) {
        const unsigned n = rte_ring_dequeue_burst(
            ring, (void **)packets, left < BURST_PACKETS ? left : BURST_PACKETS, NULL);

        worker_do_tasks(worker, packets, n);
        taken += n;
        left -= n;
    }
    return taken;
}

unsigned
worker_turn_at(struct worker *worker, uint64_t now)
{
    struct worker_counters *counters = &worker->counters->worker;
    uint64_t epoch;
    const struct poll_set *polled = port_turn_begin(worker->ports, worker->number, &epoch);
    unsigned n = 0, taken_over = 0;

    worker->now = now;
    worker->watching = atomic_load_explicit(&worker->board->set, memory_order_acquire);
    for (unsigned i = 0; i < polled->n; i++) {
        if (likely(port_gate_is_open(worker->ports, &polled->polls[i])))
            n += poll_queue(worker, &polled->polls[i]);
    }
    n += take_ring(worker, worker->rings->inject[worker->number]);
    for (unsigned from = 0; from < worker->rings->n_workers; from++) {
        if (from != worker->number)
            taken_over += take_ring(worker, worker->rings->handover[from][worker->number]);
    }
    n += taken_over;
    reassembly_expire(worker);
    transmit_flush(worker);
    spread_flush(worker);
    port_turn_end(worker->ports, worker->number, polled, epoch);
    counter_add(&counters->taken_over, taken_over);
    counter_add(&counters->loops, 1);
    counter_add(&counters->packets, n);
    if (n == 0)
        counter_add(&counters->idle_loops, 1);
    return n;
}

unsigned
worker_turn(struct worker *worker)
{
    return worker_turn_at(worker, rte_rdtsc());
}

void
worker_run(struct worker *worker)
{
    struct reclaim *reclaim = worker->tables->reclaim;

    idle_begin();
    reclaim_register(reclaim, worker->number);
    reclaim_online(reclaim, worker->number);
    while (!atomic_load_explicit(worker->ending, memory_order_relaxed)) {
        const unsigned n = worker_turn(worker);

        reclaim_quiescent(reclaim, worker->number);
        if (n > 0)
            idle_reset(&worker->idle);
        else
            idle_wait(&worker->idle);
    }
    reclaim_offline(reclaim, worker->number);
    reclaim_unregister(reclaim, worker->number);
}
