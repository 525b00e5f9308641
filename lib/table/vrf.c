/* SPDX-License-Identifier: BSD-3-Clause */

/* Numbers of VRFs, and the virtual router's address in each. */

#include "lib/table/vrf.h"

#include <errno.h>
#include <stdlib.h>

int
vrf_table_init(struct vrf_table *table, uint32_t limit, struct reclaim *reclaim)
{
    table->gateways = calloc(limit, sizeof(table->gateways[0]));
    if (index_pool_init(&table->numbers, limit, reclaim) != 0 || table->gateways == NULL) {
        vrf_table_free(table);
        return -ENOMEM;
    }
    return 0;
}

void
vrf_table_free(struct vrf_table *table)
{
    index_pool_free(&table->numbers);
    free(table->gateways);
    table->gateways = NULL;
}

int
vrf_add(struct vrf_table *table, uint32_t gateway, uint32_t *vrf)
{
    const int error = index_take(&table->numbers, vrf);

    if (error == 0)
        atomic_store_explicit(&table->gateways[*vrf], gateway, memory_order_relaxed);
    return error;
}

void
vrf_remove(struct vrf_table *table, uint32_t vrf)
{
    index_retire(&table->numbers, vrf);
}
