/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Programming the FIB: turns next hops into paths (an endpoint and a label, a label of our own, an
 * ECMP set) and puts them into the VRFs' upstream roots.
 *
 * A route's path in the FIB is the only record of what it refers to: an endpoint (endpoints.h) is
 * held by the paths that lead to it. Static routes of the configuration stand above what
 * route servers announce for the same prefix. Control thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "lib/net/addr.h"
#include "lib/table/tables.h"
#include "lib/xmpp/route.h"

struct endpoints;
struct forwarding;

#define FORWARDING_ENCAPSULATIONS_MAX 3

struct forwarding_settings {
    const struct underlay *underlay; /* a next hop with an address of it is ourselves */
    uint8_t n_encapsulations;        /* the operator's order: preferred first */
    uint8_t encapsulations[FORWARDING_ENCAPSULATIONS_MAX];
};

/* Routes that could not be programmed as they were announced. */
struct forwarding_refusals {
    uint64_t fib, ecmp, no_encapsulation, unreachable;
};

/** `endpoints` must outlive the result. @return NULL without memory. */
struct forwarding *forwarding_create(struct tables *tables, struct endpoints *endpoints,
                                     const struct forwarding_settings *settings);
void forwarding_destroy(struct forwarding *forwarding);

/**
 * Whether a next hop can be used here: one of our encapsulations is offered and the address can be
 * reached; or it is our own address with a label that is ours (C6).
 */
bool forwarding_accepts(const struct forwarding *forwarding, const struct route_next_hop *next_hop);

/**
 * Sets a prefix of a VRF's upstream root to what a route server announced; next hops that are not
 * accepted are left out.
 * @return 0; -ENOENT if no next hop remains, -EPERM at the first-hop router's address, -ENOSPC,
 * -ENOMEM: then the prefix keeps what it had.
 */
int forwarding_set(struct forwarding *forwarding, uint32_t vrf, const struct ip_prefix *prefix,
                   const struct route_next_hop *next_hops, unsigned n);

/** Takes what route servers announced for a prefix away; a static route for it stays. */
void forwarding_unset(struct forwarding *forwarding, uint32_t vrf, const struct ip_prefix *prefix);

/** Our labels mean something else now: routes with next hops of our own follow them at once, before
 * the number of an interface that has gone can be given to another. */
void forwarding_labels_changed(struct forwarding *forwarding);

/** Sets a static route to next hops, or, with n = 0, to `local` (an interface, the gateway).
 * @return as forwarding_set(). */
int forwarding_set_static(struct forwarding *forwarding, uint32_t vrf,
                          const struct ip_prefix *prefix, const struct route_next_hop *next_hops,
                          unsigned n, path_t local);

/** Takes a static route away. The caller has the RIB program what it hid. @return 0 or -ENOENT. */
int forwarding_unset_static(struct forwarding *forwarding, uint32_t vrf,
                            const struct ip_prefix *prefix);

/** True if a static route stands at this prefix. */
bool forwarding_is_static(const struct forwarding *forwarding, uint32_t vrf,
                          const struct ip_prefix *prefix);

/** Calls `each` for every static route until it returns false. */
void forwarding_each_static(const struct forwarding *forwarding,
                            bool (*each)(void *context, uint32_t vrf,
                                         const struct ip_prefix *prefix, path_t path),
                            void *context);

/** What was refused so far. */
const struct forwarding_refusals *forwarding_refusals(const struct forwarding *forwarding);
