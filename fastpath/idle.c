/* SPDX-License-Identifier: BSD-3-Clause */

/* The idle back-off: the only file of the workers' that makes system calls. */

#include "fastpath/idle.h"

#include <sys/prctl.h>
#include <time.h>

#include <rte_pause.h>

#define SPIN_TURNS     256
#define SLEEP_FIRST_US 5
#define SLEEP_LAST_US  200

/* The kernel rounds a thread's sleeps up by this; 50 µs unless told otherwise. */
#define TIMER_SLACK_NS 1000

void
idle_begin(void)
{
    (void)prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS);
}

void
idle_wait(struct idle *idle)
{
    if (idle->poll || idle->turns < SPIN_TURNS) {
        idle->turns++;
        rte_pause();
        return;
    }
    idle->sleep_us = idle->sleep_us == 0 ? SLEEP_FIRST_US : idle->sleep_us * 2;
    if (idle->sleep_us > SLEEP_LAST_US)
        idle->sleep_us = SLEEP_LAST_US;

    const struct timespec sleep = { .tv_nsec = (long)idle->sleep_us * 1000 };

    (void)nanosleep(&sleep, NULL);
}
