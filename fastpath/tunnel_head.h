/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * What the first octets of an ordinary tunnelled frame look like, one head for each encapsulation,
 * family of the underlay and, with VXLAN, family of what is inside: made once from the underlay's
 * settings, compared with the frame in one go. Where the lengths stand that must agree, and the
 * label, a head says, too. The MAC address is the port's and not part of it.
 */

#include <stdbool.h>
#include <stdint.h>

#include "lib/net/headers.h"
#include "lib/table/underlay.h"

/* As far as a comparison reads; the widest head ends before. */
#define TUNNEL_HEAD_OCTETS 96

struct tunnel_head {
    uint8_t mask[TUNNEL_HEAD_OCTETS];
    uint8_t value[TUNNEL_HEAD_OCTETS]; /* of the octets under the mask */
    uint8_t family;                    /* of the outer IP header */
    uint8_t outer_offset;              /* octets from the frame's start to the outer IP header, */
    uint8_t inner_offset;              /* to the inner one, */
    uint8_t label_offset;              /* to the word with the label or VNI, */
    uint8_t label_shift;               /* which has so many bits behind it, */
    uint8_t total_offset;              /* to the outer IP header's length, */
    uint8_t total_more;                /* which is without so many octets, */
    uint8_t udp_offset, udp_more;      /* and to UDP's; the same again if there is no UDP */
    uint8_t class_shift;               /* of the class in the outer IP header's first word */
    uint8_t encapsulation;             /* enum encapsulation */
    uint8_t inner_family;              /* as the tunnel says it; IP_NONE: it does not */
};

/* The kinds of tunnels: UDP and GRE with a label, VXLAN with IPv4 and with IPv6 inside. */
#define TUNNEL_HEADS 8

/* Which packets keep their DSCP and ECN. */
struct tunnel_classes {
    uint32_t ecn_kept;      /* a bit for each outer ECN, times four, and inner one that stays */
    uint32_t dscp_compared; /* the bits in which the DSCP must be the same */
};

struct tunnel_heads {
    unsigned n;
    struct tunnel_classes classes;
    struct tunnel_head heads[TUNNEL_HEADS];
};

/** Whether an inner packet of this class keeps it in a tunnel of that one. No branch, so that a
 * loop of it can be vectorized. */
static inline bool
tunnel_class_is_kept(struct tunnel_classes classes, uint32_t outer, uint32_t inner)
{
    const uint32_t ecn = (outer & ECN_MASK) * (ECN_MASK + 1) + (inner & ECN_MASK);

    return ((~classes.ecn_kept >> ecn & 1) | ((outer ^ inner) & classes.dscp_compared)) == 0;
}

/** Makes the heads of the families that the underlay has an address of. */
void tunnel_heads_make(struct tunnel_heads *heads, const struct underlay *underlay);
