/* SPDX-License-Identifier: BSD-3-Clause */

/* lib/ring/watch_ring.h: records of any length from a worker to the control thread, in order,
 * whole, and every one either there or counted as lost. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ring/watch_ring.h"

#define HEAD        ((uint32_t)sizeof(struct watch_record))
#define WRITTEN_MAX 300000u

static struct watch_ring *
ring_make(uint32_t size)
{
    struct watch_ring *ring = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(*ring) + size);

    assert_non_null(ring);
    memset(ring, 0, sizeof(*ring));
    ring->size = size;
    return ring;
}

/* Writes a record whose number says how long it is, and what is in it. */
static bool
write_one(struct watch_ring *ring, uint64_t number)
{
    const uint32_t length = (uint32_t)(number * 37 % 251);
    struct watch_record *record = watch_ring_reserve(ring, HEAD + length);

    if (record == NULL)
        return false;
    record->tsc = number;
    record->n_steps = 0;
    record->kept = length;
    memset(watch_record_packet(record), (int)(number & 0xff), length);
    watch_ring_publish(ring);
    return true;
}

static uint64_t
read_one(struct watch_ring *ring)
{
    struct watch_record *record = watch_ring_first(ring);
    const uint64_t number = record->tsc;

    assert_int_equal(record->kept, number * 37 % 251);
    for (uint32_t i = 0; i < record->kept; i++)
        assert_int_equal(watch_record_packet(record)[i], number & 0xff);
    watch_ring_release(ring);
    return number;
}

static void
what_is_written_is_read_in_order_round_and_round(void **state)
{
    struct watch_ring *ring = ring_make(1024);
    uint64_t written = 0, read = 0;
    (void)state;

    assert_null(watch_ring_first(ring));
    for (unsigned round = 0; round < 5000; round++) {
        for (unsigned i = 0; i < round % 4; i++)
            written += write_one(ring, written);
        while (watch_ring_first(ring) != NULL && round % 3 == 0)
            assert_int_equal(read_one(ring), read++);
    }
    while (watch_ring_first(ring) != NULL)
        assert_int_equal(read_one(ring), read++);
    assert_int_equal(read, written);
    assert_true(written > 2000);
    free(ring);
}

static void
a_full_ring_loses_what_comes_and_keeps_what_it_has(void **state)
{
    struct watch_ring *ring = ring_make(512);
    uint64_t kept = 0;
    (void)state;

    while (write_one(ring, kept))
        kept++;
    assert_true(kept > 1);
    assert_int_equal(atomic_load(&ring->lost), 1);
    assert_false(write_one(ring, kept));
    assert_int_equal(atomic_load(&ring->lost), 2);
    assert_int_equal(read_one(ring), 0);
    for (uint64_t number = 1; number < kept; number++)
        assert_int_equal(read_one(ring), number);
    assert_null(watch_ring_first(ring));
    assert_null(watch_ring_reserve(ring, 513)); /* never fits */
    assert_non_null(watch_ring_reserve(ring, HEAD));
    free(ring);
}

static void
a_record_may_fill_the_whole_ring(void **state)
{
    struct watch_ring *ring = ring_make(512);
    (void)state;

    for (unsigned i = 0; i < 3; i++) {
        struct watch_record *record = watch_ring_reserve(ring, 512);

        assert_non_null(record);
        record->tsc = i;
        watch_ring_publish(ring);
        assert_null(watch_ring_reserve(ring, HEAD));
        assert_int_equal(watch_ring_first(ring)->tsc, i);
        watch_ring_release(ring);
    }
    free(ring);
}

static void *
writer(void *argument)
{
    struct watch_ring *ring = argument;

    for (uint64_t number = 0; number < WRITTEN_MAX; number++) {
        if (!write_one(ring, number))
            sched_yield();
    }
    return NULL;
}

static void
a_worker_and_the_control_thread_at_the_same_time(void **state)
{
    struct watch_ring *ring = ring_make(4096);
    uint64_t read = 0, last = 0;
    pthread_t thread;
    (void)state;

    assert_int_equal(pthread_create(&thread, NULL, writer, ring), 0);
    while (read + atomic_load(&ring->lost) < WRITTEN_MAX) {
        if (watch_ring_first(ring) == NULL) {
            sched_yield();
            continue;
        }
        const uint64_t number = read_one(ring);

        assert_true(read == 0 || number > last);
        last = number;
        read++;
    }
    pthread_join(thread, NULL);
    assert_null(watch_ring_first(ring));
    assert_true(read > 0);
    free(ring);
}

static void
several_rings_are_read_by_time(void **state)
{
    struct watch watch = { .kind = WATCH_CAPTURE };
    unsigned ring;
    (void)state;

    assert_int_equal(watch_rings_create(&watch, 3), 0);
    for (uint64_t number = 0; number < 30; number++)
        assert_true(write_one(watch.rings[number * 7 % 3], number));
    watch_ring_lose(watch.rings[2]);
    for (uint64_t number = 0; number < 30; number++) {
        assert_int_equal(watch_oldest(&watch, &ring)->tsc, number);
        watch_release(&watch, ring);
    }
    assert_null(watch_oldest(&watch, &ring));
    assert_int_equal(watch_lost(&watch), 1);
    watch_rings_destroy(&watch);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_in_order_round_and_round),
        cmocka_unit_test(a_full_ring_loses_what_comes_and_keeps_what_it_has),
        cmocka_unit_test(a_record_may_fill_the_whole_ring),
        cmocka_unit_test(a_worker_and_the_control_thread_at_the_same_time),
        cmocka_unit_test(several_rings_are_read_by_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
