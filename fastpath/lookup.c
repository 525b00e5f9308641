/* SPDX-License-Identifier: BSD-3-Clause */

/* The shared middle: see lookup.h. */

#include "fastpath/lookup.h"

#include "fastpath/drop.h"
#include "fastpath/trace.h"
#include "fastpath/worker.h"

/* VRFs that a packet is looked up in before it counts as looping. */
#define VRF_HOPS_MAX 8

/* Sets of path kinds, a bit each. */
#define KIND(kind) (1u << (kind))

/* The kinds that are among the paths. */
static unsigned
kinds_of(const struct burst *burst)
{
    unsigned kinds = 0;

    for (unsigned i = 0; i < burst->n; i++)
        kinds |= KIND(path_kind(burst->paths[i]));
    return kinds;
}

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

/* The packets of a burst that are to be looked up, one behind the other. */
struct wanted {
    struct group group;
    uint32_t roots[BURST_PACKETS];
    path_t paths[BURST_PACKETS];
};

/* Where results go: at once to the burst if they are all of it. */
static path_t *
results_of(struct wanted *wanted, struct burst *burst)
{
    return wanted->group.n == burst->n ? burst->paths : wanted->paths;
}

static void
take_results(struct worker *worker, struct burst *burst, const struct wanted *wanted,
             const path_t *paths)
{
    trace_lookup(worker, wanted->roots, paths, wanted->group.n);
    if (paths == burst->paths)
        return;
    for (unsigned i = 0; i < wanted->group.n; i++)
        burst->paths[wanted->group.at[i]] = paths[i];
}

static inline void
want(struct wanted *wanted, const struct burst *burst, unsigned i)
{
    wanted->roots[wanted->group.n] = path_target(burst->paths[i]);
    wanted->group.at[wanted->group.n++] = (uint8_t)i;
}

/* Looks those up whose path is a VRF. */
static void
look_up_once(struct worker *worker, struct burst *burst)
{
    const struct fib *fib = worker->tables->fib;
    struct wanted v4, v6;
    uint32_t addresses[BURST_PACKETS];
    const uint8_t *addresses6[BURST_PACKETS];

    v4.group.n = v6.group.n = 0;
    for (unsigned i = 0; i < burst->n; i++) {
        if (path_kind(burst->paths[i]) != PATH_VRF)
            continue;
        if (burst->families[i] == IP_V4) {
            addresses[v4.group.n] = burst->destinations[i];
            want(&v4, burst, i);
        } else {
            addresses6[v6.group.n] = burst_ipv6(burst, i)->destination;
            want(&v6, burst, i);
        }
    }
    if (v4.group.n > 0) {
        path_t *paths = results_of(&v4, burst);

        fib_lookup_bulk(fib, v4.roots, addresses, paths, v4.group.n);
        take_results(worker, burst, &v4, paths);
    }
    if (v6.group.n > 0) {
        path_t *paths = results_of(&v6, burst);

        fib_lookup6_bulk(fib, v6.roots, addresses6, paths, v6.group.n);
        take_results(worker, burst, &v6, paths);
    }
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

/* A guest is told that there is no way; what came out of a tunnel is not answered. The packet
 * counts as dropped for that reason whether somebody hears of it or not. */
static void
no_route(struct worker *worker, struct burst *burst, unsigned i)
{
    const struct packet_note note = burst_note(burst, i, PUNT_NO_ROUTE);

    if (burst->vifs[i] == VIF_NONE)
        drop(worker, burst->packets[i], DROP_NO_ROUTE, VIF_NONE);
    else
        punt_or_drop(worker, burst->packets[i], &note, DROP_NO_ROUTE);
}

/* What leaves neither way. */
static void
end_here(struct worker *worker, struct burst *burst, unsigned i)
{
    switch (path_kind(burst->paths[i])) {
    case PATH_GATEWAY:
        to_gateway(worker, burst, i);
        break;
    case PATH_VRF:
        drop(worker, burst->packets[i], DROP_VRF_LOOP, burst->vifs[i]);
        break;
    default:
        no_route(worker, burst, i);
        break;
    }
}

static void
group_all(struct group *group, unsigned n)
{
    for (unsigned i = 0; i < BURST_PACKETS; i++)
        group->at[i] = (uint8_t)i;
    group->n = n;
}

static void
sort_by_kind(struct worker *worker, struct burst *burst, unsigned kinds, struct group *tunnels,
             struct group *interfaces)
{
    tunnels->n = 0;
    interfaces->n = 0;
    if (kinds == KIND(PATH_TUNNEL)) {
        group_all(tunnels, burst->n);
        return;
    }
    if (kinds == KIND(PATH_VIF)) {
        group_all(interfaces, burst->n);
        return;
    }
    for (unsigned i = 0; i < burst->n; i++) {
        const enum path_kind kind = path_kind(burst->paths[i]);

        /* both, without a branch on which of the two it is */
        tunnels->at[tunnels->n] = (uint8_t)i;
        tunnels->n += kind == PATH_TUNNEL;
        interfaces->at[interfaces->n] = (uint8_t)i;
        interfaces->n += kind == PATH_VIF;
        if (kind != PATH_TUNNEL && kind != PATH_VIF)
            end_here(worker, burst, i);
    }
}

void
lookup(struct worker *worker, struct burst *burst, struct group *tunnels, struct group *interfaces)
{
    unsigned kinds = kinds_of(burst);

    for (unsigned hops = 0;; hops++) {
        if ((kinds & KIND(PATH_ECMP)) != 0) {
            choose_members(worker, burst);
            kinds = kinds_of(burst);
        }
        if ((kinds & KIND(PATH_VRF)) == 0 || hops == VRF_HOPS_MAX)
            break;
        look_up_once(worker, burst);
        kinds = kinds_of(burst);
    }
    sort_by_kind(worker, burst, kinds, tunnels, interfaces);
}
