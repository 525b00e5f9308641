/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* What the slow path does when nothing is to be done. */

/* How long the thread has had nothing to do. */
struct idle {
    unsigned turns;
};

/**
 * After a turn that took `packets` from the rings: goes on at once if there were any, else pauses,
 * and after some empty turns sleeps, longer and longer up to a millisecond. It stays online for
 * reclaim meanwhile: what workers punt during the sleep carries numbers that must not be used again
 * before it is handled. The slow path, between two turns.
 */
void idle_after_turn(struct idle *idle, unsigned packets);
