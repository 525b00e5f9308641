/* SPDX-License-Identifier: BSD-3-Clause */

/* The stages with what ports other than the packet lab's may bring: chains of segments, shared
 * buffers, offloads left to do, no headroom; and full queues, and tables that change underneath. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "fastpath/segments.h"
#include "fastpath/worker.h"
#include "lib/net/checksum.h"
#include "lib/net/encapsulation.h"
#include "tests/packet/scenario.h"
#include "tests/unit/eal.h"

#define FABRIC  0
#define ACCESS  1
#define PAYLOAD 100u

#define POOL_PACKETS 4095

static const char world[] =
    "{\"workers\": 2, \"vrfs\": [\"red\"], \"ports\": ["
    "{\"name\": \"fabric\", \"role\": \"underlay\", \"mac\": \"02:00:00:00:00:fe\","
    " \"spec\": \"null:\"},"
    "{\"name\": \"p1\", \"role\": \"access\", \"spec\": \"null:\"}], \"vifs\": ["
    "{\"name\": \"vm1\", \"vrf\": \"red\", \"port\": \"p1\", \"mac\": \"02:00:00:00:00:01\","
    " \"sources\": [\"10.0.0.11/32\"]},"
    "{\"name\": \"vm2\", \"vrf\": \"red\", \"port\": \"p1\", \"vlan\": 7,"
    " \"mac\": \"02:00:00:00:00:01\", \"sources\": [\"10.0.0.11/32\"]}], \"endpoints\": ["
    "{\"name\": \"far\", \"address\": \"192.0.2.12\", \"encapsulation\": \"udp\","
    " \"port\": \"fabric\", \"mac\": \"02:00:00:00:01:12\"}], \"routes\": ["
    "{\"vrf\": \"red\", \"prefix\": \"10.1.0.0/16\","
    " \"path\": {\"endpoint\": \"far\", \"label\": 7}}], \"labels\": ["
    "{\"label\": 16, \"path\": {\"vif\": \"vm1\"}}]}";

static struct rte_mempool *pool;
static struct scenario scenario;
static json_t *description;

/* The worker that owns the port which packets come from: it has the other one's frames too. */
static struct worker *
owner_of(unsigned port)
{
    return fastpath_worker(scenario.fastpath, scenario.ports[port]->queues[0].sender);
}

static uint64_t
drops_of(enum drop_reason reason)
{
    uint64_t sum[DROP_REASONS];

    counters_drops(scenario.counters, sum);
    return sum[reason];
}

static uint64_t
drops_of_all(void)
{
    uint64_t sum[DROP_REASONS], total = 0;

    counters_drops(scenario.counters, sum);
    for (unsigned i = 0; i < DROP_REASONS; i++)
        total += sum[i];
    return total;
}

static uint64_t
sent_by(unsigned port)
{
    struct port_counters sum;

    counters_port(scenario.counters, scenario.ports[port]->number, &sum);
    return sum.tx.packets;
}

/* A guest's packet to 10.1.0.1, in `tail` octets of which the frame ends in another segment. */
static struct rte_mbuf *
guest_packet(unsigned tail)
{
    const struct eth_header eth = { MAC_VIRTUAL_ROUTER, { { 2, 0, 0, 0, 0, 1 } }, htobe16(0x0800) };
    struct ipv4_header ip = {
        .version_ihl = 0x45,
        .total_length = htobe16(sizeof(ip) + PAYLOAD),
        .ttl = 64,
        .protocol = IP_PROTOCOL_TCP,
        .source = htobe32(0x0a00000b),
        .destination = htobe32(0x0a010001),
    };
    uint8_t frame[sizeof(eth) + sizeof(ip) + PAYLOAD] = { 0 };
    struct rte_mbuf *packet = rte_pktmbuf_alloc(pool);

    assert_non_null(packet);
    ip.checksum = checksum_ipv4(&ip, sizeof(ip));
    memcpy(frame, &eth, sizeof(eth));
    memcpy(frame + sizeof(eth), &ip, sizeof(ip));
    memcpy(rte_pktmbuf_append(packet, (uint16_t)(sizeof(frame) - tail)), frame,
           sizeof(frame) - tail);
    if (tail > 0) {
        struct rte_mbuf *rest = rte_pktmbuf_alloc(pool);

        assert_non_null(rest);
        memcpy(rte_pktmbuf_append(rest, (uint16_t)tail), frame + sizeof(frame) - tail, tail);
        assert_int_equal(rte_pktmbuf_chain(packet, rest), 0);
    }
    return packet;
}

/* Runs both workers until what was handed over is sent, too. */
static void
run(struct rte_mbuf *packet)
{
    worker_forward(owner_of(ACCESS), scenario.ports[ACCESS], &packet, 1);
    transmit_flush(owner_of(ACCESS));
    worker_turn(owner_of(FABRIC));
}

static void
expect_drop(struct rte_mbuf *packet, enum drop_reason reason)
{
    const unsigned before = rte_mempool_avail_count(pool);
    const uint64_t drops = drops_of(reason), all = drops_of_all();
    const unsigned segments = packet->nb_segs;

    run(packet);
    assert_int_equal(drops_of(reason), drops + 1);
    assert_int_equal(drops_of_all(), all + 1);
    assert_int_equal(rte_mempool_avail_count(pool), before + segments);
}

static void
expect_sent(struct rte_mbuf *packet)
{
    const uint64_t sent = sent_by(FABRIC), all = drops_of_all();

    run(packet);
    assert_int_equal(sent_by(FABRIC), sent + 1);
    assert_int_equal(drops_of_all(), all);
}

static void
chains_pass_wherever_their_headers_end(void **state)
{
    const unsigned lost_before = rte_mempool_avail_count(pool);

    (void)state;
    for (unsigned tail = 0; tail < PAYLOAD + 34; tail++)
        expect_sent(guest_packet(tail));
    assert_int_equal(rte_mempool_avail_count(pool), lost_before);
}

static void
padding_over_several_segments_is_cut(void **state)
{
    struct rte_mbuf *packet = guest_packet(30), *padding = rte_pktmbuf_alloc(pool);
    const unsigned available = rte_mempool_avail_count(pool);

    (void)state;
    assert_non_null(rte_pktmbuf_append(padding, 40));
    assert_int_equal(rte_pktmbuf_chain(packet, padding), 0);
    segments_cut(packet, 134);
    assert_int_equal(packet->nb_segs, 2);
    assert_int_equal(packet->pkt_len, 134);
    assert_int_equal(rte_mempool_avail_count(pool), available + 1);
    segments_cut(packet, 104);
    assert_int_equal(packet->nb_segs, 1);
    segments_cut(packet, 50);
    assert_int_equal(packet->data_len, 50);
    rte_mbuf_sanity_check(packet, 1);
    rte_pktmbuf_free(packet);
    assert_int_equal(rte_mempool_avail_count(pool), available + 3);
}

static void
buffers_that_others_hold_are_not_written_to(void **state)
{
    struct rte_mbuf *shared = guest_packet(0), *original = guest_packet(0);
    struct rte_mbuf *clone = rte_pktmbuf_clone(original, pool), *chain = guest_packet(10);

    (void)state;
    rte_mbuf_refcnt_update(shared, 1);
    const uint64_t drops = drops_of(DROP_SEGMENTS);
    run(shared);
    run(clone);
    assert_int_equal(drops_of(DROP_SEGMENTS), drops + 2);
    rte_mbuf_refcnt_update(chain->next, 1);
    struct rte_mbuf *tail = chain->next;
    run(chain);
    assert_int_equal(drops_of(DROP_SEGMENTS), drops + 3);
    rte_pktmbuf_free(tail);
    rte_pktmbuf_free(shared);
    rte_pktmbuf_free(original);
}

static void
flags_that_are_meant_for_a_port_are_refused(void **state)
{
    static const uint64_t flags[] = {
        RTE_MBUF_F_TX_TCP_CKSUM,
        RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_IPV4,
        RTE_MBUF_F_TX_UDP_CKSUM,
    };

    (void)state;
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        struct rte_mbuf *packet = guest_packet(0);

        packet->ol_flags |= flags[i];
        expect_drop(packet, DROP_SEGMENTS);
    }

    struct rte_mbuf *verified = guest_packet(0);
    verified->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_GOOD | RTE_MBUF_F_RX_IP_CKSUM_GOOD;
    expect_sent(verified);
}

static void
c03_a_tag_that_the_port_took_off_counts(void **state)
{
    struct rte_mbuf *packet = guest_packet(0);
    struct vif_counters before, after;
    const uint32_t vm2 = scenario.vifs.entries[1].number;

    (void)state;
    counters_vif(scenario.counters, vm2, &before);
    packet->ol_flags |= RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
    packet->vlan_tci = 7;
    expect_sent(packet);
    counters_vif(scenario.counters, vm2, &after);
    assert_int_equal(after.rx.packets, before.rx.packets + 1);
}

static void
without_headroom_there_is_no_tunnel(void **state)
{
    struct rte_mbuf *packet = guest_packet(0);
    const uint16_t length = packet->data_len;

    (void)state;
    memmove(packet->buf_addr, rte_pktmbuf_mtod(packet, void *), length);
    packet->data_off = 0;
    expect_drop(packet, DROP_HEADROOM);
}

static uint16_t
take_none(uint16_t port, uint16_t queue, struct rte_mbuf **packets, uint16_t n, void *argument)
{
    (void)port, (void)queue, (void)packets, (void)n, (void)argument;
    return 0;
}

static void
a_full_transmit_queue_drops_and_says_so(void **state)
{
    const uint16_t ethdev = scenario.ports[FABRIC]->ethdev;
    const void *full = rte_eth_add_tx_callback(ethdev, 0, take_none, NULL);

    (void)state;
    assert_non_null(full);
    expect_drop(guest_packet(0), DROP_TRANSMIT);
    assert_int_equal(rte_eth_remove_tx_callback(ethdev, 0, full), 0);
    expect_sent(guest_packet(0));
}

static void
a_full_handover_ring_drops_and_says_so(void **state)
{
    const unsigned before = rte_mempool_avail_count(pool);
    const uint64_t sent = sent_by(FABRIC);

    (void)state;
    assert_int_not_equal(scenario.ports[FABRIC]->queues[0].sender,
                         scenario.ports[ACCESS]->queues[0].sender);
    for (unsigned i = 0; i < HANDOVER_RING_PACKETS + 10; i++) {
        struct rte_mbuf *packet = guest_packet(0);

        worker_forward(owner_of(ACCESS), scenario.ports[ACCESS], &packet, 1);
        transmit_flush(owner_of(ACCESS));
    }
    assert_true(drops_of(DROP_HANDOVER) >= 10);
    while (worker_turn(owner_of(FABRIC)) > 0)
        ;
    assert_int_equal(sent_by(FABRIC) - sent + drops_of(DROP_HANDOVER), HANDOVER_RING_PACKETS + 10);
    assert_int_equal(rte_mempool_avail_count(pool), before);
}

/* A tunnel over GRE to the guest, of a flow that its port says. */
static struct rte_mbuf *
tunnel_packet(uint16_t port)
{
    struct {
        struct eth_header eth;
        struct ipv4_header ip;
        struct gre_header gre;
        mpls_entry label;
        struct ipv4_header inner;
        struct udp_header udp;
    } __attribute__((packed)) frame = {
        .eth = { { { 2, 0, 0, 0, 0, 0xfe } }, { { 2, 0, 0, 0, 1, 0x12 } }, htobe16(0x0800) },
        .ip = { .version_ihl = 0x45,
                .total_length = htobe16(sizeof(frame) - sizeof(frame.eth)),
                .ttl = 64,
                .protocol = IP_PROTOCOL_GRE,
                .source = htobe32(0xc000020c),
                .destination = htobe32(0xc000020b) },
        .gre = { .protocol = htobe16(0x8847) },
        .label = mpls_entry_make(16, 0, 64),
        .inner = { .version_ihl = 0x45,
                   .total_length = htobe16(sizeof(frame.inner) + sizeof(frame.udp)),
                   .ttl = 64,
                   .protocol = IP_PROTOCOL_UDP,
                   .source = htobe32(0x0a010001),
                   .destination = htobe32(0x0a00000b) },
        .udp = { .source_port = htobe16(port), .length = htobe16(sizeof(frame.udp)) },
    };
    struct rte_mbuf *packet = rte_pktmbuf_alloc(pool);

    assert_non_null(packet);
    frame.ip.checksum = checksum_ipv4(&frame.ip, sizeof(frame.ip));
    frame.inner.checksum = checksum_ipv4(&frame.inner, sizeof(frame.inner));
    memcpy(rte_pktmbuf_append(packet, sizeof(frame)), &frame, sizeof(frame));
    return packet;
}

static void
tunnels_pass_wherever_their_headers_end(void **state)
{
    const unsigned before = rte_mempool_avail_count(pool);
    const uint64_t sent = sent_by(ACCESS), all = drops_of_all();
    struct rte_mbuf *whole = tunnel_packet(1);
    const uint16_t length = rte_pktmbuf_data_len(whole);
    unsigned n = 0;

    (void)state;
    rte_pktmbuf_free(whole);
    for (uint16_t first = 1; first < length; first++, n++) {
        struct rte_mbuf *packet = tunnel_packet(1), *rest = tunnel_packet(1);

        packet->data_len = packet->pkt_len = first;
        assert_non_null(rte_pktmbuf_adj(rest, first));
        assert_int_equal(rte_pktmbuf_chain(packet, rest), 0);
        worker_forward(owner_of(FABRIC), scenario.ports[FABRIC], &packet, 1);
        while (worker_turn(owner_of(FABRIC)) + worker_turn(owner_of(ACCESS)) > 0)
            ;
    }
    assert_int_equal(sent_by(ACCESS), sent + n);
    assert_int_equal(drops_of_all(), all);
    assert_int_equal(rte_mempool_avail_count(pool), before);
}

/* Until the ring to the other worker has a packet of a tunnel in it. @return that flow's port. */
static uint16_t
flow_of_the_other_worker(void)
{
    const struct worker *other = owner_of(ACCESS), *receiver = owner_of(FABRIC);
    const struct rte_ring *ring = scenario.rings->handover[receiver->number][other->number];

    for (uint16_t port = 1; port < 100; port++) {
        struct rte_mbuf *packet = tunnel_packet(port);

        worker_forward(owner_of(FABRIC), scenario.ports[FABRIC], &packet, 1);
        spread_flush(owner_of(FABRIC));
        if (rte_ring_count(ring) > 0)
            return port;
    }
    fail_msg("no flow is the other worker's");
    return 0;
}

static void
a_tunnel_that_waits_for_its_worker_is_lost_with_its_port(void **state)
{
    struct port *fabric = scenario.ports[FABRIC];
    const unsigned before = rte_mempool_avail_count(pool);
    const uint64_t gone = drops_of(DROP_PORT_GONE), sent = sent_by(ACCESS);

    (void)state;
    (void)flow_of_the_other_worker();
    atomic_store(&scenario.port_table->ports[fabric->number], NULL);
    worker_turn(owner_of(ACCESS));
    atomic_store(&scenario.port_table->ports[fabric->number], fabric);
    assert_int_equal(drops_of(DROP_PORT_GONE), gone + 1);

    (void)flow_of_the_other_worker();
    worker_turn(owner_of(FABRIC));
    worker_turn(owner_of(ACCESS));
    assert_true(sent_by(ACCESS) > sent);
    assert_int_equal(rte_mempool_avail_count(pool), before);
}

static void
a_full_ring_drops_tunnels_for_another_worker_and_says_so(void **state)
{
    const unsigned before = rte_mempool_avail_count(pool);
    const uint64_t drops = drops_of(DROP_HANDOVER);
    const uint16_t port = flow_of_the_other_worker();

    (void)state;
    for (unsigned i = 0; i < HANDOVER_RING_PACKETS + BURST_PACKETS; i++) {
        struct rte_mbuf *packet = tunnel_packet(port);

        worker_forward(owner_of(FABRIC), scenario.ports[FABRIC], &packet, 1);
    }
    spread_flush(owner_of(FABRIC));
    /* a ring holds one packet less than it has places, and had one already */
    assert_int_equal(drops_of(DROP_HANDOVER), drops + BURST_PACKETS + 2);
    while (worker_turn(owner_of(ACCESS)) + worker_turn(owner_of(FABRIC)) > 0)
        ;
    assert_int_equal(rte_mempool_avail_count(pool), before);
}

/* Punts `n` ARP packets of an interface, of VIF_NONE for the underlay, with meters full again
 * before each. */
static void
punt_arp(struct worker *worker, uint32_t vif, unsigned n)
{
    const struct packet_note note = { .reason = vif == VIF_NONE ? PUNT_UNDERLAY_ARP : PUNT_ARP,
                                      .vif = vif };

    for (unsigned i = 0; i < n; i++) {
        worker->now += UINT32_MAX;
        punt(worker, guest_packet(0), &note);
    }
}

static unsigned
punt_ring_empty(struct worker *worker)
{
    struct rte_mbuf *punted;
    unsigned n = 0;

    for (; punt_ring_take(&scenario.rings->punt[worker->number], &punted, 1) > 0; n++)
        rte_pktmbuf_free(punted);
    return n;
}

static void
a_full_punt_ring_drops_and_says_so(void **state)
{
    struct worker *worker = owner_of(ACCESS);
    const uint64_t drops = drops_of(DROP_PUNT_QUEUE);

    (void)state;
    punt_arp(worker, VIF_NONE, PUNT_RING_PACKETS + 10);
    /* a ring holds one packet less than it has places */
    assert_int_equal(drops_of(DROP_PUNT_QUEUE), drops + 11);
    assert_int_equal(punt_ring_empty(worker), PUNT_RING_PACKETS - 1);
}

/* The slow path is away: one interface fills its part of the ring, another finds its own free. */
static void
c45_an_interface_takes_up_its_part_of_the_punt_ring_and_no_more(void **state)
{
    struct worker *worker = owner_of(ACCESS);
    const uint64_t own = drops_of(DROP_PUNT_INTERFACE_QUEUE), all = drops_of(DROP_PUNT_QUEUE);

    (void)state;
    punt_arp(worker, 0, PUNT_RING_PACKETS);
    assert_int_equal(drops_of(DROP_PUNT_INTERFACE_QUEUE),
                     own + PUNT_RING_PACKETS - PUNT_RING_INTERFACE);
    punt_arp(worker, 1, PUNT_RING_INTERFACE);
    assert_int_equal(drops_of(DROP_PUNT_INTERFACE_QUEUE),
                     own + PUNT_RING_PACKETS - PUNT_RING_INTERFACE);
    assert_int_equal(drops_of(DROP_PUNT_QUEUE), all);
    assert_int_equal(punt_ring_empty(worker), 2 * PUNT_RING_INTERFACE);

    /* what was taken out is free again, for the same interface; a full ring takes up nothing */
    punt_arp(worker, VIF_NONE, PUNT_RING_PACKETS);
    punt_arp(worker, 0, 10);
    assert_int_equal(punt_ring_empty(worker), PUNT_RING_PACKETS - 1);
    punt_arp(worker, 0, PUNT_RING_INTERFACE);
    assert_int_equal(punt_ring_empty(worker), PUNT_RING_INTERFACE);
}

/* Gives the IP packet of a guest's frame to a worker as the slow path does. */
static void
inject_packet(struct worker *worker, struct rte_mbuf *packet)
{
    assert_non_null(rte_pktmbuf_adj(packet, sizeof(struct eth_header)));
    *packet_note(packet) = (struct packet_note){
        .task = TASK_ROUTE,
        .vrf = scenario.vrfs.entries[0].number,
    };
    assert_int_equal(rte_ring_enqueue(scenario.rings->inject[worker->number], packet), 0);
}

static void
injected_packets_are_routed_with_the_ttl_that_they_have(void **state)
{
    struct worker *worker = owner_of(FABRIC);
    const uint64_t sent = sent_by(FABRIC), all = drops_of_all();

    (void)state;
    for (uint8_t ttl = 0; ttl < 3; ttl++) {
        struct rte_mbuf *packet = guest_packet(0);
        struct ipv4_header *ip = rte_pktmbuf_mtod_offset(packet, struct ipv4_header *, 14);

        ip->ttl = ttl;
        ip->checksum = 0;
        ip->checksum = checksum_ipv4(ip, sizeof(*ip));
        inject_packet(worker, packet);
    }
    worker_turn(worker);
    assert_int_equal(sent_by(FABRIC), sent + 3);
    assert_int_equal(drops_of_all(), all);
}

static void
injected_packets_end_like_others(void **state)
{
    struct rte_mbuf *broken = guest_packet(0), *lost = guest_packet(0);
    struct ipv4_header *ip = rte_pktmbuf_mtod_offset(lost, struct ipv4_header *, 14);
    const uint64_t checksums = drops_of(DROP_IP_CHECKSUM), routes = drops_of(DROP_NO_ROUTE);

    (void)state;
    rte_pktmbuf_mtod(broken, uint8_t *)[14 + 8]++;
    ip->destination = htobe32(0x0b000001);
    ip->checksum = 0;
    ip->checksum = checksum_ipv4(ip, sizeof(*ip));
    inject_packet(owner_of(ACCESS), broken);
    inject_packet(owner_of(ACCESS), lost);
    worker_turn(owner_of(ACCESS));
    assert_int_equal(drops_of(DROP_IP_CHECKSUM), checksums + 1);
    assert_int_equal(drops_of(DROP_NO_ROUTE), routes + 1);
}

static void
set_tunnel_mtu(uint16_t mtu)
{
    struct endpoint_table *table = &scenario.tables->endpoints;
    const uint32_t far = scenario.endpoints.entries[0].number;
    struct endpoint changed = *endpoint_at(table, far);

    changed.mtu = mtu;
    assert_int_equal(endpoint_replace(table, far, &changed), 0);
}

static void
all_fragments_of_a_packet_are_sent_or_none(void **state)
{
    static struct rte_mbuf *taken[POOL_PACKETS];
    const uint16_t mtu = endpoint_at(&scenario.tables->endpoints, 0)->mtu;
    const unsigned fragments = 3; /* of up to 48 octets of payload */

    (void)state;
    set_tunnel_mtu(68);
    for (unsigned left = 0; left <= fragments; left++) {
        const uint64_t sent = sent_by(FABRIC), drops = drops_of(DROP_NO_MEMORY);
        struct rte_mbuf *packet = guest_packet(0);
        const unsigned n = rte_mempool_avail_count(pool) - left;

        assert_int_equal(rte_pktmbuf_alloc_bulk(pool, taken, n), 0);
        run(packet);
        assert_int_equal(sent_by(FABRIC), left == fragments ? sent + fragments : sent);
        assert_int_equal(drops_of(DROP_NO_MEMORY), left == fragments ? drops : drops + 1);
        assert_int_equal(rte_mempool_avail_count(pool), left + 1);
        rte_pktmbuf_free_bulk(taken, n);
    }
    set_tunnel_mtu(mtu);
    assert_true(rte_mempool_full(pool));
}

/* The last one: what it takes away does not come back. */
static void
what_was_just_taken_away_drops_for_its_reason(void **state)
{
    struct port *fabric = scenario.ports[FABRIC];

    (void)state;
    atomic_store(&scenario.port_table->ports[fabric->number], NULL);
    expect_drop(guest_packet(0), DROP_PORT_GONE);
    atomic_store(&scenario.port_table->ports[fabric->number], fabric);
    expect_sent(guest_packet(0));

    endpoint_remove(&scenario.tables->endpoints, scenario.endpoints.entries[0].number);
    expect_drop(guest_packet(0), DROP_ENDPOINT_GONE);
    vif_remove(&scenario.tables->vifs, scenario.vifs.entries[0].number);
    expect_drop(guest_packet(0), DROP_NO_INTERFACE);
}

static int
begin(void **state)
{
    (void)state;
    if (!eal_start())
        return -1;
    pool = rte_pktmbuf_pool_create("stages", POOL_PACKETS, 0, PACKET_PRIVATE_OCTETS,
                                   RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
    description = json_loads(world, 0, NULL);
    return pool == NULL || scenario_create(&scenario, description, pool) != NULL ? -1 : 0;
}

static int
end(void **state)
{
    (void)state;
    scenario_destroy(&scenario);
    json_decref(description);
    return rte_mempool_full(pool) ? 0 : -1;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chains_pass_wherever_their_headers_end),
        cmocka_unit_test(padding_over_several_segments_is_cut),
        cmocka_unit_test(buffers_that_others_hold_are_not_written_to),
        cmocka_unit_test(flags_that_are_meant_for_a_port_are_refused),
        cmocka_unit_test(c03_a_tag_that_the_port_took_off_counts),
        cmocka_unit_test(without_headroom_there_is_no_tunnel),
        cmocka_unit_test(a_full_transmit_queue_drops_and_says_so),
        cmocka_unit_test(a_full_handover_ring_drops_and_says_so),
        cmocka_unit_test(tunnels_pass_wherever_their_headers_end),
        cmocka_unit_test(a_tunnel_that_waits_for_its_worker_is_lost_with_its_port),
        cmocka_unit_test(a_full_ring_drops_tunnels_for_another_worker_and_says_so),
        cmocka_unit_test(a_full_punt_ring_drops_and_says_so),
        cmocka_unit_test(c45_an_interface_takes_up_its_part_of_the_punt_ring_and_no_more),
        cmocka_unit_test(injected_packets_are_routed_with_the_ttl_that_they_have),
        cmocka_unit_test(injected_packets_end_like_others),
        cmocka_unit_test(all_fragments_of_a_packet_are_sent_or_none),
        cmocka_unit_test(what_was_just_taken_away_drops_for_its_reason),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
