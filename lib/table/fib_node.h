/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Inside the FIB: its nodes and words. Only lib/table/fib*.c include this.
 *
 * The FIB is a trie of 8-bit strides. A node stands for a prefix of 0, 8, 16 or 24 bits and has a
 * slot for each value of the next octet; slots that hold nothing are left out, and a 256-bit bitmap
 * with running counts finds the others (as in a poptrie, SIGCOMM 2015).
 *
 * A word is what a slot, or a root, holds: zero, a leaf (the path of the best prefix that ends
 * inside this slot's octet), or a child node. A prefix that ends in the octet above is spread over
 * the slots it covers; where a slot has a child, the child keeps the leaf as its `fallback`. So a
 * prefix lives in one node and its direct children, whatever lies below, and a change of it writes
 * nowhere else. The leaf's top bits say how many bits of the octet its prefix uses: a shorter one
 * yields to it, and what is taken away is known from what shines through.
 *
 * Readers go down from the root and take the last leaf they meet. Each address meets exactly one
 * word for each octet, so a reader sees a prefix before or after its change. Words and fallbacks
 * are replaced by one release store each; bitmap and counts never change once the node is linked: a
 * new set of slots means a new node, and the old one is freed after grace.
 *
 * An address meets several words, though, so two changes that both fall into one lookup could show
 * it the first word before the one and the second word after the other: no route, where first a
 * long prefix and then a short one led. `version` tells the reader, who looks again.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/table/fib.h"
#include "lib/table/path.h"
#include "lib/table/slab.h"

#define FIB_SLOTS 256u

/* A word's low four bits are its path's kind, or say that it points to a child. */
#define WORD_CHILD     0xfull
#define WORD_KIND_MASK 0xfull
#define WORD_BITS      60 /* the top four bits of a leaf: bits of the octet that its prefix uses */
#define WORD_PATH_MASK ((1ull << WORD_BITS) - 1)

_Static_assert((unsigned)PATH_KINDS <= WORD_CHILD, "a kind of path would be taken for a child");

struct fib_shorts;

struct fib_node {
    uint64_t bitmap[4];        /* slots that are there */
    uint8_t before[4];         /* slots in the words of the bitmap before this one */
    _Atomic uint64_t fallback; /* leaf of the prefixes that end in the octet above, or zero */

    /* control only: the prefixes that use 1 to 7 bits of this node's octet, NULL if there are none;
     * once the node is retired, the next one that waits for grace */
    union {
        struct fib_shorts *shorts;
        struct fib_node *next_retired;
    };
    _Atomic uint64_t slots[];
};

struct fib {
    _Atomic uint64_t *roots;  /* a word each */
    _Atomic uint64_t version; /* odd while a change is under way; control writes */
    struct fib_limits limits;

    /* control only */
    uint32_t routes;
    uint32_t nodes; /* linked, or waiting for grace */
    uint32_t retired;
    uint64_t refusals;
    size_t shorts_octets;
    struct slab_pool slabs;
    struct fib_node *waiting; /* retired while `leaving` is under way */
    struct fib_node *leaving; /* retired; grace is under way */
    struct reclaim *reclaim;
};

static inline bool
word_is_child(uint64_t word)
{
    return (word & WORD_KIND_MASK) == WORD_CHILD;
}

static inline struct fib_node *
word_child(uint64_t word)
{
    return (struct fib_node *)(uintptr_t)(word & ~WORD_KIND_MASK);
}

static inline uint64_t
word_of_child(const struct fib_node *node)
{
    return (uint64_t)(uintptr_t)node | WORD_CHILD;
}

/* A leaf of a prefix that uses `bits` (1-8) of its octet. */
static inline uint64_t
word_of_path(path_t path, unsigned bits)
{
    return path | (uint64_t)bits << WORD_BITS;
}

/* The bits that a leaf's prefix uses; 0 for an empty word. */
static inline unsigned
word_bits(uint64_t word)
{
    return (unsigned)(word >> WORD_BITS);
}

static inline uint64_t
word_load(const _Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_acquire);
}

static inline void
word_store(_Atomic uint64_t *word, uint64_t value)
{
    atomic_store_explicit(word, value, memory_order_release);
}

static inline bool
node_has_slot(const struct fib_node *node, unsigned octet)
{
    return node->bitmap[octet >> 6] >> (octet & 63) & 1;
}

/* Where the slot of an octet is, or would be. */
static inline unsigned
node_rank(const struct fib_node *node, unsigned octet)
{
    uint64_t below = node->bitmap[octet >> 6] & ((1ull << (octet & 63)) - 1);

    return node->before[octet >> 6] + (unsigned)__builtin_popcountll(below);
}

/* The slot of an octet, NULL if it is left out. */
static inline _Atomic uint64_t *
node_slot(struct fib_node *node, unsigned octet)
{
    return node_has_slot(node, octet) ? &node->slots[node_rank(node, octet)] : NULL;
}

/**
 * Makes an unlinked node with the non-zero ones of `words`.
 * @return NULL at the limit of nodes or without memory.
 */
struct fib_node *fib_node_make(struct fib *fib, const uint64_t words[FIB_SLOTS], uint64_t fallback);

/** Frees a node that was never linked. */
void fib_node_discard(struct fib *fib, struct fib_node *node);

/** Frees a node that readers may hold, after grace. Needs no memory. */
void fib_node_retire(struct fib *fib, struct fib_node *node);

/** How many words are not zero. */
unsigned fib_words_in_use(const uint64_t words[FIB_SLOTS]);

/** Writes the words of all slots of a node. */
void fib_node_expand(struct fib_node *node, uint64_t words[FIB_SLOTS]);

/**
 * Gives the node that `link` leads to the slots `words`: in place if they have a place, else by a
 * new node that takes the old one's part in one store. Where slots become empty the node shrinks if
 * it can and keeps empty slots if it cannot.
 * @return 0 or -ENOSPC (nothing changed); 0 always if no empty slot is to be filled.
 */
int fib_node_change(struct fib *fib, _Atomic uint64_t *link, const uint64_t words[FIB_SLOTS]);

/*
 * The prefixes of a node that use 1 to 7 bits of its octet, each in its own right, whether or not
 * longer ones hide it from the slots. `position`: the bits, with a one in front (2..255).
 */

/** The path of a short prefix, PATH_NONE if it is not there. */
path_t fib_shorts_get(const struct fib_node *node, unsigned position);

/** Makes room for one more. @return 0 or -ENOMEM. */
int fib_shorts_reserve(struct fib *fib, struct fib_shorts **shorts);

/** Sets a path; for a new prefix there must be room. @return true if the prefix is new. */
bool fib_shorts_set(struct fib_shorts *shorts, unsigned position, path_t path);

/** Takes a prefix away. @return false if it is not there. */
bool fib_shorts_unset(struct fib *fib, struct fib_node *node, unsigned position);

/** The leaf of the longest short prefix that contains a position's slots, itself not counted; zero
 * if there is none. */
uint64_t fib_shorts_covering(const struct fib_node *node, unsigned position);

/** How many there are, and freeing them all. */
unsigned fib_shorts_count(const struct fib_node *node);
void fib_shorts_free(struct fib *fib, struct fib_node *node);
