/* SPDX-License-Identifier: BSD-3-Clause */

/* Between the underlay and the kernel of this host: see host.h. */

#include "fastpath/host.h"

#include <rte_ether.h>

#include "fastpath/drop.h"
#include "fastpath/ingress.h"
#include "fastpath/transmit.h"
#include "fastpath/worker.h"

void
host_deliver(struct worker *worker, struct rte_mbuf *packet)
{
    const struct port *host = port_of_role(worker->ports, PORT_HOST);

    if (host == NULL) {
        drop(worker, packet, DROP_HOST, VIF_NONE);
        return;
    }
    if (rte_vlan_strip(packet) == 0) /* gone for good: nothing is left to remember */
        packet->ol_flags &= ~(RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED);
    /* put together of fragments: one that the driver refuses would keep others from being sent */
    if (rte_pktmbuf_pkt_len(packet) > host->mtu + sizeof(struct eth_header)) {
        drop(worker, packet, DROP_TOO_BIG, VIF_NONE);
        return;
    }
    transmit(worker, host->number, packet, PACKET_ACCOUNT_NONE);
}

static void
send_on_underlay(struct worker *worker, struct rte_mbuf *packet)
{
    const struct port *port = port_of_role(worker->ports, PORT_UNDERLAY);
    struct frame_view frame;

    if (!ingress_frame(worker, &packet, &frame))
        return;
    if (port == NULL) {
        drop(worker, packet, DROP_PORT_GONE, VIF_NONE);
        return;
    }
    if (worker->underlay->vlan != VLAN_UNTAGGED) {
        packet->vlan_tci = worker->underlay->vlan;
        if (rte_vlan_insert(&packet) != 0) {
            drop(worker, packet, DROP_HEADROOM, VIF_NONE);
            return;
        }
    }
    transmit(worker, port->number, packet, PACKET_ACCOUNT_NONE);
}

void
host_forward(struct worker *worker, struct rte_mbuf **packets, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        send_on_underlay(worker, packets[i]);
}
