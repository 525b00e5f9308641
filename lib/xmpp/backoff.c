/* SPDX-License-Identifier: BSD-3-Clause */

/* Exponential back-off with jitter, so that a restarted route server is not met by everyone at
 * once. */

#include "lib/xmpp/backoff.h"

#define WAIT_FIRST_MS 1000u
#define WAIT_MAX_MS   30000u
#define STABLE_MS     60000u /* longer than any wait: two clients that fight stay apart */

uint32_t
xmpp_backoff_next(struct xmpp_backoff *backoff, uint64_t ready_ms, uint32_t random)
{
    uint32_t wait = WAIT_FIRST_MS;

    if (ready_ms >= STABLE_MS)
        backoff->failures = 0;
    for (unsigned i = 0; i < backoff->failures && wait < WAIT_MAX_MS; i++)
        wait *= 2;
    if (wait > WAIT_MAX_MS)
        wait = WAIT_MAX_MS;
    if (backoff->failures < 16)
        backoff->failures++;
    /* Between half of it and all of it. */
    return wait / 2 + random % (wait / 2 + 1);
}
