/* SPDX-License-Identifier: BSD-3-Clause */

/* The port table: numbers, owners, and the sets of ports that the workers poll. A poll set is built
 * anew for each change and replaced by one store; the old one, and the number of a port that left,
 * are used again only after grace. */

#include "lib/port/port.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/table/reclaim.h"

static struct poll_set *
poll_set_allocate(unsigned n)
{
    struct poll_set *set = malloc(sizeof(*set) + n * sizeof(set->ports[0]));

    if (set != NULL)
        set->n = n;
    return set;
}

struct port_table *
port_table_create(unsigned n_workers, struct reclaim *reclaim)
{
    struct port_table *table = calloc(1, sizeof(*table));

    if (table == NULL)
        return NULL;
    table->n_workers = n_workers;
    table->reclaim = reclaim;
    for (unsigned i = 0; i < n_workers; i++) {
        struct poll_set *empty = poll_set_allocate(0);
        if (empty == NULL) {
            port_table_destroy(table);
            return NULL;
        }
        atomic_init(&table->poll_sets[i], empty);
    }
    return table;
}

void
port_table_destroy(struct port_table *table)
{
    if (table == NULL)
        return;
    for (unsigned i = 0; i < table->n_workers; i++)
        free(atomic_load(&table->poll_sets[i]));
    free(table);
}

static const struct poll_set *
poll_set_of(struct port_table *table, unsigned worker)
{
    return atomic_load_explicit(&table->poll_sets[worker], memory_order_relaxed);
}

static void
poll_set_replace(struct port_table *table, unsigned worker, struct poll_set *fresh)
{
    struct poll_set *old =
        atomic_exchange_explicit(&table->poll_sets[worker], fresh, memory_order_acq_rel);

    reclaim_defer(table->reclaim, free, old);
}

int
port_publish(struct port_table *table, struct port *port)
{
    unsigned number = 0, owner = 0;

    while (number < PORTS_MAX && table->taken[number])
        number++;
    if (number == PORTS_MAX)
        return -ENOSPC;
    for (unsigned i = 1; i < table->n_workers; i++) {
        if (poll_set_of(table, i)->n < poll_set_of(table, owner)->n)
            owner = i;
    }
    const struct poll_set *old = poll_set_of(table, owner);
    struct poll_set *fresh = poll_set_allocate(old->n + 1);
    if (fresh == NULL)
        return -ENOMEM;
    memcpy(fresh->ports, old->ports, old->n * sizeof(old->ports[0]));
    fresh->ports[old->n] = port;

    port->number = (uint16_t)number;
    port->owner = (uint8_t)owner;
    table->taken[number] = true;
    atomic_store_explicit(&table->ports[number], port, memory_order_release);
    poll_set_replace(table, owner, fresh);
    return 0;
}

/* A port on its way out, until no reader can hold it. */
struct withdrawal {
    struct port_table *table;
    uint16_t number;
    void (*gone)(void *argument);
    void *argument;
};

static void
withdrawal_finish(void *context)
{
    struct withdrawal *withdrawal = context;

    withdrawal->table->taken[withdrawal->number] = false;
    withdrawal->gone(withdrawal->argument);
    free(withdrawal);
}

int
port_withdraw(struct port_table *table, struct port *port, void (*gone)(void *), void *argument)
{
    const struct poll_set *old = poll_set_of(table, port->owner);
    struct withdrawal *withdrawal = malloc(sizeof(*withdrawal));
    struct poll_set *fresh = poll_set_allocate(old->n - 1);

    if (withdrawal == NULL || fresh == NULL) {
        free(withdrawal);
        free(fresh);
        return -ENOMEM;
    }
    for (unsigned i = 0, n = 0; i < old->n; i++) {
        if (old->ports[i] != port)
            fresh->ports[n++] = old->ports[i];
    }
    *withdrawal = (struct withdrawal){ table, port->number, gone, argument };
    poll_set_replace(table, port->owner, fresh);
    atomic_store_explicit(&table->ports[port->number], NULL, memory_order_release);
    reclaim_defer(table->reclaim, withdrawal_finish, withdrawal);
    return 0;
}
