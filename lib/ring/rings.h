/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The rings between threads, each with one producer and one consumer:
 *
 *   punt      worker → slow path: packets with a note that says why; each interface may take up a
 *             part of the ring and no more (C45), however fast its guest sends and however long the
 *             slow path is away
 *   inject    slow path → worker: complete frames for a port whose transmit queue the worker owns,
 *             and IP packets to be routed
 *   handover  worker → worker: complete frames for a port whose transmit queue the other one owns,
 *             and received frames of tunnels whose inner flows the other one owns
 *   path_mtus slow path → control: what it hears of path MTUs (lib/ring/path_mtu.h)
 *
 * All are made at start. A full ring means a counted drop for the producer, never a wait.
 */

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>

#include <rte_mbuf.h>
#include <rte_ring.h>

#include "lib/ring/note.h"

#define WORKERS_MAX           16
#define PUNT_RING_PACKETS     1024
#define PUNT_RING_INTERFACE   128 /* packets of one interface */
#define INJECT_RING_PACKETS   1024
#define HANDOVER_RING_PACKETS 2048
#define PATH_MTU_RING_ENTRIES 256

struct punt_ring {
    struct rte_ring *packets;
    _Atomic uint16_t *waiting; /* by interface; the worker adds, the slow path takes away */
    uint32_t vifs;
};

struct rings {
    unsigned n_workers;
    struct punt_ring punt[WORKERS_MAX];
    struct rte_ring *inject[WORKERS_MAX];
    struct rte_ring *handover[WORKERS_MAX][WORKERS_MAX]; /* [from][to]; NULL on the diagonal */
    struct rte_ring *path_mtus;
};

/** Makes the rings of `n_workers` (1..WORKERS_MAX), for interfaces 0 .. vifs - 1. @return NULL
 * without memory. */
struct rings *rings_create(unsigned n_workers, uint32_t vifs);

/** Frees what is still in the rings, and the rings. After their threads have ended. */
void rings_destroy(struct rings *rings);

/** Puts a packet into a punt ring; its note is written. @return 0, -EDQUOT (its interface's part is
 * taken up) or -ENOBUFS (the ring is full): the packet is still the caller's. The worker. */
static inline int
punt_ring_put(struct punt_ring *ring, struct rte_mbuf *packet)
{
    const uint32_t vif = packet_note(packet)->vif;

    /* counted first: the slow path may take the packet out before this function is at its end */
    if (vif < ring->vifs &&
        atomic_fetch_add_explicit(&ring->waiting[vif], 1, memory_order_relaxed) >=
            PUNT_RING_INTERFACE) {
        atomic_fetch_sub_explicit(&ring->waiting[vif], 1, memory_order_relaxed);
        return -EDQUOT;
    }
    if (rte_ring_enqueue(ring->packets, packet) == 0)
        return 0;
    if (vif < ring->vifs)
        atomic_fetch_sub_explicit(&ring->waiting[vif], 1, memory_order_relaxed);
    return -ENOBUFS;
}

/** Takes up to `n` packets out of a punt ring. @return how many. The slow path. */
static inline unsigned
punt_ring_take(struct punt_ring *ring, struct rte_mbuf **packets, unsigned n)
{
    n = rte_ring_dequeue_burst(ring->packets, (void **)packets, n, NULL);
    for (unsigned i = 0; i < n; i++) {
        const uint32_t vif = packet_note(packets[i])->vif;

        if (vif < ring->vifs)
            atomic_fetch_sub_explicit(&ring->waiting[vif], 1, memory_order_relaxed);
    }
    return n;
}
