/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * A worker's state: what it shares by pointer, and what is its own. All stages take it as their
 * first argument and run on the worker's thread.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "fastpath/burst.h"
#include "fastpath/express.h"
#include "fastpath/idle.h"
#include "fastpath/punt.h"
#include "fastpath/rate.h"
#include "fastpath/reassembly.h"
#include "fastpath/spread.h"
#include "fastpath/transmit.h"
#include "fastpath/tunnel_express.h"
#include "lib/port/port.h"
#include "lib/ring/rings.h"
#include "lib/stats/counters.h"
#include "lib/table/tables.h"

struct trace;
struct watch_board;
struct watch_set;

struct worker {
    unsigned number;
    struct tables *tables;
    struct port_table *ports;
    struct rings *rings;
    struct counter_block *counters;
    express_test *express;               /* of the level of vector instructions (lib/base/simd.h) */
    tunnel_express_test *tunnel_express; /* of the level of vector instructions */
    struct tunnel_heads tunnel_heads;    /* what it looks for */
    struct rte_mempool *pool;            /* of the packets that are made here, */
    uint16_t room;                       /* and how many octets each may have */
    const struct underlay *underlay;
    const _Atomic bool *ending; /* fastpath_stop() sets it */
    uint64_t now;               /* TSC at the start of this turn */
    struct idle idle;
    struct punt_meters punts;
    struct vif_meters *meters; /* by interface id; of all workers, each used by one at a time */
    struct transmit transmit;
    struct reassembly reassembly;
    struct spread spread;
    bool explains;       /* for explaining: what it would send is let go (fastpath/explain.h) */
    struct trace *trace; /* of the packet at work, NULL: nobody watches it (fastpath/trace.h) */
    const struct watch_board *board;  /* of all workers; the set on it, */
    const struct watch_set *watching; /* as it was at the start of this turn: NULL: none */
    struct trace *watched;            /* the worker's own, for packets of watches */
    struct bucket_rate trace_rate;    /* of each watch that traces */
};

struct fastpath_config;

/** Makes and frees what is a worker's own (fastpath.c). Control thread. @return false without
 * memory; what was made is freed by worker_free() all the same. */
bool worker_init(struct worker *worker, unsigned number, const struct fastpath_config *config,
                 struct vif_meters *meters, const _Atomic bool *ending);
void worker_free(struct worker *worker);

/** One turn: each receive queue, the inject ring, the hand-over rings, then what is to be sent.
 * @return packets taken in. */
unsigned worker_turn(struct worker *worker);

/** The same at a time of the caller's, in cycles of the TSC. */
unsigned worker_turn_at(struct worker *worker, uint64_t now);

/** Takes packets that came from `port` through the stages, up to what transmit_flush() and
 * spread_flush() send on.
 * @param n at most BURST_PACKETS */
void worker_forward(struct worker *worker, const struct port *port, struct rte_mbuf **packets,
                    unsigned n);

/** The same, without a look at who watches.
 * @param handed_over another worker received them from the underlay: they are this one's */
void worker_stages(struct worker *worker, const struct port *port, struct rte_mbuf **packets,
                   unsigned n, bool handed_over);

/** Does what the notes of up to BURST_PACKETS packets ask for (lib/ring/note.h). */
void worker_do_tasks(struct worker *worker, struct rte_mbuf **packets, unsigned n);

/** Turns until `ending`. */
void worker_run(struct worker *worker);
