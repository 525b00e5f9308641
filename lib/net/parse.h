/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Parse functions: (pointer, length) in, a view out, and only if every length, version and header
 * size agrees. Stages read packets through these views and cast nothing themselves. Any thread.
 * On failure each returns the one reason that a drop counter will show.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/net/headers.h"
#include "lib/stats/reasons.h"

#define PARSE_OK DROP_REASONS /* no reason to drop */

/* An Ethernet frame with at most one 802.1Q tag. */
struct frame_view {
    const struct eth_header *eth;
    uint16_t vlan;      /* 0: untagged, or a priority tag */
    uint16_t type;      /* of the payload, host order */
    uint16_t l3_offset; /* octets from the frame's start to the payload */
};

/** Reads Ethernet and a tag. @return PARSE_OK or DROP_FRAME_TOO_SHORT. */
enum drop_reason parse_frame(const uint8_t *frame, size_t length, struct frame_view *view);

/* A validated IP packet: header length and total length fit into what is there. */
struct ip_view {
    union {
        const uint8_t *octets;
        const struct ipv4_header *v4;
        const struct ipv6_header *v6;
    };
    uint8_t family;         /* IP_V4 or IP_V6 */
    uint8_t protocol;       /* of what is carried; IPv6: of what the extension headers end with */
    bool fragment;          /* a part of a datagram, the first one included */
    uint16_t header_length; /* IPv4: with options; IPv6: of the fixed header */
    uint16_t transport;     /* octets from the header's start to what is carried; 0: it is not
                             * where it can be read, or behind an unknown extension header */
    uint16_t total_length;  /* <= the octets given; what follows is padding */
    uint32_t source, destination; /* IPv4, host order */
};

/**
 * Reads an IPv4 header: version, lengths, checksum.
 * @param here octets that can be read (the first segment); at least the header must be in them
 * @param length octets of the whole packet
 * @return PARSE_OK, DROP_FRAME_TOO_SHORT, DROP_IP_VERSION, DROP_IP_HEADER or DROP_IP_CHECKSUM.
 */
enum drop_reason parse_ipv4(const uint8_t *packet, size_t here, size_t length,
                            struct ip_view *view);

/**
 * Reads an IPv6 header and walks its extension headers (RFC 8200), as far as they can be read: a
 * router passes on what it does not know.
 * @return as parse_ipv4(). A jumbogram (RFC 2675) is DROP_IP_HEADER.
 */
enum drop_reason parse_ipv6(const uint8_t *packet, size_t here, size_t length,
                            struct ip_view *view);

/** Reads the IP header of the version that its first four bits say. */
enum drop_reason parse_ip(const uint8_t *packet, size_t here, size_t length, struct ip_view *view);

/** The octet of DSCP and ECN: type of service or traffic class. */
static inline uint8_t
ip_view_class(const struct ip_view *view)
{
    return view->family == IP_V4 ? view->v4->dscp_ecn
                                 : (uint8_t)(be32toh(view->v6->version_class_flow) >> 20);
}

/** TTL or hop limit. */
static inline uint8_t
ip_view_ttl(const struct ip_view *view)
{
    return view->family == IP_V4 ? view->v4->ttl : view->v6->hop_limit;
}

/** True for a message of neighbour discovery, ICMPv6 types 133-137 (RFC 4861), not a fragment.
 * `here` as parse_ipv6(). */
bool parse_is_nd(const struct ip_view *view, size_t here);

/** True for the types of ICMP (IP_V4) or ICMPv6 (IP_V6) that are errors and quote a packet (RFC
 * 1122 section 3.2.2, RFC 4443 section 2.1); they may never be answered with an error. */
bool icmp_type_is_error(uint8_t family, uint8_t type);

/** True for such a message, not a fragment. `here` as parse_ipv6(). */
bool parse_is_icmp_error(const struct ip_view *view, size_t here);

/* A tunnelled packet from the underlay, up to its inner IP header. */
struct tunnel_view {
    uint32_t label;        /* < 2^20, or a VNI < 2^24 */
    uint8_t encapsulation; /* enum encapsulation */
    uint8_t family;        /* of the inner packet as the tunnel says it, IP_NONE: it does not */
    uint16_t inner_offset; /* octets from the outer IP header's start to the inner one's */
    bool unverified;       /* there is a checksum over the datagram, which was not all `here` */
};

/** True if this UDP destination port or IP protocol is one of our tunnels': what else comes to our
 * address is for the host. `here` as parse_tunnel(). */
bool parse_is_tunnel(const struct ip_view *outer, size_t here);

/**
 * Reads what follows a validated outer IP header that is not a fragment: UDP to port 6635 or GRE,
 * and one label; or VXLAN and the inner Ethernet header.
 * GRE: version 0; checksum and key are accepted, other flags refused (RFC 2784, 2890).
 * UDP: a zero checksum is accepted (IPv6: RFC 6935; RFC 7510 section 3).
 * A checksum is verified if the whole datagram is in `here`. Else it is the caller's to verify,
 * before it heeds what is wrong behind it: `unverified` is set whatever is returned.
 * VXLAN: the flag for the VNI, and no other reserved bit looked at (RFC 7348 section 5); the inner
 * frame is for the virtual router's MAC address.
 * @return PARSE_OK, or DROP_UNDERLAY_PROTOCOL (not a tunnel), DROP_OUTER_FRAGMENT, DROP_UDP_HEADER,
 * DROP_UDP_CHECKSUM, DROP_GRE_HEADER, DROP_GRE_CHECKSUM, DROP_LABEL_STACK, DROP_VXLAN_HEADER,
 * DROP_ETHERTYPE, DROP_FRAME_TOO_SHORT.
 */
enum drop_reason parse_tunnel(const struct ip_view *outer, size_t here, struct tunnel_view *view);

/** The hash of a flow from what tells it from others: addresses in a word, protocol and ports in
 * another. Of the multipliers (MurmurHash3's 64-bit finalizer's) each carries a difference upwards
 * only, and each shift brings it down again. */
static inline uint32_t
flow_hash(uint64_t addresses, uint64_t rest)
{
    uint64_t hash = addresses * 0xff51afd7ed558ccdull;

    hash = (hash ^ hash >> 32) + rest;
    hash = (hash ^ hash >> 32) * 0xc4ceb9fe1a85ec53ull;
    hash = (hash ^ hash >> 32) * 0xff51afd7ed558ccdull;
    return (uint32_t)(hash >> 32);
}

/** Its word of protocol and ports. */
static inline uint64_t
flow_rest(uint8_t protocol, struct tcp_ports ports)
{
    return (uint64_t)ports.source_port << 32 | (uint64_t)ports.destination_port << 16 | protocol;
}

/** Its word of IPv4 addresses (host order). */
static inline uint64_t
flow_addresses_v4(uint32_t source, uint32_t destination)
{
    return (uint64_t)source << 32 | destination;
}

/** Its word of IPv6 addresses, folded; multiplied apart, so that what is common to two of them does
 * not cancel out. */
static inline uint64_t
flow_addresses_v6(const struct ipv6_header *ip)
{
    uint64_t words[4], hash;

    memcpy(words, ip->source, sizeof(ip->source));
    memcpy(words + 2, ip->destination, sizeof(ip->destination));
    hash = words[0] * 0x9e3779b97f4a7c15ull;
    hash = (hash ^ hash >> 32 ^ words[1]) * 0xff51afd7ed558ccdull;
    hash = (hash ^ hash >> 32 ^ words[2]) * 0xc4ceb9fe1a85ec53ull;
    return hash ^ hash >> 32 ^ words[3];
}

/**
 * A hash of a packet's flow: addresses, protocol and, for whole TCP, UDP and SCTP packets, ports;
 * fragments hash by addresses and protocol, so that all of a datagram stay together.
 * @param here octets that can be read from the header's start
 */
uint32_t parse_flow_hash(const struct ip_view *view, size_t here);
