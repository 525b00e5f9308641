/* SPDX-License-Identifier: BSD-3-Clause */

/* The shared middle: see lookup.h. */

#include "fastpath/lookup.h"

#include "fastpath/drop.h"
#include "fastpath/trace.h"
#include "fastpath/worker.h"

/* VRFs that a packet is looked up in before it counts as looping. */
#define VRF_HOPS_MAX 8

/* Replaces the ECMP sets among the paths by the members that the flows take. */
static void
choose_members(struct worker *worker, struct burst *burst)
{
    for (unsigned i = 0; i < burst->n; i++) {
        if (path_kind(burst->paths[i]) != PATH_ECMP)
            continue;
        burst->paths[i] = ecmp_select(worker->tables, burst->paths[i], burst->hashes[i]);
        trace_member(worker, burst->hashes[i], burst->paths[i]);
    }
}

static void
replace_paths(struct burst *burst, const struct group *group, const path_t *paths)
{
    for (unsigned i = 0; i < group->n; i++)
        burst->paths[group->at[i]] = paths[i];
}

/* Looks those up whose path is a VRF. @return how many. */
static unsigned
look_up_once(struct worker *worker, struct burst *burst)
{
    const struct fib *fib = worker->tables->fib;
    uint32_t roots[BURST_PACKETS], roots6[BURST_PACKETS], addresses[BURST_PACKETS];
    const uint8_t *addresses6[BURST_PACKETS];
    path_t paths[BURST_PACKETS];
    struct group found = { 0 }, found6 = { 0 };

    for (unsigned i = 0; i < burst->n; i++) {
        if (path_kind(burst->paths[i]) != PATH_VRF)
            continue;
        if (burst->families[i] == IP_V4) {
            roots[found.n] = path_target(burst->paths[i]);
            addresses[found.n] = burst->destinations[i];
            found.at[found.n++] = (uint8_t)i;
        } else {
            roots6[found6.n] = path_target(burst->paths[i]);
            addresses6[found6.n] = burst_ipv6(burst, i)->destination;
            found6.at[found6.n++] = (uint8_t)i;
        }
    }
    if (found.n > 0) {
        fib_lookup_bulk(fib, roots, addresses, paths, found.n);
        trace_lookup(worker, roots, paths, found.n);
        replace_paths(burst, &found, paths);
    }
    if (found6.n > 0) {
        fib_lookup6_bulk(fib, roots6, addresses6, paths, found6.n);
        trace_lookup(worker, roots6, paths, found6.n);
        replace_paths(burst, &found6, paths);
    }
    return found.n + found6.n;
}

static void
to_gateway(struct worker *worker, struct burst *burst, unsigned i)
{
    const struct packet_note note = burst_note(burst, i, PUNT_GATEWAY);

    /* the gateway is a guest's first hop, and answers guests of this host alone */
    if (burst->vifs[i] == VIF_NONE)
        drop(worker, burst->packets[i], DROP_IP_DESTINATION, VIF_NONE);
    else
        punt(worker, burst->packets[i], &note);
}

static void
sort_by_kind(struct worker *worker, struct burst *burst, struct group *tunnels,
             struct group *interfaces)
{
    tunnels->n = 0;
    interfaces->n = 0;
    for (unsigned i = 0; i < burst->n; i++) {
        switch (path_kind(burst->paths[i])) {
        case PATH_TUNNEL:
            tunnels->at[tunnels->n++] = (uint8_t)i;
            break;
        case PATH_VIF:
            interfaces->at[interfaces->n++] = (uint8_t)i;
            break;
        case PATH_GATEWAY:
            to_gateway(worker, burst, i);
            break;
        case PATH_VRF:
            drop(worker, burst->packets[i], DROP_VRF_LOOP, burst->vifs[i]);
            break;
        default:
            drop(worker, burst->packets[i], DROP_NO_ROUTE, burst->vifs[i]);
            break;
        }
    }
}

void
lookup(struct worker *worker, struct burst *burst, struct group *tunnels, struct group *interfaces)
{
    unsigned hops = 0;

    choose_members(worker, burst);
    while (hops < VRF_HOPS_MAX && look_up_once(worker, burst) > 0) {
        choose_members(worker, burst);
        hops++;
    }
    sort_by_kind(worker, burst, tunnels, interfaces);
}
