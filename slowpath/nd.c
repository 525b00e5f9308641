/* SPDX-License-Identifier: BSD-3-Clause */

/* Proxy neighbour discovery: see nd.h. */

#include "slowpath/nd.h"

#include <string.h>

#include "slowpath/nd_message.h"
#include "slowpath/send.h"

/* Seconds that a guest may use us as its default router after it heard of us; and milliseconds
 * after which it hears of us again: a few may be lost (RFC 4861 section 6.2.1). */
#define ROUTER_LIFETIME       1800
#define ADVERTISE_INTERVAL_MS 600000

bool
guest_may_send_from6(const struct vif *vif, const struct ip_addr *address)
{
    for (unsigned i = 0; i < vif->n_sources6; i++) {
        const struct ip_prefix prefix = {
            ip_addr_from_v6(vif->sources6[i].network),
            vif->sources6[i].length,
        };
        if (ip_prefix_contains(&prefix, address))
            return true;
    }
    return false;
}

static bool
guest_has_address6(const struct vif *vif, const struct ip_addr *address)
{
    for (unsigned i = 0; i < vif->service.n_addresses6; i++) {
        if (ip_addr_equal(&vif->service.addresses6[i], address))
            return true;
    }
    return false;
}

/* Whether it is the guest's affair to have the address that it probes for. */
static bool
guest_may_have(const struct vif *vif, const struct ip_addr *address)
{
    if (ip_addr_is_link_local(address))
        return !ip_addr_equal(address, &vif->gateway6);
    return guest_has_address6(vif, address) || guest_may_send_from6(vif, address);
}

static enum drop_reason
answer_solicitation(const struct vif *vif, const struct nd_message *message, struct frame *reply)
{
    const bool probe = message->source.family == IP_NONE;
    const bool about_gateway = ip_addr_equal(&message->target, &vif->gateway6);
    struct link_address link = link_to_guest(vif, IP_V6);
    struct ip_addr destination = message->source;
    uint8_t flags = ND_FLAG_ROUTER | (about_gateway ? ND_FLAG_OVERRIDE : 0);

    if (probe ? guest_may_have(vif, &message->target)
              : guest_has_address6(vif, &message->target) ||
                    ip_addr_equal(&message->source, &message->target))
        return DROP_ND_IGNORED;
    if (probe) {
        destination = IPV6_ALL_NODES;
        link.destination = mac_of_group(&destination);
    } else {
        flags |= ND_FLAG_SOLICITED;
    }
    nd_write_advertisement(reply, &link, &vif->gateway6, &destination, &message->target, flags,
                           &vif->gateway_mac6);
    return PARSE_OK;
}

/* To who asked, or to all on the link. */
static void
advertise_router(const struct vif *vif, const struct ip_addr *to, struct frame *frame)
{
    struct link_address link = link_to_guest(vif, IP_V6);
    struct ip_addr destination = IPV6_ALL_NODES;

    if (to != NULL)
        destination = *to;
    else
        link.destination = mac_of_group(&destination);
    nd_write_router_advertisement(frame, &link, &vif->gateway6, &destination, ROUTER_LIFETIME,
                                  vif->mtu);
}

enum drop_reason
nd_answer(const struct vif *vif, const uint8_t *octets, size_t length, struct frame *reply)
{
    struct frame_view view;
    struct nd_message message;
    const enum drop_reason reason = nd_message_parse(octets, length, &view, &message);

    if (reason != PARSE_OK)
        return reason;
    if (!mac_equal(&view.eth->source, &vif->mac) ||
        (message.has_mac && !mac_equal(&message.mac, &vif->mac)))
        return DROP_SOURCE_MAC;
    if (!mac_equal(&view.eth->destination, &vif->gateway_mac6) &&
        (view.eth->destination.octets[0] != 0x33 || view.eth->destination.octets[1] != 0x33))
        return DROP_DESTINATION_MAC;
    if (ip_addr_is_unicast(&message.source) && !guest_may_send_from6(vif, &message.source))
        return DROP_SOURCE_ADDRESS;
    switch (message.type) {
    case ND_NEIGHBOUR_SOLICITATION:
        return answer_solicitation(vif, &message, reply);
    case ND_ROUTER_SOLICITATION:
        if (!vif->service.router_advertisement)
            return DROP_ND_IGNORED;
        advertise_router(vif, message.source.family == IP_NONE ? NULL : &message.source, reply);
        return PARSE_OK;
    default:
        return DROP_ND_IGNORED;
    }
}

/* Each interface number has its own moment in the interval, so that they do not come all at once.
 */
void
nd_turn(struct slowpath *slowpath)
{
    const struct vif_table *vifs = &slowpath->config.tables->vifs;
    const uint64_t now = slowpath->now_ms * vifs->limit / ADVERTISE_INTERVAL_MS;

    if (slowpath->advertised == 0 || now - slowpath->advertised > vifs->limit)
        slowpath->advertised = now; /* at the start, or nobody was here for long */
    for (; slowpath->advertised < now; slowpath->advertised++) {
        const struct vif *vif = vif_at(vifs, (uint32_t)(slowpath->advertised % vifs->limit));

        if (vif == NULL || !vif->up || !vif->service.router_advertisement ||
            vif->gateway6.family != IP_V6)
            continue;
        advertise_router(vif, NULL, &slowpath->reply);
        (void)send_frame(slowpath, vif->port, vif->id, &slowpath->reply);
    }
}
