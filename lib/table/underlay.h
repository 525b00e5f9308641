/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The underlay as the forwarding plane knows it: our addresses on it, and what holds for every
 * packet to and from it. Made at start, never changed; any thread reads.
 */

#include <stdbool.h>
#include <stdint.h>

#include "lib/net/addr.h"

/* How the DSCP of a packet and that of the tunnel around it go together (RFC 2983). */
enum dscp_model {
    DSCP_PIPE,    /* the tunnel has a DSCP of its own; the packet keeps what it has */
    DSCP_UNIFORM, /* one DSCP: copied outwards, and back */
};

struct underlay {
    struct ip_addr v4, v6;   /* our addresses, the only outer destinations; IP_NONE: we have none */
    uint16_t vlan;           /* the 802.1Q tag of all its frames, VLAN_UNTAGGED: none */
    uint16_t mtu;            /* largest outer IP packet, octets */
    uint8_t dscp_model;      /* enum dscp_model */
    uint8_t dscp;            /* pipe: the tunnels' */
    bool check_sources;      /* only outer sources on the allow-list (C49; tables_sources_root()) */
    bool check_reverse_path; /* inner sources must be routed to the outer source (C48) */
};

/** Our address of a family, or NULL. */
static inline const struct ip_addr *
underlay_address(const struct underlay *underlay, uint8_t family)
{
    const struct ip_addr *address = family == IP_V6 ? &underlay->v6 : &underlay->v4;

    return address->family == IP_NONE ? NULL : address;
}

/** True if an address is one of ours. */
static inline bool
underlay_owns(const struct underlay *underlay, const struct ip_addr *address)
{
    const struct ip_addr *ours = underlay_address(underlay, address->family);

    return ours != NULL && ip_addr_equal(ours, address);
}
