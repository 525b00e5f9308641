/* SPDX-License-Identifier: BSD-3-Clause */

/* control/forwarding.h: next hops become paths, endpoints are shared and go with their last route.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "control/endpoints.h"
#include "control/forwarding.h"
#include "lib/stats/counters.h"

enum { VRF = 1 };

struct world {
    struct tables *tables;
    struct counters *counters;
    struct endpoints *endpoints;
    struct forwarding *forwarding;
    const struct underlay *underlay;
};

static struct ip_addr
address(const char *text)
{
    struct ip_addr addr;

    assert_int_equal(ip_addr_parse(text, &addr), 0);
    return addr;
}

static struct ip_prefix
prefix(const char *text)
{
    struct ip_prefix parsed;

    assert_int_equal(ip_prefix_parse(text, &parsed), 0);
    return parsed;
}

static struct route_next_hop
next_hop(const char *addr, uint32_t label, uint8_t encapsulations)
{
    return (struct route_next_hop){ address(addr), label, encapsulations };
}

static int
set_up(void **state)
{
    static struct world world;
    static struct underlay fabric;
    static struct ip_prefix allowed[2];
    const struct endpoints_underlay underlay = {
        .port = 3,
        .mac = { { 2, 0, 0, 0, 0, 9 } },
        .underlay = &fabric,
        .v4 = { .prefix_length = 24, .gateway = address("192.0.2.1") },
        .v6 = { .prefix_length = 64, .gateway = address("fe80::fe") },
        .allowed = allowed,
        .n_allowed = 2,
    };
    const struct forwarding_settings settings = {
        .underlay = &fabric,
        .n_encapsulations = 2,
        .encapsulations = { ENCAP_UDP, ENCAP_GRE },
    };
    struct table_limits limits = TABLE_LIMITS_DEFAULT;

    fabric = (struct underlay){ .v4 = address("192.0.2.11"),
                                .v6 = address("2001:db8::11"),
                                .mtu = 1500 };
    allowed[0] = prefix("203.0.113.0/24");
    allowed[1] = prefix("192.0.2.12/32");
    limits.endpoints = 4;
    limits.ecmp_sets = 2;
    world.tables = tables_create(&limits, 1, 8);
    assert_non_null(world.tables);
    world.counters = counters_create(
        &(struct counters_shape){ .threads = 1, .endpoints = limits.endpoints, .vifs = 1 });
    assert_non_null(world.counters);
    world.endpoints = endpoints_create(world.tables, world.counters, &underlay);
    assert_non_null(world.endpoints);
    world.forwarding = forwarding_create(world.tables, world.endpoints, &settings);
    assert_non_null(world.forwarding);
    world.underlay = &fabric;
    *state = &world;
    return 0;
}

static int
tear_down(void **state)
{
    struct world *world = *state;

    forwarding_destroy(world->forwarding);
    endpoints_destroy(world->endpoints);
    counters_destroy(world->counters);
    tables_destroy(world->tables);
    return 0;
}

static path_t
upstream(const struct world *world, const char *text)
{
    struct ip_prefix at = prefix(text);

    return fib_get(world->tables->fib, vrf_upstream_root(VRF), &at);
}

static int
set(struct world *world, const char *text, const struct route_next_hop *hops, unsigned n)
{
    struct ip_prefix at = prefix(text);

    return forwarding_set(world->forwarding, VRF, &at, hops, n);
}

static void
unset(struct world *world, const char *text)
{
    struct ip_prefix at = prefix(text);

    forwarding_unset(world->forwarding, VRF, &at);
}

static void
c04_the_first_encapsulation_of_our_list_that_is_offered_is_taken(void **state)
{
    struct world *world = *state;
    struct route_next_hop both = next_hop("192.0.2.12", 31, ENCAP_GRE | ENCAP_UDP);
    struct route_next_hop gre = next_hop("192.0.2.12", 32, ENCAP_GRE | ENCAP_VXLAN);
    struct route_next_hop vxlan = next_hop("192.0.2.12", 33, ENCAP_VXLAN);

    assert_int_equal(set(world, "10.0.0.1/32", &both, 1), 0);
    assert_int_equal(set(world, "10.0.0.2/32", &gre, 1), 0);
    assert_int_equal(set(world, "10.0.0.3/32", &vxlan, 1), -ENOENT);

    path_t first = upstream(world, "10.0.0.1/32"), second = upstream(world, "10.0.0.2/32");
    assert_int_equal(path_kind(first), PATH_TUNNEL);
    assert_int_equal(path_label(first), 31);
    const struct endpoint *udp = endpoint_at(&world->tables->endpoints, path_target(first));
    assert_int_equal(udp->encapsulation, ENCAP_UDP);
    assert_int_equal(udp->mtu, 1500 - 20 - 8 - 4);
    assert_int_equal(endpoint_at(&world->tables->endpoints, path_target(second))->encapsulation,
                     ENCAP_GRE);
    assert_int_equal(upstream(world, "10.0.0.3/32"), PATH_NONE);
    assert_int_equal(forwarding_refusals(world->forwarding)->no_encapsulation, 1);
}

/* Each order of our list against what the next hop offers, at an address of either family. */
static void
c04_our_order_decides_whatever_the_next_hops(void **state)
{
    static const struct {
        uint8_t ours[3], offered, taken;
    } cases[] = {
        { { ENCAP_UDP, ENCAP_GRE, ENCAP_VXLAN }, ENCAP_VXLAN | ENCAP_GRE | ENCAP_UDP, ENCAP_UDP },
        { { ENCAP_UDP, ENCAP_GRE, ENCAP_VXLAN }, ENCAP_VXLAN | ENCAP_GRE, ENCAP_GRE },
        { { ENCAP_UDP, ENCAP_GRE, ENCAP_VXLAN }, ENCAP_VXLAN, ENCAP_VXLAN },
        { { ENCAP_VXLAN, ENCAP_UDP, ENCAP_GRE }, ENCAP_VXLAN | ENCAP_GRE | ENCAP_UDP, ENCAP_VXLAN },
        { { ENCAP_VXLAN, ENCAP_UDP, ENCAP_GRE }, ENCAP_GRE | ENCAP_UDP, ENCAP_UDP },
        { { ENCAP_GRE, ENCAP_VXLAN, ENCAP_UDP }, ENCAP_VXLAN | ENCAP_UDP, ENCAP_VXLAN },
    };
    static const char *const peers[] = { "192.0.2.12", "2001:db8::12" };
    struct world *world = *state;

    for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
        struct forwarding_settings settings = { .underlay = world->underlay,
                                                .n_encapsulations = 3 };
        struct route_next_hop there = next_hop(peers[i % 2], 31, cases[i / 2].offered);
        struct ip_prefix at = prefix("2001:db8:a::/48");
        struct forwarding *forwarding;

        memcpy(settings.encapsulations, cases[i / 2].ours, 3);
        forwarding = forwarding_create(world->tables, world->endpoints, &settings);
        assert_int_equal(forwarding_set(forwarding, VRF, &at, &there, 1), 0);
        path_t path = upstream(world, "2001:db8:a::/48");
        assert_int_equal(path_kind(path), PATH_TUNNEL);
        const struct endpoint *taken = endpoint_at(&world->tables->endpoints, path_target(path));
        assert_int_equal(taken->encapsulation, cases[i / 2].taken);
        assert_int_equal(taken->mtu,
                         1500 - endpoint_overhead(there.addr.family, cases[i / 2].taken));
        assert_true(ip_addr_equal(&taken->address, &there.addr));
        forwarding_unset(forwarding, VRF, &at);
        forwarding_destroy(forwarding);
        reclaim_drain(world->tables->reclaim); /* indexes are given out again after grace */
    }
    assert_int_equal(world->tables->endpoints.indexes.in_use, 0);
}

static void
each_family_has_its_own_link_and_gateway(void **state)
{
    static const struct {
        const char *to, *neighbour;
    } cases[] = {
        { "192.0.2.12", "192.0.2.12" },
        { "198.51.100.1", "192.0.2.1" },
        { "2001:db8::12", "2001:db8::12" },
        { "2001:db8:0:1::12", "fe80::fe" },
    };
    struct world *world = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct route_next_hop there = next_hop(cases[i].to, 31, ENCAP_UDP);
        struct ip_addr neighbour = address(cases[i].neighbour);

        assert_int_equal(set(world, "10.0.0.1/32", &there, 1), 0);
        uint32_t adjacency =
            endpoint_at(&world->tables->endpoints, path_target(upstream(world, "10.0.0.1/32")))
                ->adjacency;
        assert_true(
            ip_addr_equal(&world->tables->adjacencies.entries[adjacency].address, &neighbour));
    }
}

static void
endpoints_beyond_the_link_share_the_gateways_adjacency(void **state)
{
    struct world *world = *state;
    struct route_next_hop near = next_hop("192.0.2.12", 31, ENCAP_UDP);
    struct route_next_hop far_one = next_hop("198.51.100.1", 31, ENCAP_UDP);
    struct route_next_hop far_two = next_hop("198.51.100.2", 31, ENCAP_UDP);
    uint32_t adjacency[3];
    const char *at[] = { "10.0.0.1/32", "10.0.0.2/32", "10.0.0.3/32" };

    assert_int_equal(set(world, at[0], &near, 1), 0);
    assert_int_equal(set(world, at[1], &far_one, 1), 0);
    assert_int_equal(set(world, at[2], &far_two, 1), 0);
    for (unsigned i = 0; i < 3; i++)
        adjacency[i] =
            endpoint_at(&world->tables->endpoints, path_target(upstream(world, at[i])))->adjacency;
    assert_int_not_equal(adjacency[0], adjacency[1]);
    assert_int_equal(adjacency[1], adjacency[2]);
    struct ip_addr gateway = address("192.0.2.1");
    assert_true(ip_addr_equal(&world->tables->adjacencies.entries[adjacency[1]].address, &gateway));
}

static void
c06_an_own_next_hop_leads_where_its_label_leads(void **state)
{
    struct world *world = *state;
    struct route_next_hop own = next_hop("192.0.2.11", 100, ENCAP_UDP);

    assert_false(forwarding_accepts(world->forwarding, &own));
    assert_int_equal(set(world, "10.0.0.1/32", &own, 1), -ENOENT);
    assert_int_equal(upstream(world, "10.0.0.1/32"), PATH_NONE);

    path_t interface = path_make(PATH_VIF, 7, 0);
    label_set(&world->tables->labels, 100, interface);
    assert_true(forwarding_accepts(world->forwarding, &own));
    assert_int_equal(set(world, "10.0.0.1/32", &own, 1), 0);
    assert_int_equal(upstream(world, "10.0.0.1/32"), interface);
}

static void
c06_an_own_route_follows_its_label(void **state)
{
    struct world *world = *state;
    struct route_next_hop own = next_hop("192.0.2.11", 100, ENCAP_UDP);
    path_t first = path_make(PATH_VIF, 7, 0), second = path_make(PATH_VIF, 8, 0);

    label_set(&world->tables->labels, 100, first);
    assert_int_equal(set(world, "10.0.0.1/32", &own, 1), 0);
    label_set(&world->tables->labels, 100, PATH_NONE); /* the interface goes */
    forwarding_labels_changed(world->forwarding);
    assert_int_equal(upstream(world, "10.0.0.1/32"), PATH_NONE);
    label_set(&world->tables->labels, 100, second); /* and comes again with the same label */
    forwarding_labels_changed(world->forwarding);
    assert_int_equal(upstream(world, "10.0.0.1/32"), second);
    unset(world, "10.0.0.1/32");
    label_set(&world->tables->labels, 100, first);
    forwarding_labels_changed(world->forwarding);
    assert_int_equal(upstream(world, "10.0.0.1/32"), PATH_NONE);
}

/* Either of our addresses is ourselves: a label of ours leads to another VRF's routes (a hub, an
 * extranet), whatever the family of the prefix. */
static void
c06_an_own_next_hop_of_either_family_leads_into_another_vrf(void **state)
{
    static const char *const own[] = { "192.0.2.11", "2001:db8::11" };
    static const char *const prefixes[] = { "10.0.0.1/32", "2001:db8:a::1/128", "::/0" };
    struct world *world = *state;
    path_t hub = path_make(PATH_VRF, vrf_upstream_root(7), 0);
    path_t other = path_make(PATH_VRF, vrf_downstream_root(8), 0);

    for (unsigned i = 0; i < 6; i++) {
        struct route_next_hop hop = next_hop(own[i % 2], 100, ENCAP_UDP);
        const char *at = prefixes[i / 2];

        assert_false(forwarding_accepts(world->forwarding, &hop));
        label_set(&world->tables->labels, 100, hub);
        assert_true(forwarding_accepts(world->forwarding, &hop));
        assert_int_equal(set(world, at, &hop, 1), 0);
        assert_int_equal(upstream(world, at), hub);
        label_set(&world->tables->labels, 100, other);
        forwarding_labels_changed(world->forwarding);
        assert_int_equal(upstream(world, at), other);
        unset(world, at);
        label_set(&world->tables->labels, 100, PATH_NONE);
    }
}

static void
an_endpoint_goes_with_its_last_route(void **state)
{
    struct world *world = *state;
    struct route_next_hop there = next_hop("192.0.2.12", 31, ENCAP_UDP);
    struct route_next_hop elsewhere = next_hop("192.0.2.13", 31, ENCAP_UDP);

    assert_int_equal(set(world, "10.0.0.1/32", &there, 1), 0);
    assert_int_equal(set(world, "10.0.0.2/32", &there, 1), 0);
    uint32_t index = path_target(upstream(world, "10.0.0.1/32"));
    assert_int_equal(endpoints_paths(world->endpoints, index), 2);
    assert_int_equal(set(world, "10.0.0.1/32", &there, 1), 0); /* the same again changes nothing */
    assert_int_equal(endpoints_paths(world->endpoints, index), 2);
    assert_int_equal(set(world, "10.0.0.1/32", &elsewhere, 1), 0);
    assert_int_equal(endpoints_paths(world->endpoints, index), 1);
    unset(world, "10.0.0.2/32");
    assert_int_equal(endpoints_paths(world->endpoints, index), 0);
    assert_null(endpoint_at(&world->tables->endpoints, index));
    unset(world, "10.0.0.1/32");
    assert_int_equal(world->tables->endpoints.indexes.in_use, 0);
}

static void
c38_several_next_hops_make_an_ecmp_set(void **state)
{
    struct world *world = *state;
    struct route_next_hop hops[] = {
        next_hop("192.0.2.12", 31, ENCAP_UDP), next_hop("192.0.2.13", 32, ENCAP_UDP),
        next_hop("192.0.2.14", 33, ENCAP_VXLAN), /* not ours: left out */
    };

    assert_int_equal(set(world, "10.0.0.1/32", hops, 3), 0);
    path_t path = upstream(world, "10.0.0.1/32");
    assert_int_equal(path_kind(path), PATH_ECMP);
    unsigned seen[2] = { 0, 0 };
    for (uint32_t hash = 0; hash < 1000; hash++) {
        path_t chosen = ecmp_select(world->tables, path, hash);
        assert_int_equal(path_kind(chosen), PATH_TUNNEL);
        assert_in_range(path_label(chosen), 31, 32);
        seen[path_label(chosen) - 31]++;
    }
    assert_true(seen[0] > 250 && seen[1] > 250);
    assert_int_equal(set(world, "10.0.0.1/32", hops, 1), 0);
    assert_int_equal(path_kind(upstream(world, "10.0.0.1/32")), PATH_TUNNEL);
    unset(world, "10.0.0.1/32");
    assert_int_equal(world->tables->endpoints.indexes.in_use, 0);
    assert_int_equal(world->tables->ecmp.indexes.in_use, 0);
}

static void
c38_next_hops_of_both_families_make_one_set(void **state)
{
    struct world *world = *state;
    struct route_next_hop hops[] = {
        next_hop("2001:db8::12", 31, ENCAP_GRE), next_hop("192.0.2.12", 32, ENCAP_UDP),
        next_hop("2001:db8::11", 33, ENCAP_UDP), /* ourselves */
    };

    label_set(&world->tables->labels, 33, path_make(PATH_VIF, 7, 0));
    assert_int_equal(set(world, "2001:db8:a::/48", hops, 3), 0);
    path_t path = upstream(world, "2001:db8:a::/48");
    assert_int_equal(path_kind(path), PATH_ECMP);
    const struct ecmp_set *members = ecmp_at(&world->tables->ecmp, path);
    assert_int_equal(members->n_members, 3);
    assert_int_equal(
        endpoint_at(&world->tables->endpoints, path_target(members->members[0]))->address.family,
        IP_V6);
    assert_int_equal(
        endpoint_at(&world->tables->endpoints, path_target(members->members[1]))->address.family,
        IP_V4);
    assert_int_equal(members->members[2], path_make(PATH_VIF, 7, 0));

    label_set(&world->tables->labels, 33, PATH_NONE);
    forwarding_labels_changed(world->forwarding);
    assert_int_equal(ecmp_at(&world->tables->ecmp, upstream(world, "2001:db8:a::/48"))->n_members,
                     2);
    unset(world, "2001:db8:a::/48");
    assert_int_equal(world->tables->endpoints.indexes.in_use, 0);
    assert_int_equal(world->tables->ecmp.indexes.in_use, 0);
}

static void
a_full_table_leaves_the_route_that_was(void **state)
{
    struct world *world = *state;
    char text[IP_PREFIX_TEXT_MAX], hop[IP_ADDR_TEXT_MAX];

    for (unsigned i = 0; i < 4; i++) {
        struct ip_addr at = ip_addr_from_v4(0x0a000001 + i);
        struct ip_addr via = ip_addr_from_v4(0xc000020c + i);
        struct ip_prefix host = ip_prefix_of_host(&at);
        struct route_next_hop there = next_hop(ip_addr_format(&via, hop), 31, ENCAP_UDP);
        assert_int_equal(set(world, ip_prefix_format(&host, text), &there, 1), 0);
    }
    path_t before = upstream(world, "10.0.0.1/32");
    struct route_next_hop fifth = next_hop("192.0.2.99", 31, ENCAP_UDP);
    assert_int_equal(set(world, "10.0.0.1/32", &fifth, 1), -ENOSPC);
    assert_int_equal(upstream(world, "10.0.0.1/32"), before);
    assert_int_equal(endpoints_refusals(world->endpoints)->endpoints, 1);
}

static void
a_static_route_stands_above_an_announced_one(void **state)
{
    struct world *world = *state;
    struct route_next_hop there = next_hop("192.0.2.12", 31, ENCAP_UDP);
    struct ip_prefix at = prefix("10.9.0.0/16");
    path_t local = path_make(PATH_VIF, 5, 0);

    assert_int_equal(set(world, "10.9.0.0/16", &there, 1), 0);
    assert_int_equal(forwarding_set_static(world->forwarding, VRF, &at, NULL, 0, local), 0);
    assert_int_equal(upstream(world, "10.9.0.0/16"), local);
    assert_int_equal(world->tables->endpoints.indexes.in_use, 0);
    assert_int_equal(set(world, "10.9.0.0/16", &there, 1), 0);
    unset(world, "10.9.0.0/16");
    assert_int_equal(upstream(world, "10.9.0.0/16"), local);
    assert_int_equal(forwarding_unset_static(world->forwarding, VRF, &at), 0);
    assert_int_equal(upstream(world, "10.9.0.0/16"), PATH_NONE);
    assert_int_equal(forwarding_unset_static(world->forwarding, VRF, &at), -ENOENT);
}

static bool
allows(const struct world *world, const char *source)
{
    const struct ip_addr addr = address(source);
    const uint32_t root = tables_sources_root(&world->tables->limits);
    const uint32_t v4 = ip_addr_to_v4(&addr);
    const uint8_t *v6 = addr.octets;
    path_t path;

    if (addr.family == IP_V4)
        fib_lookup_bulk(world->tables->fib, &root, &v4, &path, 1);
    else
        fib_lookup6_bulk(world->tables->fib, &root, &v6, &path, 1);
    return path != PATH_NONE;
}

static void
c49_known_endpoints_and_configured_prefixes_may_send_tunnels(void **state)
{
    struct world *world = *state;
    struct route_next_hop gre = next_hop("198.51.100.1", 31, ENCAP_GRE);
    struct route_next_hop udp = next_hop("198.51.100.1", 31, ENCAP_UDP);
    struct route_next_hop configured = next_hop("192.0.2.12", 31, ENCAP_UDP);
    struct route_next_hop six = next_hop("2001:db8:7::1", 31, ENCAP_UDP);

    assert_true(allows(world, "203.0.113.77"));
    assert_true(allows(world, "192.0.2.12"));
    assert_false(allows(world, "192.0.2.13"));
    assert_false(allows(world, "198.51.100.1"));

    assert_int_equal(set(world, "10.0.0.1/32", &gre, 1), 0);
    assert_int_equal(set(world, "10.0.0.2/32", &udp, 1), 0);
    assert_int_equal(set(world, "10.0.0.3/32", &configured, 1), 0);
    assert_true(allows(world, "198.51.100.1"));
    assert_false(allows(world, "198.51.100.2"));
    unset(world, "10.0.0.1/32");
    assert_true(allows(world, "198.51.100.1")); /* one of the two endpoints is still there */
    unset(world, "10.0.0.2/32");
    assert_false(allows(world, "198.51.100.1"));
    unset(world, "10.0.0.3/32");
    assert_true(allows(world, "192.0.2.12")); /* it stands in the configuration */

    assert_false(allows(world, "2001:db8:7::1"));
    assert_int_equal(set(world, "10.0.0.1/32", &six, 1), 0);
    assert_true(allows(world, "2001:db8:7::1"));
    assert_false(allows(world, "2001:db8:7::2"));
    unset(world, "10.0.0.1/32");
    assert_false(allows(world, "2001:db8:7::1"));
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(c04_the_first_encapsulation_of_our_list_that_is_offered_is_taken),
        CASE(endpoints_beyond_the_link_share_the_gateways_adjacency),
        CASE(c06_an_own_next_hop_leads_where_its_label_leads),
        CASE(c06_an_own_route_follows_its_label),
        CASE(an_endpoint_goes_with_its_last_route),
        CASE(c38_several_next_hops_make_an_ecmp_set),
        CASE(a_full_table_leaves_the_route_that_was),
        CASE(a_static_route_stands_above_an_announced_one),
        cmocka_unit_test_setup_teardown(
            c49_known_endpoints_and_configured_prefixes_may_send_tunnels, set_up, tear_down),
        cmocka_unit_test_setup_teardown(c04_our_order_decides_whatever_the_next_hops, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(each_family_has_its_own_link_and_gateway, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(c06_an_own_next_hop_of_either_family_leads_into_another_vrf,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(c38_next_hops_of_both_families_make_one_set, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
