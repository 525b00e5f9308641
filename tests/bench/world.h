/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * A vRouter to measure: the packet lab's scenario, with a worker for each level of vector
 * instructions that this machine has, all on the same tables. Beside them a peer on the same source
 * and sink, the least that forwarding can be: rte_lpm in bulk, a TTL, a MAC address; no tunnel, no
 * VRF, no check.
 */

#include "lib/base/simd.h"
#include "tests/bench/rig.h"
#include "tests/packet/scenario.h"

#define WORLD_FIRST_HOST 0x0a010000u /* 10.1.0.0: destinations that the peer has routes to */
#define WORLD_HOSTS      1024u

struct rte_lpm;

struct world {
    struct scenario scenario;
    struct fastpath *levels[SIMD_LEVELS]; /* NULL: not on this machine */
    struct rte_lpm *lpm;
    uint16_t sink; /* of DPDK */
};

/** Makes it. @param description as tests/packet/scenario.c reads it; the ports are "null:" */
void world_begin(struct world *world, const char *description, struct rte_mempool *pool);

/**
 * Measures frames that enter at the scenario's port `in` and leave at its port `out`, and prints a
 * row for each level, as tests/bench/README.md has it: cycles a packet less those of source and
 * sink. Ends the program if a packet was dropped or not sent.
 */
void world_figure(struct world *world, const char *name, uint16_t source, unsigned in,
                  unsigned out);
