/* SPDX-License-Identifier: BSD-3-Clause */

/* Neighbour discovery on the underlay: see underlay.h. */

#include "slowpath/host.h"
#include "slowpath/nd_message.h"
#include "slowpath/neighbour.h"
#include "slowpath/send.h"
#include "slowpath/underlay.h"

/* Somebody asks for our address, or, without an address of its own, whether it may have it. */
static enum drop_reason
answer(struct slowpath *slowpath, const struct port *port, const struct nd_message *message,
       const struct mac_addr *asker)
{
    const struct ip_addr *ours = &slowpath->config.underlay->v6;
    struct link_address link = underlay_link(slowpath, port, asker);
    struct ip_addr destination = message->source;
    uint8_t flags = ND_FLAG_SOLICITED | ND_FLAG_OVERRIDE;

    if (message->source.family == IP_NONE) {
        underlay_conflict(slowpath, ours, asker);
        destination = IPV6_ALL_NODES;
        link.destination = mac_of_group(&destination);
        flags = ND_FLAG_OVERRIDE;
    } else if (message->has_mac) {
        /* A known neighbour that asks for us has this MAC address now (RFC 4861 section 7.2.3). */
        (void)neighbour_confirm(slowpath, port->number, &message->source, &message->mac,
                                NEIGHBOUR_OVERRIDE);
    }
    nd_write_advertisement(&slowpath->reply, &link, ours, &destination, ours, flags, &port->mac);
    return send_frame(slowpath, port->number, VIF_NONE, &slowpath->reply);
}

/* @return true if it is about a neighbour that is wanted. */
static bool
take_advertisement(struct slowpath *slowpath, const struct port *port,
                   const struct nd_message *message)
{
    unsigned how = 0;

    if ((message->flags & ND_FLAG_SOLICITED) != 0)
        how |= NEIGHBOUR_SOLICITED;
    if ((message->flags & ND_FLAG_OVERRIDE) != 0)
        how |= NEIGHBOUR_OVERRIDE;
    return neighbour_confirm(slowpath, port->number, &message->target,
                             message->has_mac ? &message->mac : NULL, how);
}

/* What is not for us alone: @return whether the kernel of this host was given a copy. */
static bool
pass_on(struct slowpath *slowpath, const struct nd_message *message, const struct punted *punted)
{
    const bool for_kernel =
        message->type == ND_NEIGHBOUR_ADVERTISEMENT ||
        (message->type == ND_NEIGHBOUR_SOLICITATION && ip_addr_is_link_local(&message->target));

    return for_kernel && host_copy(slowpath, punted);
}

enum drop_reason
underlay_nd(struct slowpath *slowpath, uint16_t port_number, const struct punted *punted)
{
    const struct underlay *underlay = slowpath->config.underlay;
    const struct port *port = port_at(slowpath->config.ports, port_number);
    struct frame_view view;
    struct nd_message message;
    bool known = false;

    if (port == NULL)
        return DROP_PORT_GONE;
    const enum drop_reason reason = nd_message_parse(punted->octets, punted->here, &view, &message);
    if (reason != PARSE_OK && reason != DROP_ND_IGNORED)
        return reason;
    if (view.vlan != underlay->vlan)
        return DROP_NO_INTERFACE;
    if (mac_equal(&view.eth->source, &port->mac))
        return DROP_ND_IGNORED;    /* our own, sent back to us */
    if (reason == DROP_ND_IGNORED) /* routers' */
        return host_copy(slowpath, punted) ? PARSE_OK : reason;

    if (underlay->v6.family == IP_V6) {
        if (ip_addr_equal(&message.source, &underlay->v6)) {
            underlay_conflict(slowpath, &underlay->v6, &view.eth->source);
            return DROP_ND_IGNORED;
        }
        const bool about_us = ip_addr_equal(&message.target, &underlay->v6);
        if (about_us && message.type == ND_NEIGHBOUR_SOLICITATION)
            return mac_is_station(&view.eth->source)
                       ? answer(slowpath, port, &message,
                                message.has_mac ? &message.mac : &view.eth->source)
                       : DROP_ND_INVALID;
        if (about_us)
            underlay_conflict(slowpath, &underlay->v6, &view.eth->source);
        else if (message.type == ND_NEIGHBOUR_ADVERTISEMENT)
            known = take_advertisement(slowpath, port, &message);
    }
    return pass_on(slowpath, &message, punted) || known ? PARSE_OK : DROP_ND_IGNORED;
}
