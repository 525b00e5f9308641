/* SPDX-License-Identifier: BSD-3-Clause */

/* The underlay's IPv6 neighbours, our own IPv6 address there, and the underlay's tag. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "lib/net/checksum.h"
#include "lib/net/parse.h"
#include "slowpath/context.h"
#include "slowpath_rig.h"

#define OURS       "2001:db8:f::11"
#define OURS_GROUP "ff02::1:ff00:11"
#define PEER       "2001:db8:f::12"
#define PEER_GROUP "ff02::1:ff00:12"
#define NOBODY     "::"
#define ALL        "ff02::1"
#define TAG        300

#define SOLICITED 0x40
#define OVERRIDE  0x20

static const struct mac_addr ours = { { 0x02, 0, 0, 0, 0, 0xaa } };
static const struct mac_addr peer = { { 0x02, 0, 0, 0, 0, 0xbb } };
static const struct mac_addr moved = { { 0x02, 0, 0, 0, 0, 0xbc } };
static const struct mac_addr all = { { 0x33, 0x33, 0, 0, 0, 1 } };
static const struct mac_addr ours_group = { { 0x33, 0x33, 0xff, 0, 0, 0x11 } };
static const struct mac_addr peer_group = { { 0x33, 0x33, 0xff, 0, 0, 0x12 } };

static void
open_rig(struct rig *rig, uint16_t vlan)
{
    const struct underlay underlay = { .v6 = rig_address(OURS), .vlan = vlan, .mtu = 1500 };

    rig_open_on(rig, &underlay);
}

static struct adjacency *
want(struct rig *rig, const char *address)
{
    const struct ip_addr ip = rig_address(address);
    uint32_t index;

    assert_int_equal(adjacency_get(&rig->tables->adjacencies, RIG_UNDERLAY, &ip, &index), 0);
    rig_turn(rig);
    return &rig->tables->adjacencies.entries[index];
}

static void
expect_silence(struct rig *rig)
{
    uint8_t frame[1500];
    uint16_t port;

    assert_int_equal(rig_take(rig, frame, sizeof(frame), &port), 0);
}

/* The next frame that was sent is a message of neighbour discovery about `target`; `mac` in its
 * option, or without one. */
static void
expect_message(struct rig *rig, const struct mac_addr *to_mac, const char *from, const char *to,
               uint8_t type, uint8_t flags, const char *target, const struct mac_addr *mac)
{
    const uint16_t vlan = rig->underlay.vlan;
    const uint8_t tag[] = { 0x81, 0x00, (uint8_t)(vlan >> 8), (uint8_t)vlan };
    const size_t at = vlan != 0 ? 18 : 14;
    const struct ip_addr source = rig_address(from), destination = rig_address(to);
    const struct ip_addr wanted = rig_address(target);
    uint8_t frame[1500];
    uint16_t port;
    struct ip_view ip;
    const size_t length = rig_take(rig, frame, sizeof(frame), &port);
    const uint8_t *message = frame + at + 40;

    assert_int_equal(length, at + 40 + (mac != NULL ? 32 : 24));
    assert_int_equal(port, RIG_UNDERLAY);
    assert_memory_equal(frame, to_mac, 6);
    assert_memory_equal(frame + 6, &ours, 6);
    if (vlan != 0)
        assert_memory_equal(frame + 12, tag, sizeof(tag));
    assert_int_equal(parse_ipv6(frame + at, length - at, length - at, &ip), PARSE_OK);
    assert_int_equal(ip.v6->hop_limit, 255);
    assert_memory_equal(ip.v6->source, source.octets, 16);
    assert_memory_equal(ip.v6->destination, destination.octets, 16);
    assert_int_equal(checksum_transport_v6(ip.v6, IP_PROTOCOL_ICMPV6, message, length - at - 40),
                     0);
    assert_int_equal(message[0], type);
    assert_int_equal(message[4], flags);
    assert_memory_equal(message + 8, wanted.octets, 16);
    if (mac != NULL) {
        assert_int_equal(message[24], type == ND_NEIGHBOUR_SOLICITATION ? 1 : 2);
        assert_int_equal(message[25], 1);
        assert_memory_equal(message + 26, mac, 6);
    }
}

static void
expect_question(struct rig *rig)
{
    expect_message(rig, &peer_group, OURS, PEER_GROUP, ND_NEIGHBOUR_SOLICITATION, 0, PEER, &ours);
}

static void
expect_probe(struct rig *rig, const struct mac_addr *mac)
{
    expect_message(rig, mac, OURS, PEER, ND_NEIGHBOUR_SOLICITATION, 0, PEER, &ours);
}

/* A message from the underlay. */
static void
hear(struct rig *rig, const struct mac_addr *from_mac, const char *from, const char *to,
     uint8_t type, uint8_t flags, const char *target, const struct mac_addr *mac)
{
    const struct ip_addr source = rig_address(from), destination = rig_address(to);
    const struct ip_addr about = rig_address(target);
    uint8_t body[28] = { flags }, frame[128];
    size_t length = 20;

    memcpy(body + 4, about.octets, 16);
    if (mac != NULL) {
        body[20] = type == ND_NEIGHBOUR_SOLICITATION ? 1 : 2;
        body[21] = 1;
        memcpy(body + 22, mac, 6);
        length = 28;
    }
    length = rig_icmp6(frame, &ours, from_mac, rig->underlay.vlan, &source, &destination, 255, type,
                       0, body, length);
    rig_punt(rig, PUNT_UNDERLAY_ND, frame, length);
    rig_turn(rig);
}

static void
hear_answer(struct rig *rig, uint8_t flags, const struct mac_addr *mac)
{
    hear(rig, &peer, PEER, (flags & SOLICITED) != 0 ? OURS : ALL, ND_NEIGHBOUR_ADVERTISEMENT, flags,
         PEER, mac);
}

static void
advance(struct rig *rig, uint64_t ms)
{
    rig->now_ms += ms;
    rig_turn(rig);
}

static void
a_wanted_neighbour_is_asked_by_its_group_and_comes_up(void **state)
{
    static const uint16_t tags[] = { 0, TAG };
    struct rig rig;
    (void)state;

    for (unsigned i = 0; i < 2; i++) {
        open_rig(&rig, tags[i]);
        struct adjacency *adjacency = want(&rig, PEER);
        expect_question(&rig);
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

    open_rig(&rig, 0);
    struct adjacency *adjacency = want(&rig, PEER);
    expect_question(&rig);
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

    open_rig(&rig, 0);
    struct adjacency *adjacency = want(&rig, PEER);
    expect_question(&rig);
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

    open_rig(&rig, 0);
    struct adjacency *adjacency = want(&rig, PEER);
    expect_question(&rig);
    hear_answer(&rig, SOLICITED | OVERRIDE, &peer);
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
        open_rig(&rig, 0);
        struct adjacency *adjacency = want(&rig, PEER);
        expect_question(&rig);
        hear_answer(&rig, SOLICITED | OVERRIDE, &peer);
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
a_known_neighbour_that_asks_tells_its_mac_address(void **state)
{
    struct rig rig;
    (void)state;

    open_rig(&rig, 0);
    struct adjacency *adjacency = want(&rig, PEER);
    expect_question(&rig);
    hear_answer(&rig, SOLICITED | OVERRIDE, &peer);
    hear(&rig, &moved, PEER, OURS_GROUP, ND_NEIGHBOUR_SOLICITATION, 0, OURS, &moved);
    expect_message(&rig, &moved, OURS, PEER, ND_NEIGHBOUR_ADVERTISEMENT, SOLICITED | OVERRIDE, OURS,
                   &ours);
    assert_true(adjacency->link == adjacency_link(&moved));
    rig_close(&rig);
}

static void
what_is_not_for_us_is_left_alone(void **state)
{
    const struct ip_addr source = rig_address(PEER), destination = rig_address(OURS);
    struct rig rig;
    uint8_t frame[128], body[20] = { 0 };
    (void)state;

    open_rig(&rig, 0);
    struct adjacency *adjacency = want(&rig, PEER);
    expect_question(&rig);
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
        cmocka_unit_test(a_wanted_neighbour_is_asked_by_its_group_and_comes_up),
        cmocka_unit_test(without_answer_it_is_asked_three_times_and_fails),
        cmocka_unit_test(a_reachable_neighbour_is_probed_alone_and_need_not_say_its_mac_again),
        cmocka_unit_test(who_has_not_said_its_mac_address_yet_must),
        cmocka_unit_test(an_announcement_brings_a_new_mac_address_that_is_then_asked),
        cmocka_unit_test(what_must_not_override_makes_the_known_one_be_asked),
        cmocka_unit_test(nobody_is_made_a_neighbour_by_what_it_says),
        cmocka_unit_test(questions_for_our_address_are_answered),
        cmocka_unit_test(a_known_neighbour_that_asks_tells_its_mac_address),
        cmocka_unit_test(what_is_not_for_us_is_left_alone),
        cmocka_unit_test(a_new_underlay_port_is_probed_and_announced),
        cmocka_unit_test(an_underlay_of_one_family_leaves_the_other_alone),
        cmocka_unit_test(arp_has_the_underlays_tag),
        cmocka_unit_test(a_fixed_neighbour_is_never_asked_nor_believed),
        cmocka_unit_test(our_address_answers_echo),
    };

    rig_start_eal();
    return cmocka_run_group_tests_name("neighbour6", tests, NULL, NULL);
}
