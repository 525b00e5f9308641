/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * One stanza as a tree of elements, in memory of its own that is taken back in one step when the
 * stanza has been dealt with. Text and names are UTF-8 with a zero at the end; nothing is ever
 * NULL but the links of the tree.
 * One thread at a time.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct xmpp_attribute {
    const char *ns; /* "" for an attribute without prefix */
    const char *name;
    const char *value;
    struct xmpp_attribute *next;
};

struct xmpp_element {
    const char *ns; /* namespace name, "" if none */
    const char *name;
    const char *text; /* the character data directly inside, joined; "" if none */
    struct xmpp_attribute *attributes;
    struct xmpp_element *parent; /* NULL for the stanza itself */
    struct xmpp_element *first_child;
    struct xmpp_element *last_child;
    struct xmpp_element *next; /* next sibling */
    uint32_t text_length;
    uint32_t text_capacity;
};

/** The memory of one stanza: blocks that are kept from stanza to stanza, up to a bound. */
struct xmpp_arena {
    struct xmpp_arena_block *blocks; /* the newest first */
    size_t used;                     /* octets handed out since the reset */
    size_t max;                      /* bound on `used` */
};

/** Makes an empty arena that hands out at most `max` octets between two resets. */
void xmpp_arena_init(struct xmpp_arena *arena, size_t max);

/** Takes back everything handed out; keeps one block. */
void xmpp_arena_reset(struct xmpp_arena *arena);

/** Frees all memory. */
void xmpp_arena_clear(struct xmpp_arena *arena);

/** `octets` of memory aligned for any pointer, or NULL: over the bound, or out of memory. */
void *xmpp_arena_take(struct xmpp_arena *arena, size_t octets);

/**
 * Adds an element as last child of `parent` (NULL: it is the root). `name` is copied, as is `ns`
 * (`ns_length` octets) unless the parent has the same.
 * @return the element, or NULL if the arena is used up.
 */
struct xmpp_element *xmpp_element_add(struct xmpp_arena *arena, struct xmpp_element *parent,
                                      const char *ns, size_t ns_length, const char *name);

/** Adds an attribute, copying all three strings. @return false if the arena is used up. */
bool xmpp_element_add_attribute(struct xmpp_arena *arena, struct xmpp_element *element,
                                const char *ns, size_t ns_length, const char *name,
                                const char *value);

/** Appends character data. @return false if the arena is used up. */
bool xmpp_element_add_text(struct xmpp_arena *arena, struct xmpp_element *element, const char *text,
                           size_t length);

/** True if the element has this namespace and name. */
bool xmpp_element_is(const struct xmpp_element *element, const char *ns, const char *name);

/** The first child with this namespace and name, or NULL. */
const struct xmpp_element *xmpp_element_child(const struct xmpp_element *element, const char *ns,
                                              const char *name);

/** The value of the attribute without namespace called `name`, or NULL. */
const char *xmpp_element_attribute(const struct xmpp_element *element, const char *name);
