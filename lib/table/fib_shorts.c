/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The short prefixes of a node: a small unsorted array, since most nodes have none and few have
 * more than a handful. Control thread only.
 */

#include "lib/table/fib_shorts.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

/* An entry: the position in the top octet, the path below. */
#define POSITION_SHIFT 56
#define PATH_MASK      ((1ull << POSITION_SHIFT) - 1)

struct fib_shorts {
    uint16_t n, room;
    uint64_t prefixes[] __attribute__((aligned(4), packed));
};

static unsigned
entry_position(const struct fib_shorts *shorts, unsigned i)
{
    return (unsigned)(shorts->prefixes[i] >> POSITION_SHIFT);
}

/* Where a position is, or `n` if it is not there. */
static unsigned
shorts_find(const struct fib_shorts *shorts, unsigned position)
{
    unsigned i = 0;

    while (i < shorts->n && entry_position(shorts, i) != position)
        i++;
    return i;
}

static size_t
heap_octets(struct fib_shorts *shorts)
{
    return shorts == NULL ? 0 : malloc_usable_size(shorts) + sizeof(size_t);
}

path_t
fib_shorts_get(const struct fib_shorts *shorts, unsigned position)
{
    unsigned i;

    if (shorts == NULL || (i = shorts_find(shorts, position)) == shorts->n)
        return PATH_NONE;
    return shorts->prefixes[i] & PATH_MASK;
}

int
fib_shorts_reserve(struct fib *fib, struct fib_shorts **shorts)
{
    unsigned room = *shorts == NULL ? 2 : (*shorts)->n + (*shorts)->n / 4 + 2u;
    size_t before = heap_octets(*shorts);
    struct fib_shorts *grown;

    if (*shorts != NULL && (*shorts)->n < (*shorts)->room)
        return 0;
    grown = realloc(*shorts, sizeof(*grown) + room * sizeof(grown->prefixes[0]));
    if (grown == NULL)
        return -ENOMEM;
    if (*shorts == NULL)
        grown->n = 0;
    grown->room = (uint16_t)room;
    fib->other_octets += heap_octets(grown) - before;
    *shorts = grown;
    return 0;
}

void
fib_shorts_set(struct fib_shorts *shorts, unsigned position, path_t path)
{
    unsigned i = shorts_find(shorts, position);

    if (i == shorts->n)
        shorts->n++;
    shorts->prefixes[i] = (uint64_t)position << POSITION_SHIFT | path;
}

void
fib_shorts_unset(struct fib_shorts *shorts, unsigned position)
{
    shorts->prefixes[shorts_find(shorts, position)] = shorts->prefixes[shorts->n - 1];
    shorts->n--;
}

uint64_t
fib_shorts_covering(const struct fib_shorts *shorts, unsigned position)
{
    /* a shorter prefix's position is what is left when bits are cut off at the end */
    for (position >>= 1; shorts != NULL && position > 1; position >>= 1) {
        path_t path = fib_shorts_get(shorts, position);

        if (path != PATH_NONE)
            return word_of_path(path, false);
    }
    return 0;
}

void
fib_shorts_bits(const struct fib_shorts *shorts, uint8_t bits[FIB_SLOTS])
{
    memset(bits, 0, FIB_SLOTS);
    for (unsigned i = 0; shorts != NULL && i < shorts->n; i++) {
        const unsigned position = entry_position(shorts, i);
        const unsigned length = 31 - (unsigned)__builtin_clz(position);
        const unsigned first = position << (8 - length) & 0xff;

        for (unsigned octet = first; octet < first + (1u << (8 - length)); octet++) {
            if (bits[octet] < length)
                bits[octet] = (uint8_t)length;
        }
    }
}

unsigned
fib_shorts_count(const struct fib_shorts *shorts)
{
    return shorts == NULL ? 0 : shorts->n;
}

void
fib_shorts_free(struct fib *fib, struct fib_shorts *shorts)
{
    fib->other_octets -= heap_octets(shorts);
    free(shorts);
}
