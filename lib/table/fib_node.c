/* SPDX-License-Identifier: BSD-3-Clause */

/* Nodes of the FIB: made, changed by replacement, and freed after grace. Control thread. */

#include "lib/table/fib_node.h"

#include <errno.h>
#include <string.h>

#include "lib/table/reclaim.h"

unsigned
fib_words_in_use(const uint64_t words[FIB_SLOTS])
{
    unsigned n = 0;

    for (unsigned i = 0; i < FIB_SLOTS; i++)
        n += words[i] != 0;
    return n;
}

static struct fib_node *
node_alloc(struct fib *fib, size_t octets)
{
    struct fib_node *node;

    if (fib->nodes >= fib->limits.nodes)
        return NULL;
    node = slab_alloc(&fib->slabs, octets);
    if (node != NULL)
        fib->nodes++;
    return node;
}

struct fib_node *
fib_node_make(struct fib *fib, const struct fib_span *span, const uint64_t words[FIB_SLOTS],
              uint64_t fallback)
{
    unsigned n_slots = fib_words_in_use(words), n = 0;
    struct fib_node *node = node_alloc(fib, fib_node_octets(n_slots, span->n_skipped));

    if (node == NULL)
        return NULL;
    memset(node->bitmap, 0, sizeof(node->bitmap));
    node->level = span->level;
    node->n_skipped = span->n_skipped;
    node->n_slots = (uint16_t)n_slots;
    memcpy((uint8_t *)node + fib_node_octets(n_slots, 0), span->skipped, span->n_skipped);
    for (unsigned i = 0; i < FIB_SLOTS; i++) {
        if (i % 64 == 0)
            node->before[i / 64] = (uint8_t)n;
        if (words[i] == 0)
            continue;
        node->bitmap[i / 64] |= 1ull << i % 64;
        atomic_init(&node->slots[n++], words[i]);
    }
    atomic_init(&node->fallback, fallback);
    node->shorts = NULL;
    return node;
}

static void
node_free(struct fib *fib, struct fib_node *node)
{
    slab_free(&fib->slabs, node);
    fib->nodes--;
}

void
fib_node_discard(struct fib *fib, struct fib_node *node)
{
    fib_shorts_free(fib, node);
    node_free(fib, node);
}

static void
list_free(struct fib *fib, struct fib_node *list)
{
    while (list != NULL) {
        struct fib_node *next = list->next_retired;

        node_free(fib, list);
        fib->retired--;
        list = next;
    }
}

/* As in lib/table/index.c: one deferral at a time, so that retiring needs no memory. */
static void
grace_over(void *argument)
{
    struct fib *fib = argument;

    list_free(fib, fib->leaving);
    fib->leaving = fib->waiting;
    fib->waiting = NULL;
    if (fib->leaving != NULL)
        reclaim_defer(fib->reclaim, grace_over, fib);
}

void
fib_node_retire(struct fib *fib, struct fib_node *node)
{
    fib->retired++;
    if (fib->leaving != NULL) {
        node->next_retired = fib->waiting;
        fib->waiting = node;
        return;
    }
    node->next_retired = NULL;
    fib->leaving = node;
    reclaim_defer(fib->reclaim, grace_over, fib);
}

void
fib_node_expand(struct fib_node *node, uint64_t words[FIB_SLOTS])
{
    unsigned n = 0;

    memset(words, 0, FIB_SLOTS * sizeof(words[0]));
    for (unsigned i = 0; i < FIB_SLOTS; i += 64) {
        for (uint64_t left = node->bitmap[i / 64]; left != 0; left &= left - 1)
            words[i + (unsigned)__builtin_ctzll(left)] = word_load(&node->slots[n++]);
    }
}

struct fib_span
fib_node_span(const struct fib_node *node)
{
    struct fib_span span = { .level = node->level, .n_skipped = node->n_skipped };

    memcpy(span.skipped, node_skipped(node), node->n_skipped);
    return span;
}

/* Stores those words that have a slot; the others must be empty. */
static void
store_in_place(struct fib_node *node, const uint64_t words[FIB_SLOTS])
{
    unsigned n = 0;

    for (unsigned i = 0; i < FIB_SLOTS; i++) {
        if (!node_has_slot(node, i))
            continue;
        if (word_load(&node->slots[n]) != words[i])
            word_store(&node->slots[n], words[i]);
        n++;
    }
}

static bool
fits_in_place(const struct fib_node *node, const uint64_t words[FIB_SLOTS])
{
    for (unsigned i = 0; i < FIB_SLOTS; i++) {
        if (words[i] != 0 && !node_has_slot(node, i))
            return false;
    }
    return true;
}

int
fib_node_change(struct fib *fib, _Atomic uint64_t *link, const uint64_t words[FIB_SLOTS])
{
    struct fib_node *old = word_child(word_load(link)), *new;
    const struct fib_span span = fib_node_span(old);
    const size_t octets = fib_node_octets(fib_words_in_use(words), span.n_skipped);
    bool in_place = fits_in_place(old, words);

    if (in_place && slab_size_for(octets) == slab_block_octets(old)) {
        store_in_place(old, words);
        return 0;
    }
    new = fib_node_make(fib, &span, words, word_load(&old->fallback));
    if (new == NULL && !in_place)
        return -ENOSPC;
    if (new == NULL) {
        store_in_place(old, words);
        return 0;
    }
    new->shorts = old->shorts;
    word_store(link, word_of_child(new));
    fib_node_retire(fib, old);
    return 0;
}
