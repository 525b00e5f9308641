/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The way to the slow path, policed twice: a packet takes a token of its interface and reason, and
 * one of the reason as a whole, so that one guest can use up its own share and no more. Many guests
 * together can use up the reason's: a packet of one that has all its tokens passes nevertheless.
 */

#include <stdint.h>

#include <rte_mbuf.h>

#include "fastpath/bucket.h"
#include "lib/ring/note.h"
#include "lib/stats/reasons.h"

struct worker;

struct punt_meters {
    struct bucket_rate reason_rates[PUNT_REASONS], interface_rates[PUNT_REASONS];
    uint64_t reasons[PUNT_REASONS]; /* buckets */
    uint64_t *interfaces;           /* by interface id, PUNT_REASONS each; of the facade */
};

/** Sets the rates from lib/stats/punts.def, for a clock of `hz`. */
void punt_meters_init(struct punt_meters *meters, uint64_t hz);

/** Gives a packet to the slow path with its note, or drops it; each way it is counted. */
void punt(struct worker *worker, struct rte_mbuf *packet, const struct packet_note *note);

/** The same for a packet that ends as dropped for `reason` in any case: the slow path, if it gets
 * the packet, tells somebody and then counts it so. DROP_REASONS: as punt(). */
void punt_or_drop(struct worker *worker, struct rte_mbuf *packet, const struct packet_note *note,
                  enum drop_reason reason);
