/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Frames that the slow path writes. The protocols are functions from octets to octets: they read a
 * punted frame that lies in one piece and write the whole answer into a `struct frame`; packet
 * buffers are the affair of send.c and slowpath.c alone.
 */

#include <stddef.h>
#include <stdint.h>

#include "lib/net/headers.h"
#include "lib/table/vif.h"

/* The largest frame that is answered: a jumbo frame and a tag. */
#define FRAME_OCTETS_MAX 9216

#define MAC_BROADCAST ((struct mac_addr){ { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } })

/* Nodes on the same link that listen to all (RFC 4291 section 2.7.1). */
#define IPV6_ALL_NODES ((struct ip_addr){ IP_V6, { 0xff, 0x02, [15] = 1 } })

struct frame {
    size_t length; /* 0: nothing is to be sent */
    uint8_t octets[FRAME_OCTETS_MAX];
};

/* Where an answer goes on the link, and as whom it is sent. */
struct link_address {
    struct mac_addr destination, source;
    uint16_t vlan; /* VLAN_UNTAGGED: no tag is written */
};

/** From the virtual router, which has a MAC address for each family, to an interface's guest. */
struct link_address link_to_guest(const struct vif *vif, uint8_t family);

/** Begins a frame: Ethernet and the tag. @return octets written: where the payload begins. */
size_t frame_begin(struct frame *frame, const struct link_address *link, uint16_t type);

/**
 * Appends an IPv4 header without options for a payload of `payload` octets: TTL 64, DF, and
 * identification 0 as RFC 6864 has it for what is never fragmented.
 * @param source, destination network order
 */
void frame_add_ipv4(struct frame *frame, uint8_t dscp_ecn, uint8_t protocol, be32 source,
                    be32 destination, size_t payload);

/**
 * Begins an ICMPv6 packet at the frame's end; its message is appended next, the checksum field
 * zero.
 * @return what frame_end_icmp6() wants to know.
 */
size_t frame_begin_icmp6(struct frame *frame, uint8_t traffic_class, uint8_t hop_limit,
                         const struct ip_addr *source, const struct ip_addr *destination);

/** Ends it: writes length and checksum. */
void frame_end_icmp6(struct frame *frame, size_t begun);

/** Appends octets, of which there must be room for. */
void frame_append(struct frame *frame, const void *octets, size_t length);

/** The MAC address of an IPv6 group (RFC 2464 section 7). */
struct mac_addr mac_of_group(const struct ip_addr *group);

/** True if `mac` can be the address of one station: neither zero nor a group. */
static inline bool
mac_is_station(const struct mac_addr *mac)
{
    return (mac->octets[0] & 1) == 0 && !mac_equal(mac, &(struct mac_addr){ 0 });
}
