/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The express lane of frames from guests: the ordinary ones of a burst are recognized side by side,
 * by what they have in common, instead of being parsed and judged one by one. What is not ordinary
 * is none of its business: the ingress half judges it, in its place between the others.
 *
 * Ordinary is a plain packet buffer with a frame that begins as its interface's head says
 * (lib/table/vif.h: MAC addresses, tag, version, source), a whole TCP or UDP packet inside, to an
 * address that is forwarded to, with a TTL to spare: all that judging it would have looked at.
 */

#include "fastpath/burst.h"
#include "lib/base/simd.h"

struct express {
    struct burst *burst; /* ordinary packets are at their index in what was looked at */
    const struct vif *vifs[BURST_PACKETS];
    bool uneven;        /* not all are ordinary IPv4 from one interface, without padding */
    uint32_t ip_octets; /* of all together, if they are */
};

/**
 * Looks for the ordinary ones among `n` > 0 packets that came from `burst->port`. For each of them
 * everything that the burst says about a packet is written, and one is taken off the TTL; the
 * others are left as they are.
 * @return the ordinary ones, a bit each
 */
typedef uint64_t express_test(const struct vif_table *vifs, struct rte_mbuf **packets, unsigned n,
                              struct express *express);

/* The test as it was compiled for each level. */
express_test express_test_scalar, express_test_avx2, express_test_avx512;

/** The test compiled for a level that the CPU has. */
express_test *express_test_of(enum simd_level level);
