/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>
#include <time.h>

/** Milliseconds on the monotonic clock. Any thread but a busy worker. */
static inline uint64_t
clock_monotonic_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/** Seconds since 1970-01-01 UTC. Any thread but a busy worker. */
static inline uint64_t
clock_unix_seconds(void)
{
    return (uint64_t)time(NULL);
}
