/* SPDX-License-Identifier: BSD-3-Clause */

/* control/endpoints.h: path MTUs lower the MTU of a far end's endpoints for a while. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "control/endpoints.h"
#include "lib/stats/counters.h"

#define LIFETIME 600000

struct world {
    struct tables *tables;
    struct counters *counters;
    struct endpoints *endpoints;
    struct underlay underlay;
};

static struct ip_addr
address(const char *text)
{
    struct ip_addr addr;

    assert_int_equal(ip_addr_parse(text, &addr), 0);
    return addr;
}

static int
set_up(void **state)
{
    static struct world world;
    const struct endpoints_underlay underlay = {
        .underlay = &world.underlay,
        .v4 = { .prefix_length = 24, .gateway = address("192.0.2.1") },
        .v6 = { .prefix_length = 64 },
    };
    const struct table_limits limits = {
        .vifs = 1,
        .vrfs = 1,
        .routes = 64,
        .fib_nodes = 64,
        .endpoints = 8,
        .ecmp_sets = 1,
        .neighbours = 8,
    };

    world.underlay = (struct underlay){
        .v4 = address("192.0.2.11"),
        .v6 = address("2001:db8::11"),
        .mtu = 1500,
    };
    world.tables = tables_create(&limits, 1, 8);
    world.counters = counters_create(
        &(struct counters_shape){ .threads = 1, .endpoints = limits.endpoints, .vifs = 1 });
    assert_non_null(world.tables);
    assert_non_null(world.counters);
    world.endpoints = endpoints_create(world.tables, world.counters, &underlay);
    assert_non_null(world.endpoints);
    *state = &world;
    return 0;
}

static int
tear_down(void **state)
{
    struct world *world = *state;

    endpoints_destroy(world->endpoints);
    counters_destroy(world->counters);
    tables_destroy(world->tables);
    return 0;
}

static uint32_t
make(struct world *world, const char *text, uint8_t encapsulation)
{
    const struct ip_addr addr = address(text);
    uint32_t index;

    assert_int_equal(endpoints_get(world->endpoints, &addr, encapsulation, &index), 0);
    return index;
}

static uint16_t
mtu_of(const struct world *world, uint32_t index)
{
    return endpoint_at(&world->tables->endpoints, index)->mtu;
}

static bool
lower(struct world *world, const char *text, uint16_t mtu, uint64_t until_ms)
{
    const struct ip_addr addr = address(text);

    return endpoints_lower_mtu(world->endpoints, &addr, mtu, until_ms);
}

static void
every_encapsulation_to_the_far_end_is_lowered_and_no_other(void **state)
{
    struct world *world = *state;
    const uint32_t udp = make(world, "198.51.100.1", ENCAP_UDP);
    const uint32_t gre = make(world, "198.51.100.1", ENCAP_GRE);
    const uint32_t vxlan6 = make(world, "2001:db8::12", ENCAP_VXLAN);
    const uint32_t other = make(world, "198.51.100.2", ENCAP_UDP);
    const struct endpoint before = *endpoint_at(&world->tables->endpoints, udp);

    assert_true(lower(world, "198.51.100.1", 1400, LIFETIME));
    assert_int_equal(mtu_of(world, udp), 1400 - 32);
    assert_int_equal(mtu_of(world, gre), 1400 - 28);
    assert_int_equal(mtu_of(world, other), 1500 - 32);
    assert_true(lower(world, "2001:db8::12", 1280, LIFETIME));
    assert_int_equal(mtu_of(world, vxlan6), 1280 - 70);
    assert_false(lower(world, "198.51.100.9", 1400, LIFETIME)); /* no endpoint */
    /* All else stays as it was. */
    const struct endpoint *after = endpoint_at(&world->tables->endpoints, udp);
    assert_memory_equal(after->header, before.header, sizeof(before.header));
    assert_int_equal(after->header_length, before.header_length);
    assert_int_equal(after->adjacency, before.adjacency);
    assert_true(ip_addr_equal(&after->address, &before.address));
}

static void
only_what_is_smaller_is_news(void **state)
{
    struct world *world = *state;
    const uint32_t udp = make(world, "198.51.100.1", ENCAP_UDP);

    assert_false(lower(world, "198.51.100.1", 1500, LIFETIME));
    assert_false(lower(world, "198.51.100.1", 9000, LIFETIME));
    assert_true(lower(world, "198.51.100.1", 1400, LIFETIME));
    assert_false(lower(world, "198.51.100.1", 1400, LIFETIME));
    assert_false(lower(world, "198.51.100.1", 1450, LIFETIME));
    assert_true(lower(world, "198.51.100.1", 1399, LIFETIME));
    assert_int_equal(mtu_of(world, udp), 1399 - 32);
}

static void
each_gets_its_mtu_back_when_its_time_is_over(void **state)
{
    struct world *world = *state;
    const uint32_t first = make(world, "198.51.100.1", ENCAP_UDP);
    const uint32_t second = make(world, "198.51.100.2", ENCAP_UDP);
    const uint32_t gone = make(world, "198.51.100.3", ENCAP_UDP);

    assert_true(lower(world, "198.51.100.1", 1400, 1000));
    assert_true(lower(world, "198.51.100.2", 1400, 2000));
    assert_true(lower(world, "198.51.100.3", 1400, 2500));
    assert_true(lower(world, "198.51.100.1", 1300, 3000)); /* its time begins again */
    endpoints_put(world->endpoints, gone);
    endpoints_restore_mtus(world->endpoints, 1999);
    assert_int_equal(mtu_of(world, first), 1300 - 32);
    assert_int_equal(mtu_of(world, second), 1400 - 32);
    endpoints_restore_mtus(world->endpoints, 2000);
    assert_int_equal(mtu_of(world, first), 1300 - 32);
    assert_int_equal(mtu_of(world, second), 1500 - 32);
    endpoints_restore_mtus(world->endpoints, 3000);
    assert_int_equal(mtu_of(world, first), 1500 - 32);
    assert_true(lower(world, "198.51.100.1", 1400, 4000)); /* and it can be told again */
    assert_int_equal(mtu_of(world, first), 1400 - 32);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_encapsulation_to_the_far_end_is_lowered_and_no_other,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_what_is_smaller_is_news, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_gets_its_mtu_back_when_its_time_is_over, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests_name("endpoints", tests, NULL, NULL);
}
