/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Percentiles: buckets are as wide as the value is large. Up to 64 each value has its own; from
 * there on each power of two is cut into 64.
 */

#include "pktgen-scenarios/generator/histogram.h"

#define FINE (1u << HISTOGRAM_FINE_BITS)

static unsigned
bucket_of(uint64_t value)
{
    if (value < FINE)
        return (unsigned)value;
    const unsigned shift = 63u - (unsigned)__builtin_clzll(value) - HISTOGRAM_FINE_BITS;

    return ((shift + 1) << HISTOGRAM_FINE_BITS) + (unsigned)(value >> shift) - FINE;
}

static uint64_t
highest_in(unsigned bucket)
{
    if (bucket < FINE)
        return bucket;
    const unsigned shift = (bucket >> HISTOGRAM_FINE_BITS) - 1;

    return (((uint64_t)(bucket % FINE) + FINE + 1) << shift) - 1;
}

void
histogram_add(struct histogram *histogram, uint64_t value)
{
    histogram->buckets[bucket_of(value)]++;
    histogram->count++;
    if (value > histogram->highest)
        histogram->highest = value;
}

uint64_t
histogram_percentile(const struct histogram *histogram, double percent)
{
    const double wanted = (double)histogram->count * percent / 100.0;
    uint64_t seen = 0;

    for (unsigned bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
        seen += histogram->buckets[bucket];
        if (histogram->buckets[bucket] != 0 && (double)seen >= wanted) {
            const uint64_t value = highest_in(bucket);

            return value < histogram->highest ? value : histogram->highest;
        }
    }
    return histogram->highest;
}
