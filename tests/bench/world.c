/* SPDX-License-Identifier: BSD-3-Clause */

/* A vRouter to measure, and its peer: see world.h. */

#include "tests/bench/world.h"

#include <stdio.h>

#include <rte_ethdev.h>
#include <rte_lpm.h>

#include "fastpath/worker.h"

#define NEXT_HOPS 16u
#define BARE      0u
#define PEER      1u
#define FIRST_WAY 2u

void
world_begin(struct world *world, const char *description, struct rte_mempool *pool)
{
    json_t *object = json_loads(description, 0, NULL);
    const struct rte_lpm_config config = { .max_rules = 2 * WORLD_HOSTS, .number_tbl8s = 256 };
    const enum simd_level best = simd_level();

    must(object != NULL, "the description is no JSON");
    const char *error = scenario_create(&world->scenario, object, pool);
    must(error == NULL, error);
    for (unsigned level = 0; level <= best; level++) {
        simd_limit((enum simd_level)level);
        world->levels[level] = fastpath_create(&world->scenario.config);
        must(world->levels[level] != NULL, "no worker");
    }
    world->sink = world->scenario.ports[0]->ethdev;
    world->lpm = rte_lpm_create("peer", SOCKET_ID_ANY, &config);
    must(world->lpm != NULL, "no rte_lpm");
    for (unsigned host = 0; host < WORLD_HOSTS; host++)
        must(rte_lpm_add(world->lpm, WORLD_FIRST_HOST + host, 32, host % NEXT_HOPS) == 0,
             "no rte_lpm route");
}

static void
turn_peer(void *argument, uint16_t source)
{
    const struct world *world = argument;
    struct rte_mbuf *packets[BURST_PACKETS];
    uint32_t addresses[BURST_PACKETS], hops[BURST_PACKETS];
    const uint16_t n = rte_eth_rx_burst(source, 0, packets, BURST_PACKETS);

    for (unsigned i = 0; i < n; i++) {
        burst_prefetch(packets, i, n);
        addresses[i] =
            be32toh(rte_pktmbuf_mtod_offset(packets[i], struct ipv4_header *, 14)->destination);
    }
    rte_lpm_lookup_bulk(world->lpm, addresses, hops, n);
    for (unsigned i = 0; i < n; i++) {
        struct eth_header *eth = rte_pktmbuf_mtod(packets[i], struct eth_header *);
        struct ipv4_header *ip = rte_pktmbuf_mtod_offset(packets[i], struct ipv4_header *, 14);

        eth->destination.octets[5] = (uint8_t)hops[i];
        ip->ttl--;
        ip->checksum++;
    }
    rte_eth_tx_burst(world->sink, 0, packets, n);
}

static void
turn_worker(void *argument, uint16_t source)
{
    (void)source; /* it is the port of the scenario that the worker polls */
    worker_turn(argument);
}

/* Everything went through and nothing else happened, or the figure means nothing. */
static void
verify(const struct world *world, const struct port *out, uint64_t sent_before, unsigned n_levels)
{
    uint64_t drops[DROP_REASONS];
    struct port_counters sum;

    counters_drops(world->scenario.counters, drops);
    for (unsigned reason = 0; reason < DROP_REASONS; reason++)
        must(drops[reason] == 0, drop_reason_name((enum drop_reason)reason));
    counters_port(world->scenario.counters, out->number, &sum);
    must(sum.tx.packets - sent_before == (uint64_t)n_levels * RIG_SLICES * RIG_SLICE_PACKETS,
         "not all packets were sent");
}

void
world_figure(struct world *world, const char *name, uint16_t source, unsigned in, unsigned out)
{
    struct port *port = world->scenario.ports[in];
    const uint16_t null_of_port = port->ethdev;
    struct rig_way ways[FIRST_WAY + SIMD_LEVELS] = {
        [BARE] = { rig_turn_bare, &world->sink },
        [PEER] = { turn_peer, world },
    };
    struct rig_cycles cycles[FIRST_WAY + SIMD_LEVELS];
    struct port_counters before;
    unsigned n = FIRST_WAY;

    for (unsigned level = 0; level < SIMD_LEVELS; level++) {
        if (world->levels[level] != NULL)
            ways[n++] = (struct rig_way){ turn_worker, fastpath_worker(world->levels[level], 0) };
    }
    counters_port(world->scenario.counters, world->scenario.ports[out]->number, &before);
    port->ethdev = source;
    rig_measure(ways, n, source, cycles);
    port->ethdev = null_of_port;
    verify(world, world->scenario.ports[out], before.tx.packets, n - FIRST_WAY);
    for (unsigned i = FIRST_WAY; i < n; i++) {
        const double own = cycles[i].median - cycles[BARE].median;
        const double peer = cycles[PEER].median - cycles[BARE].median;

        const enum simd_level level = (enum simd_level)(i - FIRST_WAY);
        const bool chosen = i + 1 == n; /* by itself, on this machine */

        printf("{\"name\": \"%s%s%s\", \"value\": %.2f, \"unit\": \"cycles\", \"p5\": %.2f, "
               "\"peer\": \"rte_lpm\", \"peer-value\": %.2f, \"source-and-sink\": %.2f}\n",
               name, chosen ? "" : "-", chosen ? "" : simd_level_name(level), own,
               cycles[i].fifth - cycles[BARE].fifth, peer, cycles[BARE].median);
    }
    fflush(stdout);
}
