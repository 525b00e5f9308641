/* SPDX-License-Identifier: BSD-3-Clause */

/* Packets that the slow path wants routed: see inject.h. */

#include "fastpath/inject.h"

#include "fastpath/drop.h"
#include "fastpath/worker.h"
#include "lib/net/parse.h"
#include "lib/table/vrf.h"

static void
inject_one(struct worker *worker, struct rte_mbuf *packet, struct burst *burst)
{
    const uint32_t vrf = packet_note(packet)->vrf;
    const uint32_t here = rte_pktmbuf_data_len(packet);
    struct ip_view ip;
    const enum drop_reason malformed =
        parse_ip(rte_pktmbuf_mtod(packet, const uint8_t *), here, rte_pktmbuf_pkt_len(packet), &ip);

    if (malformed != PARSE_OK) {
        drop(worker, packet, malformed, VIF_NONE);
        return;
    }

    const unsigned i = burst->n++;

    burst->packets[i] = packet;
    burst->paths[i] = path_make(PATH_VRF, vrf_upstream_root(vrf), 0);
    burst->destinations[i] = ip.destination;
    burst->hashes[i] = parse_flow_hash(&ip, here);
    burst->vifs[i] = VIF_NONE;
    burst->vrfs[i] = vrf;
    burst->l3_offsets[i] = 0;
    burst->lengths[i] = ip.total_length;
    burst->families[i] = ip.family;
}

void
inject(struct worker *worker, struct rte_mbuf **packets, unsigned n, struct burst *burst)
{
    burst->port = PORT_NONE;
    burst->n = 0;
    for (unsigned i = 0; i < n; i++)
        inject_one(worker, packets[i], burst);
}
