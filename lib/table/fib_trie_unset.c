/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Prefixes of one trie taken away. A node is merged with its child when nothing branches or ends in
 * it any more, so that the nodes depend on the prefixes that are there, not on those that were.
 */

#include <errno.h>

#include "lib/table/fib_trie.h"

/* Gives the slots and children of a place that showed the prefix what lies behind it. */
static void
words_unset(struct fib_change *change, const struct fib_shorts *shorts, uint64_t words[FIB_SLOTS],
            const struct fib_place *place)
{
    const uint64_t covering = fib_shorts_covering(shorts, place->position);
    uint8_t bits[FIB_SLOTS];

    fib_shorts_bits(shorts, bits);
    for (unsigned octet = place->first; octet <= place->last && !change->failed; octet++) {
        struct fib_node *child = NULL, *copy;
        uint64_t leaf = words[octet];

        if (word_is_child(leaf)) {
            child = word_child(change->fib, leaf);
            leaf = node_fallback(child);
        }
        if (leaf == 0 || (leaf & WORD_WHOLE ? 8 : bits[octet]) != place->bits)
            continue;
        if (child == NULL) {
            words[octet] = covering;
            continue;
        }
        copy = fib_change_copy(change, child);
        if (copy == NULL)
            return;
        word_write(copy->fallback, covering);
        fib_change_drop(change, child);
        words[octet] = word_of_child(change->fib, copy);
    }
}

static unsigned
words_in_use(const uint64_t words[FIB_SLOTS])
{
    unsigned n = 0;

    for (unsigned octet = 0; octet < FIB_SLOTS; octet++)
        n += words[octet] != 0;
    return n;
}

/* The slot of the only word in use, if it is a child that keeps no prefix for the octet above it.
 */
static bool
is_passage(const struct fib *fib, const uint64_t words[FIB_SLOTS], unsigned *octet)
{
    if (words_in_use(words) != 1)
        return false;
    for (*octet = 0; words[*octet] == 0;)
        ++*octet;
    return word_is_child(words[*octet]) && node_fallback(word_child(fib, words[*octet])) == 0;
}

/* Drops a node of the trie, or one that the same change made: that one is made once more. */
static void
drop(struct fib_change *change, struct fib_node *node)
{
    for (unsigned i = 0; i < change->n_made; i++) {
        if (change->made[i] == node) {
            fib_node_discard(change->fib, node);
            change->made[i] = change->made[--change->n_made];
            return;
        }
    }
    fib_change_drop(change, node);
}

/* A node that takes the part of `node`, which has nothing but a child, and of the child. */
static struct fib_node *
merged_make(struct fib_change *change, struct fib_node *node, unsigned octet,
            struct fib_node *child)
{
    struct fib_span span = fib_node_span(node);
    uint64_t words[FIB_SLOTS];
    struct fib_node *merged;

    span.skipped[span.n_skipped++] = (uint8_t)octet;
    memcpy(&span.skipped[span.n_skipped], child->rest, child->n_skipped);
    span.n_skipped = (uint8_t)(span.n_skipped + child->n_skipped);
    span.level = child->level;
    fib_node_expand(child, words);
    merged = fib_change_make(change, &span, words, node_fallback(node), fib_node_shorts(child));
    if (merged != NULL)
        drop(change, child);
    return merged;
}

/*
 * Gives the last of the nodes on the way to a place the slots `words`; a node without any goes, and
 * the one above gets its fallback in its place.
 */
static void
node_change_or_drop(struct fib_change *change, struct fib_way *way, struct fib_shorts *shorts,
                    uint64_t words[FIB_SLOTS])
{
    struct fib_node *node = way->nodes[--way->n], *new;
    unsigned octet;

    while (words_in_use(words) == 0) {
        uint64_t fallback = node_fallback(node);

        fib_change_drop(change, node);
        if (way->n == 0) {
            change->root = fallback;
            return;
        }
        node = way->nodes[--way->n];
        shorts = fib_node_shorts(node);
        fib_node_expand(node, words);
        words[way->octets[node->level]] = fallback;
    }
    if (shorts == NULL && is_passage(change->fib, words, &octet)) {
        new = merged_make(change, node, octet, word_child(change->fib, words[octet]));
    } else {
        const struct fib_span span = fib_node_span(node);

        new = fib_change_make(change, &span, words, node_fallback(node), shorts);
    }
    if (new == NULL)
        return;
    fib_change_drop(change, node);
    fib_change_put_child(change, way, way->n, new);
}

int
fib_trie_unset(struct fib_change *change, const struct ip_prefix *prefix)
{
    struct fib_place place;
    struct fib_way way;
    struct fib_node *node;
    struct fib_shorts *shorts, *kept;
    uint64_t words[FIB_SLOTS];

    if (prefix->length == 0)
        return fib_trie_set(change, prefix, PATH_NONE);
    place = fib_place_of(prefix);
    fib_trie_descend(change->fib, change->root, &place, &way);
    node = fib_way_end(&way, &place);
    shorts = fib_node_shorts(node);
    kept = place.bits < 8 && fib_shorts_count(shorts) == 1 ? NULL : shorts;
    fib_node_expand(node, words);
    words_unset(change, shorts, words, &place);
    if (!change->failed)
        node_change_or_drop(change, &way, kept, words);
    if (change->failed) {
        fib_change_discard(change);
        return -ENOSPC;
    }
    if (kept == NULL)
        fib_shorts_free(change->fib, shorts);
    else if (place.bits < 8)
        fib_shorts_unset(shorts, place.position);
    return 0;
}

uint32_t
fib_trie_retire(struct fib *fib, uint64_t word)
{
    uint64_t words[FIB_SLOTS];
    struct fib_node *node;
    struct fib_shorts *shorts;
    uint32_t prefixes;

    if (!word_is_child(word))
        return word & WORD_WHOLE ? 1 : 0;
    node = word_child(fib, word);
    shorts = fib_node_shorts(node);
    prefixes = fib_shorts_count(shorts) + (node_fallback(node) & WORD_WHOLE ? 1 : 0);
    fib_node_expand(node, words);
    for (unsigned octet = 0; octet < FIB_SLOTS; octet++)
        prefixes += fib_trie_retire(fib, words[octet]);
    fib_shorts_free(fib, shorts);
    fib_node_retire(fib, node);
    return prefixes;
}
