/* SPDX-License-Identifier: BSD-3-Clause */

/* Proxy ARP: see arp.h. */

#include "slowpath/arp.h"

#include "slowpath/arp_message.h"

bool
guest_may_send_from(const struct vif *vif, uint32_t address)
{
    for (unsigned i = 0; i < vif->n_sources; i++) {
        if ((address & vif->sources[i].mask) == vif->sources[i].network)
            return true;
    }
    return false;
}

bool
guest_has_address(const struct vif *vif, uint32_t address)
{
    if (vif->service.address.family == IP_V4 && ip_addr_to_v4(&vif->service.address) == address)
        return true;
    for (unsigned i = 0; i < vif->n_sources; i++) {
        if (vif->sources[i].mask == UINT32_MAX && vif->sources[i].network == address)
            return true;
    }
    return false;
}

enum drop_reason
arp_answer(const struct vif *vif, const uint8_t *octets, size_t length, struct frame *reply)
{
    struct frame_view view;
    struct arp_header request;
    enum drop_reason reason = arp_message_parse(octets, length, &view, &request);

    if (reason != PARSE_OK)
        return reason;
    if (!mac_equal(&view.eth->source, &vif->mac) || !mac_equal(&request.sender_mac, &vif->mac))
        return DROP_SOURCE_MAC;
    if (!mac_equal(&view.eth->destination, &MAC_BROADCAST) &&
        !mac_equal(&view.eth->destination, &vif->gateway_mac))
        return DROP_DESTINATION_MAC;

    const uint32_t sender = be32toh(request.sender_address);
    const uint32_t target = be32toh(request.target_address);
    const struct ip_addr target_address = ip_addr_from_v4(target);

    if (request.operation != htobe16(ARP_REQUEST) || sender == 0 || sender == target)
        return DROP_ARP_IGNORED;
    if (!guest_may_send_from(vif, sender))
        return DROP_SOURCE_ADDRESS;
    if (guest_has_address(vif, target) || !ip_addr_is_unicast(&target_address))
        return DROP_ARP_IGNORED;

    const struct link_address link = link_to_guest(vif, IP_V4);
    arp_message_write(reply, &link, ARP_REPLY, &vif->gateway_mac, request.target_address, &vif->mac,
                      request.sender_address);
    return PARSE_OK;
}
