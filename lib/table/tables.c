/* SPDX-License-Identifier: BSD-3-Clause */

/* All tables together: made at start, freed at the end. */

#include "lib/table/tables.h"

#include <stdlib.h>

struct tables *
tables_create(const struct table_limits *limits, unsigned readers, uint16_t ports)
{
    struct fib_limits fib = {
        .roots = tables_sources_root(limits) + 1,
        .routes = limits->routes,
        .nodes = limits->fib_nodes,
    };
    struct tables *tables = calloc(1, sizeof(*tables));

    if (tables == NULL)
        return NULL;
    tables->limits = *limits;
    tables->reclaim = reclaim_create(readers);
    if (tables->reclaim == NULL)
        goto fail;
    tables->fib = fib_create(&fib, tables->reclaim);
    if (tables->fib == NULL || label_table_init(&tables->labels) != 0 ||
        endpoint_table_init(&tables->endpoints, limits->endpoints, tables->reclaim) != 0 ||
        adjacency_table_init(&tables->adjacencies, limits->neighbours, tables->reclaim) != 0 ||
        ecmp_table_init(&tables->ecmp, limits->ecmp_sets, tables->reclaim) != 0 ||
        vif_table_init(&tables->vifs, limits->vifs, ports, tables->reclaim) != 0 ||
        vrf_table_init(&tables->vrfs, limits->vrfs, tables->reclaim) != 0)
        goto fail;
    return tables;

fail:
    tables_destroy(tables);
    return NULL;
}

void
tables_destroy(struct tables *tables)
{
    if (tables == NULL)
        return;
    /* what waits for grace goes back into tables that still stand */
    if (tables->reclaim != NULL)
        reclaim_drain(tables->reclaim);
    vrf_table_free(&tables->vrfs);
    vif_table_free(&tables->vifs);
    ecmp_table_free(&tables->ecmp);
    adjacency_table_free(&tables->adjacencies);
    endpoint_table_free(&tables->endpoints);
    label_table_free(&tables->labels);
    fib_destroy(tables->fib);
    reclaim_destroy(tables->reclaim);
    free(tables);
}
