/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The rings between threads, each with one producer and one consumer:
 *
 *   punt      worker → slow path: packets with a note that says why
 *   inject    slow path → worker: complete frames for a port whose transmit queue the worker owns,
 *             and IP packets to be routed
 *   handover  worker → worker: complete frames for a port whose transmit queue the other one owns,
 *             and received frames of tunnels whose inner flows the other one owns
 *   path_mtus slow path → control: what it hears of path MTUs (lib/ring/path_mtu.h)
 *
 * All are made at start. A full ring means a counted drop for the producer, never a wait.
 */

#include <stdint.h>

#include <rte_mbuf.h>
#include <rte_ring.h>

#define WORKERS_MAX           16
#define PUNT_RING_PACKETS     1024
#define INJECT_RING_PACKETS   1024
#define HANDOVER_RING_PACKETS 2048
#define PATH_MTU_RING_ENTRIES 256

struct rings {
    unsigned n_workers;
    struct rte_ring *punt[WORKERS_MAX];
    struct rte_ring *inject[WORKERS_MAX];
    struct rte_ring *handover[WORKERS_MAX][WORKERS_MAX]; /* [from][to]; NULL on the diagonal */
    struct rte_ring *path_mtus;
};

/** Makes the rings of `n_workers` (1..WORKERS_MAX). @return NULL without memory. */
struct rings *rings_create(unsigned n_workers);

/** Frees what is still in the rings, and the rings. After their threads have ended. */
void rings_destroy(struct rings *rings);
