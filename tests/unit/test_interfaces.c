/* SPDX-License-Identifier: BSD-3-Clause */

/* control/interfaces: from the request to the tables and the announcements and back, over a
 * restart, and what a wrong request is told. Real ports (null:, TAP), no workers. */

#include "interfaces_rig.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "tests/unit/count_labels.h"

static unsigned
interfaces_count(const struct rig *rig)
{
    const struct interface *each = interface_after(rig->control.interfaces, "");
    unsigned count = 0;

    for (; each != NULL; count++)
        each = interface_after(rig->control.interfaces, each->config.name);
    return count;
}

static path_t
downstream_path(struct rig *rig, const struct vrf *vrf, uint32_t address)
{
    uint32_t root = vrf_downstream_root(vrf->number);
    path_t path;

    fib_lookup_bulk(rig->control.tables->fib, &root, &address, &path, 1);
    return path;
}

static void
c26_c28_c29_a_vpn_comes_with_its_first_interface_and_goes_with_its_last(void **context)
{
    struct rig *rig = *context;
    struct vif_config first = vif_make(1, "blue"), second = vif_make(2, "blue");
    unsigned added = rig->told.added;

    assert_int_equal(add(rig, &first), 0);
    assert_int_equal(rig->told.added, added + 1);
    assert_string_equal(rig->told.last_vpn, "blue");
    assert_int_equal(add(rig, &second), 0);
    assert_int_equal(rig->told.added, added + 1);
    assert_int_equal(take_away(rig, "vm1"), 0);
    assert_int_equal(rig->told.removed, 0);
    assert_int_equal(take_away(rig, "vm2"), 0);
    assert_int_equal(rig->told.removed, 1);
    assert_string_equal(rig->told.last_vpn, "blue");
    assert_null(vrf_find(rig->control.vrfs, "blue"));
    assert_non_null(vrf_find(rig->control.vrfs, "red"));
}

static void
c33_c35_an_interface_is_published_when_it_is_there_and_retracted_first(void **context)
{
    struct rig *rig = *context;
    struct vif_config vif = vif_make(1, "red");
    struct tables *tables = rig->control.tables;
    const struct interface *made;
    const struct vif *seen;
    unsigned before = rig->told.n_routes;
    uint32_t label, id;
    struct vrf *vrf;

    vif.n_prefixes = 1;
    assert_int_equal(ip_prefix_parse("10.7.0.0/16", &vif.prefixes[0]), 0);
    assert_int_equal(add(rig, &vif), 0);
    made = interface_find(rig->control.interfaces, "vm1");
    assert_non_null(made);
    assert_int_equal(made->state, INTERFACE_UP);
    vrf = made->vrf;
    label = made->label;
    id = made->id;
    assert_ptr_equal(interface_at(rig->control.interfaces, id), made);
    assert_int_equal(rig->told.n_routes, before + 2);
    const struct route *route = &rig->told.routes[before];
    assert_int_equal(route->prefix.length, 32);
    assert_int_equal(route->next_hops[0].label, label);
    assert_int_equal(ip_addr_to_v4(&route->next_hops[0].addr), 0xc000020b);
    assert_int_equal(route->next_hops[0].encapsulations, ENCAP_UDP | ENCAP_GRE | ENCAP_VXLAN);
    assert_int_equal(route->local_preference, 100);

    /* C39: locally, labels and downstream routes; upstream nothing but the gateway */
    assert_true(label_get(&tables->labels, label) == path_make(PATH_VIF, id, 0));
    assert_true(downstream_path(rig, vrf, 0x0a000001) == path_make(PATH_VIF, id, 0));
    assert_true(downstream_path(rig, vrf, 0x0a070001) == path_make(PATH_VIF, id, 0));
    struct ip_prefix host = ip_prefix_of_host(&vif.addresses[0].addr);
    assert_true(fib_get(tables->fib, vrf_upstream_root(vrf->number), &host) == PATH_NONE);
    host.addr = ip_addr_from_v4(0xa9fe0001);
    assert_int_equal(path_kind(fib_get(tables->fib, vrf_upstream_root(vrf->number), &host)),
                     PATH_GATEWAY);

    seen = vif_at(&tables->vifs, id);
    assert_true(seen->up);
    assert_int_equal(seen->mtu, 1450);
    assert_int_equal(seen->vlan, 1);
    assert_int_equal(seen->n_sources, 2);
    assert_int_equal(seen->sources[1].mask, 0xffff0000);
    assert_int_equal(seen->gateway_mac.octets[4], 1); /* C11 */
    assert_int_equal(vif_lookup(&tables->vifs, seen->port, 1), id);

    assert_int_equal(take_away(rig, "vm1"), 0);
    assert_int_equal(rig->told.n_routes, before);
    assert_int_equal(rig->told.retracted, 2);
    assert_true(label_get(&tables->labels, label) == PATH_NONE);
    assert_true(downstream_path(rig, vrf, 0x0a000001) == PATH_NONE);
    assert_null(vif_at(&tables->vifs, id));
    assert_null(interface_find(rig->control.interfaces, "vm1"));
}

static void
a_hub_publishes_with_the_vpns_label(void **context)
{
    struct rig *rig = *context;
    struct vif_config vif = vif_make(1, "hub");
    struct vrf *vrf = vrf_find(rig->control.vrfs, "hub");
    unsigned before = rig->told.n_routes;

    assert_int_equal(add(rig, &vif), 0);
    assert_int_equal(rig->told.routes[before].next_hops[0].label, 100);
    assert_true(label_get(&rig->control.tables->labels, 100) ==
                path_make(PATH_VRF, vrf_upstream_root(vrf->number), 0));
    vif = vif_make(2, "hub");
    vif.label = 200;
    assert_int_equal(add(rig, &vif), -EINVAL);
    assert_string_equal(rig->what.field, "label");
    assert_int_equal(take_away(rig, "vm1"), 0);
}

static void
tags_share_a_port_that_goes_with_the_last(void **context)
{
    struct rig *rig = *context;
    struct vif_config first = vif_make(1, "red"), second = vif_make(2, "red");
    uint16_t port;

    snprintf(first.port, sizeof(first.port), "tap:mi%d", getpid() % 1000000);
    memcpy(second.port, first.port, sizeof(second.port));
    if (geteuid() != 0 || access("/dev/net/tun", W_OK) < 0)
        skip();
    assert_int_equal(add(rig, &first), 0);
    assert_int_equal(add(rig, &second), 0);
    port = vif_at(&rig->control.tables->vifs, interface_find(rig->control.interfaces, "vm1")->id)
               ->port;
    assert_int_equal(
        vif_at(&rig->control.tables->vifs, interface_find(rig->control.interfaces, "vm2")->id)
            ->port,
        port);
    assert_int_equal(take_away(rig, "vm1"), 0);
    assert_non_null(port_at(rig->control.ports, port));
    assert_int_equal(take_away(rig, "vm2"), 0);
    assert_null(port_at(rig->control.ports, port));
    /* the kernel's interface is free again */
    assert_int_equal(add(rig, &first), 0);
    assert_int_equal(take_away(rig, "vm1"), 0);
}

static void
c35_c41_a_link_that_goes_retracts_and_one_that_comes_activates_anew(void **context)
{
    struct rig *rig = *context;
    struct vif_config vif = vif_make(1, "red");
    unsigned before = rig->told.n_routes;
    char command[64];
    uint32_t first;

    if (geteuid() != 0 || access("/dev/net/tun", W_OK) < 0)
        skip();
    vif.vlan = 0;
    snprintf(vif.port, sizeof(vif.port), "tap:mj%d", getpid() % 1000000);
    assert_int_equal(add(rig, &vif), 0);
    assert_int_equal(rig->told.n_routes, before + 1);
    first = rig->told.routes[before].sequence_number;
    snprintf(command, sizeof(command), "ip link set %.15s down", vif.port + 4);
    assert_int_equal(system(command), 0);
    wait_for(rig, &rig->told.n_routes, before);
    assert_int_equal(interface_find(rig->control.interfaces, "vm1")->state, INTERFACE_DOWN);
    snprintf(command, sizeof(command), "ip link set %.15s up", vif.port + 4);
    assert_int_equal(system(command), 0);
    wait_for(rig, &rig->told.n_routes, before + 1);
    assert_true(rig->told.routes[before].sequence_number > first);
    assert_int_equal(take_away(rig, "vm1"), 0);
}

static void
c41_the_sequence_number_grows_with_each_creation(void **context)
{
    struct rig *rig = *context;
    struct vif_config vif = vif_make(1, "red");
    uint32_t last = 0;

    for (unsigned i = 0; i < 3; i++) {
        unsigned before = rig->told.n_routes;
        assert_int_equal(add(rig, &vif), 0);
        assert_true(rig->told.routes[before].sequence_number > last);
        last = rig->told.routes[before].sequence_number;
        assert_int_equal(take_away(rig, "vm1"), 0);
    }
    rig_end(rig);
    rig_begin(rig);
    unsigned before = rig->told.n_routes;
    assert_int_equal(add(rig, &vif), 0);
    assert_true(rig->told.routes[before].sequence_number > last);
    assert_int_equal(take_away(rig, "vm1"), 0);

    vif.sequence_number = 7; /* provisioned */
    assert_int_equal(add(rig, &vif), 0);
    assert_int_equal(rig->told.routes[before].sequence_number, 7);
    assert_int_equal(take_away(rig, "vm1"), 0);
}

static void
interfaces_and_their_labels_survive_a_restart(void **context)
{
    struct rig *rig = *context;
    struct vif_config first = vif_make(1, "red"), second = vif_make(2, "blue");
    const struct interface *interface;
    uint32_t label, fixed, sequence;

    assert_int_equal(add(rig, &first), 0);
    assert_int_equal(add(rig, &second), 0);
    assert_int_equal(take_away(rig, "vm1"), 0);
    interface = interface_find(rig->control.interfaces, "vm2");
    label = interface->label;
    sequence = interface->sequence_number;
    fixed = interface_find(rig->control.interfaces, "fixed")->label;
    rig_end(rig);
    assert_int_equal(rig->told.retracted, 1); /* vm1's only */

    rig_begin(rig);
    assert_int_equal(rig->told.failed, 0);
    assert_int_equal(interfaces_count(rig), 2);
    interface = interface_find(rig->control.interfaces, "vm2");
    assert_non_null(interface);
    assert_int_equal(interface->label, label);
    assert_int_equal(interface->sequence_number, sequence);
    assert_int_equal(interface->state, INTERFACE_UP);
    assert_int_equal(interface_find(rig->control.interfaces, "fixed")->label, fixed);
    assert_int_equal(add(rig, &first), 0);
    assert_int_equal(take_away(rig, "vm1"), 0);
    assert_int_equal(take_away(rig, "vm2"), 0);
}

static void
a_wrong_request_is_told_its_field_and_leaves_nothing(void **context)
{
    struct rig *rig = *context;
    struct vif_config good = vif_make(1, "red"), vif;
    unsigned labels, added, count;

    assert_int_equal(add(rig, &good), 0);
    labels = labels_in_use(rig->control.labels);
    added = rig->told.published;
    count = interfaces_count(rig);

    vif = good;
    assert_int_equal(add(rig, &vif), -EEXIST);
    assert_string_equal(rig->what.field, "name");
    vif = vif_make(2, "red");
    vif.vlan = 1;
    assert_int_equal(add(rig, &vif), -EEXIST);
    assert_string_equal(rig->what.field, "vlan");
    vif = vif_make(2, "red");
    vif.addresses[0] = good.addresses[0];
    assert_int_equal(add(rig, &vif), -EEXIST);
    assert_string_equal(rig->what.field, "addresses");
    assert_non_null(strstr(rig->what.text, "vm1"));
    vif = vif_make(2, "red");
    vif.addresses[0].addr = ip_addr_from_v4(0xa9fe0001);
    assert_int_equal(add(rig, &vif), -EEXIST);
    assert_string_equal(rig->what.field, "addresses");
    vif = vif_make(2, "red");
    vif.gateway = good.addresses[0].addr;
    assert_int_equal(add(rig, &vif), -EEXIST);
    assert_string_equal(rig->what.field, "gateway");
    vif = vif_make(2, "red");
    vif.label = interface_find(rig->control.interfaces, "vm1")->label;
    assert_int_equal(add(rig, &vif), -EBUSY);
    assert_string_equal(rig->what.field, "label");
    vif = vif_make(2, "red");
    snprintf(vif.port, sizeof(vif.port), "tap:underlay");
    assert_int_equal(add(rig, &vif), -EEXIST);
    assert_string_equal(rig->what.field, "port");
    vif = vif_make(2, "green");
    snprintf(vif.port, sizeof(vif.port), "af_packet:nosuchif0");
    assert_int_equal(add(rig, &vif), -ENODEV);
    assert_string_equal(rig->what.field, "port");
    assert_non_null(strstr(rig->what.text, "nosuchif0"));
    assert_null(vrf_find(rig->control.vrfs, "green"));
    vif = vif_make(2, "red");
    vif.mac.octets[0] = 1;
    assert_int_equal(add(rig, &vif), -EINVAL);
    assert_string_equal(rig->what.field, "mac");

    assert_int_equal(take_away(rig, "nobody"), -ENOENT);
    assert_int_equal(take_away(rig, "fixed"), -EPERM);
    assert_int_equal(labels_in_use(rig->control.labels), labels);
    assert_int_equal(rig->told.published, added);
    assert_int_equal(interfaces_count(rig), count);
    /* another VPN may have the same address: C2 */
    vif = vif_make(2, "blue");
    vif.addresses[0] = good.addresses[0];
    assert_int_equal(add(rig, &vif), 0);
    assert_int_equal(take_away(rig, "vm2"), 0);
    assert_int_equal(take_away(rig, "vm1"), 0);
}

static void
a_drain_retracts_everything(void **context)
{
    struct rig *rig = *context;
    struct vif_config vif = vif_make(1, "red");

    assert_int_equal(add(rig, &vif), 0);
    interfaces_retract_all(rig->control.interfaces);
    assert_int_equal(rig->told.n_routes, 0);
    assert_int_equal(add(rig, &vif), -ECANCELED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            c26_c28_c29_a_vpn_comes_with_its_first_interface_and_goes_with_its_last, rig_up,
            rig_down),
        cmocka_unit_test_setup_teardown(
            c33_c35_an_interface_is_published_when_it_is_there_and_retracted_first, rig_up,
            rig_down),
        cmocka_unit_test_setup_teardown(a_hub_publishes_with_the_vpns_label, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(tags_share_a_port_that_goes_with_the_last, rig_up,
                                        rig_down),
        cmocka_unit_test_setup_teardown(
            c35_c41_a_link_that_goes_retracts_and_one_that_comes_activates_anew, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(c41_the_sequence_number_grows_with_each_creation, rig_up,
                                        rig_down),
        cmocka_unit_test_setup_teardown(interfaces_and_their_labels_survive_a_restart, rig_up,
                                        rig_down),
        cmocka_unit_test_setup_teardown(a_wrong_request_is_told_its_field_and_leaves_nothing,
                                        rig_up, rig_down),
        cmocka_unit_test_setup_teardown(a_drain_retracts_everything, rig_up, rig_down),
    };
    return cmocka_run_group_tests(tests, everything_up, everything_down);
}
