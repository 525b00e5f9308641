/* SPDX-License-Identifier: BSD-3-Clause */

/* The headers of the frames that the slow path writes: see frame.h. */

#include "slowpath/frame.h"

#include <string.h>

#include "lib/net/checksum.h"

struct link_address
link_to_guest(const struct vif *vif, uint8_t family)
{
    return (struct link_address){
        .destination = vif->mac,
        .source = family == IP_V6 ? vif->gateway_mac6 : vif->gateway_mac,
        .vlan = vif->vlan,
    };
}

void
frame_append(struct frame *frame, const void *octets, size_t length)
{
    memcpy(frame->octets + frame->length, octets, length);
    frame->length += length;
}

size_t
frame_begin(struct frame *frame, const struct link_address *link, uint16_t type)
{
    const struct eth_header eth = {
        link->destination,
        link->source,
        htobe16(link->vlan == VLAN_UNTAGGED ? type : ETHERTYPE_VLAN),
    };

    frame->length = 0;
    frame_append(frame, &eth, sizeof(eth));
    if (link->vlan != VLAN_UNTAGGED) {
        const struct vlan_header tag = { htobe16(link->vlan), htobe16(type) };
        frame_append(frame, &tag, sizeof(tag));
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
    frame_append(frame, &ip, sizeof(ip));
}

size_t
frame_begin_icmp6(struct frame *frame, uint8_t traffic_class, uint8_t hop_limit,
                  const struct ip_addr *source, const struct ip_addr *destination)
{
    const size_t begun = frame->length;
    struct ipv6_header ip = {
        .version_class_flow = htobe32(6u << 28 | (uint32_t)traffic_class << 20),
        .next_header = IP_PROTOCOL_ICMPV6,
        .hop_limit = hop_limit,
    };

    memcpy(ip.source, source->octets, sizeof(ip.source));
    memcpy(ip.destination, destination->octets, sizeof(ip.destination));
    frame_append(frame, &ip, sizeof(ip));
    return begun;
}

void
frame_end_icmp6(struct frame *frame, size_t begun)
{
    uint8_t *message = frame->octets + begun + sizeof(struct ipv6_header);
    const size_t length = (size_t)(frame->octets + frame->length - message);
    struct ipv6_header ip;
    struct icmp_header icmp;

    memcpy(&ip, frame->octets + begun, sizeof(ip));
    ip.payload_length = htobe16((uint16_t)length);
    memcpy(frame->octets + begun, &ip, sizeof(ip));
    memcpy(&icmp, message, sizeof(icmp));
    icmp.checksum = checksum_transport_v6(&ip, IP_PROTOCOL_ICMPV6, message, length);
    memcpy(message, &icmp, sizeof(icmp));
}

struct mac_addr
mac_of_group(const struct ip_addr *group)
{
    struct mac_addr mac = { { 0x33, 0x33 } };

    memcpy(mac.octets + 2, group->octets + 12, 4);
    return mac;
}
