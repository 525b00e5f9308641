/* SPDX-License-Identifier: BSD-3-Clause */

/* The FIB against a plain list of prefixes, for both families, also where nodes run out. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/fib_rig.h"

#define LIST_MAX 600u
#define STEPS    10000u
#define PROBES   8u

static uint64_t random_state;

static uint32_t
random_number(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 32);
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
list_lookup(uint32_t root, const struct ip_addr *address)
{
    const struct listed *best = NULL;

    for (unsigned i = 0; i < n_listed; i++) {
        if (list[i].root == root && (best == NULL || list[i].prefix.length > best->prefix.length) &&
            ip_prefix_contains(&list[i].prefix, address))
            best = &list[i];
    }
    return best == NULL ? PATH_NONE : best->path;
}

/* Alike up to some octet, and few different octets behind it: prefixes nest, paths part at every
 * level, and nodes come, fill and empty again. */
static struct ip_addr
address_random(uint8_t family)
{
    const unsigned n = ip_family_bits(family) / 8;
    const unsigned alike = random_number() % (n + 1);
    struct ip_addr address = { .family = family };

    for (unsigned i = 0; i < n; i++) {
        uint32_t r = random_number();

        address.octets[i] = 0x55;
        if (i >= alike)
            address.octets[i] = (uint8_t)(r % 4 == 0 ? r >> 24 : (r >> 8) % 3 * 0x55);
    }
    return address;
}

static struct ip_prefix
prefix_random(uint8_t family, uint8_t length)
{
    struct ip_addr address = address_random(family);

    return ip_prefix_of_network(&address, length);
}

/* The address that is `step` (1 or -1) from another, all around the address space. */
static struct ip_addr
address_next(struct ip_addr address, int step)
{
    for (unsigned i = ip_family_bits(address.family) / 8; i-- > 0;) {
        address.octets[i] = (uint8_t)(address.octets[i] + step);
        if (address.octets[i] != (step > 0 ? 0x00 : 0xff))
            break;
    }
    return address;
}

static struct ip_addr
address_last(const struct ip_prefix *prefix)
{
    struct ip_addr last = prefix->addr;

    for (unsigned bit = prefix->length; bit < ip_family_bits(last.family); bit++)
        last.octets[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
    return last;
}

/* What is at a prefix's edges, and some addresses anywhere, in every root. */
static void
check_addresses(struct fib *fib, const struct ip_prefix *prefix)
{
    const struct ip_addr first = prefix->addr, last = address_last(prefix);
    const struct ip_addr edges[] = { address_next(first, -1), first, address_next(first, 1),
                                     address_next(last, -1),  last,  address_next(last, 1) };
    struct ip_addr addresses[LOOKUPS_MAX];
    uint32_t roots[LOOKUPS_MAX];
    path_t paths[LOOKUPS_MAX];
    unsigned n = 0;

    for (uint32_t root = 0; root < ROOTS; root++) {
        for (unsigned i = 0; i < sizeof(edges) / sizeof(edges[0]) + PROBES; i++, n++) {
            roots[n] = root;
            addresses[n] = i < PROBES ? address_random(first.family) : edges[i - PROBES];
        }
    }
    lookup_all(fib, roots, addresses, paths, n);
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(paths[i], list_lookup(roots[i], &addresses[i]));
}

/* What prefixes a run is made of. */
struct mix {
    const uint8_t *families;
    unsigned n_families;
    const uint8_t *lengths; /* those that an IPv4 address does not have serve IPv6 */
    unsigned n_lengths;
};

static struct ip_prefix
prefix_of_mix(const struct mix *mix)
{
    uint8_t family = mix->families[random_number() % mix->n_families], length;

    do
        length = mix->lengths[random_number() % mix->n_lengths];
    while (length > ip_family_bits(family));
    return prefix_random(family, length);
}

static void
step(struct fib *fib, unsigned number, const struct mix *mix, bool grow)
{
    uint32_t root = random_number() % ROOTS;
    struct ip_prefix prefix = prefix_of_mix(mix);
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

/* The nodes depend on what is in the list, not on how it came to be. */
static void
check_nodes(const struct fib *fib)
{
    struct fib *fresh = fib_make(LIST_MAX, 100000);

    for (unsigned i = 0; i < n_listed; i++)
        assert_int_equal(fib_set(fresh, list[i].root, &list[i].prefix, list[i].path), 0);
    assert_int_equal(usage_of(fib).nodes, usage_of(fresh).nodes);
    fib_destroy(fresh);
}

static void
run_mix(const struct mix *mix)
{
    struct fib *fib = fib_make(LIST_MAX, 100000);

    n_listed = 0;
    for (unsigned i = 0; i < STEPS; i++) {
        step(fib, i, mix, i / 1250 % 2 == 0);
        assert_int_equal(usage_of(fib).routes, n_listed);
        if (i % 64 == 0)
            reclaim_poll(reclaim);
        if (i % 500 == 0)
            check_nodes(fib);
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

static const uint8_t only_v4[] = { IP_V4 }, only_v6[] = { IP_V6 }, both[] = { IP_V4, IP_V6 };

#define RUN_MIX(families, lengths) \
    run_mix(&(struct mix){ families, sizeof(families), lengths, sizeof(lengths) })

static uint8_t all_lengths[129];

static void
c01_longest_prefix_match_of_all_lengths(void **state)
{
    (void)state;
    random_state = 1;
    RUN_MIX(only_v4, all_lengths);
    random_state = 11;
    RUN_MIX(only_v6, all_lengths);
    random_state = 12;
    RUN_MIX(both, all_lengths);
}

static void
c01_longest_prefix_match_of_hosts_and_networks(void **state)
{
    static const uint8_t v4[] = { 32, 32, 32, 24, 24, 0, 16, 8, 31, 25 };
    static const uint8_t v6[] = { 128, 128, 128, 64, 64, 56, 48, 0, 127, 65 };

    (void)state;
    random_state = 2;
    RUN_MIX(only_v4, v4);
    RUN_MIX(only_v6, v6);
}

static void
c01_longest_prefix_match_within_an_octet(void **state)
{
    static const uint8_t v4[] = { 16, 17, 18, 19, 20, 21, 22, 23, 24 };
    static const uint8_t v6[] = { 56, 57, 58, 59, 60, 61, 62, 63, 64 };

    (void)state;
    random_state = 3;
    RUN_MIX(only_v4, v4);
    RUN_MIX(only_v6, v6);
}

/* The two ends of what can be skipped: hosts alone, and hosts over networks of a few bits. */
static void
c01_longest_prefix_match_over_long_paths(void **state)
{
    static const uint8_t hosts[] = { 128 }, ends[] = { 128, 121, 8, 3, 1 };

    (void)state;
    random_state = 4;
    RUN_MIX(only_v6, hosts);
    RUN_MIX(only_v6, ends);
}

static void
clearing_a_root_takes_all_its_routes(void **state)
{
    struct fib *fib = fib_make(1000, 10000);

    (void)state;
    random_state = 5;
    set(fib, 0, "0.0.0.0/0", tunnel(1));
    set(fib, 0, "::/0", tunnel(1));
    set(fib, 1, "10.0.0.0/8", tunnel(2));
    set(fib, 1, "2001:db8::/32", tunnel(3));
    for (unsigned i = 0; i < 500; i++) {
        uint8_t family = i % 2 == 0 ? IP_V4 : IP_V6;
        uint8_t length = (uint8_t)(random_number() % ip_family_bits(family) + 1);
        struct ip_prefix prefix = prefix_random(family, length);

        assert_int_equal(fib_set(fib, 0, &prefix, tunnel(i)), 0);
    }
    assert_true(usage_of(fib).routes > 100);
    fib_clear(fib, 0);
    assert_int_equal(usage_of(fib).routes, 2);
    assert_int_equal(usage_of(fib).nodes, 2);
    assert_int_equal(lookup_text(fib, 0, "10.0.0.1"), PATH_NONE);
    assert_int_equal(lookup_text(fib, 0, "2001:db8::1"), PATH_NONE);
    assert_int_equal(lookup_text(fib, 1, "10.0.0.1"), tunnel(2));
    assert_int_equal(lookup_text(fib, 1, "2001:db8::1"), tunnel(3));
    fib_clear(fib, 1);
    reclaim_drain(reclaim);
    assert_int_equal(usage_of(fib).nodes, 0);
    fib_destroy(fib);
}

/* At every possible limit of nodes, a refused change leaves the table exactly as it was, and
 * everything can be taken away with not one node to spare. */
static void
the_limit_of_nodes_refuses_and_changes_nothing(void **state)
{
    (void)state;
    for (uint32_t nodes = 0; nodes < 80; nodes++) {
        struct fib *fib = fib_make(LIST_MAX, nodes);
        uint8_t family = nodes % 2 == 0 ? IP_V4 : IP_V6;
        uint64_t refusals = 0;

        random_state = 6;
        n_listed = 0;
        for (unsigned i = 0; i < 60; i++) {
            uint8_t length = (uint8_t)(random_number() % (ip_family_bits(family) + 1u));
            struct ip_prefix prefix = prefix_random(family, length);
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
        reclaim_drain(reclaim);
        fib_destroy(fib);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(c01_longest_prefix_match_of_all_lengths),
        cmocka_unit_test(c01_longest_prefix_match_of_hosts_and_networks),
        cmocka_unit_test(c01_longest_prefix_match_within_an_octet),
        cmocka_unit_test(c01_longest_prefix_match_over_long_paths),
        cmocka_unit_test(clearing_a_root_takes_all_its_routes),
        cmocka_unit_test(the_limit_of_nodes_refuses_and_changes_nothing),
    };

    for (unsigned i = 0; i < sizeof(all_lengths); i++)
        all_lengths[i] = (uint8_t)i;
    return cmocka_run_group_tests(tests, setup, teardown);
}
