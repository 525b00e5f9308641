/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The allow-list of outer sources: prefixes in a FIB root of their own. See source_guard.h. Packets
 * that come one behind the other are often from one far end, which is looked up once for them.
 */

#include "fastpath/source_guard.h"

#include "fastpath/drop.h"
#include "fastpath/worker.h"

/* The packets from one source, one behind the other. */
struct sources {
    unsigned n;
    uint64_t packets[BURST_PACKETS]; /* a bit each */
};

static uint64_t
refused(const struct sources *sources, const path_t *paths)
{
    uint64_t packets = 0;

    for (unsigned i = 0; i < sources->n; i++)
        packets |= paths[i] == PATH_NONE ? sources->packets[i] : 0;
    return packets;
}

uint64_t
source_guard(struct worker *worker, const struct burst *burst, const struct tunnels *tunnels)
{
    const struct fib *fib = worker->tables->fib;
    const uint32_t root = tables_sources_root(&worker->tables->limits);
    uint32_t roots[BURST_PACKETS], addresses[BURST_PACKETS];
    const uint8_t *addresses6[BURST_PACKETS];
    path_t paths[BURST_PACKETS];
    struct sources v4 = { .n = 0 }, v6 = { .n = 0 };
    uint64_t gone = 0;

    for (unsigned i = 0; i < burst->n; i++) {
        roots[i] = root;
        if (likely(tunnels->families[i] == IP_V4)) {
            if (v4.n == 0 || addresses[v4.n - 1] != tunnels->sources[i]) {
                addresses[v4.n] = tunnels->sources[i];
                v4.packets[v4.n++] = 0;
            }
            v4.packets[v4.n - 1] |= 1ull << i;
        } else {
            const uint8_t *source = tunnels_source6(tunnels, burst, i);

            if (v6.n == 0 || memcmp(addresses6[v6.n - 1], source,
                                    sizeof(((struct ipv6_header *)NULL)->source)) != 0) {
                addresses6[v6.n] = source;
                v6.packets[v6.n++] = 0;
            }
            v6.packets[v6.n - 1] |= 1ull << i;
        }
    }
    if (v4.n > 0) {
        fib_lookup_bulk(fib, roots, addresses, paths, v4.n);
        gone |= refused(&v4, paths);
    }
    if (v6.n > 0) {
        fib_lookup6_bulk(fib, roots, addresses6, paths, v6.n);
        gone |= refused(&v6, paths);
    }
    for (uint64_t left = gone; left != 0; left &= left - 1)
        drop(worker, burst->packets[__builtin_ctzll(left)], DROP_OUTER_SOURCE, VIF_NONE);
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
