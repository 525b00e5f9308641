/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Rates of interfaces (C44), in packets and in bits, each direction by itself: single-rate meters
 * (RFC 2697) without excess. What comes from a guest is metered by the worker that polls its port,
 * what goes to it by the worker that sends on its port: one thread a meter.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_meter.h>

#include "lib/table/vif.h"

/* What a meter's worker tells other threads, after each frame. Every word is one that the meter
 * had; two that are read together may be of two frames that follow each other. */
struct rate_reading {
    _Atomic uint32_t version;
    _Atomic uint64_t time;            /* TSC */
    _Atomic uint64_t packets, octets; /* tokens that were left */
};

struct rate_meter {
    uint32_t version; /* of the rates that it was made from; 0: not yet */
    struct rte_meter_srtcm packets, octets;
    struct rte_meter_srtcm_profile packet_profile, octet_profile;
    struct rate_reading reading;
};

struct vif_meters {
    struct rate_meter in, out;
};

/**
 * Takes a frame's tokens.
 * @param version of the rate: with another one the meter begins anew, full
 * @param octets of the frame
 * @param now TSC
 * @return false: it is beyond the rate.
 */
bool rate_take(struct rate_meter *meter, const struct vif_rate *rate, uint32_t version,
               uint32_t octets, uint64_t now);

/**
 * How much is used of what may pass at once, in packets or in octets, whichever is more. Any
 * thread: it reads what the meter's worker last told, and what has come back since.
 * @param now TSC, which counts `hz` a second
 * @return percent, 0..100; without a rate 0
 */
unsigned rate_used(const struct rate_meter *meter, const struct vif_rate *rate, uint32_t version,
                   uint64_t now, uint64_t hz);
