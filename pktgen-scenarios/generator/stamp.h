/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The end of each packet: which stream it is of, its number, and when it was sent. It stands in the
 * last octets of the UDP payload, which are the last of the frame with a tunnel around it or not.
 */

#include <stdbool.h>
#include <stdint.h>

#include "pktgen-scenarios/generator/histogram.h"

#define STAMP_MAGIC 0x4d4c5200u /* and the stream in the lowest octet */
#define STREAMS_MAX 8u

struct stamp {
    uint32_t magic; /* all in the byte order of this machine: it comes back to it */
    uint64_t number;
    uint64_t sent_at; /* ticks */
} __attribute__((packed));

/** What became of a stream's packets in a trial. */
struct account {
    uint64_t sent, refused; /* refused: the port did not take it, as a queue that is full */
    uint64_t received, reordered;
    uint64_t next; /* the lowest number that would be in order */
    struct histogram ticks;
};

/** Takes a packet that has come back. @param now ticks. */
static inline void
account_take(struct account *account, const struct stamp *stamp, uint64_t now)
{
    account->received++;
    if (stamp->number < account->next)
        account->reordered++;
    else
        account->next = stamp->number + 1;
    histogram_add(&account->ticks, now > stamp->sent_at ? now - stamp->sent_at : 0);
}

/** @return packets that were offered and did not come back. */
static inline uint64_t
account_lost(const struct account *account, bool at_a_rate)
{
    const uint64_t offered = account->sent + (at_a_rate ? account->refused : 0);

    return offered > account->received ? offered - account->received : 0;
}
