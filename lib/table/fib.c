/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The FIB's writer: limits, families and what makes a change one for readers. How exact prefixes
 * are set and taken away is in fib_trie.c and fib_trie_unset.c, how nodes and words look in
 * fib_node.h and fib_word.h, looking up in fib_lookup.c.
 */

#include "lib/table/fib.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/table/fib_direct.h"
#include "lib/table/fib_lookup.h"
#include "lib/table/fib_trie.h"
#include "lib/table/reclaim.h"

/* The addresses that are reserved: for so many octets a node, far above what they have on average,
 * and for so many nodes that wait for grace. */
#define NODE_OCTETS    512u
#define NODES_UNDERWAY 262144u

/* A trie is reviewed for its direct table at one in so many changes. */
#define REVIEW_EVERY 256u

struct fib *
fib_create(const struct fib_limits *limits, struct reclaim *reclaim)
{
    struct fib *fib = calloc(1, sizeof(*fib));

    if (fib == NULL)
        return NULL;
    fib->limits = *limits;
    fib->reclaim = reclaim;
    fib_lookup_choose(fib, simd_level());
    if (slab_pool_init(&fib->slabs, ((size_t)limits->nodes + NODES_UNDERWAY) * NODE_OCTETS) != 0) {
        free(fib);
        return NULL;
    }
    fib->base = fib->slabs.base;
    for (unsigned family = 0; family < FIB_FAMILIES; family++) {
        fib->roots[family] = calloc(limits->roots, sizeof(*fib->roots[family]));
        if (fib->roots[family] == NULL)
            goto fail;
    }
    return fib;

fail:
    for (unsigned family = 0; family < FIB_FAMILIES; family++)
        free(fib->roots[family]);
    slab_pool_free(&fib->slabs);
    free(fib);
    return NULL;
}

void
fib_destroy(struct fib *fib)
{
    if (fib == NULL)
        return;
    for (uint32_t root = 0; root < fib->limits.roots; root++)
        fib_clear(fib, root);
    reclaim_drain(fib->reclaim);
    slab_pool_free(&fib->slabs);
    for (unsigned family = 0; family < FIB_FAMILIES; family++)
        free(fib->roots[family]);
    free(fib);
}

static void
change_begin(struct fib *fib)
{
    atomic_store_explicit(&fib->version, fib->version + 1, memory_order_relaxed);
}

static void
change_end(struct fib *fib)
{
    atomic_store_explicit(&fib->version, fib->version + 1, memory_order_release);
}

/* 0 if a prefix of this family and length can be in the FIB. */
static int
prefix_check(const struct ip_prefix *prefix)
{
    if (prefix->addr.family != IP_V4 && prefix->addr.family != IP_V6)
        return -EAFNOSUPPORT;
    return prefix->length <= ip_family_bits(prefix->addr.family) ? 0 : -EINVAL;
}

static _Atomic uint64_t *
root_of(const struct fib *fib, uint32_t root, const struct ip_prefix *prefix)
{
    return &fib->roots[fib_family(prefix->addr.family)][root];
}

path_t
fib_get(const struct fib *fib, uint32_t root, const struct ip_prefix *prefix)
{
    if (prefix_check(prefix) != 0)
        return PATH_NONE;
    return fib_trie_get(fib, fib_root(root_of(fib, root, prefix)), prefix);
}

static void
publish(struct fib_change *change, _Atomic uint64_t *root, const struct ip_prefix *prefix)
{
    struct fib *fib = change->fib;

    change_begin(fib);
    fib_direct_publish(fib, root, change->root, prefix, change->level);
    fib_change_finish(change);
    if (++fib->changes % REVIEW_EVERY == 0)
        fib_direct_review(fib, root);
    change_end(fib);
}

int
fib_set(struct fib *fib, uint32_t root, const struct ip_prefix *prefix, path_t path)
{
    _Atomic uint64_t *word = root_of(fib, root, prefix);
    struct fib_change change;
    int error = prefix_check(prefix);
    bool is_new;

    if (error != 0)
        return error;
    if (!word_holds(path))
        return -EINVAL;
    is_new = fib_get(fib, root, prefix) == PATH_NONE;
    if (is_new && fib->routes >= fib->limits.routes) {
        fib->refusals++;
        return -ENOSPC;
    }
    fib_change_begin(&change, fib, fib_root(word), false);
    error = fib_trie_set(&change, prefix, path);
    if (error != 0) {
        fib->refusals++;
        return error;
    }
    publish(&change, word, prefix);
    fib->routes += is_new;
    return 0;
}

int
fib_unset(struct fib *fib, uint32_t root, const struct ip_prefix *prefix)
{
    _Atomic uint64_t *word = root_of(fib, root, prefix);
    struct fib_change change;

    if (fib_get(fib, root, prefix) == PATH_NONE)
        return -ENOENT;
    fib_change_begin(&change, fib, fib_root(word), true);
    while (fib_trie_unset(&change, prefix) != 0) {
        reclaim_drain(fib->reclaim); /* nodes that wait for grace have taken all the room */
        fib_change_begin(&change, fib, fib_root(word), true);
    }
    publish(&change, word, prefix);
    fib->routes--;
    return 0;
}

void
fib_clear(struct fib *fib, uint32_t root)
{
    for (unsigned family = 0; family < FIB_FAMILIES; family++) {
        const uint64_t word = fib_root(&fib->roots[family][root]);

        change_begin(fib);
        fib_direct_clear(fib, &fib->roots[family][root]);
        fib->routes -= fib_trie_retire(fib, word);
        change_end(fib);
    }
}

void
fib_usage(const struct fib *fib, struct fib_usage *usage)
{
    *usage = (struct fib_usage){
        .routes = fib->routes,
        .nodes = fib->nodes - fib->retired,
        .octets = sizeof(*fib) + FIB_FAMILIES * fib->limits.roots * sizeof(*fib->roots[0]) +
                  fib->slabs.octets + fib->other_octets,
        .refusals = fib->refusals,
    };
}
