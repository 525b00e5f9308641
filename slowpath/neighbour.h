/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Neighbours on the underlay: the one writer of the adjacencies' link words
 * (lib/table/adjacency.h).
 *
 *   INCOMPLETE  a request to all a second, packets wait; after three without answer FAILED
 *   REACHABLE   confirmed; asked again by unicast before the answer is too old to be relied on
 *   PROBING     the link stays up meanwhile; after three unanswered probes INCOMPLETE
 *   FAILED      asked every five seconds, and as soon as a packet asks, once a second at most
 *
 * Only wanted neighbours exist: nothing that arrives makes one.
 */

#include "slowpath/context.h"

/** For adjacencies 0 .. limit - 1 and interfaces 0 .. vifs - 1. @return NULL without memory. */
struct neighbours *neighbours_create(uint32_t limit, uint32_t vifs);

/** Frees them with the packets that they hold. */
void neighbours_destroy(struct neighbours *neighbours);

/** Follows what control wants, and asks who is due to be asked. Once a turn. */
void neighbours_turn(struct slowpath *slowpath);

/** Takes a complete outer frame without destination MAC address: sent at once if the neighbour has
 * answered meanwhile, else held until it does (slowpath/held.h). Takes the packet over in any case.
 */
void neighbour_hold(struct slowpath *slowpath, uint32_t adjacency, struct rte_mbuf *packet);

/* How a neighbour told of itself. */
#define NEIGHBOUR_SOLICITED 1u /* in answer to us: it can be reached */
#define NEIGHBOUR_OVERRIDE  2u /* another MAC address than the known one is to be taken */

/**
 * A neighbour told its MAC address: the link comes up with it and what was held goes out, in order.
 * Rules of RFC 4861 section 7.2.5: what was said unasked brings a MAC address, but does not confirm
 * that the neighbour can be reached; what must not override a known one makes it be asked again.
 * @param mac NULL: it was not said, and the known one still holds
 * @param how NEIGHBOUR_SOLICITED, NEIGHBOUR_OVERRIDE
 * @return false if nobody wants this neighbour.
 */
bool neighbour_confirm(struct slowpath *slowpath, uint16_t port, const struct ip_addr *address,
                       const struct mac_addr *mac, unsigned how);
