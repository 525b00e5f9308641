/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The route as it crosses the control plane, the same in every dialect: what a pubsub item says
 * once its codec has understood it. A value without pointers: copied freely.
 */

#include <stdint.h>

#include "lib/net/addr.h"
#include "lib/net/encapsulation.h"

#define ROUTE_NEXT_HOPS_MAX    16
#define ROUTE_PREF_DEFAULT     100u /* local-preference where the entry has none (D1) */
#define ROUTE_SEQUENCE_DEFAULT 0u

#define LABEL_MIN 16u      /* 0-15 are reserved (RFC 3032) */
#define LABEL_MAX 1048575u /* 20 bits */

struct route_next_hop {
    struct ip_addr addr;
    uint32_t label;
    uint8_t encapsulations; /* enum encapsulation, or-ed; never empty */
};

struct route {
    struct ip_prefix prefix;
    uint32_t local_preference;
    uint32_t sequence_number;
    uint8_t n_next_hops; /* 1..ROUTE_NEXT_HOPS_MAX */
    struct route_next_hop next_hops[ROUTE_NEXT_HOPS_MAX];
};
