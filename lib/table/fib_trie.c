/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Exact prefixes of one trie: found and set. A node is split where a new prefix leaves the octets
 * that it skips. Taking away is in fib_trie_unset.c.
 */

#include "lib/table/fib_trie.h"

#include <errno.h>

struct fib_place
fib_place_of(const struct ip_prefix *prefix)
{
    struct fib_place place = { .octets = prefix->addr.octets };

    place.level = (prefix->length - 1u) / 8;
    place.bits = prefix->length - 8 * place.level;
    place.first = place.octets[place.level];
    place.last = place.first | (0xffu >> place.bits);
    place.position = (place.first | FIB_SLOTS) >> (8 - place.bits);
    return place;
}

static bool
place_covers(const struct fib_place *place, unsigned octet)
{
    return place->first <= octet && octet <= place->last;
}

void
fib_trie_descend(const struct fib *fib, uint64_t root, const struct fib_place *place,
                 struct fib_way *way)
{
    way->octets = place->octets;
    way->n = 0;
    for (uint64_t word = root; word_is_child(word);) {
        struct fib_node *node = word_child(fib, word);

        if (node->level > place->level || !node_passes(node, place->octets))
            break;
        way->nodes[way->n++] = node;
        if (node->level == place->level)
            break;
        word = node_word(node, place->octets[node->level]);
    }
}

struct fib_node *
fib_way_end(const struct fib_way *way, const struct fib_place *place)
{
    if (way->n == 0 || way->nodes[way->n - 1]->level != place->level)
        return NULL;
    return way->nodes[way->n - 1];
}

/* The path of a leaf if its prefix is one that uses the whole octet, else PATH_NONE. */
static path_t
whole_path(uint64_t leaf)
{
    return leaf & WORD_WHOLE ? word_path(leaf) : PATH_NONE;
}

/* The leaf of a slot or root: the word itself or, if it is a child, the child's fallback. */
static uint64_t
leaf_of(const struct fib *fib, uint64_t word)
{
    return word_is_child(word) ? node_fallback(word_child(fib, word)) : word;
}

path_t
fib_trie_get(const struct fib *fib, uint64_t root, const struct ip_prefix *prefix)
{
    struct fib_place place;
    struct fib_node *node;
    struct fib_way way;

    if (prefix->length == 0)
        return whole_path(leaf_of(fib, root));
    place = fib_place_of(prefix);
    fib_trie_descend(fib, root, &place, &way);
    node = fib_way_end(&way, &place);
    if (node == NULL)
        return PATH_NONE;
    if (place.bits < 8)
        return fib_shorts_get(fib_node_shorts(node), place.position);
    return whole_path(leaf_of(fib, node_word(node, place.first)));
}

/* True if a prefix that uses `bits` of its octet yields to the one of a leaf there. */
static bool
leaf_is_longer(uint64_t leaf, unsigned bits_of_short, unsigned bits)
{
    return leaf != 0 && (leaf & WORD_WHOLE ? 8 : bits_of_short) > bits;
}

/* Puts a prefix's leaf where no longer prefix stands; children get it as their fallback, and are
 * made anew for it. */
static void
words_set(struct fib_change *change, const struct fib_shorts *shorts, uint64_t words[FIB_SLOTS],
          const struct fib_place *place, uint64_t leaf)
{
    uint8_t bits[FIB_SLOTS];

    fib_shorts_bits(shorts, bits);
    for (unsigned octet = place->first; octet <= place->last && !change->failed; octet++) {
        struct fib_node *child, *copy;

        if (leaf_is_longer(leaf_of(change->fib, words[octet]), bits[octet], place->bits))
            continue;
        if (!word_is_child(words[octet])) {
            words[octet] = leaf;
            continue;
        }
        child = word_child(change->fib, words[octet]);
        copy = fib_change_copy(change, child);
        if (copy == NULL)
            return;
        word_write(copy->fallback, leaf);
        fib_change_drop(change, child);
        words[octet] = word_of_child(change->fib, copy);
    }
}

/* Sets a prefix in the node that is there for it. */
static int
node_set(struct fib_change *change, const struct fib_way *way, const struct fib_place *place,
         path_t path)
{
    struct fib_node *old = way->nodes[way->n - 1], *new;
    struct fib_shorts *shorts = fib_node_shorts(old);
    const bool had_shorts = shorts != NULL;
    const struct fib_span span = fib_node_span(old);
    uint64_t words[FIB_SLOTS];

    if (place->bits < 8 && fib_shorts_reserve(change->fib, &shorts) != 0)
        return -ENOMEM;
    if (had_shorts)
        fib_node_shorts_moved(old, shorts);
    fib_node_expand(old, words);
    words_set(change, shorts, words, place, word_of_path(path, place->bits == 8));
    new = change->failed ? NULL : fib_change_make(change, &span, words, node_fallback(old), shorts);
    if (new != NULL) {
        fib_change_drop(change, old);
        fib_change_put_child(change, way, way->n - 1, new);
    }
    if (change->failed) {
        if (!had_shorts)
            fib_shorts_free(change->fib, shorts);
        return -ENOSPC;
    }
    if (place->bits < 8)
        fib_shorts_set(shorts, place->position, path);
    return 0;
}

/* The span of a node at `level` on the way to a place, under a word that stands above `top`. */
static struct fib_span
span_towards(const struct fib_place *place, unsigned top, unsigned level)
{
    struct fib_span span = { .level = (uint8_t)level, .n_skipped = (uint8_t)(level - top) };

    memcpy(span.skipped, &place->octets[top], span.n_skipped);
    return span;
}

/* A path that is to be set where no node is for it yet. */
struct addition {
    const struct fib_place *place;
    path_t path;
    struct fib_shorts *shorts; /* of the new node */
};

/* Makes the node of a place, with the prefix and `words`. */
static struct fib_node *
place_node_make(struct fib_change *change, const struct addition *addition, unsigned top,
                uint64_t words[FIB_SLOTS], uint64_t fallback)
{
    const struct fib_place *place = addition->place;
    const struct fib_span span = span_towards(place, top, place->level);
    const uint64_t leaf = word_of_path(addition->path, place->bits == 8);

    for (unsigned octet = place->first; octet <= place->last; octet++) {
        if (!word_is_child(words[octet]))
            words[octet] = leaf;
    }
    return fib_change_make(change, &span, words, fallback, addition->shorts);
}

/* Makes a node at `level` that branches, under a word that stands above `top`: to the child that is
 * among `words`, and to a new node of the place. */
static struct fib_node *
fork_make(struct fib_change *change, const struct addition *addition, unsigned top, unsigned level,
          uint64_t words[FIB_SLOTS], uint64_t fallback)
{
    const struct fib_span span = span_towards(addition->place, top, level);
    uint64_t words_of_place[FIB_SLOTS] = { 0 };
    struct fib_node *node;

    node = place_node_make(change, addition, level + 1, words_of_place, 0);
    if (node == NULL)
        return NULL;
    words[addition->place->octets[level]] = word_of_child(change->fib, node);
    return fib_change_make(change, &span, words, fallback, NULL);
}

/*
 * Makes what takes the part of `old`, which a packet to the prefix's address does not pass, or only
 * behind the prefix: a node at the level where they part, above the rest of `old`.
 */
static struct fib_node *
split_make(struct fib_change *change, const struct addition *addition, struct fib_node *old)
{
    const struct fib_place *place = addition->place;
    const unsigned top = old->level - old->n_skipped;
    const unsigned parting = top + node_octets_in_common(old, place->octets);
    const unsigned level = parting < place->level ? parting : place->level;
    const unsigned octet = old->rest[level - top];
    struct fib_span span = { .level = old->level, .n_skipped = (uint8_t)(old->level - level - 1) };
    uint64_t words[FIB_SLOTS], covering = 0;
    struct fib_node *moved;

    memcpy(span.skipped, &old->rest[level - top + 1], span.n_skipped);
    if (level == place->level && place_covers(place, octet))
        covering = word_of_path(addition->path, place->bits == 8);
    fib_node_expand(old, words);
    moved = fib_change_make(change, &span, words, covering, fib_node_shorts(old));
    if (moved == NULL)
        return NULL;
    fib_change_drop(change, old);
    memset(words, 0, sizeof(words));
    words[octet] = word_of_child(change->fib, moved);
    if (level == place->level)
        return place_node_make(change, addition, top, words, node_fallback(old));
    return fork_make(change, addition, top, level, words, node_fallback(old));
}

/* Adds a node for a prefix behind the nodes of a way. */
static void
node_add(struct fib_change *change, const struct fib_way *way, const struct addition *addition)
{
    struct fib_node *above = way->n == 0 ? NULL : way->nodes[way->n - 1], *added;
    const unsigned octet = above == NULL ? 0 : addition->place->octets[above->level];
    const uint64_t word = above == NULL ? change->root : node_word(above, octet);
    uint64_t words[FIB_SLOTS] = { 0 };

    if (word_is_child(word)) {
        added = split_make(change, addition, word_child(change->fib, word));
        if (added != NULL)
            fib_change_put_child(change, way, way->n, added);
        return;
    }
    added = place_node_make(change, addition, above == NULL ? 0 : above->level + 1u, words, word);
    if (added == NULL)
        return;
    if (above != NULL) {
        const struct fib_span span = fib_node_span(above);

        fib_node_expand(above, words);
        words[octet] = word_of_child(change->fib, added);
        added = fib_change_make(change, &span, words, node_fallback(above), fib_node_shorts(above));
        if (added == NULL)
            return;
        fib_change_drop(change, above);
    }
    fib_change_put_child(change, way, above == NULL ? 0 : way->n - 1, added);
}

/* /0 is the root's own leaf or, if there are nodes, the first one's fallback. */
static void
default_set(struct fib_change *change, uint64_t leaf)
{
    struct fib_node *node, *copy;

    if (!word_is_child(change->root)) {
        change->root = leaf;
        return;
    }
    node = word_child(change->fib, change->root);
    copy = fib_change_copy(change, node);
    if (copy == NULL)
        return;
    word_write(copy->fallback, leaf);
    change->old[change->n_old++] = node;
    change->root = word_of_child(change->fib, copy);
}

int
fib_trie_set(struct fib_change *change, const struct ip_prefix *prefix, path_t path)
{
    struct fib_place place;
    struct addition addition = { .place = &place, .path = path };
    struct fib_way way;
    int error = 0;

    if (prefix->length == 0) {
        default_set(change, path == PATH_NONE ? 0 : word_of_path(path, true));
    } else {
        place = fib_place_of(prefix);
        fib_trie_descend(change->fib, change->root, &place, &way);
        if (fib_way_end(&way, &place) != NULL) {
            error = node_set(change, &way, &place, path);
        } else {
            if (place.bits < 8 && fib_shorts_reserve(change->fib, &addition.shorts) != 0)
                return -ENOMEM;
            node_add(change, &way, &addition);
            if (change->failed)
                fib_shorts_free(change->fib, addition.shorts);
            else if (place.bits < 8)
                fib_shorts_set(addition.shorts, place.position, path);
        }
    }
    if (change->failed)
        error = -ENOSPC;
    if (error != 0)
        fib_change_discard(change);
    return error;
}
