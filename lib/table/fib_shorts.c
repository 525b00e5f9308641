/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The short prefixes of a node: a small unsorted array, since most nodes have none and few have
 * more than a handful. Control thread only.
 */

#include <errno.h>
#include <stdlib.h>

#include "lib/table/fib_node.h"

#define SHORTS_AT_START 2u

struct short_prefix {
    uint16_t position;
    path_t path;
};

struct fib_shorts {
    uint16_t n, room;
    struct short_prefix prefixes[];
};

static size_t
shorts_octets(unsigned room)
{
    return sizeof(struct fib_shorts) + room * sizeof(struct short_prefix);
}

static struct short_prefix *
shorts_find(struct fib_shorts *shorts, unsigned position)
{
    for (unsigned i = 0; shorts != NULL && i < shorts->n; i++) {
        if (shorts->prefixes[i].position == position)
            return &shorts->prefixes[i];
    }
    return NULL;
}

path_t
fib_shorts_get(const struct fib_node *node, unsigned position)
{
    const struct short_prefix *prefix = shorts_find(node->shorts, position);

    return prefix == NULL ? PATH_NONE : prefix->path;
}

int
fib_shorts_reserve(struct fib *fib, struct fib_shorts **shorts)
{
    unsigned room = *shorts == NULL ? 0 : (*shorts)->room;
    unsigned wanted = room == 0 ? SHORTS_AT_START : 2 * room;
    struct fib_shorts *grown;

    if (room > 0 && (*shorts)->n < room)
        return 0;
    grown = realloc(*shorts, shorts_octets(wanted));
    if (grown == NULL)
        return -ENOMEM;
    if (room == 0)
        grown->n = 0;
    grown->room = (uint16_t)wanted;
    fib->shorts_octets += shorts_octets(wanted) - (room == 0 ? 0 : shorts_octets(room));
    *shorts = grown;
    return 0;
}

bool
fib_shorts_set(struct fib_shorts *shorts, unsigned position, path_t path)
{
    struct short_prefix *prefix = shorts_find(shorts, position);

    if (prefix != NULL) {
        prefix->path = path;
        return false;
    }
    shorts->prefixes[shorts->n++] =
        (struct short_prefix){ .position = (uint16_t)position, .path = path };
    return true;
}

bool
fib_shorts_unset(struct fib *fib, struct fib_node *node, unsigned position)
{
    struct short_prefix *prefix = shorts_find(node->shorts, position);

    if (prefix == NULL)
        return false;
    *prefix = node->shorts->prefixes[--node->shorts->n];
    if (node->shorts->n == 0)
        fib_shorts_free(fib, node);
    return true;
}

uint64_t
fib_shorts_covering(const struct fib_node *node, unsigned position)
{
    const struct short_prefix *longest = NULL;

    /* a shorter prefix's position is what is left when bits are cut off at the end */
    for (position >>= 1; longest == NULL && position > 1; position >>= 1)
        longest = shorts_find(node->shorts, position);
    if (longest == NULL)
        return 0;
    return word_of_path(longest->path, 31 - (unsigned)__builtin_clz((unsigned)longest->position));
}

unsigned
fib_shorts_count(const struct fib_node *node)
{
    return node->shorts == NULL ? 0 : node->shorts->n;
}

void
fib_shorts_free(struct fib *fib, struct fib_node *node)
{
    if (node->shorts != NULL)
        fib->shorts_octets -= shorts_octets(node->shorts->room);
    free(node->shorts);
    node->shorts = NULL;
}
