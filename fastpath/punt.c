/* SPDX-License-Identifier: BSD-3-Clause */

/* Punts: see punt.h. */

#include "fastpath/punt.h"

#include "fastpath/complete.h"
#include "fastpath/drop.h"
#include "fastpath/offload.h"
#include "fastpath/trace.h"
#include "fastpath/worker.h"

/* An interface gets this part of what its worker lets through for a reason. */
#define INTERFACE_PART 10

void
punt_meters_init(struct punt_meters *meters, uint64_t hz)
{
    for (unsigned reason = 0; reason < PUNT_REASONS; reason++) {
        const struct punt_rate rate = punt_reason_rate((enum punt_reason)reason);

        meters->reason_rates[reason] = bucket_rate_make(rate.packets_per_second, rate.burst, hz);
        meters->interface_rates[reason] = bucket_rate_make(rate.packets_per_second / INTERFACE_PART,
                                                           rate.burst / INTERFACE_PART, hz);
    }
}

/* Takes the tokens that a packet needs. A guest that has long been quiet is not made to pay for
 * others that use up the reason's share together. */
static enum drop_reason
take_tokens(struct punt_meters *meters, const struct packet_note *note, uint64_t now)
{
    const uint8_t reason = note->reason;
    bool quiet = false;

    if (note->vif != VIF_NONE) {
        uint64_t *bucket = &meters->interfaces[note->vif * PUNT_REASONS + reason];

        quiet = *bucket <= now;
        if (!bucket_take(bucket, &meters->interface_rates[reason], now))
            return DROP_PUNT_INTERFACE_RATE;
    }
    if (!bucket_take(&meters->reasons[reason], &meters->reason_rates[reason], now) && !quiet)
        return DROP_PUNT_REASON_RATE;
    return DROP_REASONS;
}

/* @return DROP_REASONS if the slow path gets the packet, else why not. */
static enum drop_reason
give(struct worker *worker, struct rte_mbuf *packet, const struct packet_note *note)
{
    const enum drop_reason refused = take_tokens(&worker->punts, note, worker->now);

    if (refused != DROP_REASONS)
        return refused;
    *packet_note(packet) = *note;
    trace_punt(worker, packet, note);

    const int error = punt_ring_put(&worker->rings->punt[worker->number], packet);

    if (error != 0)
        return error == -EDQUOT ? DROP_PUNT_INTERFACE_QUEUE : DROP_PUNT_QUEUE;
    counter_add(&worker->counters->punts[note->reason], 1);
    return DROP_REASONS;
}

void
punt_or_drop(struct worker *worker, struct rte_mbuf *packet, const struct packet_note *note,
             enum drop_reason reason)
{
    struct rte_mbuf *segments[COMPLETE_SEGMENTS_MAX] = { packet };
    unsigned n = 1;

    if (unlikely(offload_is_left(packet->ol_flags)))
        n = complete(worker, packet, note->l3_offset, note->vif, segments);
    for (unsigned i = 0; i < n; i++) {
        const enum drop_reason refused = give(worker, segments[i], note);

        if (refused != DROP_REASONS)
            drop(worker, segments[i], reason != DROP_REASONS ? reason : refused, note->vif);
    }
}

void
punt(struct worker *worker, struct rte_mbuf *packet, const struct packet_note *note)
{
    punt_or_drop(worker, packet, note, DROP_REASONS);
}
