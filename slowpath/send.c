/* SPDX-License-Identifier: BSD-3-Clause */

/* Packets out of the slow path: see send.h. */

#include "slowpath/send.h"

#include <string.h>

#include <rte_mbuf.h>
#include <rte_ring.h>

#include "lib/ring/note.h"

void
drop_packet(struct slowpath *slowpath, uint32_t vif, struct rte_mbuf *packet,
            enum drop_reason reason)
{
    counter_add(&slowpath->counters->drops[reason], 1);
    if (vif < slowpath->config.tables->limits.vifs)
        counter_add(&slowpath->counters->vifs[vif].drops[reason], 1);
    rte_pktmbuf_free(packet);
}

/* A packet of as many segments as the octets take. */
static struct rte_mbuf *
packet_of(struct rte_mempool *pool, const uint8_t *octets, size_t length)
{
    struct rte_mbuf *head = NULL;

    while (length > 0) {
        struct rte_mbuf *segment = rte_pktmbuf_alloc(pool);
        if (segment == NULL)
            goto fail;
        const uint16_t room = rte_pktmbuf_tailroom(segment);
        const uint16_t part = (uint16_t)(length < room ? length : room);
        memcpy(rte_pktmbuf_append(segment, part), octets, part);
        if (head == NULL) {
            head = segment;
        } else if (rte_pktmbuf_chain(head, segment) != 0) {
            rte_pktmbuf_free(segment);
            goto fail;
        }
        octets += part;
        length -= part;
    }
    return head;

fail:
    rte_pktmbuf_free(head);
    return NULL;
}

void
send_packet(struct slowpath *slowpath, uint16_t port, uint32_t vif, struct rte_mbuf *packet)
{
    const struct port *at = port < PORTS_MAX ? port_at(slowpath->config.ports, port) : NULL;

    if (at == NULL) {
        drop_packet(slowpath, vif, packet, DROP_PORT_GONE);
        return;
    }
    packet_note(packet)->port = port;
    if (rte_ring_enqueue(slowpath->config.rings->inject[port_sender(at, 0)], packet) != 0)
        drop_packet(slowpath, vif, packet, DROP_INJECT);
}

/* Makes a packet of octets, and counts it. @return NULL without memory. */
static struct rte_mbuf *
originate(struct slowpath *slowpath, const struct frame *frame)
{
    struct rte_mbuf *packet = packet_of(slowpath->config.pool, frame->octets, frame->length);

    if (packet != NULL)
        counter_add(&slowpath->counters->balance.originated, 1);
    return packet;
}

enum drop_reason
send_frame(struct slowpath *slowpath, uint16_t port, uint32_t vif, const struct frame *frame)
{
    if (port >= PORTS_MAX || port_at(slowpath->config.ports, port) == NULL)
        return DROP_PORT_GONE;
    struct rte_mbuf *packet = originate(slowpath, frame);
    if (packet == NULL)
        return DROP_NO_MEMORY;
    *packet_note(packet) = (struct packet_note){
        .task = TASK_SEND,
        .vif = vif,
        .account = vif == VIF_NONE ? PACKET_ACCOUNT_NONE : PACKET_ACCOUNT_VIF | vif,
    };
    send_packet(slowpath, port, vif, packet);
    return DROP_REASONS;
}

enum drop_reason
send_routed(struct slowpath *slowpath, uint32_t vrf, const struct frame *frame)
{
    struct rte_mbuf *packet = originate(slowpath, frame);

    if (packet == NULL)
        return DROP_NO_MEMORY;
    *packet_note(packet) = (struct packet_note){
        .task = TASK_ROUTE,
        .port = PORT_NONE,
        .vif = VIF_NONE,
        .vrf = vrf,
    };
    /* Any worker can route it. */
    if (rte_ring_enqueue(slowpath->config.rings->inject[0], packet) != 0)
        drop_packet(slowpath, VIF_NONE, packet, DROP_INJECT);
    return DROP_REASONS;
}
