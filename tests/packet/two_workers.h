/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* A scenario with two workers, and packets for it: what the tests of the stages begin with. */

#include "tests/packet/stage_rig.h"

#define FABRIC       0 /* ports */
#define ACCESS       1
#define PAYLOAD      100u
#define POOL_PACKETS 4095

/** Makes the scenario, as cmocka wants it. stage_rig_end() takes it down. */
int two_workers_begin(void **state);

/** The worker that owns the port which packets come from: it has the other one's frames too. */
struct worker *owner_of(unsigned port);

uint64_t drops_of_all(void);

/** A guest's packet to 10.1.0.1, in `tail` octets of which the frame ends in another segment. */
struct rte_mbuf *guest_packet(unsigned tail);

/** A tunnel over GRE to the guest, of a flow that its port says. */
struct rte_mbuf *tunnel_packet(uint16_t port);

/** Gives a guest's packet to a worker and runs both until what was handed over is sent, too. */
void run(struct rte_mbuf *packet);

/** The same, with a packet that must be dropped for this reason, and all its buffers freed. */
void expect_drop(struct rte_mbuf *packet, enum drop_reason reason);

/** The same, with one that must be sent to the far vRouter. */
void expect_sent(struct rte_mbuf *packet);
