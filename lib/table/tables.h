/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Everything that workers, slow path and control share, in one place. Made once at start, before
 * the other threads; the members are then reached through this struct by all of them.
 */

#include "lib/table/adjacency.h"
#include "lib/table/ecmp.h"
#include "lib/table/endpoint.h"
#include "lib/table/fib.h"
#include "lib/table/label.h"
#include "lib/table/reclaim.h"
#include "lib/table/vif.h"
#include "lib/table/vrf.h"

/* Bounds of the tables; each is a key of the configuration's `limits` section. */
struct table_limits {
    uint32_t vifs;
    uint32_t vrfs;
    uint32_t routes;
    uint32_t fib_nodes;
    uint32_t endpoints;
    uint32_t ecmp_sets;
    uint32_t neighbours;
};

#define TABLE_LIMITS_DEFAULT                      \
    ((struct table_limits){ .vifs = 16384,        \
                            .vrfs = 16384,        \
                            .routes = 4194304,    \
                            .fib_nodes = 1048576, \
                            .endpoints = 65536,   \
                            .ecmp_sets = 65536,   \
                            .neighbours = 4096 })

/** The FIB root of outer sources that tunnels are accepted from (C49): every known endpoint and the
 * prefixes of the configuration; any path but PATH_NONE allows. The last root, of no VRF. */
static inline uint32_t
tables_sources_root(const struct table_limits *limits)
{
    return 2 * limits->vrfs;
}

struct tables {
    struct table_limits limits;
    struct reclaim *reclaim;
    struct fib *fib;
    struct label_table labels;
    struct endpoint_table endpoints;
    struct adjacency_table adjacencies;
    struct ecmp_table ecmp;
    struct vif_table vifs;
    struct vrf_table vrfs;
};

/**
 * Makes empty tables.
 * @param readers workers + the slow path: reader numbers 0 .. readers-1
 * @param ports the most ports (lib/port/port.h: PORTS_MAX)
 * @return NULL without memory.
 */
struct tables *tables_create(const struct table_limits *limits, unsigned readers, uint16_t ports);

/** Frees everything; after all readers have ended. */
void tables_destroy(struct tables *tables);
