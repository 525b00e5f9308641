/* SPDX-License-Identifier: BSD-3-Clause */

/* From a packet to its description: see description.h. */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/net/description_header.h"
#include "lib/net/encapsulation.h"
#include "lib/net/parse.h"

struct writer {
    char *text;
    size_t size, length;
};

static void __attribute__((format(printf, 2, 3)))
put(struct writer *writer, const char *format, ...)
{
    va_list arguments;
    int more;

    if (writer->length + 1 >= writer->size)
        return;
    va_start(arguments, format);
    more =
        vsnprintf(writer->text + writer->length, writer->size - writer->length, format, arguments);
    va_end(arguments);
    writer->length += more > 0 ? (size_t)more : 0;
    if (writer->length >= writer->size)
        writer->length = writer->size - 1;
}

/* A number by its name if it has one, unless it is zero. */
static void
put_word(struct writer *writer, const char *key, const struct description_word *words,
         uint8_t value)
{
    if (value == 0)
        return;
    while (words->name != NULL && words->value != value)
        words++;
    if (words->name != NULL)
        put(writer, " %s %s", key, words->name);
    else
        put(writer, " %s %u", key, value);
}

static struct ip_addr
address_of(const struct ip_view *ip, bool source)
{
    if (ip->family == IP_V4)
        return ip_addr_from_v4(source ? ip->source : ip->destination);
    return ip_addr_from_v6(source ? ip->v6->source : ip->v6->destination);
}

static void
put_address(struct writer *writer, const struct ip_view *ip, bool source,
            const struct tcp_ports *ports)
{
    const struct ip_addr address = address_of(ip, source);
    char text[IP_ADDR_TEXT_MAX];

    ip_addr_format(&address, text);
    if (ports == NULL)
        put(writer, " %s", text);
    else
        put(writer, ip->family == IP_V6 ? " [%s]:%u" : " %s:%u", text,
            be16toh(source ? ports->source_port : ports->destination_port));
}

/* What the IP header carries, NULL if fewer than `octets` of it can be read. */
static const void *
transport_of(const struct ip_view *ip, size_t here, size_t octets)
{
    return ip->transport != 0 && ip->transport + octets <= here ? ip->octets + ip->transport : NULL;
}

/* Which part of a datagram it is. */
struct fragment {
    uint32_t offset, id;
    bool more;
};

static struct fragment
fragment_of(const struct ip_view *ip, size_t here)
{
    const struct ipv6_fragment *v6 = (const void *)(ip->octets + sizeof(*ip->v6));

    if (ip->family == IP_V4)
        return (struct fragment){
            .offset = (be16toh(ip->v4->fragment) & IPV4_FRAGMENT_OFFSET) * 8u,
            .id = be16toh(ip->v4->identification),
            .more = (ip->v4->fragment & htobe16(IPV4_MORE_FRAGMENTS)) != 0,
        };
    if (ip->v6->next_header != IPV6_FRAGMENT || here < sizeof(*ip->v6) + sizeof(*v6))
        return (struct fragment){ 0 };
    return (struct fragment){
        .offset = be16toh(v6->offset) & IPV6_FRAGMENT_OFFSET,
        .id = be32toh(v6->identification),
        .more = (v6->offset & htobe16(IPV6_MORE_FRAGMENTS)) != 0,
    };
}

static void
put_tcp(struct writer *writer, const struct tcp_header *tcp, size_t readable)
{
    const uint8_t *options = (const uint8_t *)(tcp + 1);
    const char *before = " flags ";

    if (tcp->flags == 0)
        put(writer, " flags 0");
    for (const struct description_word *flag = tcp_flag_words; flag->name != NULL; flag++) {
        if ((tcp->flags & flag->value) != 0) {
            put(writer, "%s%s", before, flag->name);
            before = ",";
        }
    }
    if ((tcp->offset >> 4) * 4u >= sizeof(*tcp) + 4 && readable >= sizeof(*tcp) + 4 &&
        options[0] == 2 && options[1] == 4)
        put(writer, " mss %u", (unsigned)options[2] << 8 | options[3]);
}

/* A tunnel and what is in it. @return false if it is none. */
static bool
put_tunnel(struct writer *writer, const struct ip_view *ip, size_t here, size_t *inner_offset)
{
    struct tunnel_view tunnel;

    if (!parse_is_tunnel(ip, here) || parse_tunnel(ip, here, &tunnel) != PARSE_OK)
        return false;

    const bool ports = tunnel.encapsulation != ENCAP_GRE;

    put(writer, "%s", encapsulation_name(tunnel.encapsulation));
    put_address(writer, ip, true, ports ? transport_of(ip, here, 4) : NULL);
    put(writer, " >");
    put_address(writer, ip, false, NULL);
    put(writer, " ttl %u", ip_view_ttl(ip));
    put_word(writer, "dscp", dscp_words, ip_view_class(ip) >> 2);
    put_word(writer, "ecn", ecn_words, ip_view_class(ip) & ECN_MASK);
    if (ip->family == IP_V4 && (ip->v4->fragment & htobe16(IPV4_DONT_FRAGMENT)) != 0)
        put(writer, " df");
    put(writer, " label %u / ", tunnel.label);
    *inner_offset = tunnel.inner_offset;
    return true;
}

/* What is carried, by name, with its ports if it has some. */
static void
put_addresses(struct writer *writer, const struct ip_view *ip, const char *name,
              const struct tcp_ports *ports)
{
    put(writer, "%s", name);
    put_address(writer, ip, true, ports);
    put(writer, " >");
    put_address(writer, ip, false, ports);
}

static void
put_ip_words(struct writer *writer, const struct ip_view *ip, const struct fragment *fragment)
{
    put(writer, " ttl %u size %u", ip_view_ttl(ip), ip->total_length);
    put_word(writer, "dscp", dscp_words, ip_view_class(ip) >> 2);
    put_word(writer, "ecn", ecn_words, ip_view_class(ip) & ECN_MASK);
    if (fragment->id != 0)
        put(writer, " id %u", fragment->id);
    if (ip->family == IP_V4 && (ip->v4->fragment & htobe16(IPV4_DONT_FRAGMENT)) != 0)
        put(writer, " df");
    if (fragment->offset != 0)
        put(writer, " fragment %u", fragment->offset);
    if (fragment->more)
        put(writer, " more");
}

/* One that is carried in no tunnel of ours. */
static void
put_packet(struct writer *writer, const struct ip_view *ip, size_t here)
{
    const struct fragment fragment = fragment_of(ip, here);
    const bool v4 = ip->family == IP_V4;
    const uint8_t *at = NULL;

    if (fragment.offset == 0 && ip->protocol == IP_PROTOCOL_UDP)
        at = transport_of(ip, here, sizeof(struct udp_header));
    else if (fragment.offset == 0 && ip->protocol == IP_PROTOCOL_TCP)
        at = transport_of(ip, here, sizeof(struct tcp_header));
    else if (fragment.offset == 0 && ip->protocol == (v4 ? IP_PROTOCOL_ICMP : IP_PROTOCOL_ICMPV6))
        at = transport_of(ip, here, sizeof(struct icmp_header));
    if (at == NULL) {
        put_addresses(writer, ip, "ip", NULL);
        put_ip_words(writer, ip, &fragment);
        put(writer, " protocol %u", ip->protocol);
    } else if (ip->protocol == IP_PROTOCOL_UDP) {
        put_addresses(writer, ip, "udp", (const void *)at);
        put_ip_words(writer, ip, &fragment);
    } else if (ip->protocol == IP_PROTOCOL_TCP) {
        put_addresses(writer, ip, "tcp", (const void *)at);
        put_ip_words(writer, ip, &fragment);
        put_tcp(writer, (const void *)at, here - ip->transport);
    } else {
        const struct icmp_header *icmp = (const void *)at;

        put_addresses(writer, ip, v4 ? "icmp" : "icmp6", NULL);
        put_ip_words(writer, ip, &fragment);
        if (icmp->type != (v4 ? 8 : ICMP6_ECHO_REQUEST))
            put(writer, " type %u", icmp->type);
        if (icmp->code != 0)
            put(writer, " code %u", icmp->code);
    }
}

static void
put_ip(struct writer *writer, const uint8_t *packet, size_t here, size_t length)
{
    for (unsigned depth = 0; depth < DESCRIPTION_HEADERS_MAX; depth++) {
        struct ip_view ip;
        size_t inner;

        if (parse_ip(packet, here, length, &ip) != PARSE_OK) {
            put(writer, "%zu octets that are no valid IP packet", length);
            return;
        }
        if (here > ip.total_length)
            here = ip.total_length;
        if (!put_tunnel(writer, &ip, here, &inner)) {
            put_packet(writer, &ip, here);
            return;
        }
        packet += inner;
        here -= inner;
        length = ip.total_length - inner;
    }
    put(writer, "one more tunnel");
}

const char *
description_of_packet(const uint8_t *packet, size_t here, size_t length, char *text, size_t size)
{
    struct writer writer = { .text = text, .size = size };

    text[0] = '\0';
    put_ip(&writer, packet, here, length);
    return text;
}

static void
put_arp(struct writer *writer, const struct arp_header *arp)
{
    const struct ip_addr sender = ip_addr_from_v4(be32toh(arp->sender_address));
    const struct ip_addr target = ip_addr_from_v4(be32toh(arp->target_address));
    char from[IP_ADDR_TEXT_MAX], to[IP_ADDR_TEXT_MAX], mac[MAC_TEXT_MAX];

    ip_addr_format(&sender, from);
    ip_addr_format(&target, to);
    if (arp->operation == htobe16(ARP_REQUEST))
        put(writer, "arp: %s asks for %s", from, to);
    else
        put(writer, "arp: %s is at %s", from, mac_format(&arp->sender_mac, mac));
}

const char *
description_of_frame(const uint8_t *frame, size_t here, size_t length, char *text, size_t size)
{
    struct writer writer = { .text = text, .size = size };
    struct frame_view view;

    text[0] = '\0';
    if (parse_frame(frame, here, &view) != PARSE_OK)
        put(&writer, "%zu octets that are no Ethernet frame", length);
    else if (view.type == ETHERTYPE_IPV4 || view.type == ETHERTYPE_IPV6)
        put_ip(&writer, frame + view.l3_offset, here - view.l3_offset, length - view.l3_offset);
    else if (view.type == ETHERTYPE_ARP && here >= view.l3_offset + sizeof(struct arp_header))
        put_arp(&writer, (const void *)(frame + view.l3_offset));
    else
        put(&writer, "%zu octets of Ethernet type 0x%04x", length, view.type);
    return text;
}
