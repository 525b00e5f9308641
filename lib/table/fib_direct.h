/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Inside the FIB: the direct table of a large root. It answers for the first two octets that the
 * root's prefixes do not have in common: what a lookup finds behind them, nodes of the trie or a
 * path, stands in one of 65,536 slots. The nodes above stay, for control; a change that does not
 * concern them writes one slot, so that lookups elsewhere in the root do not notice.
 */

#include "lib/table/fib_node.h"

#define DIRECT_OCTETS 2u
#define DIRECT_SLOTS  65536u

/* In a slot: the child begins one octet earlier, so that the address's last octet counts again. */
#define DIRECT_EARLY (1ull << WORD_BITS)

struct fib_direct {
    _Atomic uint64_t fallback; /* leaf of /0, or zero; control writes, readers read */
    uint8_t level;             /* of the first octet that counts */
    uint8_t n_skipped;         /* = level */
    uint8_t skipped[FIB_LEVELS];
    uint64_t top;          /* control only: the word of the trie's root */
    const struct fib *fib; /* control only */

    /* a child or a leaf; the leaf that serves where a child finds nothing */
    _Atomic uint64_t slots[DIRECT_SLOTS];
    _Atomic uint64_t covering[DIRECT_SLOTS];
};

/* A direct table's address leaves the bits of WORD_DIRECT clear. */
#define DIRECT_ALIGNMENT 64u

static inline struct fib_direct *
word_direct(uint64_t word)
{
    return (struct fib_direct *)(uintptr_t)(word & ~(uint64_t)WORD_TYPE_MASK);
}

/** The word of a trie's root: the root's own, or what its direct table keeps. */
static inline uint64_t
fib_root(const _Atomic uint64_t *root)
{
    uint64_t word = word_load(root);

    return word_is_direct(word) ? word_direct(word)->top : word;
}

/** Looks whether a trie would be the better for a direct table, or does without one it has.
 * Control thread. */
void fib_direct_review(struct fib *fib, _Atomic uint64_t *root);

/**
 * Publishes a trie that a change of `prefix` has made.
 * @param level the lowest level of a node that is more than a copy with a new child
 */
void fib_direct_publish(struct fib *fib, _Atomic uint64_t *root, uint64_t word,
                        const struct ip_prefix *prefix, unsigned level);

/** Publishes an empty trie. */
void fib_direct_clear(struct fib *fib, _Atomic uint64_t *root);
