/* SPDX-License-Identifier: BSD-3-Clause */

/* The port table: numbers, who polls and who sends, and the sets of queues that the workers poll.
 * The sets are built anew for each change and replaced by one store each; the old ones, and the
 * number of a port that left, are used again only after grace. */

#include "lib/port/port.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/port/turn.h"
#include "lib/table/reclaim.h"

static bool
is_polled(const struct port_queue *queue, unsigned worker)
{
    return queue->receiver == worker;
}

static bool
is_leaving(const struct port_queue *queue, unsigned worker)
{
    return atomic_load_explicit(&queue->gate, memory_order_relaxed) == gate_held_by(worker);
}

/* The queues of all ports for which `belongs` is true, into `polls` if that is not NULL.
 * @return how many. */
static unsigned
queues_collect(const struct port_table *table, unsigned worker,
               bool (*belongs)(const struct port_queue *queue, unsigned worker), struct poll *polls)
{
    unsigned n = 0;

    for (unsigned number = 0; number < PORTS_MAX; number++) {
        struct port *port = table->published[number];

        for (unsigned i = 0; port != NULL && i < port->n_queues; i++) {
            if (!belongs(&port->queues[i], worker))
                continue;
            if (polls != NULL)
                polls[n] = (struct poll){ port, (uint16_t)i };
            n++;
        }
    }
    return n;
}

static struct poll_set *
poll_set_build(const struct port_table *table, unsigned worker)
{
    const unsigned n = queues_collect(table, worker, is_polled, NULL);
    const unsigned n_leaving = queues_collect(table, worker, is_leaving, NULL);
    struct poll_set *set = malloc(sizeof(*set) + (n + n_leaving) * sizeof(set->polls[0]));

    if (set == NULL)
        return NULL;
    set->n = queues_collect(table, worker, is_polled, set->polls);
    /* fewer than before, if one was let go just now */
    set->n_leaving = queues_collect(table, worker, is_leaving, set->polls + n);
    return set;
}

/* Every worker's set as it is to be. @return false without memory. */
static bool
poll_sets_build(const struct port_table *table, struct poll_set *fresh[WORKERS_MAX])
{
    for (unsigned i = 0; i < table->n_workers; i++) {
        fresh[i] = poll_set_build(table, i);
        if (fresh[i] == NULL) {
            while (i > 0)
                free(fresh[--i]);
            return false;
        }
    }
    return true;
}

static void
poll_sets_publish(struct port_table *table, struct poll_set *const fresh[WORKERS_MAX])
{
    for (unsigned i = 0; i < table->n_workers; i++)
        reclaim_defer(
            table->reclaim, free,
            atomic_exchange_explicit(&table->poll_sets[i], fresh[i], memory_order_acq_rel));
}

struct port_table *
port_table_create(unsigned n_workers, struct reclaim *reclaim)
{
    struct port_table *table = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(*table));
    struct poll_set *empty[WORKERS_MAX];

    if (table == NULL)
        return NULL;
    memset(table, 0, sizeof(*table));
    table->n_workers = n_workers;
    table->reclaim = reclaim;
    if (!poll_sets_build(table, empty)) {
        free(table);
        return NULL;
    }
    for (unsigned i = 0; i < n_workers; i++)
        atomic_init(&table->poll_sets[i], empty[i]);
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

/* The worker that polls the fewest queues. */
static unsigned
idlest_worker(const struct port_table *table)
{
    unsigned idlest = 0, fewest = UINT32_MAX;

    for (unsigned i = 0; i < table->n_workers; i++) {
        const unsigned n = queues_collect(table, i, is_polled, NULL);

        if (n < fewest) {
            fewest = n;
            idlest = i;
        }
    }
    return idlest;
}

/* Gives each receive queue to the worker that has the fewest; and, of a port with several pairs,
 * the transmit queues to the first workers, one each. */
static void
assign_queues(const struct port_table *table, struct port *port)
{
    for (unsigned i = 0; i < port->n_queues; i++)
        port->queues[i] = (struct port_queue){ .receiver = WORKERS_MAX, .gate = GATE_OPEN };
    for (unsigned i = 0; i < port->n_queues; i++) {
        struct port_queue *queue = &port->queues[i];

        queue->receiver = (uint8_t)idlest_worker(table);
        queue->sender = port->n_queues == 1 ? queue->receiver : (uint8_t)i;
    }
}

int
port_publish(struct port_table *table, struct port *port)
{
    struct poll_set *fresh[WORKERS_MAX];
    unsigned number = 0;

    while (number < PORTS_MAX && table->taken[number])
        number++;
    if (number == PORTS_MAX)
        return -ENOSPC;
    table->published[number] = port;
    assign_queues(table, port);
    if (!poll_sets_build(table, fresh)) {
        table->published[number] = NULL;
        return -ENOMEM;
    }
    port->number = (uint16_t)number;
    table->taken[number] = true;
    atomic_store_explicit(&table->ports[number], port, memory_order_release);
    atomic_store_explicit(&table->of_role[port->role], port, memory_order_release);
    poll_sets_publish(table, fresh);
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
    struct withdrawal *withdrawal = malloc(sizeof(*withdrawal));
    struct poll_set *fresh[WORKERS_MAX];

    if (withdrawal == NULL)
        return -ENOMEM;
    table->published[port->number] = NULL;
    if (!poll_sets_build(table, fresh)) {
        table->published[port->number] = port;
        free(withdrawal);
        return -ENOMEM;
    }
    *withdrawal = (struct withdrawal){ table, port->number, gone, argument };
    poll_sets_publish(table, fresh);
    atomic_store_explicit(&table->ports[port->number], NULL, memory_order_release);
    if (port_of_role(table, (enum port_role)port->role) == port)
        atomic_store_explicit(&table->of_role[port->role], NULL, memory_order_release);
    reclaim_defer(table->reclaim, withdrawal_finish, withdrawal);
    return 0;
}

int
port_move(struct port_table *table, struct port *port, unsigned queue, unsigned worker)
{
    struct poll_set *fresh[WORKERS_MAX];

    if (queue >= port->n_queues || worker >= table->n_workers)
        return -EINVAL;

    struct port_queue *moved = &port->queues[queue];

    if (moved->receiver == worker)
        return 0;
    if (atomic_load_explicit(&moved->gate, memory_order_acquire) != GATE_OPEN)
        return -EBUSY;

    const uint8_t before = moved->receiver;

    moved->receiver = (uint8_t)worker;
    atomic_store_explicit(&moved->gate, gate_held_by(before), memory_order_relaxed);
    if (!poll_sets_build(table, fresh)) {
        moved->receiver = before;
        atomic_store_explicit(&moved->gate, GATE_OPEN, memory_order_relaxed);
        return -ENOMEM;
    }
    poll_sets_publish(table, fresh);
    return 0;
}
