/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * A root large enough for a direct table, which comes, follows every change and goes, and
 * compaction of what is left when most routes have gone. The oracle is the same table spread over
 * many roots that are too small for one: each octet that routes begin with has a root of its own.
 */

#include <stdlib.h>
#include <string.h>

#include "tests/unit/fib_rig.h"

#define ROUTES      40000u
#define OTHER_ROOTS 256u
#define CHANGES     20000u
#define DIRECT_MIN  (1u << 20) /* octets of a direct table, at least */

static uint64_t random_state = 7;

static uint32_t
random_number(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 32);
}

struct world {
    struct fib *fib; /* root OTHER_ROOTS is the large one */
    uint8_t family;
    unsigned common; /* octets that all addresses have in common */
    unsigned first;  /* the octet that chooses the small root */
};

static struct ip_addr
address_random(const struct world *world)
{
    struct ip_addr address = { .family = world->family };

    for (unsigned i = 0; i < ip_family_bits(world->family) / 8; i++)
        address.octets[i] = i < world->common ? 0x20 : (uint8_t)(random_number() >> 8);
    for (unsigned i = world->common + 4; i < ip_family_bits(world->family) / 8; i++)
        address.octets[i] &= 1;
    if (random_number() % 2 == 0) /* a few octets, where changes meet */
        address.octets[world->common] = address.octets[world->common + 1] =
            (uint8_t)(random_number() % 4);
    return address;
}

/* Long prefixes, and one in eight that covers many. */
static struct ip_prefix
prefix_random(const struct world *world)
{
    struct ip_addr address = address_random(world);
    const unsigned shortest = 8 * world->common + 8, longest = ip_family_bits(world->family);
    unsigned length = 8 * world->common + 17 + random_number() % (longest - 8 * world->common - 16);

    if (random_number() % 8 == 0)
        length = shortest + random_number() % 16;
    return ip_prefix_of_network(&address, (uint8_t)length);
}

static uint32_t
small_root(const struct world *world, const struct ip_addr *address)
{
    return address->octets[world->first];
}

static void
change(const struct world *world, const struct ip_prefix *prefix, path_t path)
{
    const uint32_t small = small_root(world, &prefix->addr);

    if (path != PATH_NONE) {
        assert_int_equal(fib_set(world->fib, small, prefix, path), 0);
        assert_int_equal(fib_set(world->fib, OTHER_ROOTS, prefix, path), 0);
    } else {
        int error = fib_unset(world->fib, small, prefix);

        assert_int_equal(fib_unset(world->fib, OTHER_ROOTS, prefix), error);
    }
}

static void
check(const struct world *world, const struct ip_prefix *prefix)
{
    struct ip_addr addresses[16];
    uint32_t small[16], large[16];
    path_t expected[16], paths[16];

    for (unsigned i = 0; i < 16; i++) {
        addresses[i] = i % 2 == 0 ? prefix->addr : address_random(world);
        if (i % 4 == 0)
            addresses[i].octets[ip_family_bits(world->family) / 8 - 1 - i / 4] ^= 1;
        small[i] = small_root(world, &addresses[i]);
        large[i] = OTHER_ROOTS;
    }
    lookup_all(world->fib, small, addresses, expected, 16);
    lookup_all(world->fib, large, addresses, paths, 16);
    assert_memory_equal(paths, expected, sizeof(paths));
}

static void
set_default(const struct world *world, path_t path)
{
    const struct ip_prefix all = { .addr = { .family = world->family } };

    for (uint32_t root = 0; root <= OTHER_ROOTS; root++) {
        if (path != PATH_NONE)
            assert_int_equal(fib_set(world->fib, root, &all, path), 0);
        else
            assert_int_equal(fib_unset(world->fib, root, &all), 0);
    }
}

/* Routes went in random order: their nodes left holes, which go as well. */
static void
compact(struct fib *fib)
{
    size_t before, after;

    reclaim_drain(reclaim);
    before = usage_of(fib).octets;
    while (fib_compact(fib))
        reclaim_poll(reclaim);
    reclaim_drain(reclaim);
    after = usage_of(fib).octets;
    assert_true(after < before - before / 5);
    assert_false(fib_compact(fib));
}

static void
run(uint8_t family, unsigned common)
{
    struct world world = { .family = family, .common = common, .first = common };
    struct ip_prefix *prefixes = calloc(ROUTES, sizeof(*prefixes));
    struct fib_limits limits = { .roots = OTHER_ROOTS + 1,
                                 .routes = 2 * ROUTES + 1000,
                                 .nodes = 4 * ROUTES };
    struct ip_prefix outside = { .addr = { .family = family, .octets = { 0xdf } }, .length = 8 };
    size_t with, without;

    assert_non_null(prefixes);
    world.fib = fib_create(&limits, reclaim);
    assert_non_null(world.fib);
    for (unsigned i = 0; i < ROUTES; i++) {
        prefixes[i] = prefix_random(&world);
        change(&world, &prefixes[i], tunnel(i));
        if (i % 64 == 0)
            check(&world, &prefixes[i]);
        if (i % 1000 == 0)
            reclaim_poll(reclaim);
    }
    for (unsigned i = 0; i < CHANGES; i++) {
        struct ip_prefix *prefix = &prefixes[random_number() % ROUTES];

        change(&world, prefix, PATH_NONE);
        check(&world, prefix);
        if (random_number() % 2 == 0)
            *prefix = prefix_random(&world);
        change(&world, prefix, tunnel(i));
        check(&world, prefix);
        if (i == CHANGES / 3)
            set_default(&world, tunnel(1));
        if (i == CHANGES / 2)
            set_default(&world, PATH_NONE);
        if (i % 1000 == 0)
            reclaim_poll(reclaim);
    }

    /* a route beside everything that the rest has in common: the table cannot stay */
    if (common > 0) {
        reclaim_drain(reclaim);
        with = usage_of(world.fib).octets;
        assert_int_equal(fib_set(world.fib, OTHER_ROOTS, &outside, tunnel(2)), 0);
        reclaim_drain(reclaim);
        without = usage_of(world.fib).octets;
        assert_true(with >= without + DIRECT_MIN);
        for (unsigned i = 0; i < 1000; i++)
            check(&world, &prefixes[i]);
        assert_int_equal(fib_unset(world.fib, OTHER_ROOTS, &outside), 0);
    }
    for (unsigned i = 0; i < ROUTES; i++) {
        if (i == ROUTES / 2) {
            compact(world.fib);
            for (unsigned k = 0; k < ROUTES; k += 8)
                check(&world, &prefixes[k]);
        }
        change(&world, &prefixes[i], PATH_NONE);
        if (i % 64 == 0)
            check(&world, &prefixes[i]);
        if (i % 1000 == 0)
            reclaim_poll(reclaim);
    }
    reclaim_drain(reclaim);
    assert_int_equal(usage_of(world.fib).routes, 0);
    assert_int_equal(usage_of(world.fib).nodes, 0);
    assert_true(usage_of(world.fib).octets < DIRECT_MIN);
    fib_destroy(world.fib);
    free(prefixes);
}

static void
c01_a_large_root_answers_as_small_ones_do(void **state)
{
    (void)state;
    run(IP_V4, 0);
}

static void
c01_a_large_root_of_ipv6_answers_as_small_ones_do(void **state)
{
    (void)state;
    run(IP_V6, 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(c01_a_large_root_answers_as_small_ones_do),
        cmocka_unit_test(c01_a_large_root_of_ipv6_answers_as_small_ones_do),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
