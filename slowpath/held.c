/* SPDX-License-Identifier: BSD-3-Clause */

/* Packets that wait for neighbours: see held.h. */

#include "slowpath/held.h"

#include <stdlib.h>
#include <string.h>

#include "lib/ring/note.h"

bool
held_totals_init(struct held_totals *totals, uint32_t vifs)
{
    *totals =
        (struct held_totals){ .vifs = vifs, .of_vif = calloc(vifs + 1, sizeof(*totals->of_vif)) };
    return totals->of_vif != NULL;
}

void
held_totals_free(struct held_totals *totals)
{
    free(totals->of_vif);
    totals->of_vif = NULL;
}

static uint32_t
vif_of(struct rte_mbuf *packet)
{
    return packet_note(packet)->vif;
}

/* The packets of an interface, over all queues. */
static uint16_t *
total_of(struct held_totals *totals, uint32_t vif)
{
    return &totals->of_vif[vif < totals->vifs ? vif : totals->vifs];
}

static unsigned
count_in_queue(const struct held_queue *queue, uint32_t vif)
{
    unsigned n = 0;

    for (unsigned i = 0; i < queue->n; i++)
        n += vif_of(queue->packets[i]) == vif;
    return n;
}

/* The place of an interface's oldest packet; queue->n if it has none. */
static unsigned
oldest_of(const struct held_queue *queue, uint32_t vif)
{
    unsigned at = 0;

    while (at < queue->n && vif_of(queue->packets[at]) != vif)
        at++;
    return at;
}

/* The interface that has most packets in a queue that is not empty; the newcomer's counts for it.
 */
static uint32_t
greediest(const struct held_queue *queue, uint32_t newcomer)
{
    unsigned most = 0;
    uint32_t greedy = newcomer;

    for (unsigned i = 0; i < queue->n; i++) {
        const uint32_t vif = vif_of(queue->packets[i]);
        const unsigned n = count_in_queue(queue, vif) + (vif == newcomer);

        if (n > most) {
            most = n;
            greedy = vif;
        }
    }
    return greedy;
}

/* The place of what must go for a packet of `vif`. @return false if nothing must. */
static bool
must_go(struct held_totals *totals, const struct held_queue *queue, uint32_t vif, unsigned *at)
{
    if (*total_of(totals, vif) >= HELD_INTERFACE_MAX)
        *at = oldest_of(queue, vif);
    else if (queue->n == HELD_QUEUE_MAX || totals->all == HELD_ALL_MAX)
        *at = queue->n == 0 ? 0 : oldest_of(queue, greediest(queue, vif));
    else
        return false;
    return true;
}

struct rte_mbuf *
held_add(struct held_totals *totals, struct held_queue *queue, struct rte_mbuf *packet)
{
    const uint32_t vif = vif_of(packet);
    struct rte_mbuf *gone = NULL;
    unsigned at;

    if (must_go(totals, queue, vif, &at)) {
        if (at == queue->n)
            return packet;
        gone = queue->packets[at];
        --*total_of(totals, vif_of(gone));
        totals->all--;
        queue->n--;
        memmove(&queue->packets[at], &queue->packets[at + 1],
                (queue->n - at) * sizeof(queue->packets[0]));
    }
    queue->packets[queue->n++] = packet;
    totals->all++;
    ++*total_of(totals, vif);
    return gone;
}

unsigned
held_release(struct held_totals *totals, struct held_queue *queue)
{
    const unsigned n = queue->n;

    for (unsigned i = 0; i < n; i++)
        --*total_of(totals, vif_of(queue->packets[i]));
    totals->all -= n;
    queue->n = 0;
    return n;
}
