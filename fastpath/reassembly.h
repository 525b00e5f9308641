/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Reassembly of tunnelled packets whose outer packet came in fragments (RFC 791 section 3.2,
 * RFC 8200 section 4.5): from a sender that does not set DF, or whose path is narrower than it
 * thought. We ourselves send none. It is for packets to our underlay addresses only, and bounded:
 * datagrams and fragments that wait, fragments of a datagram (eight, as DPDK is built), and time.
 * Whatever overlaps, repeats itself or leaves a hole is dropped with all of its datagram
 * (RFC 5722). One of each worker.
 */

#include <stdint.h>

#include <rte_ip_frag.h>

#include "lib/net/parse.h"

struct worker;

#define REASSEMBLY_DATAGRAMS 256  /* that wait, for each protocol */
#define REASSEMBLY_FRAGMENTS 1024 /* that wait */
#define REASSEMBLY_SECONDS   2

/* GRE and UDP: the key by which rte_ip_frag tells IPv4 datagrams apart lacks the protocol. */
#define REASSEMBLY_PROTOCOLS 2

struct reassembly {
    struct rte_ip_frag_tbl *tables[REASSEMBLY_PROTOCOLS]; /* of the facade */
    struct rte_ip_frag_death_row dead;
};

/**
 * Takes a fragment of UDP or GRE, in a frame that came from the underlay.
 * @param frame, outer the views of its headers
 * @return the frame with the whole packet, its headers in the first segment, ECN as RFC 3168
 * section 5.3 wants it; or NULL: the fragment waits for others, or was dropped, or, as none of a
 * tunnel's, went to the host.
 */
struct rte_mbuf *reassemble(struct worker *worker, struct rte_mbuf *packet,
                            const struct frame_view *frame, const struct ip_view *outer);

/** Drops what has waited too long. */
void reassembly_expire(struct worker *worker);
