/* SPDX-License-Identifier: BSD-3-Clause */

/* The underlay's neighbours: asking, refreshing, failing. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "neighbour_rig.h"

static const struct mac_addr moved = { { 0x02, 0, 0, 0, 0, 0xbc } };

static void
a_fixed_neighbour_is_never_asked(void **state)
{
    struct rig rig;
    (void)state;

    rig_open(&rig);
    rig.slowpath->config.fixed_neighbours[0] = ip_addr_from_v4(PEER);
    rig.slowpath->config.fixed_mac = peer;
    const uint32_t index = want(&rig, PEER);
    rig_turn(&rig);
    advance(&rig, 100000);
    expect_silence(&rig);
    assert_int_equal(at(&rig, index)->state, NEIGHBOUR_REACHABLE);
    assert_true(at(&rig, index)->link == adjacency_link(&peer));
    adjacency_put(&rig.tables->adjacencies, index);
    rig_turn(&rig);
    assert_int_equal(at(&rig, index)->link, 0);
    rig_close(&rig);
}

static void
a_wanted_neighbour_is_asked_and_comes_up(void **state)
{
    struct rig rig;
    (void)state;

    rig_open(&rig);
    rig_turn(&rig);
    expect_silence(&rig);
    const uint32_t index = want(&rig, PEER);
    rig_turn(&rig);
    expect_request(&rig, &any, PEER);
    assert_int_equal(at(&rig, index)->state, NEIGHBOUR_INCOMPLETE);
    assert_int_equal(at(&rig, index)->link, 0);
    hear(&rig, ARP_REPLY, &peer, PEER, UNDERLAY);
    assert_int_equal(at(&rig, index)->state, NEIGHBOUR_REACHABLE);
    assert_true(at(&rig, index)->link == adjacency_link(&peer));
    assert_true(at(&rig, index)->confirmed_ms == rig.now_ms);
    expect_silence(&rig);
    adjacency_put(&rig.tables->adjacencies, index);
    rig_turn(&rig);
    assert_int_equal(at(&rig, index)->state, NEIGHBOUR_UNUSED);
    assert_int_equal(at(&rig, index)->link, 0);
    rig_close(&rig);
}

static void
without_answer_it_fails_after_three_requests_and_is_asked_now_and_then(void **state)
{
    struct rig rig;
    (void)state;

    rig_open(&rig);
    const uint32_t index = want(&rig, PEER);
    rig_turn(&rig);
    hold(&rig, index, 1);
    for (unsigned i = 0; i < 3; i++) {
        expect_request(&rig, &any, PEER);
        advance(&rig, 999);
        expect_silence(&rig);
        assert_int_equal(at(&rig, index)->held, 1);
        advance(&rig, 1);
    }
    assert_int_equal(at(&rig, index)->state, NEIGHBOUR_FAILED);
    assert_int_equal(at(&rig, index)->held, 0);
    assert_int_equal(rig_drops(&rig, DROP_ADJACENCY_FAILED), 1);
    expect_silence(&rig);
    for (unsigned i = 0; i < 3; i++) {
        advance(&rig, 4999);
        expect_silence(&rig);
        advance(&rig, 1);
        expect_request(&rig, &any, PEER);
    }
    hear(&rig, ARP_REPLY, &peer, PEER, UNDERLAY);
    assert_int_equal(at(&rig, index)->state, NEIGHBOUR_REACHABLE);
    rig_close(&rig);
}

static void
a_failed_neighbour_is_asked_at_once_when_a_packet_asks(void **state)
{
    struct rig rig;
    (void)state;

    rig_open(&rig);
    const uint32_t index = want(&rig, PEER);
    rig_turn(&rig);
    for (unsigned i = 0; i < 3; i++) {
        expect_request(&rig, &any, PEER);
        advance(&rig, 1000);
    }
    assert_int_equal(at(&rig, index)->state, NEIGHBOUR_FAILED);
    hold(&rig, index, 1);
    expect_request(&rig, &any, PEER);
    hold(&rig, index, 2);
    expect_silence(&rig);
    hear(&rig, ARP_REPLY, &peer, PEER, UNDERLAY);
    expect_held(&rig, &peer, 1);
    expect_held(&rig, &peer, 2);
    rig_close(&rig);
}

static void
a_reachable_neighbour_is_probed_without_going_down(void **state)
{
    struct rig rig;
    (void)state;

    rig_open(&rig);
    const uint32_t index = want(&rig, PEER);
    rig_turn(&rig);
    expect_request(&rig, &any, PEER);
    hear(&rig, ARP_REPLY, &peer, PEER, UNDERLAY);
    advance(&rig, 29999);
    expect_silence(&rig);
    advance(&rig, 1);
    expect_request(&rig, &peer, PEER);
    assert_int_equal(at(&rig, index)->state, NEIGHBOUR_PROBING);
    assert_true(at(&rig, index)->link == adjacency_link(&peer));
    hear(&rig, ARP_REPLY, &peer, PEER, UNDERLAY);
    assert_int_equal(at(&rig, index)->state, NEIGHBOUR_REACHABLE);

    advance(&rig, 30000);
    for (unsigned i = 0; i < 3; i++) {
        expect_request(&rig, &peer, PEER);
        assert_true(at(&rig, index)->link == adjacency_link(&peer));
        advance(&rig, 1000);
    }
    /* It may have come back with another MAC address: asked by broadcast before it is given up. */
    expect_request(&rig, &any, PEER);
    assert_int_equal(at(&rig, index)->link, 0);
    assert_int_equal(at(&rig, index)->state, NEIGHBOUR_INCOMPLETE);
    hear(&rig, ARP_REPLY, &moved, PEER, UNDERLAY);
    assert_true(at(&rig, index)->link == adjacency_link(&moved));
    rig_close(&rig);
}

static void
announcements_update_known_neighbours_and_make_none(void **state)
{
    static const uint16_t operations[] = { ARP_REQUEST, ARP_REPLY };
    struct rig rig;
    (void)state;

    rig_open(&rig);
    const uint32_t index = want(&rig, PEER);
    rig_turn(&rig);
    expect_request(&rig, &any, PEER);
    for (unsigned i = 0; i < 2; i++) {
        const struct mac_addr *mac = i == 0 ? &peer : &moved;
        hear(&rig, operations[i], mac, PEER, PEER);
        assert_true(at(&rig, index)->link == adjacency_link(mac));
        hear(&rig, operations[i], mac, PEER + 1, PEER + 1);
    }
    assert_int_equal(rig_drops(&rig, DROP_ARP_IGNORED), 2);
    assert_int_equal(atomic_load(&rig.tables->adjacencies.high), 1);
    rig_close(&rig);
}

static void
only_the_right_answer_counts(void **state)
{
    static const struct mac_addr group = { { 0x03, 0, 0, 0, 0, 0xbb } };
    struct rig rig;
    uint8_t frame[64];
    (void)state;

    rig_open(&rig);
    const uint32_t index = want(&rig, PEER);
    rig_turn(&rig);
    expect_request(&rig, &any, PEER);
    hear(&rig, ARP_REPLY, &peer, PEER + 1, UNDERLAY);   /* of another address */
    hear(&rig, ARP_REPLY, &peer, PEER, UNDERLAY + 7);   /* to somebody else */
    hear(&rig, ARP_REPLY, &group, PEER, UNDERLAY);      /* from a group */
    hear(&rig, ARP_REPLY, &ours, PEER, UNDERLAY);       /* our own MAC address */
    hear(&rig, ARP_REQUEST, &peer, PEER, UNDERLAY + 7); /* a question to somebody else */
    hear(&rig, ARP_REPLY, &peer, UNDERLAY, UNDERLAY);   /* claims our address */
    expect_silence(&rig);
    /* On a port where it was not asked. */
    const size_t length = rig_arp(frame, &ours, &peer, 0, ARP_REPLY, &peer, PEER, UNDERLAY);
    const struct packet_note note = { .reason = PUNT_UNDERLAY_ARP,
                                      .port = RIG_ACCESS,
                                      .vif = VIF_NONE };
    rig_punt_packet(&rig, rig_packet(&rig, frame, length, 0), &note);
    rig_turn(&rig);
    assert_int_equal(at(&rig, index)->state, NEIGHBOUR_INCOMPLETE);
    assert_int_equal(at(&rig, index)->link, 0);
    assert_int_equal(rig_drops(&rig, DROP_ARP_IGNORED), 6);
    assert_int_equal(rig_drops(&rig, DROP_ARP_INVALID), 1);
    rig_close(&rig);
}

static void
a_known_neighbour_that_asks_tells_its_mac_address(void **state)
{
    struct rig rig;
    uint8_t frame[1500];
    uint16_t port;
    (void)state;

    rig_open(&rig);
    const uint32_t index = want(&rig, PEER);
    rig_turn(&rig);
    expect_request(&rig, &any, PEER);
    hear(&rig, ARP_REPLY, &peer, PEER, UNDERLAY);
    /* It was started again and has another one: the old one need not grow old first. */
    hear(&rig, ARP_REQUEST, &moved, PEER, UNDERLAY);
    assert_int_equal(rig_take(&rig, frame, sizeof(frame), &port), 42);
    assert_memory_equal(frame, &moved, 6);
    assert_true(at(&rig, index)->link == adjacency_link(&moved));
    rig_close(&rig);
}

static void
a_new_underlay_port_is_announced(void **state)
{
    struct rig rig;
    (void)state;

    rig_open(&rig);
    expect_silence(&rig);
    struct port *port = atomic_load(&rig.ports->ports[RIG_UNDERLAY]);
    port->mac = peer;
    for (unsigned i = 0; i < 2; i++) {
        uint8_t frame[64];
        uint16_t number;
        struct arp_header arp;

        rig_turn(&rig);
        assert_int_equal(rig_take(&rig, frame, sizeof(frame), &number), 14 + sizeof(arp));
        assert_int_equal(number, RIG_UNDERLAY);
        assert_memory_equal(frame, &any, 6);
        memcpy(&arp, frame + 14, sizeof(arp));
        assert_memory_equal(&arp.sender_mac, &peer, 6);
        assert_int_equal(be32toh(arp.sender_address), UNDERLAY);
        assert_int_equal(be32toh(arp.target_address), UNDERLAY);
        advance(&rig, 1900);
        expect_silence(&rig);
        rig.now_ms += 100;
    }
    advance(&rig, 5000);
    expect_silence(&rig);
    rig_close(&rig);
}

static void
questions_for_our_address_are_answered(void **state)
{
    static const uint32_t senders[] = { PEER,
                                        0 }; /* a question, and a probe: the address is ours */
    struct rig rig;
    (void)state;

    rig_open(&rig);
    for (unsigned i = 0; i < 2; i++) {
        uint8_t frame[1500];
        uint16_t port;
        struct arp_header arp;

        hear(&rig, ARP_REQUEST, &peer, senders[i], UNDERLAY);
        assert_int_equal(rig_take(&rig, frame, sizeof(frame), &port), 14 + sizeof(arp));
        assert_int_equal(port, RIG_UNDERLAY);
        assert_memory_equal(frame, &peer, 6);
        memcpy(&arp, frame + 14, sizeof(arp));
        assert_int_equal(be16toh(arp.operation), ARP_REPLY);
        assert_memory_equal(&arp.sender_mac, &ours, 6);
        assert_int_equal(be32toh(arp.sender_address), UNDERLAY);
        assert_memory_equal(&arp.target_mac, &peer, 6);
        assert_int_equal(be32toh(arp.target_address), senders[i]);
    }
    rig_close(&rig);
}

static void
a_neighbour_whose_port_is_gone_stays_down(void **state)
{
    struct rig rig;
    (void)state;

    rig_open(&rig);
    const uint32_t index = want(&rig, PEER);
    rig_turn(&rig);
    expect_request(&rig, &any, PEER);
    struct port *port = atomic_exchange(&rig.ports->ports[RIG_UNDERLAY], NULL);
    hold(&rig, index, 1);
    hear(&rig, ARP_REPLY, &peer, PEER, UNDERLAY);
    assert_int_equal(rig_drops(&rig, DROP_PORT_GONE), 1);
    advance(&rig, 1000);
    expect_silence(&rig);
    hold(&rig, index + 1, 1);
    assert_int_equal(rig_drops(&rig, DROP_ENDPOINT_GONE), 1);
    atomic_store(&rig.ports->ports[RIG_UNDERLAY], port);
    rig_close(&rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fixed_neighbour_is_never_asked),
        cmocka_unit_test(a_wanted_neighbour_is_asked_and_comes_up),
        cmocka_unit_test(without_answer_it_fails_after_three_requests_and_is_asked_now_and_then),
        cmocka_unit_test(a_failed_neighbour_is_asked_at_once_when_a_packet_asks),
        cmocka_unit_test(a_reachable_neighbour_is_probed_without_going_down),
        cmocka_unit_test(announcements_update_known_neighbours_and_make_none),
        cmocka_unit_test(only_the_right_answer_counts),
        cmocka_unit_test(a_known_neighbour_that_asks_tells_its_mac_address),
        cmocka_unit_test(a_new_underlay_port_is_announced),
        cmocka_unit_test(questions_for_our_address_are_answered),
        cmocka_unit_test(a_neighbour_whose_port_is_gone_stays_down),
    };

    rig_start_eal();
    return cmocka_run_group_tests_name("neighbour", tests, NULL, NULL);
}
