/* SPDX-License-Identifier: BSD-3-Clause */

/* Punts: see punt.h. */

#include "fastpath/punt.h"

#include "fastpath/drop.h"
#include "fastpath/worker.h"

/* An interface gets this part of what its worker lets through for a reason. */
#define INTERFACE_PART 10

static struct punt_rate_cycles
rate_cycles(uint32_t packets_per_second, uint32_t burst, uint64_t hz)
{
    const uint64_t interval = hz / packets_per_second;

    return (struct punt_rate_cycles){ .interval = interval, .depth = interval * burst };
}

void
punt_meters_init(struct punt_meters *meters, uint64_t hz)
{
    for (unsigned reason = 0; reason < PUNT_REASONS; reason++) {
        const struct punt_rate rate = punt_reason_rate((enum punt_reason)reason);

        meters->reason_rates[reason] = rate_cycles(rate.packets_per_second, rate.burst, hz);
        meters->interface_rates[reason] =
            rate_cycles(rate.packets_per_second / INTERFACE_PART, rate.burst / INTERFACE_PART, hz);
    }
}

static bool
bucket_take(struct punt_bucket *bucket, const struct punt_rate_cycles *rate, uint64_t now)
{
    const uint64_t from = bucket->full_at > now ? bucket->full_at : now;

    if (from + rate->interval > now + rate->depth)
        return false;
    bucket->full_at = from + rate->interval;
    return true;
}

void
punt(struct worker *worker, struct rte_mbuf *packet, const struct packet_note *note)
{
    struct punt_meters *meters = &worker->punts;
    const uint8_t reason = note->reason;

    if (note->vif != VIF_NONE &&
        !bucket_take(&meters->interfaces[note->vif * PUNT_REASONS + reason],
                     &meters->interface_rates[reason], worker->now)) {
        drop(worker, packet, DROP_PUNT_INTERFACE_RATE, note->vif);
        return;
    }
    if (!bucket_take(&meters->reasons[reason], &meters->reason_rates[reason], worker->now)) {
        drop(worker, packet, DROP_PUNT_REASON_RATE, note->vif);
        return;
    }
    *packet_note(packet) = *note;
    if (rte_ring_enqueue(worker->rings->punt[worker->number], packet) != 0) {
        drop(worker, packet, DROP_PUNT_QUEUE, note->vif);
        return;
    }
    counter_add(&worker->counters->punts[reason], 1);
}
