/* SPDX-License-Identifier: BSD-3-Clause */

/* Numbers of VRFs. */

#include "lib/table/vrf.h"

int
vrf_table_init(struct vrf_table *table, uint32_t limit, struct reclaim *reclaim)
{
    return index_pool_init(&table->numbers, limit, reclaim);
}

void
vrf_table_free(struct vrf_table *table)
{
    index_pool_free(&table->numbers);
}

int
vrf_add(struct vrf_table *table, uint32_t *vrf)
{
    return index_take(&table->numbers, vrf);
}

void
vrf_remove(struct vrf_table *table, uint32_t vrf)
{
    index_retire(&table->numbers, vrf);
}
