/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Inside the FIB: one change of a trie. New nodes are made beside the old ones, from the place of
 * the change up to the root; then one store of the root's word publishes them all, or, where memory
 * runs out, all are discarded and nothing has changed. Control thread.
 */

#include "lib/table/fib_node.h"
#include "lib/table/fib_shorts.h"

/* The most nodes that a change makes or retires: all children of one, the way to it, a split. */
#define CHANGE_NODES (FIB_SLOTS + FIB_LEVELS + 4)

/* The nodes that an address passes, from the root's on down. */
struct fib_way {
    const uint8_t *octets; /* of the address */
    struct fib_node *nodes[FIB_LEVELS];
    unsigned n;
};

struct fib_change {
    struct fib *fib;
    uint64_t root;  /* the word of the trie's root, before; once the change is made: after */
    bool force;     /* beyond the limit of nodes */
    bool failed;    /* no memory, or more nodes than there may be */
    unsigned level; /* the lowest one with a node that is not merely a copy with a new child */
    unsigned n_made, n_old;
    struct fib_node *made[CHANGE_NODES], *old[CHANGE_NODES];
};

/** Begins a change of a trie. */
void fib_change_begin(struct fib_change *change, struct fib *fib, uint64_t root, bool force);

/** fib_node_make() and fib_node_copy() as parts of a change. NULL also sets `failed`. */
struct fib_node *fib_change_make(struct fib_change *change, const struct fib_span *span,
                                 const uint64_t words[FIB_SLOTS], uint64_t fallback,
                                 struct fib_shorts *shorts);
struct fib_node *fib_change_copy(struct fib_change *change, const struct fib_node *node);

/** Says that a node goes, and that its place changes. */
void fib_change_drop(struct fib_change *change, struct fib_node *node);

/** Puts `child` where, behind the first `n` nodes of a way, another child stands; all these are
 * copied. The last step of a change: it fails if the table had more nodes than it may. */
void fib_change_put_child(struct fib_change *change, const struct fib_way *way, unsigned n,
                          const struct fib_node *child);

/** Frees all that was made. */
void fib_change_discard(struct fib_change *change);

/** Retires all that goes; after the new root has been published. */
void fib_change_finish(struct fib_change *change);
