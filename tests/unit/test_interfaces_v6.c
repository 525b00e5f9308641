/* SPDX-License-Identifier: BSD-3-Clause */

/* control/interfaces with IPv6: what is announced, what the tables hold, what the state directory
 * keeps; and the settings that stand in an interface's record for others. */

#include "interfaces_rig.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct ip_addr
address(const char *text)
{
    struct ip_addr parsed;

    assert_int_equal(ip_addr_parse(text, &parsed), 0);
    return parsed;
}

/* Interface `n` with IPv6 addresses only. */
static struct vif_config
vif6_make(unsigned n, const char *vpn)
{
    struct vif_config vif = vif_make(n, vpn);

    vif.n_addresses = 2;
    vif.addresses[0] = (struct vif_address){ address("2001:db8:a::1"), 128 };
    vif.addresses[1] = (struct vif_address){ address("2001:db8:a::2"), 128 };
    vif.addresses[0].addr.octets[15] = (uint8_t)(16 * n + 1);
    vif.addresses[1].addr.octets[15] = (uint8_t)(16 * n + 2);
    return vif;
}

static path_t
downstream6(struct rig *rig, const struct vrf *vrf, const struct ip_addr *to)
{
    uint32_t root = vrf_downstream_root(vrf->number);
    const uint8_t *octets = to->octets;
    path_t path;

    fib_lookup6_bulk(rig->control.tables->fib, &root, &octets, &path, 1);
    return path;
}

static void
c33_c35_an_interface_with_ipv6_alone_is_published_and_retracted(void **context)
{
    struct rig *rig = *context;
    struct vif_config vif = vif6_make(1, "red");
    unsigned before = rig->told.n_routes;
    const struct interface *made;
    const struct vif *seen;

    vif.n_prefixes = 1;
    assert_int_equal(ip_prefix_parse("2001:db8:b::/48", &vif.prefixes[0]), 0);
    assert_int_equal(add(rig, &vif), 0);
    made = interface_find(rig->control.interfaces, "vm1");
    assert_int_equal(made->state, INTERFACE_UP);
    assert_int_equal(rig->told.n_routes, before + 3);
    assert_int_equal(rig->told.routes[before].prefix.length, 128);
    assert_true(ip_addr_equal(&rig->told.routes[before].prefix.addr, &vif.addresses[0].addr));
    assert_int_equal(rig->told.routes[before + 2].prefix.length, 48);
    assert_int_equal(rig->told.routes[before].next_hops[0].label, made->label);

    struct ip_addr behind = address("2001:db8:b::77"), beyond = address("2001:db8:c::1");
    path_t path = path_make(PATH_VIF, made->id, 0);
    const struct vrf *vrf = made->vrf;
    assert_true(downstream6(rig, vrf, &vif.addresses[1].addr) == path);
    assert_true(downstream6(rig, vrf, &behind) == path);
    assert_true(downstream6(rig, vrf, &beyond) == PATH_NONE);

    seen = seen_of(rig, "vm1");
    assert_int_equal(seen->n_sources, 0);
    assert_int_equal(seen->n_sources6, 3);
    assert_memory_equal(seen->sources6[0].network, vif.addresses[0].addr.octets, 16);
    assert_int_equal(seen->sources6[0].length, 128);
    assert_int_equal(seen->sources6[2].length, 48);
    assert_int_equal(seen->service.n_addresses6, 2);
    assert_true(ip_addr_equal(&seen->service.addresses6[1], &vif.addresses[1].addr));
    assert_true(seen->service.router_advertisement);
    assert_false(seen->service.dhcp); /* it has no address to give */
    assert_int_equal(seen->service.address.family, IP_NONE);

    assert_int_equal(take_away(rig, "vm1"), 0);
    assert_int_equal(rig->told.n_routes, before);
    assert_true(downstream6(rig, vrf, &behind) == PATH_NONE);
    assert_true(downstream6(rig, vrf, &vif.addresses[0].addr) == PATH_NONE);
}

static void
an_interface_of_both_families_gives_the_first_ipv4_address_by_dhcp(void **context)
{
    struct rig *rig = *context;
    struct vif_config vif = vif6_make(1, "red");
    const struct vif *seen;

    vif.addresses[vif.n_addresses++] = (struct vif_address){ address("10.0.0.1"), 24 };
    vif.addresses[vif.n_addresses++] = (struct vif_address){ address("10.0.0.2"), 32 };
    assert_int_equal(add(rig, &vif), 0);
    seen = seen_of(rig, "vm1");
    assert_true(seen->service.dhcp);
    assert_true(ip_addr_equal(&seen->service.address, &vif.addresses[2].addr));
    assert_int_equal(seen->service.prefix_length, 24);
    assert_int_equal(seen->n_sources, 2);
    assert_int_equal(seen->n_sources6, 2);
    assert_int_equal(take_away(rig, "vm1"), 0);
}

static void
c10_c11_c12_the_first_hop_router_is_the_same_everywhere(void **context)
{
    static const struct mac_addr vrid1 = { { 0, 0, 0x5e, 0, 2, 1 } };
    struct rig *rig = *context;
    struct vif_config vif = vif6_make(1, "red");
    struct ip_addr gateway = address("fe80::1");

    assert_int_equal(add(rig, &vif), 0);
    assert_true(ip_addr_equal(&seen_of(rig, "vm1")->gateway6, &gateway));
    assert_true(mac_equal(&seen_of(rig, "vm1")->gateway_mac6, &vrid1));
    assert_int_equal(take_away(rig, "vm1"), 0);

    vif = vif6_make(1, "hub"); /* with gateway6 in its section */
    gateway = address("fe80::7");
    assert_int_equal(add(rig, &vif), 0);
    assert_true(ip_addr_equal(&seen_of(rig, "vm1")->gateway6, &gateway));
    assert_int_equal(take_away(rig, "vm1"), 0);

    vif.gateway6 = gateway = address("fe80::9");
    assert_int_equal(add(rig, &vif), 0);
    assert_true(ip_addr_equal(&seen_of(rig, "vm1")->gateway6, &gateway));
    assert_int_equal(take_away(rig, "vm1"), 0);

    vif.gateway6 = address("2001:db8::9");
    assert_int_equal(add(rig, &vif), -EINVAL);
    assert_string_equal(rig->what.field, "gateway6");
}

/* The routes that an interface can have in the FIB, and that are announced for it. */
static void
c45_an_interface_has_a_bounded_number_of_addresses_and_prefixes(void **context)
{
    struct rig *rig = *context;
    struct vif_config vif = vif6_make(1, "red");
    struct fib_usage before, after;

    while (vif.n_addresses + vif.n_prefixes < VIF_SOURCES_MAX) {
        assert_int_equal(ip_prefix_parse("2001:db8:b::/48", &vif.prefixes[vif.n_prefixes]), 0);
        vif.prefixes[vif.n_prefixes].addr.octets[5] = (uint8_t)vif.n_prefixes;
        vif.n_prefixes++;
    }
    fib_usage(rig->control.tables->fib, &before);
    assert_int_equal(add(rig, &vif), 0);
    fib_usage(rig->control.tables->fib, &after);
    assert_in_range(after.routes - before.routes, VIF_SOURCES_MAX, VIF_SOURCES_MAX + 2);
    assert_int_equal(take_away(rig, "vm1"), 0);

    assert_int_equal(ip_prefix_parse("2001:db8:ff::/48", &vif.prefixes[vif.n_prefixes++]), 0);
    assert_int_equal(add(rig, &vif), -EINVAL);
    assert_string_equal(rig->what.field, "prefixes");
    fib_usage(rig->control.tables->fib, &after);
    assert_int_equal(after.routes, before.routes);
}

static void
a_prefix_of_ipv6_is_one_interfaces_alone(void **context)
{
    struct rig *rig = *context;
    struct vif_config first = vif6_make(1, "red"), second = vif6_make(2, "red");

    assert_int_equal(add(rig, &first), 0);
    second.addresses[1] = first.addresses[0];
    assert_int_equal(add(rig, &second), -EEXIST);
    assert_string_equal(rig->what.field, "addresses");
    assert_non_null(strstr(rig->what.text, "vm1"));
    second.mtu = 1279;
    assert_int_equal(add(rig, &second), -EINVAL);
    assert_string_equal(rig->what.field, "mtu");
    second.mtu = 1280;
    snprintf(second.vpn, sizeof(second.vpn), "blue"); /* C2 */
    assert_int_equal(add(rig, &second), 0);
    assert_int_equal(take_away(rig, "vm2"), 0);
    assert_int_equal(take_away(rig, "vm1"), 0);
}

static void
c44_rates_stand_in_the_record_with_the_segment_size(void **context)
{
    struct rig *rig = *context;
    struct vif_config first = vif_make(1, "red"), second = vif_make(2, "red");

    first.mss_clamp = MSS_CLAMP_AUTO;
    first.mtu = 1400;
    assert_int_equal(add(rig, &first), 0);
    assert_int_equal(seen_of(rig, "vm1")->mss, 1360);
    assert_false(seen_of(rig, "vm1")->metered_in || seen_of(rig, "vm1")->metered_out);

    second.mss_clamp = 1200;
    second.rate_out.packets = 100;
    assert_int_equal(add(rig, &second), 0);
    assert_int_equal(seen_of(rig, "vm2")->mss, 1200);
    assert_true(seen_of(rig, "vm2")->metered_out);
    assert_int_equal(seen_of(rig, "vm2")->rate_out.packets, 100);
    assert_int_equal(seen_of(rig, "vm2")->rate_out.bits, 0);
    assert_int_equal(take_away(rig, "vm2"), 0);

    second.mss_clamp = MSS_CLAMP_OFF;
    second.rate_out.packets = 0;
    second.rate_in.bits = 64000;
    assert_int_equal(add(rig, &second), 0);
    assert_int_equal(seen_of(rig, "vm2")->mss, 0);
    assert_true(seen_of(rig, "vm2")->metered_in);
    assert_int_equal(seen_of(rig, "vm2")->rate_in.bits, 64000);
    assert_int_equal(take_away(rig, "vm2"), 0);
    assert_int_equal(take_away(rig, "vm1"), 0);
}

static void
every_setting_survives_a_restart(void **context)
{
    struct rig *rig = *context;
    struct vif_config vif = vif6_make(1, "red");

    vif.n_prefixes = 1;
    assert_int_equal(ip_prefix_parse("::/0", &vif.prefixes[0]), 0);
    vif.gateway6 = address("fe80::9");
    vif.router_advertisement = false;
    vif.rate_in = (struct vif_rate){ 100, 64000 };
    vif.rate_out = (struct vif_rate){ 200, 1000000000000 };
    vif.mss_clamp = 1200;
    assert_int_equal(add(rig, &vif), 0);
    rig_end(rig);
    rig_begin(rig);

    const struct interface *again = interface_find(rig->control.interfaces, "vm1");
    assert_non_null(again);
    assert_memory_equal(again->config.addresses, vif.addresses, sizeof(vif.addresses));
    assert_memory_equal(again->config.prefixes, vif.prefixes, sizeof(vif.prefixes));
    assert_true(ip_addr_equal(&again->config.gateway6, &vif.gateway6));
    assert_false(again->config.router_advertisement);
    assert_false(seen_of(rig, "vm1")->service.router_advertisement);
    assert_memory_equal(&again->config.rate_in, &vif.rate_in, sizeof(vif.rate_in));
    assert_memory_equal(&again->config.rate_out, &vif.rate_out, sizeof(vif.rate_out));
    assert_int_equal(again->config.mss_clamp, 1200);
    assert_int_equal(take_away(rig, "vm1"), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            c33_c35_an_interface_with_ipv6_alone_is_published_and_retracted, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(
            an_interface_of_both_families_gives_the_first_ipv4_address_by_dhcp, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(c10_c11_c12_the_first_hop_router_is_the_same_everywhere,
                                        rig_up, rig_down),
        cmocka_unit_test_setup_teardown(
            c45_an_interface_has_a_bounded_number_of_addresses_and_prefixes, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(a_prefix_of_ipv6_is_one_interfaces_alone, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(c44_rates_stand_in_the_record_with_the_segment_size, rig_up,
                                        rig_down),
        cmocka_unit_test_setup_teardown(every_setting_survives_a_restart, rig_up, rig_down),
    };
    return cmocka_run_group_tests(tests, everything_up, everything_down);
}
