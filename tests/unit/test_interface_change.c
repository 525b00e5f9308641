/* SPDX-License-Identifier: BSD-3-Clause */

/* control/interface_change: what vif.set changes is in force at once, and outlives a restart. */

#include "interfaces_rig.h"

#include <errno.h>
#include <string.h>

static int
change(struct rig *rig, const struct vif_config *wanted)
{
    rig->result = 1;
    return finish(rig, interface_change(rig->control.interfaces, wanted, on_done, rig, &rig->what));
}

static void
rates_and_segment_size_change_under_way(void **context)
{
    struct rig *rig = *context;
    struct vif_config vif = vif_make(1, "red");
    unsigned published;
    uint32_t version;

    vif.rate_in.bits = 64000;
    assert_int_equal(add(rig, &vif), 0);
    published = rig->told.published;
    version = seen_of(rig, "vm1")->rates_version;

    vif.mss_clamp = MSS_CLAMP_AUTO;
    assert_int_equal(change(rig, &vif), 0);
    assert_int_equal(seen_of(rig, "vm1")->mss, seen_of(rig, "vm1")->mtu - 40);
    assert_int_equal(seen_of(rig, "vm1")->rates_version, version); /* meters go on */

    vif.rate_in.bits = 0;
    vif.rate_out.packets = 50;
    assert_int_equal(change(rig, &vif), 0);
    assert_false(seen_of(rig, "vm1")->metered_in);
    assert_true(seen_of(rig, "vm1")->metered_out);
    assert_int_equal(seen_of(rig, "vm1")->rate_out.packets, 50);
    assert_true(seen_of(rig, "vm1")->up);
    assert_int_equal(rig->told.published, published);

    rig_end(rig);
    rig_begin(rig);
    assert_int_equal(seen_of(rig, "vm1")->rate_out.packets, 50);
    assert_int_equal(seen_of(rig, "vm1")->mss, seen_of(rig, "vm1")->mtu - 40);
    assert_int_equal(take_away(rig, "vm1"), 0);
}

static void
c35_c41_set_down_retracts_and_set_up_activates_anew(void **context)
{
    struct rig *rig = *context;
    struct vif_config vif = vif_make(1, "red");
    unsigned before = rig->told.n_routes;
    uint32_t first;

    assert_int_equal(add(rig, &vif), 0);
    first = rig->told.routes[before].sequence_number;
    vif.up = false;
    assert_int_equal(change(rig, &vif), 0);
    assert_int_equal(rig->told.n_routes, before);
    assert_false(seen_of(rig, "vm1")->up);
    assert_int_equal(interface_find(rig->control.interfaces, "vm1")->state, INTERFACE_DOWN);

    rig_end(rig);
    rig_begin(rig);
    assert_int_equal(interface_find(rig->control.interfaces, "vm1")->state, INTERFACE_DOWN);
    vif.up = true;
    before = rig->told.n_routes;
    assert_int_equal(change(rig, &vif), 0);
    assert_int_equal(rig->told.n_routes, before + 1);
    assert_true(rig->told.routes[before].sequence_number > first);
    assert_true(seen_of(rig, "vm1")->up);
    assert_int_equal(take_away(rig, "vm1"), 0);
}

static void
an_interface_of_the_file_has_the_files_values_after_a_restart(void **context)
{
    struct rig *rig = *context;
    struct vif_config vif = interface_find(rig->control.interfaces, "fixed")->config;

    vif.rate_in.bits = 64000;
    assert_int_equal(change(rig, &vif), 0);
    assert_true(seen_of(rig, "fixed")->metered_in);
    rig_end(rig);
    rig_begin(rig);
    assert_false(seen_of(rig, "fixed")->metered_in);
}

static void
one_change_at_a_time(void **context)
{
    struct rig *rig = *context;
    struct vif_config vif = vif_make(1, "red");

    assert_int_equal(change(rig, &vif), -ENOENT);
    assert_string_equal(rig->what.field, "name");
    assert_int_equal(add(rig, &vif), 0);
    rig->result = 1;
    assert_int_equal(interface_change(rig->control.interfaces, &vif, on_done, rig, &rig->what), 0);
    assert_int_equal(interface_change(rig->control.interfaces, &vif, on_done, rig, &rig->what),
                     -EBUSY);
    assert_int_equal(interface_delete(rig->control.interfaces, "vm1", on_done, rig, &rig->what),
                     -EBUSY);
    assert_int_equal(finish(rig, 0), 0);
    assert_int_equal(change(rig, &vif), 0);
    assert_int_equal(take_away(rig, "vm1"), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rates_and_segment_size_change_under_way, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(c35_c41_set_down_retracts_and_set_up_activates_anew, rig_up,
                                        rig_down),
        cmocka_unit_test_setup_teardown(
            an_interface_of_the_file_has_the_files_values_after_a_restart, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(one_change_at_a_time, rig_up, rig_down),
    };
    return cmocka_run_group_tests(tests, everything_up, everything_down);
}
