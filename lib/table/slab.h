/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Memory for the FIB's nodes: blocks in some thirty sizes, cut from slabs of one page that hold one
 * size each, in one range of addresses, so that 29 bits name a block. The range is reserved whole;
 * a page is held only while blocks of it are.
 * One thread (the control thread); readers may read the blocks.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLAB_BLOCK_MAX 1360u /* octets of the largest block */
#define SLAB_SIZES     26u
#define SLAB_UNIT      16u /* blocks are multiples of this, and aligned to it */

struct slab_pool {
    uint8_t *base;
    uint32_t slabs_max;
    uint32_t n_slabs;               /* those beyond were never used */
    uint32_t with_room[SLAB_SIZES]; /* lists of slabs that have a free block; 0 ends one */
    uint32_t empty;                 /* list of empty slabs that are kept */
    uint32_t n_empty;
    uint32_t *returned; /* slabs given back to the system */
    uint32_t n_returned;
    size_t octets;      /* held from the system */
    size_t octets_used; /* in blocks that are given out */
};

/** Reserves the range, for up to `octets` (8 GiB at most). @return 0 or -ENOMEM. */
int slab_pool_init(struct slab_pool *pool, size_t octets);

/** Gives everything back. */
void slab_pool_free(struct slab_pool *pool);

/** A block of at least `octets` (<= SLAB_BLOCK_MAX), contents undefined; NULL if the range is used
 * up. */
void *slab_alloc(struct slab_pool *pool, size_t octets);

/** Gives a block back. */
void slab_free(struct slab_pool *pool, void *block);

/** True if so many octets are held for free blocks that moving blocks together is worth it. */
bool slab_pool_is_sparse(const struct slab_pool *pool);

/** Gives out no more blocks of those slabs that are not well used, so that they get empty when what
 * slab_is_sparse() tells of has been moved. */
void slab_pool_thin(struct slab_pool *pool);

/** True if a block is better moved. */
bool slab_is_sparse(const void *block);

/** The 29 bits that name a block, never 0, and back. */
static inline uint32_t
slab_ref(const struct slab_pool *pool, const void *block)
{
    return (uint32_t)(((const uint8_t *)block - pool->base) / SLAB_UNIT);
}

static inline void *
slab_block(const uint8_t *base, uint64_t ref)
{
    return (void *)(uintptr_t)(base + ref * SLAB_UNIT);
}
