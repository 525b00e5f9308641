/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The highest rate without loss, as RFC 2544 section 26.1 asks: trials at one rate after another,
 * each lower after one that lost something and higher after one that did not.
 */

#include <stdbool.h>

struct rate_search {
    double lossless; /* the highest rate known to lose nothing */
    double lossy;    /* the lowest rate known to lose something, or the most that can be offered */
    double next;     /* what the next trial is to offer */
    double resolution;
    bool done;
};

/**
 * Begins a search.
 *
 * @param most        the highest rate that can be offered, packets a second: the first trial
 * @param resolution  how near the two rates must come, as a part of `most`
 */
void rate_search_begin(struct rate_search *search, double most, double resolution);

/** Takes the result of a trial at `next`. Afterwards `done` says whether `lossless` is the result,
 * else `next` is what comes now. */
void rate_search_take(struct rate_search *search, bool lost);
