/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The FIB under its readers: while one thread changes routes, others look addresses up and must
 * always find a route that is there. Run it under ThreadSanitizer as well:
 *   meson setup build-tsan -Db_sanitize=thread && meson test -C build-tsan fib_readers reclaim
 */

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/table/fib.h"
#include "lib/table/reclaim.h"

#define READERS         2u
#define ROUNDS          3000u
#define LOOKUPS_AT_ONCE 32u

static struct reclaim *reclaim;
static struct fib *fib;
static atomic_bool stop;
static _Atomic uint64_t wrong;
static _Atomic uint32_t bursts[READERS];

/* 10.1.0.0/16 stays the whole time; below it everything comes and goes. Path targets are prefix
 * lengths, so that a reader can tell whether what it got may be right. */
static const uint8_t lengths[] = { 17, 20, 22, 24, 25, 28, 30, 32 };

#define ADDRESS 0x0a010203u

static path_t
path_of(uint8_t length)
{
    return path_make(PATH_TUNNEL, length, length);
}

static void *
reader_run(void *argument)
{
    unsigned number = (unsigned)(uintptr_t)argument;
    uint32_t roots[LOOKUPS_AT_ONCE] = { 0 }, addresses[LOOKUPS_AT_ONCE];
    path_t paths[LOOKUPS_AT_ONCE];

    reclaim_register(reclaim, number);
    reclaim_online(reclaim, number);
    for (uint32_t i = 0; i < LOOKUPS_AT_ONCE; i++)
        addresses[i] = ADDRESS ^ (i % 2 == 0 ? 0 : 1u << i % 16);
    while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
        fib_lookup_bulk(fib, roots, addresses, paths, LOOKUPS_AT_ONCE);
        for (uint32_t i = 0; i < LOOKUPS_AT_ONCE; i++) {
            if (path_kind(paths[i]) != PATH_TUNNEL || path_target(paths[i]) < 16 ||
                path_label(paths[i]) != path_target(paths[i]))
                atomic_fetch_add(&wrong, 1);
        }
        atomic_fetch_add(&bursts[number], 1);
        reclaim_quiescent(reclaim, number);
    }
    reclaim_offline(reclaim, number);
    reclaim_unregister(reclaim, number);
    return NULL;
}

static void
set(uint32_t address, uint8_t length)
{
    struct ip_prefix prefix = { .addr = ip_addr_from_v4(address & ip_v4_mask(length)),
                                .length = length };

    assert_int_equal(fib_set(fib, 0, &prefix, path_of(length)), 0);
}

static void
unset(uint32_t address, uint8_t length)
{
    struct ip_prefix prefix = { .addr = ip_addr_from_v4(address & ip_v4_mask(length)),
                                .length = length };

    assert_int_equal(fib_unset(fib, 0, &prefix), 0);
}

/* One round: a longer prefix comes before a shorter one goes, and the other way round, each step
 * with the address covered; the first round begins and the last one ends with the /16 alone. */
static void
round_of_changes(void)
{
    unsigned n = sizeof(lengths) / sizeof(lengths[0]);

    set(ADDRESS, lengths[0]);
    for (unsigned i = 1; i < n; i++) {
        set(ADDRESS, lengths[i]);
        unset(ADDRESS, lengths[i - 1]);
    }
    for (unsigned i = n - 1; i > 0; i--) {
        set(ADDRESS, lengths[i - 1]);
        unset(ADDRESS, lengths[i]);
    }
    unset(ADDRESS, lengths[0]);
}

/* The node of the last level comes and goes under a reader that is on its way to it. */
static void
round_of_levels(void)
{
    set(ADDRESS, 24);
    set(ADDRESS, 32);
    unset(ADDRESS, 24);
    set(ADDRESS, 16);
    unset(ADDRESS, 32);
}

static void
readers_find_a_route_at_every_moment(void **state)
{
    struct fib_usage usage;
    pthread_t threads[READERS];

    (void)state;
    set(ADDRESS, 16);
    for (uintptr_t i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, reader_run, (void *)i), 0);
    for (unsigned i = 0; i < READERS; i++) {
        while (atomic_load(&bursts[i]) == 0)
            ;
    }
    for (unsigned i = 0; i < ROUNDS; i++) {
        round_of_changes();
        round_of_levels();
        reclaim_poll(reclaim);
    }
    atomic_store(&stop, true);
    for (unsigned i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&wrong), 0);

    unset(ADDRESS, 16);
    reclaim_drain(reclaim);
    fib_usage(fib, &usage);
    assert_int_equal(usage.nodes, 0);
}

static int
setup(void **state)
{
    struct fib_limits limits = { .roots = 1, .routes = 1000, .nodes = 10000000 };

    (void)state;
    reclaim = reclaim_create(READERS);
    fib = reclaim == NULL ? NULL : fib_create(&limits, reclaim);
    return fib == NULL;
}

static int
teardown(void **state)
{
    (void)state;
    fib_destroy(fib);
    reclaim_destroy(reclaim);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_find_a_route_at_every_moment),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
