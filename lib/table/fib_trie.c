/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Exact prefixes of one trie: found, set and taken away. A node is split where a new prefix leaves
 * the octets that it skips, and merged with its child when nothing branches or ends in it any more,
 * so that the nodes depend on the prefixes that are there, not on those that were.
 */

#include <errno.h>
#include <string.h>

#include "lib/table/fib_node.h"

/* Where a prefix lives: at the node of `level`, over the slots first..last of it. */
struct place {
    const uint8_t *octets; /* of the prefix's address */
    unsigned level;
    unsigned bits;     /* of the octet at this level: 1-8 */
    unsigned position; /* the bits with a one in front */
    unsigned first, last;
};

static struct place
place_of(const struct ip_prefix *prefix)
{
    struct place place = { .octets = prefix->addr.octets };

    place.level = (prefix->length - 1u) / 8;
    place.bits = prefix->length - 8 * place.level;
    place.first = place.octets[place.level];
    place.last = place.first | (0xffu >> place.bits);
    place.position = (place.first | FIB_SLOTS) >> (8 - place.bits);
    return place;
}

static bool
place_covers(const struct place *place, unsigned octet)
{
    return place->first <= octet && octet <= place->last;
}

/*
 * Goes down towards a place: `links` gets the words that lead to the nodes that a packet to the
 * prefix's address passes, as far down as the place's level.
 * @return how many there are.
 */
static unsigned
descend(_Atomic uint64_t *root, const struct place *place, _Atomic uint64_t *links[FIB_LEVELS])
{
    _Atomic uint64_t *link = root;
    unsigned n = 0;

    while (link != NULL && word_is_child(word_load(link))) {
        struct fib_node *node = word_child(word_load(link));

        if (node->level > place->level || !node_passes(node, place->octets))
            break;
        links[n++] = link;
        if (node->level == place->level)
            break;
        link = node_slot(node, place->octets[node->level]);
    }
    return n;
}

/* The word that leads to the place's own node, NULL if there is no such node. */
static _Atomic uint64_t *
link_of_place(const struct place *place, _Atomic uint64_t *links[FIB_LEVELS], unsigned n)
{
    if (n == 0 || word_child(word_load(links[n - 1]))->level != place->level)
        return NULL;
    return links[n - 1];
}

path_t
fib_trie_get(_Atomic uint64_t *root, const struct ip_prefix *prefix)
{
    const struct place place = place_of(prefix);
    _Atomic uint64_t *links[FIB_LEVELS], *link, *slot;
    struct fib_node *node;

    link = link_of_place(&place, links, descend(root, &place, links));
    if (link == NULL)
        return PATH_NONE;
    node = word_child(word_load(link));
    if (place.bits < 8)
        return fib_shorts_get(node, place.position);
    slot = node_slot(node, place.first);
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

/* The span of a node at `level` on the way to a place, under a word that stands above `top`. */
static struct fib_span
span_towards(const struct place *place, unsigned top, unsigned level)
{
    struct fib_span span = { .level = (uint8_t)level, .n_skipped = (uint8_t)(level - top) };

    memcpy(span.skipped, &place->octets[top], span.n_skipped);
    return span;
}

/* Makes the node of a place, with the prefix and `words`. */
static struct fib_node *
place_node_make(struct fib *fib, const struct place *place, unsigned top, uint64_t words[FIB_SLOTS],
                uint64_t fallback, path_t path)
{
    const struct fib_span span = span_towards(place, top, place->level);
    struct fib_node *node;

    words_set(words, place, word_of_path(path, place->bits));
    node = fib_node_make(fib, &span, words, fallback);
    if (node == NULL || place->bits == 8)
        return node;
    if (fib_shorts_reserve(fib, &node->shorts) != 0) {
        fib_node_discard(fib, node);
        return NULL;
    }
    fib_shorts_set(node->shorts, place->position, path);
    return node;
}

/* Makes a node at `level` that branches, under a word that stands above `top`: to `moved`, and to a
 * new node of the place. */
static struct fib_node *
fork_make(struct fib *fib, const struct place *place, unsigned top, unsigned level,
          uint64_t words[FIB_SLOTS], uint64_t fallback, path_t path)
{
    const struct fib_span span = span_towards(place, top, level);
    uint64_t words_of_place[FIB_SLOTS] = { 0 };
    struct fib_node *fork, *node;

    node = place_node_make(fib, place, level + 1, words_of_place, 0, path);
    if (node == NULL)
        return NULL;
    words[place->octets[level]] = word_of_child(node);
    fork = fib_node_make(fib, &span, words, fallback);
    if (fork == NULL)
        fib_node_discard(fib, node);
    return fork;
}

/*
 * Makes what takes the part of `old`, which a packet to the prefix's address does not pass, or only
 * behind the prefix: a node at the level where they part, above `moved`, the rest of `old`.
 */
static struct fib_node *
split_make(struct fib *fib, const struct place *place, struct fib_node *old, path_t path,
           struct fib_node **moved)
{
    const unsigned top = old->level - old->n_skipped;
    const unsigned parting = top + node_octets_in_common(old, place->octets);
    const unsigned level = parting < place->level ? parting : place->level;
    const unsigned octet = node_skipped(old)[level - top];
    struct fib_span span = { .level = old->level, .n_skipped = (uint8_t)(old->level - level - 1) };
    uint64_t words[FIB_SLOTS], fallback = word_load(&old->fallback), covering = 0;
    struct fib_node *node;

    memcpy(span.skipped, &node_skipped(old)[level - top + 1], span.n_skipped);
    if (level == place->level && place_covers(place, octet))
        covering = word_of_path(path, place->bits);
    fib_node_expand(old, words);
    *moved = fib_node_make(fib, &span, words, covering);
    if (*moved == NULL)
        return NULL;
    memset(words, 0, sizeof(words));
    words[octet] = word_of_child(*moved);
    if (level == place->level)
        node = place_node_make(fib, place, top, words, fallback, path);
    else
        node = fork_make(fib, place, top, level, words, fallback, path);
    if (node == NULL)
        fib_node_discard(fib, *moved);
    return node;
}

/* Sets a prefix that has no node yet; `links` are the nodes above it. */
static int
place_add(struct fib *fib, _Atomic uint64_t *root, _Atomic uint64_t *links[FIB_LEVELS], unsigned n,
          const struct place *place, path_t path)
{
    uint64_t words[FIB_SLOTS], words_of_place[FIB_SLOTS] = { 0 }, *word = words;
    struct fib_node *above = n == 0 ? NULL : word_child(word_load(links[n - 1]));
    struct fib_node *old = NULL, *moved = NULL, *added;

    if (above == NULL) {
        *word = word_load(root);
    } else {
        fib_node_expand(above, words);
        word = &words[place->octets[above->level]];
    }
    if (word_is_child(*word)) {
        old = word_child(*word);
        added = split_make(fib, place, old, path, &moved);
    } else {
        added = place_node_make(fib, place, above == NULL ? 0 : above->level + 1u, words_of_place,
                                *word, path);
    }
    if (added == NULL)
        return -ENOSPC;
    *word = word_of_child(added);
    if (above == NULL) {
        word_store(root, *word);
    } else if (fib_node_change(fib, links[n - 1], words) != 0) {
        fib_node_discard(fib, added); /* no split: that needs no new slot */
        return -ENOSPC;
    }
    if (old != NULL) {
        moved->shorts = old->shorts;
        fib_node_retire(fib, old);
    }
    return 0;
}

int
fib_trie_set(struct fib *fib, _Atomic uint64_t *root, const struct ip_prefix *prefix, path_t path)
{
    const struct place place = place_of(prefix);
    _Atomic uint64_t *links[FIB_LEVELS], *link;
    unsigned n = descend(root, &place, links);

    link = link_of_place(&place, links, n);
    if (link == NULL)
        return place_add(fib, root, links, n, &place, path);
    return node_set(fib, link, &place, path);
}

/* The slot of the only word in use, if it is a child that keeps no prefix for the octet above it.
 */
static bool
is_passage(const uint64_t words[FIB_SLOTS], unsigned *octet)
{
    if (fib_words_in_use(words) != 1)
        return false;
    for (*octet = 0; words[*octet] == 0;)
        ++*octet;
    return word_is_child(words[*octet]) && word_load(&word_child(words[*octet])->fallback) == 0;
}

/*
 * If the node that `link` leads to would have, with the slots `words`, nothing but one child, a new
 * node takes the part of both. @return false if not, or if there is no room for one.
 */
static bool
merge(struct fib *fib, _Atomic uint64_t *link, const uint64_t words[FIB_SLOTS])
{
    struct fib_node *node = word_child(word_load(link)), *child, *merged;
    struct fib_span span = fib_node_span(node);
    uint64_t words_below[FIB_SLOTS];
    unsigned octet;

    if (fib_shorts_count(node) > 0 || !is_passage(words, &octet))
        return false;
    child = word_child(words[octet]);
    span.skipped[span.n_skipped++] = (uint8_t)octet;
    memcpy(&span.skipped[span.n_skipped], node_skipped(child), child->n_skipped);
    span.n_skipped = (uint8_t)(span.n_skipped + child->n_skipped);
    span.level = child->level;
    fib_node_expand(child, words_below);
    merged = fib_node_make(fib, &span, words_below, word_load(&node->fallback));
    if (merged == NULL)
        return false;
    merged->shorts = child->shorts;
    word_store(link, word_of_child(merged));
    fib_shorts_free(fib, node); /* empty, but room may be left */
    fib_node_retire(fib, node);
    fib_node_retire(fib, child);
    return true;
}

/*
 * Gives the last of the nodes on the way to a place the slots `words`; a node without any is
 * unlinked, and its parent gets its fallback in its place.
 */
static void
node_change_or_unlink(struct fib *fib, _Atomic uint64_t *links[FIB_LEVELS], unsigned n,
                      const uint8_t *octets, uint64_t words[FIB_SLOTS])
{
    struct fib_node *unlinked[FIB_LEVELS];
    unsigned n_unlinked = 0;
    _Atomic uint64_t *link = links[--n];

    while (fib_words_in_use(words) == 0) {
        struct fib_node *node = word_child(word_load(link)), *above;
        uint64_t fallback = word_load(&node->fallback);

        unlinked[n_unlinked++] = node;
        if (n == 0) {
            word_store(link, fallback);
            break;
        }
        link = links[--n];
        above = word_child(word_load(link));
        fib_node_expand(above, words);
        words[octets[above->level]] = fallback;
    }
    if (fib_words_in_use(words) > 0 && !merge(fib, link, words))
        fib_node_change(fib, link, words);
    for (unsigned i = 0; i < n_unlinked; i++) {
        fib_shorts_free(fib, unlinked[i]); /* empty, but room may be left */
        fib_node_retire(fib, unlinked[i]);
    }
}

/* What the prefix covered falls to the next shorter one in its node, or to what lies above. */
void
fib_trie_unset(struct fib *fib, _Atomic uint64_t *root, const struct ip_prefix *prefix)
{
    const struct place place = place_of(prefix);
    _Atomic uint64_t *links[FIB_LEVELS];
    const unsigned n = descend(root, &place, links);
    struct fib_node *node = word_child(word_load(links[n - 1]));
    uint64_t words[FIB_SLOTS], covering;

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
    node_change_or_unlink(fib, links, n, place.octets, words);
}

/* Retires the node of an unlinked word and all below it. @return the prefixes they held. */
static uint32_t
subtree_retire(struct fib *fib, uint64_t word)
{
    uint64_t words[FIB_SLOTS];
    struct fib_node *node;
    uint32_t prefixes;

    if (!word_is_child(word))
        return leaf_of_whole_octet(word) != PATH_NONE;
    node = word_child(word);
    prefixes =
        fib_shorts_count(node) + (leaf_of_whole_octet(word_load(&node->fallback)) != PATH_NONE);
    fib_node_expand(node, words);
    for (unsigned octet = 0; octet < FIB_SLOTS; octet++)
        prefixes += subtree_retire(fib, words[octet]);
    fib_shorts_free(fib, node);
    fib_node_retire(fib, node);
    return prefixes;
}

uint32_t
fib_trie_clear(struct fib *fib, _Atomic uint64_t *root)
{
    uint64_t word = word_load(root);

    word_store(root, 0);
    return subtree_retire(fib, word);
}
