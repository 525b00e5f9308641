/* SPDX-License-Identifier: BSD-3-Clause */

/* The FIB by hand-made examples: what one prefix does to another, and what is refused. */

#include <errno.h>
#include <string.h>

#include "tests/unit/fib_rig.h"

static void
c02_a_vrf_never_sees_another(void **state)
{
    struct fib *fib = fib_make(10, 100);

    (void)state;
    set(fib, 0, "10.0.0.0/24", tunnel(1));
    set(fib, 1, "10.0.0.0/24", tunnel(2));
    set(fib, 0, "2001:db8::/64", tunnel(3));
    set(fib, 1, "2001:db8::/64", tunnel(4));
    assert_int_equal(lookup_text(fib, 0, "10.0.0.1"), tunnel(1));
    assert_int_equal(lookup_text(fib, 1, "10.0.0.1"), tunnel(2));
    assert_int_equal(lookup_text(fib, 2, "10.0.0.1"), PATH_NONE);
    assert_int_equal(lookup_text(fib, 0, "2001:db8::1"), tunnel(3));
    assert_int_equal(lookup_text(fib, 1, "2001:db8::1"), tunnel(4));
    assert_int_equal(lookup_text(fib, 2, "2001:db8::1"), PATH_NONE);
    unset(fib, 0, "10.0.0.0/24");
    unset(fib, 0, "2001:db8::/64");
    assert_int_equal(lookup_text(fib, 0, "10.0.0.1"), PATH_NONE);
    assert_int_equal(lookup_text(fib, 1, "10.0.0.1"), tunnel(2));
    assert_int_equal(lookup_text(fib, 0, "2001:db8::1"), PATH_NONE);
    assert_int_equal(lookup_text(fib, 1, "2001:db8::1"), tunnel(4));
    fib_destroy(fib);
}

/* The same octets, as an IPv4 and as an IPv6 prefix, and a default route of one family. */
static void
c02_a_family_never_sees_the_other(void **state)
{
    struct fib *fib = fib_make(10, 100);

    (void)state;
    set(fib, 0, "32.1.13.184/32", tunnel(1));
    assert_int_equal(lookup_text(fib, 0, "2001:db8::1"), PATH_NONE);
    set(fib, 0, "2001:db8::/32", tunnel(2));
    set(fib, 0, "::/0", tunnel(3));
    assert_int_equal(lookup_text(fib, 0, "32.1.13.184"), tunnel(1));
    assert_int_equal(lookup_text(fib, 0, "32.1.13.185"), PATH_NONE);
    assert_int_equal(lookup_text(fib, 0, "2001:db8::1"), tunnel(2));
    assert_int_equal(lookup_text(fib, 0, "2001:db9::1"), tunnel(3));
    unset(fib, 0, "32.1.13.184/32");
    assert_int_equal(lookup_text(fib, 0, "2001:db8::1"), tunnel(2));
    fib_destroy(fib);
}

static void
a_prefix_taken_away_shows_what_it_covered(void **state)
{
    static const char *const v4[] = { "0.0.0.0/0", "10.0.0.0/20", "10.0.4.0/22", "10.0.4.0/24",
                                      "10.0.4.9/32" };
    static const char *const v6[] = { "::/0", "2001:db8::/32", "2001:db8:4::/47", "2001:db8:4::/64",
                                      "2001:db8:4::9/128" };
    struct fib *fib = fib_make(10, 100);

    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        set(fib, 0, v4[i], tunnel(i));
        set(fib, 0, v6[i], tunnel(10 + i));
    }
    for (unsigned i = 5; i-- > 0;) {
        assert_int_equal(lookup_text(fib, 0, "10.0.4.9"), tunnel(i));
        assert_int_equal(lookup_text(fib, 0, "2001:db8:4::9"), tunnel(10 + i));
        unset(fib, 0, v4[i]);
        unset(fib, 0, v6[i]);
    }
    assert_int_equal(lookup_text(fib, 0, "10.0.4.9"), PATH_NONE);
    assert_int_equal(lookup_text(fib, 0, "2001:db8:4::9"), PATH_NONE);
    fib_destroy(fib);
}

/* Two /24 hide a /23 wholly; it must still be there, and come back. */
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

/* A node that skips octets serves an address that differs in one of them by what lies above. */
static void
c01_octets_that_are_skipped_are_compared(void **state)
{
    struct fib *fib = fib_make(10, 100);
    char other[IP_ADDR_TEXT_MAX];
    struct ip_addr address;

    (void)state;
    set(fib, 0, "2001:db8::/32", tunnel(1));
    set(fib, 0, "2001:db8::1/128", tunnel(2));
    assert_int_equal(usage_of(fib).nodes, 2);
    for (unsigned i = 0; i < 15; i++) {
        assert_int_equal(ip_addr_parse("2001:db8::1", &address), 0);
        address.octets[i] ^= 0x10;
        assert_int_equal(lookup_text(fib, 0, ip_addr_format(&address, other)),
                         i < 4 ? PATH_NONE : tunnel(1));
    }
    assert_int_equal(lookup_text(fib, 0, "2001:db8::1"), tunnel(2));
    fib_destroy(fib);
}

/* A node is split at every octet that it skips, on both sides of a fork, and becomes one again. */
static void
a_path_is_split_anywhere_and_joined_again(void **state)
{
    struct fib *fib = fib_make(10, 100);
    char text[IP_PREFIX_TEXT_MAX];
    struct ip_prefix prefix;

    (void)state;
    set(fib, 0, "2001:db8::1/128", tunnel(1));
    for (unsigned i = 0; i < 128; i++) {
        prefix = prefix_parse("2001:db8::1/128");
        prefix.addr.octets[i / 8] ^= (uint8_t)(0x80 >> i % 8);
        ip_prefix_format(&prefix, text);
        set(fib, 0, text, tunnel(2)); /* beside it */
        assert_int_equal(lookup_text(fib, 0, "2001:db8::1"), tunnel(1));
        assert_int_equal(usage_of(fib).nodes, i / 8 == 15 ? 1 : 3);
        unset(fib, 0, text);
        assert_int_equal(usage_of(fib).nodes, 1);

        prefix = prefix_parse("2001:db8::1/128");
        prefix = ip_prefix_of_network(&prefix.addr, (uint8_t)i);
        ip_prefix_format(&prefix, text);
        set(fib, 0, text, tunnel(3)); /* above it */
        assert_int_equal(lookup_text(fib, 0, "2001:db8::1"), tunnel(1));
        assert_int_equal(lookup_text(fib, 0, "2001:db8::2"), i <= 126 ? tunnel(3) : PATH_NONE);
        unset(fib, 0, text);
        assert_int_equal(usage_of(fib).nodes, 1);
        assert_int_equal(lookup_text(fib, 0, "2001:db8::1"), tunnel(1));
        reclaim_drain(reclaim);
    }
    fib_destroy(fib);
}

/* What a guest's addresses cost: one node for the first host of a network, none for its
 * neighbours in the last octet. */
static void
a_host_of_ipv6_costs_one_node(void **state)
{
    struct fib *fib = fib_make(1000, 1000);

    (void)state;
    for (unsigned i = 0; i < 200; i++) {
        struct ip_prefix host = prefix_parse("2001:db8:0:1::/128");

        host.addr.octets[15] = (uint8_t)i;
        assert_int_equal(fib_set(fib, 0, &host, tunnel(i)), 0);
    }
    assert_int_equal(usage_of(fib).nodes, 1);
    set(fib, 1, "2001:db8:0:1::1/128", tunnel(1));
    assert_int_equal(usage_of(fib).nodes, 2);
    fib_destroy(fib);
}

static void
the_limit_of_routes_refuses_and_counts(void **state)
{
    struct fib *fib = fib_make(2, 100);
    struct ip_prefix third = prefix_parse("2001:db8::3/128");

    (void)state;
    set(fib, 0, "10.0.0.1/32", tunnel(1));
    set(fib, 1, "2001:db8::2/128", tunnel(2));
    assert_int_equal(fib_set(fib, 0, &third, tunnel(3)), -ENOSPC);
    assert_int_equal(fib_get(fib, 0, &third), PATH_NONE);
    assert_int_equal(usage_of(fib).refusals, 1);
    set(fib, 1, "2001:db8::2/128", tunnel(4)); /* replacing needs no room */
    unset(fib, 0, "10.0.0.1/32");
    set(fib, 0, "2001:db8::3/128", tunnel(3));
    fib_destroy(fib);
}

static void
what_is_no_route_is_refused(void **state)
{
    struct fib *fib = fib_make(10, 100);
    struct ip_prefix none = { .length = 8 }, long4 = prefix_parse("10.0.0.0/8");
    struct ip_prefix long6 = prefix_parse("2001:db8::/32"), v4 = prefix_parse("10.0.0.0/8");

    (void)state;
    long4.length = 33;
    long6.length = 129;
    assert_int_equal(fib_set(fib, 0, &none, tunnel(1)), -EAFNOSUPPORT);
    assert_int_equal(fib_set(fib, 0, &long4, tunnel(1)), -EINVAL);
    assert_int_equal(fib_set(fib, 0, &long6, tunnel(1)), -EINVAL);
    assert_int_equal(fib_get(fib, 0, &long6), PATH_NONE);
    assert_int_equal(fib_unset(fib, 0, &long6), -ENOENT);
    assert_int_equal(fib_set(fib, 0, &v4, PATH_NONE), -EINVAL);
    assert_int_equal(usage_of(fib).routes, 0);
    fib_destroy(fib);
}

static void
an_empty_root_costs_two_words(void **state)
{
    struct fib *fib =
        fib_create(&(struct fib_limits){ .roots = 32768, .routes = 10, .nodes = 10 }, reclaim);

    (void)state;
    assert_non_null(fib);
    assert_true(usage_of(fib).octets < 32768 * 17);
    fib_destroy(fib);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(c02_a_vrf_never_sees_another),
        cmocka_unit_test(c02_a_family_never_sees_the_other),
        cmocka_unit_test(a_prefix_taken_away_shows_what_it_covered),
        cmocka_unit_test(a_hidden_prefix_is_not_forgotten),
        cmocka_unit_test(c01_octets_that_are_skipped_are_compared),
        cmocka_unit_test(a_path_is_split_anywhere_and_joined_again),
        cmocka_unit_test(a_host_of_ipv6_costs_one_node),
        cmocka_unit_test(the_limit_of_routes_refuses_and_counts),
        cmocka_unit_test(what_is_no_route_is_refused),
        cmocka_unit_test(an_empty_root_costs_two_words),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
