/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The express lane of tunnelled frames: the ordinary ones of a burst are recognized side by side,
 * by what they have in common, instead of being parsed and judged one by one. What is not ordinary
 * is none of its business: the ingress half judges it, in its place between the others.
 *
 * Ordinary is a plain packet buffer with a frame that begins as one of the heads says
 * (fastpath/tunnel_head.h), whose lengths agree from the first to the last, with right header
 * checksums; inside, an IPv4 packet without options or an IPv6 packet, to an address that is
 * forwarded to, whose DSCP and ECN are the same after the tunnel as before. That is all that
 * judging it would have looked at, up to the label and the outer source.
 */

#include "fastpath/tunnel_head.h"
#include "fastpath/tunnels.h"
#include "lib/base/simd.h"

/**
 * Looks for the ordinary ones among `n` packets. For each of them everything that `burst` and
 * `tunnels` say about a packet is written at its index, but for path, hash and VRF, which are the
 * label's affair; the others are left as they are.
 * @param mac the port's
 * @return the ordinary ones, a bit each
 */
typedef uint64_t tunnel_express_test(const struct tunnel_heads *heads, const struct mac_addr *mac,
                                     struct rte_mbuf **packets, unsigned n, struct burst *burst,
                                     struct tunnels *tunnels);

/* The test as it was compiled for each level. */
tunnel_express_test tunnel_express_scalar, tunnel_express_avx2, tunnel_express_avx512;

/** The test compiled for a level that the CPU has. */
tunnel_express_test *tunnel_express_of(enum simd_level level);
