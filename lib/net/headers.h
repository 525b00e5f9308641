/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Headers as they stand on the wire. Multi-octet fields are in network order (be16, be32) and are
 * reached through packed structs, so that any alignment will do.
 */

#include <endian.h>
#include <stdint.h>

#include "lib/net/addr.h"

typedef uint16_t be16;
typedef uint32_t be32;

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_ARP  0x0806
#define ETHERTYPE_VLAN 0x8100
#define ETHERTYPE_MPLS 0x8847
#define ETHERTYPE_IPV6 0x86dd

#define IP_PROTOCOL_ICMP   1
#define IP_PROTOCOL_TCP    6
#define IP_PROTOCOL_UDP    17
#define IP_PROTOCOL_GRE    47
#define IP_PROTOCOL_ICMPV6 58
#define IP_PROTOCOL_SCTP   132

/* Extension headers of IPv6 (RFC 8200, RFC 4302). */
#define IPV6_HOP_BY_HOP  0
#define IPV6_ROUTING     43
#define IPV6_FRAGMENT    44
#define IPV6_AUTH        51
#define IPV6_NO_NEXT     59
#define IPV6_DESTINATION 60

#define UDP_PORT_MPLS        6635 /* RFC 7510 */
#define UDP_PORT_VXLAN       4789 /* RFC 7348 */
#define UDP_PORT_DHCP_SERVER 67
#define UDP_PORT_DHCP_CLIENT 68

struct eth_header {
    struct mac_addr destination, source;
    be16 type;
} __attribute__((packed));

struct vlan_header {
    be16 tci; /* priority 3, DEI 1, VLAN id 12 bits */
    be16 type;
} __attribute__((packed));

#define VLAN_ID_MASK 0x0fff

struct ipv4_header {
    uint8_t version_ihl;
    uint8_t dscp_ecn;
    be16 total_length;
    be16 identification;
    be16 fragment; /* flags 3, offset 13 bits in units of 8 octets */
    uint8_t ttl;
    uint8_t protocol;
    be16 checksum;
    be32 source, destination;
} __attribute__((packed));

#define IPV4_DONT_FRAGMENT   0x4000
#define IPV4_MORE_FRAGMENTS  0x2000
#define IPV4_FRAGMENT_OFFSET 0x1fff
#define IPV4_HEADER_MIN      20

struct ipv6_header {
    be32 version_class_flow; /* version 4, traffic class 8, flow label 20 bits */
    be16 payload_length;
    uint8_t next_header;
    uint8_t hop_limit;
    uint8_t source[16], destination[16];
} __attribute__((packed));

struct ipv6_fragment {
    uint8_t next_header, reserved;
    be16 offset; /* 13 bits in units of 8 octets, 2 reserved, 1 more fragments */
    be32 identification;
} __attribute__((packed));

#define IPV6_MORE_FRAGMENTS  0x0001
#define IPV6_FRAGMENT_OFFSET 0xfff8
#define IPV6_MTU_MIN         1280

/* The lower two bits of the IPv4 type of service or IPv6 traffic class (RFC 3168). */
#define ECN_MASK    0x03
#define ECN_NOT_ECT 0x00
#define ECN_ECT1    0x01
#define ECN_ECT0    0x02
#define ECN_CE      0x03

struct udp_header {
    be16 source_port, destination_port;
    be16 length;
    be16 checksum;
} __attribute__((packed));

struct tcp_ports { /* what TCP, UDP and SCTP have in common */
    be16 source_port, destination_port;
} __attribute__((packed));

struct tcp_header {
    be16 source_port, destination_port;
    be32 sequence, acknowledgement;
    uint8_t offset; /* of the data, in units of 4 octets, in the upper four bits */
    uint8_t flags;
    be16 window, checksum, urgent;
} __attribute__((packed));

#define TCP_FIN  0x01
#define TCP_SYN  0x02
#define TCP_PUSH 0x08

struct icmp_header {
    uint8_t type, code;
    be16 checksum;
    be32 rest;
} __attribute__((packed));

/* ICMPv6 (RFC 4443) and neighbour discovery (RFC 4861). */
#define ICMP6_UNREACHABLE          1
#define ICMP6_TOO_BIG              2
#define ICMP6_TIME_EXCEEDED        3
#define ICMP6_ECHO_REQUEST         128
#define ICMP6_ECHO_REPLY           129
#define ND_ROUTER_SOLICITATION     133
#define ND_ROUTER_ADVERTISEMENT    134
#define ND_NEIGHBOUR_SOLICITATION  135
#define ND_NEIGHBOUR_ADVERTISEMENT 136
#define ND_REDIRECT                137

struct arp_header { /* IPv4 over Ethernet, RFC 826 */
    be16 hardware_type, protocol_type;
    uint8_t hardware_length, protocol_length;
    be16 operation;
    struct mac_addr sender_mac;
    be32 sender_address;
    struct mac_addr target_mac;
    be32 target_address;
} __attribute__((packed));

#define ARP_REQUEST 1
#define ARP_REPLY   2

struct gre_header { /* RFC 2784, RFC 2890; checksum and key follow when their flags say so */
    be16 flags_version;
    be16 protocol;
} __attribute__((packed));

#define GRE_FLAG_CHECKSUM 0x8000
#define GRE_FLAG_KEY      0x2000

struct vxlan_header { /* RFC 7348 */
    be32 flags;       /* 0x08000000: the VNI is valid */
    be32 vni;         /* 24 bits, 8 reserved */
} __attribute__((packed));

#define VXLAN_FLAG_VNI 0x08000000u

/* An MPLS label stack entry: label 20, traffic class 3, bottom of stack 1, TTL 8 bits (RFC 3032).
 */
typedef be32 mpls_entry;

#define MPLS_BOTTOM_OF_STACK 0x100u

/** The one entry of a label stack (RFC 3032 section 2.1): label 20 bits, class 3. */
static inline mpls_entry
mpls_entry_make(uint32_t label, uint8_t traffic_class, uint8_t ttl)
{
    return htobe32(label << 12 | (uint32_t)traffic_class << 9 | MPLS_BOTTOM_OF_STACK | ttl);
}

static inline uint32_t
mpls_entry_label(mpls_entry entry)
{
    return be32toh(entry) >> 12;
}
