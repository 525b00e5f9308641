/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* Carries octets between two sessions in memory, in pieces, with a clock of its own. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/xmpp/session.h"

/* Moves what one session has to say to the other, `piece` octets at a time (0: all at once).
 * True if there was something. */
static inline bool
pair_move(struct xmpp_session *from, struct xmpp_session *to, size_t piece, uint64_t now)
{
    size_t length, total = 0;
    const char *octets;

    while (octets = xmpp_session_output(from, &length), length > 0) {
        if (piece > 0 && length > piece)
            length = piece;
        xmpp_session_input(to, octets, length, now);
        xmpp_session_sent(from, length);
        total += length;
    }
    return total > 0;
}

/* Moves octets both ways until both are silent. */
static inline void
pair_run(struct xmpp_session *a, struct xmpp_session *b, size_t piece, uint64_t now)
{
    bool moved = true;

    while (moved) {
        moved = pair_move(a, b, piece, now);
        moved = pair_move(b, a, piece, now) || moved;
    }
}
