/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * What a worker does when there is nothing to do: a pause of the core, and after some turns sleeps
 * that grow. While it sleeps it is offline for reclaim and delays nobody.
 */

#include <stdbool.h>

struct reclaim;

struct idle {
    bool poll;         /* never sleep */
    unsigned turns;    /* in a row without a packet */
    unsigned sleep_us; /* the last sleep's length */
};

/** Prepares the calling thread for short sleeps. */
void idle_begin(void);

/** After a turn without packets. The worker is online for reclaim, before and after. */
void idle_wait(struct idle *idle, struct reclaim *reclaim, unsigned reader);

/** After a turn with packets. */
static inline void
idle_reset(struct idle *idle)
{
    idle->turns = 0;
    idle->sleep_us = 0;
}
