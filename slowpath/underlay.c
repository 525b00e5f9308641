/* SPDX-License-Identifier: BSD-3-Clause */

/* What is said of our underlay addresses, by us and by others: see underlay.h. */

#define LOG_AREA "underlay"

#include "slowpath/underlay.h"

#include "lib/base/log.h"
#include "slowpath/arp_message.h"
#include "slowpath/nd_message.h"
#include "slowpath/send.h"

#define CONFLICT_LOG_PER_SECOND 1
#define CONFLICT_LOG_BURST      5

#define ANNOUNCEMENTS        2 /* RFC 5227 section 1.1 */
#define ANNOUNCE_INTERVAL_MS 2000
#define PORTS_INTERVAL_MS    100

struct link_address
underlay_link(const struct slowpath *slowpath, const struct port *port,
              const struct mac_addr *destination)
{
    return (struct link_address){ *destination, port->mac, slowpath->config.underlay->vlan };
}

static void
announce4(struct slowpath *slowpath, const struct port *port, const struct ip_addr *ours)
{
    const struct link_address link = underlay_link(slowpath, port, &MAC_BROADCAST);
    const be32 address = htobe32(ip_addr_to_v4(ours));

    arp_message_write(&slowpath->reply, &link, ARP_REQUEST, &port->mac, address,
                      &(struct mac_addr){ 0 }, address);
    (void)send_frame(slowpath, port->number, VIF_NONE, &slowpath->reply);
}

static void
announce6(struct slowpath *slowpath, const struct port *port, const struct ip_addr *ours)
{
    const struct mac_addr all = mac_of_group(&IPV6_ALL_NODES);
    const struct link_address link = underlay_link(slowpath, port, &all);

    nd_write_advertisement(&slowpath->reply, &link, ours, &IPV6_ALL_NODES, ours, ND_FLAG_OVERRIDE,
                           &port->mac);
    (void)send_frame(slowpath, port->number, VIF_NONE, &slowpath->reply);
}

/* Asks whether somebody else has our address. */
static void
probe6(struct slowpath *slowpath, const struct port *port, const struct ip_addr *ours)
{
    const struct ip_addr nobody = { .family = IP_V6 }, group = nd_solicited_node(ours);
    const struct mac_addr mac = mac_of_group(&group);
    const struct link_address link = underlay_link(slowpath, port, &mac);

    nd_write_solicitation(&slowpath->reply, &link, &nobody, &group, ours, NULL);
    (void)send_frame(slowpath, port->number, VIF_NONE, &slowpath->reply);
}

/* The next of what is said on a port that is new. */
static void
say(struct slowpath *slowpath, const struct port *port, uint8_t step)
{
    const struct ip_addr *v4 = underlay_address(slowpath->config.underlay, IP_V4);
    const struct ip_addr *v6 = underlay_address(slowpath->config.underlay, IP_V6);

    if (v4 != NULL && step < ANNOUNCEMENTS)
        announce4(slowpath, port, v4);
    if (v6 != NULL && step == 0)
        probe6(slowpath, port, v6);
    else if (v6 != NULL)
        announce6(slowpath, port, v6);
}

void
underlay_turn(struct slowpath *slowpath)
{
    if (slowpath->now_ms < slowpath->announce_ms)
        return;
    slowpath->announce_ms = slowpath->now_ms + PORTS_INTERVAL_MS;
    for (uint16_t number = 0; number < PORTS_MAX; number++) {
        struct announcement *said = &slowpath->announcements[number];
        const struct port *port = port_at(slowpath->config.ports, number);

        if (port == NULL || port->role != PORT_UNDERLAY)
            continue;
        if (said->port != port || !mac_equal(&said->mac, &port->mac))
            *said = (struct announcement){ .port = port, .mac = port->mac };
        if (said->steps > ANNOUNCEMENTS || slowpath->now_ms < said->due_ms)
            continue;
        say(slowpath, port, said->steps);
        said->steps++;
        said->due_ms = slowpath->now_ms + ANNOUNCE_INTERVAL_MS;
    }
}

void
underlay_conflict(struct slowpath *slowpath, const struct ip_addr *address,
                  const struct mac_addr *mac)
{
    char mac_text[MAC_TEXT_MAX], address_text[IP_ADDR_TEXT_MAX];

    if (rate_limit_take(&slowpath->conflict_log, CONFLICT_LOG_PER_SECOND, CONFLICT_LOG_BURST,
                        slowpath->now_ms))
        log_warning("%s claims our underlay address %s", mac_format(mac, mac_text),
                    ip_addr_format(address, address_text));
}
