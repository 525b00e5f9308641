/* SPDX-License-Identifier: BSD-3-Clause */

/* Our own addresses on an underlay of IPv6: what they answer, and what is said of them unasked. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "neighbour6_rig.h"

static void
questions_for_our_address_are_answered(void **state)
{
    static const uint16_t tags[] = { 0, TAG };
    struct rig rig;
    (void)state;

    for (unsigned i = 0; i < 2; i++) {
        open_rig(&rig, tags[i]);
        hear(&rig, &peer, PEER, OURS_GROUP, ND_NEIGHBOUR_SOLICITATION, 0, OURS, &moved);
        expect_message(&rig, &moved, OURS, PEER, ND_NEIGHBOUR_ADVERTISEMENT, SOLICITED | OVERRIDE,
                       OURS, &ours);
        hear(&rig, &peer, PEER, OURS, ND_NEIGHBOUR_SOLICITATION, 0, OURS, NULL);
        expect_message(&rig, &peer, OURS, PEER, ND_NEIGHBOUR_ADVERTISEMENT, SOLICITED | OVERRIDE,
                       OURS, &ours);
        /* Somebody else wants to have it. */
        hear(&rig, &peer, NOBODY, OURS_GROUP, ND_NEIGHBOUR_SOLICITATION, 0, OURS, NULL);
        expect_message(&rig, &all, OURS, ALL, ND_NEIGHBOUR_ADVERTISEMENT, OVERRIDE, OURS, &ours);
        rig_close(&rig);
    }
}

static void
what_is_not_for_us_is_left_alone(void **state)
{
    const struct ip_addr source = rig_address(PEER), destination = rig_address(OURS);
    struct rig rig;
    uint8_t frame[128], body[20] = { 0 };
    (void)state;

    struct adjacency *adjacency = open_asked(&rig, 0);
    hear(&rig, &peer, PEER, PEER_GROUP, ND_NEIGHBOUR_SOLICITATION, 0, "2001:db8:f::99", &peer);
    hear(&rig, &ours, PEER, OURS, ND_NEIGHBOUR_ADVERTISEMENT, OVERRIDE, PEER, &peer); /* our own */
    hear(&rig, &peer, OURS, ALL, ND_NEIGHBOUR_ADVERTISEMENT, OVERRIDE, OURS, &peer); /* claims it */
    hear(&rig, &peer, PEER, ALL, ND_NEIGHBOUR_ADVERTISEMENT, OVERRIDE, OURS, &peer); /* likewise */
    hear(&rig, &peer, OURS, OURS_GROUP, ND_NEIGHBOUR_SOLICITATION, 0, OURS, &peer);  /* likewise */
    hear(&rig, &peer, PEER, ALL, ND_ROUTER_ADVERTISEMENT, 0, PEER, NULL);
    hear(&rig, &peer, PEER, OURS, ND_REDIRECT, 0, PEER, NULL);
    assert_int_equal(rig_drops(&rig, DROP_ND_IGNORED), 7);
    /* From beyond the link. */
    memcpy(body + 4, source.octets, 16);
    size_t length = rig_icmp6(frame, &ours, &peer, 0, &source, &destination, 254,
                              ND_NEIGHBOUR_ADVERTISEMENT, 0, body, sizeof(body));
    rig_punt(&rig, PUNT_UNDERLAY_ND, frame, length);
    rig_turn(&rig);
    assert_int_equal(rig_drops(&rig, DROP_ND_INVALID), 1);
    /* With another tag. */
    length = rig_icmp6(frame, &ours, &peer, 7, &source, &destination, 255,
                       ND_NEIGHBOUR_ADVERTISEMENT, 0, body, sizeof(body));
    rig_punt(&rig, PUNT_UNDERLAY_ND, frame, length);
    rig_turn(&rig);
    assert_int_equal(rig_drops(&rig, DROP_NO_INTERFACE), 1);
    assert_int_equal(adjacency->link, 0);
    expect_silence(&rig);
    rig_close(&rig);
}

static void
a_new_underlay_port_is_probed_and_announced(void **state)
{
    static const uint16_t tags[] = { 0, TAG };
    struct rig rig;
    (void)state;

    for (unsigned i = 0; i < 2; i++) {
        open_rig(&rig, tags[i]);
        rig.slowpath->announcements[RIG_UNDERLAY].port = NULL;
        rig_turn(&rig);
        expect_message(&rig, &ours_group, NOBODY, OURS_GROUP, ND_NEIGHBOUR_SOLICITATION, 0, OURS,
                       NULL);
        for (unsigned said = 0; said < 2; said++) {
            expect_silence(&rig);
            advance(&rig, 2000);
            expect_message(&rig, &all, OURS, ALL, ND_NEIGHBOUR_ADVERTISEMENT, OVERRIDE, OURS,
                           &ours);
        }
        advance(&rig, 5000);
        expect_silence(&rig);
        rig_close(&rig);
    }
}

static void
an_underlay_of_one_family_leaves_the_other_alone(void **state)
{
    struct rig rig;
    uint8_t frame[64];
    (void)state;

    open_rig(&rig, 0); /* IPv6 alone */
    struct adjacency *adjacency = want(&rig, "192.0.2.12");
    expect_silence(&rig);
    size_t length = rig_arp(frame, &RIG_ANY_MAC, &peer, 0, ARP_REQUEST, &peer, 0xc000020c, 0);
    rig_punt(&rig, PUNT_UNDERLAY_ARP, frame, length);
    rig_turn(&rig);
    assert_int_equal(rig_drops(&rig, DROP_ARP_IGNORED), 1);
    advance(&rig, 1000);
    advance(&rig, 1000);
    advance(&rig, 1000);
    assert_int_equal(adjacency->state, NEIGHBOUR_FAILED);
    expect_silence(&rig);
    rig_close(&rig);

    rig_open(&rig); /* IPv4 alone */
    adjacency = want(&rig, PEER);
    expect_silence(&rig);
    hear(&rig, &peer, PEER, OURS_GROUP, ND_NEIGHBOUR_SOLICITATION, 0, OURS, &peer);
    hear_answer(&rig, SOLICITED | OVERRIDE, &peer);
    assert_int_equal(rig_drops(&rig, DROP_ND_IGNORED), 2);
    assert_int_equal(adjacency->link, 0);
    rig_close(&rig);
}

static void
arp_has_the_underlays_tag(void **state)
{
    const struct underlay underlay = { .v4 = rig_address("192.0.2.11"), .vlan = TAG, .mtu = 1500 };
    struct rig rig;
    uint8_t frame[64];
    uint16_t port;
    (void)state;

    rig_open_on(&rig, &underlay);
    struct adjacency *adjacency = want(&rig, "192.0.2.12");
    assert_int_equal(rig_take(&rig, frame, sizeof(frame), &port), 46);
    assert_memory_equal(frame + 12, "\x81\x00\x01\x2c\x08\x06", 6);
    for (unsigned i = 0; i < 2; i++) {
        const size_t length = rig_arp(frame, &ours, &peer, i == 0 ? 7 : TAG, ARP_REQUEST, &peer,
                                      0xc000020c, 0xc000020b);
        rig_punt(&rig, PUNT_UNDERLAY_ARP, frame, length);
        rig_turn(&rig);
    }
    assert_int_equal(rig_drops(&rig, DROP_NO_INTERFACE), 1);
    assert_int_equal(rig_take(&rig, frame, sizeof(frame), &port), 46);
    assert_memory_equal(frame + 12, "\x81\x00\x01\x2c\x08\x06", 6);
    assert_true(adjacency->link == adjacency_link(&peer));
    expect_silence(&rig);
    rig_close(&rig);
}

static void
our_address_answers_echo(void **state)
{
    static const uint16_t tags[] = { 0, TAG };
    const struct ip_addr source = rig_address(PEER), destination = rig_address(OURS);
    struct rig rig;
    uint8_t frame[128], body[8] = { 0, 1, 0, 2, 'p', 'i', 'n', 'g' };
    uint16_t port;
    (void)state;

    for (unsigned i = 0; i < 2; i++) {
        open_rig(&rig, tags[i]);
        const size_t asked = rig_icmp6(frame, &ours, &peer, tags[i], &source, &destination, 64,
                                       ICMP6_ECHO_REQUEST, 0, body, sizeof(body));
        rig_punt(&rig, PUNT_UNDERLAY_LOCAL, frame, asked);
        rig_turn(&rig);
        assert_int_equal(rig_take(&rig, frame, sizeof(frame), &port), asked);
        assert_memory_equal(frame, &peer, 6);
        assert_memory_equal(frame + 6, &ours, 6);
        assert_int_equal(frame[asked - 12], ICMP6_ECHO_REPLY);
        assert_memory_equal(frame + asked - 8, body, sizeof(body));
        assert_memory_equal(frame + asked - 12 - 32, destination.octets, 16);
        /* With another tag; to another address. */
        size_t length = rig_icmp6(frame, &ours, &peer, 7, &source, &destination, 64,
                                  ICMP6_ECHO_REQUEST, 0, body, sizeof(body));
        rig_punt(&rig, PUNT_UNDERLAY_LOCAL, frame, length);
        length = rig_icmp6(frame, &ours, &peer, tags[i], &source, &source, 64, ICMP6_ECHO_REQUEST,
                           0, body, sizeof(body));
        rig_punt(&rig, PUNT_UNDERLAY_LOCAL, frame, length);
        rig_turn(&rig);
        assert_int_equal(rig_drops(&rig, DROP_NO_INTERFACE), 1);
        assert_int_equal(rig_drops(&rig, DROP_IP_DESTINATION), 1);
        expect_silence(&rig);
        rig_close(&rig);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(questions_for_our_address_are_answered),
        cmocka_unit_test(what_is_not_for_us_is_left_alone),
        cmocka_unit_test(a_new_underlay_port_is_probed_and_announced),
        cmocka_unit_test(an_underlay_of_one_family_leaves_the_other_alone),
        cmocka_unit_test(arp_has_the_underlays_tag),
        cmocka_unit_test(our_address_answers_echo),
    };

    rig_start_eal();
    return cmocka_run_group_tests_name("neighbour6", tests, NULL, NULL);
}
