/* SPDX-License-Identifier: BSD-3-Clause */

/* Asking for underlay neighbours: see neighbour_ask.h. */

#include "slowpath/neighbour_ask.h"

#include "slowpath/arp_message.h"
#include "slowpath/nd_message.h"
#include "slowpath/send.h"
#include "slowpath/underlay.h"

static void
ask4(struct slowpath *slowpath, const struct port *port, const struct ip_addr *ours,
     const struct ip_addr *address, const struct mac_addr *known_mac)
{
    const struct link_address link =
        underlay_link(slowpath, port, known_mac != NULL ? known_mac : &MAC_BROADCAST);

    arp_message_write(&slowpath->reply, &link, ARP_REQUEST, &port->mac,
                      htobe32(ip_addr_to_v4(ours)), &(struct mac_addr){ 0 },
                      htobe32(ip_addr_to_v4(address)));
}

static void
ask6(struct slowpath *slowpath, const struct port *port, const struct ip_addr *ours,
     const struct ip_addr *address, const struct mac_addr *known_mac)
{
    const struct ip_addr group = nd_solicited_node(address);
    const struct mac_addr all = mac_of_group(&group);
    const struct link_address link =
        underlay_link(slowpath, port, known_mac != NULL ? known_mac : &all);

    nd_write_solicitation(&slowpath->reply, &link, ours, known_mac != NULL ? address : &group,
                          address, &port->mac);
}

void
neighbour_ask(struct slowpath *slowpath, uint16_t port_number, const struct ip_addr *address,
              const struct mac_addr *known_mac)
{
    const struct port *port = port_at(slowpath->config.ports, port_number);
    const struct ip_addr *ours = underlay_address(slowpath->config.underlay, address->family);

    if (port == NULL || ours == NULL)
        return;
    if (address->family == IP_V6)
        ask6(slowpath, port, ours, address, known_mac);
    else
        ask4(slowpath, port, ours, address, known_mac);
    (void)send_frame(slowpath, port_number, VIF_NONE, &slowpath->reply);
}
