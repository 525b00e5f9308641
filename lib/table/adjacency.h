/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Adjacencies: the MAC address and liveness of each next hop on the underlay, one word each.
 *
 * The control thread says which neighbours are wanted (an endpoint on the link, or the gateway that
 * many endpoints share); the slow path resolves them and, while `wanted` is set, is the only writer
 * of `link` and of what is below `wanted`; workers read `link` alone. So a neighbour that changes
 * costs one store, however many endpoints and routes stand behind it.
 * After grace an entry is used again, perhaps before the slow path has noticed that it was not
 * wanted for a while: it compares `address` and `port` with those it knew. For another neighbour
 * `link` begins at 0; for the same one it is left as it is.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/hmap.h"
#include "lib/net/addr.h"
#include "lib/table/index.h"

struct adjacency_owner;
struct reclaim;

enum neighbour_state {
    NEIGHBOUR_UNUSED,     /* nobody wants it */
    NEIGHBOUR_INCOMPLETE, /* asked, no answer yet */
    NEIGHBOUR_REACHABLE,  /* confirmed a short while ago */
    NEIGHBOUR_PROBING,    /* in use, being asked again */
    NEIGHBOUR_FAILED,     /* no answer; asked again now and then */
};

/* `link`: bits 0-47 the MAC address as it stands in the frame (little-endian load), bit 63 up. */
#define ADJACENCY_UP       (1ull << 63)
#define ADJACENCY_MAC_MASK ((1ull << 48) - 1)

struct adjacency {
    _Atomic uint64_t link; /* slow path writes, workers read */

    /* written by control before `wanted` is set */
    struct ip_addr address;
    uint16_t port;       /* underlay port */
    _Atomic bool wanted; /* control writes, slow path reads */

    /* slow path writes, control reads for display */
    _Atomic uint8_t state;         /* enum neighbour_state */
    _Atomic uint32_t held;         /* packets that wait for the answer */
    _Atomic uint64_t confirmed_ms; /* monotonic; 0 if never */
};

struct adjacency_table {
    struct adjacency *entries;
    uint32_t limit;
    _Atomic uint32_t high; /* entries at and beyond were never used */

    /* control only */
    struct adjacency_owner *owners; /* by index */
    struct hmap by_address;
    struct index_pool indexes;
};

/** @return 0 or -ENOMEM. */
int adjacency_table_init(struct adjacency_table *table, uint32_t limit, struct reclaim *reclaim);
void adjacency_table_free(struct adjacency_table *table);

/**
 * Takes a reference on the adjacency of `address` on `port`, making it if need be.
 * @return 0 and its index, -ENOSPC or -ENOMEM. Control thread.
 */
int adjacency_get(struct adjacency_table *table, uint16_t port, const struct ip_addr *address,
                  uint32_t *index);

/** Gives the reference back; with the last one the entry is no longer wanted and is used again
 * after grace. Control thread. */
void adjacency_put(struct adjacency_table *table, uint32_t index);

/** Whether a neighbour answers. Readers. */
static inline bool
adjacency_is_up(const struct adjacency_table *table, uint32_t index)
{
    return (atomic_load_explicit(&table->entries[index].link, memory_order_acquire) &
            ADJACENCY_UP) != 0;
}

/** The MAC address in a `link` word, and the word for a MAC address that answers. */
struct mac_addr adjacency_mac(uint64_t link);
uint64_t adjacency_link(const struct mac_addr *mac);

/** The name of a state ("reachable"). */
const char *neighbour_state_name(enum neighbour_state state);
