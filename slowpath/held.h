/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Packets that wait for the underlay's neighbours: a few for each neighbour, in order of arrival,
 * and not more than its part for the interface that they came from (C45). What came from tunnels,
 * or from ourselves, counts as if it came from one interface more.
 */

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#define HELD_QUEUE_MAX     8    /* packets that wait for one neighbour */
#define HELD_INTERFACE_MAX 64   /* packets of one interface, for all neighbours */
#define HELD_ALL_MAX       1024 /* packets of all interfaces, for all neighbours */

struct held_queue {
    unsigned n;
    struct rte_mbuf *packets[HELD_QUEUE_MAX]; /* oldest first */
};

struct held_totals {
    unsigned all;
    uint32_t vifs;
    uint16_t *of_vif; /* by interface; the last is what came from none */
};

/** For interfaces 0 .. vifs - 1. @return false without memory. */
bool held_totals_init(struct held_totals *totals, uint32_t vifs);
void held_totals_free(struct held_totals *totals);

/**
 * Adds a packet, whose note says where it came from. If there is no room one must go: where its
 * interface has its part, the oldest of that interface in this queue; else the oldest of the
 * interface that has most in this queue. The latest packet is worth more than the oldest (RFC 1122
 * section 2.3.2.2), but no guest's packets go for those of another that has more.
 * @return NULL, or the packet that is to be dropped: an older one, or `packet` itself.
 */
struct rte_mbuf *held_add(struct held_totals *totals, struct held_queue *queue,
                          struct rte_mbuf *packet);

/** Empties the queue. The packets, the caller's from now on, stand in it until one is added.
 * @return how many there were. */
unsigned held_release(struct held_totals *totals, struct held_queue *queue);
