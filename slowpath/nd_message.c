/* SPDX-License-Identifier: BSD-3-Clause */

/* Reading and writing neighbour discovery messages: see nd_message.h. */

#include "slowpath/nd_message.h"

#include <string.h>

#include "lib/net/checksum.h"

/* Nothing that crossed a router has it any more (RFC 4861 section 7.1). */
#define ND_HOP_LIMIT 255

#define OPTION_SOURCE_MAC 1
#define OPTION_TARGET_MAC 2
#define OPTION_MTU        5

#define OPTION_UNIT 8 /* octets that an option's length counts */

struct nd_header { /* of a neighbour solicitation or advertisement */
    struct icmp_header icmp;
    uint8_t target[16];
} __attribute__((packed));

struct ra_header {
    uint8_t type, code;
    be16 checksum;
    uint8_t hop_limit, flags;
    be16 lifetime;
    be32 reachable_time, retransmit_timer;
} __attribute__((packed));

struct mac_option {
    uint8_t type, length;
    struct mac_addr mac;
} __attribute__((packed));

struct mtu_option {
    uint8_t type, length;
    be16 reserved;
    be32 mtu;
} __attribute__((packed));

static bool
is_group(const struct ip_addr *address)
{
    return address->octets[0] == 0xff;
}

static bool
is_unspecified(const struct ip_addr *address)
{
    static const uint8_t zeros[16];

    return memcmp(address->octets, zeros, sizeof(zeros)) == 0;
}

/* An address of one node, on its link or beyond. */
static bool
is_of_a_node(const struct ip_addr *address)
{
    return ip_addr_is_unicast(address) || ip_addr_is_link_local(address);
}

struct ip_addr
nd_solicited_node(const struct ip_addr *address)
{
    struct ip_addr group = { IP_V6, { 0xff, 0x02, [11] = 0x01, [12] = 0xff } };

    memcpy(group.octets + 13, address->octets + 13, 3);
    return group;
}

static bool
is_solicited_node(const struct ip_addr *address)
{
    const struct ip_addr group = nd_solicited_node(address);

    return ip_addr_equal(&group, address);
}

/* Walks the options; takes the first one with a MAC address of the kind that is wanted. */
static bool
read_options(const uint8_t *octets, size_t length, uint8_t wanted, struct nd_message *message)
{
    message->has_mac = false;
    while (length > 0) {
        struct mac_option option;

        if (length < OPTION_UNIT || octets[1] == 0 || octets[1] * (size_t)OPTION_UNIT > length)
            return false;
        memcpy(&option, octets, sizeof(option));
        if (option.type == wanted && !message->has_mac) {
            if (option.length != 1 || !mac_is_station(&option.mac))
                return false;
            message->has_mac = true;
            message->mac = option.mac;
        }
        octets += option.length * (size_t)OPTION_UNIT;
        length -= option.length * (size_t)OPTION_UNIT;
    }
    return true;
}

/* Whether addresses, flags and options agree with the message's type. */
static bool
is_consistent(const struct nd_message *message)
{
    const bool from_nobody = message->source.family == IP_NONE;

    if (!from_nobody && !is_of_a_node(&message->source))
        return false;
    switch (message->type) {
    case ND_ROUTER_SOLICITATION:
        return !from_nobody || !message->has_mac;
    case ND_NEIGHBOUR_SOLICITATION:
        return is_of_a_node(&message->target) &&
               (!from_nobody || (!message->has_mac && is_solicited_node(&message->destination)));
    default:
        return is_of_a_node(&message->target) && !from_nobody &&
               ((message->flags & ND_FLAG_SOLICITED) == 0 || !is_group(&message->destination));
    }
}

/* The message from its ICMPv6 header on, whose checksum is right. */
static enum drop_reason
read_message(const uint8_t *octets, size_t length, struct nd_message *message)
{
    struct nd_header header;
    const bool router = octets[0] == ND_ROUTER_SOLICITATION;
    const size_t fixed = router ? sizeof(header.icmp) : sizeof(header);

    message->type = octets[0];
    message->target.family = IP_NONE;
    if (message->type == ND_ROUTER_ADVERTISEMENT || message->type == ND_REDIRECT)
        return DROP_ND_IGNORED;
    if (length < fixed)
        return DROP_ND_INVALID;
    memcpy(&header, octets, fixed);
    if (header.icmp.code != 0)
        return DROP_ND_INVALID;
    message->flags = message->type == ND_NEIGHBOUR_ADVERTISEMENT
                         ? (uint8_t)(be32toh(header.icmp.rest) >> 24)
                         : 0;
    if (!router)
        message->target = ip_addr_from_v6(header.target);
    const uint8_t option =
        message->type == ND_NEIGHBOUR_ADVERTISEMENT ? OPTION_TARGET_MAC : OPTION_SOURCE_MAC;
    return read_options(octets + fixed, length - fixed, option, message) && is_consistent(message)
               ? PARSE_OK
               : DROP_ND_INVALID;
}

enum drop_reason
nd_message_parse(const uint8_t *octets, size_t length, struct frame_view *view,
                 struct nd_message *message)
{
    struct ip_view ip;
    enum drop_reason reason = parse_frame(octets, length, view);

    if (reason != PARSE_OK)
        return reason;
    if (view->type != ETHERTYPE_IPV6)
        return DROP_ND_INVALID;
    octets += view->l3_offset;
    length -= view->l3_offset;
    reason = parse_ipv6(octets, length, length, &ip);
    if (reason != PARSE_OK)
        return reason;
    if (!parse_is_nd(&ip, length) || ip.v6->hop_limit != ND_HOP_LIMIT)
        return DROP_ND_INVALID;
    length = ip.total_length - (size_t)ip.transport;
    if (length < sizeof(struct icmp_header) ||
        checksum_transport_v6(ip.v6, IP_PROTOCOL_ICMPV6, octets + ip.transport, length) != 0)
        return DROP_ND_INVALID;
    message->source = ip_addr_from_v6(ip.v6->source);
    if (is_unspecified(&message->source))
        message->source.family = IP_NONE;
    message->destination = ip_addr_from_v6(ip.v6->destination);
    return read_message(octets + ip.transport, length, message);
}

static void
append_mac(struct frame *frame, uint8_t type, const struct mac_addr *mac)
{
    const struct mac_option option = { type, 1, *mac };

    frame_append(frame, &option, sizeof(option));
}

/* A solicitation or an advertisement. */
static void
write_neighbour(struct frame *frame, const struct link_address *link, const struct ip_addr *source,
                const struct ip_addr *destination, uint8_t type, uint8_t flags,
                const struct ip_addr *target, const struct mac_addr *mac)
{
    struct nd_header header = { .icmp = { .type = type, .rest = htobe32((uint32_t)flags << 24) } };

    memcpy(header.target, target->octets, sizeof(header.target));
    frame_begin(frame, link, ETHERTYPE_IPV6);
    const size_t begun = frame_begin_icmp6(frame, 0, ND_HOP_LIMIT, source, destination);
    frame_append(frame, &header, sizeof(header));
    if (mac != NULL)
        append_mac(frame, type == ND_NEIGHBOUR_SOLICITATION ? OPTION_SOURCE_MAC : OPTION_TARGET_MAC,
                   mac);
    frame_end_icmp6(frame, begun);
}

void
nd_write_solicitation(struct frame *frame, const struct link_address *link,
                      const struct ip_addr *source, const struct ip_addr *destination,
                      const struct ip_addr *target, const struct mac_addr *mac)
{
    write_neighbour(frame, link, source, destination, ND_NEIGHBOUR_SOLICITATION, 0, target, mac);
}

void
nd_write_advertisement(struct frame *frame, const struct link_address *link,
                       const struct ip_addr *source, const struct ip_addr *destination,
                       const struct ip_addr *target, uint8_t flags, const struct mac_addr *mac)
{
    write_neighbour(frame, link, source, destination, ND_NEIGHBOUR_ADVERTISEMENT, flags, target,
                    mac);
}

void
nd_write_router_advertisement(struct frame *frame, const struct link_address *link,
                              const struct ip_addr *source, const struct ip_addr *destination,
                              uint16_t lifetime_seconds, uint16_t mtu)
{
    const struct ra_header header = {
        .type = ND_ROUTER_ADVERTISEMENT,
        .hop_limit = 64,
        .lifetime = htobe16(lifetime_seconds),
    };
    const struct mtu_option option = { OPTION_MTU, 1, 0, htobe32(mtu) };

    frame_begin(frame, link, ETHERTYPE_IPV6);
    const size_t begun = frame_begin_icmp6(frame, 0, ND_HOP_LIMIT, source, destination);
    frame_append(frame, &header, sizeof(header));
    append_mac(frame, OPTION_SOURCE_MAC, &link->source);
    frame_append(frame, &option, sizeof(option));
    frame_end_icmp6(frame, begun);
}
