/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Path-MTU discovery of the underlay (RFC 1191, RFC 8201): tunnel packets must not be fragmented,
 * so a router that cannot pass one on says so. The slow path judges what it says, control lowers
 * the endpoint's MTU (lib/ring/path_mtu.h), and guests hear of that when they send too much.
 */

#include "lib/net/parse.h"
#include "slowpath/context.h"

/* A tunnel packet of ours that an ICMP error quotes. */
struct quoted_tunnel {
    struct ip_addr source, destination;
    uint32_t length; /* of the whole packet, octets */
};

/**
 * Reads what an ICMP error quotes: the beginning of an IP packet, of which eight octets behind the
 * header are needed.
 * @return whether it can be a tunnel packet as we send them: MPLS in GRE, or UDP from the dynamic
 * ports to the port of MPLS or VXLAN; neither a fragment nor allowed to be one.
 */
bool quoted_tunnel_parse(const uint8_t *octets, size_t length, struct quoted_tunnel *quoted);

/**
 * Takes in an ICMP packet that one of our addresses was sent, if it is an error that tells of a
 * path MTU (type 3 code 4, ICMPv6 type 2) and is about a tunnel of ours. Believed is what quotes a
 * packet from our address to an address that has endpoints, larger than the MTU it tells but no
 * larger than the underlay's, and an MTU of at least 576 octets, IPv6 1280; ten a second.
 * @param here octets of the packet that can be read
 * @return PARSE_OK; DROP_PATH_MTU if it is not believed; DROP_UNDERLAY_PROTOCOL if it is about
 * something else
 */
enum drop_reason path_mtu_hear(struct slowpath *slowpath, const struct ip_view *ip, size_t here);
