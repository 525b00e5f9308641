/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Spreading tunnels over the workers by their inner flows, where the device cannot.
 *
 * A device tells tunnels over UDP apart by the source port, in which the far end puts the entropy
 * of the inner flow. MPLS over GRE has nothing of the kind: all that one node sends to another
 * comes through one receive queue. And a port with one receive queue tells nothing apart. There the
 * worker that receives reads the inner header, too, and hands the frame over to the worker that
 * owns the flow's hash, which takes it as if it had just received it: a flow is always forwarded by
 * one worker, whichever polls the queue. The fragments of a tunnel's packets go by their two
 * addresses, before they are put together: so they meet, and what is made of them keeps its order.
 */

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "fastpath/burst.h"
#include "lib/net/encapsulation.h"
#include "lib/net/parse.h"

struct worker;

/* Frames that wait for the turn's end, or to be many, before they go to another worker. */
struct spread_buffer {
    unsigned n;
    struct rte_mbuf *packets[BURST_PACKETS];
};

struct spread {
    struct spread_buffer buffers[WORKERS_MAX]; /* by worker */
};

/** Whether tunnels of an encapsulation (enum encapsulation), received on this port, must be spread
 * among `n_workers`. */
static inline bool
spread_is_needed(const struct port *port, uint8_t encapsulation, unsigned n_workers)
{
    return n_workers > 1 && (port->n_queues == 1 || encapsulation == ENCAP_GRE);
}

/**
 * Hands a tunnelled frame over to the worker that owns its inner flow, if that is another one.
 * @param offset of the inner IP header in the frame
 * @param length octets from there to the end of the outer packet
 * @return true if it was taken from the caller; false: it is this worker's.
 */
bool spread(struct worker *worker, const struct port *port, struct rte_mbuf *packet,
            uint32_t offset, uint32_t length);

/** Hands a fragment of a tunnelled packet over to the worker that puts those between its two
 * addresses together, if that is another one. @return as spread() */
bool spread_fragment(struct worker *worker, const struct port *port, struct rte_mbuf *packet,
                     const struct ip_view *outer);

/** Hands over all that waits. */
void spread_flush(struct worker *worker);
