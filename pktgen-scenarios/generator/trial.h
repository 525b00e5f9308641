/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* One trial: every stream at its rate for some time, and what came back of it. */

#include <stdint.h>

#include "pktgen-scenarios/generator/plan.h"

struct trial {
    const struct plan *plan;
    const uint16_t *ports; /* of DPDK, one for each of the plan's */
    struct rte_mempool *pool;
    double rates[STREAMS_MAX];            /* packets a second; 0: as many as are taken */
    struct account accounts[STREAMS_MAX]; /* of the time after the warm-up */
    double seconds[STREAMS_MAX];          /* for which a stream was sent */
    uint64_t forgone[STREAMS_MAX];        /* see pace.h */
    uint64_t foreign;                     /* frames that came, and were no stream's */
};

/** Sends for the plan's warm-up and time, then waits for what is on its way.
 * @param progress  is called every second with the seconds that are left */
void trial_run(struct trial *trial, void (*progress)(const struct trial *, double left));
