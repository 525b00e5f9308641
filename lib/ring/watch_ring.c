/* SPDX-License-Identifier: BSD-3-Clause */

/* Records from a worker to the control thread: see watch_ring.h. Positions count octets and wrap at
 * 2^32; a record never does at the ring's end, where one of padding is put in its place. */

#include "lib/ring/watch_ring.h"

#include <stddef.h>

static struct watch_record *
record_at(struct watch_ring *ring, uint32_t position)
{
    return (struct watch_record *)(ring->octets + (position & (ring->size - 1)));
}

void
watch_ring_lose(struct watch_ring *ring)
{
    atomic_store_explicit(&ring->lost, atomic_load_explicit(&ring->lost, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}

struct watch_record *
watch_ring_reserve(struct watch_ring *ring, uint32_t octets)
{
    const uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
    uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    const uint32_t room = ring->size - (head - tail);
    const uint32_t to_end = ring->size - (head & (ring->size - 1));
    struct watch_record *record;

    octets = RTE_ALIGN_CEIL(octets, 8);
    if (octets > ring->size || (octets <= to_end ? octets : to_end + octets) > room) {
        watch_ring_lose(ring);
        return NULL;
    }
    record = record_at(ring, head);
    if (octets > to_end) {
        record->octets = to_end;
        record->padding = true;
        head += to_end;
        record = record_at(ring, head);
    }
    record->octets = octets;
    record->padding = false;
    ring->reserved = head + octets;
    return record;
}

void
watch_ring_publish(struct watch_ring *ring)
{
    atomic_store_explicit(&ring->head, ring->reserved, memory_order_release);
}

struct watch_record *
watch_ring_first(struct watch_ring *ring)
{
    const uint32_t head = atomic_load_explicit(&ring->head, memory_order_acquire);

    while (atomic_load_explicit(&ring->tail, memory_order_relaxed) != head) {
        struct watch_record *record =
            record_at(ring, atomic_load_explicit(&ring->tail, memory_order_relaxed));

        if (!record->padding)
            return record;
        watch_ring_release(ring);
    }
    return NULL;
}

void
watch_ring_release(struct watch_ring *ring)
{
    const uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);

    atomic_store_explicit(&ring->tail, tail + record_at(ring, tail)->octets, memory_order_release);
}
