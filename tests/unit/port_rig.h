/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* Buffers for tests of ports, DPDK without hugepages, and grace in the test's hand. */

#include "lib/port/port.h"
#include "lib/table/reclaim.h"

/** What was deferred runs in reclaim_poll(), and not sooner. */
struct reclaim {
    unsigned n;
    struct {
        void (*release)(void *);
        void *argument;
    } waiting[64];
};

extern struct rte_mempool *pool;

/** Around the tests of a program, as cmocka wants them. */
int eal_up(void **state);
int eal_down(void **state);

/** Opens a port, which must succeed. */
struct port *port_open_or_fail(const char *spec);
