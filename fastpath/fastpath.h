/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The facade of the workers. control/main.c makes a fastpath from the shared tables, launches one
 * worker on each of its lcores, and ends them. Everything else a worker needs reaches it through
 * lib/table, lib/port and lib/ring.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_mempool.h>

#include "lib/net/addr.h"
#include "lib/port/port.h"
#include "lib/ring/note.h"
#include "lib/ring/rings.h"
#include "lib/ring/trace.h"
#include "lib/ring/watch.h"
#include "lib/stats/counters.h"
#include "lib/table/tables.h"
#include "lib/table/underlay.h"

struct fastpath_config {
    unsigned n_workers; /* 1..WORKERS_MAX */
    struct tables *tables;
    struct port_table *ports;
    struct rings *rings;
    struct counters *counters;
    struct rte_mempool *pool; /* packets that workers make come from it */
    const struct underlay *underlay;
    const struct watch_board *watches; /* NULL: nobody watches, ever */
    bool poll;                         /* never sleep when idle */
};

struct fastpath;

/** Makes the workers' private state. @return NULL without memory. Control thread. */
struct fastpath *fastpath_create(const struct fastpath_config *config);

/** A worker's thread function for rte_eal_remote_launch(): runs until fastpath_stop().
 * `argument` is the result of fastpath_worker(). Registers as reclaim reader number `worker`. */
int fastpath_run(void *argument);

/** What to pass to fastpath_run() for worker 0..n-1. */
void *fastpath_worker(struct fastpath *fastpath, unsigned worker);

/** One turn of a worker's loop without idling, at a time of the caller's, in cycles of the TSC; for
 * tests. @return packets handled. */
unsigned fastpath_poll_once(void *worker, uint64_t now);

/**
 * Takes one packet through the stages as they are now, for their verdicts alone: nothing is sent,
 * punted or counted, no meter is used up. `trace`, whose room the caller has set, is filled with
 * the steps, and with the frames as they would leave.
 * @param note TASK_RECEIVE: a frame that comes from `port`, whatever its role; TASK_ROUTE: an IP
 * packet to be looked up in `vrf`
 * @return 0, -ENODEV (no such port), -EMSGSIZE (longer than any frame) or -ENOMEM. Control thread,
 * which writes the tables and so needs not be one of their registered readers.
 */
int fastpath_explain(struct fastpath *fastpath, const struct packet_note *note, const void *octets,
                     size_t length, struct trace *trace);

/**
 * How much of the rates of an interface is used at this moment, as rate_used() says.
 * @param in, out percent of what may pass from and to the guest at once. Any thread.
 */
void fastpath_rates_used(const struct fastpath *fastpath, const struct vif *vif, unsigned *in,
                         unsigned *out);

/** Asks all workers to end after their current turn. Any thread. */
void fastpath_stop(struct fastpath *fastpath);

/** Frees the workers' state after they have ended. */
void fastpath_destroy(struct fastpath *fastpath);
