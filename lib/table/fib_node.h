/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Inside the FIB: its nodes. Only lib/table/fib*.c include this; docs/architecture.md has a
 * picture.
 *
 * The FIB is a trie of 8-bit strides, one for each root and family, with its paths compressed. A
 * node branches on one octet of the address, its `level`. A 256-bit bitmap with running counts
 * finds the slot of an octet (as in a poptrie, SIGCOMM 2015): its bits are the slots that are not
 * empty or, where that takes fewer, the slots that differ from the one before (`runs`). Octets on
 * which nothing branches and in which no prefix ends have no node: the next one keeps them,
 * `skipped`, and an address that has others there does not pass it.
 *
 * A slot holds a word (fib_word.h): nothing, a leaf (the path of the best prefix that ends inside
 * this slot's octet), or a child. A prefix that ends in the octet above is spread over the slots it
 * covers; where a slot has a child, the child keeps the leaf as its `fallback`, which serves all
 * addresses that reach the child and find nothing there, whether or not they pass it. So a prefix
 * lives in one node and its direct children, whatever lies below.
 *
 * What a reader may see of a node never changes: a change makes new nodes from the place of the
 * change up to the root, and one store publishes them all; the old ones are freed after grace. A
 * reader sees a root's table as it was at one moment. Only /0 of a large root stands beside its
 * direct table, see fib_direct.h; for it, `version` tells a reader of two changes during one
 * lookup, which could show it neither of two prefixes of which one was always there.
 */

#include <stddef.h>

#include "lib/table/fib.h"
#include "lib/table/fib_word.h"
#include "lib/table/slab.h"

#define FIB_SLOTS    256u
#define FIB_LEVELS   16u /* octets of the longest address */
#define FIB_FAMILIES 2u
#define FIB_GROUPS   8u

/* 32 bits of the bitmap, and how many bits are set in those before. */
struct fib_group {
    uint32_t bitmap;
    uint8_t before;
} __attribute__((packed));

#define NODE_RUNS   1u /* slots are found by runs */
#define NODE_SHORTS 2u /* a struct fib_shorts * stands at the end */

struct fib_node {
    struct fib_group groups[FIB_GROUPS];

    /* control only: a reader has these from the word that led it here; once the node is retired,
     * they are the next one that waits for grace */
    union {
        struct {
            uint16_t n_slots; /* 1-256 */
            uint8_t level;    /* the octet that it branches on, 0 the first */
            uint8_t n_skipped;
        };
        uint32_t next_retired;
    };
    uint8_t flags;

    uint8_t fallback[WORD_OCTETS]; /* leaf of the prefixes that end in the octet above, or zero */
    uint8_t rest[];                /* the skipped octets, the slots, the pointer */
} __attribute__((packed));

#define NODE_REST offsetof(struct fib_node, rest)
/* A lookup may read so many octets behind the last slot. */
#define NODE_READ_BEYOND (8 - WORD_OCTETS)

/* Where a node stands: what it branches on, and the octets before that have no node. */
struct fib_span {
    uint8_t level;
    uint8_t n_skipped; /* <= level */
    uint8_t skipped[FIB_LEVELS];
};

struct fib_shorts;
struct fib_direct;

struct fib {
    _Atomic uint64_t *roots[FIB_FAMILIES]; /* a word each */
    const uint8_t *base;                   /* of the nodes */
    _Atomic uint64_t version;              /* odd while a change is under way; control writes */
    struct fib_limits limits;

    /* a chunk's lookup, of the vector level that was chosen (fib_lookup.h) */
    void (*lookup)(const struct fib *fib, const uint32_t *roots, const uint32_t *addresses,
                   path_t *paths, unsigned n);
    void (*lookup6)(const struct fib *fib, const uint32_t *roots, const uint8_t *const *addresses,
                    path_t *paths, unsigned n);

    /* control only */
    uint32_t routes;
    uint32_t nodes; /* linked, or waiting for grace */
    uint32_t retired;
    uint64_t refusals;
    size_t other_octets; /* held outside of the slabs */
    struct slab_pool slabs;
    uint32_t waiting; /* nodes retired while `leaving` is under way */
    uint32_t leaving; /* nodes retired; grace is under way */
    uint32_t changes;
    struct fib_compaction {
        bool on;
        uint8_t family;
        uint16_t octet; /* of the root's first node; the slots below have been looked at */
        uint32_t root;
        uint32_t changes; /* that there had been when it ended */
    } compaction;
    struct reclaim *reclaim;
};

/* Where the root words of a family are in `roots`. */
static inline unsigned
fib_family(uint8_t ip_family)
{
    return ip_family == IP_V6;
}

static inline struct fib_node *
word_child(const struct fib *fib, uint64_t word)
{
    return slab_block(fib->base, word >> WORD_BLOCK_SHIFT);
}

static inline uint8_t *
node_slots(struct fib_node *node)
{
    return node->rest + node->n_skipped;
}

static inline uint64_t
node_fallback(const struct fib_node *node)
{
    return word_read(node->fallback);
}

static inline uint64_t
word_of_child(const struct fib *fib, const struct fib_node *node)
{
    return WORD_CHILD | (uint64_t)node->n_skipped << WORD_SKIPPED_SHIFT |
           (node->flags & NODE_RUNS ? WORD_RUNS : 0) |
           (node_fallback(node) != 0 ? WORD_FALLBACK : 0) |
           (uint64_t)slab_ref(&fib->slabs, node) << WORD_BLOCK_SHIFT;
}

/* The number of the slot that serves an octet, or -1 if it is empty. */
static inline int
group_slot(const struct fib_group *group, unsigned octet, bool runs)
{
    const uint32_t bit = 1u << (octet & 31), bitmap = group->bitmap;

    if (!runs && !(bitmap & bit))
        return -1;
    return group->before + __builtin_popcount(bitmap & (bit | (bit - 1))) - 1;
}

/* The word that serves an octet. */
static inline uint64_t
node_word(struct fib_node *node, unsigned octet)
{
    int slot = group_slot(&node->groups[octet / 32], octet, node->flags & NODE_RUNS);

    return slot < 0 ? 0 : word_read(node_slots(node) + (unsigned)slot * WORD_OCTETS);
}

/* How many of the skipped octets an address has in common with the node, from the first one on; all
 * of them, and it passes. */
static inline unsigned
node_octets_in_common(const struct fib_node *node, const uint8_t *address)
{
    unsigned n = 0;

    address += node->level - node->n_skipped;
    while (n < node->n_skipped && node->rest[n] == address[n])
        n++;
    return n;
}

static inline bool
node_passes(const struct fib_node *node, const uint8_t *address)
{
    return node_octets_in_common(node, address) == node->n_skipped;
}

/**
 * Makes an unlinked node with the given words in its slots.
 * @param shorts the node's short prefixes, or NULL
 * @return NULL without memory.
 */
struct fib_node *fib_node_make(struct fib *fib, const struct fib_span *span,
                               const uint64_t words[FIB_SLOTS], uint64_t fallback,
                               struct fib_shorts *shorts);

/** The same node once more, unlinked. */
struct fib_node *fib_node_copy(struct fib *fib, const struct fib_node *node);

/** Puts a child in the place of the one that serves an octet of an unlinked node. */
void fib_node_put_child(struct fib *fib, struct fib_node *node, unsigned octet,
                        const struct fib_node *child);

/** Frees a node that was never linked; its short prefixes stay. */
void fib_node_discard(struct fib *fib, struct fib_node *node);

/** Frees a node that readers may hold, after grace; its short prefixes stay. Needs no memory. */
void fib_node_retire(struct fib *fib, struct fib_node *node);

/** Writes the words of all octets of a node. */
void fib_node_expand(struct fib_node *node, uint64_t words[FIB_SLOTS]);

/** Where a node stands. */
struct fib_span fib_node_span(const struct fib_node *node);

/** The node's short prefixes, NULL if there are none. */
struct fib_shorts *fib_node_shorts(struct fib_node *node);

/** Tells a node with NODE_SHORTS where they are now. */
void fib_node_shorts_moved(struct fib_node *node, struct fib_shorts *shorts);
