/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * How long to wait before connecting again: doubles from 1 s to 30 s with jitter, and begins anew
 * after a session that stood for a minute (RFC 6120 section 3.3). One thread at a time.
 */

#include <stdint.h>

struct xmpp_backoff {
    unsigned failures; /* in a row */
};

/** The wait in milliseconds after a session that was ready for `ready_ms` (0: never). `random`: any
 * 32 random bits. */
uint32_t xmpp_backoff_next(struct xmpp_backoff *backoff, uint64_t ready_ms, uint32_t random);
