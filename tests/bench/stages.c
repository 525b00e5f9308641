/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The fast path on one core: cycles a packet of its own, that is, less what source and sink cost.
 * Source: net_pcap, which copies each packet of a file into a fresh buffer for ever; sink:
 * net_null. The peer, on the same source and sink, is the least that forwarding can be: rte_lpm in
 * bulk, a TTL, a MAC address; no tunnel, no VRF, no check. All are measured in short slices by
 * turns, and the median slice counts. One JSON object a line; tests/bench/run shows them.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_lpm.h>

#include "fastpath/worker.h"
#include "lib/net/checksum.h"
#include "lib/net/encapsulation.h"
#include "tests/packet/scenario.h"

#define FLOWS           1024u
#define ENDPOINTS       16u
#define FRAME_OCTETS    64u /* of the guest, without the frame check sequence */
#define POOL_PACKETS    16383u
#define POOL_CACHE      512u
#define SLICES          201u
#define TURNS_A_SLICE   256u
#define FIRST_HOST      0x0a010000u /* 10.1.0.0 */
#define LABEL_INTERFACE 16u
#define LABEL_VRF       20u

static const char world[] =
    "{\"vrfs\": [\"red\"], \"ports\": ["
    "{\"name\": \"fabric\", \"role\": \"underlay\", \"mac\": \"02:00:00:00:00:fe\","
    " \"spec\": \"null:\"},"
    "{\"name\": \"p1\", \"role\": \"access\", \"spec\": \"null:\"}], \"vifs\": ["
    "{\"name\": \"vm1\", \"vrf\": \"red\", \"port\": \"p1\", \"mac\": \"02:00:00:00:00:01\","
    " \"sources\": [\"10.0.0.11/32\"]}]}";

static struct rte_mempool *pool;
static struct scenario scenario;
static struct rte_lpm *lpm;
static char directory[] = "/tmp/bench-stages-XXXXXX";
static uint16_t null_port; /* of DPDK */

static void
must(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "stages: %s\n", what);
        exit(1);
    }
}

/* A guest's frame, or what is in a tunnel when the frame's first 14 octets are left out. */
static void
guest_frame(uint8_t frame[FRAME_OCTETS], uint32_t source, uint32_t destination, unsigned flow)
{
    const struct eth_header eth = { MAC_VIRTUAL_ROUTER, { { 2, 0, 0, 0, 0, 1 } }, htobe16(0x0800) };
    struct ipv4_header ip = {
        .version_ihl = 0x45,
        .total_length = htobe16(FRAME_OCTETS - sizeof(eth)),
        .ttl = 64,
        .protocol = IP_PROTOCOL_UDP,
        .source = htobe32(source),
        .destination = htobe32(destination),
    };
    const struct udp_header udp = { htobe16((uint16_t)(1024 + flow)), htobe16(5001),
                                    htobe16(FRAME_OCTETS - sizeof(eth) - sizeof(ip)), 0 };

    ip.checksum = checksum_ipv4(&ip, sizeof(ip));
    memset(frame, 0, FRAME_OCTETS);
    memcpy(frame, &eth, sizeof(eth));
    memcpy(frame + sizeof(eth), &ip, sizeof(ip));
    memcpy(frame + sizeof(eth) + sizeof(ip), &udp, sizeof(udp));
}

static void
pcap_begin(FILE *file)
{
    const uint32_t header[] = { 0xa1b2c3d4, 2u | 4u << 16, 0, 0, 65535, 1 };

    must(fwrite(header, sizeof(header), 1, file) == 1, "the packet file is not written");
}

static void
pcap_add(FILE *file, const uint8_t *octets, size_t length)
{
    const uint32_t header[] = { 0, 0, (uint32_t)length, (uint32_t)length };

    must(fwrite(header, sizeof(header), 1, file) == 1 && fwrite(octets, length, 1, file) == 1,
         "the packet file is not written");
}

/* The far vRouter's frame around a packet for vm1. */
static void
tunnel_add(FILE *file, uint32_t label, unsigned flow)
{
    const struct ip_addr us = ip_addr_from_v4(0xc000020b), far = ip_addr_from_v4(0xc000020c);
    const mpls_entry entry = mpls_entry_make(label, 0, 63);
    struct endpoint endpoint;
    uint8_t inner[FRAME_OCTETS], octets[ENDPOINT_HEADER_MAX + FRAME_OCTETS];
    const size_t inner_length = FRAME_OCTETS - sizeof(struct eth_header);
    struct ipv4_header ip;

    endpoint_header_build(&endpoint, &(struct underlay){ .v4 = far, .mtu = 1500 },
                          &(struct mac_addr){ { 2, 0, 0, 0, 1, 0x12 } }, &us, ENCAP_UDP);
    const size_t length = endpoint.header_length + inner_length;
    const be16 udp_length = htobe16((uint16_t)(8 + sizeof(entry) + inner_length));
    guest_frame(inner, FIRST_HOST + flow, 0x0a00000b, flow);
    memcpy(octets, endpoint.header + sizeof(endpoint.header) - endpoint.header_length,
           endpoint.header_length);
    memcpy(octets, scenario.ports[0]->mac.octets, sizeof(struct mac_addr));
    memcpy(&ip, octets + sizeof(struct eth_header), sizeof(ip));
    ip.total_length = htobe16((uint16_t)(length - sizeof(struct eth_header)));
    ip.checksum = 0;
    ip.checksum = checksum_ipv4(&ip, sizeof(ip));
    memcpy(octets + sizeof(struct eth_header), &ip, sizeof(ip));
    memcpy(octets + endpoint.header_length - 8, &udp_length, sizeof(udp_length));
    memcpy(octets + endpoint.header_length - 4, &entry, sizeof(entry));
    memcpy(octets + endpoint.header_length, inner + sizeof(struct eth_header), inner_length);
    pcap_add(file, octets, length);
}

/* A DPDK port that gives the flows for ever. @return its DPDK number. */
static uint16_t
source_open(const char *name, uint32_t label)
{
    char path[128], device[64], arguments[192];
    uint16_t port = 0;
    uint8_t frame[FRAME_OCTETS];

    snprintf(path, sizeof(path), "%s/%s.pcap", directory, name);
    FILE *file = fopen(path, "wb");
    must(file != NULL, "no packet file");
    pcap_begin(file);
    for (unsigned flow = 0; flow < FLOWS; flow++) {
        if (label != 0) {
            tunnel_add(file, label, flow);
            continue;
        }
        guest_frame(frame, 0x0a00000b, FIRST_HOST + flow, flow);
        pcap_add(file, frame, sizeof(frame));
    }
    must(fclose(file) == 0, "the packet file is not written");
    snprintf(device, sizeof(device), "net_pcap_%s", name);
    snprintf(arguments, sizeof(arguments), "rx_pcap=%s,infinite_rx=1", path);
    must(rte_eal_hotplug_add("vdev", device, arguments) == 0 &&
             rte_eth_dev_get_port_by_name(device, &port) == 0 &&
             rte_eth_dev_configure(port, 1, 1, &(struct rte_eth_conf){ 0 }) == 0 &&
             rte_eth_rx_queue_setup(port, 0, 512, SOCKET_ID_ANY, NULL, pool) == 0 &&
             rte_eth_tx_queue_setup(port, 0, 512, SOCKET_ID_ANY, NULL) == 0 &&
             rte_eth_dev_start(port) == 0,
         "no source");
    unlink(path);
    return port;
}

/* A route for each destination, by turns to the endpoints of one encapsulation. */
static void
routes_set(uint8_t encapsulation)
{
    static uint32_t endpoints[ENDPOINTS];
    static bool made;
    struct tables *tables = scenario.tables;
    const struct mac_addr mac = { { 2, 0, 0, 0, 1, 0x12 } };

    for (uint32_t i = 0; i < ENDPOINTS; i++) {
        const struct ip_addr address = ip_addr_from_v4(0xc000020c + i);
        struct endpoint endpoint = { .port = scenario.ports[0]->number };

        must(adjacency_get(&tables->adjacencies, endpoint.port, &address, &endpoint.adjacency) == 0,
             "no adjacency");
        atomic_store(&tables->adjacencies.entries[endpoint.adjacency].link, adjacency_link(&mac));
        endpoint_header_build(&endpoint, &scenario.underlay, &scenario.ports[0]->mac, &address,
                              encapsulation);
        must((made ? endpoint_replace(&tables->endpoints, endpoints[i], &endpoint)
                   : endpoint_add(&tables->endpoints, &endpoint, &endpoints[i])) == 0,
             "no endpoint");
    }
    made = true;
    for (uint32_t flow = 0; flow < FLOWS; flow++) {
        const struct ip_addr address = ip_addr_from_v4(FIRST_HOST + flow);
        const struct ip_prefix prefix = ip_prefix_of_host(&address);

        must(fib_set(tables->fib, vrf_upstream_root(0), &prefix,
                     path_make(PATH_TUNNEL, endpoints[flow % ENDPOINTS], 100 + flow)) == 0,
             "no route");
    }
}

static void
turn_bare(uint16_t source)
{
    struct rte_mbuf *packets[BURST_PACKETS];
    const uint16_t n = rte_eth_rx_burst(source, 0, packets, BURST_PACKETS);

    rte_eth_tx_burst(null_port, 0, packets, n);
}

static void
turn_lpm(uint16_t source)
{
    struct rte_mbuf *packets[BURST_PACKETS];
    uint32_t addresses[BURST_PACKETS], hops[BURST_PACKETS];
    const uint16_t n = rte_eth_rx_burst(source, 0, packets, BURST_PACKETS);

    for (unsigned i = 0; i < n; i++) {
        burst_prefetch(packets, i, n);
        addresses[i] =
            be32toh(rte_pktmbuf_mtod_offset(packets[i], struct ipv4_header *, 14)->destination);
    }
    rte_lpm_lookup_bulk(lpm, addresses, hops, n);
    for (unsigned i = 0; i < n; i++) {
        struct eth_header *eth = rte_pktmbuf_mtod(packets[i], struct eth_header *);
        struct ipv4_header *ip = rte_pktmbuf_mtod_offset(packets[i], struct ipv4_header *, 14);

        eth->destination.octets[5] = (uint8_t)hops[i];
        ip->ttl--;
        ip->checksum++;
    }
    rte_eth_tx_burst(null_port, 0, packets, n);
}

static void
turn_stages(uint16_t source)
{
    (void)source; /* it is the port of the scenario that the worker polls */
    worker_turn(fastpath_worker(scenario.fastpath, 0));
}

static int
compare_doubles(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* Everything went through and nothing else happened, or the figure means nothing. */
static void
verify(const struct port *out, uint64_t sent_before)
{
    uint64_t drops[DROP_REASONS];
    struct port_counters sum;

    counters_drops(scenario.counters, drops);
    for (unsigned reason = 0; reason < DROP_REASONS; reason++)
        must(drops[reason] == 0, drop_reason_name((enum drop_reason)reason));
    counters_port(scenario.counters, out->number, &sum);
    must(sum.tx.packets - sent_before == (uint64_t)SLICES * TURNS_A_SLICE * BURST_PACKETS,
         "not all packets were sent");
}

/* One figure: the flows of `source` enter at port `in` and leave at the other one. */
static void
figure(const char *name, uint16_t source, unsigned in)
{
    static void (*const turns[])(uint16_t) = { turn_bare, turn_lpm, turn_stages };
    static double slices[3][SLICES];
    struct port *port = scenario.ports[in];
    const struct port *out = scenario.ports[1 - in];
    const uint16_t null_of_port = port->ethdev;
    struct port_counters before;
    double cycles[3];

    counters_port(scenario.counters, out->number, &before);
    port->ethdev = source;
    for (unsigned slice = 0; slice < SLICES; slice++) {
        for (unsigned i = 0; i < 3; i++) {
            const uint64_t start = rte_rdtsc_precise();

            for (unsigned turn = 0; turn < TURNS_A_SLICE; turn++)
                turns[i](source);
            slices[i][slice] =
                (double)(rte_rdtsc_precise() - start) / (double)(TURNS_A_SLICE * BURST_PACKETS);
        }
    }
    port->ethdev = null_of_port;
    verify(out, before.tx.packets);
    for (unsigned i = 0; i < 3; i++) {
        qsort(slices[i], SLICES, sizeof(double), compare_doubles);
        cycles[i] = slices[i][SLICES / 2];
    }
    printf("{\"name\": \"%s\", \"value\": %.2f, \"unit\": \"cycles\", \"peer\": \"rte_lpm\", "
           "\"peer-value\": %.2f, \"ratio\": %.3f, \"source-and-sink\": %.2f}\n",
           name, cycles[2] - cycles[0], cycles[1] - cycles[0],
           (cycles[2] - cycles[0]) / (cycles[1] - cycles[0]), cycles[0]);
    fflush(stdout);
}

static void
begin(char *program)
{
    static char no_huge[] = "--no-huge", memory[] = "-m", octets[] = "256", no_pci[] = "--no-pci",
                no_conf[] = "--no-shconf", quiet[] = "--log-level=*:error",
                no_telemetry[] = "--no-telemetry", va[] = "--iova-mode=va", cores[] = "-l",
                core[] = "0";
    char *arguments[] = { program, no_huge,      memory, octets, no_pci, no_conf,
                          quiet,   no_telemetry, va,     cores,  core,   NULL };
    json_t *object = json_loads(world, 0, NULL);
    const struct rte_lpm_config config = { .max_rules = 2 * FLOWS, .number_tbl8s = 256 };

    must(rte_eal_init((int)(sizeof(arguments) / sizeof(arguments[0])) - 1, arguments) >= 0,
         "DPDK does not start");
    pool = rte_pktmbuf_pool_create("bench", POOL_PACKETS, POOL_CACHE, PACKET_PRIVATE_OCTETS,
                                   RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
    must(pool != NULL, "no pool");
    const char *error = scenario_create(&scenario, object, pool);
    must(error == NULL, error);
    null_port = scenario.ports[0]->ethdev;
    lpm = rte_lpm_create("peer", SOCKET_ID_ANY, &config);
    must(lpm != NULL, "no rte_lpm");
    for (unsigned flow = 0; flow < FLOWS; flow++)
        must(rte_lpm_add(lpm, FIRST_HOST + flow, 32, flow % ENDPOINTS) == 0, "no rte_lpm route");

    const struct ip_addr vm1 = ip_addr_from_v4(0x0a00000b);
    const struct ip_prefix prefix = ip_prefix_of_host(&vm1);
    const path_t path = path_make(PATH_VIF, scenario.vifs.entries[0].number, 0);
    must(fib_set(scenario.tables->fib, vrf_downstream_root(0), &prefix, path) == 0, "no route");
    label_set(&scenario.tables->labels, LABEL_INTERFACE, path);
    label_set(&scenario.tables->labels, LABEL_VRF, path_make(PATH_VRF, vrf_downstream_root(0), 0));
}

int
main(int argc, char **argv)
{
    (void)argc;
    must(mkdtemp(directory) != NULL, "no directory");
    begin(argv[0]);

    const uint16_t guests = source_open("guests", 0);

    routes_set(ENCAP_UDP);
    figure("encap-udp-1024", guests, 1);
    routes_set(ENCAP_GRE);
    figure("encap-gre-1024", guests, 1);
    figure("decap-vif-1024", source_open("interface", LABEL_INTERFACE), 0);
    figure("decap-vrf-1024", source_open("vrf", LABEL_VRF), 0);
    rmdir(directory);
    return 0;
}
