/* SPDX-License-Identifier: BSD-3-Clause */

/* ARP on the underlay: see underlay.h. */

#include "slowpath/arp_message.h"
#include "slowpath/host.h"
#include "slowpath/neighbour.h"
#include "slowpath/send.h"
#include "slowpath/underlay.h"

enum drop_reason
underlay_arp(struct slowpath *slowpath, uint16_t port_number, const struct punted *punted)
{
    const struct underlay *underlay = slowpath->config.underlay;
    const struct port *port = port_at(slowpath->config.ports, port_number);
    struct frame_view view;
    struct arp_header message;

    if (port == NULL)
        return DROP_PORT_GONE;
    enum drop_reason reason = arp_message_parse(punted->octets, punted->here, &view, &message);
    if (reason != PARSE_OK)
        return reason;
    if (view.vlan != underlay->vlan)
        return DROP_NO_INTERFACE;
    if (underlay->v4.family == IP_NONE || mac_equal(&message.sender_mac, &port->mac))
        return DROP_ARP_IGNORED; /* nothing to us; or our own, sent back to us */

    const be32 ours = htobe32(ip_addr_to_v4(&underlay->v4));
    if (message.sender_address == ours) {
        underlay_conflict(slowpath, &underlay->v4, &message.sender_mac);
        return DROP_ARP_IGNORED;
    }

    /* To us, or an announcement to all: a known neighbour's own word on its MAC address. */
    const struct ip_addr sender = ip_addr_from_v4(be32toh(message.sender_address));
    const bool known =
        (message.target_address == ours || message.target_address == message.sender_address) &&
        neighbour_confirm(slowpath, port_number, &sender, &message.sender_mac,
                          NEIGHBOUR_SOLICITED | NEIGHBOUR_OVERRIDE);
    if (message.operation == htobe16(ARP_REQUEST) && message.target_address == ours) {
        const struct link_address link = underlay_link(slowpath, port, &message.sender_mac);
        arp_message_write(&slowpath->reply, &link, ARP_REPLY, &port->mac, ours, &message.sender_mac,
                          message.sender_address);
        return send_frame(slowpath, port_number, VIF_NONE, &slowpath->reply);
    }
    const bool for_kernel =
        message.target_address == message.sender_address ||
        (message.operation == htobe16(ARP_REPLY) && message.target_address == ours);
    const bool copied = for_kernel && host_copy(slowpath, punted);
    return known || copied ? PARSE_OK : DROP_ARP_IGNORED;
}
