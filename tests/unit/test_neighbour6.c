/* SPDX-License-Identifier: BSD-3-Clause */

/* The underlay's IPv6 neighbours: asking, refreshing, failing, and who is believed. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "neighbour6_rig.h"

static void
a_wanted_neighbour_is_asked_by_its_group_and_comes_up(void **state)
{
    static const uint16_t tags[] = { 0, TAG };
    struct rig rig;
    (void)state;

    for (unsigned i = 0; i < 2; i++) {
        struct adjacency *adjacency = open_asked(&rig, tags[i]);
        assert_int_equal(adjacency->state, NEIGHBOUR_INCOMPLETE);
        hear_answer(&rig, SOLICITED | OVERRIDE, &peer);
        assert_int_equal(adjacency->state, NEIGHBOUR_REACHABLE);
        assert_true(adjacency->link == adjacency_link(&peer));
        assert_true(adjacency->confirmed_ms == rig.now_ms);
        expect_silence(&rig);
        rig_close(&rig);
    }
}

static void
without_answer_it_is_asked_three_times_and_fails(void **state)
{
    struct rig rig;
    (void)state;

    open_rig(&rig, 0);
    struct adjacency *adjacency = want(&rig, PEER);
    for (unsigned i = 0; i < 3; i++) {
        expect_question(&rig);
        advance(&rig, 1000);
    }
    assert_int_equal(adjacency->state, NEIGHBOUR_FAILED);
    expect_silence(&rig);
    rig_close(&rig);
}

static void
a_reachable_neighbour_is_probed_alone_and_need_not_say_its_mac_again(void **state)
{
    struct rig rig;
    (void)state;

    struct adjacency *adjacency = open_asked(&rig, 0);
    hear_answer(&rig, SOLICITED, &peer); /* the first one need not override */
    advance(&rig, 30000);
    expect_probe(&rig, &peer);
    assert_int_equal(adjacency->state, NEIGHBOUR_PROBING);
    assert_true(adjacency->link == adjacency_link(&peer));
    hear_answer(&rig, OVERRIDE, &peer); /* unasked: confirms nothing */
    assert_int_equal(adjacency->state, NEIGHBOUR_PROBING);
    hear_answer(&rig, SOLICITED, NULL);
    assert_int_equal(adjacency->state, NEIGHBOUR_REACHABLE);
    assert_true(adjacency->link == adjacency_link(&peer));
    expect_silence(&rig);
    rig_close(&rig);
}

static void
who_has_not_said_its_mac_address_yet_must(void **state)
{
    struct rig rig;
    (void)state;

    struct adjacency *adjacency = open_asked(&rig, 0);
    hear_answer(&rig, SOLICITED | OVERRIDE, NULL);
    assert_int_equal(adjacency->state, NEIGHBOUR_INCOMPLETE);
    assert_int_equal(adjacency->link, 0);
    rig_close(&rig);
}

static void
an_announcement_brings_a_new_mac_address_that_is_then_asked(void **state)
{
    struct rig rig;
    (void)state;

    struct adjacency *adjacency = open_known(&rig, 0);
    hear_answer(&rig, OVERRIDE, &moved);
    assert_true(adjacency->link == adjacency_link(&moved));
    rig_turn(&rig);
    expect_probe(&rig, &moved);
    hear_answer(&rig, SOLICITED | OVERRIDE, &moved);
    assert_int_equal(adjacency->state, NEIGHBOUR_REACHABLE);
    rig_close(&rig);
}

static void
what_must_not_override_makes_the_known_one_be_asked(void **state)
{
    static const uint8_t flags[] = { 0, SOLICITED };
    struct rig rig;
    (void)state;

    for (unsigned i = 0; i < 2; i++) {
        struct adjacency *adjacency = open_known(&rig, 0);
        hear_answer(&rig, flags[i], &moved);
        assert_true(adjacency->link == adjacency_link(&peer));
        rig_turn(&rig);
        expect_probe(&rig, &peer);
        hear_answer(&rig, flags[i], &moved); /* while it is asked, no more often for that */
        expect_silence(&rig);
        rig_close(&rig);
    }
}

static void
nobody_is_made_a_neighbour_by_what_it_says(void **state)
{
    struct rig rig;
    (void)state;

    open_rig(&rig, 0);
    hear_answer(&rig, SOLICITED | OVERRIDE, &peer);
    hear(&rig, &peer, PEER, ALL, ND_NEIGHBOUR_ADVERTISEMENT, OVERRIDE, PEER, &peer);
    assert_int_equal(rig_drops(&rig, DROP_ND_IGNORED), 2);
    assert_int_equal(atomic_load(&rig.tables->adjacencies.high), 0);
    rig_close(&rig);
}

static void
a_known_neighbour_that_asks_tells_its_mac_address(void **state)
{
    struct rig rig;
    (void)state;

    struct adjacency *adjacency = open_known(&rig, 0);
    hear(&rig, &moved, PEER, OURS_GROUP, ND_NEIGHBOUR_SOLICITATION, 0, OURS, &moved);
    expect_message(&rig, &moved, OURS, PEER, ND_NEIGHBOUR_ADVERTISEMENT, SOLICITED | OVERRIDE, OURS,
                   &ours);
    assert_true(adjacency->link == adjacency_link(&moved));
    rig_close(&rig);
}

static void
a_fixed_neighbour_is_never_asked_nor_believed(void **state)
{
    struct rig rig;
    (void)state;

    open_rig(&rig, 0);
    rig.slowpath->config.fixed_neighbours[1] = rig_address(PEER);
    rig.slowpath->config.fixed_mac = peer;
    struct adjacency *adjacency = want(&rig, PEER);
    hear_answer(&rig, SOLICITED | OVERRIDE, &moved);
    advance(&rig, 100000);
    expect_silence(&rig);
    assert_int_equal(adjacency->state, NEIGHBOUR_REACHABLE);
    assert_true(adjacency->link == adjacency_link(&peer));
    rig_close(&rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wanted_neighbour_is_asked_by_its_group_and_comes_up),
        cmocka_unit_test(without_answer_it_is_asked_three_times_and_fails),
        cmocka_unit_test(a_reachable_neighbour_is_probed_alone_and_need_not_say_its_mac_again),
        cmocka_unit_test(who_has_not_said_its_mac_address_yet_must),
        cmocka_unit_test(an_announcement_brings_a_new_mac_address_that_is_then_asked),
        cmocka_unit_test(what_must_not_override_makes_the_known_one_be_asked),
        cmocka_unit_test(nobody_is_made_a_neighbour_by_what_it_says),
        cmocka_unit_test(a_known_neighbour_that_asks_tells_its_mac_address),
        cmocka_unit_test(a_fixed_neighbour_is_never_asked_nor_believed),
    };

    rig_start_eal();
    return cmocka_run_group_tests_name("neighbour6", tests, NULL, NULL);
}
