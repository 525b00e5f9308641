/* SPDX-License-Identifier: BSD-3-Clause */

/* The control thread's side of watches: see watch.h. */

#include "lib/ring/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ring/watch_ring.h"

int
watch_rings_create(struct watch *watch, unsigned n_workers)
{
    for (; watch->n_rings < n_workers; watch->n_rings++) {
        struct watch_ring *ring =
            aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(*ring) + WATCH_RING_OCTETS);

        if (ring == NULL) {
            watch_rings_destroy(watch);
            return -ENOMEM;
        }
        memset(ring, 0, sizeof(*ring));
        ring->size = WATCH_RING_OCTETS;
        watch->rings[watch->n_rings] = ring;
    }
    return 0;
}

void
watch_rings_destroy(struct watch *watch)
{
    for (unsigned i = 0; i < watch->n_rings; i++)
        free(watch->rings[i]);
    watch->n_rings = 0;
}

struct watch_record *
watch_oldest(struct watch *watch, unsigned *ring)
{
    struct watch_record *oldest = NULL;

    for (unsigned i = 0; i < watch->n_rings; i++) {
        struct watch_record *record = watch_ring_first(watch->rings[i]);

        if (record != NULL && (oldest == NULL || record->tsc < oldest->tsc)) {
            oldest = record;
            *ring = i;
        }
    }
    return oldest;
}

void
watch_release(struct watch *watch, unsigned ring)
{
    watch_ring_release(watch->rings[ring]);
}

uint64_t
watch_lost(const struct watch *watch)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < watch->n_rings; i++)
        sum += atomic_load_explicit(&watch->rings[i]->lost, memory_order_relaxed);
    return sum;
}
