/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Numbers 0 .. limit-1 to give out, each used again only after grace: a reader that still holds a
 * number never finds somebody else's record under it. Used by every table that is an array.
 * Control thread.
 */

#include <stdbool.h>
#include <stdint.h>

struct reclaim;

struct index_pool {
    uint32_t *next; /* by number: the next one in its list */
    uint32_t limit;
    uint32_t in_use;  /* given out, without those that wait for grace */
    uint32_t high;    /* numbers at and beyond were never given out */
    uint32_t free;    /* list: may be given out */
    uint32_t waiting; /* list: given back while `leaving` is under way */
    uint32_t leaving; /* list: given back, grace is under way */
    struct reclaim *reclaim;
};

/** @return 0 or -ENOMEM. `pool` must stay where it is. */
int index_pool_init(struct index_pool *pool, uint32_t limit, struct reclaim *reclaim);

/** Nothing of it may wait for grace any more (reclaim_drain()). */
void index_pool_free(struct index_pool *pool);

/** Takes a free number, low ones first. @return 0 or -ENOSPC. */
int index_take(struct index_pool *pool, uint32_t *index);

/** Gives a number back that no reader has ever seen. */
void index_give(struct index_pool *pool, uint32_t index);

/** Gives a number back that readers may still hold: free after grace. Needs no memory. */
void index_retire(struct index_pool *pool, uint32_t index);
