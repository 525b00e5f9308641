/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Inside the FIB: exact prefixes of one trie, whose root word is `root`; `prefix` is valid.
 * Control thread.
 */

#include "lib/table/fib_change.h"

/* Where a prefix lives: at the node of `level`, over the slots first..last of it. */
struct fib_place {
    const uint8_t *octets; /* of the prefix's address */
    unsigned level;
    unsigned bits;     /* of the octet at this level: 1-8 */
    unsigned position; /* the bits with a one in front */
    unsigned first, last;
};

/** The place of a prefix that is not /0, which has none: it is the root's leaf or fallback. */
struct fib_place fib_place_of(const struct ip_prefix *prefix);

/**
 * Goes down towards a place: `way` gets the nodes that a packet to the prefix's address passes, as
 * far down as the place's level.
 */
void fib_trie_descend(const struct fib *fib, uint64_t root, const struct fib_place *place,
                      struct fib_way *way);

/** The place's own node, NULL if there is none. */
struct fib_node *fib_way_end(const struct fib_way *way, const struct fib_place *place);

/** The path of a prefix, PATH_NONE if it is not there. */
path_t fib_trie_get(const struct fib *fib, uint64_t root, const struct ip_prefix *prefix);

/** Makes the change that sets a path, to be published and finished, or discards it.
 * @return 0, -ENOSPC or -ENOMEM: nothing changed. */
int fib_trie_set(struct fib_change *change, const struct ip_prefix *prefix, path_t path);

/** Makes the change that takes away a prefix that is there, or discards it. @return 0 or -ENOSPC:
 * nothing changed. */
int fib_trie_unset(struct fib_change *change, const struct ip_prefix *prefix);

/** Retires the nodes of an unlinked word and frees their short prefixes. @return how many prefixes
 * there were, /0 too. */
uint32_t fib_trie_retire(struct fib *fib, uint64_t word);
