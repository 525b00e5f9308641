/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Inside the FIB: its nodes and words. Only lib/table/fib*.c include this.
 *
 * The FIB is a trie of 8-bit strides, one for each root and family, with its paths compressed. A
 * node branches on one octet of the address, its `level`, and has a slot for each value of it;
 * slots that hold nothing are left out, and a 256-bit bitmap with running counts finds the others
 * (as in a poptrie, SIGCOMM 2015). Octets on which nothing branches and in which no prefix ends
 * have no node: the next one keeps them, `skipped`, and an address that has others there does not
 * pass it.
 *
 * A word is what a slot, or a root, holds: zero, a leaf (the path of the best prefix that ends
 * inside this slot's octet), or a child node. A prefix that ends in the octet above is spread over
 * the slots it covers; where a slot has a child, the child keeps the leaf as its `fallback`, which
 * serves all addresses that reach the child, whether or not they pass it. So a prefix lives in one
 * node and its direct children, whatever lies below, and a change of it writes nowhere else. The
 * leaf's top bits say how many bits of the octet its prefix uses: a shorter one yields to it, and
 * what is taken away is known from what shines through.
 *
 * Readers go down from the root and take the last leaf they meet. Each address meets at most one
 * word for each octet, so a reader sees a prefix before or after its change. Words and fallbacks
 * are replaced by one release store each; the rest never changes once the node is linked: a new set
 * of slots or of skipped octets means a new node, and the old one is freed after grace.
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

#define FIB_SLOTS    256u
#define FIB_LEVELS   16u /* octets of the longest address */
#define FIB_FAMILIES 2u

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
    uint8_t level;             /* the octet that it branches on, 0 the first */
    uint8_t n_skipped;         /* octets between the one above and this one */
    uint16_t n_slots;          /* 1-256; the skipped octets stand after the slots */
    _Atomic uint64_t fallback; /* leaf of the prefixes that end in the octet above, or zero */

    /* control only: the prefixes that use 1 to 7 bits of this node's octet, NULL if there are none;
     * once the node is retired, the next one that waits for grace */
    union {
        struct fib_shorts *shorts;
        struct fib_node *next_retired;
    };
    _Atomic uint64_t slots[];
};

/* Where a node stands: what it branches on, and the octets before that have no node. */
struct fib_span {
    uint8_t level;
    uint8_t n_skipped; /* <= level */
    uint8_t skipped[FIB_LEVELS - 1];
};

struct fib {
    _Atomic uint64_t *roots[FIB_FAMILIES]; /* a word each */
    _Atomic uint64_t version;              /* odd while a change is under way; control writes */
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

/* Where the root words of a family are in `roots`. */
static inline unsigned
fib_family(uint8_t ip_family)
{
    return ip_family == IP_V6;
}

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

/* Octets of a node with so many slots and skipped octets. */
static inline size_t
fib_node_octets(unsigned n_slots, unsigned n_skipped)
{
    return sizeof(struct fib_node) + n_slots * sizeof(uint64_t) + n_skipped;
}

/* The octets that a node skips: those of levels level - n_skipped .. level - 1. */
static inline const uint8_t *
node_skipped(const struct fib_node *node)
{
    return (const uint8_t *)node + fib_node_octets(node->n_slots, 0);
}

/* How many of the skipped octets an address has in common with the node, from the first one on; all
 * of them, and it passes. */
static inline unsigned
node_octets_in_common(const struct fib_node *node, const uint8_t *address)
{
    const uint8_t *skipped = node_skipped(node);
    unsigned n = 0;

    address += node->level - node->n_skipped;
    while (n < node->n_skipped && skipped[n] == address[n])
        n++;
    return n;
}

static inline bool
node_passes(const struct fib_node *node, const uint8_t *address)
{
    return node_octets_in_common(node, address) == node->n_skipped;
}

/**
 * Makes an unlinked node with the non-zero ones of `words`.
 * @return NULL at the limit of nodes or without memory.
 */
struct fib_node *fib_node_make(struct fib *fib, const struct fib_span *span,
                               const uint64_t words[FIB_SLOTS], uint64_t fallback);

/** Frees a node that was never linked. */
void fib_node_discard(struct fib *fib, struct fib_node *node);

/** Frees a node that readers may hold, after grace. Needs no memory. */
void fib_node_retire(struct fib *fib, struct fib_node *node);

/** How many words are not zero. */
unsigned fib_words_in_use(const uint64_t words[FIB_SLOTS]);

/** Writes the words of all slots of a node. */
void fib_node_expand(struct fib_node *node, uint64_t words[FIB_SLOTS]);

/** Where a node stands. */
struct fib_span fib_node_span(const struct fib_node *node);

/**
 * Gives the node that `link` leads to the slots `words`: in place if they have a place, else by a
 * new node that takes the old one's part in one store. Where slots become empty the node shrinks if
 * it can and keeps empty slots if it cannot.
 * @return 0 or -ENOSPC (nothing changed); 0 always if no empty slot is to be filled.
 */
int fib_node_change(struct fib *fib, _Atomic uint64_t *link, const uint64_t words[FIB_SLOTS]);

/*
 * Exact prefixes of one trie, whose root word is `root`; `prefix` is valid and not /0, which has no
 * node: it is the root's own leaf.
 */

/** The path of a prefix, PATH_NONE if it is not there. */
path_t fib_trie_get(_Atomic uint64_t *root, const struct ip_prefix *prefix);

/** Sets a path. @return 0, or -ENOSPC or -ENOMEM: nothing changed. */
int fib_trie_set(struct fib *fib, _Atomic uint64_t *root, const struct ip_prefix *prefix,
                 path_t path);

/** Takes away a prefix that is there. */
void fib_trie_unset(struct fib *fib, _Atomic uint64_t *root, const struct ip_prefix *prefix);

/** Takes everything away, /0 too. @return how many prefixes there were. */
uint32_t fib_trie_clear(struct fib *fib, _Atomic uint64_t *root);

/** The leaf of a slot or root: the word itself or, if a child stands there, the child's fallback.
 */
static inline _Atomic uint64_t *
leaf_of(_Atomic uint64_t *word)
{
    uint64_t value = word_load(word);

    return word_is_child(value) ? &word_child(value)->fallback : word;
}

/** The path of a leaf if its prefix is one that uses the whole octet, else PATH_NONE. */
static inline path_t
leaf_of_whole_octet(uint64_t leaf)
{
    return word_bits(leaf) == 8 ? leaf & WORD_PATH_MASK : PATH_NONE;
}

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
