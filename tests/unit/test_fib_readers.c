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
#include <string.h>

#include <cmocka.h>

#include "lib/table/fib_lookup.h"
#include "lib/table/reclaim.h"

/* ThreadSanitizer takes a vector's loads for plain ones. */
#ifdef __SANITIZE_THREAD__
#define WATCHED true
#else
#define WATCHED false
#endif

#define READERS         2u
#define ROUNDS          4000u
#define LOOKUPS_AT_ONCE 32u
#define LENGTHS         8u

static struct reclaim *reclaim;
static struct fib *fib;
static enum simd_level level;
static atomic_bool stop;
static _Atomic uint64_t wrong;
static _Atomic uint32_t bursts[READERS];

/* One prefix of each family stays the whole time; below it everything comes and goes: over one
 * address, and beside it, so that paths part and join. Path targets are prefix lengths, so that a
 * reader can tell whether what it got may be right. */
struct family {
    struct ip_addr address;
    uint8_t stays;
    uint8_t lengths[LENGTHS];
};

static const struct family families[] = {
    { { IP_V4, { 10, 1, 2, 3 } }, 16, { 17, 20, 22, 24, 25, 28, 30, 32 } },
    { { IP_V6, { 0x20, 1, 0xd, 0xb8, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6 } },
      32,
      { 33, 48, 57, 64, 65, 96, 127, 128 } },
};

static path_t
path_of(uint8_t length)
{
    return path_make(PATH_TUNNEL, length, length);
}

/* True if the paths found are those of prefixes that cover the address, whatever changes. */
static bool
may_be_right(const path_t *paths, uint8_t stays)
{
    for (unsigned i = 0; i < LOOKUPS_AT_ONCE; i++) {
        if (path_kind(paths[i]) != PATH_TUNNEL || path_target(paths[i]) < stays ||
            path_label(paths[i]) != path_target(paths[i]))
            return false;
    }
    return true;
}

static void *
reader_run(void *argument)
{
    unsigned number = (unsigned)(uintptr_t)argument;
    uint32_t roots[LOOKUPS_AT_ONCE] = { 0 }, v4[LOOKUPS_AT_ONCE];
    uint8_t v6[LOOKUPS_AT_ONCE][16];
    const uint8_t *v6_pointers[LOOKUPS_AT_ONCE];
    path_t paths[LOOKUPS_AT_ONCE];

    reclaim_register(reclaim, number);
    reclaim_online(reclaim, number);
    for (uint32_t i = 0; i < LOOKUPS_AT_ONCE; i++) {
        v4[i] = ip_addr_to_v4(&families[0].address) ^ (i % 2 == 0 ? 0 : 1u << i % 16);
        memcpy(v6[i], families[1].address.octets, sizeof(v6[i]));
        if (i % 2 != 0)
            v6[i][4 + i % 12] ^= (uint8_t)(1u << i % 8);
        v6_pointers[i] = v6[i];
    }
    while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
        fib_lookup_bulk(fib, roots, v4, paths, LOOKUPS_AT_ONCE);
        if (!may_be_right(paths, families[0].stays))
            atomic_fetch_add(&wrong, 1);
        fib_lookup6_bulk(fib, roots, v6_pointers, paths, LOOKUPS_AT_ONCE);
        if (!may_be_right(paths, families[1].stays))
            atomic_fetch_add(&wrong, 1);
        atomic_fetch_add(&bursts[number], 1);
        reclaim_quiescent(reclaim, number);
    }
    reclaim_offline(reclaim, number);
    reclaim_unregister(reclaim, number);
    return NULL;
}

static void
set(struct ip_addr address, uint8_t length)
{
    struct ip_prefix prefix = ip_prefix_of_network(&address, length);

    assert_int_equal(fib_set(fib, 0, &prefix, path_of(length)), 0);
}

static void
unset(struct ip_addr address, uint8_t length)
{
    struct ip_prefix prefix = ip_prefix_of_network(&address, length);

    assert_int_equal(fib_unset(fib, 0, &prefix), 0);
}

/* One round: a longer prefix comes before a shorter one goes, and the other way round, each step
 * with the address covered; a round begins and ends with what stays alone. */
static void
round_of_changes(const struct family *family)
{
    const uint8_t *lengths = family->lengths;

    set(family->address, lengths[0]);
    for (unsigned i = 1; i < LENGTHS; i++) {
        set(family->address, lengths[i]);
        unset(family->address, lengths[i - 1]);
    }
    for (unsigned i = LENGTHS - 1; i > 0; i--) {
        set(family->address, lengths[i - 1]);
        unset(family->address, lengths[i]);
    }
    unset(family->address, lengths[0]);
}

/* The node of the last level comes and goes under a reader that is on its way to it. */
static void
round_of_levels(const struct family *family)
{
    const uint8_t host = ip_family_bits(family->address.family);

    set(family->address, 24);
    set(family->address, host);
    unset(family->address, 24);
    set(family->address, family->stays);
    unset(family->address, host);
}

/* The path to a host is parted at every octet by a host beside it, and joined again. */
static void
round_of_splits(const struct family *family)
{
    const uint8_t host = ip_family_bits(family->address.family);

    set(family->address, host);
    for (unsigned octet = family->stays / 8u; octet < host / 8u; octet++) {
        struct ip_addr beside = family->address;

        beside.octets[octet] ^= 0x80;
        set(beside, host);
        unset(beside, host);
    }
    unset(family->address, host);
}

static void
readers_run(void **state)
{
    struct fib_usage usage;
    pthread_t threads[READERS];

    (void)state;
    if (level > simd_level() || (WATCHED && level > SIMD_SCALAR))
        skip();
    fib_lookup_choose(fib, level);
    atomic_store(&stop, false);
    for (unsigned i = 0; i < READERS; i++)
        atomic_store(&bursts[i], 0);
    for (unsigned family = 0; family < 2; family++)
        set(families[family].address, families[family].stays);
    for (uintptr_t i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, reader_run, (void *)i), 0);
    for (unsigned i = 0; i < READERS; i++) {
        while (atomic_load(&bursts[i]) == 0)
            ;
    }
    for (unsigned i = 0; i < ROUNDS; i++) {
        round_of_changes(&families[i % 2]);
        round_of_levels(&families[i % 2]);
        round_of_splits(&families[i % 2]);
        reclaim_poll(reclaim);
    }
    atomic_store(&stop, true);
    for (unsigned i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&wrong), 0);

    for (unsigned family = 0; family < 2; family++)
        unset(families[family].address, families[family].stays);
    reclaim_drain(reclaim);
    fib_usage(fib, &usage);
    assert_int_equal(usage.nodes, 0);
}

static void
readers_find_a_route_at_every_moment(void **state)
{
    level = SIMD_SCALAR;
    readers_run(state);
}

/* Vectors read what the writer stores at the same time. */
static void
readers_with_avx2_find_a_route_at_every_moment(void **state)
{
    level = SIMD_AVX2;
    readers_run(state);
}

static void
readers_with_avx512_find_a_route_at_every_moment(void **state)
{
    level = SIMD_AVX512;
    readers_run(state);
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
        cmocka_unit_test_setup_teardown(readers_find_a_route_at_every_moment, setup, teardown),
        cmocka_unit_test_setup_teardown(readers_with_avx2_find_a_route_at_every_moment, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(readers_with_avx512_find_a_route_at_every_moment, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
