/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The packet lab: reads scenarios, one JSON object a line, runs the packets that their ports hold
 * through the real stages until all is quiet, and answers each with one line: counters, punted
 * packets, and whether every buffer came back. One process for many scenarios, since starting DPDK
 * takes longer than running a hundred of them.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_mbuf.h>

#include "lib/base/simd.h"
#include "lib/ring/note.h"
#include "tests/packet/packet_lab.h"

#define POOL_PACKETS 8191
#define LINE_OCTETS  (16u << 20)

/* Turns without a packet after which a scenario is over, or its time moves on. */
#define QUIET_TURNS 3

#define TIME_STEP_US    100000
#define SLOWPATH_BEGINS 1000000 /* its time, in milliseconds */

static json_t *
traffic_json(const struct traffic_counter *counter)
{
    return json_pack("[I, I]", (json_int_t)counter->packets, (json_int_t)counter->octets);
}

const char *
drop_name(unsigned reason)
{
    return drop_reason_name((enum drop_reason)reason);
}

const char *
punt_name(unsigned reason)
{
    return punt_reason_name((enum punt_reason)reason);
}

/* {name: count} of what was counted at all. */
static json_t *
reasons_json(const uint64_t *counts, unsigned n, const char *(*name)(unsigned))
{
    json_t *object = json_object();

    for (unsigned i = 0; i < n; i++) {
        if (counts[i] != 0)
            json_object_set_new(object, name(i), json_integer((json_int_t)counts[i]));
    }
    return object;
}

static json_t *
ports_json(const struct scenario *scenario)
{
    json_t *object = json_object();

    for (unsigned i = 0; i < scenario->port_names.n; i++) {
        struct port_counters sum;

        counters_port(scenario->counters, (uint16_t)scenario->port_names.entries[i].number, &sum);
        json_object_set_new(
            object, scenario->port_names.entries[i].name,
            json_pack("{s:o, s:o}", "rx", traffic_json(&sum.rx), "tx", traffic_json(&sum.tx)));
    }
    return object;
}

static json_t *
vifs_json(const struct scenario *scenario)
{
    json_t *object = json_object();

    for (unsigned i = 0; i < scenario->vifs.n; i++) {
        struct vif_counters sum;

        counters_vif(scenario->counters, scenario->vifs.entries[i].number, &sum);
        json_object_set_new(object, scenario->vifs.entries[i].name,
                            json_pack("{s:o, s:o, s:o}", "rx", traffic_json(&sum.rx), "tx",
                                      traffic_json(&sum.tx), "drops",
                                      reasons_json(sum.drops, DROP_REASONS, drop_name)));
    }
    return object;
}

/* {interface: [percent from it, percent to it]} */
static json_t *
rates_json(const struct scenario *scenario)
{
    json_t *object = json_object();

    for (unsigned i = 0; i < scenario->vifs.n; i++) {
        const struct vif *vif = vif_at(&scenario->tables->vifs, scenario->vifs.entries[i].number);
        unsigned in, out;

        fastpath_rates_used(scenario->fastpath, vif, &in, &out);
        json_object_set_new(object, vif->name, json_pack("[i, i]", (int)in, (int)out));
    }
    return object;
}

static json_t *
vrfs_json(const struct scenario *scenario)
{
    json_t *object = json_object();

    for (unsigned i = 0; i < scenario->vrfs.n; i++) {
        struct vrf_counters sum;

        counters_vrf(scenario->counters, scenario->vrfs.entries[i].number, &sum);
        json_object_set_new(object, scenario->vrfs.entries[i].name,
                            json_pack("{s:o, s:o}", "from_vif", traffic_json(&sum.from_vif),
                                      "from_tunnel", traffic_json(&sum.from_tunnel)));
    }
    return object;
}

static json_t *
endpoints_json(const struct scenario *scenario)
{
    json_t *object = json_object();

    for (unsigned i = 0; i < scenario->endpoints.n; i++) {
        struct endpoint_counters sum;

        counters_endpoint(scenario->counters, scenario->endpoints.entries[i].number, &sum);
        json_object_set_new(object, scenario->endpoints.entries[i].name, traffic_json(&sum.tx));
    }
    return object;
}

const char *
name_of(const struct named *named, uint32_t number)
{
    for (unsigned i = 0; i < named->n; i++) {
        if (named->entries[i].number == number)
            return named->entries[i].name;
    }
    return "";
}

uint32_t
number_in(const struct named *named, const char *name)
{
    for (unsigned i = 0; name != NULL && i < named->n; i++) {
        if (strcmp(named->entries[i].name, name) == 0)
            return named->entries[i].number;
    }
    return 0;
}

json_t *
hex_json(const uint8_t *octets, uint32_t length)
{
    char *text = malloc(2 * (size_t)length + 1);
    json_t *json;

    text[0] = '\0';
    for (uint32_t i = 0; octets != NULL && i < length; i++)
        snprintf(text + (size_t)2 * i, 3, "%02x", octets[i]);
    json = json_string(text);
    free(text);
    return json;
}

static json_t *
frame_json(const struct rte_mbuf *packet)
{
    const uint32_t length = rte_pktmbuf_pkt_len(packet);
    uint8_t *octets = malloc(length + 1);
    json_t *json = hex_json(rte_pktmbuf_read(packet, 0, length, octets), length);

    free(octets);
    return json;
}

/* What the workers gave to the slow path, each packet with its note. */
static json_t *
punted_json(const struct scenario *scenario)
{
    json_t *array = json_array();
    struct rte_mbuf *packet;

    for (unsigned worker = 0; worker < scenario->n_workers; worker++) {
        while (punt_ring_take(&scenario->rings->punt[worker], &packet, 1) > 0) {
            const struct packet_note *note = packet_note(packet);

            json_array_append_new(
                array, json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:o}", "reason",
                                 punt_name(note->reason), "port",
                                 name_of(&scenario->port_names, note->port), "vif",
                                 name_of(&scenario->vifs, note->vif), "vrf",
                                 name_of(&scenario->vrfs, note->vrf), "mtu", (int)note->mtu,
                                 "l3_offset", (int)note->l3_offset, "adjacency",
                                 (int)note->adjacency, "frame", frame_json(packet)));
            rte_pktmbuf_free(packet);
        }
    }
    return array;
}

/* {address: [state, link MAC address, held]} */
static json_t *
neighbours_json(const struct scenario *scenario)
{
    struct adjacency_table *table = &scenario->tables->adjacencies;
    json_t *object = json_object();

    for (uint32_t i = 0; i < atomic_load(&table->high); i++) {
        const struct adjacency *each = &table->entries[i];
        const struct mac_addr mac = adjacency_mac(atomic_load(&each->link));
        char address[IP_ADDR_TEXT_MAX], mac_text[MAC_TEXT_MAX];

        json_object_set_new(
            object, ip_addr_format(&each->address, address),
            json_pack("[s, s, i]",
                      neighbour_state_name((enum neighbour_state)atomic_load(&each->state)),
                      mac_format(&mac, mac_text), (int)atomic_load(&each->held)));
    }
    return object;
}

/* What was made, what ended, and what workers hold: fragments that wait for others. */
static json_t *
balance_json(const struct scenario *scenario)
{
    struct balance_counters balance;
    uint64_t held = 0;

    counters_balance(scenario->counters, &balance);
    for (unsigned i = 0; i < scenario->n_workers; i++) {
        struct worker_counters worker;

        counters_worker(scenario->counters, i, &worker);
        held += worker.fragments_held;
    }
    return json_pack("{s:I, s:I, s:I}", "consumed", (json_int_t)balance.consumed, "originated",
                     (json_int_t)balance.originated, "held", (json_int_t)held);
}

static json_t *
workers_json(const struct scenario *scenario)
{
    json_t *array = json_array();

    for (unsigned i = 0; i < scenario->n_workers; i++) {
        struct worker_counters sum;

        counters_worker(scenario->counters, i, &sum);
        json_array_append_new(array,
                              json_pack("{s:I, s:I, s:I}", "packets", (json_int_t)sum.packets,
                                        "handed_over", (json_int_t)sum.handed_over, "taken_over",
                                        (json_int_t)sum.taken_over));
    }
    return array;
}

static json_t *
result_json(const struct scenario *scenario)
{
    uint64_t drops[DROP_REASONS], punts[PUNT_REASONS];
    json_t *result;

    counters_drops(scenario->counters, drops);
    counters_punts(scenario->counters, punts);
    result = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "drops",
                       reasons_json(drops, DROP_REASONS, drop_name), "punts",
                       reasons_json(punts, PUNT_REASONS, punt_name), "ports", ports_json(scenario),
                       "vifs", vifs_json(scenario), "vrfs", vrfs_json(scenario), "endpoints",
                       endpoints_json(scenario), "workers", workers_json(scenario), "punted",
                       punted_json(scenario));
    json_object_set_new(result, "balance", balance_json(scenario));
    json_object_set_new(result, "passed_us", json_integer((json_int_t)scenario->passed_us));
    json_object_set_new(result, "rates_used", rates_json(scenario));
    if (scenario->slowpath != NULL)
        json_object_set_new(result, "slowpath",
                            json_pack("{s:o}", "neighbours", neighbours_json(scenario)));
    return result;
}

static unsigned
turn(struct scenario *scenario)
{
    const uint64_t now =
        scenario->begin_tsc + scenario->passed_us * rte_get_tsc_hz() / UINT64_C(1000000);
    unsigned packets = 0;

    for (unsigned worker = 0; worker < scenario->n_workers; worker++)
        packets += fastpath_poll_once(fastpath_worker(scenario->fastpath, worker), now);
    if (scenario->slowpath != NULL)
        packets +=
            slowpath_poll_once(scenario->slowpath, SLOWPATH_BEGINS + scenario->passed_us / 1000);
    scenario->passed_us += scenario->turn_us;
    return packets;
}

static void
run_until_quiet(struct scenario *scenario)
{
    for (;;) {
        for (unsigned quiet = 0; quiet < QUIET_TURNS; quiet++) {
            if (turn(scenario) > 0)
                quiet = 0;
        }
        if (scenario->passed_us >= scenario->until_us)
            return;
        scenario->passed_us += TIME_STEP_US;
    }
}

static json_t *
run(json_t *object, struct rte_mempool *pool)
{
    const unsigned before = rte_mempool_avail_count(pool);
    struct scenario scenario;
    const char *error = scenario_create(&scenario, object, pool);
    json_t *result;

    if (error == NULL) {
        json_t *explained = explained_json(&scenario, json_object_get(object, "explain"));

        error = watches_begin(&scenario, json_object_get(object, "watches"));
        if (error == NULL)
            run_until_quiet(&scenario);
        result = result_json(&scenario);
        json_object_set_new(result, "explained", explained);
        json_object_set_new(result, "watched", watches_end(&scenario));
        if (error != NULL)
            json_object_set_new(result, "error", json_string(error));
    } else {
        result = json_pack("{s:s}", "error", error);
    }
    scenario_destroy(&scenario);
    json_object_set_new(result, "buffers_lost",
                        json_integer((json_int_t)before - rte_mempool_avail_count(pool)));
    return result;
}

int
main(int argc, char **argv)
{
    static char line[LINE_OCTETS];
    const int used = rte_eal_init(argc, argv);
    const char *name = getenv("PACKET_LAB_LEVEL"); /* of vector instructions, NULL: the best */
    enum simd_level level = SIMD_AVX512;
    struct rte_mempool *pool;

    if (used < 0 || (name != NULL && !simd_level_parse(name, &level)))
        return 1;
    simd_limit(level);
    pool = rte_pktmbuf_pool_create("lab", POOL_PACKETS, 0, PACKET_PRIVATE_OCTETS,
                                   argc > used + 1 ? (uint16_t)strtoul(argv[used + 1], NULL, 10)
                                                   : RTE_MBUF_DEFAULT_BUF_SIZE,
                                   SOCKET_ID_ANY);
    if (pool == NULL)
        return 1;
    while (fgets(line, sizeof(line), stdin) != NULL) {
        json_error_t error;
        json_t *object = json_loads(line, 0, &error);
        json_t *result =
            object == NULL ? json_pack("{s:s}", "error", error.text) : run(object, pool);

        json_dumpf(result, stdout, JSON_COMPACT);
        putchar('\n');
        fflush(stdout);
        json_decref(result);
        json_decref(object);
    }
    rte_mempool_free(pool);
    return rte_eal_cleanup() != 0;
}
