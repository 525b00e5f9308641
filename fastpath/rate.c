/* SPDX-License-Identifier: BSD-3-Clause */

/* Rates of interfaces: see rate.h. */

#include "fastpath/rate.h"

/* A meter passes at once what its rate lets through in this part of a second, */
#define BURST_PART 20
/* but at least so much: a few of the largest frames. */
#define BURST_PACKETS_MIN 32
#define BURST_OCTETS_MIN  (4 * (VIF_MTU_MAX + 18))

static void
begin(struct rte_meter_srtcm *meter, struct rte_meter_srtcm_profile *profile, uint64_t rate,
      uint64_t burst_min, uint64_t now)
{
    const uint64_t burst = rate / BURST_PART;
    struct rte_meter_srtcm_params parameters = {
        .cir = rate,
        .cbs = burst > burst_min ? burst : burst_min,
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

bool
rate_take(struct rate_meter *meter, const struct vif_rate *rate, uint32_t version, uint32_t octets,
          uint64_t now)
{
    if (meter->version != version) {
        begin(&meter->packets, &meter->packet_profile, rate->packets, BURST_PACKETS_MIN, now);
        begin(&meter->octets, &meter->octet_profile, rate->bits / 8, BURST_OCTETS_MIN, now);
        meter->version = version;
    }
    if (rate->packets != 0 && !within(&meter->packets, &meter->packet_profile, 1, now))
        return false;
    return rate->bits == 0 || within(&meter->octets, &meter->octet_profile, octets, now);
}
