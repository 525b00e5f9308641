/* SPDX-License-Identifier: BSD-3-Clause */

/* ICMP to our underlay addresses: see underlay.h. */

#include "slowpath/host.h"
#include "slowpath/icmp6.h"
#include "slowpath/path_mtu.h"
#include "slowpath/send.h"
#include "slowpath/underlay.h"

enum drop_reason
underlay_local(struct slowpath *slowpath, uint16_t port_number, const struct punted *punted)
{
    const struct underlay *underlay = slowpath->config.underlay;
    const struct port *port = port_at(slowpath->config.ports, port_number);
    struct frame_view view;
    struct ip_view ip;

    if (port == NULL)
        return DROP_PORT_GONE;
    enum drop_reason reason = parse_frame(punted->octets, punted->here, &view);
    if (reason != PARSE_OK)
        return reason;
    if (view.vlan != underlay->vlan)
        return DROP_NO_INTERFACE;
    const size_t here = punted->here - view.l3_offset;
    reason = parse_ip(punted->octets + view.l3_offset, here, punted->length - view.l3_offset, &ip);
    if (reason != PARSE_OK)
        return reason;
    reason = path_mtu_hear(slowpath, &ip, here);
    if (reason != DROP_UNDERLAY_PROTOCOL)
        return reason;
    if (host_copy(slowpath, punted))
        return PARSE_OK;
    if (punted->here < punted->length)
        return DROP_TOO_BIG;
    if (!mac_is_station(&view.eth->source))
        return DROP_UNDERLAY_PROTOCOL;

    const struct link_address link = underlay_link(slowpath, port, &view.eth->source);
    reason = ip.family == IP_V6
                 ? icmp6_echo_answer(punted->octets, punted->length, view.l3_offset, &link,
                                     port->mtu, &underlay->v6, &slowpath->reply)
                 : icmp_echo_answer(punted->octets, punted->length, view.l3_offset, &link,
                                    port->mtu, &underlay->v4, &slowpath->reply);
    if (reason == DROP_GATEWAY_PROTOCOL)
        return DROP_UNDERLAY_PROTOCOL;
    if (reason != PARSE_OK)
        return reason;
    return send_frame(slowpath, port_number, VIF_NONE, &slowpath->reply);
}
