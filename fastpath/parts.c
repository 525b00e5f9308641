/* SPDX-License-Identifier: BSD-3-Clause */

/* Bursts of parts: see parts.h. They come from no port, so that a part loses no TTL of its own. */

#include "fastpath/parts.h"

#include "fastpath/worker.h"

static void
send_burst(struct worker *worker, const struct burst *burst, unsigned i, struct rte_mbuf **parts,
           unsigned n, uint16_t l3_offset, egress_half egress)
{
    struct group all = { .n = n };
    struct burst made;

    made.port = PORT_NONE;
    made.n = n;
    for (unsigned k = 0; k < n; k++) {
        made.packets[k] = parts[k];
        made.paths[k] = burst->paths[i];
        made.destinations[k] = burst->destinations[i];
        made.hashes[k] = burst->hashes[i];
        made.vifs[k] = burst->vifs[i];
        made.vrfs[k] = burst->vrfs[i];
        made.l3_offsets[k] = l3_offset;
        made.lengths[k] = (uint16_t)(rte_pktmbuf_pkt_len(parts[k]) - l3_offset);
        made.families[k] = burst->families[i];
        all.at[k] = (uint8_t)k;
    }
    egress(worker, &made, &all);
}

void
parts_send(struct worker *worker, const struct burst *burst, unsigned i, struct rte_mbuf **parts,
           unsigned n, uint16_t l3_offset, egress_half egress)
{
    for (unsigned from = 0; from < n; from += BURST_PACKETS)
        send_burst(worker, burst, i, parts + from, RTE_MIN(n - from, BURST_PACKETS), l3_offset,
                   egress);
}
