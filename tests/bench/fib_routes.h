/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Routes for the FIB's bench, all different and in random order: 80 % hosts, clustered 1 to 64 in
 * a network (a /24, or a /64), 15 % networks of that size, 5 % shorter ones (/8-/23, /32-/63).
 */

#include <stdint.h>

#include "lib/net/addr.h"

#define ROUTES_SEED 1u

struct route {
    uint32_t root;
    struct ip_prefix prefix;
};

enum route_shape {
    ROUTES_MIXED,     /* as above; one VRF: anywhere, several: each within a /16 of 10/8 */
    ROUTES_SCATTERED, /* IPv4: hosts in four /24s anywhere in 10/8, and a default route */
    ROUTES_HOSTS,     /* IPv6: hosts of four /64s of a /48 */
};

uint32_t random_number(void);

/** Makes `vrfs` x `routes_a_vrf` routes; to be freed. Ends the program without memory. */
struct route *routes_make(enum route_shape shape, uint8_t family, uint32_t vrfs,
                          uint32_t routes_a_vrf);

/** An address that the route covers. */
struct ip_addr route_address(const struct route *route);
