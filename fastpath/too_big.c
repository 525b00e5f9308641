/* SPDX-License-Identifier: BSD-3-Clause */

/* Packets larger than the way out: see too_big.h. */

#include "fastpath/too_big.h"

#include "fastpath/fragment.h"
#include "fastpath/worker.h"

void
too_big(struct worker *worker, const struct burst *burst, unsigned i, uint16_t mtu,
        egress_half egress)
{
    struct packet_note note = burst_note(burst, i, PUNT_TOO_BIG);

    if (burst->families[i] == IP_V4 &&
        (burst_ipv4(burst, i)->fragment & htobe16(IPV4_DONT_FRAGMENT)) == 0) {
        fragment(worker, burst, i, mtu, egress);
        return;
    }
    note.mtu = mtu;
    punt(worker, burst->packets[i], &note);
}
