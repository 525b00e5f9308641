/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Free lists of numbers, linked through one array. A pool has at most one deferral under way:
 * numbers given back meanwhile gather for the next one, so that giving back never fails.
 */

#include "lib/table/index.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/table/reclaim.h"

#define LIST_END UINT32_MAX

int
index_pool_init(struct index_pool *pool, uint32_t limit, struct reclaim *reclaim)
{
    *pool = (struct index_pool){
        .next = calloc(limit, sizeof(*pool->next)),
        .limit = limit,
        .free = LIST_END,
        .waiting = LIST_END,
        .leaving = LIST_END,
        .reclaim = reclaim,
    };
    return pool->next == NULL ? -ENOMEM : 0;
}

void
index_pool_free(struct index_pool *pool)
{
    free(pool->next);
    pool->next = NULL;
}

static void
list_push(struct index_pool *pool, uint32_t *list, uint32_t index)
{
    pool->next[index] = *list;
    *list = index;
}

static uint32_t
list_pop(const struct index_pool *pool, uint32_t *list)
{
    uint32_t index = *list;

    *list = pool->next[index];
    return index;
}

int
index_take(struct index_pool *pool, uint32_t *index)
{
    if (pool->free != LIST_END)
        *index = list_pop(pool, &pool->free);
    else if (pool->high < pool->limit)
        *index = pool->high++;
    else
        return -ENOSPC;
    pool->in_use++;
    return 0;
}

void
index_give(struct index_pool *pool, uint32_t index)
{
    list_push(pool, &pool->free, index);
    pool->in_use--;
}

static void
grace_over(void *argument)
{
    struct index_pool *pool = argument;

    while (pool->leaving != LIST_END)
        list_push(pool, &pool->free, list_pop(pool, &pool->leaving));
    pool->leaving = pool->waiting;
    pool->waiting = LIST_END;
    if (pool->leaving != LIST_END)
        reclaim_defer(pool->reclaim, grace_over, pool);
}

void
index_retire(struct index_pool *pool, uint32_t index)
{
    pool->in_use--;
    if (pool->leaving != LIST_END) {
        list_push(pool, &pool->waiting, index);
        return;
    }
    list_push(pool, &pool->leaving, index);
    reclaim_defer(pool->reclaim, grace_over, pool);
}
