/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * How a receive queue goes from one worker to another while packets flow.
 *
 * The new worker may begin when nothing that the old one received can be overtaken: the old one
 * must have polled the queue for the last time and sent what came of it, and whoever it handed a
 * packet over to must have taken it out of the ring. The workers find that out among themselves,
 * within a turn or two each, so that a receive queue need not hold more than arrives in that time:
 *
 *   1. The control thread closes the queue's gate and replaces both poll sets: for the old worker
 *      the queue is now leaving, for the new one it is polled, once its gate is open.
 *   2. At the end of the first turn in which the old worker knows it, it begins another epoch and
 *      writes its number on the gate.
 *   3. Each worker reads the epoch before it looks into its rings, and repeats it at the end of the
 *      turn. When all have repeated that number, or a later one, each has emptied its rings of what
 *      was in them when the queue was let go. The new worker sees it and opens the gate.
 *
 * What the new worker then receives is behind the old packets in every ring that both fill, for
 * the consumer of the two has taken the old ones. One thing is out of our hands: the old worker's
 * and the new one's transmit queue of a port with several, which the device empties as it likes.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/port/port.h"

/* What stands on a gate: that it is open, who is to let the queue go, or the epoch that has to be
 * over. It says who, because a set in which a queue is leaving outlives the move: a worker that
 * gets the queue back must not, with the old set, let it go for the other one. */
#define GATE_OPEN 0u

static inline uint64_t
gate_held_by(unsigned worker)
{
    return UINT64_MAX - worker;
}

/** Begins a turn of a worker. @param epoch for port_turn_end() */
static inline const struct poll_set *
port_turn_begin(struct port_table *table, unsigned worker, uint64_t *epoch)
{
    *epoch = atomic_load_explicit(&table->epoch.epoch, memory_order_acquire);
    return port_poll_set(table, worker);
}

/** Ends it: rings were emptied, and all that was to be sent is sent or handed over. */
static inline void
port_turn_end(struct port_table *table, unsigned worker, const struct poll_set *set, uint64_t epoch)
{
    for (unsigned i = set->n; i < set->n + set->n_leaving; i++) {
        _Atomic uint64_t *gate = &set->polls[i].port->queues[set->polls[i].queue].gate;

        if (atomic_load_explicit(gate, memory_order_relaxed) == gate_held_by(worker))
            atomic_store_explicit(
                gate, atomic_fetch_add_explicit(&table->epoch.epoch, 1, memory_order_acq_rel) + 1,
                memory_order_release);
    }
    atomic_store_explicit(&table->turns[worker].epoch, epoch, memory_order_release);
}

/** Whether the calling worker may poll a queue of its set now. */
static inline bool
port_gate_is_open(struct port_table *table, const struct poll *poll)
{
    _Atomic uint64_t *gate = &poll->port->queues[poll->queue].gate;
    const uint64_t epoch = atomic_load_explicit(gate, memory_order_acquire);

    if (epoch == GATE_OPEN)
        return true;
    for (unsigned i = 0; i < table->n_workers; i++) {
        if (atomic_load_explicit(&table->turns[i].epoch, memory_order_acquire) < epoch)
            return false;
    }
    atomic_store_explicit(gate, GATE_OPEN, memory_order_relaxed);
    return true;
}
