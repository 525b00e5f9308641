/* SPDX-License-Identifier: BSD-3-Clause */

/* The direct tables of large roots, filled from their tries. Control thread. */

#include "lib/table/fib_direct.h"

#include <stdlib.h>

#include <rte_common.h>

#include "lib/table/reclaim.h"

/* A table is worth its megabyte if this many slots lie behind it; it goes at a quarter of them. */
#define SLOTS_WORTH_IT 8192u
#define SLOTS_TOO_FEW  (SLOTS_WORTH_IT / 4)

static struct fib_node *
direct_top(const struct fib_direct *direct)
{
    return word_child(direct->fib, direct->top);
}

/* Writes the slot of two octets. */
static void
slot_fill(struct fib_direct *direct, unsigned first, unsigned second)
{
    const unsigned at = first << 8 | second;
    uint64_t word = node_word(direct_top(direct), first), covering = 0, early = 0;

    if (word_is_child(word)) {
        struct fib_node *node = word_child(direct->fib, word);

        covering = node_fallback(node);
        if (node->n_skipped == 0) {
            word = node_word(node, second);
            if (word_is_child(word) && node_fallback(word_child(direct->fib, word)) != 0)
                covering = node_fallback(word_child(direct->fib, word));
        } else if (node->rest[0] == second) {
            early = DIRECT_EARLY;
        } else {
            word = 0;
        }
    }
    if (word == 0)
        word = covering;
    word_store(&direct->covering[at], covering);
    word_store(&direct->slots[at], word | (word_is_child(word) ? early : 0));
}

static void
rows_fill(struct fib_direct *direct, unsigned first, unsigned last)
{
    for (; first <= last; first++) {
        for (unsigned second = 0; second < FIB_SLOTS; second++)
            slot_fill(direct, first, second);
    }
}

static void
direct_release(void *argument)
{
    free(argument);
}

/* A reader may hold it: it goes after grace. */
static void
direct_drop(struct fib *fib, struct fib_direct *direct)
{
    fib->other_octets -= sizeof(*direct);
    reclaim_defer(fib->reclaim, direct_release, direct);
}

static void
direct_make(struct fib *fib, _Atomic uint64_t *root)
{
    struct fib_direct *direct =
        aligned_alloc(DIRECT_ALIGNMENT, RTE_ALIGN_CEIL(sizeof(*direct), DIRECT_ALIGNMENT));
    struct fib_node *top;

    if (direct == NULL)
        return; /* slower, and as right */
    fib->other_octets += sizeof(*direct);
    direct->fib = fib;
    direct->top = word_load(root);
    top = direct_top(direct);
    direct->level = top->level;
    direct->n_skipped = top->n_skipped;
    memcpy(direct->skipped, top->rest, top->n_skipped);
    atomic_init(&direct->fallback, node_fallback(top));
    rows_fill(direct, 0, FIB_SLOTS - 1);
    word_store(root, (uint64_t)(uintptr_t)direct | WORD_DIRECT);
}

/* The slots of the nodes behind the first two octets of a trie. */
static unsigned
slots_behind(const struct fib *fib, uint64_t word)
{
    unsigned n = 0;
    struct fib_node *top;

    if (!word_is_child(word))
        return 0;
    top = word_child(fib, word);
    for (unsigned slot = 0; slot < top->n_slots; slot++) {
        uint64_t below = word_read(node_slots(top) + slot * WORD_OCTETS);

        if (word_is_child(below))
            n += word_child(fib, below)->n_slots;
    }
    return n;
}

void
fib_direct_review(struct fib *fib, _Atomic uint64_t *root)
{
    const uint64_t word = word_load(root);
    struct fib_direct *direct;

    if (!word_is_direct(word)) {
        if (slots_behind(fib, word) >= SLOTS_WORTH_IT)
            direct_make(fib, root);
        return;
    }
    direct = word_direct(word);
    if (slots_behind(fib, direct->top) >= SLOTS_TOO_FEW)
        return;
    word_store(root, direct->top);
    direct_drop(fib, direct);
}

/* True if a trie's first node stands where the table was made for. */
static bool
direct_fits(const struct fib_direct *direct, uint64_t word)
{
    const struct fib_node *top;

    if (!word_is_child(word))
        return false;
    top = word_child(direct->fib, word);
    return top->level == direct->level && top->n_skipped == direct->n_skipped &&
           memcmp(top->rest, direct->skipped, top->n_skipped) == 0;
}

void
fib_direct_publish(struct fib *fib, _Atomic uint64_t *root, uint64_t word,
                   const struct ip_prefix *prefix, unsigned level)
{
    const uint64_t old = word_load(root);
    struct fib_direct *direct = word_direct(old);
    const uint8_t *octets;
    unsigned first;

    if (!word_is_direct(old)) {
        word_store(root, word);
        return;
    }
    if (!direct_fits(direct, word)) {
        word_store(root, word);
        direct_drop(fib, direct);
        return;
    }
    direct->top = word;
    if (prefix->length == 0) {
        word_store(&direct->fallback, node_fallback(direct_top(direct)));
        return;
    }
    octets = &prefix->addr.octets[direct->level];
    first = octets[0];
    if (prefix->length <= 8u * (direct->level + 1u))
        rows_fill(direct, first, first | 0xffu >> (prefix->length - 8u * direct->level));
    else if (level <= direct->level + 1u)
        rows_fill(direct, first, first);
    else
        slot_fill(direct, first, octets[1]);
}

void
fib_direct_clear(struct fib *fib, _Atomic uint64_t *root)
{
    const uint64_t old = word_load(root);

    word_store(root, 0);
    if (word_is_direct(old))
        direct_drop(fib, word_direct(old));
}
