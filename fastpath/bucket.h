/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* A token bucket as one time stamp: when its tokens, one an interval, will all be there again. */

#include <stdbool.h>
#include <stdint.h>

struct bucket_rate {
    uint64_t interval; /* between two tokens, TSC cycles */
    uint64_t depth;    /* burst, in cycles */
};

/** The rate of so many tokens a second, of which `burst` may be taken at once. */
static inline struct bucket_rate
bucket_rate_make(uint32_t tokens_per_second, uint32_t burst, uint64_t hz)
{
    const uint64_t interval = hz / tokens_per_second;

    return (struct bucket_rate){ .interval = interval, .depth = interval * burst };
}

/** Takes a token. `full_at` is zero of a bucket that was never used. @return false: there is none.
 */
static inline bool
bucket_take(uint64_t *full_at, const struct bucket_rate *rate, uint64_t now)
{
    const uint64_t from = *full_at > now ? *full_at : now;

    if (from + rate->interval > now + rate->depth)
        return false;
    *full_at = from + rate->interval;
    return true;
}
