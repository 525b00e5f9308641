/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Freeing what a reader may still hold: one QSBR domain (rte_rcu_qsbr) for every table.
 *
 * Readers are the workers and the slow path. They report a quiescent state once a loop, each after
 * it has taken from its rings all that was in them when the loop began, and stay online through
 * their sleeps (200 us, a millisecond): one that slept offline would not be waited for, and find
 * in its rings afterwards what is long freed. So after two grace periods neither a stack frame nor
 * a ring holds what was taken out of a table before the first: reclaim waits for two.
 * The control thread is the only writer. An object is first taken out of its table, then deferred.
 *
 * The tables bound what waits: a number is not given out again before its grace, so there are no
 * more records than numbers, and one more for each record that is replaced in its place
 * (interfaces, poll sets), which happens at the pace of links and ports.
 */

#include <stdbool.h>

struct reclaim;

/** Makes a domain for up to `max_readers`. @return NULL without memory. */
struct reclaim *reclaim_create(unsigned max_readers);

/** Frees everything deferred and the domain. Control thread, after the readers have unregistered.
 */
void reclaim_destroy(struct reclaim *reclaim);

/** A reader announces itself, and says that it will hold nothing any more. `reader` < max_readers;
 * called by the reader itself. A registered reader is offline until reclaim_online(). */
void reclaim_register(struct reclaim *reclaim, unsigned reader);
void reclaim_unregister(struct reclaim *reclaim, unsigned reader);

/** A reader's loop begins, and ends: while offline it holds nothing, in its rings neither, and
 * delays nobody. */
void reclaim_online(struct reclaim *reclaim, unsigned reader);
void reclaim_offline(struct reclaim *reclaim, unsigned reader);

/** "At this moment I hold no table pointer." Once a loop, by the reader. */
void reclaim_quiescent(struct reclaim *reclaim, unsigned reader);

/**
 * Frees later: after two grace periods `release(argument)` runs on the control thread, from
 * reclaim_poll(), in the order of deferral; it may defer again. Does not block, unless there is no
 * memory for its record: then it waits for the grace at once. Control thread.
 */
void reclaim_defer(struct reclaim *reclaim, void (*release)(void *), void *argument);

/**
 * Runs what is due, some thousands at most; never blocks. Call from a timer of the control thread
 * (a few ms), and between the slices of a long change. Each call gets two batches a step further.
 * @return the number of objects that still wait.
 */
unsigned reclaim_poll(struct reclaim *reclaim);

/** Waits until nothing waits any more: end of the program, and tests. Control thread. */
void reclaim_drain(struct reclaim *reclaim);
