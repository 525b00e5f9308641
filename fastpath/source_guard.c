/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The allow-list of outer sources: prefixes in a FIB root of their own. See source_guard.h. Packets
 * that come one behind the other are often from one far end, which is looked up once for them.
 */

#include "fastpath/source_guard.h"

#include "fastpath/drop.h"
#include "fastpath/worker.h"

static bool
all_allowed(const path_t *paths, unsigned n)
{
    bool all = true;

    for (unsigned i = 0; i < n; i++)
        all &= paths[i] != PATH_NONE;
    return all;
}

uint64_t
source_guard(struct worker *worker, const struct burst *burst, const struct tunnels *tunnels)
{
    const struct fib *fib = worker->tables->fib;
    const uint32_t root = tables_sources_root(&worker->tables->limits);
    uint32_t roots[BURST_PACKETS], addresses[BURST_PACKETS];
    const uint8_t *addresses6[BURST_PACKETS];
    path_t paths[BURST_PACKETS], paths6[BURST_PACKETS];
    const path_t *found[BURST_PACKETS]; /* of each packet's source */
    unsigned n = 0, n6 = 0;
    uint64_t gone = 0;

    for (unsigned i = 0; i < burst->n; i++) {
        roots[i] = root;
        if (likely(tunnels->families[i] == IP_V4)) {
            if (n == 0 || addresses[n - 1] != tunnels->sources[i])
                addresses[n++] = tunnels->sources[i];
            found[i] = &paths[n - 1];
        } else {
            const uint8_t *source = tunnels_source6(tunnels, burst, i);

            if (n6 == 0 || memcmp(addresses6[n6 - 1], source,
                                  sizeof(((struct ipv6_header *)NULL)->source)) != 0)
                addresses6[n6++] = source;
            found[i] = &paths6[n6 - 1];
        }
    }
    if (n > 0)
        fib_lookup_bulk(fib, roots, addresses, paths, n);
    if (n6 > 0)
        fib_lookup6_bulk(fib, roots, addresses6, paths6, n6);
    if (likely(all_allowed(paths, n) && all_allowed(paths6, n6)))
        return 0;
    for (unsigned i = 0; i < burst->n; i++) {
        if (*found[i] != PATH_NONE)
            continue;
        drop(worker, burst->packets[i], DROP_OUTER_SOURCE, VIF_NONE);
        gone |= 1ull << i;
    }
    return gone;
}

bool
source_is_allowed(const struct worker *worker, const struct ip_view *outer)
{
    const struct tables *tables = worker->tables;
    const uint32_t root = tables_sources_root(&tables->limits);
    path_t path;

    if (outer->family == IP_V4) {
        fib_lookup_bulk(tables->fib, &root, &outer->source, &path, 1);
    } else {
        const uint8_t *source = outer->v6->source;

        fib_lookup6_bulk(tables->fib, &root, &source, &path, 1);
    }
    return path != PATH_NONE;
}
