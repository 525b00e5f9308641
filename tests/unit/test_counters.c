/* SPDX-License-Identifier: BSD-3-Clause */

/* Counters: sums over the threads, baselines, memory that comes with use; reasons and their names.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/stats/counters.h"

#define THREADS 3u

static struct counters *
counters_make(void)
{
    struct counters *counters = counters_create(&(struct counters_shape){
        .threads = THREADS, .vifs = 16384, .vrfs = 16384, .endpoints = 65536, .ports = 1024 });

    assert_non_null(counters);
    return counters;
}

static void
readers_add_up_what_the_threads_count(void **state)
{
    struct counters *counters = counters_make();
    uint64_t drops[DROP_REASONS], punts[PUNT_REASONS];
    struct vif_counters vif;
    struct vrf_counters vrf;
    struct endpoint_counters endpoint;
    struct port_counters port;
    struct worker_counters worker;
    struct balance_counters balance;

    (void)state;
    for (unsigned thread = 0; thread < THREADS; thread++) {
        struct counter_block *block = counters_block(counters, thread);

        traffic_add(&block->vifs[16383].rx, thread + 1, 100);
        traffic_add(&block->vifs[16383].tx, 2, 200);
        counter_add(&block->vifs[16383].drops[DROP_REASONS - 1], 3);
        traffic_add(&block->vrfs[16383].from_vif, 4, 400);
        traffic_add(&block->vrfs[16383].from_tunnel, 5, 500);
        traffic_add(&block->endpoints[65535].tx, 6, 600);
        traffic_add(&block->ports[1023].rx, 7, 700);
        traffic_add(&block->ports[1023].tx, 8, 800);
        counter_add(&block->drops[DROP_NO_ROUTE], 9);
        counter_add(&block->punts[PUNT_ARP], 10);
        counter_add(&block->worker.loops, thread);
        counter_add(&block->balance.originated, 11);
    }
    counters_vif(counters, 16383, &vif);
    assert_true(vif.rx.packets == 6 && vif.rx.octets == 300);
    assert_true(vif.tx.packets == 6 && vif.tx.octets == 600);
    assert_int_equal(vif.drops[DROP_REASONS - 1], 9);
    assert_int_equal(vif.drops[0], 0);
    counters_vrf(counters, 16383, &vrf);
    assert_true(vrf.from_vif.packets == 12 && vrf.from_tunnel.octets == 1500);
    counters_endpoint(counters, 65535, &endpoint);
    assert_true(endpoint.tx.packets == 18 && endpoint.tx.octets == 1800);
    counters_port(counters, 1023, &port);
    assert_true(port.rx.packets == 21 && port.tx.octets == 2400);
    counters_drops(counters, drops);
    assert_true(drops[DROP_NO_ROUTE] == 27 && drops[DROP_NO_MEMORY] == 0);
    counters_punts(counters, punts);
    assert_true(punts[PUNT_ARP] == 30 && punts[PUNT_DHCP4] == 0);
    counters_worker(counters, 2, &worker);
    assert_true(worker.loops == 2 && worker.idle_loops == 0);
    counters_balance(counters, &balance);
    assert_true(balance.originated == 33 && balance.consumed == 0);

    counters_vif(counters, 16382, &vif);
    assert_true(vif.rx.packets == 0 && vif.tx.packets == 0);
    counters_destroy(counters);
}

static void
a_new_owner_of_a_number_begins_at_zero(void **state)
{
    struct counters *counters = counters_make();
    struct counter_block *block = counters_block(counters, 1);
    struct vif_counters vif;
    struct vrf_counters vrf;
    struct endpoint_counters endpoint;
    struct port_counters port;

    (void)state;
    traffic_add(&block->vifs[5].rx, 1, 60);
    counter_add(&block->vifs[5].drops[DROP_SOURCE_MAC], 2);
    traffic_add(&block->vifs[6].rx, 3, 180);
    traffic_add(&block->vrfs[5].from_vif, 1, 60);
    traffic_add(&block->endpoints[5].tx, 1, 60);
    traffic_add(&block->ports[5].tx, 1, 60);
    counters_vif_baseline(counters, 5);
    counters_vrf_baseline(counters, 5);
    counters_endpoint_baseline(counters, 5);
    counters_port_baseline(counters, 5);
    counters_vif(counters, 5, &vif);
    assert_true(vif.rx.packets == 0 && vif.drops[DROP_SOURCE_MAC] == 0);
    counters_vrf(counters, 5, &vrf);
    assert_int_equal(vrf.from_vif.octets, 0);
    counters_endpoint(counters, 5, &endpoint);
    assert_int_equal(endpoint.tx.octets, 0);
    counters_port(counters, 5, &port);
    assert_int_equal(port.tx.octets, 0);
    counters_port_earlier(counters, 5, &port);
    assert_true(port.tx.packets == 1 && port.tx.octets == 60);
    counters_vif(counters, 6, &vif);
    assert_int_equal(vif.rx.packets, 3);

    traffic_add(&block->vifs[5].rx, 1, 61);
    counters_vif(counters, 5, &vif);
    assert_true(vif.rx.packets == 1 && vif.rx.octets == 61);
    counters_vif_baseline(counters, 5);
    counters_vif(counters, 5, &vif);
    assert_int_equal(vif.rx.packets, 0);
    counters_destroy(counters);
}

static size_t
resident_octets(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    size_t total = 0, resident = 0;

    assert_non_null(file);
    assert_int_equal(fscanf(file, "%zu %zu", &total, &resident), 2);
    fclose(file);
    return resident * (size_t)sysconf(_SC_PAGESIZE);
}

static void
memory_comes_with_the_first_count(void **state)
{
    size_t before = resident_octets();
    struct counters *counters = counters_make();
    struct vif_counters vif;

    (void)state;
    for (uint32_t id = 0; id < 16384; id++)
        counters_vif(counters, id, &vif);
    for (uint32_t id = 0; id < 10; id++)
        traffic_add(&counters_block(counters, 0)->vifs[id].rx, 1, 60);
#ifndef __SANITIZE_THREAD__ /* which keeps a shadow of all that is read */
    assert_true(resident_octets() < before + (4u << 20));
#endif
    counters_destroy(counters);
}

static void
every_reason_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (unsigned i = 0; i < DROP_REASONS; i++) {
        assert_true(strlen(drop_reason_name((enum drop_reason)i)) > 0);
        assert_true(strlen(drop_reason_text((enum drop_reason)i)) > 0);
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(drop_reason_name((enum drop_reason)i),
                                    drop_reason_name((enum drop_reason)j));
    }
    for (unsigned i = 0; i < PUNT_REASONS; i++) {
        struct punt_rate rate = punt_reason_rate((enum punt_reason)i);

        assert_true(strlen(punt_reason_name((enum punt_reason)i)) > 0);
        assert_true(rate.packets_per_second > 0 && rate.burst > 0);
    }
    assert_string_equal(drop_reason_name(DROP_NO_ROUTE), "no-route");
    assert_string_equal(punt_reason_name(PUNT_ARP), "arp");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_add_up_what_the_threads_count),
        cmocka_unit_test(a_new_owner_of_a_number_begins_at_zero),
        cmocka_unit_test(memory_comes_with_the_first_count),
        cmocka_unit_test(every_reason_has_a_name_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
