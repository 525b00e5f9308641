/* SPDX-License-Identifier: BSD-3-Clause */

/* A change of a trie, made aside: see fib_change.h. */

#include "lib/table/fib_change.h"

void
fib_change_begin(struct fib_change *change, struct fib *fib, uint64_t root, bool force)
{
    change->fib = fib;
    change->root = root;
    change->force = force;
    change->failed = false;
    change->level = FIB_LEVELS;
    change->n_made = 0;
    change->n_old = 0;
}

static struct fib_node *
made(struct fib_change *change, struct fib_node *node)
{
    if (node == NULL)
        change->failed = true;
    else
        change->made[change->n_made++] = node;
    return node;
}

struct fib_node *
fib_change_make(struct fib_change *change, const struct fib_span *span,
                const uint64_t words[FIB_SLOTS], uint64_t fallback, struct fib_shorts *shorts)
{
    if (change->level > span->level)
        change->level = span->level;
    return made(change, fib_node_make(change->fib, span, words, fallback, shorts));
}

struct fib_node *
fib_change_copy(struct fib_change *change, const struct fib_node *node)
{
    return made(change, fib_node_copy(change->fib, node));
}

void
fib_change_drop(struct fib_change *change, struct fib_node *node)
{
    if (change->level > node->level)
        change->level = node->level;
    change->old[change->n_old++] = node;
}

void
fib_change_put_child(struct fib_change *change, const struct fib_way *way, unsigned n,
                     const struct fib_node *child)
{
    const struct fib *fib = change->fib;

    while (n-- > 0) {
        struct fib_node *copy = fib_change_copy(change, way->nodes[n]);

        if (copy == NULL)
            return;
        fib_node_put_child(change->fib, copy, way->octets[copy->level], child);
        change->old[change->n_old++] = way->nodes[n];
        child = copy;
    }
    change->root = word_of_child(change->fib, child);
    if (!change->force && change->n_made > change->n_old &&
        fib->nodes - fib->retired - change->n_old > fib->limits.nodes)
        change->failed = true;
}

void
fib_change_discard(struct fib_change *change)
{
    for (unsigned i = 0; i < change->n_made; i++)
        fib_node_discard(change->fib, change->made[i]);
    change->n_made = 0;
    change->n_old = 0;
}

void
fib_change_finish(struct fib_change *change)
{
    for (unsigned i = 0; i < change->n_old; i++)
        fib_node_retire(change->fib, change->old[i]);
}
