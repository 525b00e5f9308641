/* SPDX-License-Identifier: BSD-3-Clause */

/* The stages with what ports other than the packet lab's may bring: chains of segments, shared
 * buffers, offloads left to do, no headroom; and tables that change underneath. */

#include <string.h>

#include "fastpath/segments.h"
#include "lib/net/checksum.h"
#include "tests/packet/two_workers.h"

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

int
main(void)
{
    struct CMUnitTest tests[] = {
        cmocka_unit_test(chains_pass_wherever_their_headers_end),
        cmocka_unit_test(tunnels_pass_wherever_their_headers_end),
        cmocka_unit_test(padding_over_several_segments_is_cut),
        cmocka_unit_test(buffers_that_others_hold_are_not_written_to),
        cmocka_unit_test(flags_that_are_meant_for_a_port_are_refused),
        cmocka_unit_test(c03_a_tag_that_the_port_took_off_counts),
        cmocka_unit_test(without_headroom_there_is_no_tunnel),
        cmocka_unit_test(injected_packets_are_routed_with_the_ttl_that_they_have),
        cmocka_unit_test(injected_packets_end_like_others),
        cmocka_unit_test(all_fragments_of_a_packet_are_sent_or_none),
        cmocka_unit_test(what_was_just_taken_away_drops_for_its_reason),
    };

    stage_rig_count_buffers(tests, sizeof(tests) / sizeof(tests[0]));
    return cmocka_run_group_tests(tests, two_workers_begin, stage_rig_end);
}
