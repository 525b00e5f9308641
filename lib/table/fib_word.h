/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Inside the FIB: its words, the 40 bits that a slot of a node holds. Only lib/table/fib*.c include
 * this.
 *
 *   zero       nothing
 *   a tunnel   bit 0 set · 1 whole · 2-19 endpoint · 20-39 label
 *   a leaf     bit 0 clear · 1 whole · 2-4 kind · 5-32 target
 *   a child    bits 0-4 WORD_CHILD · 5-8 octets that it skips · 9 runs · 10 fallback · 11-39 block
 *
 * `whole` says that the leaf's prefix ends with the slot's octet, and not within it. A child's bits
 * are what a lookup wants to know before it has read the child. A root holds the same, or
 * WORD_DIRECT and the address of a direct table (fib_direct.h) in its 64 bits.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "lib/table/fib.h"

#define WORD_TUNNEL    1u
#define WORD_WHOLE     2u
#define WORD_TYPE_MASK 31u
#define WORD_CHILD     28u /* the kind that no path has */
#define WORD_DIRECT    24u /* another one */
#define WORD_BITS      40
#define WORD_MASK      ((1ull << WORD_BITS) - 1)
#define WORD_OCTETS    5u

#define WORD_SKIPPED_SHIFT 5
#define WORD_RUNS          (1u << 9)
#define WORD_FALLBACK      (1u << 10)
#define WORD_BLOCK_SHIFT   11

_Static_assert(PATH_KINDS <= WORD_DIRECT >> 2, "a kind of path would be taken for a table");

static inline bool
word_is_child(uint64_t word)
{
    return (word & WORD_TYPE_MASK) == WORD_CHILD;
}

static inline bool
word_is_direct(uint64_t word)
{
    return (word & WORD_TYPE_MASK) == WORD_DIRECT;
}

static inline unsigned
word_skipped(uint64_t child)
{
    return child >> WORD_SKIPPED_SHIFT & 15;
}

/* True if a path can be told in a word. */
static inline bool
word_holds(path_t path)
{
    if (path_kind(path) == PATH_TUNNEL)
        return path_target(path) <= FIB_ENDPOINT_MAX && path >> 52 == 0;
    return path_kind(path) != PATH_NONE && path_kind(path) < PATH_KINDS && path >> 32 == 0;
}

static inline uint64_t
word_of_path(path_t path, bool whole)
{
    uint64_t target = path_target(path);

    if (path_kind(path) == PATH_TUNNEL)
        return WORD_TUNNEL | (whole ? WORD_WHOLE : 0) | target << 2 | path >> 32 << 20;
    return (whole ? WORD_WHOLE : 0) | (uint64_t)path_kind(path) << 2 | target << 5;
}

/* The path of a leaf; PATH_NONE of an empty word. */
static inline path_t
word_path(uint64_t leaf)
{
    if (leaf & WORD_TUNNEL)
        return PATH_TUNNEL | (leaf >> 2 & FIB_ENDPOINT_MAX) << 4 | leaf >> 20 << 32;
    return (leaf >> 2 & 7) | leaf >> 5 << 4;
}

static inline uint64_t
word_read(const uint8_t *octets)
{
    uint32_t low;

    memcpy(&low, octets, sizeof(low));
    return low | (uint64_t)octets[4] << 32;
}

static inline void
word_write(uint8_t *octets, uint64_t word)
{
    memcpy(octets, &word, WORD_OCTETS);
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
