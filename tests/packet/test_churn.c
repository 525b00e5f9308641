/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * A worker forwards without a pause while interfaces, routes, endpoints, labels and ports come and
 * go around it: not one packet of those that are not concerned is lost, and nothing is freed that
 * it still reads (which AddressSanitizer sees).
 */

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_dev.h>

#include "lib/base/clock.h"
#include "lib/net/checksum.h"
#include "lib/ring/note.h"
#include "tests/packet/stage_rig.h"

#define FABRIC          0
#define ACCESS          1
#define CHANGES         3000u
#define PORT_CHANGES    20u /* each tells the kernel, too */
#define CHANGES_A_GRACE 16u /* each takes numbers of small tables, which grace gives back */
#define PACKETS         200000u
#define DEADLINE_MS     600000u

static const char world[] =
    "{\"vrfs\": [\"red\"], \"ports\": ["
    "{\"name\": \"fabric\", \"role\": \"underlay\", \"spec\": \"null:\"},"
    "{\"name\": \"p1\", \"role\": \"access\", \"spec\": \"null:\"}], \"vifs\": ["
    "{\"name\": \"vm1\", \"vrf\": \"red\", \"port\": \"p1\", \"mac\": \"02:00:00:00:00:01\","
    " \"sources\": [\"10.0.0.11/32\"]}], \"endpoints\": ["
    "{\"name\": \"far\", \"address\": \"192.0.2.12\", \"encapsulation\": \"udp\","
    " \"port\": \"fabric\", \"mac\": \"02:00:00:00:01:12\"}], \"routes\": ["
    "{\"vrf\": \"red\", \"prefix\": \"10.0.0.0/8\","
    " \"path\": {\"endpoint\": \"far\", \"label\": 7}}]}";

/* A file with one frame of the guest, to 10.1.0.1, that the source repeats for ever. */
static void
packet_file_write(const char *path)
{
    const struct eth_header eth = { MAC_VIRTUAL_ROUTER, { { 2, 0, 0, 0, 0, 1 } }, htobe16(0x0800) };
    struct ipv4_header ip = {
        .version_ihl = 0x45,
        .total_length = htobe16(sizeof(ip)),
        .ttl = 64,
        .protocol = 253, /* for experiments (RFC 3692) */
        .source = htobe32(0x0a00000b),
        .destination = htobe32(0x0a010001),
    };
    const uint32_t file_header[] = { 0xa1b2c3d4, 2u | 4u << 16, 0, 0, 65535, 1 };
    const uint32_t header[] = { 0, 0, sizeof(eth) + sizeof(ip), sizeof(eth) + sizeof(ip) };
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    ip.checksum = checksum_ipv4(&ip, sizeof(ip));
    assert_int_equal(fwrite(file_header, sizeof(file_header), 1, file), 1);
    assert_int_equal(fwrite(header, sizeof(header), 1, file), 1);
    assert_int_equal(fwrite(&eth, sizeof(eth), 1, file), 1);
    assert_int_equal(fwrite(&ip, sizeof(ip), 1, file), 1);
    assert_int_equal(fclose(file), 0);
}

/* @return DPDK's number of a port that gives that frame for ever. */
static uint16_t
source_open(void)
{
    char directory[] = "/tmp/churn-XXXXXX", path[64], arguments[128];
    uint16_t source;

    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/frame.pcap", directory);
    packet_file_write(path);
    snprintf(arguments, sizeof(arguments), "rx_pcap=%s,infinite_rx=1", path);
    assert_int_equal(rte_eal_hotplug_add("vdev", "net_pcap_churn", arguments), 0);
    assert_int_equal(rte_eth_dev_get_port_by_name("net_pcap_churn", &source), 0);
    assert_int_equal(rte_eth_dev_configure(source, 1, 1, &(struct rte_eth_conf){ 0 }), 0);
    assert_int_equal(rte_eth_rx_queue_setup(source, 0, 64, SOCKET_ID_ANY, NULL, pool), 0);
    assert_int_equal(rte_eth_tx_queue_setup(source, 0, 64, SOCKET_ID_ANY, NULL), 0);
    assert_int_equal(rte_eth_dev_start(source), 0);
    unlink(path);
    rmdir(directory);
    return source;
}

static void *
work(void *worker)
{
    fastpath_run(worker);
    return NULL;
}

static void
close_port(void *port)
{
    port_close(port);
}

static void
change_interfaces(unsigned round)
{
    struct vif_table *vifs = &scenario.tables->vifs;
    const struct vif *vm1 = vif_at(vifs, scenario.vifs.entries[0].number);
    struct vif other = *vm1;
    uint32_t id;

    other.vlan = (uint16_t)(1 + round % VLAN_ID_MAX);
    assert_int_equal(vif_add(vifs, &other, &id), 0);
    label_set(&scenario.tables->labels, 100 + round % 10, path_make(PATH_VIF, id, 0));
    label_set(&scenario.tables->labels, 100 + round % 10, PATH_NONE);
    vif_remove(vifs, id);
    other = *vm1;
    other.mtu = (uint16_t)(1400 + round % 100);
    assert_int_equal(vif_replace(vifs, vm1->id, &other), 0);
}

/* Routes beside, above and below the one in use, which itself is set again and again. */
static void
change_routes(unsigned round)
{
    static const char *const texts[] = { "10.1.0.0/24", "10.1.0.2/32", "10.1.0.0/32", "10.2.0.0/16",
                                         "10.0.0.0/9",  "0.0.0.0/0",   "10.1.0.1/32" };
    struct fib *fib = scenario.tables->fib;
    struct ip_prefix prefix;
    const path_t path = path_make(PATH_TUNNEL, scenario.endpoints.entries[0].number, round);

    assert_int_equal(ip_prefix_parse(texts[round % (sizeof(texts) / sizeof(texts[0]))], &prefix),
                     0);
    assert_int_equal(fib_set(fib, vrf_upstream_root(0), &prefix, path), 0);
    assert_int_equal(fib_unset(fib, vrf_upstream_root(0), &prefix), 0);
    assert_int_equal(ip_prefix_parse("10.0.0.0/8", &prefix), 0);
    assert_int_equal(fib_set(fib, vrf_upstream_root(0), &prefix, path), 0);
}

static void
change_endpoints(void)
{
    struct endpoint_table *endpoints = &scenario.tables->endpoints;
    const uint32_t far = scenario.endpoints.entries[0].number;
    struct endpoint copy = *endpoint_at(endpoints, far);
    uint32_t index;

    assert_int_equal(endpoint_replace(endpoints, far, &copy), 0);
    assert_int_equal(endpoint_add(endpoints, &copy, &index), 0);
    endpoint_remove(endpoints, index);
}

static void
change_ports(void)
{
    struct port *port;
    char error[256];

    assert_int_equal(port_open("null:", PORT_ACCESS, 0, 1, pool, &port, error, sizeof(error)), 0);
    assert_int_equal(port_publish(scenario.port_table, port), 0);
    assert_int_equal(port_withdraw(scenario.port_table, port, close_port, port), 0);
}

static uint64_t
received(void)
{
    struct port_counters sum;

    counters_port(scenario.counters, scenario.ports[ACCESS]->number, &sum);
    return sum.rx.packets;
}

static void
under_traffic_no_other_packet_is_lost(void **state)
{
    struct port *access = scenario.ports[ACCESS];
    const uint16_t null_of_port = access->ethdev, source = source_open();
    const uint64_t deadline = clock_monotonic_ms() + DEADLINE_MS;
    uint64_t drops[DROP_REASONS], punts[PUNT_REASONS];
    pthread_t worker;

    (void)state;
    access->ethdev = source;
    assert_int_equal(pthread_create(&worker, NULL, work, fastpath_worker(scenario.fastpath, 0)), 0);
    for (unsigned round = 0; round < CHANGES || received() < PACKETS; round++) {
        assert_true(clock_monotonic_ms() < deadline);
        change_interfaces(round);
        change_routes(round);
        change_endpoints();
        if (round % (CHANGES / PORT_CHANGES) == 0)
            change_ports();
        if (round % CHANGES_A_GRACE == 0)
            reclaim_drain(scenario.tables->reclaim);
        else
            reclaim_poll(scenario.tables->reclaim);
    }
    fastpath_stop(scenario.fastpath);
    assert_int_equal(pthread_join(worker, NULL), 0);
    access->ethdev = null_of_port;

    counters_drops(scenario.counters, drops);
    for (unsigned reason = 0; reason < DROP_REASONS; reason++)
        assert_int_equal(drops[reason], 0);
    counters_punts(scenario.counters, punts);
    for (unsigned reason = 0; reason < PUNT_REASONS; reason++)
        assert_int_equal(punts[reason], 0);
    assert_int_equal(sent_by(FABRIC), received());
    assert_int_equal(rte_eth_dev_stop(source), 0);
    assert_int_equal(rte_eth_dev_close(source), 0);
}

static int
begin(void **state)
{
    (void)state;
    return stage_rig_begin("churn", 4095, world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(under_traffic_no_other_packet_is_lost),
    };

    return cmocka_run_group_tests(tests, begin, stage_rig_end);
}
