/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "fastpath/burst.h"

struct worker;

/**
 * The reverse-path check of packets from tunnels (C48): the VRF that a packet has entered must
 * route the packet's source to the tunnel that it came through, or to a set of which that tunnel's
 * far end is a member; or the source is the virtual router, which sends ICMP errors from wherever
 * it makes them. Packets that fail are dropped and leave the burst; those that entered no VRF pass.
 * @param sources the outer source of each packet of the burst
 */
void reverse_path(struct worker *worker, struct burst *burst, const struct ip_addr *sources);
