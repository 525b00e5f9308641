/* SPDX-License-Identifier: BSD-3-Clause */

/* Fragmentation: see fragment.h. The copying variant of rte_ip_frag does it, since each fragment
 * needs headroom for outer headers and a port may refuse chains; it heeds the options' copied flag.
 * DPDK 22.11 to 24.11 call it experimental. */

#define ALLOW_EXPERIMENTAL_API

#include "fastpath/fragment.h"

#include <errno.h>

#include <rte_ip_frag.h>

#include "fastpath/drop.h"
#include "fastpath/parts.h"
#include "fastpath/trace.h"
#include "fastpath/worker.h"
#include "lib/net/checksum.h"

/* True if the packet is a fragment itself, and the datagram would end beyond 65,535 octets: its
 * fragments' offsets would run over into the flags. */
static bool
ends_beyond_a_datagram(const struct ipv4_header *ip, uint32_t length)
{
    const uint32_t offset = (be16toh(ip->fragment) & IPV4_FRAGMENT_OFFSET) * 8u;

    return offset + length > UINT16_MAX;
}

/* @return how many, or a negative errno: then there are none. */
static int
cut(struct worker *worker, struct rte_mbuf *packet, uint16_t mtu, struct rte_mbuf **fragments)
{
    if (ends_beyond_a_datagram(rte_pktmbuf_mtod(packet, const struct ipv4_header *),
                               rte_pktmbuf_pkt_len(packet)))
        return -EINVAL;
    return rte_ipv4_fragment_copy_nonseg_packet(packet, fragments, FRAGMENTS_MAX,
                                                RTE_MIN(mtu, worker->room), worker->pool);
}

/* The library leaves the checksums to the port. */
static void
write_checksum(struct rte_mbuf *fragment)
{
    struct ipv4_header *ip = rte_pktmbuf_mtod(fragment, struct ipv4_header *);

    ip->checksum = checksum_ipv4(ip, (ip->version_ihl & 0x0f) * 4u);
}

void
fragment(struct worker *worker, const struct burst *burst, unsigned i, uint16_t mtu,
         egress_half egress)
{
    struct rte_mbuf *fragments[FRAGMENTS_MAX], *packet = burst->packets[i];

    (void)rte_pktmbuf_adj(packet, burst->l3_offsets[i]);

    const int n = cut(worker, packet, mtu, fragments);

    if (n < 0) {
        drop(worker, packet, n == -ENOMEM ? DROP_NO_MEMORY : DROP_FRAGMENTATION, burst->vifs[i]);
        return;
    }
    counter_add(&worker->counters->balance.consumed, 1);
    counter_add(&worker->counters->balance.originated, (unsigned)n);
    rte_pktmbuf_free(packet);
    trace_cut(worker, (unsigned)n, mtu);
    for (int k = 0; k < n; k++)
        write_checksum(fragments[k]);
    parts_send(worker, burst, i, fragments, (unsigned)n, 0, egress);
}
