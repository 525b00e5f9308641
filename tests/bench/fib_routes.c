/* SPDX-License-Identifier: BSD-3-Clause */

/* Makes the routes of the FIB's bench: see fib_routes.h. */

#include "tests/bench/fib_routes.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLUSTER_MAX 64u

/* What one VRF's routes are made from. */
struct site {
    uint8_t family;
    bool anywhere;
    struct ip_addr network; /* of the hosts made at the moment */
    unsigned hosts_left;    /* in that network */
    struct ip_addr base;    /* what all routes have in common, but where anywhere */
};

static uint64_t random_state = ROUTES_SEED;

uint32_t
random_number(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 32);
}

/* Octets of a host's network: a /24 or a /64. */
static unsigned
network_octets(uint8_t family)
{
    return family == IP_V4 ? 3 : 8;
}

/* An address of the site's VRF with `n` octets that count, the rest zero. */
static struct ip_addr
site_address(const struct site *site, unsigned n)
{
    const unsigned common = site->family == IP_V4 ? 2 : 6;
    struct ip_addr address = { .family = site->family };

    for (unsigned i = 0; i < n; i++)
        address.octets[i] = (uint8_t)(random_number() >> 8);
    if (!site->anywhere)
        memcpy(address.octets, site->base.octets, n < common ? n : common);
    else if (site->family == IP_V4)
        address.octets[0] = (uint8_t)(1 + address.octets[0] % 223);
    else
        address.octets[0] = (uint8_t)(0x20 | (address.octets[0] & 0x1f));
    return address;
}

static struct ip_prefix
site_host(struct site *site, uint32_t cluster_max)
{
    struct ip_prefix host = { .length = (uint8_t)ip_family_bits(site->family) };

    if (site->hosts_left == 0) {
        site->network = site_address(site, network_octets(site->family));
        site->hosts_left = 1 + random_number() % cluster_max;
    }
    site->hosts_left--;
    host.addr = site->network;
    host.addr.octets[host.length / 8 - 1] = (uint8_t)(random_number() >> 8);
    return host;
}

/* Route number `number` of a VRF's `n`; it may be there already. */
static struct ip_prefix
site_route(struct site *site, enum route_shape shape, uint32_t number, uint32_t n)
{
    const uint8_t length = (uint8_t)(8 * network_octets(site->family));
    struct ip_prefix prefix;
    uint8_t shorter;

    if (shape == ROUTES_HOSTS)
        return site_host(site, n / 4 * 2);
    if (shape == ROUTES_SCATTERED) {
        if (number == 0)
            return (struct ip_prefix){ .addr = { .family = IP_V4 } };
        if (site->hosts_left == 0) { /* a /24 in a /16 of its own */
            site->base.octets[1] = (uint8_t)(random_number() >> 8);
            site->network = site_address(site, 3);
            site->hosts_left = n / 4 + 1;
        }
        return site_host(site, 1);
    }
    if (number < n / 20 * 16)
        return site_host(site, CLUSTER_MAX);
    if (number < n / 20 * 19)
        return (struct ip_prefix){ site_address(site, length / 8u), length };
    shorter = (uint8_t)(length / 3 + random_number() % (length - length / 3));
    if (site->family == IP_V6)
        shorter = (uint8_t)(32 + random_number() % 32);
    prefix.addr = site_address(site, length / 8u);
    return ip_prefix_of_network(&prefix.addr, shorter);
}

/* A set of routes: a table of their numbers, open addressing. */
static bool
set_add(uint32_t *table, uint32_t mask, const struct route *routes, uint32_t number)
{
    const struct route *route = &routes[number];
    uint64_t hash = route->root * 0x9e3779b97f4a7c15u + route->prefix.length;
    uint32_t at;

    for (unsigned i = 0; i < 16; i++)
        hash = (hash ^ route->prefix.addr.octets[i]) * 0x100000001b3u;
    for (at = (uint32_t)(hash >> 20) & mask; table[at] != 0; at = (at + 1) & mask) {
        const struct route *other = &routes[table[at] - 1];

        if (other->root == route->root && ip_prefix_equal(&other->prefix, &route->prefix))
            return false;
    }
    table[at] = number + 1;
    return true;
}

struct route *
routes_make(enum route_shape shape, uint8_t family, uint32_t vrfs, uint32_t routes_a_vrf)
{
    const uint32_t n = vrfs * routes_a_vrf;
    struct route *routes = calloc(n, sizeof(*routes));
    uint32_t size = 1, *table;

    while (size < 2 * n)
        size *= 2;
    table = calloc(size, sizeof(*table));
    if (routes == NULL || table == NULL) {
        fprintf(stderr, "fib: no memory for routes\n");
        exit(1);
    }
    random_state = ROUTES_SEED;
    for (uint32_t i = 0, vrf = 0; vrf < vrfs; vrf++) {
        struct site site = { .family = family, .anywhere = vrfs == 1 };

        site.base = (struct ip_addr){ family, { 10, (uint8_t)(random_number() >> 8) } };
        if (family == IP_V6)
            site.base =
                (struct ip_addr){ family,
                                  { 0x20, 1, 0xd, 0xb8, (uint8_t)(vrf >> 8), (uint8_t)vrf } };
        for (uint32_t number = 0; number < routes_a_vrf;) {
            routes[i] = (struct route){ vrf, site_route(&site, shape, number, routes_a_vrf) };
            if (set_add(table, size - 1, routes, i)) {
                number++;
                i++;
            }
        }
    }
    for (uint32_t i = n - 1; i > 0; i--) {
        uint32_t other = random_number() % (i + 1);
        struct route swapped = routes[i];

        routes[i] = routes[other];
        routes[other] = swapped;
    }
    free(table);
    return routes;
}

struct ip_addr
route_address(const struct route *route)
{
    struct ip_addr address = route->prefix.addr;

    for (unsigned bit = route->prefix.length; bit < ip_family_bits(address.family); bit++) {
        if (random_number() & 0x10000)
            address.octets[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
    }
    return address;
}
