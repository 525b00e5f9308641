/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* A ring of records of any length, one worker to the control thread. See watch.h. */

#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>

#include <rte_common.h>

#include "lib/ring/watch.h"

struct watch_ring {
    uint32_t size; /* octets, a power of two */

    /* the worker writes */
    alignas(RTE_CACHE_LINE_SIZE) _Atomic uint32_t head; /* what is before it may be read */
    uint32_t reserved;                                  /* the worker's alone: head to be */
    uint64_t traces_full_at;                            /* and this: fastpath/bucket.h */
    _Atomic uint64_t lost;

    /* control writes */
    alignas(RTE_CACHE_LINE_SIZE) _Atomic uint32_t tail;

    alignas(RTE_CACHE_LINE_SIZE) uint8_t octets[];
};

/**
 * Room for a record of so many octets, whose `octets` is set; it may be read once it is published.
 * @return NULL if there is none: the record is lost, and counted. The ring's worker.
 */
struct watch_record *watch_ring_reserve(struct watch_ring *ring, uint32_t octets);
void watch_ring_publish(struct watch_ring *ring);

/** Counts a record as lost. The ring's worker. */
void watch_ring_lose(struct watch_ring *ring);

/** The oldest record, or NULL; and away with it. Control thread. */
struct watch_record *watch_ring_first(struct watch_ring *ring);
void watch_ring_release(struct watch_ring *ring);
