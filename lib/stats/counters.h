/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Counters: a block for each thread that touches packets, written by that thread alone with relaxed
 * stores, added up by whoever reads. Nothing is ever set back: a reset, or a number that is used
 * again for another interface, is a baseline that readers subtract.
 *
 * What comes in must be accounted for (docs/operations.md):
 *   port rx + originated = port tx + drops + consumed + held
 * where "consumed" are packets that ended here, answered or taken in by the slow path, cut into
 * fragments or put together; "originated" are those that were made: answers, fragments, wholes; and
 * "held" are those that wait, fragments for others and packets for their next hop.
 */

#include <stddef.h>
#include <stdint.h>

#include "lib/stats/reasons.h"

/* Packets and octets; octets of frames as they cross the port, without the frame check sequence. */
struct traffic_counter {
    uint64_t packets, octets;
};

struct vif_counters {
    struct traffic_counter rx, tx; /* from and to the guest */
    uint64_t drops[DROP_REASONS];  /* packets from the guest, or for it, that were dropped */
};

struct vrf_counters {
    struct traffic_counter from_vif, from_tunnel; /* IP packets that entered the VRF; IP octets */
};

struct endpoint_counters {
    struct traffic_counter tx; /* outer frames */
};

struct port_counters {
    struct traffic_counter rx, tx;
};

struct worker_counters {
    uint64_t loops, idle_loops, packets, bursts;
    uint64_t handed_over, taken_over; /* packets to and from other workers */
    uint64_t fragments_held;          /* now, of tunnelled packets that are not yet whole */
    uint64_t offloads_passed;         /* packets whose checksum, or more, was left to the port, */
    uint64_t unsplit_passed;          /* and of these TCP that it was left to cut */
};

/* Packets that ended or began here: answered, taken in or split; made. */
struct balance_counters {
    uint64_t consumed, originated;
};

struct counter_block {
    uint64_t drops[DROP_REASONS];
    uint64_t punts[PUNT_REASONS];
    struct worker_counters worker;
    struct balance_counters balance;
    struct vif_counters *vifs;           /* by interface id */
    struct vrf_counters *vrfs;           /* by VRF number */
    struct endpoint_counters *endpoints; /* by endpoint index */
    struct port_counters *ports;         /* by port number */
};

struct counters_shape {
    unsigned threads; /* workers, then the slow path */
    uint32_t vifs, vrfs, endpoints;
    uint16_t ports;
};

struct counters;

/** Makes blocks of zeros (memory comes with first use). @return NULL without memory. */
struct counters *counters_create(const struct counters_shape *shape);
void counters_destroy(struct counters *counters);

/** The block of a thread: worker 0..n-1, the slow path after them. */
struct counter_block *counters_block(struct counters *counters, unsigned thread);

/** Adds to a counter of one's own block. */
static inline void
counter_add(uint64_t *counter, uint64_t n)
{
    __atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

/** The same for packets and octets, both in one addition. Vector stores of whole words do not tear
 * them, in practice, so a reader sees each as relaxed as above. */
static inline void
traffic_add(struct traffic_counter *counter, uint64_t packets, uint64_t octets)
{
    typedef uint64_t both __attribute__((vector_size(16), aligned(8), may_alias));

    *(both *)counter += (both){ packets, octets };
}

/* Readers: sums over the threads since the last baseline. Control thread. */
void counters_vif(const struct counters *counters, uint32_t id, struct vif_counters *sum);
void counters_vrf(const struct counters *counters, uint32_t number, struct vrf_counters *sum);
void counters_endpoint(const struct counters *counters, uint32_t index,
                       struct endpoint_counters *sum);
void counters_port(const struct counters *counters, uint16_t port, struct port_counters *sum);
/** What the earlier owners of a port's number counted: all that is before its baseline. */
void counters_port_earlier(const struct counters *counters, uint16_t port,
                           struct port_counters *sum);
void counters_drops(const struct counters *counters, uint64_t sum[DROP_REASONS]);
void counters_punts(const struct counters *counters, uint64_t sum[PUNT_REASONS]);
void counters_worker(const struct counters *counters, unsigned thread, struct worker_counters *sum);
void counters_balance(const struct counters *counters, struct balance_counters *sum);

/* Baselines: from now on readers see zero. Control thread, when a number is given to a new owner.
 */
void counters_vif_baseline(struct counters *counters, uint32_t id);
void counters_vrf_baseline(struct counters *counters, uint32_t number);
void counters_endpoint_baseline(struct counters *counters, uint32_t index);
void counters_port_baseline(struct counters *counters, uint16_t port);
