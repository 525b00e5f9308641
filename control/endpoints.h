/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Which endpoints exist, and how many paths lead to each: the control thread's side of
 * lib/table/endpoint.h. One endpoint per address and encapsulation, made with the first path that
 * leads there and gone with the last, with a reference on the adjacency that it is reached by.
 * Tunnels are accepted from the addresses of endpoints, and from what the configuration allows
 * (tables_sources_root(), C49). Control thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "control/config.h"
#include "lib/net/addr.h"
#include "lib/table/tables.h"

struct counters;
struct endpoints;

/* Where tunnels begin. */
struct endpoints_underlay {
    uint16_t port;       /* number of the underlay port */
    struct mac_addr mac; /* its MAC address */
    const struct underlay *underlay;
    struct underlay_link v4, v6;
    const struct ip_prefix *allowed; /* more sources of tunnels (C49); outlives the endpoints */
    unsigned n_allowed;
};

/* Endpoints that could not be made because a table is full. */
struct endpoints_refusals {
    uint64_t endpoints, neighbours;
};

/** `counters` are told when an index has a new owner. @return NULL without memory, or without room
 * for the allowed sources. */
struct endpoints *endpoints_create(struct tables *tables, struct counters *counters,
                                   const struct endpoints_underlay *underlay);
void endpoints_destroy(struct endpoints *endpoints);

/** Whether an address can be reached: a unicast address on the link, or any if there is a gateway.
 */
bool endpoints_reach(const struct endpoints *endpoints, const struct ip_addr *address);

/**
 * One path more leads to `address` with an encapsulation: the endpoint is found or made.
 * @return 0 and its index; -ENETUNREACH, -ENOSPC or -ENOMEM.
 */
int endpoints_get(struct endpoints *endpoints, const struct ip_addr *address, uint8_t encapsulation,
                  uint32_t *index);

/** One path less leads to an endpoint; with the last one it goes. */
void endpoints_put(struct endpoints *endpoints, uint32_t index);

/**
 * Only outer packets of `mtu` octets reach an address, until `until_ms` (monotonic; the same time
 * from now with every call). An MTU that is not smaller than what is known already is not news.
 * @return whether an endpoint's MTU is smaller now
 */
bool endpoints_lower_mtu(struct endpoints *endpoints, const struct ip_addr *address, uint16_t mtu,
                         uint64_t until_ms);

/** Gives endpoints the underlay's MTU again whose time is over. */
void endpoints_restore_mtus(struct endpoints *endpoints, uint64_t now_ms);

/** How many paths lead to an endpoint. */
uint32_t endpoints_paths(const struct endpoints *endpoints, uint32_t index);

/** What was refused since the start, and by which limit. Borrowed. */
const struct endpoints_refusals *endpoints_refusals(const struct endpoints *endpoints);
