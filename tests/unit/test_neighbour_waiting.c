/* SPDX-License-Identifier: BSD-3-Clause */

/* Packets that wait for the underlay's neighbours: in order, within bounds, and counted. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "neighbour_rig.h"

static void
packets_wait_in_order_and_within_bounds(void **state)
{
    struct rig rig;
    (void)state;

    rig_open(&rig);
    const uint32_t index = want(&rig, PEER);
    rig_turn(&rig);
    expect_request(&rig, &any, PEER);
    for (uint8_t i = 0; i < 10; i++)
        hold(&rig, index, i);
    assert_int_equal(at(&rig, index)->held, 8);
    assert_int_equal(rig_drops(&rig, DROP_ADJACENCY_HOLD), 2);
    hear(&rig, ARP_REPLY, &peer, PEER, UNDERLAY);
    for (uint8_t i = 2; i < 10; i++)
        expect_held(&rig, &peer, i);
    expect_silence(&rig);
    assert_int_equal(at(&rig, index)->held, 0);
    /* One that was punted before the worker saw the answer. */
    hold(&rig, index, 42);
    expect_held(&rig, &peer, 42);
    rig_close(&rig);
}

static void
what_waited_counts_for_its_endpoint(void **state)
{
    struct rig rig;
    uint8_t frame[60] = { 0 };
    void *taken = NULL;
    (void)state;

    memcpy(frame + 6, &ours, sizeof(ours));
    rig_open(&rig);
    const uint32_t index = want(&rig, PEER);
    rig_turn(&rig);
    expect_request(&rig, &any, PEER);
    const struct packet_note note = {
        .reason = PUNT_ADJACENCY,
        .port = RIG_UNDERLAY,
        .vif = rig.vif,
        .adjacency = index,
        .account = PACKET_ACCOUNT_ENDPOINT | 5,
    };
    rig_punt_packet(&rig, rig_packet(&rig, frame, sizeof(frame), 0), &note);
    rig_turn(&rig);
    hear(&rig, ARP_REPLY, &peer, PEER, UNDERLAY);
    assert_int_equal(rte_ring_dequeue(rig.rings->inject[0], &taken), 0);
    assert_int_equal(packet_note(taken)->account, PACKET_ACCOUNT_ENDPOINT | 5);
    assert_int_equal(rte_ring_enqueue(rig.rings->inject[0], taken), 0);
    expect_held(&rig, &peer, 0);
    rig_close(&rig);
}

static void
all_neighbours_together_hold_no_more_than_their_bound(void **state)
{
    struct rig rig;
    uint32_t indexes[129];
    (void)state;

    rig_open(&rig);
    for (unsigned i = 0; i < 129; i++)
        indexes[i] = want(&rig, PEER + i);
    /* So many are not asked all at once. */
    for (unsigned sent = 0; sent < 129;) {
        const unsigned turn = 129 - sent < 64 ? 129 - sent : 64;
        rig_turn(&rig);
        for (unsigned i = 0; i < turn; i++)
            expect_request(&rig, &any, PEER + sent + i);
        expect_silence(&rig);
        sent += turn;
    }
    for (unsigned i = 0; i < 128; i++) {
        for (uint8_t number = 0; number < 8; number++)
            hold_of(&rig, i / 8, indexes[i], number); /* 64 of each of 16 interfaces */
    }
    assert_int_equal(rig_drops(&rig, DROP_ADJACENCY_HOLD), 0);
    hold(&rig, indexes[128], 0); /* has nothing to give up for it */
    assert_int_equal(rig_drops(&rig, DROP_ADJACENCY_HOLD), 1);
    assert_int_equal(at(&rig, indexes[128])->held, 0);
    /* What waits when the program ends is given back: the bench checks. */
    while (rig.punted > 0 && at(&rig, indexes[0])->held > 0) {
        for (unsigned i = 0; i < 129; i++)
            adjacency_put(&rig.tables->adjacencies, indexes[i]);
        rig_turn(&rig);
    }
    assert_int_equal(rig_drops(&rig, DROP_ENDPOINT_GONE), 1024);
    rig_close(&rig);
}

static void
a_full_ring_is_a_counted_drop(void **state)
{
    struct rig rig;
    uint8_t frame[64];
    (void)state;

    rig_open(&rig);
    const unsigned room = rte_ring_free_count(rig.rings->inject[0]);
    const size_t length = rig_arp(frame, &any, &peer, 0, ARP_REQUEST, &peer, PEER, UNDERLAY);
    for (unsigned i = 0; i < room + 3; i++) {
        rig_punt(&rig, PUNT_UNDERLAY_ARP, frame, length);
        rig_turn(&rig);
    }
    assert_int_equal(rig_drops(&rig, DROP_INJECT), 3);
    assert_int_equal(rig_consumed(&rig), room + 3);
    rig_close(&rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_wait_in_order_and_within_bounds),
        cmocka_unit_test(what_waited_counts_for_its_endpoint),
        cmocka_unit_test(all_neighbours_together_hold_no_more_than_their_bound),
        cmocka_unit_test(a_full_ring_is_a_counted_drop),
    };

    rig_start_eal();
    return cmocka_run_group_tests_name("neighbour", tests, NULL, NULL);
}
