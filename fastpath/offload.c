/* SPDX-License-Identifier: BSD-3-Clause */

/* Who does what was left to do on packets: see offload.h. */

#include "fastpath/offload.h"

#include "fastpath/complete.h"
#include "fastpath/ingress.h"
#include "fastpath/parts.h"
#include "fastpath/worker.h"

/* Whether a frame that just came in must be completed at once. */
static bool
cannot_wait(const struct worker *worker, const struct port *port, const struct rte_mbuf *packet,
            const struct frame_view *frame)
{
    const struct vif *vif;

    if (port->role != PORT_ACCESS)
        return true;
    if ((packet->ol_flags & RTE_MBUF_F_RX_LRO) == 0)
        return false;
    vif =
        vif_at(&worker->tables->vifs, vif_lookup(&worker->tables->vifs, port->number, frame->vlan));
    return vif != NULL && vif->metered_in;
}

unsigned
offload_ingress(struct worker *worker, const struct port *port, struct rte_mbuf *packet,
                struct rte_mbuf **ready)
{
    struct frame_view frame;

    ready[0] = packet;
    if (!offload_is_left(packet->ol_flags))
        return 1;
    if (!ingress_frame(worker, &packet, &frame))
        return 0;
    ready[0] = packet;
    return cannot_wait(worker, port, packet, &frame)
               ? complete(worker, packet, frame.l3_offset, VIF_NONE, ready)
               : 1;
}

/* Whether a port does what is left to do, and what leaves it then fits. */
static bool
port_does(const struct worker *worker, const struct vif *vif, const struct rte_mbuf *packet,
          const struct layers *layers)
{
    const struct port *port = port_at(worker->ports, vif->port);
    const uint8_t can =
        port == NULL ? 0 : atomic_load_explicit(&port->offloads, memory_order_relaxed);
    uint8_t left = PORT_CHECKSUM;
    uint32_t length = layers->end - layers->l3;

    if (layers_are_large(packet, layers)) {
        if (vif->metered_out || layers_are_too_many(packet, layers))
            return false;
        left |= layers->family == IP_V4 ? PORT_SEGMENTS_V4 : PORT_SEGMENTS_V6;
        length = (uint32_t)(layers->data - layers->l3) + packet->tso_segsz;
    }
    return vif->up && (can & left) == left && length <= vif->mtu;
}

/* The flags and lengths by which a port does it. */
static void
mark(struct rte_mbuf *packet, const struct layers *layers, bool tagged)
{
    const bool v4 = layers->family == IP_V4, tcp = layers->protocol == IP_PROTOCOL_TCP;
    uint64_t flags = v4 ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6;

    if (layers_are_large(packet, layers))
        flags |= RTE_MBUF_F_TX_TCP_SEG | (v4 ? RTE_MBUF_F_TX_IP_CKSUM : 0);
    else
        flags |= tcp ? RTE_MBUF_F_TX_TCP_CKSUM : RTE_MBUF_F_TX_UDP_CKSUM;
    packet->ol_flags = (packet->ol_flags & ~OFFLOAD_FLAGS) | flags;
    packet->l2_len = sizeof(struct eth_header) + (tagged ? sizeof(struct vlan_header) : 0);
    packet->l3_len = layers->l4 - layers->l3;
    packet->l4_len = layers->data - layers->l4;
}

/* Makes a packet ready to be passed on as it is. @return false if it must be completed. */
static bool
pass_on(struct worker *worker, const struct burst *burst, unsigned i)
{
    const path_t path = burst->paths[i];
    struct rte_mbuf *packet = burst->packets[i];
    const struct vif *vif =
        path_kind(path) == PATH_VIF ? vif_at(&worker->tables->vifs, path_target(path)) : NULL;
    struct layers layers;

    if (vif == NULL || !layers_find(packet, burst->l3_offsets[i], &layers) ||
        !port_does(worker, vif, packet, &layers))
        return false;
    mark(packet, &layers, vif->vlan != VLAN_UNTAGGED);
    counter_add(&worker->counters->worker.offloads_passed, 1);
    if (offload_cuts(packet))
        counter_add(&worker->counters->worker.unsplit_passed, 1);
    return true;
}

void
offload_egress(struct worker *worker, struct burst *burst, const struct group *group,
               egress_half egress)
{
    struct rte_mbuf *segments[COMPLETE_SEGMENTS_MAX];
    struct group ready = { .n = 0 }; /* and not yet given to `egress` */

    for (unsigned k = 0; k < group->n; k++) {
        const unsigned i = group->at[k];
        unsigned n = 1;

        segments[0] = burst->packets[i];
        if (offload_is_left(burst->packets[i]->ol_flags) && !pass_on(worker, burst, i))
            n = complete(worker, burst->packets[i], burst->l3_offsets[i], burst->vifs[i], segments);
        if (n == 1) {
            burst->packets[i] = segments[0];
            ready.at[ready.n++] = (uint8_t)i;
        } else if (n > 1) {
            egress(worker, burst, &ready);
            ready.n = 0;
            parts_send(worker, burst, i, segments, n, burst->l3_offsets[i], egress);
        }
    }
    egress(worker, burst, &ready);
}
