/* SPDX-License-Identifier: BSD-3-Clause */

/* The naive trie: see fib_naive.h. Addresses of a burst go down side by side, prefetched. */

#include "tests/bench/fib_naive.h"

#include <stdio.h>
#include <stdlib.h>

#define SLOTS     256u
#define LEVELS    4u
#define BURST_MAX 64u
#define CHILD     0x80000000u

struct naive {
    uint32_t n_nodes, nodes_max;
    uint32_t (*nodes)[SLOTS]; /* the first ones are the roots */
};

struct naive *
naive_create(uint32_t roots, uint32_t nodes)
{
    struct naive *naive = calloc(1, sizeof(*naive));

    if (naive == NULL || (naive->nodes = calloc(nodes, sizeof(*naive->nodes))) == NULL) {
        free(naive);
        return NULL;
    }
    naive->n_nodes = roots;
    naive->nodes_max = nodes;
    return naive;
}

void
naive_destroy(struct naive *naive)
{
    free(naive->nodes);
    free(naive);
}

void
naive_add(struct naive *naive, uint32_t root, uint32_t address, unsigned length, uint32_t value)
{
    uint32_t node = root, level = 0;

    for (; length > 8 * (level + 1); level++) {
        uint32_t *slot = &naive->nodes[node][address >> (24 - 8 * level) & 0xff];

        if (!(*slot & CHILD)) {
            if (naive->n_nodes == naive->nodes_max) {
                fprintf(stderr, "naive trie: out of nodes\n");
                exit(1);
            }
            for (unsigned i = 0; i < SLOTS; i++)
                naive->nodes[naive->n_nodes][i] = *slot;
            *slot = CHILD | naive->n_nodes++;
        }
        node = *slot & ~CHILD;
    }
    for (uint32_t i = 0, first = address >> (24 - 8 * level) & 0xff;
         i < 1u << (8 * (level + 1) - length); i++)
        naive->nodes[node][first + i] = value;
}

double
naive_octets(const struct naive *naive)
{
    return (double)naive->n_nodes * sizeof(*naive->nodes);
}

void
naive_lookup_bulk(const struct naive *naive, const uint32_t *roots, const uint32_t *addresses,
                  uint32_t *values, unsigned n)
{
    const uint32_t *slots[BURST_MAX];

    for (unsigned i = 0; i < n; i++) {
        slots[i] = &naive->nodes[roots[i]][addresses[i] >> 24];
        __builtin_prefetch(slots[i]);
    }
    for (unsigned level = 1; level < LEVELS; level++) {
        for (unsigned i = 0; i < n; i++) {
            if (*slots[i] & CHILD) {
                slots[i] =
                    &naive->nodes[*slots[i] & ~CHILD][addresses[i] >> (24 - 8 * level) & 0xff];
                __builtin_prefetch(slots[i]);
            }
        }
    }
    for (unsigned i = 0; i < n; i++)
        values[i] = *slots[i];
}
