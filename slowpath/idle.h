/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* What the slow path does when nothing is to be done. */

#include "lib/table/reclaim.h"

/* How long the thread has had nothing to do. */
struct idle {
    unsigned turns;
};

/**
 * After a turn that took `packets` from the rings: goes on at once if there were any, else pauses,
 * and after some empty turns sleeps, longer and longer up to a millisecond, offline from `reclaim`.
 * The slow path, as reader number `reader`, between two turns.
 */
void idle_after_turn(struct idle *idle, unsigned packets, struct reclaim *reclaim, unsigned reader);
