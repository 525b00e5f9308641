/* SPDX-License-Identifier: BSD-3-Clause */

/* ARP and ICMP of the underlay address: see underlay.h. */

#define LOG_AREA "underlay"

#include "slowpath/underlay.h"

#include "lib/base/log.h"
#include "slowpath/arp_message.h"
#include "slowpath/host.h"
#include "slowpath/icmp.h"
#include "slowpath/neighbour.h"
#include "slowpath/send.h"

#define CONFLICT_LOG_PER_SECOND 1
#define CONFLICT_LOG_BURST      5

#define ANNOUNCEMENTS        2 /* RFC 5227 section 1.1 */
#define ANNOUNCE_INTERVAL_MS 2000
#define PORTS_INTERVAL_MS    100

static void
announce(struct slowpath *slowpath, const struct port *port)
{
    const struct link_address link = { MAC_BROADCAST, port->mac, VLAN_UNTAGGED };
    const be32 ours = htobe32(ip_addr_to_v4(&slowpath->config.underlay->v4));

    arp_message_write(&slowpath->reply, &link, ARP_REQUEST, &port->mac, ours,
                      &(struct mac_addr){ 0 }, ours);
    (void)send_frame(slowpath, port->number, VIF_NONE, &slowpath->reply);
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
        if (said->sent == ANNOUNCEMENTS || slowpath->now_ms < said->due_ms)
            continue;
        announce(slowpath, port);
        said->sent++;
        said->due_ms = slowpath->now_ms + ANNOUNCE_INTERVAL_MS;
    }
}

/* Somebody else says that it has our address (RFC 5227 section 2.4). */
static void
report_conflict(struct slowpath *slowpath, const struct mac_addr *mac)
{
    char text[MAC_TEXT_MAX];

    if (rate_limit_take(&slowpath->conflict_log, CONFLICT_LOG_PER_SECOND, CONFLICT_LOG_BURST,
                        slowpath->now_ms))
        log_warning("%s claims our underlay address", mac_format(mac, text));
}

enum drop_reason
underlay_arp(struct slowpath *slowpath, uint16_t port_number, const struct punted *punted)
{
    const struct port *port = port_at(slowpath->config.ports, port_number);
    const be32 ours = htobe32(ip_addr_to_v4(&slowpath->config.underlay->v4));
    struct frame_view view;
    struct arp_header message;

    if (port == NULL)
        return DROP_PORT_GONE;
    enum drop_reason reason = arp_message_parse(punted->octets, punted->here, &view, &message);
    if (reason != PARSE_OK)
        return reason;
    if (mac_equal(&message.sender_mac, &port->mac))
        return DROP_ARP_IGNORED; /* our own, sent back to us */
    if (message.sender_address == ours) {
        report_conflict(slowpath, &message.sender_mac);
        return DROP_ARP_IGNORED;
    }

    /* To us, or an announcement to all: a known neighbour's own word on its MAC address. */
    const struct ip_addr sender = ip_addr_from_v4(be32toh(message.sender_address));
    const bool known =
        (message.target_address == ours || message.target_address == message.sender_address) &&
        neighbour_confirm(slowpath, port_number, &sender, &message.sender_mac);
    if (message.operation == htobe16(ARP_REQUEST) && message.target_address == ours) {
        const struct link_address link = { message.sender_mac, port->mac, VLAN_UNTAGGED };
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

enum drop_reason
underlay_local(struct slowpath *slowpath, uint16_t port_number, const struct punted *punted)
{
    const struct port *port = port_at(slowpath->config.ports, port_number);
    struct frame_view view;

    if (port == NULL)
        return DROP_PORT_GONE;
    if (host_copy(slowpath, punted))
        return PARSE_OK;
    if (punted->here < punted->length)
        return DROP_TOO_BIG;
    enum drop_reason reason = parse_frame(punted->octets, punted->here, &view);
    if (reason != PARSE_OK)
        return reason;
    if (view.type != ETHERTYPE_IPV4 || !mac_is_station(&view.eth->source))
        return DROP_UNDERLAY_PROTOCOL;

    const struct link_address link = { view.eth->source, port->mac, VLAN_UNTAGGED };
    reason = icmp_echo_answer(punted->octets, punted->length, view.l3_offset, &link, port->mtu,
                              &slowpath->config.underlay->v4, &slowpath->reply);
    if (reason == DROP_GATEWAY_PROTOCOL)
        return DROP_UNDERLAY_PROTOCOL;
    if (reason != PARSE_OK)
        return reason;
    return send_frame(slowpath, port_number, VIF_NONE, &slowpath->reply);
}
