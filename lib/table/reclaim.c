/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Freeing after grace, on rte_rcu_qsbr.
 *
 * What is deferred waits in one queue, in order. Two marks move along it: everything before
 * `second_end` has seen one grace period and waits for its second, everything before `first_end`
 * waits for its first. So however many objects are deferred, one grace period is under way at a
 * time and serves both, and a poll costs a few loads when nothing is due.
 */

#include "lib/table/reclaim.h"

#include <stdint.h>
#include <stdlib.h>

#include <rte_rcu_qsbr.h>

/* The most objects that one poll frees: it shares a thread with everything of the control plane. */
#define RELEASES_A_POLL 8192u

#define CHUNK_RECORDS 255u

struct record {
    void (*release)(void *);
    void *argument;
};

struct chunk {
    struct chunk *next;
    struct record records[CHUNK_RECORDS];
};

struct reclaim {
    struct rte_rcu_qsbr *qsbr;

    /* the queue: positions count every object ever deferred */
    struct chunk *head, *tail;
    uint64_t released, second_end, first_end, deferred;
    uint64_t token; /* of the grace period under way */
};

struct reclaim *
reclaim_create(unsigned max_readers)
{
    struct reclaim *reclaim = calloc(1, sizeof(*reclaim));
    size_t octets = rte_rcu_qsbr_get_memsize(max_readers);

    if (reclaim == NULL)
        return NULL;
    reclaim->qsbr = aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_CACHE_LINE_ROUNDUP(octets));
    if (reclaim->qsbr == NULL || rte_rcu_qsbr_init(reclaim->qsbr, max_readers) != 0)
        goto fail;
    return reclaim;

fail:
    free(reclaim->qsbr);
    free(reclaim);
    return NULL;
}

void
reclaim_destroy(struct reclaim *reclaim)
{
    if (reclaim == NULL)
        return;
    reclaim_drain(reclaim);
    free(reclaim->head);
    free(reclaim->qsbr);
    free(reclaim);
}

void
reclaim_register(struct reclaim *reclaim, unsigned reader)
{
    rte_rcu_qsbr_thread_register(reclaim->qsbr, reader);
}

void
reclaim_unregister(struct reclaim *reclaim, unsigned reader)
{
    rte_rcu_qsbr_thread_unregister(reclaim->qsbr, reader);
}

void
reclaim_online(struct reclaim *reclaim, unsigned reader)
{
    rte_rcu_qsbr_thread_online(reclaim->qsbr, reader);
}

void
reclaim_offline(struct reclaim *reclaim, unsigned reader)
{
    rte_rcu_qsbr_thread_offline(reclaim->qsbr, reader);
}

void
reclaim_quiescent(struct reclaim *reclaim, unsigned reader)
{
    rte_rcu_qsbr_quiescent(reclaim->qsbr, reader);
}

/* The place for one more record at the end of the queue, or NULL without memory. */
static struct record *
record_push(struct reclaim *reclaim)
{
    unsigned at = (unsigned)(reclaim->deferred % CHUNK_RECORDS);

    if (reclaim->tail == NULL || (at == 0 && reclaim->deferred != reclaim->released)) {
        struct chunk *chunk = malloc(sizeof(*chunk));

        if (chunk == NULL)
            return NULL;
        chunk->next = NULL;
        if (reclaim->tail == NULL)
            reclaim->head = chunk;
        else
            reclaim->tail->next = chunk;
        reclaim->tail = chunk;
    }
    reclaim->deferred++;
    return &reclaim->tail->records[at];
}

/* Takes the first record off the queue; there is one. The last chunk is kept for what comes. */
static struct record
record_pop(struct reclaim *reclaim)
{
    struct chunk *chunk = reclaim->head;
    struct record record = chunk->records[reclaim->released++ % CHUNK_RECORDS];

    if (reclaim->released % CHUNK_RECORDS == 0 && chunk->next != NULL) {
        reclaim->head = chunk->next;
        free(chunk);
    }
    return record;
}

void
reclaim_defer(struct reclaim *reclaim, void (*release)(void *), void *argument)
{
    struct record *record = record_push(reclaim);

    if (record == NULL) {
        rte_rcu_qsbr_synchronize(reclaim->qsbr, RTE_QSBR_THRID_INVALID);
        rte_rcu_qsbr_synchronize(reclaim->qsbr, RTE_QSBR_THRID_INVALID);
        release(argument);
        return;
    }
    *record = (struct record){ .release = release, .argument = argument };
}

unsigned
reclaim_poll(struct reclaim *reclaim)
{
    unsigned budget = RELEASES_A_POLL;

    while (reclaim->released != reclaim->deferred &&
           rte_rcu_qsbr_check(reclaim->qsbr, reclaim->token, false) == 1) {
        for (; reclaim->released != reclaim->second_end && budget > 0; budget--) {
            struct record record = record_pop(reclaim);

            record.release(record.argument);
        }
        if (budget == 0)
            break;
        /* what has had its first period begins its second, what came meanwhile its first */
        reclaim->second_end = reclaim->first_end;
        reclaim->first_end = reclaim->deferred;
        reclaim->token = rte_rcu_qsbr_start(reclaim->qsbr);
    }
    return (unsigned)(reclaim->deferred - reclaim->released);
}

void
reclaim_drain(struct reclaim *reclaim)
{
    while (reclaim_poll(reclaim) > 0)
        rte_pause();
}
