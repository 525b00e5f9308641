/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The FIB's writer: setting, taking away and finding exact prefixes. How nodes and words look is in
 * fib_node.h, looking up in fib_lookup.c.
 */

#include "lib/table/fib.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/table/fib_node.h"
#include "lib/table/reclaim.h"

#define FIB_LEVELS 4u

/* Where a prefix lives: at the node of `level`, over the slots first..last of it. A default route
 * has no node; it is the leaf of its root's word. */
struct place {
    uint32_t address;
    unsigned level;
    unsigned bits;     /* of the octet at this level: 1-8 */
    unsigned position; /* the bits with a one in front */
    unsigned first, last;
};

static unsigned
octet_at(uint32_t address, unsigned level)
{
    return address >> (24 - 8 * level) & (FIB_SLOTS - 1);
}

static struct place
place_of(const struct ip_prefix *prefix)
{
    struct place place = { .address = ip_addr_to_v4(&prefix->addr) };

    place.level = (prefix->length - 1u) / 8;
    place.bits = prefix->length - 8 * place.level;
    place.first = octet_at(place.address, place.level);
    place.last = place.first | (0xffu >> place.bits);
    place.position = (place.first | FIB_SLOTS) >> (8 - place.bits);
    return place;
}

struct fib *
fib_create(const struct fib_limits *limits, struct reclaim *reclaim)
{
    struct fib *fib = calloc(1, sizeof(*fib));

    if (fib == NULL)
        return NULL;
    fib->roots = calloc(limits->roots, sizeof(*fib->roots));
    if (fib->roots == NULL) {
        free(fib);
        return NULL;
    }
    fib->limits = *limits;
    fib->reclaim = reclaim;
    return fib;
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
    free(fib->roots);
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

/* The leaf of a slot or root: the word itself or, if a child stands there, the child's fallback. */
static _Atomic uint64_t *
leaf_of(_Atomic uint64_t *word)
{
    uint64_t value = word_load(word);

    return word_is_child(value) ? &word_child(value)->fallback : word;
}

/* The path of a leaf if its prefix is one that uses the whole octet, else PATH_NONE. */
static path_t
leaf_of_whole_octet(uint64_t leaf)
{
    return word_bits(leaf) == 8 ? leaf & WORD_PATH_MASK : PATH_NONE;
}

/*
 * Goes down to the node of a place. `links[l]` gets the word that leads to the node of level l, as
 * far as there are nodes.
 * @return the level of the first node that is missing; place->level + 1 if all are there.
 */
static unsigned
descend(const struct fib *fib, uint32_t root, const struct place *place,
        _Atomic uint64_t *links[FIB_LEVELS])
{
    _Atomic uint64_t *link = &fib->roots[root];
    unsigned level = 0;

    while (link != NULL && word_is_child(word_load(link))) {
        links[level] = link;
        if (level == place->level)
            return level + 1;
        link = node_slot(word_child(word_load(link)), octet_at(place->address, level));
        level++;
    }
    return level;
}

path_t
fib_get(const struct fib *fib, uint32_t root, const struct ip_prefix *prefix)
{
    _Atomic uint64_t *links[FIB_LEVELS];
    struct fib_node *node;
    struct place place;

    if (prefix->addr.family != IP_V4)
        return PATH_NONE;
    if (prefix->length == 0)
        return leaf_of_whole_octet(word_load(leaf_of(&fib->roots[root])));
    place = place_of(prefix);
    if (descend(fib, root, &place, links) <= place.level)
        return PATH_NONE;
    node = word_child(word_load(links[place.level]));
    if (place.bits < 8)
        return fib_shorts_get(node, place.position);

    _Atomic uint64_t *slot = node_slot(node, place.first);

    return slot == NULL ? PATH_NONE : leaf_of_whole_octet(word_load(leaf_of(slot)));
}

/* Puts a prefix's leaf where no longer prefix stands. */
static void
words_set(uint64_t words[FIB_SLOTS], const struct place *place, uint64_t leaf)
{
    for (unsigned octet = place->first; octet <= place->last; octet++) {
        if (!word_is_child(words[octet]) && word_bits(words[octet]) <= place->bits)
            words[octet] = leaf;
    }
}

static void
fallbacks_set(const uint64_t words[FIB_SLOTS], const struct place *place, uint64_t leaf)
{
    for (unsigned octet = place->first; octet <= place->last; octet++) {
        if (word_is_child(words[octet]) &&
            word_bits(word_load(&word_child(words[octet])->fallback)) <= place->bits)
            word_store(&word_child(words[octet])->fallback, leaf);
    }
}

/* Sets a prefix in the node that is there for it. */
static int
node_set(struct fib *fib, _Atomic uint64_t *link, const struct place *place, path_t path)
{
    struct fib_node *node = word_child(word_load(link));
    uint64_t leaf = word_of_path(path, place->bits), words[FIB_SLOTS];
    int error;

    if (place->bits < 8 && fib_shorts_reserve(fib, &node->shorts) != 0)
        return -ENOMEM;
    fib_node_expand(node, words);
    words_set(words, place, leaf);
    error = fib_node_change(fib, link, words);
    if (error != 0)
        return error;
    fallbacks_set(words, place, leaf);
    if (place->bits < 8)
        fib_shorts_set(word_child(word_load(link))->shorts, place->position, path);
    return 0;
}

/* Frees a chain of unlinked nodes. */
static void
chain_discard(struct fib *fib, struct fib_node *node)
{
    while (node != NULL) {
        uint64_t word = word_load(&node->slots[0]);
        struct fib_node *child = word_is_child(word) ? word_child(word) : NULL;

        fib_node_discard(fib, node);
        node = child;
    }
}

/* Makes the nodes of levels top..place->level with nothing in them but the prefix. */
static struct fib_node *
chain_make(struct fib *fib, const struct place *place, unsigned top, uint64_t fallback, path_t path)
{
    uint64_t words[FIB_SLOTS] = { 0 };
    struct fib_node *node, *above;

    words_set(words, place, word_of_path(path, place->bits));
    node = fib_node_make(fib, words, place->level == top ? fallback : 0);
    if (node == NULL)
        return NULL;
    if (place->bits < 8) {
        if (fib_shorts_reserve(fib, &node->shorts) != 0)
            goto fail;
        fib_shorts_set(node->shorts, place->position, path);
    }
    for (unsigned level = place->level; level-- > top; node = above) {
        memset(words, 0, sizeof(words));
        words[octet_at(place->address, level)] = word_of_child(node);
        above = fib_node_make(fib, words, level == top ? fallback : 0);
        if (above == NULL)
            goto fail;
    }
    return node;

fail:
    chain_discard(fib, node);
    return NULL;
}

/* Sets a prefix whose nodes from level `top` on are missing. */
static int
chain_add(struct fib *fib, uint32_t root, _Atomic uint64_t *links[FIB_LEVELS], unsigned top,
          const struct place *place, path_t path)
{
    uint64_t words[FIB_SLOTS], *word = words;
    struct fib_node *chain;

    if (top == 0) {
        word[0] = word_load(&fib->roots[root]);
    } else {
        fib_node_expand(word_child(word_load(links[top - 1])), words);
        word = &words[octet_at(place->address, top - 1)];
    }
    chain = chain_make(fib, place, top, *word, path);
    if (chain == NULL)
        return -ENOSPC;
    *word = word_of_child(chain);
    if (top == 0) {
        word_store(&fib->roots[root], *word);
        return 0;
    }
    if (fib_node_change(fib, links[top - 1], words) != 0) {
        chain_discard(fib, chain);
        return -ENOSPC;
    }
    return 0;
}

static int
prefix_set(struct fib *fib, uint32_t root, const struct ip_prefix *prefix, path_t path)
{
    _Atomic uint64_t *links[FIB_LEVELS];
    struct place place;
    unsigned missing;

    if (prefix->length == 0) {
        word_store(leaf_of(&fib->roots[root]), word_of_path(path, 8));
        return 0;
    }
    place = place_of(prefix);
    missing = descend(fib, root, &place, links);
    if (missing <= place.level)
        return chain_add(fib, root, links, missing, &place, path);
    return node_set(fib, links[place.level], &place, path);
}

int
fib_set(struct fib *fib, uint32_t root, const struct ip_prefix *prefix, path_t path)
{
    bool is_new;
    int error;

    if (prefix->addr.family != IP_V4)
        return -EAFNOSUPPORT;
    if (path_kind(path) == PATH_NONE || path_kind(path) >= PATH_KINDS || path >> WORD_BITS != 0)
        return -EINVAL;
    is_new = fib_get(fib, root, prefix) == PATH_NONE;
    if (is_new && fib->routes >= fib->limits.routes) {
        fib->refusals++;
        return -ENOSPC;
    }
    change_begin(fib);
    error = prefix_set(fib, root, prefix, path);
    change_end(fib);
    if (error != 0)
        fib->refusals++;
    else if (is_new)
        fib->routes++;
    return error;
}

/*
 * Gives the node of `level` the slots `words`; a node without any is unlinked, and its parent gets
 * its fallback in its place.
 */
static void
node_change_or_unlink(struct fib *fib, _Atomic uint64_t *links[FIB_LEVELS], unsigned level,
                      uint32_t address, uint64_t words[FIB_SLOTS])
{
    struct fib_node *unlinked[FIB_LEVELS];
    unsigned n_unlinked = 0;

    while (fib_words_in_use(words) == 0) {
        struct fib_node *node = word_child(word_load(links[level]));
        uint64_t fallback = word_load(&node->fallback);

        unlinked[n_unlinked++] = node;
        if (level == 0) {
            word_store(links[0], fallback);
            break;
        }
        level--;
        fib_node_expand(word_child(word_load(links[level])), words);
        words[octet_at(address, level)] = fallback;
    }
    if (fib_words_in_use(words) > 0)
        fib_node_change(fib, links[level], words);
    for (unsigned i = 0; i < n_unlinked; i++) {
        fib_shorts_free(fib, unlinked[i]); /* empty, but room may be left */
        fib_node_retire(fib, unlinked[i]);
    }
}

/* Takes away a prefix that is there: what it covered falls to the next shorter one in its node, or
 * to what lies above the node. */
static void
prefix_unset(struct fib *fib, uint32_t root, const struct ip_prefix *prefix)
{
    struct place place = place_of(prefix);
    _Atomic uint64_t *links[FIB_LEVELS];
    uint64_t words[FIB_SLOTS], covering;
    struct fib_node *node;

    descend(fib, root, &place, links);
    node = word_child(word_load(links[place.level]));
    if (place.bits < 8)
        fib_shorts_unset(fib, node, place.position);
    covering = fib_shorts_covering(node, place.position);
    fib_node_expand(node, words);
    for (unsigned octet = place.first; octet <= place.last; octet++) {
        if (word_is_child(words[octet])) {
            _Atomic uint64_t *fallback = &word_child(words[octet])->fallback;

            if (word_bits(word_load(fallback)) == place.bits)
                word_store(fallback, covering);
        } else if (word_bits(words[octet]) == place.bits) {
            words[octet] = covering;
        }
    }
    node_change_or_unlink(fib, links, place.level, place.address, words);
}

int
fib_unset(struct fib *fib, uint32_t root, const struct ip_prefix *prefix)
{
    if (fib_get(fib, root, prefix) == PATH_NONE)
        return -ENOENT;
    change_begin(fib);
    if (prefix->length == 0)
        word_store(leaf_of(&fib->roots[root]), 0);
    else
        prefix_unset(fib, root, prefix);
    change_end(fib);
    fib->routes--;
    return 0;
}

/* Retires the node of an unlinked word and all below it. @return the routes they held. */
static uint32_t
subtree_retire(struct fib *fib, uint64_t word)
{
    uint64_t words[FIB_SLOTS];
    struct fib_node *node;
    uint32_t routes;

    if (!word_is_child(word))
        return leaf_of_whole_octet(word) != PATH_NONE;
    node = word_child(word);
    routes =
        fib_shorts_count(node) + (leaf_of_whole_octet(word_load(&node->fallback)) != PATH_NONE);
    fib_node_expand(node, words);
    for (unsigned octet = 0; octet < FIB_SLOTS; octet++)
        routes += subtree_retire(fib, words[octet]);
    fib_shorts_free(fib, node);
    fib_node_retire(fib, node);
    return routes;
}

void
fib_clear(struct fib *fib, uint32_t root)
{
    uint64_t word = word_load(&fib->roots[root]);

    if (word == 0)
        return;
    change_begin(fib);
    word_store(&fib->roots[root], 0);
    change_end(fib);
    fib->routes -= subtree_retire(fib, word);
}

void
fib_usage(const struct fib *fib, struct fib_usage *usage)
{
    *usage = (struct fib_usage){
        .routes = fib->routes,
        .nodes = fib->nodes - fib->retired,
        .octets = sizeof(*fib) + fib->limits.roots * sizeof(*fib->roots) + fib->slabs.octets +
                  fib->shorts_octets,
        .refusals = fib->refusals,
    };
}
