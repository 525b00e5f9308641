/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* Percentiles of many values in a fixed amount of memory. */

#include <stdint.h>

#define HISTOGRAM_FINE_BITS 6u /* a bucket is as wide as 1/64 of its lowest value, or less */
#define HISTOGRAM_BUCKETS   ((64u - HISTOGRAM_FINE_BITS + 1u) << HISTOGRAM_FINE_BITS)

struct histogram {
    uint64_t buckets[HISTOGRAM_BUCKETS];
    uint64_t count;
    uint64_t highest; /* exactly */
};

/** Counts a value. */
void histogram_add(struct histogram *histogram, uint64_t value);

/**
 * @param percent  0 to 100
 * @return the highest value that may be in the bucket where that percentile lies, which is at most
 *         1/64 too high, and never above the highest value; 0 if there are none.
 */
uint64_t histogram_percentile(const struct histogram *histogram, double percent);
