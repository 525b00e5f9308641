/* SPDX-License-Identifier: BSD-3-Clause */

/* Egress to virtual interfaces: see vif_egress.h. */

#include "fastpath/vif_egress.h"

#include "fastpath/drop.h"
#include "fastpath/mss.h"
#include "fastpath/offload.h"
#include "fastpath/too_big.h"
#include "fastpath/worker.h"

struct tagged_header {
    struct eth_header eth;
    struct vlan_header tag;
} __attribute__((packed));

/* Moves the start of a packet so that `header_length` octets stand before its IP header. */
static inline bool
make_room(struct rte_mbuf *packet, uint16_t l3_offset, uint16_t header_length)
{
    if (l3_offset >= header_length) {
        (void)rte_pktmbuf_adj(packet, (uint16_t)(l3_offset - header_length));
        return true;
    }
    return rte_pktmbuf_prepend(packet, (uint16_t)(header_length - l3_offset)) != NULL;
}

static void
egress_one(struct worker *worker, struct burst *burst, unsigned i)
{
    struct rte_mbuf *packet = burst->packets[i];
    const uint32_t id = path_target(burst->paths[i]);
    const struct vif *vif = vif_at(&worker->tables->vifs, id);

    if (unlikely(vif == NULL)) {
        drop(worker, packet, DROP_NO_INTERFACE, burst->vifs[i]);
        return;
    }
    if (unlikely(!vif->up)) {
        drop(worker, packet, DROP_INTERFACE_DOWN, id);
        return;
    }
    if (unlikely(burst->lengths[i] > vif->mtu) && !offload_cuts(packet)) {
        too_big(worker, burst, i, vif->mtu, vif_egress);
        return;
    }
    if (vif->mss != 0)
        mss_clamp(burst, i, vif->mss);

    const bool tagged = vif->vlan != VLAN_UNTAGGED;
    const uint16_t header_length =
        tagged ? sizeof(struct tagged_header) : sizeof(struct eth_header);

    if (unlikely(!make_room(packet, burst->l3_offsets[i], header_length))) {
        drop(worker, packet, DROP_HEADROOM, id);
        return;
    }

    struct tagged_header *header = rte_pktmbuf_mtod(packet, struct tagged_header *);

    const bool v4 = burst->families[i] == IP_V4;
    const be16 type = htobe16(v4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6);

    header->eth.destination = vif->mac;
    header->eth.source = v4 ? vif->gateway_mac : vif->gateway_mac6;
    header->eth.type = type;
    if (tagged) {
        header->eth.type = htobe16(ETHERTYPE_VLAN);
        header->tag.tci = htobe16(vif->vlan);
        header->tag.type = type;
    }
    transmit(worker, vif->port, packet,
             PACKET_ACCOUNT_VIF | (vif->metered_out ? PACKET_ACCOUNT_METERED : 0) | id);
}

void
vif_egress(struct worker *worker, struct burst *burst, const struct group *group)
{
    for (unsigned i = 0; i < group->n; i++)
        egress_one(worker, burst, group->at[i]);
}
