/* SPDX-License-Identifier: BSD-3-Clause */

/* The search for the highest rate without loss: by halves, between what lost and what did not. */

#include "pktgen-scenarios/generator/search.h"

void
rate_search_begin(struct rate_search *search, double most, double resolution)
{
    *search = (struct rate_search){ .lossy = most, .next = most, .resolution = resolution * most };
}

void
rate_search_take(struct rate_search *search, bool lost)
{
    if (lost)
        search->lossy = search->next;
    else
        search->lossless = search->next;
    search->done = search->lossy - search->lossless <= search->resolution;
    search->next = (search->lossy + search->lossless) / 2;
}
