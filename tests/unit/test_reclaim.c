/* SPDX-License-Identifier: BSD-3-Clause */

/* Freeing after grace: not before two grace periods, never held up by who sleeps, in bounded
 * batches; and numbers that are used again only then. */

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/table/index.h"
#include "lib/table/reclaim.h"

static struct reclaim *reclaim;
static unsigned released, expected_next;

static int
setup(void **state)
{
    (void)state;
    released = expected_next = 0;
    reclaim = reclaim_create(4);
    return reclaim == NULL;
}

static int
teardown(void **state)
{
    (void)state;
    reclaim_destroy(reclaim);
    return 0;
}

static void
reader_come(unsigned reader)
{
    reclaim_register(reclaim, reader);
    reclaim_online(reclaim, reader);
}

static void
reader_go(unsigned reader)
{
    reclaim_offline(reclaim, reader);
    reclaim_unregister(reclaim, reader);
}

static void
release_count(void *argument)
{
    (void)argument;
    released++;
}

static void
two_grace_periods_pass_before_the_release(void **state)
{
    (void)state;
    reader_come(0);
    reader_come(1);
    reclaim_defer(reclaim, release_count, NULL);
    assert_int_equal(reclaim_poll(reclaim), 1);
    reclaim_quiescent(reclaim, 0);
    assert_int_equal(reclaim_poll(reclaim), 1);
    reclaim_quiescent(reclaim, 1); /* the first period is over */
    assert_int_equal(reclaim_poll(reclaim), 1);
    assert_int_equal(released, 0);
    reclaim_quiescent(reclaim, 1);
    assert_int_equal(reclaim_poll(reclaim), 1);
    assert_int_equal(released, 0);
    reclaim_quiescent(reclaim, 0); /* the second one */
    assert_int_equal(reclaim_poll(reclaim), 0);
    assert_int_equal(released, 1);
    reader_go(0);
    reader_go(1);
}

static void
a_reader_that_sleeps_delays_nobody(void **state)
{
    (void)state;
    reader_come(0);
    reclaim_register(reclaim, 1); /* never came online */
    reclaim_offline(reclaim, 0);
    reclaim_defer(reclaim, release_count, NULL);
    assert_int_equal(reclaim_poll(reclaim), 0);
    assert_int_equal(released, 1);

    reclaim_online(reclaim, 0);
    reclaim_defer(reclaim, release_count, NULL);
    assert_int_equal(reclaim_poll(reclaim), 1);
    reclaim_offline(reclaim, 0);
    assert_int_equal(reclaim_poll(reclaim), 0);
    assert_int_equal(released, 2);
    reclaim_unregister(reclaim, 0);
    reclaim_unregister(reclaim, 1);
}

static void
release_in_order(void *argument)
{
    assert_int_equal((uintptr_t)argument, expected_next);
    expected_next++;
}

static void
many_are_released_in_order_and_in_bounded_batches(void **state)
{
    unsigned n = 100000, before = n;

    (void)state;
    for (uintptr_t i = 0; i < n; i++)
        reclaim_defer(reclaim, release_in_order, (void *)i);
    for (unsigned left; (left = reclaim_poll(reclaim)) > 0; before = left) {
        assert_true(before - left <= 10000);
        assert_int_equal(expected_next, n - left);
    }
    assert_int_equal(expected_next, n);
}

static void
release_and_defer(void *argument)
{
    unsigned *rounds = argument;

    released++;
    if (--*rounds > 0)
        reclaim_defer(reclaim, release_and_defer, argument);
}

static void
a_release_may_defer_again(void **state)
{
    unsigned rounds = 1000;

    (void)state;
    reclaim_defer(reclaim, release_and_defer, &rounds);
    reclaim_drain(reclaim);
    assert_int_equal(released, 1000);
}

/* Deferring and releasing by turns crosses the queue's chunks at every offset. */
static void
the_queue_is_sound_at_every_length(void **state)
{
    uintptr_t next = 0;

    (void)state;
    for (unsigned n = 0; n < 600; n++) {
        for (unsigned i = 0; i < n % 300; i++)
            reclaim_defer(reclaim, release_in_order, (void *)next++);
        assert_int_equal(reclaim_poll(reclaim), 0);
        assert_int_equal(expected_next, next);
    }
}

static void
a_number_is_used_again_only_after_grace(void **state)
{
    struct index_pool pool;
    uint32_t a, b, c, again;

    (void)state;
    assert_int_equal(index_pool_init(&pool, 3, reclaim), 0);
    reader_come(0);
    assert_int_equal(index_take(&pool, &a), 0);
    assert_int_equal(index_take(&pool, &b), 0);
    assert_int_equal(index_take(&pool, &c), 0);
    assert_true(a == 0 && b == 1 && c == 2);
    assert_int_equal(index_take(&pool, &again), -ENOSPC);

    index_retire(&pool, b);
    index_retire(&pool, a); /* while b's grace is under way */
    assert_int_equal(pool.in_use, 1);
    assert_int_equal(index_take(&pool, &again), -ENOSPC);
    reclaim_poll(reclaim);
    assert_int_equal(index_take(&pool, &again), -ENOSPC);
    reader_go(0);
    reclaim_drain(reclaim);
    assert_int_equal(index_take(&pool, &again), 0);
    assert_true(again != c);
    index_give(&pool, again); /* nobody has seen it: free at once */
    assert_int_equal(index_take(&pool, &b), 0);
    assert_int_equal(b, again);
    assert_int_equal(index_take(&pool, &a), 0);
    assert_true(a != b && a != c);
    assert_int_equal(pool.in_use, 3);
    index_pool_free(&pool);
}

/* A reader follows a pointer that the writer replaces all the time: what it leads to must stand. */
static _Atomic(unsigned *) shared;
static atomic_bool stop;
static _Atomic uint32_t reads, torn;

static void *
reader_run(void *argument)
{
    (void)argument;
    reader_come(0);
    for (unsigned i = 0; !atomic_load_explicit(&stop, memory_order_relaxed); i++) {
        const unsigned *value = atomic_load_explicit(&shared, memory_order_acquire);

        if (*value != 0x600d)
            atomic_fetch_add(&torn, 1);
        atomic_fetch_add(&reads, 1);
        reclaim_quiescent(reclaim, 0);
        if (i % 64 == 0) {
            reclaim_offline(reclaim, 0);
            reclaim_online(reclaim, 0);
        }
    }
    reader_go(0);
    return NULL;
}

static void
release_value(void *argument)
{
    *(unsigned *)argument = 0xdead;
    free(argument);
}

static unsigned *
value_make(void)
{
    unsigned *value = malloc(sizeof(*value));

    assert_non_null(value);
    *value = 0x600d;
    return value;
}

static void
a_reader_never_sees_what_was_freed(void **state)
{
    pthread_t thread;

    (void)state;
    atomic_store(&shared, value_make());
    assert_int_equal(pthread_create(&thread, NULL, reader_run, NULL), 0);
    while (atomic_load(&reads) == 0)
        ;
    for (unsigned i = 0; i < 20000; i++) {
        unsigned *old = atomic_load(&shared);

        atomic_store_explicit(&shared, value_make(), memory_order_release);
        reclaim_defer(reclaim, release_value, old);
        reclaim_poll(reclaim);
    }
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
    reclaim_drain(reclaim);
    free(atomic_load(&shared));
    assert_int_equal(atomic_load(&torn), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(two_grace_periods_pass_before_the_release, setup, teardown),
        cmocka_unit_test_setup_teardown(a_reader_that_sleeps_delays_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(many_are_released_in_order_and_in_bounded_batches, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_release_may_defer_again, setup, teardown),
        cmocka_unit_test_setup_teardown(the_queue_is_sound_at_every_length, setup, teardown),
        cmocka_unit_test_setup_teardown(a_number_is_used_again_only_after_grace, setup, teardown),
        cmocka_unit_test_setup_teardown(a_reader_never_sees_what_was_freed, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
