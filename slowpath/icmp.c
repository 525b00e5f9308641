/* SPDX-License-Identifier: BSD-3-Clause */

/* ICMP towards guests and the underlay: see icmp.h. */

#include "slowpath/icmp.h"

#include <string.h>

#include "lib/net/checksum.h"

#define ERROR_DATAGRAM_MAX 576
#define DSCP_CS6           0xc0 /* internetwork control (RFC 1812 section 4.3.2.5) */

enum drop_reason
icmp_echo_answer(const uint8_t *octets, size_t length, size_t l3_offset,
                 const struct link_address *link, uint16_t mtu, const struct ip_addr *own,
                 struct frame *reply)
{
    struct ip_view ip;
    struct icmp_header header;

    if (l3_offset > length)
        return DROP_FRAME_TOO_SHORT;
    enum drop_reason reason =
        parse_ipv4(octets + l3_offset, length - l3_offset, length - l3_offset, &ip);
    if (reason != PARSE_OK)
        return reason;
    if (ip.v4->protocol != IP_PROTOCOL_ICMP)
        return DROP_GATEWAY_PROTOCOL;
    if ((be16toh(ip.v4->fragment) & (IPV4_MORE_FRAGMENTS | IPV4_FRAGMENT_OFFSET)) != 0)
        return DROP_LOCAL_FRAGMENT;

    const uint8_t *message = octets + l3_offset + ip.header_length;
    const size_t message_length = ip.total_length - ip.header_length;

    if (message_length < sizeof(header) ||
        checksum_finish(checksum_add(0, message, message_length)) != 0)
        return DROP_ICMP_INVALID;
    memcpy(&header, message, sizeof(header));
    if (header.type != ICMP_ECHO_REQUEST)
        return DROP_GATEWAY_PROTOCOL;
    if (header.code != 0)
        return DROP_ICMP_INVALID;

    const struct ip_addr source = ip_addr_from_v4(ip.source);
    const struct ip_addr destination = ip_addr_from_v4(ip.destination);
    if (!ip_addr_is_unicast(&source) || !ip_addr_is_unicast(&destination) ||
        (own != NULL && !ip_addr_equal(&destination, own)))
        return DROP_IP_DESTINATION;
    if (sizeof(struct ipv4_header) + message_length > mtu)
        return DROP_TOO_BIG;
    if (sizeof(struct eth_header) + sizeof(struct vlan_header) + sizeof(struct ipv4_header) +
            message_length >
        FRAME_OCTETS_MAX)
        return DROP_TOO_BIG;

    frame_begin(reply, link, ETHERTYPE_IPV4);
    frame_add_ipv4(reply, ip.v4->dscp_ecn, IP_PROTOCOL_ICMP, ip.v4->destination, ip.v4->source,
                   message_length);
    /* Computed anew: by RFC 1624 a message of zeros would get the wrong one of the two zeros. */
    uint8_t *answer = reply->octets + reply->length;
    header.type = ICMP_ECHO_REPLY;
    header.checksum = 0;
    memcpy(answer, &header, sizeof(header));
    memcpy(answer + sizeof(header), message + sizeof(header), message_length - sizeof(header));
    header.checksum = checksum_finish(checksum_add(0, answer, message_length));
    memcpy(answer, &header, sizeof(header));
    reply->length += message_length;
    return PARSE_OK;
}

/* True if the standards allow an error about this packet. */
static bool
error_is_allowed(const struct ip_view *ip, const uint8_t *payload, size_t payload_here)
{
    const struct ip_addr source = ip_addr_from_v4(ip->source);
    const struct ip_addr destination = ip_addr_from_v4(ip->destination);

    if (!ip_addr_is_unicast(&source) || !ip_addr_is_unicast(&destination))
        return false;
    if ((be16toh(ip->v4->fragment) & IPV4_FRAGMENT_OFFSET) != 0)
        return false;
    if (ip->protocol == IP_PROTOCOL_ICMP)
        return payload_here > 0 && !icmp_type_is_error(IP_V4, payload[0]);
    return true;
}

bool
icmp_error_add(const struct icmp_error *error, const struct ip_addr *from, const struct ip_view *ip,
               size_t here, struct frame *reply)
{
    size_t quoted = here < ip->total_length ? here : ip->total_length;

    if (!error_is_allowed(ip, ip->octets + ip->header_length, quoted - ip->header_length))
        return false;
    if (quoted > ERROR_DATAGRAM_MAX - sizeof(struct ipv4_header) - sizeof(struct icmp_header))
        quoted = ERROR_DATAGRAM_MAX - sizeof(struct ipv4_header) - sizeof(struct icmp_header);

    struct icmp_header header = {
        .type = error->type,
        .code = error->code,
        .rest = htobe32(error->mtu),
    };
    header.checksum =
        checksum_finish(checksum_add(checksum_add(0, &header, sizeof(header)), ip->octets, quoted));

    frame_add_ipv4(reply, DSCP_CS6, IP_PROTOCOL_ICMP, htobe32(ip_addr_to_v4(from)), ip->v4->source,
                   sizeof(header) + quoted);
    frame_append(reply, &header, sizeof(header));
    frame_append(reply, ip->octets, quoted);
    return true;
}
