/* SPDX-License-Identifier: BSD-3-Clause */

/* Prefixes in order: a treap. The priority is a hash of the prefix under the process's own seed, so
 * nobody outside can choose an unbalanced tree, and the depth is logarithmic. */

#include "control/routeserver/prefix_tree.h"

#include <stddef.h>

#include "lib/base/hmap.h"

static uint32_t
size_of(const struct prefix_node *node)
{
    return node == NULL ? 0 : node->size;
}

static void
measure(struct prefix_node *node)
{
    node->size = 1 + size_of(node->left) + size_of(node->right);
}

struct prefix_node *
prefix_tree_find(const struct prefix_tree *tree, const struct ip_prefix *prefix)
{
    struct prefix_node *node = tree->root;

    while (node != NULL) {
        int order = ip_prefix_compare(prefix, &node->prefix);
        if (order == 0)
            break;
        node = order < 0 ? node->left : node->right;
    }
    return node;
}

/* Parts `node` into what stands before `prefix` and what stands behind. */
static void
split(struct prefix_node *node, const struct ip_prefix *prefix, struct prefix_node **before,
      struct prefix_node **behind)
{
    if (node == NULL) {
        *before = *behind = NULL;
        return;
    }
    if (ip_prefix_compare(&node->prefix, prefix) < 0) {
        split(node->right, prefix, &node->right, behind);
        *before = node;
    } else {
        split(node->left, prefix, before, &node->left);
        *behind = node;
    }
    measure(node);
}

/* Everything in `before` stands before everything in `behind`. */
static struct prefix_node *
join(struct prefix_node *before, struct prefix_node *behind)
{
    if (before == NULL || behind == NULL)
        return before == NULL ? behind : before;
    if (before->priority > behind->priority) {
        before->right = join(before->right, behind);
        measure(before);
        return before;
    }
    behind->left = join(before, behind->left);
    measure(behind);
    return behind;
}

void
prefix_tree_add(struct prefix_tree *tree, struct prefix_node *node)
{
    struct prefix_node **link = &tree->root;

    node->priority = hmap_hash(&node->prefix, sizeof(node->prefix));
    while (*link != NULL && (*link)->priority > node->priority) {
        (*link)->size++;
        link = ip_prefix_compare(&node->prefix, &(*link)->prefix) < 0 ? &(*link)->left
                                                                      : &(*link)->right;
    }
    split(*link, &node->prefix, &node->left, &node->right);
    measure(node);
    *link = node;
}

void
prefix_tree_remove(struct prefix_tree *tree, const struct prefix_node *node)
{
    struct prefix_node **link = &tree->root;

    while (*link != node) {
        (*link)->size--;
        link = ip_prefix_compare(&node->prefix, &(*link)->prefix) < 0 ? &(*link)->left
                                                                      : &(*link)->right;
    }
    *link = join(node->left, node->right);
}

struct prefix_node *
prefix_tree_after(const struct prefix_tree *tree, const struct ip_prefix *prefix)
{
    struct prefix_node *node = tree->root, *found = NULL;

    while (node != NULL) {
        if (prefix == NULL || ip_prefix_compare(prefix, &node->prefix) < 0) {
            found = node;
            node = node->left;
        } else {
            node = node->right;
        }
    }
    return found;
}

uint32_t
prefix_tree_rank(const struct prefix_tree *tree, const struct ip_prefix *prefix)
{
    const struct prefix_node *node = tree->root;
    uint32_t rank = 0;

    while (node != NULL) {
        if (ip_prefix_compare(prefix, &node->prefix) <= 0) {
            node = node->left;
        } else {
            rank += size_of(node->left) + 1;
            node = node->right;
        }
    }
    return rank;
}
