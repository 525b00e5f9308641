/* SPDX-License-Identifier: BSD-3-Clause */

/* Nodes of the FIB: made, copied, and freed after grace. Control thread. */

#include "lib/table/fib_node.h"

#include "lib/table/reclaim.h"

static size_t
node_octets(unsigned n_slots, unsigned n_skipped, bool shorts)
{
    return NODE_REST + n_skipped + n_slots * WORD_OCTETS + NODE_READ_BEYOND +
           (shorts ? sizeof(struct fib_shorts *) : 0);
}

static struct fib_node *
node_alloc(struct fib *fib, size_t octets)
{
    struct fib_node *node = slab_alloc(&fib->slabs, octets);

    if (node != NULL)
        fib->nodes++;
    return node;
}

/* Fills the bitmap of a node, by runs or by what is not empty, and its slots. */
static void
node_fill(struct fib_node *node, const uint64_t words[FIB_SLOTS], bool runs)
{
    uint8_t *slot = node->rest + node->n_skipped;
    unsigned n = 0;

    for (unsigned group = 0; group < FIB_GROUPS; group++) {
        uint32_t bitmap = 0;

        node->groups[group].before = (uint8_t)n;
        for (unsigned bit = 0; bit < 32; bit++) {
            const unsigned octet = 32 * group + bit;

            if (runs ? octet > 0 && words[octet] == words[octet - 1] : words[octet] == 0)
                continue;
            bitmap |= 1u << bit;
            word_write(slot, words[octet]);
            slot += WORD_OCTETS;
            n++;
        }
        node->groups[group].bitmap = bitmap;
    }
    memset(slot, 0, NODE_READ_BEYOND);
}

struct fib_node *
fib_node_make(struct fib *fib, const struct fib_span *span, const uint64_t words[FIB_SLOTS],
              uint64_t fallback, struct fib_shorts *shorts)
{
    unsigned in_use = words[0] != 0, changes = 1, n_slots;
    struct fib_node *node;
    bool runs;

    for (unsigned octet = 1; octet < FIB_SLOTS; octet++) {
        in_use += words[octet] != 0;
        changes += words[octet] != words[octet - 1];
    }
    runs = changes < in_use;
    n_slots = runs ? changes : in_use;
    node = node_alloc(fib, node_octets(n_slots, span->n_skipped, shorts != NULL));
    if (node == NULL)
        return NULL;
    node->n_slots = (uint16_t)n_slots;
    node->level = span->level;
    node->n_skipped = span->n_skipped;
    node->flags = (uint8_t)((runs ? NODE_RUNS : 0) | (shorts != NULL ? NODE_SHORTS : 0));
    word_write(node->fallback, fallback);
    memcpy(node->rest, span->skipped, span->n_skipped);
    node_fill(node, words, runs);
    if (shorts != NULL)
        fib_node_shorts_moved(node, shorts);
    return node;
}

struct fib_node *
fib_node_copy(struct fib *fib, const struct fib_node *node)
{
    size_t octets = node_octets(node->n_slots, node->n_skipped, node->flags & NODE_SHORTS);
    struct fib_node *copy = node_alloc(fib, octets);

    if (copy != NULL)
        memcpy(copy, node, octets);
    return copy;
}

void
fib_node_put_child(struct fib *fib, struct fib_node *node, unsigned octet,
                   const struct fib_node *child)
{
    int slot = group_slot(&node->groups[octet / 32], octet, node->flags & NODE_RUNS);

    word_write(node_slots(node) + (unsigned)slot * WORD_OCTETS, word_of_child(fib, child));
}

void
fib_node_discard(struct fib *fib, struct fib_node *node)
{
    slab_free(&fib->slabs, node);
    fib->nodes--;
}

static void
list_free(struct fib *fib, uint32_t list)
{
    while (list != 0) {
        struct fib_node *node = slab_block(fib->base, list);

        list = node->next_retired;
        fib_node_discard(fib, node);
        fib->retired--;
    }
}

/* As in lib/table/index.c: one deferral at a time, so that retiring needs no memory. */
static void
grace_over(void *argument)
{
    struct fib *fib = argument;

    list_free(fib, fib->leaving);
    fib->leaving = fib->waiting;
    fib->waiting = 0;
    if (fib->leaving != 0)
        reclaim_defer(fib->reclaim, grace_over, fib);
}

void
fib_node_retire(struct fib *fib, struct fib_node *node)
{
    fib->retired++;
    if (fib->leaving != 0) {
        node->next_retired = fib->waiting;
        fib->waiting = slab_ref(&fib->slabs, node);
        return;
    }
    node->next_retired = 0;
    fib->leaving = slab_ref(&fib->slabs, node);
    reclaim_defer(fib->reclaim, grace_over, fib);
}

void
fib_node_expand(struct fib_node *node, uint64_t words[FIB_SLOTS])
{
    const uint8_t *slot = node_slots(node);
    const bool runs = node->flags & NODE_RUNS;
    uint64_t word = 0;

    for (unsigned group = 0; group < FIB_GROUPS; group++) {
        const uint32_t bitmap = node->groups[group].bitmap;

        for (unsigned bit = 0; bit < 32; bit++) {
            if (bitmap >> bit & 1) {
                word = word_read(slot);
                slot += WORD_OCTETS;
            } else if (!runs) {
                word = 0;
            }
            words[32 * group + bit] = word;
        }
    }
}

struct fib_span
fib_node_span(const struct fib_node *node)
{
    struct fib_span span = { .level = node->level, .n_skipped = node->n_skipped };

    memcpy(span.skipped, node->rest, node->n_skipped);
    return span;
}

static uint8_t *
shorts_pointer(struct fib_node *node)
{
    return node_slots(node) + node->n_slots * WORD_OCTETS + NODE_READ_BEYOND;
}

struct fib_shorts *
fib_node_shorts(struct fib_node *node)
{
    struct fib_shorts *shorts = NULL;

    if (node->flags & NODE_SHORTS)
        memcpy(&shorts, shorts_pointer(node), sizeof(shorts));
    return shorts;
}

void
fib_node_shorts_moved(struct fib_node *node, struct fib_shorts *shorts)
{
    memcpy(shorts_pointer(node), &shorts, sizeof(shorts));
}
