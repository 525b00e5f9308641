/* SPDX-License-Identifier: BSD-3-Clause */

/* The allow-list of outer sources: prefixes in a FIB root of their own. See source_guard.h. */

#include "fastpath/source_guard.h"

#include "fastpath/worker.h"

void
source_guard(struct worker *worker, const struct ip_view *outers, unsigned n, bool *allowed)
{
    const struct fib *fib = worker->tables->fib;
    const uint32_t root = tables_sources_root(&worker->tables->limits);
    uint32_t roots[BURST_PACKETS], addresses[BURST_PACKETS];
    const uint8_t *addresses6[BURST_PACKETS];
    path_t paths[BURST_PACKETS];
    struct group v4 = { 0 }, v6 = { 0 };

    for (unsigned i = 0; i < n; i++) {
        roots[i] = root;
        if (outers[i].family == IP_V4) {
            addresses[v4.n] = outers[i].source;
            v4.at[v4.n++] = (uint8_t)i;
        } else {
            addresses6[v6.n] = outers[i].v6->source;
            v6.at[v6.n++] = (uint8_t)i;
        }
    }
    if (v4.n > 0)
        fib_lookup_bulk(fib, roots, addresses, paths, v4.n);
    for (unsigned i = 0; i < v4.n; i++)
        allowed[v4.at[i]] = paths[i] != PATH_NONE;
    if (v6.n > 0)
        fib_lookup6_bulk(fib, roots, addresses6, paths, v6.n);
    for (unsigned i = 0; i < v6.n; i++)
        allowed[v6.at[i]] = paths[i] != PATH_NONE;
}
