/* SPDX-License-Identifier: BSD-3-Clause */

/* Egress to virtual interfaces: see vif_egress.h. */

#include "fastpath/vif_egress.h"

#include "fastpath/drop.h"
#include "fastpath/mss.h"
#include "fastpath/offload.h"
#include "fastpath/too_big.h"
#include "fastpath/worker.h"

/* Moves the start of a packet so that `header_length` octets stand before its IP header. */
static inline bool
make_room(struct rte_mbuf *packet, uint16_t l3_offset, uint16_t header_length)
{
    if (likely(l3_offset >= header_length)) {
        (void)rte_pktmbuf_adj(packet, (uint16_t)(l3_offset - header_length));
        return true;
    }
    return rte_pktmbuf_prepend(packet, (uint16_t)(header_length - l3_offset)) != NULL;
}

/* Copied with lengths that the compiler knows. */
static inline void
write_header(struct rte_mbuf *packet, const struct vif *vif, const struct vif_header *header)
{
    void *start = rte_pktmbuf_mtod(packet, void *);

    if (vif->header_length == sizeof(*header))
        memcpy(start, header, sizeof(*header));
    else
        memcpy(start, header->octets + sizeof(struct vlan_header), sizeof(struct eth_header));
}

/* What does not go out as it is. */
static void
end_here(struct worker *worker, struct burst *burst, unsigned i, const struct vif *vif)
{
    if (vif == NULL)
        drop(worker, burst->packets[i], DROP_NO_INTERFACE, burst->vifs[i]);
    else if (!vif->up)
        drop(worker, burst->packets[i], DROP_INTERFACE_DOWN, vif->id);
    else
        too_big(worker, burst, i, vif->mtu, vif_egress);
}

void
vif_egress(struct worker *worker, struct burst *burst, const struct group *group)
{
    path_t path = PATH_NONE; /* of the packet before, and its interface: */
    const struct vif *vif = NULL;

    for (unsigned k = 0; k < group->n; k++) {
        const unsigned i = group->at[k];
        struct rte_mbuf *packet = burst->packets[i];

        if (burst->paths[i] != path) {
            path = burst->paths[i];
            vif = vif_at(&worker->tables->vifs, path_target(path));
        }
        if (unlikely(vif == NULL || !vif->up ||
                     (burst->lengths[i] > vif->mtu && !offload_cuts(packet)))) {
            end_here(worker, burst, i, vif);
            continue;
        }
        if (vif->mss != 0)
            mss_clamp(burst, i, vif->mss);
        if (unlikely(!make_room(packet, burst->l3_offsets[i], vif->header_length))) {
            drop(worker, packet, DROP_HEADROOM, vif->id);
            continue;
        }
        write_header(packet, vif, burst->families[i] == IP_V4 ? &vif->header : &vif->header6);
        transmit(worker, vif->port, packet,
                 PACKET_ACCOUNT_VIF | (vif->metered_out ? PACKET_ACCOUNT_METERED : 0) | vif->id);
    }
}
