/* SPDX-License-Identifier: BSD-3-Clause */

/* The table of virtual interfaces, and which of them stands at a port and tag. */

#include "lib/table/vif.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/table/reclaim.h"

#define VLAN_IDS 4096u

int
vif_table_init(struct vif_table *table, uint32_t limit, uint16_t n_ports, struct reclaim *reclaim)
{
    *table = (struct vif_table){
        .entries = calloc(limit, sizeof(*table->entries)),
        .limit = limit,
        .ports = calloc(n_ports, sizeof(*table->ports)),
        .n_ports = n_ports,
    };
    if (index_pool_init(&table->ids, limit, reclaim) != 0 || table->entries == NULL ||
        table->ports == NULL) {
        vif_table_free(table);
        return -ENOMEM;
    }
    for (uint16_t port = 0; port < n_ports; port++)
        atomic_init(&table->ports[port].untagged, VIF_NONE);
    return 0;
}

void
vif_table_free(struct vif_table *table)
{
    for (uint32_t id = 0; table->entries != NULL && id < table->ids.high; id++)
        free(atomic_load_explicit(&table->entries[id], memory_order_relaxed));
    for (uint16_t port = 0; table->ports != NULL && port < table->n_ports; port++)
        free(table->ports[port].by_vlan);
    free(table->entries);
    free(table->ports);
    table->entries = NULL;
    table->ports = NULL;
    index_pool_free(&table->ids);
}

static bool
rate_is_possible(const struct vif_rate *rate)
{
    return rate->packets <= VIF_RATE_PACKETS_MAX && rate->bits <= VIF_RATE_BITS_MAX &&
           (rate->bits == 0 || rate->bits >= VIF_RATE_BITS_MIN) &&
           (rate->packets == 0 || rate->packets >= VIF_RATE_PACKETS_MIN);
}

static bool
rates_are_possible(const struct vif *vif)
{
    return rate_is_possible(&vif->rate_in) && rate_is_possible(&vif->rate_out);
}

static bool
rate_is_set(const struct vif_rate *rate)
{
    return rate->packets != 0 || rate->bits != 0;
}

static bool
rates_differ(const struct vif *a, const struct vif *b)
{
    return a->rate_in.packets != b->rate_in.packets || a->rate_in.bits != b->rate_in.bits ||
           a->rate_out.packets != b->rate_out.packets || a->rate_out.bits != b->rate_out.bits;
}

static void
header_make(struct vif_header *header, const struct vif *vif, const struct mac_addr *source,
            uint16_t ethertype)
{
    const struct vlan_header tag = { htobe16(vif->vlan), htobe16(ethertype) };
    const struct eth_header eth = {
        .destination = vif->mac,
        .source = *source,
        .type = htobe16(vif->vlan != VLAN_UNTAGGED ? ETHERTYPE_VLAN : ethertype),
    };

    memcpy(mempcpy(header->octets + sizeof(*header) - vif->header_length, &eth, sizeof(eth)), &tag,
           vif->header_length - sizeof(eth));
}

static struct vif *
vif_copy(const struct vif *vif, uint32_t id)
{
    /* on cache lines of its own: workers read the first ones for each packet */
    struct vif *copy = aligned_alloc(64, (sizeof(*copy) + 63) / 64 * 64);

    if (copy != NULL) {
        *copy = *vif;
        copy->id = id;
        copy->metered_in = rate_is_set(&copy->rate_in);
        copy->metered_out = rate_is_set(&copy->rate_out);
        vif_heads_make(copy);
        copy->header_length = sizeof(struct eth_header);
        if (copy->vlan != VLAN_UNTAGGED)
            copy->header_length += sizeof(struct vlan_header);
        header_make(&copy->header, copy, &copy->gateway_mac, ETHERTYPE_IPV4);
        header_make(&copy->header6, copy, &copy->gateway_mac6, ETHERTYPE_IPV6);
    }
    return copy;
}

/* The word that a port and tag select, NULL without memory; made if need be. */
static _Atomic uint32_t *
binding_get(struct vif_table *table, uint16_t port_number, uint16_t vlan)
{
    struct vif_port *port = &table->ports[port_number];
    _Atomic uint32_t *by_vlan = port->by_vlan;

    if (vlan == VLAN_UNTAGGED)
        return &port->untagged;
    if (by_vlan == NULL) {
        by_vlan = malloc(VLAN_IDS * sizeof(*by_vlan));
        if (by_vlan == NULL)
            return NULL;
        for (unsigned i = 0; i < VLAN_IDS; i++)
            atomic_init(&by_vlan[i], VIF_NONE);
        __atomic_store_n(&port->by_vlan, by_vlan, __ATOMIC_RELEASE);
    }
    return &by_vlan[vlan];
}

/* Takes a port's array of tags away once no tag is left. */
static void
tags_release(struct vif_table *table, struct vif_port *port)
{
    _Atomic uint32_t *by_vlan = port->by_vlan;

    if (by_vlan == NULL || port->n_tags > 0)
        return;
    __atomic_store_n(&port->by_vlan, NULL, __ATOMIC_RELEASE);
    reclaim_defer(table->ids.reclaim, free, by_vlan);
}

int
vif_add(struct vif_table *table, const struct vif *vif, uint32_t *id)
{
    _Atomic uint32_t *binding;
    struct vif *copy;

    if (vif->port >= table->n_ports || vif->vlan > VLAN_ID_MAX)
        return -EINVAL;
    if (vif_lookup(table, vif->port, vif->vlan) != VIF_NONE)
        return -EEXIST;
    if (!rates_are_possible(vif))
        return -EINVAL;
    if (index_take(&table->ids, id) != 0)
        return -ENOSPC;
    copy = vif_copy(vif, *id);
    if (copy != NULL)
        copy->rates_version = ++table->rates_version;
    binding = copy == NULL ? NULL : binding_get(table, vif->port, vif->vlan);
    if (binding == NULL) {
        free(copy);
        index_give(&table->ids, *id);
        return -ENOMEM;
    }
    if (vif->vlan != VLAN_UNTAGGED)
        table->ports[vif->port].n_tags++;
    atomic_store_explicit(&table->entries[*id], copy, memory_order_release);
    atomic_store_explicit(binding, *id, memory_order_release);
    return 0;
}

int
vif_replace(struct vif_table *table, uint32_t id, const struct vif *vif)
{
    struct vif *old = atomic_load_explicit(&table->entries[id], memory_order_relaxed);
    struct vif *copy;

    if (vif->port != old->port || vif->vlan != old->vlan || !rates_are_possible(vif))
        return -EINVAL;
    copy = vif_copy(vif, id);
    if (copy == NULL)
        return -ENOMEM;
    copy->rates_version = rates_differ(copy, old) ? ++table->rates_version : old->rates_version;
    atomic_store_explicit(&table->entries[id], copy, memory_order_release);
    reclaim_defer(table->ids.reclaim, free, old);
    return 0;
}

void
vif_remove(struct vif_table *table, uint32_t id)
{
    struct vif *old = atomic_load_explicit(&table->entries[id], memory_order_relaxed);
    struct vif_port *port = &table->ports[old->port];

    if (old->vlan == VLAN_UNTAGGED) {
        atomic_store_explicit(&port->untagged, VIF_NONE, memory_order_release);
    } else {
        atomic_store_explicit(&port->by_vlan[old->vlan], VIF_NONE, memory_order_release);
        port->n_tags--;
        tags_release(table, port);
    }
    atomic_store_explicit(&table->entries[id], NULL, memory_order_release);
    reclaim_defer(table->ids.reclaim, free, old);
    index_retire(&table->ids, id);
}
