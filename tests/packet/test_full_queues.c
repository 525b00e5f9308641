/* SPDX-License-Identifier: BSD-3-Clause */

/* Queues and rings that are full: of a port, to another worker, to the slow path. What does not fit
 * is dropped and counted. */

#include "tests/packet/two_workers.h"

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

int
main(void)
{
    struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_transmit_queue_drops_and_says_so),
        cmocka_unit_test(a_full_handover_ring_drops_and_says_so),
        cmocka_unit_test(a_tunnel_that_waits_for_its_worker_is_lost_with_its_port),
        cmocka_unit_test(a_full_ring_drops_tunnels_for_another_worker_and_says_so),
        cmocka_unit_test(a_full_punt_ring_drops_and_says_so),
        cmocka_unit_test(c45_an_interface_takes_up_its_part_of_the_punt_ring_and_no_more),
    };

    stage_rig_count_buffers(tests, sizeof(tests) / sizeof(tests[0]));
    return cmocka_run_group_tests(tests, two_workers_begin, stage_rig_end);
}
