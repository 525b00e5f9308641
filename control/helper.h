/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The helper thread: runs calls that may block (opening and removing ports, writing state), one
 * after the other, in the order in which they were submitted.
 */

struct event_base;
struct helper;

/**
 * Starts the thread.
 * @param limit the most jobs that may be unfinished
 * @return NULL without memory or threads. Control thread.
 */
struct helper *helper_create(struct event_base *base, unsigned limit);

/**
 * Runs `work(argument)` on the helper thread, then `done(argument)` on the event loop.
 * @return 0, -EBUSY (the limit), or -ENOMEM. Control thread.
 */
int helper_submit(struct helper *helper, void (*work)(void *argument), void (*done)(void *argument),
                  void *argument);

/** Waits until every job has run and its `done` was called, those that `done` submits included.
 * Control thread, at the end. */
void helper_drain(struct helper *helper);

/** Drains, and ends the thread. Control thread. */
void helper_destroy(struct helper *helper);
