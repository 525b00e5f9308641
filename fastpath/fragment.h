/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Fragmentation of IPv4 packets by the router (RFC 791 section 2.3, RFC 1812 section 4.2.2.7): of
 * the inner packet, so that every outer one is whole.
 */

#include "fastpath/burst.h"

struct worker;

/* Fragments of one packet at most: what the largest packet needs at the smallest MTU. */
#define FRAGMENTS_MAX 128

/**
 * Sends an IPv4 packet on as fragments, in order, each in a buffer and a segment of its own. They
 * share the packet's path and hash, and their lengths are at most `mtu`. All of them are sent or
 * none: without buffers the packet is dropped as DROP_NO_MEMORY, and as DROP_FRAGMENTATION if it
 * does not come to FRAGMENTS_MAX fragments or ends beyond the largest datagram.
 * @param mtu octets, at least 68
 * @param egress the egress half that the packet was in
 */
void fragment(struct worker *worker, const struct burst *burst, unsigned i, uint16_t mtu,
              egress_half egress);
