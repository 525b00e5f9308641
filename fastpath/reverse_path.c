/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The reverse-path check: see reverse_path.h. Off unless it is asked for, so it is written to be
 * read: one packet at a time.
 */

#include "fastpath/reverse_path.h"

#include "fastpath/drop.h"
#include "fastpath/worker.h"

/* VRFs that a source is looked up in. */
#define VRF_HOPS_MAX 8

static bool
leads_to(const struct tables *tables, path_t path, const struct ip_addr *address)
{
    const struct endpoint *endpoint =
        path_kind(path) == PATH_TUNNEL ? endpoint_at(&tables->endpoints, path_target(path)) : NULL;

    return endpoint != NULL && ip_addr_equal(&endpoint->address, address);
}

/* The path of a packet's source, from the upstream root of its VRF through others. */
static path_t
path_of_source(const struct worker *worker, const struct burst *burst, unsigned i)
{
    const struct fib *fib = worker->tables->fib;
    path_t path = path_make(PATH_VRF, vrf_upstream_root(burst->vrfs[i]), 0);

    for (unsigned hops = 0; path_kind(path) == PATH_VRF && hops < VRF_HOPS_MAX; hops++) {
        const uint32_t root = path_target(path);

        if (burst->families[i] == IP_V4) {
            const uint32_t source = be32toh(burst_ipv4(burst, i)->source);

            fib_lookup_bulk(fib, &root, &source, &path, 1);
        } else {
            const uint8_t *source = burst_ipv6(burst, i)->source;

            fib_lookup6_bulk(fib, &root, &source, &path, 1);
        }
    }
    return path;
}

static bool
passes(const struct worker *worker, const struct burst *burst, unsigned i,
       const struct ip_addr *source)
{
    const struct tables *tables = worker->tables;

    if (burst->vrfs[i] == VRF_NONE)
        return true;

    const path_t path = path_of_source(worker, burst, i);

    /* another vRouter tells what became of a packet, as the virtual router that all of them are */
    if (path_kind(path) == PATH_GATEWAY)
        return true;

    const struct ecmp_set *set = path_kind(path) == PATH_ECMP ? ecmp_at(&tables->ecmp, path) : NULL;

    for (unsigned member = 0; set != NULL && member < set->n_members; member++) {
        if (leads_to(tables, set->members[member], source))
            return true;
    }
    return leads_to(tables, path, source);
}

uint64_t
reverse_path(struct worker *worker, const struct burst *burst, const struct tunnels *tunnels,
             uint64_t gone)
{
    for (unsigned i = 0; i < burst->n; i++) {
        if ((gone >> i & 1) != 0)
            continue;

        const struct ip_addr source = tunnels_source(tunnels, burst, i);

        if (passes(worker, burst, i, &source))
            continue;
        drop(worker, burst->packets[i], DROP_REVERSE_PATH, VIF_NONE);
        gone |= 1ull << i;
    }
    return gone;
}
