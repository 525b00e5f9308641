/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Looking up with vectors of 64-bit lanes, an address in each: the walk that fib_lookup_avx2.c and
 * fib_lookup_avx512.c share. Each of them defines, before it includes this, the types `vec` and
 * `mask`, LANES, and the operations vec_*() and mask_*() on them.
 *
 * A lane's window holds the octets of its address that are still to be looked at, the next one
 * lowest. All of an IPv4 address fits into it; for IPv6 it is read anew at each level. A gather
 * reads 8 octets a lane, of which 5 count. It is made of loads, so that what a writer may store at
 * the same time, the aligned words of roots and direct tables, is read whole.
 */

#include "lib/table/fib_lookup.h"

#define VECTORS (LOOKUP_CHUNK / LANES)

/* IPv6 addresses are copied, so that windows may reach beyond them. */
#define ADDRESS_ROOM 32u

struct lanes {
    vec word;                       /* what they have come to */
    vec window;                     /* IPv4 */
    vec position;                   /* IPv6: where the octets are that the window would hold */
    vec node, runs, octet, skipped; /* of the step that is under way */
    vec fallback;                   /* the last node that had one, or zero */
    vec direct;                     /* the direct table, or zero */
    vec covering;                   /* its slot, or zero */
    mask child;                     /* on their way; the others have come to their end */
    mask go;                        /* those of them that pass */
};

static inline __attribute__((always_inline)) vec
vec_set(uint64_t value)
{
    return vec_set1((long long)value);
}

static inline __attribute__((always_inline)) vec
vec_times5(vec a)
{
    return vec_add(a, vec_slli(a, 2));
}

/* The lowest n octets, n <= 8. */
static inline __attribute__((always_inline)) vec
vec_octets(vec a, vec n)
{
    vec bits = vec_slli(n, 3);

    /* a shift by 64 gives zero */
    return vec_and(a, vec_sub(vec_sllv(vec_set(1), bits), vec_set(1)));
}

static inline __attribute__((always_inline)) vec
window_at(const struct lanes *lanes, mask which, vec octets_on, bool v6)
{
    if (v6)
        return vec_gather(which, vec_add(lanes->position, octets_on));
    return vec_srlv(lanes->window, vec_slli(octets_on, 3));
}

static inline __attribute__((always_inline)) void
window_pass(struct lanes *lanes, vec octets, bool v6)
{
    if (v6)
        lanes->position = vec_add(lanes->position, octets);
    else
        lanes->window = vec_srlv(lanes->window, vec_slli(octets, 3));
}

/* The lanes whose addresses have `n` octets as they stand in memory at `octets`. */
static inline __attribute__((always_inline)) mask
lanes_equal(const struct lanes *lanes, mask which, vec octets, vec n, bool v6)
{
    vec first = vec_min8(n);
    vec other = vec_xor(window_at(lanes, which, vec_set(0), v6), vec_gather(which, octets));
    mask equal = vec_eq(vec_octets(other, first), vec_set(0));
    vec rest = vec_sub(n, first);

    if (v6 && mask_any(mask_and(which, vec_test(rest, rest)))) {
        other = vec_xor(window_at(lanes, which, vec_set(8), v6),
                        vec_gather(which, vec_add(octets, vec_set(8))));
        equal = mask_and(equal, vec_eq(vec_octets(other, rest), vec_set(0)));
    }
    return mask_and(which, equal);
}

static inline __attribute__((always_inline)) mask
lanes_child(const struct lanes *lanes)
{
    return vec_eq(vec_and(lanes->word, vec_set(WORD_TYPE_MASK)), vec_set(WORD_CHILD));
}

/* Lanes that have come to a direct table go on to what it has for them. */
static inline __attribute__((always_inline)) void
lanes_direct(struct lanes *lanes, bool v6)
{
    const mask which = vec_eq(vec_and(lanes->word, vec_set(WORD_TYPE_MASK)), vec_set(WORD_DIRECT));
    vec head, n, window, at, word;
    mask passes;

    lanes->direct = lanes->covering = vec_set(0);
    if (!mask_any(which))
        return;
    lanes->direct = vec_keep(which, vec_andnot(vec_set(WORD_TYPE_MASK), lanes->word));
    head = vec_gather(which, vec_add(lanes->direct, vec_set(offsetof(struct fib_direct, level))));
    n = vec_and(vec_srli(head, 8), vec_set(0xff));
    passes = lanes_equal(
        lanes, which, vec_add(lanes->direct, vec_set(offsetof(struct fib_direct, skipped))), n, v6);
    window = window_at(lanes, which, n, v6);
    at = vec_or(vec_slli(vec_and(window, vec_set(0xff)), 8),
                vec_and(vec_srli(window, 8), vec_set(0xff)));
    at = vec_add(lanes->direct, vec_slli(at, 3));
    word = vec_gather(passes, vec_add(at, vec_set(offsetof(struct fib_direct, slots))));
    lanes->covering = vec_keep(passes, vec_add(at, vec_set(offsetof(struct fib_direct, covering))));
    lanes->word = vec_blend(which, lanes->word, vec_and(word, vec_set(WORD_MASK)));
    n = vec_sub(vec_add(n, vec_set(DIRECT_OCTETS)), vec_and(vec_srli(word, WORD_BITS), vec_set(1)));
    window_pass(lanes, vec_keep(which, n), v6);
}

/* From a child to the part of its bitmap that the address wants. */
static inline __attribute__((always_inline)) vec
lanes_group(struct lanes *lanes, bool v6)
{
    const vec word = lanes->word;
    mask skips;

    lanes->node = vec_add(lanes->node, vec_andnot(vec_set(15), vec_srli(word, 7)));
    lanes->skipped = vec_and(vec_srli(word, WORD_SKIPPED_SHIFT), vec_set(15));
    lanes->fallback = vec_blend(mask_and(lanes->child, vec_test(word, vec_set(WORD_FALLBACK))),
                                lanes->fallback, lanes->node);
    lanes->runs = vec_and(word, vec_set(WORD_RUNS));
    lanes->go = lanes->child;
    skips = mask_and(lanes->child, vec_test(lanes->skipped, lanes->skipped));
    if (mask_any(skips))
        lanes->go = mask_or(mask_andnot(skips, lanes->child),
                            lanes_equal(lanes, skips, vec_add(lanes->node, vec_set(NODE_REST)),
                                        lanes->skipped, v6));
    lanes->octet = vec_and(window_at(lanes, lanes->go, lanes->skipped, v6), vec_set(0xff));
    window_pass(lanes, vec_add(lanes->skipped, vec_set(1)), v6);
    return vec_gather(lanes->go, vec_add(lanes->node, vec_times5(vec_srli(lanes->octet, 5))));
}

/* From there to the slot. */
static inline __attribute__((always_inline)) void
lanes_slot(struct lanes *lanes, vec group)
{
    const vec bit = vec_and(lanes->octet, vec_set(31));
    const vec below = vec_sub(vec_sllv(vec_set(2), bit), vec_set(1));
    const vec bitmap = vec_and(group, vec_set(UINT32_MAX));
    const vec there = vec_or(vec_and(vec_srlv(bitmap, bit), vec_set(1)), lanes->runs);
    const vec before = vec_and(vec_srli(group, 32), vec_set(0xff));
    vec rank = vec_sub(vec_add(before, vec_popcount32(vec_and(bitmap, below))), vec_set(1));
    vec slot = vec_add(vec_add(lanes->node, lanes->skipped),
                       vec_add(vec_times5(rank), vec_set(NODE_REST)));
    vec word = vec_gather(mask_and(lanes->go, vec_test(there, there)), slot);

    lanes->word = vec_blend(lanes->child, lanes->word, vec_and(word, vec_set(WORD_MASK)));
    lanes->child = lanes_child(lanes);
}

/* The paths of lanes that have come to their end. */
static inline __attribute__((always_inline)) vec
lanes_paths(struct lanes *lanes)
{
    vec word = lanes->word, tunnel, other;
    mask none = vec_eq(word, vec_set(0));

    none = mask_and(none, vec_test(lanes->fallback, lanes->fallback));
    if (mask_any(none)) {
        const vec at = vec_add(lanes->fallback, vec_set(offsetof(struct fib_node, fallback)));

        word = vec_blend(none, word, vec_and(vec_gather(none, at), vec_set(WORD_MASK)));
    }
    none = mask_and(vec_eq(word, vec_set(0)), vec_test(lanes->covering, lanes->covering));
    if (mask_any(none))
        word = vec_blend(none, word, vec_gather(none, lanes->covering));
    none = mask_and(vec_eq(word, vec_set(0)), vec_test(lanes->direct, lanes->direct));
    if (mask_any(none)) /* the table's own fallback is what it begins with */
        word = vec_blend(none, word, vec_gather(none, lanes->direct));
    tunnel = vec_or(vec_or(vec_set(PATH_TUNNEL),
                           vec_slli(vec_and(vec_srli(word, 2), vec_set(FIB_ENDPOINT_MAX)), 4)),
                    vec_slli(vec_srli(word, 20), 32));
    other = vec_or(vec_and(vec_srli(word, 2), vec_set(7)), vec_slli(vec_srli(word, 5), 4));
    return vec_blend(vec_test(word, vec_set(WORD_TUNNEL)), other, tunnel);
}

_Static_assert(offsetof(struct fib_direct, fallback) == 0, "a gather reads it there");
_Static_assert(offsetof(struct fib_direct, n_skipped) == offsetof(struct fib_direct, level) + 1,
               "one gather reads both");

/* Walks lanes whose words, windows and positions are set. */
static inline __attribute__((always_inline)) void
walk(const struct fib *fib, struct lanes lanes[VECTORS], unsigned n_vectors, path_t *paths,
     unsigned n, bool v6)
{
    path_t rest[LANES];
    bool on = false;

    for (unsigned v = 0; v < n_vectors; v++) {
        lanes_direct(&lanes[v], v6);
        lanes[v].fallback = vec_set(0);
        lanes[v].child = lanes_child(&lanes[v]);
        on |= mask_any(lanes[v].child);
    }
    while (on) {
        vec groups[VECTORS];

        on = false;
        for (unsigned v = 0; v < n_vectors; v++) {
            if (!mask_any(lanes[v].child))
                continue;
            lanes[v].node = vec_set((uint64_t)(uintptr_t)fib->base);
            groups[v] = lanes_group(&lanes[v], v6);
        }
        for (unsigned v = 0; v < n_vectors; v++) {
            if (!mask_any(lanes[v].child))
                continue;
            lanes_slot(&lanes[v], groups[v]);
            on |= mask_any(lanes[v].child);
        }
    }
    for (unsigned v = 0; v < n_vectors; v++) {
        const vec found = lanes_paths(&lanes[v]);

        if ((v + 1) * LANES <= n) {
            vec_store(&paths[v * LANES], found);
        } else {
            vec_store(rest, found);
            memcpy(&paths[v * LANES], rest, (n - v * LANES) * sizeof(rest[0]));
        }
    }
}

/* The words of the roots; where there are no more packets, the first one's once more. */
static inline __attribute__((always_inline)) vec
roots_read(const _Atomic uint64_t *root_words, const uint32_t *roots, unsigned n)
{
    uint32_t whole[LANES];

    if (n < LANES) {
        for (unsigned i = 0; i < LANES; i++)
            whole[i] = roots[i < n ? i : 0];
        roots = whole;
    }
    return vec_gather(mask_all(), vec_add(vec_set((uint64_t)(uintptr_t)root_words),
                                          vec_slli(vec_load32(roots), 3)));
}

static inline __attribute__((always_inline)) void
lookup4(const struct fib *fib, const uint32_t *roots, const uint32_t *addresses, path_t *paths,
        unsigned n)
{
    struct lanes lanes[VECTORS];
    uint32_t octets[LOOKUP_CHUNK];
    const unsigned n_vectors = (n + LANES - 1) / LANES;

    for (unsigned i = 0; i < n; i++)
        octets[i] = __builtin_bswap32(addresses[i]);
    for (unsigned i = n; i < n_vectors * LANES; i++)
        octets[i] = octets[0];
    for (unsigned v = 0; v < n_vectors; v++) {
        lanes[v].word = roots_read(fib->roots[fib_family(IP_V4)], &roots[v * LANES], n - v * LANES);
        lanes[v].window = vec_load32(&octets[v * LANES]);
        lanes[v].position = vec_set(0);
    }
    walk(fib, lanes, n_vectors, paths, n, false);
}

static inline __attribute__((always_inline)) void
lookup6(const struct fib *fib, const uint32_t *roots, const uint8_t *const *addresses,
        path_t *paths, unsigned n)
{
    struct lanes lanes[VECTORS];
    uint8_t octets[LOOKUP_CHUNK][ADDRESS_ROOM];
    const unsigned n_vectors = (n + LANES - 1) / LANES;
    uint64_t positions[LANES];

    for (unsigned i = 0; i < n_vectors * LANES; i++) {
        memcpy(octets[i], addresses[i < n ? i : 0], 16);
        memset(&octets[i][16], 0, ADDRESS_ROOM - 16);
    }
    for (unsigned v = 0; v < n_vectors; v++) {
        for (unsigned i = 0; i < LANES; i++)
            positions[i] = (uint64_t)(uintptr_t)octets[v * LANES + i];
        lanes[v].word = roots_read(fib->roots[fib_family(IP_V6)], &roots[v * LANES], n - v * LANES);
        lanes[v].window = vec_set(0);
        lanes[v].position = vec_load(positions);
    }
    walk(fib, lanes, n_vectors, paths, n, true);
}
