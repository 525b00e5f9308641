/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* The two closed lists of what happens to a packet that is not forwarded: drops and punts. */

#include <stdint.h>

enum drop_reason {
#define DROP(enumerator, name, text) DROP_##enumerator,
#include "lib/stats/drops.def"
#undef DROP
    DROP_REASONS
};

enum punt_reason {
#define PUNT(enumerator, name, rate, burst) PUNT_##enumerator,
#include "lib/stats/punts.def"
#undef PUNT
    PUNT_REASONS
};

struct punt_rate {
    uint32_t packets_per_second, burst;
};

/** The name ("no-route") and the meaning of a drop reason. Any thread. */
const char *drop_reason_name(enum drop_reason reason);
const char *drop_reason_text(enum drop_reason reason);

/** The name of a punt reason and what a worker lets through. Any thread. */
const char *punt_reason_name(enum punt_reason reason);
struct punt_rate punt_reason_rate(enum punt_reason reason);
