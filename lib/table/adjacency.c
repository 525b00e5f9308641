/* SPDX-License-Identifier: BSD-3-Clause */

/* Who wants which neighbour: the control thread's side of the adjacencies, and their words. */

#include "lib/table/adjacency.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/table/reclaim.h"

struct adjacency_owner {
    struct hmap_node node; /* in by_address while there are references */
    uint32_t references;
};

int
adjacency_table_init(struct adjacency_table *table, uint32_t limit, struct reclaim *reclaim)
{
    *table = (struct adjacency_table){
        .entries = calloc(limit, sizeof(*table->entries)),
        .limit = limit,
        .owners = calloc(limit, sizeof(*table->owners)),
        .by_address = HMAP_EMPTY,
    };
    if (index_pool_init(&table->indexes, limit, reclaim) != 0 || table->entries == NULL ||
        table->owners == NULL) {
        adjacency_table_free(table);
        return -ENOMEM;
    }
    return 0;
}

void
adjacency_table_free(struct adjacency_table *table)
{
    hmap_clear(&table->by_address);
    index_pool_free(&table->indexes);
    free(table->owners);
    free(table->entries);
    table->owners = NULL;
    table->entries = NULL;
}

static uint32_t
neighbour_hash(uint16_t port, const struct ip_addr *address)
{
    return hmap_hash(address, sizeof(*address)) ^ port * 0x9e3779b9u;
}

static struct adjacency_owner *
owner_find(struct adjacency_table *table, uint16_t port, const struct ip_addr *address)
{
    struct hmap_node *node = hmap_first_same(&table->by_address, neighbour_hash(port, address));

    for (; node != NULL; node = hmap_next_same(node)) {
        struct adjacency_owner *owner = hmap_entry(node, struct adjacency_owner, node);
        const struct adjacency *entry = &table->entries[owner - table->owners];

        if (entry->port == port && ip_addr_equal(&entry->address, address))
            return owner;
    }
    return NULL;
}

int
adjacency_get(struct adjacency_table *table, uint16_t port, const struct ip_addr *address,
              uint32_t *index)
{
    struct adjacency_owner *owner = owner_find(table, port, address);

    if (owner != NULL) {
        owner->references++;
        *index = (uint32_t)(owner - table->owners);
        return 0;
    }
    if (index_take(&table->indexes, index) != 0)
        return -ENOSPC;
    owner = &table->owners[*index];
    if (hmap_add(&table->by_address, &owner->node, neighbour_hash(port, address)) != 0) {
        index_give(&table->indexes, *index);
        return -ENOMEM;
    }
    owner->references = 1;

    struct adjacency *entry = &table->entries[*index];

    /* the same neighbour again: what the slow path knows of it, or has reset, still holds */
    if (entry->port != port || !ip_addr_equal(&entry->address, address)) {
        atomic_store_explicit(&entry->link, 0, memory_order_relaxed);
        entry->address = *address;
        entry->port = port;
    }
    atomic_store_explicit(&entry->wanted, true, memory_order_release);
    atomic_store_explicit(&table->high, table->indexes.high, memory_order_release);
    return 0;
}

void
adjacency_put(struct adjacency_table *table, uint32_t index)
{
    struct adjacency_owner *owner = &table->owners[index];

    if (--owner->references > 0)
        return;
    hmap_remove(&table->by_address, &owner->node);
    atomic_store_explicit(&table->entries[index].wanted, false, memory_order_release);
    index_retire(&table->indexes, index);
}

/* The six octets lie in the word's low end as they stand in the frame. */
struct mac_addr
adjacency_mac(uint64_t link)
{
    struct mac_addr mac;

    link = htole64(link);
    memcpy(&mac, &link, sizeof(mac));
    return mac;
}

uint64_t
adjacency_link(const struct mac_addr *mac)
{
    uint64_t link = 0;

    memcpy(&link, mac, sizeof(*mac));
    return le64toh(link) | ADJACENCY_UP;
}

const char *
neighbour_state_name(enum neighbour_state state)
{
    static const char *const names[] = {
        [NEIGHBOUR_UNUSED] = "unused",       [NEIGHBOUR_INCOMPLETE] = "incomplete",
        [NEIGHBOUR_REACHABLE] = "reachable", [NEIGHBOUR_PROBING] = "probing",
        [NEIGHBOUR_FAILED] = "failed",
    };

    return names[state];
}
