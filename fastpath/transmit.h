/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Sending: frames gather for each port during a turn and leave together at its end, to the port if
 * this worker owns the transmit queue, else to the hand-over ring of the worker that does. What
 * neither takes is dropped at once: a full queue is not waited for.
 */

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "fastpath/burst.h"
#include "lib/port/port.h"

struct worker;

struct transmit_buffer {
    unsigned n;
    bool metered; /* one of them is */
    struct rte_mbuf *packets[BURST_PACKETS];
    uint32_t accounts[BURST_PACKETS]; /* lib/ring/note.h */
};

struct transmit {
    struct transmit_buffer *buffers; /* by port number; of the facade */
    unsigned n_waiting;
    uint16_t waiting[PORTS_MAX]; /* ports whose buffer is not empty */
};

/**
 * Takes a complete frame for a port.
 * @param account whose transmission it counts as (lib/ring/note.h)
 */
void transmit(struct worker *worker, uint16_t port, struct rte_mbuf *packet, uint32_t account);

/** The same for `n` frames, in their order; none for `n` = 0, and then `port` is not looked at. */
void transmit_burst(struct worker *worker, uint16_t port, struct rte_mbuf *const *packets,
                    const uint32_t *accounts, unsigned n);

/** Sends all that waits. */
void transmit_flush(struct worker *worker);
