/* SPDX-License-Identifier: BSD-3-Clause */

/* The table of ECMP sets: how a flow's member is found is in ecmp_select.c. */

#include "lib/table/ecmp.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/table/reclaim.h"

int
ecmp_table_init(struct ecmp_table *table, uint32_t limit, struct reclaim *reclaim)
{
    table->sets = calloc(limit, sizeof(*table->sets));
    if (index_pool_init(&table->indexes, limit, reclaim) != 0 || table->sets == NULL) {
        ecmp_table_free(table);
        return -ENOMEM;
    }
    return 0;
}

void
ecmp_table_free(struct ecmp_table *table)
{
    for (uint32_t i = 0; table->sets != NULL && i < table->indexes.high; i++)
        free(atomic_load_explicit(&table->sets[i], memory_order_relaxed));
    free(table->sets);
    table->sets = NULL;
    index_pool_free(&table->indexes);
}

static bool
members_valid(const path_t *members, unsigned n)
{
    if (n < 2 || n > ECMP_MEMBERS_MAX)
        return false;
    for (unsigned i = 0; i < n; i++) {
        enum path_kind kind = path_kind(members[i]);

        if (kind != PATH_TUNNEL && kind != PATH_VIF && kind != PATH_VRF)
            return false;
    }
    return true;
}

int
ecmp_add(struct ecmp_table *table, const path_t *members, unsigned n, path_t *path)
{
    struct ecmp_set *set;
    uint32_t index;

    if (!members_valid(members, n))
        return -EINVAL;
    if (index_take(&table->indexes, &index) != 0)
        return -ENOSPC;
    set = calloc(1, sizeof(*set));
    if (set == NULL) {
        index_give(&table->indexes, index);
        return -ENOMEM;
    }
    set->n_members = (uint8_t)n;
    memcpy(set->members, members, n * sizeof(members[0]));
    for (unsigned bucket = 0; bucket < ECMP_BUCKETS; bucket++)
        set->buckets[bucket] = ecmp_heaviest(set, bucket, NULL);
    atomic_store_explicit(&table->sets[index], set, memory_order_release);
    *path = path_make(PATH_ECMP, index, 0);
    return 0;
}

void
ecmp_remove(struct ecmp_table *table, path_t path)
{
    uint32_t index = path_target(path);
    struct ecmp_set *set = atomic_load_explicit(&table->sets[index], memory_order_relaxed);

    atomic_store_explicit(&table->sets[index], NULL, memory_order_release);
    reclaim_defer(table->indexes.reclaim, free, set);
    index_retire(&table->indexes, index);
}
