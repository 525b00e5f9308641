/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Looking up: a chunk of addresses goes down its tries side by side, a node at a time, and what the
 * next step reads is fetched while the others are handled.
 */

#include <endian.h>

#include "lib/table/fib_node.h"

#define LOOKUP_CHUNK 64u

/* Times that a chunk is looked up again because of changes: a bound for a worker under a storm of
 * them, which then may see a table that mixes two of its states. */
#define LOOKUPS_AGAIN 2u

static const _Atomic uint64_t empty_slot;

static void
lookup_chunk(const _Atomic uint64_t *root_words, const uint32_t *roots,
             const uint8_t *const *addresses, path_t *paths, unsigned n)
{
    struct fib_node *nodes[LOOKUP_CHUNK];
    const _Atomic uint64_t *slots[LOOKUP_CHUNK];
    uint8_t who[LOOKUP_CHUNK]; /* which address goes on through nodes[i] */
    unsigned n_active = 0;

    for (unsigned i = 0; i < n; i++)
        __builtin_prefetch(&root_words[roots[i]]);
    for (unsigned i = 0; i < n; i++) {
        uint64_t word = word_load(&root_words[roots[i]]);

        paths[i] = word;
        if (word_is_child(word)) {
            paths[i] = PATH_NONE;
            nodes[n_active] = word_child(word);
            __builtin_prefetch(nodes[n_active]);
            who[n_active++] = (uint8_t)i;
        }
    }
    while (n_active > 0) {
        unsigned n_next = 0;

        for (unsigned k = 0; k < n_active; k++) {
            const uint8_t *address = addresses[who[k]];
            uint64_t fallback = word_load(&nodes[k]->fallback);
            const _Atomic uint64_t *slot = NULL;

            if (fallback != 0)
                paths[who[k]] = fallback;
            if (node_passes(nodes[k], address))
                slot = node_slot(nodes[k], address[nodes[k]->level]);
            slots[k] = slot != NULL ? slot : &empty_slot;
            __builtin_prefetch(slots[k]);
        }
        for (unsigned k = 0; k < n_active; k++) {
            uint64_t word = word_load(slots[k]);

            if (word_is_child(word)) {
                nodes[n_next] = word_child(word);
                __builtin_prefetch(nodes[n_next]);
                who[n_next++] = who[k];
            } else if (word != 0) {
                paths[who[k]] = word;
            }
        }
        n_active = n_next;
    }
    for (unsigned i = 0; i < n; i++)
        paths[i] &= WORD_PATH_MASK;
}

/* True if more than one change overlapped the time between two readings of the version. */
static bool
changed_twice(uint64_t before, uint64_t after)
{
    return after > (before | 1) + 1;
}

static void
lookup_chunk_at_peace(const struct fib *fib, uint8_t ip_family, const uint32_t *roots,
                      const uint8_t *const *addresses, path_t *paths, unsigned n)
{
    const _Atomic uint64_t *root_words = fib->roots[fib_family(ip_family)];

    for (unsigned again = 0; again <= LOOKUPS_AGAIN; again++) {
        uint64_t before = word_load(&fib->version);

        lookup_chunk(root_words, roots, addresses, paths, n);
        if (!changed_twice(before, word_load(&fib->version)))
            break;
    }
}

static unsigned
chunk_of(unsigned n)
{
    return n < LOOKUP_CHUNK ? n : LOOKUP_CHUNK;
}

void
fib_lookup_bulk(const struct fib *fib, const uint32_t *roots, const uint32_t *addresses,
                path_t *paths, unsigned n)
{
    uint32_t octets[LOOKUP_CHUNK];
    const uint8_t *pointers[LOOKUP_CHUNK];

    for (unsigned first = 0; first < n; first += LOOKUP_CHUNK) {
        const unsigned chunk = chunk_of(n - first);

        for (unsigned i = 0; i < chunk; i++) {
            octets[i] = htobe32(addresses[first + i]);
            pointers[i] = (const uint8_t *)&octets[i];
        }
        lookup_chunk_at_peace(fib, IP_V4, &roots[first], pointers, &paths[first], chunk);
    }
}

void
fib_lookup6_bulk(const struct fib *fib, const uint32_t *roots, const uint8_t *const *addresses,
                 path_t *paths, unsigned n)
{
    for (unsigned first = 0; first < n; first += LOOKUP_CHUNK)
        lookup_chunk_at_peace(fib, IP_V6, &roots[first], &addresses[first], &paths[first],
                              chunk_of(n - first));
}
