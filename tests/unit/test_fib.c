/* SPDX-License-Identifier: BSD-3-Clause */

/* The FIB against a plain list of prefixes, its limits, and what is left after everything went. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/table/fib.h"
#include "lib/table/reclaim.h"

#define ROOTS     4u
#define LIST_MAX  600u
#define STEPS     10000u
#define PROBES    8u
#define BURST_MAX 200u

static struct reclaim *reclaim;

static int
setup(void **state)
{
    (void)state;
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

static struct fib *
fib_make(uint32_t routes, uint32_t nodes)
{
    struct fib *fib = fib_create(
        &(struct fib_limits){ .roots = ROOTS, .routes = routes, .nodes = nodes }, reclaim);

    assert_non_null(fib);
    return fib;
}

static uint64_t random_state;

static uint32_t
random_number(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 32);
}

static struct ip_prefix
prefix_v4(uint32_t address, uint8_t length)
{
    return (struct ip_prefix){ .addr = ip_addr_from_v4(address & ip_v4_mask(length)),
                               .length = length };
}

static struct ip_prefix
prefix_parse(const char *text)
{
    struct ip_prefix prefix;

    assert_int_equal(ip_prefix_parse(text, &prefix), 0);
    return prefix;
}

static path_t
lookup(const struct fib *fib, uint32_t root, uint32_t address)
{
    path_t path;

    fib_lookup_bulk(fib, &root, &address, &path, 1);
    return path;
}

static path_t
lookup_text(const struct fib *fib, uint32_t root, const char *text)
{
    struct ip_addr address;

    assert_int_equal(ip_addr_parse(text, &address), 0);
    return lookup(fib, root, ip_addr_to_v4(&address));
}

static path_t
tunnel(uint32_t endpoint)
{
    return path_make(PATH_TUNNEL, endpoint, (1u << 20) - 1 - endpoint);
}

static void
set(struct fib *fib, uint32_t root, const char *text, path_t path)
{
    struct ip_prefix prefix = prefix_parse(text);

    assert_int_equal(fib_set(fib, root, &prefix, path), 0);
    assert_int_equal(fib_get(fib, root, &prefix), path);
}

static void
unset(struct fib *fib, uint32_t root, const char *text)
{
    struct ip_prefix prefix = prefix_parse(text);

    assert_int_equal(fib_unset(fib, root, &prefix), 0);
    assert_int_equal(fib_get(fib, root, &prefix), PATH_NONE);
}

static struct fib_usage
usage_of(const struct fib *fib)
{
    struct fib_usage usage;

    fib_usage(fib, &usage);
    return usage;
}

/* The model: every prefix in a list, looked up by trying all. */
struct listed {
    uint32_t root;
    struct ip_prefix prefix;
    path_t path;
};

static struct listed list[LIST_MAX];
static unsigned n_listed;

static struct listed *
list_find(uint32_t root, const struct ip_prefix *prefix)
{
    for (unsigned i = 0; i < n_listed; i++) {
        if (list[i].root == root && ip_prefix_equal(&list[i].prefix, prefix))
            return &list[i];
    }
    return NULL;
}

static path_t
list_lookup(uint32_t root, uint32_t address)
{
    struct ip_addr addr = ip_addr_from_v4(address);
    const struct listed *best = NULL;

    for (unsigned i = 0; i < n_listed; i++) {
        if (list[i].root == root && (best == NULL || list[i].prefix.length > best->prefix.length) &&
            ip_prefix_contains(&list[i].prefix, &addr))
            best = &list[i];
    }
    return best == NULL ? PATH_NONE : best->path;
}

/* Few different octets, so that prefixes nest and nodes come, fill and empty again. */
static uint32_t
address_random(void)
{
    uint32_t address = 0;

    for (unsigned i = 0; i < 4; i++) {
        uint32_t r = random_number();

        address = address << 8 | (r % 4 == 0 ? r >> 24 : (r >> 8) % 3 * 0x55);
    }
    return address;
}

static void
check_addresses(const struct fib *fib, const struct ip_prefix *prefix)
{
    uint32_t roots[BURST_MAX], addresses[BURST_MAX];
    path_t paths[BURST_MAX];
    unsigned n = 0;
    uint32_t first = ip_addr_to_v4(&prefix->addr), last = first | ~ip_v4_mask(prefix->length);

    for (uint32_t root = 0; root < ROOTS; root++) {
        const uint32_t edges[] = { first - 1, first, first + 1, last - 1, last, last + 1 };

        for (unsigned i = 0; i < sizeof(edges) / sizeof(edges[0]); i++, n++) {
            roots[n] = root;
            addresses[n] = edges[i];
        }
        for (unsigned i = 0; i < PROBES; i++, n++) {
            roots[n] = root;
            addresses[n] = address_random();
        }
    }
    fib_lookup_bulk(fib, roots, addresses, paths, n);
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(paths[i], list_lookup(roots[i], addresses[i]));
}

static void
step(struct fib *fib, unsigned number, const uint8_t *lengths, unsigned n_lengths, bool grow)
{
    uint32_t root = random_number() % ROOTS;
    struct ip_prefix prefix = prefix_v4(address_random(), lengths[random_number() % n_lengths]);
    unsigned choice = random_number() % 8;
    struct listed *listed;

    if (n_listed > 0 && choice < (grow ? 2u : 6u)) { /* take one away */
        unsigned victim = random_number() % n_listed;

        prefix = list[victim].prefix;
        assert_int_equal(fib_unset(fib, list[victim].root, &prefix), 0);
        list[victim] = list[--n_listed];
        check_addresses(fib, &prefix);
        return;
    }
    listed = list_find(root, &prefix);
    assert_int_equal(fib_get(fib, root, &prefix), listed == NULL ? PATH_NONE : listed->path);
    if (listed == NULL)
        assert_int_equal(fib_unset(fib, root, &prefix), -ENOENT);
    if (listed == NULL && n_listed == LIST_MAX)
        return;
    if (listed == NULL)
        listed = &list[n_listed++];
    *listed = (struct listed){ root, prefix, tunnel(number) };
    assert_int_equal(fib_set(fib, root, &prefix, listed->path), 0);
    check_addresses(fib, &prefix);
}

static void
run_mix(const uint8_t *lengths, unsigned n_lengths)
{
    struct fib *fib = fib_make(LIST_MAX, 100000);

    n_listed = 0;
    for (unsigned i = 0; i < STEPS; i++) {
        step(fib, i, lengths, n_lengths, i / 1250 % 2 == 0);
        assert_int_equal(usage_of(fib).routes, n_listed);
        if (i % 64 == 0)
            reclaim_poll(reclaim);
    }
    while (n_listed > 0) {
        n_listed--;
        assert_int_equal(fib_unset(fib, list[n_listed].root, &list[n_listed].prefix), 0);
    }
    reclaim_drain(reclaim);
    assert_int_equal(usage_of(fib).routes, 0);
    assert_int_equal(usage_of(fib).nodes, 0);
    fib_destroy(fib);
}

static void
c01_longest_prefix_match_of_all_lengths(void **state)
{
    uint8_t lengths[33];

    (void)state;
    for (uint8_t i = 0; i <= 32; i++)
        lengths[i] = i;
    random_state = 1;
    run_mix(lengths, 33);
}

static void
c01_longest_prefix_match_of_hosts_and_networks(void **state)
{
    static const uint8_t lengths[] = { 32, 32, 32, 24, 24, 0, 16, 8, 31, 25 };

    (void)state;
    random_state = 2;
    run_mix(lengths, sizeof(lengths));
}

static void
c01_longest_prefix_match_within_an_octet(void **state)
{
    static const uint8_t lengths[] = { 16, 17, 18, 19, 20, 21, 22, 23, 24 };

    (void)state;
    random_state = 3;
    run_mix(lengths, sizeof(lengths));
}

static void
c02_a_vrf_never_sees_another(void **state)
{
    struct fib *fib = fib_make(10, 100);

    (void)state;
    set(fib, 0, "10.0.0.0/24", tunnel(1));
    set(fib, 1, "10.0.0.0/24", tunnel(2));
    assert_int_equal(lookup_text(fib, 0, "10.0.0.1"), tunnel(1));
    assert_int_equal(lookup_text(fib, 1, "10.0.0.1"), tunnel(2));
    assert_int_equal(lookup_text(fib, 2, "10.0.0.1"), PATH_NONE);
    unset(fib, 0, "10.0.0.0/24");
    assert_int_equal(lookup_text(fib, 0, "10.0.0.1"), PATH_NONE);
    assert_int_equal(lookup_text(fib, 1, "10.0.0.1"), tunnel(2));
    fib_destroy(fib);
}

static void
a_prefix_taken_away_shows_what_it_covered(void **state)
{
    struct fib *fib = fib_make(10, 100);

    (void)state;
    set(fib, 0, "0.0.0.0/0", tunnel(1));
    set(fib, 0, "10.0.0.0/20", tunnel(2));
    set(fib, 0, "10.0.4.0/22", tunnel(3));
    set(fib, 0, "10.0.4.0/24", tunnel(4));
    set(fib, 0, "10.0.4.9/32", tunnel(5));
    assert_int_equal(lookup_text(fib, 0, "10.0.4.9"), tunnel(5));
    unset(fib, 0, "10.0.4.9/32");
    assert_int_equal(lookup_text(fib, 0, "10.0.4.9"), tunnel(4));
    unset(fib, 0, "10.0.4.0/24");
    assert_int_equal(lookup_text(fib, 0, "10.0.4.9"), tunnel(3));
    unset(fib, 0, "10.0.4.0/22");
    assert_int_equal(lookup_text(fib, 0, "10.0.4.9"), tunnel(2));
    unset(fib, 0, "10.0.0.0/20");
    assert_int_equal(lookup_text(fib, 0, "10.0.4.9"), tunnel(1));
    unset(fib, 0, "0.0.0.0/0");
    assert_int_equal(lookup_text(fib, 0, "10.0.4.9"), PATH_NONE);
    fib_destroy(fib);
}

/* Two /25 hide a /24 wholly; it must still be there, and come back. */
static void
a_hidden_prefix_is_not_forgotten(void **state)
{
    struct fib *fib = fib_make(10, 100);
    struct ip_prefix hidden = prefix_parse("10.1.2.0/23");

    (void)state;
    set(fib, 0, "10.1.2.0/23", tunnel(1));
    set(fib, 0, "10.1.2.0/24", tunnel(2));
    set(fib, 0, "10.1.3.0/24", tunnel(3));
    assert_int_equal(fib_get(fib, 0, &hidden), tunnel(1));
    unset(fib, 0, "10.1.3.0/24");
    assert_int_equal(lookup_text(fib, 0, "10.1.3.1"), tunnel(1));
    unset(fib, 0, "10.1.2.0/23");
    assert_int_equal(lookup_text(fib, 0, "10.1.3.1"), PATH_NONE);
    assert_int_equal(lookup_text(fib, 0, "10.1.2.1"), tunnel(2));
    fib_destroy(fib);
}

static void
clearing_a_root_takes_all_its_routes(void **state)
{
    struct fib *fib = fib_make(1000, 10000);

    (void)state;
    random_state = 4;
    set(fib, 0, "0.0.0.0/0", tunnel(1));
    set(fib, 1, "10.0.0.0/8", tunnel(2));
    for (unsigned i = 0; i < 500; i++) {
        struct ip_prefix prefix = prefix_v4(address_random(), (uint8_t)(random_number() % 32 + 1));

        assert_int_equal(fib_set(fib, 0, &prefix, tunnel(i)), 0);
    }
    assert_true(usage_of(fib).routes > 100);
    fib_clear(fib, 0);
    assert_int_equal(usage_of(fib).routes, 1);
    assert_int_equal(usage_of(fib).nodes, 1);
    assert_int_equal(lookup_text(fib, 0, "10.0.0.1"), PATH_NONE);
    assert_int_equal(lookup_text(fib, 1, "10.0.0.1"), tunnel(2));
    fib_clear(fib, 1);
    reclaim_drain(reclaim);
    assert_int_equal(usage_of(fib).nodes, 0);
    fib_destroy(fib);
}

static void
the_limit_of_routes_refuses_and_counts(void **state)
{
    struct fib *fib = fib_make(2, 100);
    struct ip_prefix third = prefix_parse("10.0.0.3/32");

    (void)state;
    set(fib, 0, "10.0.0.1/32", tunnel(1));
    set(fib, 1, "10.0.0.2/32", tunnel(2));
    assert_int_equal(fib_set(fib, 0, &third, tunnel(3)), -ENOSPC);
    assert_int_equal(fib_get(fib, 0, &third), PATH_NONE);
    assert_int_equal(usage_of(fib).refusals, 1);
    set(fib, 1, "10.0.0.2/32", tunnel(4)); /* replacing needs no room */
    unset(fib, 0, "10.0.0.1/32");
    set(fib, 0, "10.0.0.3/32", tunnel(3));
    fib_destroy(fib);
}

/* At every possible limit of nodes, a refused change leaves the table exactly as it was, and
 * everything can be taken away with not one node to spare. */
static void
the_limit_of_nodes_refuses_and_changes_nothing(void **state)
{
    (void)state;
    for (uint32_t nodes = 0; nodes < 40; nodes++) {
        struct fib *fib = fib_make(LIST_MAX, nodes);
        uint64_t refusals = 0;

        random_state = 5;
        n_listed = 0;
        for (unsigned i = 0; i < 60; i++) {
            struct ip_prefix prefix = prefix_v4(address_random(), (uint8_t)(random_number() % 33));
            int error = fib_set(fib, 0, &prefix, tunnel(i));
            struct listed *listed = list_find(0, &prefix);

            if (error == 0) {
                if (listed == NULL)
                    listed = &list[n_listed++];
                *listed = (struct listed){ 0, prefix, tunnel(i) };
            } else {
                assert_int_equal(error, -ENOSPC);
                refusals++;
            }
            check_addresses(fib, &prefix);
            assert_int_equal(usage_of(fib).routes, n_listed);
            if (i % 8 == 0)
                reclaim_drain(reclaim);
        }
        assert_int_equal(usage_of(fib).refusals, refusals);
        while (n_listed > 0) {
            n_listed--;
            assert_int_equal(fib_unset(fib, 0, &list[n_listed].prefix), 0);
            check_addresses(fib, &list[n_listed].prefix);
        }
        assert_int_equal(usage_of(fib).nodes, 0);
        fib_destroy(fib);
    }
}

static void
what_is_no_ipv4_route_is_refused(void **state)
{
    struct fib *fib = fib_make(10, 100);
    struct ip_prefix v6 = prefix_parse("2001:db8::/32"), v4 = prefix_parse("10.0.0.0/8");

    (void)state;
    assert_int_equal(fib_set(fib, 0, &v6, tunnel(1)), -EAFNOSUPPORT);
    assert_int_equal(fib_get(fib, 0, &v6), PATH_NONE);
    assert_int_equal(fib_unset(fib, 0, &v6), -ENOENT);
    assert_int_equal(fib_set(fib, 0, &v4, PATH_NONE), -EINVAL);
    assert_int_equal(usage_of(fib).routes, 0);
    fib_destroy(fib);
}

static void
an_empty_root_costs_a_word(void **state)
{
    struct fib *fib =
        fib_create(&(struct fib_limits){ .roots = 32768, .routes = 10, .nodes = 10 }, reclaim);

    (void)state;
    assert_non_null(fib);
    assert_true(usage_of(fib).octets < 32768 * 16);
    fib_destroy(fib);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(c01_longest_prefix_match_of_all_lengths),
        cmocka_unit_test(c01_longest_prefix_match_of_hosts_and_networks),
        cmocka_unit_test(c01_longest_prefix_match_within_an_octet),
        cmocka_unit_test(c02_a_vrf_never_sees_another),
        cmocka_unit_test(a_prefix_taken_away_shows_what_it_covered),
        cmocka_unit_test(a_hidden_prefix_is_not_forgotten),
        cmocka_unit_test(clearing_a_root_takes_all_its_routes),
        cmocka_unit_test(the_limit_of_routes_refuses_and_counts),
        cmocka_unit_test(the_limit_of_nodes_refuses_and_changes_nothing),
        cmocka_unit_test(what_is_no_ipv4_route_is_refused),
        cmocka_unit_test(an_empty_root_costs_a_word),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
