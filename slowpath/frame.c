/* SPDX-License-Identifier: BSD-3-Clause */

/* The headers of the frames that the slow path writes: see frame.h. */

#include "slowpath/frame.h"

#include <string.h>

#include "lib/net/checksum.h"

struct link_address
link_to_guest(const struct vif *vif)
{
    return (struct link_address){ vif->mac, vif->gateway_mac, vif->vlan };
}

size_t
frame_begin(struct frame *frame, const struct link_address *link, uint16_t type)
{
    const struct eth_header eth = {
        link->destination,
        link->source,
        htobe16(link->vlan == VLAN_UNTAGGED ? type : ETHERTYPE_VLAN),
    };

    memcpy(frame->octets, &eth, sizeof(eth));
    frame->length = sizeof(eth);
    if (link->vlan != VLAN_UNTAGGED) {
        const struct vlan_header tag = { htobe16(link->vlan), htobe16(type) };
        memcpy(frame->octets + frame->length, &tag, sizeof(tag));
        frame->length += sizeof(tag);
    }
    return frame->length;
}

void
frame_add_ipv4(struct frame *frame, uint8_t dscp_ecn, uint8_t protocol, be32 source,
               be32 destination, size_t payload)
{
    struct ipv4_header ip = {
        .version_ihl = 0x45,
        .dscp_ecn = dscp_ecn,
        .total_length = htobe16((uint16_t)(sizeof(ip) + payload)),
        .fragment = htobe16(IPV4_DONT_FRAGMENT),
        .ttl = 64,
        .protocol = protocol,
        .source = source,
        .destination = destination,
    };

    ip.checksum = checksum_ipv4(&ip, sizeof(ip));
    memcpy(frame->octets + frame->length, &ip, sizeof(ip));
    frame->length += sizeof(ip);
}
