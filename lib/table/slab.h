/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Memory for the FIB's nodes: blocks of whole cache lines in a few sizes, cut from slabs that hold
 * one size each. A slab whose last block is freed goes back to the system.
 * One thread (the control thread); readers may read the blocks.
 */

#include <stddef.h>
#include <stdint.h>

#define SLAB_BLOCK_MAX (33 * 64) /* octets of the largest block */
#define SLAB_SIZES     10

struct slab;

struct slab_pool {
    struct slab *with_room[SLAB_SIZES]; /* lists of slabs that have a free block */
    struct slab *spare;                 /* one empty slab is kept */
    size_t octets;                      /* held from the system */
};

/** A block of at least `octets` (<= SLAB_BLOCK_MAX), aligned to 64, contents undefined; NULL
 * without memory. */
void *slab_alloc(struct slab_pool *pool, size_t octets);

/** Gives a block back. */
void slab_free(struct slab_pool *pool, void *block);

/** The octets that a block really has, and that a block for `octets` would have. */
size_t slab_block_octets(const void *block);
size_t slab_size_for(size_t octets);

/** Gives the spare back to the system. All blocks must have been freed. */
void slab_pool_free(struct slab_pool *pool);
