/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * An intrusive hash table with chaining: 16 octets a member, no allocation when a member comes or
 * goes, grows by doubling. The caller compares keys; the table compares hashes.
 * One thread at a time.
 */

#include <stddef.h>
#include <stdint.h>

struct hmap_node {
    struct hmap_node *next;
    uint32_t hash;
};

struct hmap {
    struct hmap_node **buckets; /* 2^n chains, NULL while the table is empty */
    uint32_t mask;
    uint32_t count;
};

#define HMAP_EMPTY \
    {              \
        NULL, 0, 0 \
    }

/** The structure of type `type` whose member `member` is `node`. */
#define hmap_entry(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

/** A 32-bit hash of `length` octets, seeded per process so that peers cannot choose collisions. */
uint32_t hmap_hash(const void *data, size_t length);

/** hmap_hash() of a string without its end. */
uint32_t hmap_hash_string(const char *text);

/**
 * Adds `node` under `hash`; the table does not own it.
 * @return 0 or -ENOMEM (nothing changed).
 */
int hmap_add(struct hmap *map, struct hmap_node *node, uint32_t hash);

/** Takes out `node`, which must be in the table. */
void hmap_remove(struct hmap *map, struct hmap_node *node);

/** The first member with this hash, or NULL; the next one by hmap_next_same(). */
struct hmap_node *hmap_first_same(const struct hmap *map, uint32_t hash);
struct hmap_node *hmap_next_same(const struct hmap_node *node);

/** Any member (NULL if empty), and the one after `node` in no particular order (NULL at the end).
 * The member that hmap_next() was given must still be in the table. */
struct hmap_node *hmap_first(const struct hmap *map);
struct hmap_node *hmap_next(const struct hmap *map, const struct hmap_node *node);

/** Frees the buckets, not the members, and leaves the table empty. */
void hmap_clear(struct hmap *map);
