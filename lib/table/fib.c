/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The FIB's writer: limits, families and what makes a change one for readers. How exact prefixes
 * are set and taken away is in fib_trie.c, how nodes and words look in fib_node.h, looking up in
 * fib_lookup.c.
 */

#include "lib/table/fib.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/table/fib_node.h"
#include "lib/table/reclaim.h"

struct fib *
fib_create(const struct fib_limits *limits, struct reclaim *reclaim)
{
    struct fib *fib = calloc(1, sizeof(*fib));

    if (fib == NULL)
        return NULL;
    fib->limits = *limits;
    fib->reclaim = reclaim;
    for (unsigned family = 0; family < FIB_FAMILIES; family++) {
        fib->roots[family] = calloc(limits->roots, sizeof(*fib->roots[family]));
        if (fib->roots[family] == NULL)
            goto fail;
    }
    return fib;

fail:
    for (unsigned family = 0; family < FIB_FAMILIES; family++)
        free(fib->roots[family]);
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
    if (prefix->length == 0)
        return leaf_of_whole_octet(word_load(leaf_of(root_of(fib, root, prefix))));
    return fib_trie_get(root_of(fib, root, prefix), prefix);
}

int
fib_set(struct fib *fib, uint32_t root, const struct ip_prefix *prefix, path_t path)
{
    int error = prefix_check(prefix);
    bool is_new;

    if (error != 0)
        return error;
    if (path_kind(path) == PATH_NONE || path_kind(path) >= PATH_KINDS || path >> WORD_BITS != 0)
        return -EINVAL;
    is_new = fib_get(fib, root, prefix) == PATH_NONE;
    if (is_new && fib->routes >= fib->limits.routes) {
        fib->refusals++;
        return -ENOSPC;
    }
    change_begin(fib);
    if (prefix->length == 0)
        word_store(leaf_of(root_of(fib, root, prefix)), word_of_path(path, 8));
    else
        error = fib_trie_set(fib, root_of(fib, root, prefix), prefix, path);
    change_end(fib);
    if (error != 0)
        fib->refusals++;
    else if (is_new)
        fib->routes++;
    return error;
}

int
fib_unset(struct fib *fib, uint32_t root, const struct ip_prefix *prefix)
{
    if (fib_get(fib, root, prefix) == PATH_NONE)
        return -ENOENT;
    change_begin(fib);
    if (prefix->length == 0)
        word_store(leaf_of(root_of(fib, root, prefix)), 0);
    else
        fib_trie_unset(fib, root_of(fib, root, prefix), prefix);
    change_end(fib);
    fib->routes--;
    return 0;
}

void
fib_clear(struct fib *fib, uint32_t root)
{
    for (unsigned family = 0; family < FIB_FAMILIES; family++) {
        change_begin(fib);
        fib->routes -= fib_trie_clear(fib, &fib->roots[family][root]);
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
                  fib->slabs.octets + fib->shorts_octets,
        .refusals = fib->refusals,
    };
}
