/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Slabs of a page, each with blocks of one size behind a head of 16 octets. A free block holds the
 * place of the next one; blocks that were never used are counted, not linked. Slabs are named by
 * their number in the range; number 0 is never used.
 */

#include "lib/table/slab.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#define SLAB_OCTETS  4096u
#define RANGE_OCTETS (8ull << 30)

/* Empty slabs that are kept: these, and one in so many of all. */
#define EMPTY_KEPT       16u
#define EMPTY_KEPT_SHARE 32u

/* Held for free blocks, it is too much: a sixteenth of what is used, and a slab of each size. A
 * slab is well used at three quarters. */
#define SPARSE_SHARE      16u
#define WELL_USED(blocks) ((blocks) / 4 * 3)

/* Each the largest multiple of 16 of which one more fits into a slab than of the next. */
static const uint16_t octets_of_size[SLAB_SIZES] = {
    48,  64,  80,  96,  112, 128, 144, 160, 176, 192, 208, 224,  240,
    272, 288, 304, 336, 368, 400, 448, 496, 576, 672, 816, 1008, SLAB_BLOCK_MAX,
};

struct slab {
    uint32_t next, previous; /* in its list */
    uint16_t free_blocks;    /* place of the first one in the slab, 0 for none */
    uint16_t unused;         /* blocks at the end that were never given out */
    uint16_t used;           /* blocks given out */
    uint8_t size : 7;        /* index of octets_of_size */
    uint8_t sparse : 1;      /* in no list: its blocks are to be moved */
};

_Static_assert(sizeof(struct slab) == SLAB_UNIT, "a slab's head grew");

static unsigned
size_for(size_t octets)
{
    unsigned size = 0;

    while (octets_of_size[size] < octets)
        size++;
    return size;
}

static struct slab *
slab_of(const void *block)
{
    return (struct slab *)((uintptr_t)block & ~(uintptr_t)(SLAB_OCTETS - 1));
}

static struct slab *
slab_at(const struct slab_pool *pool, uint32_t number)
{
    return (struct slab *)(void *)(pool->base + (size_t)number * SLAB_OCTETS);
}

static uint32_t
slab_number(const struct slab_pool *pool, const struct slab *slab)
{
    return (uint32_t)(((const uint8_t *)slab - pool->base) / SLAB_OCTETS);
}

int
slab_pool_init(struct slab_pool *pool, size_t octets)
{
    if (octets > RANGE_OCTETS)
        octets = RANGE_OCTETS;
    *pool = (struct slab_pool){ .slabs_max = (uint32_t)(octets / SLAB_OCTETS), .n_slabs = 1 };
    pool->base = mmap(NULL, octets, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (pool->base == MAP_FAILED)
        return -ENOMEM;
    pool->returned = calloc(pool->slabs_max, sizeof(*pool->returned));
    if (pool->returned == NULL) {
        munmap(pool->base, octets);
        return -ENOMEM;
    }
    return 0;
}

void
slab_pool_free(struct slab_pool *pool)
{
    munmap(pool->base, (size_t)pool->slabs_max * SLAB_OCTETS);
    free(pool->returned);
}

static void
list_add(struct slab_pool *pool, uint32_t *list, struct slab *slab)
{
    slab->previous = 0;
    slab->next = *list;
    if (slab->next != 0)
        slab_at(pool, slab->next)->previous = slab_number(pool, slab);
    *list = slab_number(pool, slab);
}

static void
list_remove(struct slab_pool *pool, uint32_t *list, struct slab *slab)
{
    if (slab->previous != 0)
        slab_at(pool, slab->previous)->next = slab->next;
    else
        *list = slab->next;
    if (slab->next != 0)
        slab_at(pool, slab->next)->previous = slab->previous;
}

static uint16_t
blocks_of_size(unsigned size)
{
    return (uint16_t)((SLAB_OCTETS - sizeof(struct slab)) / octets_of_size[size]);
}

static bool
slab_is_full(const struct slab *slab)
{
    return slab->free_blocks == 0 && slab->unused == 0;
}

/* An empty slab for blocks of a size, in that size's list; NULL if there is none left. */
static struct slab *
slab_add(struct slab_pool *pool, unsigned size)
{
    struct slab *slab;

    if (pool->empty != 0) {
        slab = slab_at(pool, pool->empty);
        list_remove(pool, &pool->empty, slab);
        pool->n_empty--;
    } else if (pool->n_returned > 0) {
        slab = slab_at(pool, pool->returned[--pool->n_returned]);
        pool->octets += SLAB_OCTETS;
    } else if (pool->n_slabs < pool->slabs_max) {
        slab = slab_at(pool, pool->n_slabs++);
        pool->octets += SLAB_OCTETS;
    } else {
        return NULL;
    }
    *slab = (struct slab){
        .size = size & 0x7f,
        .unused = blocks_of_size(size),
    };
    list_add(pool, &pool->with_room[size], slab);
    return slab;
}

void *
slab_alloc(struct slab_pool *pool, size_t octets)
{
    unsigned size = size_for(octets);
    struct slab *slab =
        pool->with_room[size] == 0 ? slab_add(pool, size) : slab_at(pool, pool->with_room[size]);
    uint8_t *block = (uint8_t *)slab;

    if (slab == NULL)
        return NULL;
    if (slab->free_blocks != 0) {
        block += slab->free_blocks;
        slab->free_blocks = *(uint16_t *)(void *)block;
    } else {
        block += SLAB_OCTETS - slab->unused-- * octets_of_size[size];
    }
    slab->used++;
    pool->octets_used += octets_of_size[size];
    if (slab_is_full(slab))
        list_remove(pool, &pool->with_room[size], slab);
    return block;
}

void
slab_free(struct slab_pool *pool, void *block)
{
    struct slab *slab = slab_of(block);

    if (slab_is_full(slab) && !slab->sparse)
        list_add(pool, &pool->with_room[slab->size], slab);
    *(uint16_t *)block = slab->free_blocks;
    slab->free_blocks = (uint16_t)((uint8_t *)block - (uint8_t *)slab);
    pool->octets_used -= octets_of_size[slab->size];
    if (--slab->used > 0)
        return;
    if (!slab->sparse)
        list_remove(pool, &pool->with_room[slab->size], slab);
    if (pool->n_empty < EMPTY_KEPT + pool->octets / SLAB_OCTETS / EMPTY_KEPT_SHARE) {
        list_add(pool, &pool->empty, slab);
        pool->n_empty++;
        return;
    }
    pool->returned[pool->n_returned++] = slab_number(pool, slab);
    madvise(slab, SLAB_OCTETS, MADV_DONTNEED);
    pool->octets -= SLAB_OCTETS;
}

bool
slab_pool_is_sparse(const struct slab_pool *pool)
{
    size_t held = pool->octets - pool->n_empty * SLAB_OCTETS;

    return held > pool->octets_used + pool->octets_used / SPARSE_SHARE + SLAB_SIZES * SLAB_OCTETS;
}

void
slab_pool_thin(struct slab_pool *pool)
{
    for (unsigned size = 0; size < SLAB_SIZES; size++) {
        for (uint32_t number = pool->with_room[size], next; number != 0; number = next) {
            struct slab *slab = slab_at(pool, number);

            next = slab->next;
            if (slab->used >= WELL_USED(blocks_of_size(size)))
                continue;
            list_remove(pool, &pool->with_room[size], slab);
            slab->sparse = true;
        }
    }
}

bool
slab_is_sparse(const void *block)
{
    return slab_of(block)->sparse;
}
