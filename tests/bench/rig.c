/* SPDX-License-Identifier: BSD-3-Clause */

/* The benches' environment, sources and clock: see rig.h. */

#include "tests/bench/rig.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "fastpath/burst.h"
#include "lib/net/checksum.h"

#define POOL_CACHE  512u
#define DATA_OCTETS 384u /* a frame and its tunnel; small, so that many flows fit into memory */
#define WAYS_MAX    8u

static char directory[] = "/tmp/bench-XXXXXX";

/* The source that is being made. */
static struct {
    FILE *file;
    char path[128], device[64];
} source;

void
must(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "bench: %s\n", what);
        exit(1);
    }
}

struct rte_mempool *
rig_begin(char *program, unsigned packets)
{
    static char no_huge[] = "--no-huge", memory[] = "-m", octets[] = "512", no_pci[] = "--no-pci",
                no_conf[] = "--no-shconf", quiet[] = "--log-level=*:error",
                no_telemetry[] = "--no-telemetry", va[] = "--iova-mode=va", cores[] = "-l";
    char core[16];
    char *arguments[] = { program, no_huge,      memory, octets, no_pci, no_conf,
                          quiet,   no_telemetry, va,     cores,  core,   NULL };

    snprintf(core, sizeof(core), "%d", sched_getcpu()); /* the scheduler's idlest */
    must(mkdtemp(directory) != NULL, "no directory");
    must(rte_eal_init((int)(sizeof(arguments) / sizeof(arguments[0])) - 1, arguments) >= 0,
         "DPDK does not start");
    struct rte_mempool *pool =
        rte_pktmbuf_pool_create("bench", packets, POOL_CACHE, PACKET_PRIVATE_OCTETS,
                                RTE_PKTMBUF_HEADROOM + DATA_OCTETS, SOCKET_ID_ANY);
    must(pool != NULL, "no pool");
    return pool;
}

void
rig_end(void)
{
    rmdir(directory);
}

void
rig_guest_frame(uint8_t frame[RIG_FRAME_OCTETS], uint32_t from, uint32_t to, unsigned flow)
{
    const struct eth_header eth = { MAC_VIRTUAL_ROUTER, { { 2, 0, 0, 0, 0, 1 } }, htobe16(0x0800) };
    struct ipv4_header ip = {
        .version_ihl = 0x45,
        .total_length = htobe16(RIG_FRAME_OCTETS - sizeof(eth)),
        .ttl = 64,
        .protocol = IP_PROTOCOL_UDP,
        .source = htobe32(from),
        .destination = htobe32(to),
    };
    const struct udp_header udp = { htobe16((uint16_t)(1024 + flow)), htobe16(5001),
                                    htobe16(RIG_FRAME_OCTETS - sizeof(eth) - sizeof(ip)), 0 };

    ip.checksum = checksum_ipv4(&ip, sizeof(ip));
    memset(frame, 0, RIG_FRAME_OCTETS);
    memcpy(frame, &eth, sizeof(eth));
    memcpy(frame + sizeof(eth), &ip, sizeof(ip));
    memcpy(frame + sizeof(eth) + sizeof(ip), &udp, sizeof(udp));
}

void
rig_source_begin(const char *name)
{
    const uint32_t header[] = { 0xa1b2c3d4, 2u | 4u << 16, 0, 0, 65535, 1 };

    snprintf(source.path, sizeof(source.path), "%s/%s.pcap", directory, name);
    snprintf(source.device, sizeof(source.device), "net_pcap_%s", name);
    source.file = fopen(source.path, "wb");
    must(source.file != NULL && fwrite(header, sizeof(header), 1, source.file) == 1,
         "no packet file");
}

void
rig_source_add(const uint8_t *octets, size_t length)
{
    const uint32_t header[] = { 0, 0, (uint32_t)length, (uint32_t)length };

    must(fwrite(header, sizeof(header), 1, source.file) == 1 &&
             fwrite(octets, length, 1, source.file) == 1,
         "the packet file is not written");
}

uint16_t
rig_source_open(struct rte_mempool *pool)
{
    char arguments[192];
    uint16_t port = 0;

    must(fclose(source.file) == 0, "the packet file is not written");
    snprintf(arguments, sizeof(arguments), "rx_pcap=%s,infinite_rx=1", source.path);
    must(rte_eal_hotplug_add("vdev", source.device, arguments) == 0 &&
             rte_eth_dev_get_port_by_name(source.device, &port) == 0 &&
             rte_eth_dev_configure(port, 1, 1, &(struct rte_eth_conf){ 0 }) == 0 &&
             rte_eth_rx_queue_setup(port, 0, 512, SOCKET_ID_ANY, NULL, pool) == 0 &&
             rte_eth_tx_queue_setup(port, 0, 512, SOCKET_ID_ANY, NULL) == 0 &&
             rte_eth_dev_start(port) == 0,
         "no source");
    unlink(source.path);
    return port;
}

void
rig_source_close(uint16_t port)
{
    must(rte_eth_dev_stop(port) == 0 && rte_eth_dev_close(port) == 0, "the source does not close");
}

void
rig_turn_bare(void *argument, uint16_t port)
{
    const uint16_t *sink = argument;
    struct rte_mbuf *packets[BURST_PACKETS];
    const uint16_t n = rte_eth_rx_burst(port, 0, packets, BURST_PACKETS);

    rte_eth_tx_burst(*sink, 0, packets, n);
}

static int
compare_doubles(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

void
rig_measure(const struct rig_way *ways, unsigned n, uint16_t port, struct rig_cycles *cycles)
{
    static double slices[WAYS_MAX][RIG_SLICES];

    must(n <= WAYS_MAX, "too many ways");
    for (unsigned slice = 0; slice < RIG_SLICES; slice++) {
        for (unsigned i = 0; i < n; i++) {
            const uint64_t start = rte_rdtsc_precise();

            for (unsigned taken = 0; taken < RIG_SLICE_PACKETS; taken += BURST_PACKETS)
                ways[i].turn(ways[i].argument, port);
            slices[i][slice] = (double)(rte_rdtsc_precise() - start) / RIG_SLICE_PACKETS;
        }
    }
    for (unsigned i = 0; i < n; i++) {
        qsort(slices[i], RIG_SLICES, sizeof(double), compare_doubles);
        cycles[i] = (struct rig_cycles){ slices[i][RIG_SLICES / 2], slices[i][RIG_SLICES / 20] };
    }
}
