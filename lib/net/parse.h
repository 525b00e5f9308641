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

/* A validated IPv4 packet: header length and total length fit into what is there. */
struct ipv4_view {
    const struct ipv4_header *header;
    uint16_t header_length;
    uint16_t total_length;        /* <= the octets given; what follows is padding */
    uint32_t source, destination; /* host order */
};

/**
 * Reads an IPv4 header: version, lengths, checksum.
 * @param here octets that can be read (the first segment); at least the header must be in them
 * @param length octets of the whole packet
 * @return PARSE_OK, DROP_FRAME_TOO_SHORT, DROP_IP_VERSION, DROP_IP_HEADER or DROP_IP_CHECKSUM.
 */
enum drop_reason parse_ipv4(const uint8_t *packet, size_t here, size_t length,
                            struct ipv4_view *view);

/* A tunnelled packet from the underlay, up to its inner IP header. */
struct tunnel_view {
    uint32_t label;
    uint8_t ttl;           /* of the label entry */
    uint8_t encapsulation; /* ENCAP_UDP or ENCAP_GRE */
    uint16_t inner_offset; /* octets from the outer IP header's start to the inner one's */
};

/**
 * Reads what follows a validated outer IPv4 header: UDP to port 6635 or GRE, and one label.
 * GRE: version 0; checksum (verified) and key are accepted, other flags refused (RFC 2784, 2890).
 * UDP: a zero checksum is accepted, another is verified if the whole datagram is in `here`
 * (RFC 7510 section 3).
 * @return PARSE_OK, or DROP_UNDERLAY_PROTOCOL (not a tunnel), DROP_OUTER_FRAGMENT, DROP_UDP_HEADER,
 * DROP_UDP_CHECKSUM, DROP_GRE_HEADER, DROP_GRE_CHECKSUM, DROP_LABEL_STACK, DROP_FRAME_TOO_SHORT.
 */
enum drop_reason parse_tunnel(const struct ipv4_view *outer, size_t here, struct tunnel_view *view);

/**
 * A hash of a packet's flow: addresses, protocol and, for whole TCP, UDP and SCTP packets, ports;
 * fragments hash by addresses and protocol, so that all of a datagram stay together.
 * @param here octets that can be read from the header's start
 */
uint32_t parse_flow_hash(const struct ipv4_view *view, size_t here);
