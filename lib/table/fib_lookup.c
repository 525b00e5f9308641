/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Looking up without vectors: a chunk of addresses goes down its tries side by side, a node at a
 * time, and what the next step reads is fetched while the others are handled. fib_lookup_bulk.c
 * has what calls it.
 */

#include <endian.h>

#include "lib/table/fib_lookup.h"

/* An address on its way. */
struct lane {
    uint64_t word;                    /* what it has come to */
    const uint8_t *address;           /* its octets that are still to be looked at */
    const _Atomic uint64_t *covering; /* the leaf that serves if nothing else does, or NULL */
    const struct fib_node *fallback;  /* the last node that had one, or NULL */
    const uint8_t *slot;
    uint8_t number;
};

/* Fetches the part of a child's bitmap that an address wants. */
static void
child_prefetch(const struct fib *fib, uint64_t word, const uint8_t *address)
{
    const struct fib_node *node = word_child(fib, word);

    __builtin_prefetch(&node->groups[address[word_skipped(word)] / 32]);
}

/* Comes to a direct table. */
static void
lane_direct(struct lane *lane, uint64_t *word)
{
    const struct fib_direct *direct = word_direct(lane->word);
    unsigned at;

    lane->covering = &direct->fallback;
    *word = 0;
    for (unsigned i = 0; i < direct->n_skipped; i++) {
        if (lane->address[i] != direct->skipped[i])
            return;
    }
    lane->address += direct->n_skipped;
    at = (unsigned)lane->address[0] << 8 | lane->address[1];
    *word = word_load(&direct->slots[at]);
    if (!word_is_child(*word))
        return;
    lane->address += *word & DIRECT_EARLY ? 1 : DIRECT_OCTETS;
    *word &= WORD_MASK;
    if (word_load(&direct->covering[at]) != 0)
        lane->covering = &direct->covering[at];
}

/* Goes from a child to the slot that serves the address; NULL if there is none. */
static void
lane_step(const struct fib *fib, struct lane *lane)
{
    const struct fib_node *node = word_child(fib, lane->word);
    const unsigned n_skipped = word_skipped(lane->word);
    int slot;

    lane->slot = NULL;
    if (lane->word & WORD_FALLBACK)
        lane->fallback = node;
    for (unsigned i = 0; i < n_skipped; i++) {
        if (node->rest[i] != lane->address[i])
            return;
    }
    lane->address += n_skipped;
    slot = group_slot(&node->groups[*lane->address / 32], *lane->address, lane->word & WORD_RUNS);
    if (slot < 0)
        return;
    lane->address++;
    lane->slot = node->rest + n_skipped + (unsigned)slot * WORD_OCTETS;
    __builtin_prefetch(lane->slot);
}

/* The path of an address that has come to its end. */
static path_t
lane_path(const struct lane *lane)
{
    uint64_t leaf = lane->word;

    if (leaf == 0 && lane->fallback != NULL)
        leaf = node_fallback(lane->fallback);
    if (leaf == 0 && lane->covering != NULL)
        leaf = word_load(lane->covering);
    return word_path(leaf);
}

static void
lookup_chunk(const struct fib *fib, const _Atomic uint64_t *root_words, const uint32_t *roots,
             const uint8_t *const *addresses, path_t *paths, unsigned n)
{
    struct lane lanes[LOOKUP_CHUNK];
    unsigned n_active = 0;

    for (unsigned i = 0; i < n; i++)
        __builtin_prefetch(&root_words[roots[i]]);
    for (unsigned i = 0; i < n; i++) {
        struct lane *lane = &lanes[n_active];

        *lane = (struct lane){ .word = word_load(&root_words[roots[i]]),
                               .address = addresses[i],
                               .number = (uint8_t)i };
        if (word_is_direct(lane->word))
            lane_direct(lane, &lane->word);
        if (word_is_child(lane->word)) {
            child_prefetch(fib, lane->word, lane->address);
            n_active++;
        } else {
            paths[i] = lane_path(lane);
        }
    }
    while (n_active > 0) {
        unsigned n_next = 0;

        for (unsigned k = 0; k < n_active; k++)
            lane_step(fib, &lanes[k]);
        for (unsigned k = 0; k < n_active; k++) {
            struct lane *lane = &lanes[k];

            lane->word = lane->slot == NULL ? 0 : word_read(lane->slot);
            if (word_is_child(lane->word)) {
                child_prefetch(fib, lane->word, lane->address);
                if (n_next != k)
                    lanes[n_next] = *lane;
                n_next++;
            } else {
                paths[lane->number] = lane_path(lane);
            }
        }
        n_active = n_next;
    }
}

void
fib_lookup_scalar(const struct fib *fib, const uint32_t *roots, const uint32_t *addresses,
                  path_t *paths, unsigned n)
{
    uint32_t octets[LOOKUP_CHUNK];
    const uint8_t *pointers[LOOKUP_CHUNK];

    for (unsigned i = 0; i < n; i++) {
        octets[i] = htobe32(addresses[i]);
        pointers[i] = (const uint8_t *)&octets[i];
    }
    lookup_chunk(fib, fib->roots[fib_family(IP_V4)], roots, pointers, paths, n);
}

void
fib_lookup6_scalar(const struct fib *fib, const uint32_t *roots, const uint8_t *const *addresses,
                   path_t *paths, unsigned n)
{
    lookup_chunk(fib, fib->roots[fib_family(IP_V6)], roots, addresses, paths, n);
}
