/* SPDX-License-Identifier: BSD-3-Clause */

/* ECMP sets: which member a flow takes, as members come and go, and go down and up. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/table/tables.h"

#define MEMBERS 5u
#define FLOWS   1000u

static struct tables *tables;
static path_t members[ECMP_MEMBERS_MAX];
static uint32_t adjacencies[MEMBERS];

static void
link_set(unsigned member, bool up)
{
    const struct mac_addr mac = { { 2, 0, 0, 0, 0, (uint8_t)member } };

    atomic_store(&tables->adjacencies.entries[adjacencies[member]].link,
                 up ? adjacency_link(&mac) : 0);
}

/* Some tunnels, to neighbours that are up. */
static int
setup(void **state)
{
    const struct table_limits limits = {
        .vifs = 1,
        .vrfs = 1,
        .routes = 1,
        .fib_nodes = 1,
        .endpoints = MEMBERS,
        .ecmp_sets = 2,
        .neighbours = MEMBERS,
    };

    (void)state;
    tables = tables_create(&limits, 2, 4);
    if (tables == NULL)
        return 1;
    for (unsigned i = 0; i < MEMBERS; i++) {
        const struct ip_addr address = ip_addr_from_v4(0xc0000200 + i);
        struct endpoint endpoint = { .address = address };
        uint32_t index;

        if (adjacency_get(&tables->adjacencies, 0, &address, &adjacencies[i]) != 0)
            return 1;
        endpoint.adjacency = adjacencies[i];
        if (endpoint_add(&tables->endpoints, &endpoint, &index) != 0)
            return 1;
        members[i] = path_make(PATH_TUNNEL, index, 100 + i);
        link_set(i, true);
    }
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    tables_destroy(tables);
    return 0;
}

static path_t
set_of(const path_t *paths, unsigned n)
{
    path_t set;

    assert_int_equal(ecmp_add(&tables->ecmp, paths, n, &set), 0);
    assert_int_equal(path_kind(set), PATH_ECMP);
    return set;
}

/* The members but one. */
static path_t
set_without(unsigned member)
{
    path_t others[MEMBERS];
    unsigned n = 0;

    for (unsigned i = 0; i < MEMBERS; i++) {
        if (i != member)
            others[n++] = members[i];
    }
    return set_of(others, n);
}

static void
c38_flows_spread_over_all_members(void **state)
{
    path_t set = set_of(members, MEMBERS);
    unsigned count[MEMBERS] = { 0 }, total = 0;

    (void)state;
    for (uint32_t hash = 0; hash < ECMP_BUCKETS; hash++) {
        path_t chosen = ecmp_select(tables, set, hash);

        for (unsigned i = 0; i < MEMBERS; i++)
            count[i] += members[i] == chosen;
    }
    for (unsigned i = 0; i < MEMBERS; i++) {
        assert_true(count[i] >= ECMP_BUCKETS / MEMBERS / 3);
        total += count[i];
    }
    assert_int_equal(total, ECMP_BUCKETS);
}

static void
c38_losing_a_member_moves_only_its_flows(void **state)
{
    path_t whole = set_of(members, MEMBERS);

    (void)state;
    for (unsigned lost = 0; lost < MEMBERS; lost++) {
        path_t less = set_without(lost);

        for (uint32_t hash = 0; hash < FLOWS; hash++) {
            path_t before = ecmp_select(tables, whole, hash);
            path_t after = ecmp_select(tables, less, hash);

            assert_true(before == members[lost] ? after != before : after == before);
        }
        ecmp_remove(&tables->ecmp, less);
        reclaim_drain(tables->reclaim);
    }
}

/* A neighbour that does not answer is as a member that is not there, from this moment on and until
 * it answers again. */
static void
c38_a_member_that_is_down_is_passed_over_until_it_is_up(void **state)
{
    path_t whole = set_of(members, MEMBERS), at_start[FLOWS];

    (void)state;
    for (uint32_t hash = 0; hash < FLOWS; hash++)
        at_start[hash] = ecmp_select(tables, whole, hash);
    for (unsigned down = 0; down < MEMBERS; down++) {
        path_t less = set_without(down);

        link_set(down, false);
        for (uint32_t hash = 0; hash < FLOWS; hash++)
            assert_int_equal(ecmp_select(tables, whole, hash), ecmp_select(tables, less, hash));
        link_set(down, true);
        for (uint32_t hash = 0; hash < FLOWS; hash++)
            assert_int_equal(ecmp_select(tables, whole, hash), at_start[hash]);
        ecmp_remove(&tables->ecmp, less);
        reclaim_drain(tables->reclaim);
    }
}

static void
c38_the_last_member_that_is_up_has_all_flows(void **state)
{
    path_t set = set_of(members, MEMBERS), at_start[FLOWS];

    (void)state;
    for (uint32_t hash = 0; hash < FLOWS; hash++)
        at_start[hash] = ecmp_select(tables, set, hash);
    for (unsigned i = 0; i < MEMBERS; i++)
        link_set(i, i == 2);
    for (uint32_t hash = 0; hash < FLOWS; hash++)
        assert_int_equal(ecmp_select(tables, set, hash), members[2]);
    /* with none at all each flow asks for its own */
    link_set(2, false);
    for (uint32_t hash = 0; hash < FLOWS; hash++)
        assert_int_equal(ecmp_select(tables, set, hash), at_start[hash]);
}

/* A route may still lead to a set when the far end of one of its members is gone. */
static void
c38_a_member_whose_endpoint_is_gone_is_passed_over(void **state)
{
    path_t set = set_of(members, MEMBERS);

    (void)state;
    endpoint_remove(&tables->endpoints, path_target(members[1]));
    for (uint32_t hash = 0; hash < FLOWS; hash++)
        assert_int_not_equal(ecmp_select(tables, set, hash), members[1]);
}

/* What is no tunnel has no neighbour that could be down; it takes the flows of tunnels that are. */
static void
c38_local_members_are_always_up(void **state)
{
    const path_t mixed[] = { members[0], path_make(PATH_VIF, 0, 0), path_make(PATH_VRF, 1, 0) };
    path_t set = set_of(mixed, 3);
    bool seen[3] = { false };

    (void)state;
    link_set(0, false);
    for (uint32_t hash = 0; hash < FLOWS; hash++) {
        for (unsigned i = 0; i < 3; i++)
            seen[i] |= ecmp_select(tables, set, hash) == mixed[i];
    }
    assert_false(seen[0]);
    assert_true(seen[1]);
    assert_true(seen[2]);
}

static void
ecmp_sets_are_bounded_and_checked(void **state)
{
    path_t many[ECMP_MEMBERS_MAX + 1], a, b, c;

    (void)state;
    for (unsigned i = 0; i <= ECMP_MEMBERS_MAX; i++)
        many[i] = path_make(PATH_VIF, i, 0);
    assert_int_equal(ecmp_add(&tables->ecmp, many, 1, &a), -EINVAL);
    assert_int_equal(ecmp_add(&tables->ecmp, many, ECMP_MEMBERS_MAX + 1, &a), -EINVAL);
    assert_int_equal(ecmp_add(&tables->ecmp, many, ECMP_MEMBERS_MAX, &a), 0);
    assert_int_equal(ecmp_add(&tables->ecmp, many, 2, &b), 0);
    assert_int_equal(ecmp_add(&tables->ecmp, many, 2, &c), -ENOSPC);
    many[1] = a; /* a set in a set */
    assert_int_equal(ecmp_add(&tables->ecmp, many, 2, &c), -EINVAL);
    ecmp_remove(&tables->ecmp, a);
    assert_int_equal(ecmp_select(tables, a, 1), PATH_NONE);
    reclaim_drain(tables->reclaim);
    assert_int_equal(ecmp_add(&tables->ecmp, many + 2, 2, &c), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(c38_flows_spread_over_all_members),
        TEST(c38_losing_a_member_moves_only_its_flows),
        TEST(c38_a_member_that_is_down_is_passed_over_until_it_is_up),
        TEST(c38_the_last_member_that_is_up_has_all_flows),
        TEST(c38_a_member_whose_endpoint_is_gone_is_passed_over),
        TEST(c38_local_members_are_always_up),
        TEST(ecmp_sets_are_bounded_and_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
