/* SPDX-License-Identifier: BSD-3-Clause */

/* Packets larger than the way out: see too_big.h. */

#include "fastpath/too_big.h"

#include "fastpath/drop.h"
#include "fastpath/worker.h"

void
too_big(struct worker *worker, struct burst *burst, unsigned i, uint16_t mtu)
{
    struct packet_note note = burst_note(burst, i, PUNT_TOO_BIG);

    if (burst->families[i] == IP_V4 &&
        (burst_ipv4(burst, i)->fragment & htobe16(IPV4_DONT_FRAGMENT)) == 0) {
        drop(worker, burst->packets[i], DROP_TOO_BIG, burst->vifs[i]);
        return;
    }
    note.mtu = mtu;
    punt(worker, burst->packets[i], &note);
}
