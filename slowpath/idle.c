/* SPDX-License-Identifier: BSD-3-Clause */

/* The slow path's idle back-off, in a file of its own because it makes system calls: see idle.h. */

#include "slowpath/idle.h"

#include <time.h>

#include <rte_pause.h>

#define SPIN_TURNS    16
#define SLEEP_MIN_US  62
#define SLEEP_DOUBLES 4 /* 62 µs to 1 ms */

void
idle_after_turn(struct idle *idle, unsigned packets)
{
    if (packets > 0) {
        idle->turns = 0;
        return;
    }
    idle->turns++;
    if (idle->turns <= SPIN_TURNS) {
        rte_pause();
        return;
    }
    unsigned doubles = idle->turns - SPIN_TURNS - 1;
    if (doubles >= SLEEP_DOUBLES) {
        doubles = SLEEP_DOUBLES;
        idle->turns--; /* stays there */
    }
    const struct timespec sleep = { 0, (long)(SLEEP_MIN_US * 1000l) << doubles };
    nanosleep(&sleep, NULL);
}
