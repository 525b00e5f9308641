/* SPDX-License-Identifier: BSD-3-Clause */

/* Interfaces, labels, endpoints, adjacencies and VRFs: what is published, found, and gone. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/net/checksum.h"
#include "lib/net/encapsulation.h"
#include "lib/net/headers.h"
#include "lib/table/tables.h"

static struct tables *tables;

static int
setup(void **state)
{
    struct table_limits limits = {
        .vifs = 8,
        .vrfs = 4,
        .routes = 100,
        .fib_nodes = 100,
        .endpoints = 4,
        .ecmp_sets = 2,
        .neighbours = 2,
    };

    (void)state;
    tables = tables_create(&limits, 2, 4);
    return tables == NULL;
}

static int
teardown(void **state)
{
    (void)state;
    tables_destroy(tables);
    return 0;
}

static uint32_t
vif_make(uint32_t vrf, uint16_t port, uint16_t vlan)
{
    struct vif vif = { .vrf = vrf, .port = port, .vlan = vlan, .up = true };
    uint32_t id;

    assert_int_equal(vif_add(&tables->vifs, &vif, &id), 0);
    assert_int_equal(vif_at(&tables->vifs, id)->id, id);
    return id;
}

static void
c02_an_interface_is_bound_to_one_vrf(void **state)
{
    struct vif second = { .vrf = 2, .port = 1 };
    uint32_t id = vif_make(1, 1, VLAN_UNTAGGED), other;

    (void)state;
    assert_int_equal(vif_lookup(&tables->vifs, 1, VLAN_UNTAGGED), id);
    assert_int_equal(vif_at(&tables->vifs, id)->vrf, 1);
    assert_int_equal(vif_add(&tables->vifs, &second, &other), -EEXIST);
    assert_int_equal(vif_lookup(&tables->vifs, 2, VLAN_UNTAGGED), VIF_NONE);
    assert_null(vif_at(&tables->vifs, VIF_NONE));

    struct vif moved = *vif_at(&tables->vifs, id);

    moved.port = 2;
    assert_int_equal(vif_replace(&tables->vifs, id, &moved), -EINVAL);
    moved.port = 1;
    moved.up = false;
    assert_int_equal(vif_replace(&tables->vifs, id, &moved), 0);
    assert_false(vif_at(&tables->vifs, id)->up);

    vif_remove(&tables->vifs, id);
    assert_null(vif_at(&tables->vifs, id));
    assert_int_equal(vif_lookup(&tables->vifs, 1, VLAN_UNTAGGED), VIF_NONE);
}

static void
c03_a_tag_selects_the_interface(void **state)
{
    uint32_t untagged = vif_make(0, 3, VLAN_UNTAGGED);
    uint32_t first = vif_make(1, 3, 1), last = vif_make(2, 3, VLAN_ID_MAX);
    struct vif beyond = { .port = 3, .vlan = VLAN_ID_MAX + 1 }, no_port = { .port = 4 };
    uint32_t id;

    (void)state;
    assert_int_equal(vif_lookup(&tables->vifs, 3, VLAN_UNTAGGED), untagged);
    assert_int_equal(vif_lookup(&tables->vifs, 3, 1), first);
    assert_int_equal(vif_lookup(&tables->vifs, 3, VLAN_ID_MAX), last);
    assert_int_equal(vif_lookup(&tables->vifs, 3, 2), VIF_NONE);
    assert_int_equal(vif_lookup(&tables->vifs, 2, 1), VIF_NONE);
    assert_int_equal(vif_add(&tables->vifs, &beyond, &id), -EINVAL);
    assert_int_equal(vif_add(&tables->vifs, &no_port, &id), -EINVAL);

    vif_remove(&tables->vifs, first);
    assert_int_equal(vif_lookup(&tables->vifs, 3, 1), VIF_NONE);
    assert_int_equal(vif_lookup(&tables->vifs, 3, VLAN_ID_MAX), last);
    vif_remove(&tables->vifs, last); /* the array of tags goes with the last of them */
    assert_null(tables->vifs.ports[3].by_vlan);
    assert_int_equal(vif_lookup(&tables->vifs, 3, VLAN_ID_MAX), VIF_NONE);
    assert_int_equal(vif_lookup(&tables->vifs, 3, VLAN_UNTAGGED), untagged);
    first = vif_make(1, 3, 1);
    assert_int_equal(vif_lookup(&tables->vifs, 3, 1), first);
}

static void
an_interface_that_is_refused_leaves_nothing(void **state)
{
    struct vif vif = { .port = 2, .vlan = 100 };
    uint32_t id;

    (void)state;
    for (uint16_t vlan = 1; vlan <= 8; vlan++)
        vif_make(0, 0, vlan);
    assert_int_equal(vif_add(&tables->vifs, &vif, &id), -ENOSPC);
    assert_null(tables->vifs.ports[2].by_vlan);
    vif_remove(&tables->vifs, vif_lookup(&tables->vifs, 0, 8));
    reclaim_drain(tables->reclaim);
    assert_int_equal(vif_add(&tables->vifs, &vif, &id), 0);
}

static void
c05_a_label_selects_an_interface_or_a_vrf_or_nothing(void **state)
{
    struct label_table *labels = &tables->labels;

    (void)state;
    assert_int_equal(label_get(labels, 16), PATH_NONE);
    assert_int_equal(label_get(labels, LABEL_SPACE - 1), PATH_NONE);
    label_set(labels, 16, path_make(PATH_VIF, 7, 0));
    label_set(labels, LABEL_SPACE - 1, path_make(PATH_VRF, vrf_downstream_root(3), 0));
    assert_int_equal(path_kind(label_get(labels, 16)), PATH_VIF);
    assert_int_equal(path_target(label_get(labels, 16)), 7);
    assert_int_equal(path_kind(label_get(labels, LABEL_SPACE - 1)), PATH_VRF);
    assert_int_equal(path_target(label_get(labels, LABEL_SPACE - 1)), vrf_downstream_root(3));
    assert_int_equal(vrf_of_root(vrf_downstream_root(3)), 3);
    assert_int_equal(label_get(labels, 17), PATH_NONE);
    label_set(labels, 16, PATH_NONE);
    assert_int_equal(label_get(labels, 16), PATH_NONE);
}

static void
c08_labels_are_local(void **state)
{
    struct label_table other;

    (void)state;
    assert_int_equal(label_table_init(&other), 0);
    label_set(&tables->labels, 100, path_make(PATH_VIF, 1, 0));
    label_set(&other, 100, path_make(PATH_VIF, 2, 0));
    assert_int_equal(path_target(label_get(&tables->labels, 100)), 1);
    assert_int_equal(path_target(label_get(&other, 100)), 2);
    label_table_free(&other);
}

static const uint8_t *
header_of(const struct endpoint *endpoint)
{
    return endpoint->header + sizeof(endpoint->header) - endpoint->header_length;
}

static void
check_outer_ip(const struct endpoint *endpoint, uint8_t protocol)
{
    static const uint8_t ethernet[] = { 0, 0, 0, 0, 0, 0, 0x02, 0, 0, 0, 0, 0x11, 0x08, 0x00 };
    const uint8_t ip[20] = { 0x45, 0, 0,   0, 0, 0,  0x40, 0,  64,  protocol,
                             0,    0, 192, 0, 2, 11, 198,  51, 100, 12 };
    uint8_t built[20];

    assert_memory_equal(header_of(endpoint), ethernet, sizeof(ethernet));
    memcpy(built, header_of(endpoint) + 14, sizeof(built));
    assert_int_equal(checksum_ipv4(built, sizeof(built)), 0);
    built[10] = built[11] = 0;
    assert_memory_equal(built, ip, sizeof(built));
}

static void
c14_the_header_of_a_gre_tunnel(void **state)
{
    static const uint8_t gre[] = { 0, 0, 0x88, 0x47 };
    struct mac_addr mac = { { 0x02, 0, 0, 0, 0, 0x11 } };
    const struct underlay underlay = { .v4 = ip_addr_from_v4(0xc000020b), .mtu = 1500 };
    struct ip_addr there = ip_addr_from_v4(0xc633640c);
    struct endpoint endpoint;

    (void)state;
    endpoint_header_build(&endpoint, &underlay, &mac, &there, ENCAP_GRE);
    assert_int_equal(endpoint.header_length, 14 + 20 + 4 + 4);
    assert_int_equal(endpoint.encapsulation, ENCAP_GRE);
    assert_true(ip_addr_equal(&endpoint.address, &there));
    check_outer_ip(&endpoint, IP_PROTOCOL_GRE);
    assert_memory_equal(header_of(&endpoint) + 34, gre, sizeof(gre));
    assert_int_equal(endpoint.mtu, 1472);
}

static void
c14_the_header_of_a_udp_tunnel(void **state)
{
    static const uint8_t udp[] = { 0, 0, 0x19, 0xeb, 0, 0, 0, 0 };
    struct mac_addr mac = { { 0x02, 0, 0, 0, 0, 0x11 } };
    const struct underlay underlay = { .v4 = ip_addr_from_v4(0xc000020b), .mtu = 1500 };
    struct ip_addr there = ip_addr_from_v4(0xc633640c);
    struct endpoint endpoint;

    (void)state;
    endpoint_header_build(&endpoint, &underlay, &mac, &there, ENCAP_UDP);
    assert_int_equal(endpoint.header_length, 14 + 20 + 8 + 4);
    assert_int_equal(endpoint.mtu, 1468);
    check_outer_ip(&endpoint, IP_PROTOCOL_UDP);
    assert_memory_equal(header_of(&endpoint) + 34, udp, sizeof(udp));
}

static void
endpoints_are_replaced_and_removed_under_readers(void **state)
{
    struct endpoint endpoint = { .mtu = 1500 };
    const struct endpoint *held;
    uint32_t index, others[4];

    (void)state;
    reclaim_register(tables->reclaim, 0);
    reclaim_online(tables->reclaim, 0);
    assert_int_equal(endpoint_add(&tables->endpoints, &endpoint, &index), 0);
    held = endpoint_at(&tables->endpoints, index);
    endpoint.mtu = 9000;
    assert_int_equal(endpoint_replace(&tables->endpoints, index, &endpoint), 0);
    reclaim_poll(tables->reclaim);
    assert_int_equal(held->mtu, 1500); /* what a reader holds stays */
    assert_int_equal(endpoint_at(&tables->endpoints, index)->mtu, 9000);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(endpoint_add(&tables->endpoints, &endpoint, &others[i]), 0);
    endpoint_remove(&tables->endpoints, index);
    assert_null(endpoint_at(&tables->endpoints, index));
    reclaim_poll(tables->reclaim);
    assert_int_equal(endpoint_add(&tables->endpoints, &endpoint, &others[3]), -ENOSPC);
    reclaim_offline(tables->reclaim, 0);
    reclaim_unregister(tables->reclaim, 0);
    reclaim_drain(tables->reclaim);
    assert_int_equal(endpoint_add(&tables->endpoints, &endpoint, &others[3]), 0);
    assert_int_equal(others[3], index);
}

static void
an_adjacency_is_shared_and_goes_with_its_last_user(void **state)
{
    struct adjacency_table *table = &tables->adjacencies;
    struct ip_addr gateway = ip_addr_from_v4(0xc0000201), other = ip_addr_from_v4(0xc0000202);
    uint32_t first, second, third, none;

    (void)state;
    assert_int_equal(adjacency_get(table, 1, &gateway, &first), 0);
    assert_int_equal(adjacency_get(table, 1, &gateway, &second), 0);
    assert_int_equal(first, second);
    assert_int_equal(adjacency_get(table, 2, &gateway, &third), 0);
    assert_true(third != first);
    assert_int_equal(atomic_load(&table->high), 2);
    assert_int_equal(adjacency_get(table, 1, &other, &none), -ENOSPC);
    assert_true(atomic_load(&table->entries[first].wanted));
    assert_int_equal(atomic_load(&table->entries[first].link), 0);

    /* as the slow path would */
    atomic_store(&table->entries[first].link, adjacency_link(&MAC_VIRTUAL_ROUTER));
    atomic_store(&table->entries[first].state, NEIGHBOUR_REACHABLE);
    adjacency_put(table, first);
    assert_true(atomic_load(&table->entries[first].wanted));
    adjacency_put(table, second);
    assert_false(atomic_load(&table->entries[first].wanted));
    reclaim_drain(tables->reclaim);
    assert_int_equal(adjacency_get(table, 1, &other, &second), 0);
    assert_int_equal(second, first); /* used again, with nothing of the old one */
    assert_int_equal(atomic_load(&table->entries[second].link), 0);
    assert_true(ip_addr_equal(&table->entries[second].address, &other));
}

/* Given back and wanted again before the slow path looked: it need not be asked for anew. */
static void
the_same_neighbour_again_keeps_its_link(void **state)
{
    struct adjacency_table *table = &tables->adjacencies;
    struct ip_addr gateway = ip_addr_from_v4(0xc0000201);
    uint64_t link = adjacency_link(&MAC_VIRTUAL_ROUTER);
    uint32_t first, again;

    (void)state;
    assert_int_equal(adjacency_get(table, 1, &gateway, &first), 0);
    atomic_store(&table->entries[first].link, link);
    adjacency_put(table, first);
    reclaim_drain(tables->reclaim);
    assert_int_equal(adjacency_get(table, 1, &gateway, &again), 0);
    assert_int_equal(again, first);
    assert_true(atomic_load(&table->entries[again].wanted));
    assert_true(atomic_load(&table->entries[again].link) == link);
    adjacency_put(table, again);
    reclaim_drain(tables->reclaim);
    assert_int_equal(adjacency_get(table, 2, &gateway, &again), 0);
    assert_int_equal(again, first);
    assert_int_equal(atomic_load(&table->entries[again].link), 0);
}

static void
a_link_word_carries_a_mac_address(void **state)
{
    struct mac_addr mac = { { 0x02, 0x11, 0x22, 0x33, 0x44, 0xff } }, back;
    uint64_t link = adjacency_link(&mac);

    (void)state;
    back = adjacency_mac(link);
    assert_true(mac_equal(&mac, &back));
    assert_true(link & ADJACENCY_UP);
    assert_int_equal(link & ADJACENCY_MAC_MASK, 0xff4433221102);
    assert_string_equal(neighbour_state_name(NEIGHBOUR_FAILED), "failed");
}

static void
vrf_numbers_are_bounded_and_used_again(void **state)
{
    uint32_t vrfs[4], another;

    (void)state;
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(vrf_add(&tables->vrfs, 0xa9fe0001, &vrfs[i]), 0);
    assert_int_equal(vrf_add(&tables->vrfs, 0xa9fe0001, &another), -ENOSPC);
    vrf_remove(&tables->vrfs, vrfs[2]);
    reclaim_drain(tables->reclaim);
    assert_int_equal(vrf_add(&tables->vrfs, 0xa9fe0001, &another), 0);
    assert_int_equal(another, vrfs[2]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(c02_an_interface_is_bound_to_one_vrf, setup, teardown),
        cmocka_unit_test_setup_teardown(c03_a_tag_selects_the_interface, setup, teardown),
        cmocka_unit_test_setup_teardown(an_interface_that_is_refused_leaves_nothing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(c05_a_label_selects_an_interface_or_a_vrf_or_nothing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(c08_labels_are_local, setup, teardown),
        cmocka_unit_test_setup_teardown(c14_the_header_of_a_gre_tunnel, setup, teardown),
        cmocka_unit_test_setup_teardown(c14_the_header_of_a_udp_tunnel, setup, teardown),
        cmocka_unit_test_setup_teardown(endpoints_are_replaced_and_removed_under_readers, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_adjacency_is_shared_and_goes_with_its_last_user, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_same_neighbour_again_keeps_its_link, setup, teardown),
        cmocka_unit_test_setup_teardown(a_link_word_carries_a_mac_address, setup, teardown),
        cmocka_unit_test_setup_teardown(vrf_numbers_are_bounded_and_used_again, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
