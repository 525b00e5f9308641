/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Compaction: growth in random order leaves slabs of which few blocks are used. When they hold too
 * much memory they are closed, and root by root the nodes in them are copied to other slabs, as by
 * changes that change nothing. Control thread.
 */

#include "lib/table/fib_direct.h"

/* Nodes looked at in a slice: a millisecond or so. */
#define NODES_A_SLICE 4096u

/* Compaction comes once in so many changes at most: it cannot always make the pool dense. */
#define CHANGES_BETWEEN 1024u

/* A node, or the copy that takes its place if it or one below it moves. There is memory for it:
 * compaction does not begin without. */
static struct fib_node *
node_move(struct fib *fib, struct fib_node *node, unsigned *looked_at)
{
    struct fib_node *copy = slab_is_sparse(node) ? fib_node_copy(fib, node) : NULL;

    ++*looked_at;
    for (unsigned slot = 0; slot < node->n_slots; slot++) {
        uint8_t *at = node_slots(node) + slot * WORD_OCTETS;
        uint64_t word = word_read(at);
        struct fib_node *child, *moved;

        if (!word_is_child(word))
            continue;
        child = word_child(fib, word);
        moved = node_move(fib, child, looked_at);
        if (moved == child)
            continue;
        if (copy == NULL)
            copy = fib_node_copy(fib, node);
        word_write(node_slots(copy) + slot * WORD_OCTETS, word_of_child(fib, moved));
    }
    if (copy == NULL)
        return node;
    fib_node_retire(fib, node);
    return copy;
}

/* Moves what is behind one octet of a root's first node, and that node itself. */
static void
octet_move(struct fib *fib, _Atomic uint64_t *root, unsigned octet, unsigned *looked_at)
{
    struct fib_node *top = word_child(fib, fib_root(root)), *child = NULL, *moved = NULL, *copy;
    const uint64_t word = node_word(top, octet);
    struct ip_prefix prefix = { .length = (uint8_t)(8 * top->level + 8) };

    if (word_is_child(word))
        child = moved = word_child(fib, word);
    if (child != NULL)
        moved = node_move(fib, child, looked_at);
    if (moved == child && !slab_is_sparse(top))
        return;
    copy = fib_node_copy(fib, top);
    if (moved != NULL)
        fib_node_put_child(fib, copy, octet, moved);
    prefix.addr.octets[top->level] = (uint8_t)octet;
    fib_direct_publish(fib, root, word_of_child(fib, copy), &prefix, top->level);
    fib_node_retire(fib, top);
}

/* True if everything could be there twice, and more. */
static bool
there_is_room(const struct slab_pool *pool)
{
    return pool->n_slabs - pool->n_returned < pool->slabs_max / 2;
}

bool
fib_compact(struct fib *fib)
{
    struct fib_compaction *at = &fib->compaction;
    unsigned looked_at = 0;

    if (!there_is_room(&fib->slabs))
        return false;
    if (!at->on) {
        if (fib->changes - at->changes < CHANGES_BETWEEN || !slab_pool_is_sparse(&fib->slabs))
            return false;
        slab_pool_thin(&fib->slabs);
        *at = (struct fib_compaction){ .on = true };
    }
    while (looked_at < NODES_A_SLICE) {
        _Atomic uint64_t *root = &fib->roots[at->family][at->root];

        looked_at++;
        if (at->octet < FIB_SLOTS && word_is_child(fib_root(root))) {
            octet_move(fib, root, at->octet++, &looked_at);
            continue;
        }
        at->octet = 0;
        if (++at->root < fib->limits.roots)
            continue;
        at->root = 0;
        if (++at->family < FIB_FAMILIES)
            continue;
        *at = (struct fib_compaction){ .changes = fib->changes };
        return false;
    }
    return true;
}
