/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Inside the FIB: the prefixes of a node that use 1 to 7 bits of its octet, each in its own right,
 * whether or not longer ones hide it from the slots. `position`: the bits, with a one in front
 * (2..255). No prefixes are NULL. Control thread.
 */

#include "lib/table/fib_node.h"

/** The path of a short prefix, PATH_NONE if it is not there. */
path_t fib_shorts_get(const struct fib_shorts *shorts, unsigned position);

/** Makes room for one more; they may move. @return 0 or -ENOMEM. */
int fib_shorts_reserve(struct fib *fib, struct fib_shorts **shorts);

/** Sets a path; for a new prefix there must be room. */
void fib_shorts_set(struct fib_shorts *shorts, unsigned position, path_t path);

/** Takes away a prefix that is there. */
void fib_shorts_unset(struct fib_shorts *shorts, unsigned position);

/** The leaf of the longest short prefix that contains a position's slots, itself not counted; zero
 * if there is none. */
uint64_t fib_shorts_covering(const struct fib_shorts *shorts, unsigned position);

/** How many bits the longest short prefix over each octet uses, 0 where there is none. */
void fib_shorts_bits(const struct fib_shorts *shorts, uint8_t bits[FIB_SLOTS]);

/** How many there are. */
unsigned fib_shorts_count(const struct fib_shorts *shorts);

/** Frees them; NULL is fine. */
void fib_shorts_free(struct fib *fib, struct fib_shorts *shorts);
