/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Slabs of 64 KiB, aligned to their size, so that a block's address leads to its slab. A free block
 * holds the link to the next one; blocks that were never used are counted, not linked, so that a
 * fresh slab's pages are touched only when they are needed.
 */

#include "lib/table/slab.h"

#include <stdbool.h>
#include <sys/mman.h>

#define SLAB_OCTETS 65536u
#define LINE        64u

static const uint8_t lines_of_size[SLAB_SIZES] = { 1, 2, 3, 4, 6, 8, 12, 16, 24, 33 };

struct slab {
    struct slab *next, *previous; /* in its size's list, while it has room */
    void *free_blocks;
    uint16_t size;   /* index of lines_of_size */
    uint16_t used;   /* blocks given out */
    uint16_t unused; /* blocks at the end that were never given out */
} __attribute__((aligned(LINE)));

static unsigned
size_for(size_t octets)
{
    unsigned size = 0;

    while (lines_of_size[size] * LINE < octets)
        size++;
    return size;
}

static struct slab *
slab_of(const void *block)
{
    return (struct slab *)((uintptr_t)block & ~(uintptr_t)(SLAB_OCTETS - 1));
}

/* Maps twice the size and gives back what is outside the aligned half. */
static struct slab *
slab_map(void)
{
    char *start =
        mmap(NULL, 2 * SLAB_OCTETS, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    size_t before;

    if (start == MAP_FAILED)
        return NULL;
    before = -(uintptr_t)start & (SLAB_OCTETS - 1);
    if (before > 0)
        munmap(start, before);
    munmap(start + before + SLAB_OCTETS, SLAB_OCTETS - before);
    return (void *)(start + before);
}

static void
list_add(struct slab_pool *pool, struct slab *slab)
{
    slab->previous = NULL;
    slab->next = pool->with_room[slab->size];
    if (slab->next != NULL)
        slab->next->previous = slab;
    pool->with_room[slab->size] = slab;
}

static void
list_remove(struct slab_pool *pool, struct slab *slab)
{
    if (slab->previous != NULL)
        slab->previous->next = slab->next;
    else
        pool->with_room[slab->size] = slab->next;
    if (slab->next != NULL)
        slab->next->previous = slab->previous;
}

static bool
slab_is_full(const struct slab *slab)
{
    return slab->free_blocks == NULL && slab->unused == 0;
}

/* An empty slab for blocks of a size, in that size's list; NULL without memory. */
static struct slab *
slab_add(struct slab_pool *pool, unsigned size)
{
    struct slab *slab = pool->spare;

    if (slab == NULL) {
        slab = slab_map();
        if (slab == NULL)
            return NULL;
        pool->octets += SLAB_OCTETS;
    }
    pool->spare = NULL;
    *slab = (struct slab){
        .size = (uint16_t)size,
        .unused = (uint16_t)((SLAB_OCTETS - sizeof(*slab)) / (lines_of_size[size] * LINE)),
    };
    list_add(pool, slab);
    return slab;
}

void *
slab_alloc(struct slab_pool *pool, size_t octets)
{
    unsigned size = size_for(octets);
    struct slab *slab = pool->with_room[size];
    void *block;

    if (slab == NULL && (slab = slab_add(pool, size)) == NULL)
        return NULL;
    block = slab->free_blocks;
    if (block != NULL)
        slab->free_blocks = *(void **)block;
    else
        block = (char *)slab + SLAB_OCTETS - slab->unused-- * lines_of_size[size] * LINE;
    slab->used++;
    if (slab_is_full(slab))
        list_remove(pool, slab);
    return block;
}

void
slab_free(struct slab_pool *pool, void *block)
{
    struct slab *slab = slab_of(block);

    if (slab_is_full(slab))
        list_add(pool, slab);
    *(void **)block = slab->free_blocks;
    slab->free_blocks = block;
    if (--slab->used > 0)
        return;
    list_remove(pool, slab);
    if (pool->spare == NULL) {
        pool->spare = slab;
        return;
    }
    munmap(slab, SLAB_OCTETS);
    pool->octets -= SLAB_OCTETS;
}

size_t
slab_block_octets(const void *block)
{
    return lines_of_size[slab_of(block)->size] * LINE;
}

size_t
slab_size_for(size_t octets)
{
    return lines_of_size[size_for(octets)] * LINE;
}

void
slab_pool_free(struct slab_pool *pool)
{
    if (pool->spare == NULL)
        return;
    munmap(pool->spare, SLAB_OCTETS);
    pool->octets -= SLAB_OCTETS;
    pool->spare = NULL;
}
