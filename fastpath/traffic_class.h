/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * DSCP and ECN between a packet and the tunnel around it. The DSCP follows the configured model
 * (RFC 2983); ECN is copied outwards and combined inwards as RFC 6040 says, in normal mode.
 */

#include "fastpath/burst.h"
#include "fastpath/ttl.h"
#include "lib/table/underlay.h"

#define DSCP_MASK 0xfcu

/** The octet of a packet's DSCP and ECN. */
static inline uint8_t
traffic_class_of(const struct burst *burst, unsigned i)
{
    return burst->families[i] == IP_V4
               ? burst_ipv4(burst, i)->dscp_ecn
               : (uint8_t)(be32toh(burst_ipv6(burst, i)->version_class_flow) >> 20);
}

/** What of a packet's octet is copied to its tunnel's, whose ready-made header has the rest. */
static inline uint8_t
traffic_class_outwards(const struct underlay *underlay, uint8_t inner)
{
    return underlay->dscp_model == DSCP_UNIFORM ? inner : inner & ECN_MASK;
}

/** The MPLS traffic class (RFC 5462) that goes with a tunnel's octet: its class selector. */
static inline uint8_t
traffic_class_mpls(const struct underlay *underlay, uint8_t outwards)
{
    return (uint8_t)((underlay->dscp_model == DSCP_UNIFORM ? outwards : underlay->dscp << 2) >> 5);
}

/**
 * The octet of a packet that comes out of a tunnel.
 * @return false: congestion was marked on a packet that does not know ECN, which must be dropped.
 */
static inline bool
traffic_class_inwards(const struct underlay *underlay, uint8_t outer, uint8_t inner,
                      uint8_t *result)
{
    const uint8_t outer_ecn = outer & ECN_MASK, inner_ecn = inner & ECN_MASK;
    uint8_t ecn = inner_ecn;

    if (outer_ecn == ECN_CE) {
        if (inner_ecn == ECN_NOT_ECT)
            return false;
        ecn = ECN_CE;
    } else if (outer_ecn == ECN_ECT1 && inner_ecn == ECN_ECT0) {
        ecn = ECN_ECT1;
    }
    *result = (uint8_t)(((underlay->dscp_model == DSCP_UNIFORM ? outer : inner) & DSCP_MASK) | ecn);
    return true;
}

/** Writes the octet into an IP header, whose checksum follows. */
static inline void
traffic_class_write(uint8_t family, void *header, uint8_t class)
{
    if (family == IP_V4) {
        struct ipv4_header *ip = header;
        const be16 before = htobe16((uint16_t)(ip->version_ihl << 8 | ip->dscp_ecn));

        ip->dscp_ecn = class;
        ip->checksum = checksum_update16(ip->checksum, before,
                                         htobe16((uint16_t)(ip->version_ihl << 8 | class)));
    } else {
        struct ipv6_header *ip = header;

        ip->version_class_flow =
            htobe32((be32toh(ip->version_class_flow) & 0xf00fffffu) | (uint32_t) class << 20);
    }
}
