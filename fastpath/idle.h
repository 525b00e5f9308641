/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * What a worker does when there is nothing to do: a pause of the core, and after some turns sleeps
 * that grow. It stays online for reclaim in its sleep: packets may come into its rings meanwhile,
 * and what they refer to must not be freed before it has taken them. So a sleep is what a grace
 * period may take longer, and is short.
 */

#include <stdbool.h>

struct idle {
    bool poll;         /* never sleep */
    unsigned turns;    /* in a row without a packet */
    unsigned sleep_us; /* the last sleep's length */
};

/** Prepares the calling thread for short sleeps. */
void idle_begin(void);

/** After a turn without packets, and the quiescent state that ends it. */
void idle_wait(struct idle *idle);

/** After a turn with packets. */
static inline void
idle_reset(struct idle *idle)
{
    idle->turns = 0;
    idle->sleep_us = 0;
}
