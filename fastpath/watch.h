/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Watching live traffic (lib/ring/watch.h). While nobody does, a turn costs one load, a burst and a
 * flush one branch each.
 *
 * A packet that a watch may want is copied as far as the watch keeps it and then taken through the
 * stages alone, traced, between the packets before and those behind it: what became of it goes with
 * it into the watch's ring. Frames that are sent are looked at once more where they leave. All of
 * it is bounded, and slower than forwarding is.
 */

#include <stdbool.h>
#include <stdint.h>

#include "fastpath/burst.h"

struct trace;
struct transmit_buffer;
struct watch_set;
struct worker;

/* A worker's own room: of the packet at work, and what it becomes. */
#define WATCH_ROOM_OCTETS 40960u

/** As worker_stages(), while somebody watches. A packet that goes to another worker is looked at
 * there. */
void watch_forward(struct worker *worker, const struct port *port, struct rte_mbuf **packets,
                   unsigned n, bool handed_over);

/** Looks at the frames that are about to be given to a port. */
void watch_sent(struct worker *worker, const struct port *port,
                const struct transmit_buffer *buffer);
