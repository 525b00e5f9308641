/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Prefixes in order: an intrusive treap (a binary search tree whose random priorities keep it
 * balanced). Besides finding it serves pages: what comes behind a prefix that may be gone.
 * One thread at a time.
 */

#include <stdint.h>

#include "lib/net/addr.h"

struct prefix_node {
    struct ip_prefix prefix;
    struct prefix_node *left, *right;
    uint32_t priority;
    uint32_t size; /* nodes below and at this one */
};

struct prefix_tree {
    struct prefix_node *root;
};

/** The node of exactly this prefix, or NULL. */
struct prefix_node *prefix_tree_find(const struct prefix_tree *tree,
                                     const struct ip_prefix *prefix);

/** Adds a node whose prefix is set and not in the tree yet; the tree does not own it. */
void prefix_tree_add(struct prefix_tree *tree, struct prefix_node *node);

/** Takes out a node, which must be in the tree. */
void prefix_tree_remove(struct prefix_tree *tree, const struct prefix_node *node);

/** The first node behind `prefix` (NULL: the first of all), or NULL at the end. */
struct prefix_node *prefix_tree_after(const struct prefix_tree *tree,
                                      const struct ip_prefix *prefix);

/** How many nodes stand before `prefix`. */
uint32_t prefix_tree_rank(const struct prefix_tree *tree, const struct ip_prefix *prefix);

static inline uint32_t
prefix_tree_size(const struct prefix_tree *tree)
{
    return tree->root == NULL ? 0 : tree->root->size;
}
