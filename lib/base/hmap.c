/* SPDX-License-Identifier: BSD-3-Clause */

/* An intrusive hash table with chaining: see hmap.h. */

#include "lib/base/hmap.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define BUCKETS_AT_START 16u

/* The same for all threads from the first call on: two of them may make it at the same time. */
static uint64_t
seed(void)
{
    static _Atomic uint64_t value;
    uint64_t seen = atomic_load_explicit(&value, memory_order_relaxed), fresh;

    if (seen != 0)
        return seen;
    if (getrandom(&fresh, sizeof(fresh), GRND_NONBLOCK) != sizeof(fresh))
        fresh = (uint64_t)(uintptr_t)&value;
    fresh |= 1;
    return atomic_compare_exchange_strong(&value, &seen, fresh) ? fresh : seen;
}

uint32_t
hmap_hash(const void *data, size_t length)
{
    const unsigned char *octets = data;
    uint64_t hash = seed() ^ (length * 0x9e3779b97f4a7c15u);

    while (length > 0) {
        uint64_t word = 0;
        size_t n = length < sizeof(word) ? length : sizeof(word);

        memcpy(&word, octets, n);
        hash = (hash ^ word) * 0xff51afd7ed558ccdu;
        hash ^= hash >> 32;
        octets += n;
        length -= n;
    }
    hash *= 0xc4ceb9fe1a85ec53u;
    return (uint32_t)(hash >> 32);
}

uint32_t
hmap_hash_string(const char *text)
{
    return hmap_hash(text, strlen(text));
}

static int
grow(struct hmap *map)
{
    uint32_t size = map->buckets == NULL ? BUCKETS_AT_START : (map->mask + 1) * 2;
    struct hmap_node **buckets = calloc(size, sizeof(*buckets));

    if (buckets == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; map->buckets != NULL && i <= map->mask; i++) {
        for (struct hmap_node *node = map->buckets[i], *next; node != NULL; node = next) {
            next = node->next;
            node->next = buckets[node->hash & (size - 1)];
            buckets[node->hash & (size - 1)] = node;
        }
    }
    free(map->buckets);
    map->buckets = buckets;
    map->mask = size - 1;
    return 0;
}

int
hmap_add(struct hmap *map, struct hmap_node *node, uint32_t hash)
{
    if ((map->buckets == NULL || map->count > map->mask) && grow(map) != 0 && map->buckets == NULL)
        return -ENOMEM;
    node->hash = hash;
    node->next = map->buckets[hash & map->mask];
    map->buckets[hash & map->mask] = node;
    map->count++;
    return 0;
}

void
hmap_remove(struct hmap *map, struct hmap_node *node)
{
    struct hmap_node **link = &map->buckets[node->hash & map->mask];

    while (*link != node)
        link = &(*link)->next;
    *link = node->next;
    map->count--;
}

static struct hmap_node *
same_from(struct hmap_node *node, uint32_t hash)
{
    while (node != NULL && node->hash != hash)
        node = node->next;
    return node;
}

struct hmap_node *
hmap_first_same(const struct hmap *map, uint32_t hash)
{
    return map->buckets == NULL ? NULL : same_from(map->buckets[hash & map->mask], hash);
}

struct hmap_node *
hmap_next_same(const struct hmap_node *node)
{
    return same_from(node->next, node->hash);
}

static struct hmap_node *
first_from(const struct hmap *map, uint32_t bucket)
{
    for (; map->buckets != NULL && bucket <= map->mask; bucket++) {
        if (map->buckets[bucket] != NULL)
            return map->buckets[bucket];
    }
    return NULL;
}

struct hmap_node *
hmap_first(const struct hmap *map)
{
    return first_from(map, 0);
}

struct hmap_node *
hmap_next(const struct hmap *map, const struct hmap_node *node)
{
    return node->next != NULL ? node->next : first_from(map, (node->hash & map->mask) + 1);
}

void
hmap_clear(struct hmap *map)
{
    free(map->buckets);
    *map = (struct hmap)HMAP_EMPTY;
}
