/* SPDX-License-Identifier: BSD-3-Clause */

/* Rates of interfaces: see rate.h. */

#include "fastpath/rate.h"

/* A meter passes at once what its rate lets through in this part of a second, */
#define BURST_PART 20
/* but at least so much: a few of the largest frames. */
#define BURST_PACKETS_MIN 32
#define BURST_OCTETS_MIN  (4 * (VIF_MTU_MAX + 18))

static uint64_t
burst_of(uint64_t rate, uint64_t least)
{
    return rate / BURST_PART > least ? rate / BURST_PART : least;
}

static void
begin(struct rte_meter_srtcm *meter, struct rte_meter_srtcm_profile *profile, uint64_t rate,
      uint64_t burst_min, uint64_t now)
{
    struct rte_meter_srtcm_params parameters = {
        .cir = rate,
        .cbs = burst_of(rate, burst_min),
    };

    if (rate == 0)
        return;
    (void)rte_meter_srtcm_profile_config(profile, &parameters);
    (void)rte_meter_srtcm_config(meter, profile);
    meter->time = now; /* the turn's, which may be earlier than the call's */
}

static bool
within(struct rte_meter_srtcm *meter, struct rte_meter_srtcm_profile *profile, uint32_t amount,
       uint64_t now)
{
    return rte_meter_srtcm_color_blind_check(meter, profile, now, amount) == RTE_COLOR_GREEN;
}

/* The version comes last: with it the first reading is whole. */
static void
tell(struct rate_meter *meter, uint64_t now)
{
    struct rate_reading *reading = &meter->reading;

    atomic_store_explicit(&reading->time, now, memory_order_relaxed);
    atomic_store_explicit(&reading->packets, meter->packets.tc, memory_order_relaxed);
    atomic_store_explicit(&reading->octets, meter->octets.tc, memory_order_relaxed);
    atomic_store_explicit(&reading->version, meter->version, memory_order_release);
}

static bool
take(struct rate_meter *meter, const struct vif_rate *rate, uint32_t octets, uint64_t now)
{
    if (rate->packets != 0 && !within(&meter->packets, &meter->packet_profile, 1, now))
        return false;
    return rate->bits == 0 || within(&meter->octets, &meter->octet_profile, octets, now);
}

bool
rate_take(struct rate_meter *meter, const struct vif_rate *rate, uint32_t version, uint32_t octets,
          uint64_t now)
{
    if (meter->version != version) {
        begin(&meter->packets, &meter->packet_profile, rate->packets, BURST_PACKETS_MIN, now);
        begin(&meter->octets, &meter->octet_profile, rate->bits / 8, BURST_OCTETS_MIN, now);
        meter->version = version;
    }

    const bool taken = take(meter, rate, octets, now);

    tell(meter, now);
    return taken;
}

/* Of a bucket with `left` tokens some time ago. */
static unsigned
percent_used(uint64_t rate, uint64_t least, uint64_t left, double seconds)
{
    const uint64_t burst = burst_of(rate, least);
    const double now = (double)left + seconds * (double)rate;

    return rate == 0 || now >= (double)burst
               ? 0
               : (unsigned)(100 * ((double)burst - now) / (double)burst + 0.5);
}

unsigned
rate_used(const struct rate_meter *meter, const struct vif_rate *rate, uint32_t version,
          uint64_t now, uint64_t hz)
{
    const struct rate_reading *reading = &meter->reading;

    if (atomic_load_explicit(&reading->version, memory_order_acquire) != version)
        return 0; /* full as soon as a frame comes */

    const uint64_t time = atomic_load_explicit(&reading->time, memory_order_relaxed);
    const double seconds = now > time ? (double)(now - time) / (double)hz : 0;
    const unsigned packets =
        percent_used(rate->packets, BURST_PACKETS_MIN,
                     atomic_load_explicit(&reading->packets, memory_order_relaxed), seconds);
    const unsigned octets =
        percent_used(rate->bits / 8, BURST_OCTETS_MIN,
                     atomic_load_explicit(&reading->octets, memory_order_relaxed), seconds);

    return packets > octets ? packets : octets;
}
