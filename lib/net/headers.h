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

#define IP_PROTOCOL_ICMP 1
#define IP_PROTOCOL_TCP  6
#define IP_PROTOCOL_UDP  17
#define IP_PROTOCOL_GRE  47

#define UDP_PORT_MPLS        6635 /* RFC 7510 */
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

struct udp_header {
    be16 source_port, destination_port;
    be16 length;
    be16 checksum;
} __attribute__((packed));

struct tcp_ports { /* what TCP, UDP and SCTP have in common */
    be16 source_port, destination_port;
} __attribute__((packed));

struct icmp_header {
    uint8_t type, code;
    be16 checksum;
    be32 rest;
} __attribute__((packed));

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
