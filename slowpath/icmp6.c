/* SPDX-License-Identifier: BSD-3-Clause */

/* ICMPv6 towards guests and the underlay: see icmp6.h. */

#include "slowpath/icmp6.h"

#include <string.h>

#include "lib/net/checksum.h"

#define HOP_LIMIT 64
#define CLASS_CS6 0xc0 /* internetwork control, as over IPv4 */

static bool
is_of_a_node(const struct ip_addr *address)
{
    return ip_addr_is_unicast(address) || ip_addr_is_link_local(address);
}

enum drop_reason
icmp6_echo_answer(const uint8_t *octets, size_t length, size_t l3_offset,
                  const struct link_address *link, uint16_t mtu, const struct ip_addr *own,
                  struct frame *reply)
{
    struct ip_view ip;
    struct icmp_header header;

    if (l3_offset > length)
        return DROP_FRAME_TOO_SHORT;
    const enum drop_reason reason =
        parse_ipv6(octets + l3_offset, length - l3_offset, length - l3_offset, &ip);
    if (reason != PARSE_OK)
        return reason;
    if (ip.protocol != IP_PROTOCOL_ICMPV6)
        return DROP_GATEWAY_PROTOCOL;
    if (ip.fragment)
        return DROP_LOCAL_FRAGMENT;

    const uint8_t *message = ip.octets + ip.transport;
    const size_t message_length = ip.total_length - (size_t)ip.transport;

    if (message_length < sizeof(header) ||
        checksum_transport_v6(ip.v6, IP_PROTOCOL_ICMPV6, message, message_length) != 0)
        return DROP_ICMP_INVALID;
    memcpy(&header, message, sizeof(header));
    if (header.type != ICMP6_ECHO_REQUEST)
        return DROP_GATEWAY_PROTOCOL;
    if (header.code != 0)
        return DROP_ICMP_INVALID;

    const struct ip_addr source = ip_addr_from_v6(ip.v6->source);
    const struct ip_addr destination = ip_addr_from_v6(ip.v6->destination);
    const size_t answer_length = sizeof(struct ipv6_header) + message_length;

    if (!is_of_a_node(&source) || !is_of_a_node(&destination) ||
        (own != NULL && !ip_addr_equal(&destination, own)))
        return DROP_IP_DESTINATION;
    if (answer_length > mtu ||
        sizeof(struct eth_header) + sizeof(struct vlan_header) + answer_length > FRAME_OCTETS_MAX)
        return DROP_TOO_BIG;

    frame_begin(reply, link, ETHERTYPE_IPV6);
    const size_t begun =
        frame_begin_icmp6(reply, ip_view_class(&ip), HOP_LIMIT, &destination, &source);
    header.type = ICMP6_ECHO_REPLY;
    header.checksum = 0;
    frame_append(reply, &header, sizeof(header));
    frame_append(reply, message + sizeof(header), message_length - sizeof(header));
    frame_end_icmp6(reply, begun);
    return PARSE_OK;
}

/* True if the packet, of which `here` octets can be read, may be an ICMPv6 error or redirect. */
static bool
may_be_an_error(const struct ip_view *ip, size_t here)
{
    switch (ip->protocol) {
    case IP_PROTOCOL_ICMPV6:
        return ip->transport == 0 || ip->transport >= here ||
               icmp_type_is_error(IP_V6, ip->octets[ip->transport]) ||
               ip->octets[ip->transport] == ND_REDIRECT;
    case IPV6_HOP_BY_HOP:
    case IPV6_ROUTING:
    case IPV6_FRAGMENT:
    case IPV6_AUTH:
    case IPV6_DESTINATION:
        return true; /* what these end with cannot be read */
    default:
        return false;
    }
}

bool
icmp6_error_add(const struct icmp_error *error, const struct ip_addr *from,
                const struct ip_view *ip, size_t here, struct frame *reply)
{
    const struct ip_addr source = ip_addr_from_v6(ip->v6->source);
    const struct ip_addr destination = ip_addr_from_v6(ip->v6->destination);
    size_t quoted = here < ip->total_length ? here : ip->total_length;

    if (!ip_addr_is_unicast(&source) || !ip_addr_is_unicast(&destination) ||
        may_be_an_error(ip, quoted))
        return false;
    if (quoted > IPV6_MTU_MIN - sizeof(struct ipv6_header) - sizeof(struct icmp_header))
        quoted = IPV6_MTU_MIN - sizeof(struct ipv6_header) - sizeof(struct icmp_header);

    const struct icmp_header header = {
        .type = error->type,
        .code = error->code,
        .rest = htobe32(error->mtu),
    };
    const size_t begun = frame_begin_icmp6(reply, CLASS_CS6, HOP_LIMIT, from, &source);

    frame_append(reply, &header, sizeof(header));
    frame_append(reply, ip->octets, quoted);
    frame_end_icmp6(reply, begun);
    return true;
}
