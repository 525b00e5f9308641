/* SPDX-License-Identifier: BSD-3-Clause */

/* Packets from descriptions: see description.h. Put together from the innermost header outwards. */

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "lib/net/checksum.h"
#include "lib/net/description_header.h"

#define TTL_DEFAULT              64
#define SOURCE_PORT_DEFAULT      50000
#define DESTINATION_PORT_DEFAULT 9 /* discard */

static uint32_t
or_else(uint32_t value, uint32_t otherwise)
{
    return value == NOT_GIVEN ? otherwise : value;
}

/* The UDP port of a tunnel, or any. */
static uint32_t
default_port(const struct header *header)
{
    if (header->protocol->shape == SHAPE_VXLAN)
        return UDP_PORT_VXLAN;
    return header->label != NOT_GIVEN ? UDP_PORT_MPLS : DESTINATION_PORT_DEFAULT;
}

/* Writes what follows the IP header, up to its payload. @return octets. */
static size_t
write_transport(uint8_t *at, const struct header *header)
{
    const be16 source = htobe16((uint16_t)or_else(header->source_port, SOURCE_PORT_DEFAULT));
    const be16 destination =
        htobe16((uint16_t)or_else(header->destination_port, default_port(header)));

    switch (header->protocol->shape) {
    case SHAPE_UDP:
    case SHAPE_VXLAN:
        *(struct udp_header *)at =
            (struct udp_header){ .source_port = source, .destination_port = destination };
        return sizeof(struct udp_header);
    case SHAPE_TCP: {
        const uint8_t options = header->mss == NOT_GIVEN ? 0 : 4;

        *(struct tcp_header *)at = (struct tcp_header){
            .source_port = source,
            .destination_port = destination,
            .offset = (uint8_t)((sizeof(struct tcp_header) + options) / 4 << 4),
            .flags = (uint8_t)or_else(header->flags, TCP_SYN),
            .window = htobe16(UINT16_MAX),
        };
        if (options != 0)
            memcpy(at + sizeof(struct tcp_header),
                   (const uint8_t[4]){ 2, 4, (uint8_t)(header->mss >> 8), (uint8_t)header->mss },
                   4);
        return sizeof(struct tcp_header) + options;
    }
    case SHAPE_ICMP:
        *(struct icmp_header *)at = (struct icmp_header){
            .type = (uint8_t)or_else(header->type, header->protocol->number == IP_PROTOCOL_ICMP
                                                       ? 8
                                                       : ICMP6_ECHO_REQUEST),
            .code = (uint8_t)or_else(header->code, 0),
        };
        return sizeof(struct icmp_header);
    case SHAPE_GRE:
        *(struct gre_header *)at = (struct gre_header){
            .protocol = htobe16(header->label != NOT_GIVEN ? ETHERTYPE_MPLS : 0),
        };
        return sizeof(struct gre_header);
    default:
        return 0;
    }
}

/* The label, or what VXLAN has in its place. @return octets. */
static size_t
write_label(uint8_t *at, const struct header *header, const struct header *inner)
{
    struct {
        struct vxlan_header vxlan;
        struct eth_header eth;
    } __attribute__((packed)) vxlan;
    const bool v6 = inner->source.family == IP_V6;
    const struct mac_addr router = v6 ? MAC_VIRTUAL_ROUTER_V6 : MAC_VIRTUAL_ROUTER;
    mpls_entry entry;

    if (header->protocol->shape != SHAPE_VXLAN) {
        entry = mpls_entry_make(header->label, 0, (uint8_t)or_else(inner->ttl, TTL_DEFAULT));
        memcpy(at, &entry, sizeof(entry));
        return sizeof(entry);
    }
    vxlan.vxlan.flags = htobe32(VXLAN_FLAG_VNI);
    vxlan.vxlan.vni = htobe32(header->label << 8);
    vxlan.eth.destination = inner->has_to ? inner->to : router;
    vxlan.eth.source = inner->has_from ? inner->from : router;
    vxlan.eth.type = htobe16(v6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4);
    memcpy(at, &vxlan, sizeof(vxlan));
    return sizeof(vxlan);
}

/* Writes the IP header before `length` octets that are there already. @return its octets. */
static size_t
write_ip(uint8_t *at, const struct header *header, size_t length)
{
    const uint8_t traffic_class =
        (uint8_t)(or_else(header->dscp, 0) << 2 | or_else(header->ecn, 0));
    const uint8_t ttl = (uint8_t)or_else(header->ttl, TTL_DEFAULT);
    const uint8_t protocol = (uint8_t)or_else(header->number, header->protocol->number);
    const uint32_t offset = or_else(header->fragment, 0);

    if (header->source.family == IP_V4) {
        struct ipv4_header *ip = (struct ipv4_header *)at;

        *ip = (struct ipv4_header){
            .version_ihl = 0x45,
            .dscp_ecn = traffic_class,
            .total_length = htobe16((uint16_t)(sizeof(*ip) + length)),
            .identification = htobe16((uint16_t)or_else(header->id, 0)),
            .fragment = htobe16((uint16_t)((header->df ? IPV4_DONT_FRAGMENT : 0) |
                                           (header->more ? IPV4_MORE_FRAGMENTS : 0) | offset / 8)),
            .ttl = ttl,
            .protocol = protocol,
        };
        memcpy(&ip->source, header->source.octets, sizeof(ip->source));
        memcpy(&ip->destination, header->destination.octets, sizeof(ip->destination));
        ip->checksum = checksum_ipv4(ip, sizeof(*ip));
        return sizeof(*ip);
    }

    struct ipv6_header *ip = (struct ipv6_header *)at;
    struct ipv6_fragment *fragment = (struct ipv6_fragment *)(ip + 1);
    const bool pieces = offset > 0 || header->more;

    *ip = (struct ipv6_header){
        .version_class_flow = htobe32(6u << 28 | (uint32_t)traffic_class << 20),
        .payload_length = htobe16((uint16_t)(length + (pieces ? sizeof(*fragment) : 0))),
        .next_header = pieces ? IPV6_FRAGMENT : protocol,
        .hop_limit = ttl,
    };
    memcpy(ip->source, header->source.octets, sizeof(ip->source));
    memcpy(ip->destination, header->destination.octets, sizeof(ip->destination));
    if (!pieces)
        return sizeof(*ip);
    *fragment = (struct ipv6_fragment){
        .next_header = protocol,
        .offset = htobe16((uint16_t)(offset | (header->more ? IPV6_MORE_FRAGMENTS : 0))),
        .identification = htobe32(or_else(header->id, 0)),
    };
    return sizeof(*ip) + sizeof(*fragment);
}

/* Lengths and checksums of what the IP header carries. Tunnels over UDP have no checksum. */
static void
finish_transport(uint8_t *packet, size_t ip_length, const struct header *header, size_t length)
{
    uint8_t *at = packet + ip_length;
    size_t checksum;
    be16 sum;

    switch (header->protocol->shape) {
    case SHAPE_UDP:
    case SHAPE_VXLAN:
        ((struct udp_header *)at)->length = htobe16((uint16_t)length);
        if (header->label != NOT_GIVEN)
            return;
        checksum = offsetof(struct udp_header, checksum);
        break;
    case SHAPE_TCP:
        checksum = offsetof(struct tcp_header, checksum);
        break;
    case SHAPE_ICMP:
        checksum = offsetof(struct icmp_header, checksum);
        break;
    default:
        return;
    }
    if (header->source.family == IP_V6)
        sum = checksum_transport_v6((const struct ipv6_header *)packet, header->protocol->number,
                                    at, length);
    else if (header->protocol->shape == SHAPE_ICMP)
        sum = checksum_finish(checksum_add(0, at, length));
    else
        sum = checksum_transport_v4((const struct ipv4_header *)packet, at, length);
    if (header->protocol->shape == SHAPE_UDP && sum == 0)
        sum = 0xffff; /* RFC 768 */
    memcpy(at + checksum, &sum, sizeof(sum));
}

/*
 * Builds the packet of `headers[0]`, which carries that of the next one.
 * @param problem what is wrong if there is no such packet, else untouched
 * @return its octets, 0 if there is none.
 */
static size_t
build(uint8_t *packet, size_t room, const struct header *headers, unsigned n,
      char problem[DESCRIPTION_PROBLEM_MAX])
{
    const bool first = or_else(headers[0].fragment, 0) == 0;
    uint8_t before[128] = { 0 }, unused[64];
    size_t length = 0;

    if (first)
        length = write_transport(before, headers);
    if (n > 1)
        length += write_label(before + length, headers, &headers[1]);

    const size_t ip_length = write_ip(unused, headers, 0);
    const size_t least = ip_length + length;

    if (room >= least && n > 1) {
        const size_t inner = build(packet + least, room - least, headers + 1, n - 1, problem);

        if (inner == 0)
            return 0;
        length += inner;
    }

    const size_t size = or_else(headers[0].size, (uint32_t)(ip_length + length));

    if (room < least || room < size) {
        snprintf(problem, DESCRIPTION_PROBLEM_MAX, "more than %d octets", DESCRIPTION_PACKET_MAX);
        return 0;
    }
    if (size < ip_length + length) {
        snprintf(problem, DESCRIPTION_PROBLEM_MAX, "size %zu: the headers alone have %zu octets",
                 size, ip_length + length);
        return 0;
    }
    memcpy(packet + ip_length, before, least - ip_length);
    memset(packet + ip_length + length, 0, size - ip_length - length);
    (void)write_ip(packet, headers, size - ip_length);
    if (first)
        finish_transport(packet, ip_length, headers, size - ip_length);
    return size;
}

int
description_build(const char *text, struct description *built,
                  char problem[DESCRIPTION_PROBLEM_MAX])
{
    struct header headers[DESCRIPTION_HEADERS_MAX];
    const unsigned n = description_read(text, headers, problem);

    if (n == 0)
        return -EINVAL;
    built->length = build(built->packet, sizeof(built->packet), headers, n, problem);
    if (built->length == 0)
        return -EINVAL;
    built->has_from = headers[0].has_from;
    built->has_to = headers[0].has_to;
    built->from = headers[0].from;
    built->to = headers[0].to;
    return 0;
}
