/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Packets in a line of text, as a person writes and reads them:
 *
 *   udp 10.0.0.11:5000 > 10.0.0.12:53 ttl 64 size 98
 *   icmp6 2001:db8::1 > 2001:db8::2 dscp ef
 *   tcp 10.0.0.11 > [2001:db8::2]:80 flags syn,ack mss 1460     (both addresses of one family)
 *   udp 192.0.2.12 > 192.0.2.11 label 31 / icmp 10.0.0.12 > 10.0.0.11
 *
 * The grammar:
 *
 *   packet   = header [ "/" packet ]          what follows "/" is carried in the tunnel before it
 *   header   = protocol address ">" address word...
 *   protocol = "udp" | "tcp" | "icmp" | "icmp6" | "ip" | "gre" | "vxlan"
 *   address  = IPv4 | IPv6 | IPv4 ":" port | "[" IPv6 "]" ":" port
 *   word     = "ttl" N | "size" N (octets of this IP packet, headers and all) | "id" N
 *            | "dscp" N or name (ef, cs1, af11, ...) | "ecn" N or name (ect0, ect1, ce)
 *            | "df" | "fragment" OFFSET (octets) | "more" | "protocol" N
 *            | "flags" LIST (fin, syn, rst, psh, ack, urg, ece, cwr) | "mss" N     of TCP
 *            | "type" N | "code" N                                                  of ICMP
 *            | "label" N (MPLS in UDP and GRE; the VNI of VXLAN)
 *            | "from" MAC | "to" MAC (of the Ethernet header before the packet)
 *
 * What is left out has a plain value: TTL 64, an echo request, a SYN, the ports 50000 and 9, those
 * of the tunnel in front of a label. Checksums are right, payloads zeros. No allocation, no state:
 * any thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/net/addr.h"

#define DESCRIPTION_PACKET_MAX  9728 /* octets of the largest packet that can be described */
#define DESCRIPTION_PROBLEM_MAX 160
#define DESCRIPTION_TEXT_MAX    512

/* A packet that was built from a description. */
struct description {
    bool has_from, has_to; /* "from" and "to" of the outermost header */
    struct mac_addr from, to;
    size_t length;                          /* octets of the packet */
    uint8_t packet[DESCRIPTION_PACKET_MAX]; /* begins with its IP header */
};

/**
 * Builds the packet that a description names.
 * @return 0, or -EINVAL with `problem` filled: "character 14: ttl: expected a number up to 255".
 */
int description_build(const char *text, struct description *built,
                      char problem[DESCRIPTION_PROBLEM_MAX]);

/**
 * Writes the description of an IP packet, cut where it does not fit. What description_build() makes
 * of it has the same headers, but for what the words do not say (IP options, for example).
 * @param here octets that can be read
 * @param length octets of the whole packet
 * @return `text`
 */
const char *description_of_packet(const uint8_t *packet, size_t here, size_t length, char *text,
                                  size_t size);

/** The same for an Ethernet frame: of an IP packet the packet alone, of ARP who asks for whom, of
 * others the type. */
const char *description_of_frame(const uint8_t *frame, size_t here, size_t length, char *text,
                                 size_t size);
