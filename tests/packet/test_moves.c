/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Two workers forward numbered packets of many flows, out of tunnels and into them, while the
 * receive queues of both ports go from one worker to the other and back, again and again: no packet
 * is lost, and none overtakes another of its flow. The ports are rings that the test fills, as a
 * device would that hashes the outer header, and empties.
 */

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <rte_dev.h>
#include <rte_eth_ring.h>

#include "lib/base/clock.h"
#include "lib/net/checksum.h"
#include "lib/ring/note.h"
#include "tests/packet/stage_rig.h"
#include "tests/unit/eal.h"

#define FABRIC      0
#define ACCESS      1
#define WORKERS     2
#define FLOWS       32u
#define PACKETS     150000u /* each way */
#define ON_THE_WAY  400u    /* each way: no ring overflows because of the test */
#define MOVES       1000u
#define DEADLINE_MS 600000u
#define INNER_AT    46 /* in a frame of MPLS over UDP */

static const char world[] =
    "{\"workers\": 2, \"vrfs\": [\"red\"], \"ports\": ["
    "{\"name\": \"fabric\", \"role\": \"underlay\", \"spec\": \"null:\", \"queues\": 2,"
    " \"mac\": \"02:00:00:00:00:fe\"},"
    "{\"name\": \"p1\", \"role\": \"access\", \"spec\": \"null:\"}], \"vifs\": ["
    "{\"name\": \"vm1\", \"vrf\": \"red\", \"port\": \"p1\", \"mac\": \"02:00:00:00:00:01\","
    " \"sources\": [\"10.0.0.11/32\"]}], \"endpoints\": ["
    "{\"name\": \"far\", \"address\": \"192.0.2.12\", \"encapsulation\": \"udp\","
    " \"port\": \"fabric\", \"mac\": \"02:00:00:00:01:12\"}], \"routes\": ["
    "{\"vrf\": \"red\", \"prefix\": \"10.0.0.0/8\","
    " \"path\": {\"endpoint\": \"far\", \"label\": 7}}], \"labels\": ["
    "{\"label\": 16, \"path\": {\"vif\": \"vm1\"}}]}";

struct inner {
    struct ipv4_header ip;
    struct udp_header udp;
    uint32_t number; /* in its flow; host order */
} __attribute__((packed));

struct guest_frame {
    struct eth_header eth;
    struct inner inner;
} __attribute__((packed));

struct tunnel_frame {
    struct eth_header eth;
    struct ipv4_header ip;
    union {
        struct {
            struct gre_header gre;
            mpls_entry label;
            struct inner inner;
        } __attribute__((packed)) over_gre;
        struct {
            struct udp_header udp;
            mpls_entry label;
            struct inner inner;
        } __attribute__((packed)) over_udp;
    };
} __attribute__((packed));

/* Packets one way: what went in and came out, by flow. */
struct way {
    unsigned sent, arrived;
    uint32_t next_in[FLOWS], next_out[FLOWS];
};

static struct rte_ring *fabric_in[2], *fabric_out, *access_in, *access_out;

static struct rte_ring *
ring_make(const char *name, unsigned flags)
{
    struct rte_ring *ring = rte_ring_create(name, 1024, SOCKET_ID_ANY, flags);

    assert_non_null(ring);
    return ring;
}

static uint16_t
device_make(const char *name, struct rte_ring **in, unsigned n_in, struct rte_ring **out,
            unsigned n_out)
{
    const int device = rte_eth_from_rings(name, in, n_in, out, n_out, 0);

    assert_true(device >= 0);
    assert_int_equal(rte_eth_dev_configure((uint16_t)device, (uint16_t)n_in, (uint16_t)n_out,
                                           &(struct rte_eth_conf){ 0 }),
                     0);
    for (uint16_t i = 0; i < n_in; i++) {
        assert_int_equal(rte_eth_rx_queue_setup((uint16_t)device, i, 64, SOCKET_ID_ANY, NULL, pool),
                         0);
        assert_int_equal(rte_eth_tx_queue_setup((uint16_t)device, i, 64, SOCKET_ID_ANY, NULL), 0);
    }
    assert_int_equal(rte_eth_dev_start((uint16_t)device), 0);
    return (uint16_t)device;
}

static struct inner
inner_make(unsigned flow, uint32_t number, uint32_t source, uint32_t destination)
{
    struct inner inner = {
        .ip = {
            .version_ihl = 0x45,
            .total_length = htobe16(sizeof(inner)),
            .ttl = 64,
            .protocol = IP_PROTOCOL_UDP,
            .source = htobe32(source),
            .destination = htobe32(destination),
        },
        .udp = {
            .source_port = htobe16((uint16_t)(1000 + flow)),
            .destination_port = htobe16(7),
            .length = htobe16(sizeof(inner.udp) + sizeof(inner.number)),
        },
        .number = number,
    };

    inner.ip.checksum = checksum_ipv4(&inner.ip, sizeof(inner.ip));
    return inner;
}

static struct rte_mbuf *
packet_make(const void *octets, uint16_t length)
{
    struct rte_mbuf *packet = rte_pktmbuf_alloc(pool);

    assert_non_null(packet);
    memcpy(rte_pktmbuf_append(packet, length), octets, length);
    return packet;
}

/* A packet from the far guest, in a tunnel, into the queue that the device would choose. */
static void
send_down(enum encapsulation encapsulation, struct way *way, unsigned flow)
{
    struct tunnel_frame frame = {
        .eth = { { { 2, 0, 0, 0, 0, 0xfe } }, { { 2, 0, 0, 0, 1, 0x12 } }, htobe16(0x0800) },
        .ip = {
            .version_ihl = 0x45,
            .ttl = 64,
            .source = htobe32(0xc000020c),
            .destination = htobe32(0xc000020b),
        },
    };
    const struct inner inner = inner_make(flow, way->next_in[flow]++, 0x0a010001, 0x0a00000b);
    const bool gre = encapsulation == ENCAP_GRE;
    const uint16_t octets = (uint16_t)(offsetof(struct tunnel_frame, over_gre) +
                                       (gre ? sizeof(frame.over_gre) : sizeof(frame.over_udp)));
    const unsigned queue = gre ? 0 : flow % 2;

    frame.ip.total_length = htobe16((uint16_t)(octets - sizeof(frame.eth)));
    if (gre) {
        frame.ip.protocol = IP_PROTOCOL_GRE;
        frame.over_gre.gre.protocol = htobe16(0x8847);
        frame.over_gre.label = mpls_entry_make(16, 0, 64);
        frame.over_gre.inner = inner;
    } else {
        frame.ip.protocol = IP_PROTOCOL_UDP;
        frame.over_udp.udp.source_port = htobe16((uint16_t)(50000 + flow));
        frame.over_udp.udp.destination_port = htobe16(6635);
        frame.over_udp.udp.length = htobe16((uint16_t)sizeof(frame.over_udp));
        frame.over_udp.label = mpls_entry_make(16, 0, 64);
        frame.over_udp.inner = inner;
    }
    frame.ip.checksum = checksum_ipv4(&frame.ip, sizeof(frame.ip));
    assert_int_equal(rte_ring_enqueue(fabric_in[queue], packet_make(&frame, octets)), 0);
    way->sent++;
}

/* A packet from our guest. */
static void
send_up(struct way *way, unsigned flow)
{
    const struct guest_frame frame = {
        .eth = { MAC_VIRTUAL_ROUTER, { { 2, 0, 0, 0, 0, 1 } }, htobe16(0x0800) },
        .inner = inner_make(flow, way->next_in[flow]++, 0x0a00000b, 0x0a010001),
    };

    assert_int_equal(rte_ring_enqueue(access_in, packet_make(&frame, sizeof(frame))), 0);
    way->sent++;
}

/* Takes what came out; each packet must be the next one of its flow. */
static void
take(struct rte_ring *ring, uint16_t inner_at, struct way *way)
{
    void *packet;

    while (rte_ring_dequeue(ring, &packet) == 0) {
        struct inner inner;

        memcpy(&inner, rte_pktmbuf_mtod_offset((struct rte_mbuf *)packet, uint8_t *, inner_at),
               sizeof(inner));
        const unsigned flow = be16toh(inner.udp.source_port) - 1000u;

        assert_in_range(flow, 0, FLOWS - 1);
        assert_int_equal(inner.number, way->next_out[flow]);
        way->next_out[flow]++;
        way->arrived++;
        rte_pktmbuf_free(packet);
    }
}

static void *
work(void *worker)
{
    fastpath_run(worker);
    return NULL;
}

/* Has some worker poll some queue, unless it is on its way. @return whether it goes elsewhere. */
static bool
move_something(void)
{
    struct port *port = scenario.ports[rand() % 2 == 0 ? FABRIC : ACCESS];
    const unsigned queue = (unsigned)rand() % port->n_queues;
    const unsigned before = port->queues[queue].receiver, to = (unsigned)rand() % WORKERS;
    const int error = port_move(scenario.port_table, port, queue, to);

    assert_true(error == 0 || error == -EBUSY);
    return error == 0 && to != before;
}

static void
packets_flow(enum encapsulation encapsulation)
{
    const uint64_t deadline = clock_monotonic_ms() + DEADLINE_MS;
    struct way down = { 0 }, up = { 0 };
    unsigned moves = 0;

    while (down.arrived < PACKETS || up.arrived < PACKETS || moves < MOVES) {
        assert_true(clock_monotonic_ms() < deadline);
        for (unsigned i = 0; i < 16 && down.sent - down.arrived < ON_THE_WAY; i++)
            send_down(encapsulation, &down, (unsigned)rand() % FLOWS);
        for (unsigned i = 0; i < 16 && up.sent - up.arrived < ON_THE_WAY; i++)
            send_up(&up, (unsigned)rand() % FLOWS);
        take(access_out, sizeof(struct eth_header), &down);
        take(fabric_out, INNER_AT, &up);
        moves += move_something();
        reclaim_poll(scenario.tables->reclaim);
    }
    while (down.arrived < down.sent || up.arrived < up.sent) {
        assert_true(clock_monotonic_ms() < deadline);
        take(access_out, sizeof(struct eth_header), &down);
        take(fabric_out, INNER_AT, &up);
    }
}

static void
expect_nothing_dropped(void)
{
    uint64_t drops[DROP_REASONS];

    counters_drops(scenario.counters, drops);
    for (unsigned reason = 0; reason < DROP_REASONS; reason++)
        assert_int_equal(drops[reason], 0);
}

static void
flows_keep_their_order(enum encapsulation encapsulation)
{
    struct worker_counters before[WORKERS], after;
    uint16_t nulls[2];
    pthread_t workers[WORKERS];

    for (unsigned i = 0; i < 2; i++)
        nulls[i] = scenario.ports[i]->ethdev;
    scenario.ports[FABRIC]->ethdev =
        device_make(encapsulation == ENCAP_GRE ? "fabric-gre" : "fabric-udp", fabric_in, 2,
                    (struct rte_ring *[]){ fabric_out, fabric_out }, 2);
    scenario.ports[ACCESS]->ethdev = device_make(
        encapsulation == ENCAP_GRE ? "access-gre" : "access-udp", &access_in, 1, &access_out, 1);
    for (unsigned i = 0; i < WORKERS; i++) {
        counters_worker(scenario.counters, i, &before[i]);
        assert_int_equal(
            pthread_create(&workers[i], NULL, work, fastpath_worker(scenario.fastpath, i)), 0);
    }
    packets_flow(encapsulation);
    fastpath_stop(scenario.fastpath);
    for (unsigned i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_join(workers[i], NULL), 0);

    expect_nothing_dropped();
    for (unsigned i = 0; i < WORKERS; i++) {
        counters_worker(scenario.counters, i, &after);
        assert_true(after.packets - before[i].packets > PACKETS / 10);
        assert_true(after.handed_over + after.taken_over > 0);
    }
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(rte_eth_dev_stop(scenario.ports[i]->ethdev), 0);
        assert_int_equal(rte_eth_dev_close(scenario.ports[i]->ethdev), 0);
        scenario.ports[i]->ethdev = nulls[i];
    }
}

static void
flows_over_udp_keep_their_order_while_queues_move(void **state)
{
    (void)state;
    flows_keep_their_order(ENCAP_UDP);
}

static void
flows_over_gre_keep_their_order_while_queues_move(void **state)
{
    (void)state;
    flows_keep_their_order(ENCAP_GRE);
}

static int
world_make(void **state)
{
    (void)state;
    description = json_loads(world, 0, NULL);
    return scenario_create(&scenario, description, pool) != NULL ? -1 : 0;
}

static int
begin(void **state)
{
    (void)state;
    if (!eal_start())
        return -1;
    pool = rte_pktmbuf_pool_create("moves", 4095, 0, PACKET_PRIVATE_OCTETS,
                                   RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
    if (pool == NULL)
        return -1;
    fabric_in[0] = ring_make("fabric_in0", RING_F_SP_ENQ | RING_F_SC_DEQ);
    fabric_in[1] = ring_make("fabric_in1", RING_F_SP_ENQ | RING_F_SC_DEQ);
    fabric_out = ring_make("fabric_out", RING_F_SC_DEQ); /* of both workers, as they come */
    access_in = ring_make("access_in", RING_F_SP_ENQ | RING_F_SC_DEQ);
    access_out = ring_make("access_out", RING_F_SP_ENQ | RING_F_SC_DEQ);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(flows_over_udp_keep_their_order_while_queues_move,
                                        world_make, stage_rig_end),
        cmocka_unit_test_setup_teardown(flows_over_gre_keep_their_order_while_queues_move,
                                        world_make, stage_rig_end),
    };

    return cmocka_run_group_tests(tests, begin, NULL);
}
