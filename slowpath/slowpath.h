/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The facade of the slow path: one thread that empties the punt rings, answers ARP, DHCP and ICMP,
 * and keeps the adjacencies of the underlay. It sends through the inject ring of the worker that
 * owns the port.
 */

#include <stdbool.h>
#include <stdint.h>

#include <rte_mempool.h>

#include "lib/net/addr.h"
#include "lib/port/port.h"
#include "lib/ring/rings.h"
#include "lib/stats/counters.h"
#include "lib/table/tables.h"
#include "lib/table/underlay.h"

struct slowpath_config {
    struct tables *tables;
    struct port_table *ports;
    struct rings *rings;
    struct counters *counters;          /* its block: number `n_workers` of the rings */
    struct rte_mempool *pool;           /* packets that it makes */
    const struct underlay *underlay;    /* our addresses: answered for on underlay ports */
    struct ip_addr fixed_neighbours[2]; /* IP_NONE, or never asked: they have `fixed_mac` */
    struct mac_addr fixed_mac;
    uint32_t neighbour_reachable_ms; /* after that a neighbour in use is asked again; 0: 30 s */
};

struct slowpath;

/** @return NULL without memory. Control thread. */
struct slowpath *slowpath_create(const struct slowpath_config *config);

/** The thread function for rte_eal_remote_launch(); `argument` is the slowpath. Runs until
 * slowpath_stop(). Registers as reclaim reader number `n_workers`. */
int slowpath_run(void *argument);

/** One turn of the loop without idling, at monotonic time `now_ms`; for tests.
 * @return packets taken from the punt rings. */
unsigned slowpath_poll_once(struct slowpath *slowpath, uint64_t now_ms);

/** Asks the slow path to end after its current turn. Any thread. */
void slowpath_stop(struct slowpath *slowpath);

/** Frees it after it has ended, with the packets that it held. */
void slowpath_destroy(struct slowpath *slowpath);
