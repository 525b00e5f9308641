/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Elements in an arena. A stanza's tree is built once, read once and forgotten whole, so memory is
 * taken by moving a mark through blocks and given back by moving it to the start.
 */

#include "lib/xmpp/element.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_OCTETS 8192 /* kept by every idle session */

struct xmpp_arena_block {
    struct xmpp_arena_block *next; /* the one filled before */
    size_t used;
    size_t size;
    _Alignas(max_align_t) char data[];
};

void
xmpp_arena_init(struct xmpp_arena *arena, size_t max)
{
    *arena = (struct xmpp_arena){ .max = max };
}

void
xmpp_arena_clear(struct xmpp_arena *arena)
{
    while (arena->blocks != NULL) {
        struct xmpp_arena_block *block = arena->blocks;

        arena->blocks = block->next;
        free(block);
    }
    arena->used = 0;
}

void
xmpp_arena_reset(struct xmpp_arena *arena)
{
    struct xmpp_arena_block *kept = NULL;

    while (arena->blocks != NULL) {
        struct xmpp_arena_block *block = arena->blocks;

        arena->blocks = block->next;
        if (block->next == NULL && block->size == BLOCK_OCTETS)
            kept = block;
        else
            free(block);
    }
    if (kept != NULL)
        kept->used = 0;
    arena->blocks = kept;
    arena->used = 0;
}

void *
xmpp_arena_take(struct xmpp_arena *arena, size_t octets)
{
    const size_t unit = _Alignof(void *);
    struct xmpp_arena_block *block = arena->blocks;

    if (octets > arena->max - arena->used)
        return NULL;
    octets = (octets + unit - 1) / unit * unit;
    if (octets > arena->max - arena->used)
        return NULL;
    if (block == NULL || octets > block->size - block->used) {
        size_t size = octets > BLOCK_OCTETS ? octets : BLOCK_OCTETS;

        block = malloc(sizeof(*block) + size);
        if (block == NULL)
            return NULL;
        block->size = size;
        block->used = 0;
        block->next = arena->blocks;
        arena->blocks = block;
    }
    void *memory = block->data + block->used;
    block->used += octets;
    arena->used += octets;
    return memory;
}

static const char *
copy_text(struct xmpp_arena *arena, const char *text, size_t length)
{
    char *copy = xmpp_arena_take(arena, length + 1);

    if (copy != NULL) {
        memcpy(copy, text, length);
        copy[length] = '\0';
    }
    return copy;
}

/* The namespace name as a string, the parent's own where it is the same: it nearly always is. */
static const char *
copy_ns(struct xmpp_arena *arena, const char *parents, const char *ns, size_t length)
{
    if (length == 0)
        return "";
    if (strncmp(parents, ns, length) == 0 && parents[length] == '\0')
        return parents;
    return copy_text(arena, ns, length);
}

struct xmpp_element *
xmpp_element_add(struct xmpp_arena *arena, struct xmpp_element *parent, const char *ns,
                 size_t ns_length, const char *name)
{
    struct xmpp_element *element = xmpp_arena_take(arena, sizeof(*element));

    if (element == NULL)
        return NULL;
    *element = (struct xmpp_element){ .text = "", .parent = parent };
    element->ns = copy_ns(arena, parent != NULL ? parent->ns : "", ns, ns_length);
    element->name = copy_text(arena, name, strlen(name));
    if (element->ns == NULL || element->name == NULL)
        return NULL;
    if (parent != NULL) {
        if (parent->last_child != NULL)
            parent->last_child->next = element;
        else
            parent->first_child = element;
        parent->last_child = element;
    }
    return element;
}

bool
xmpp_element_add_attribute(struct xmpp_arena *arena, struct xmpp_element *element, const char *ns,
                           size_t ns_length, const char *name, const char *value)
{
    struct xmpp_attribute *attribute = xmpp_arena_take(arena, sizeof(*attribute));

    if (attribute == NULL)
        return false;
    attribute->ns = copy_ns(arena, element->ns, ns, ns_length);
    attribute->name = copy_text(arena, name, strlen(name));
    attribute->value = copy_text(arena, value, strlen(value));
    attribute->next = element->attributes;
    element->attributes = attribute;
    return attribute->ns != NULL && attribute->name != NULL && attribute->value != NULL;
}

bool
xmpp_element_add_text(struct xmpp_arena *arena, struct xmpp_element *element, const char *text,
                      size_t length)
{
    size_t whole = element->text_length + length;

    if (whole + 1 > element->text_capacity) {
        /* The first piece is nearly always the only one; later ones double, to stay linear. */
        size_t capacity = element->text_capacity == 0 ? whole + 1 : 2 * (whole + 1);
        char *grown = xmpp_arena_take(arena, capacity);

        if (grown == NULL)
            return false;
        memcpy(grown, element->text, element->text_length);
        element->text = grown;
        element->text_capacity = (uint32_t)capacity;
    }
    /* With a capacity the text is memory of the arena, written by nobody else. */
    char *end = (char *)(uintptr_t)element->text + element->text_length;
    memcpy(end, text, length);
    end[length] = '\0';
    element->text_length = (uint32_t)whole;
    return true;
}

bool
xmpp_element_is(const struct xmpp_element *element, const char *ns, const char *name)
{
    return strcmp(element->name, name) == 0 && strcmp(element->ns, ns) == 0;
}

const struct xmpp_element *
xmpp_element_child(const struct xmpp_element *element, const char *ns, const char *name)
{
    const struct xmpp_element *child = element->first_child;

    while (child != NULL && !xmpp_element_is(child, ns, name))
        child = child->next;
    return child;
}

const char *
xmpp_element_attribute(const struct xmpp_element *element, const char *name)
{
    for (const struct xmpp_attribute *a = element->attributes; a != NULL; a = a->next) {
        if (a->ns[0] == '\0' && strcmp(a->name, name) == 0)
            return a->value;
    }
    return NULL;
}
