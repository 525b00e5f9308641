/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "fastpath/tunnels.h"

struct worker;

/**
 * The reverse-path check of packets from tunnels (C48): the VRF that a packet has entered must
 * route the packet's source to the tunnel that it came through, or to a set of which that tunnel's
 * far end is a member; or the source is the virtual router, which sends ICMP errors from wherever
 * it makes them. Packets that fail are dropped; those that entered no VRF pass.
 * @param gone packets that are not looked at, a bit each
 * @return these, and those that were dropped
 */
uint64_t reverse_path(struct worker *worker, const struct burst *burst,
                      const struct tunnels *tunnels, uint64_t gone);
