/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* When packets are due, at a rate, by a clock that the caller reads. */

#include <stdint.h>

/* What a sender that was held up may still send at once. More would be a burst that nobody asked
 * for: the rate is then not reached, and the figures say so. */
#define PACE_BACKLOG 64u

struct pace {
    double per_tick; /* packets; 0: as many as are taken */
    uint64_t began;  /* ticks */
    uint64_t given;
    uint64_t forgone; /* due, but not offered: the sender was held up */
};

/**
 * @param rate   packets a second; 0: no limit
 * @param hertz  ticks of the clock a second
 * @param now    ticks
 */
static inline void
pace_begin(struct pace *pace, double rate, uint64_t hertz, uint64_t now)
{
    *pace = (struct pace){ .per_tick = rate / (double)hertz, .began = now };
}

/** @return how many packets are to be sent now, at most `room`; they count as sent. */
static inline uint32_t
pace_take(struct pace *pace, uint64_t now, uint32_t room)
{
    if (pace->per_tick == 0.0) {
        pace->given += room;
        return room;
    }
    const uint64_t due = (uint64_t)((double)(now - pace->began) * pace->per_tick);
    uint64_t waiting = due > pace->given + pace->forgone ? due - pace->given - pace->forgone : 0;

    if (waiting > PACE_BACKLOG) {
        pace->forgone += waiting - PACE_BACKLOG;
        waiting = PACE_BACKLOG;
    }
    const uint32_t now_given = waiting < room ? (uint32_t)waiting : room;

    pace->given += now_given;
    return now_given;
}
