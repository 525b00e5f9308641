/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* A token bucket for what the slow path says unasked: ICMP errors, log lines. One thread. */

#include <stdbool.h>
#include <stdint.h>

struct rate_limit {
    uint64_t filled_ms; /* when `tokens` was brought up to date; 0: never, and full */
    uint32_t tokens;    /* in thousandths */
};

/** Takes a token. @return false if there is none: `per_second` are earned, up to `burst`. */
static inline bool
rate_limit_take(struct rate_limit *limit, uint32_t per_second, uint32_t burst, uint64_t now_ms)
{
    const uint64_t full = (uint64_t)burst * 1000;
    const uint64_t passed = limit->filled_ms == 0 ? full : now_ms - limit->filled_ms;
    /* Beyond this time it is full whatever was left. */
    const uint64_t earned = passed >= full ? full : passed * per_second;
    const uint64_t tokens = limit->tokens + earned > full ? full : limit->tokens + earned;

    limit->filled_ms = now_ms;
    limit->tokens = (uint32_t)tokens;
    if (tokens < 1000)
        return false;
    limit->tokens -= 1000;
    return true;
}
