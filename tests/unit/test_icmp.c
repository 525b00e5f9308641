/* SPDX-License-Identifier: BSD-3-Clause */

/* ICMP: echo of the gateway and of the underlay address, errors towards guests. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "lib/net/checksum.h"
#include "slowpath_rig.h"

#define OWN      0x0a00000b /* 10.0.0.11 */
#define GATEWAY  0xa9fe0001 /* 169.254.0.1 */
#define FAR      0x0a00000c
#define UNDERLAY 0xc000020b /* 192.0.2.11 */
#define PEER     0xc000020c

static const struct mac_addr guest = { { 0x02, 0, 0, 0, 0, 0x01 } };
static const struct mac_addr router = { { 0x00, 0x00, 0x5e, 0x00, 0x01, 0x01 } };
static const struct mac_addr any = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
static const struct mac_addr ours = { { 0x02, 0, 0, 0, 0, 0xaa } };
static const struct mac_addr peer = { { 0x02, 0, 0, 0, 0, 0xbb } };

/* Punts and takes the answer. @return its length, 0 if there is none. */
static size_t
ask(struct rig *rig, enum punt_reason reason, const uint8_t *frame, size_t length, uint8_t *answer)
{
    uint16_t port;

    rig_punt(rig, reason, frame, length);
    assert_int_equal(rig_turn(rig), 1);
    return rig_take(rig, answer, 16384, &port);
}

/* An ICMP message from `from` to `to` in a valid packet with these Ethernet addresses.
 * @return where it begins. */
static size_t
check_icmp(const uint8_t *frame, size_t length, const struct mac_addr *destination,
           const struct mac_addr *source, uint16_t vlan, uint32_t from, uint32_t to)
{
    const size_t at = vlan != 0 ? 18 : 14;
    struct ipv4_header ip;

    assert_true(length >= at + sizeof(ip) + 8);
    assert_memory_equal(frame, destination, 6);
    assert_memory_equal(frame + 6, source, 6);
    if (vlan != 0)
        assert_int_equal(frame[14] << 8 | frame[15], vlan);
    memcpy(&ip, frame + at, sizeof(ip));
    assert_int_equal(ip.version_ihl, 0x45);
    assert_int_equal(be16toh(ip.total_length), length - at);
    assert_int_equal(checksum_ipv4(&ip, sizeof(ip)), 0);
    assert_int_equal(ip.protocol, IP_PROTOCOL_ICMP);
    assert_int_equal(ip.ttl, 64);
    assert_int_equal(be32toh(ip.source), from);
    assert_int_equal(be32toh(ip.destination), to);
    const size_t message = at + sizeof(ip);
    assert_int_equal(checksum_finish(checksum_add(0, frame + message, length - message)), 0);
    return message;
}

static void
the_gateway_answers_echo(void **state)
{
    static const size_t sizes[] = { 0, 1, 56, 57, 1400 };
    struct vif vif = rig_vif();
    struct rig rig;
    uint8_t data[1400], message[1500], frame[1600], answer[16384];
    (void)state;

    memset(data, 0x5a, sizeof(data));
    rig_open(&rig);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        const size_t octets = rig_icmp(message, 8, 0, data, sizes[i]);
        size_t length =
            rig_ipv4(frame, &router, &guest, 0, OWN, GATEWAY, IP_PROTOCOL_ICMP, 0, message, octets);
        length = ask(&rig, PUNT_GATEWAY, frame, length, answer);
        const size_t at = check_icmp(answer, length, &guest, &router, 0, GATEWAY, OWN);
        assert_int_equal(length - at, octets);
        assert_int_equal(answer[at], 0);
        assert_memory_equal(answer + at + 4, message + 4, octets - 4);
    }
    vif.vlan = 300;
    rig_replace_vif(&rig, &vif);
    const size_t octets = rig_icmp(message, 8, 0, data, 56);
    size_t length =
        rig_ipv4(frame, &router, &guest, 300, OWN, GATEWAY, IP_PROTOCOL_ICMP, 0, message, octets);
    memset(frame + length, 0xee, 20); /* padding of the link is not sent back */
    length = ask(&rig, PUNT_GATEWAY, frame, length + 20, answer);
    assert_int_equal(check_icmp(answer, length, &guest, &router, 300, GATEWAY, OWN), 38);
    assert_int_equal(length, 38 + octets);
    rig_close(&rig);
}

static void
an_echo_of_zeros_has_a_right_checksum(void **state)
{
    struct rig rig;
    uint8_t message[16] = { 8, 0, 0xf7, 0xff }, frame[100], answer[16384];
    (void)state;

    rig_open(&rig);
    size_t length = rig_ipv4(frame, &router, &guest, 0, OWN, GATEWAY, IP_PROTOCOL_ICMP, 0, message,
                             sizeof(message));
    length = ask(&rig, PUNT_GATEWAY, frame, length, answer);
    check_icmp(answer, length, &guest, &router, 0, GATEWAY, OWN);
    rig_close(&rig);
}

static void
echo_in_many_segments_is_answered_whole(void **state)
{
    struct vif vif = rig_vif();
    struct rig rig;
    uint8_t data[8900], message[9000], frame[9100], answer[16384];
    uint16_t port;
    (void)state;

    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 7);
    rig_open(&rig);
    vif.mtu = 9000;
    rig_replace_vif(&rig, &vif);
    const struct packet_note note = {
        .reason = PUNT_GATEWAY, .port = RIG_ACCESS, .vif = rig.vif, .l3_offset = 14
    };
    const size_t octets = rig_icmp(message, 8, 0, data, sizeof(data));
    size_t length =
        rig_ipv4(frame, &router, &guest, 0, OWN, GATEWAY, IP_PROTOCOL_ICMP, 0, message, octets);
    rig_punt_packet(&rig, rig_packet(&rig, frame, length, 333), &note);
    rig_turn(&rig);
    length = rig_take(&rig, answer, sizeof(answer), &port);
    const size_t at = check_icmp(answer, length, &guest, &router, 0, GATEWAY, OWN);
    assert_memory_equal(answer + at + 4, message + 4, octets - 4);
    rig_close(&rig);
}

static void
what_is_no_echo_request_is_dropped(void **state)
{
    static const struct {
        uint8_t protocol, type, code;
        uint16_t fragment;
        uint32_t from;
        bool spoil;
        enum drop_reason reason;
    } cases[] = {
        { IP_PROTOCOL_UDP, 8, 0, 0, OWN, false, DROP_GATEWAY_PROTOCOL },
        { IP_PROTOCOL_ICMP, 0, 0, 0, OWN, false, DROP_GATEWAY_PROTOCOL },
        { IP_PROTOCOL_ICMP, 13, 0, 0, OWN, false, DROP_GATEWAY_PROTOCOL },
        { IP_PROTOCOL_ICMP, 8, 1, 0, OWN, false, DROP_ICMP_INVALID },
        { IP_PROTOCOL_ICMP, 8, 0, 0, OWN, true, DROP_ICMP_INVALID },
        { IP_PROTOCOL_ICMP, 8, 0, IPV4_MORE_FRAGMENTS, OWN, false, DROP_LOCAL_FRAGMENT },
        { IP_PROTOCOL_ICMP, 8, 0, 7, OWN, false, DROP_LOCAL_FRAGMENT },
        { IP_PROTOCOL_ICMP, 8, 0, 0, 0xe0000001, false, DROP_IP_DESTINATION },
        { IP_PROTOCOL_ICMP, 8, 0, 0, 0, false, DROP_IP_DESTINATION },
    };
    struct rig rig;
    uint8_t message[1600], frame[1700], answer[16384];
    (void)state;

    rig_open(&rig);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const uint64_t before = rig_drops(&rig, cases[i].reason);
        const size_t octets = rig_icmp(message, cases[i].type, cases[i].code, "abcdefg", 7);
        if (cases[i].spoil)
            message[9] ^= 1;
        const size_t length = rig_ipv4(frame, &router, &guest, 0, cases[i].from, GATEWAY,
                                       cases[i].protocol, cases[i].fragment, message, octets);
        assert_int_equal(ask(&rig, PUNT_GATEWAY, frame, length, answer), 0);
        assert_int_equal(rig_drops(&rig, cases[i].reason), before + 1);
    }
    /* Larger than the guest may get. */
    memset(answer, 0, 1500);
    const size_t octets = rig_icmp(message, 8, 0, answer, 1423);
    const size_t length =
        rig_ipv4(frame, &router, &guest, 0, OWN, GATEWAY, IP_PROTOCOL_ICMP, 0, message, octets);
    assert_int_equal(ask(&rig, PUNT_GATEWAY, frame, length, answer), 0);
    assert_int_equal(rig_drops(&rig, DROP_TOO_BIG), 1);
    rig_close(&rig);
}

static void
the_underlay_address_answers_echo(void **state)
{
    struct rig rig;
    uint8_t message[100], frame[200], answer[16384];
    (void)state;

    rig_open(&rig);
    const size_t octets = rig_icmp(message, 8, 0, "ping", 4);
    size_t length =
        rig_ipv4(frame, &ours, &peer, 0, PEER, UNDERLAY, IP_PROTOCOL_ICMP, 0, message, octets);
    length = ask(&rig, PUNT_UNDERLAY_LOCAL, frame, length, answer);
    const size_t at = check_icmp(answer, length, &peer, &ours, 0, UNDERLAY, PEER);
    assert_int_equal(answer[at], 0);

    length = rig_ipv4(frame, &ours, &peer, 0, PEER, UNDERLAY, IP_PROTOCOL_TCP, 0, message, octets);
    assert_int_equal(ask(&rig, PUNT_UNDERLAY_LOCAL, frame, length, answer), 0);
    assert_int_equal(rig_drops(&rig, DROP_UNDERLAY_PROTOCOL), 1);
    length = rig_ipv4(frame, &ours, &peer, 0, PEER, PEER, IP_PROTOCOL_ICMP, 0, message, octets);
    assert_int_equal(ask(&rig, PUNT_UNDERLAY_LOCAL, frame, length, answer), 0);
    assert_int_equal(rig_drops(&rig, DROP_IP_DESTINATION), 1);
    rig_close(&rig);
}

static void
errors_quote_the_packet_and_come_from_the_gateway(void **state)
{
    static const struct {
        enum punt_reason reason;
        uint8_t type, code;
        uint16_t mtu;
    } kinds[] = {
        { PUNT_TTL_EXPIRED, 11, 0, 0 },
        { PUNT_TOO_BIG, 3, 4, 1400 },
    };
    static const size_t sizes[] = { 0, 8, 100, 528, 529, 1400 };
    struct rig rig;
    uint8_t payload[1400], frame[1500], answer[16384];
    (void)state;

    for (size_t i = 0; i < sizeof(payload); i++)
        payload[i] = (uint8_t)i;
    rig_open(&rig);
    for (size_t kind = 0; kind < 2; kind++) {
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            size_t length = rig_ipv4(frame, &router, &guest, 0, OWN, FAR, IP_PROTOCOL_UDP,
                                     IPV4_DONT_FRAGMENT, payload, sizes[i]);
            length = ask(&rig, kinds[kind].reason, frame, length, answer);
            const size_t at = check_icmp(answer, length, &guest, &router, 0, GATEWAY, OWN);
            const size_t quoted = sizes[i] > 528 ? 548 : 20 + sizes[i];
            assert_int_equal(answer[at], kinds[kind].type);
            assert_int_equal(answer[at + 1], kinds[kind].code);
            assert_int_equal(answer[at + 6] << 8 | answer[at + 7], kinds[kind].mtu);
            assert_int_equal(length - at - 8, quoted);
            assert_memory_equal(answer + at + 8, frame + 14, quoted);
        }
    }
    rig_close(&rig);
}

static void
no_error_is_sent_about_what_the_standards_except(void **state)
{
    static const struct {
        uint8_t protocol, first_octet;
        uint16_t fragment;
        uint32_t from, to;
        bool broadcast_frame, answered;
    } cases[] = {
        { IP_PROTOCOL_UDP, 0, 0, OWN, FAR, false, true },
        { IP_PROTOCOL_UDP, 0, IPV4_MORE_FRAGMENTS, OWN, FAR, false, true },
        { IP_PROTOCOL_UDP, 0, 1, OWN, FAR, false, false },        /* not the first fragment */
        { IP_PROTOCOL_ICMP, 8, 0, OWN, FAR, false, true },        /* echo */
        { IP_PROTOCOL_ICMP, 0, 0, OWN, FAR, false, true },        /* echo reply */
        { IP_PROTOCOL_ICMP, 3, 0, OWN, FAR, false, false },       /* errors */
        { IP_PROTOCOL_ICMP, 4, 0, OWN, FAR, false, false },       /* source quench */
        { IP_PROTOCOL_ICMP, 5, 0, OWN, FAR, false, false },       /* redirect */
        { IP_PROTOCOL_ICMP, 11, 0, OWN, FAR, false, false },      /* time exceeded */
        { IP_PROTOCOL_ICMP, 12, 0, OWN, FAR, false, false },      /* parameter problem */
        { IP_PROTOCOL_UDP, 0, 0, 0, FAR, false, false },          /* no sender */
        { IP_PROTOCOL_UDP, 0, 0, 0xe0000001, FAR, false, false }, /* a group as sender */
        { IP_PROTOCOL_UDP, 0, 0, 0xffffffff, FAR, false, false }, /* all as sender */
        { IP_PROTOCOL_UDP, 0, 0, 0x7f000001, FAR, false, false }, /* loopback */
        { IP_PROTOCOL_UDP, 0, 0, 0x0a00000d, FAR, false, false }, /* not the guest's */
        { IP_PROTOCOL_UDP, 0, 0, OWN, 0xe0000001, false, false }, /* to a group */
        { IP_PROTOCOL_UDP, 0, 0, OWN, 0xffffffff, false, false }, /* to all */
        { IP_PROTOCOL_UDP, 0, 0, OWN, FAR, true, false },         /* by link broadcast */
    };
    struct rig rig;
    uint8_t payload[16] = { 0 }, frame[100], answer[16384];
    (void)state;

    rig_open(&rig);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const uint64_t before = rig_drops(&rig, DROP_ICMP_ERROR_FORBIDDEN);
        payload[0] = cases[i].first_octet;
        const size_t length =
            rig_ipv4(frame, cases[i].broadcast_frame ? &any : &router, &guest, 0, cases[i].from,
                     cases[i].to, cases[i].protocol, cases[i].fragment, payload, sizeof(payload));
        const size_t answered = ask(&rig, PUNT_TTL_EXPIRED, frame, length, answer);
        assert_int_equal(answered > 0, cases[i].answered);
        assert_int_equal(rig_drops(&rig, DROP_ICMP_ERROR_FORBIDDEN), before + !cases[i].answered);
    }
    /* ICMP without even its type. */
    const size_t length =
        rig_ipv4(frame, &router, &guest, 0, OWN, FAR, IP_PROTOCOL_ICMP, 0, payload, 0);
    assert_int_equal(ask(&rig, PUNT_TTL_EXPIRED, frame, length, answer), 0);
    rig_close(&rig);
}

static void
errors_are_limited_for_each_interface(void **state)
{
    struct vif second = rig_vif();
    struct rig rig;
    uint8_t frame[100], answer[16384];
    unsigned answered = 0;
    (void)state;

    rig_open(&rig);
    const size_t length =
        rig_ipv4(frame, &router, &guest, 0, OWN, FAR, IP_PROTOCOL_UDP, 0, frame, 8);
    for (unsigned i = 0; i < 500; i++)
        answered += ask(&rig, PUNT_TTL_EXPIRED, frame, length, answer) > 0;
    assert_int_equal(answered, 50);
    assert_int_equal(rig_drops(&rig, DROP_ICMP_ERROR_RATE), 450);

    /* One guest's flood takes nothing from another's share. */
    const uint32_t first = rig.vif;
    second.vlan = 7;
    assert_int_equal(vif_add(&rig.tables->vifs, &second, &rig.vif), 0);
    uint8_t tagged[100];
    const size_t tagged_length =
        rig_ipv4(tagged, &router, &guest, 7, OWN, FAR, IP_PROTOCOL_UDP, 0, frame, 8);
    assert_true(ask(&rig, PUNT_TTL_EXPIRED, tagged, tagged_length, answer) > 0);
    rig.vif = first;
    assert_int_equal(ask(&rig, PUNT_TTL_EXPIRED, frame, length, answer), 0);
    rig.now_ms += 10;
    assert_true(ask(&rig, PUNT_TTL_EXPIRED, frame, length, answer) > 0);
    assert_int_equal(ask(&rig, PUNT_TTL_EXPIRED, frame, length, answer), 0);
    rig_close(&rig);
}

static void
what_came_through_a_tunnel_and_entered_no_vrf_gets_no_error(void **state)
{
    static const enum punt_reason punts[] = { PUNT_TTL_EXPIRED, PUNT_TOO_BIG };
    static const enum drop_reason reasons[] = { DROP_TTL_EXPIRED, DROP_TOO_BIG };
    struct rig rig;
    uint8_t frame[100];
    (void)state;

    rig_open(&rig);
    const uint64_t before = rig_originated(&rig);
    for (unsigned i = 0; i < 2; i++) {
        const struct packet_note note = {
            .reason = (uint8_t)punts[i],
            .port = RIG_UNDERLAY,
            .vif = VIF_NONE,
            .vrf = VRF_NONE,
            .l3_offset = 14,
        };
        const size_t length =
            rig_ipv4(frame, &router, &guest, 0, FAR, OWN, IP_PROTOCOL_UDP, 0, frame, 8);
        rig_punt_packet(&rig, rig_packet(&rig, frame, length, 0), &note);
        rig_turn(&rig);
        assert_int_equal(rig_originated(&rig), before);
        assert_int_equal(rig_drops(&rig, reasons[i]), 1);
    }
    rig_close(&rig);
}

static void
no_guest_hears_of_anothers_packets(void **state)
{
    static const enum punt_reason reasons[] = { PUNT_GATEWAY, PUNT_TTL_EXPIRED, PUNT_TOO_BIG };
    struct vif vif = rig_vif();
    struct rig rig;
    uint8_t message[64], frame[100], answer[16384];
    (void)state;

    rig_open(&rig);
    const size_t octets = rig_icmp(message, 8, 0, "ping", 4);
    const size_t length =
        rig_ipv4(frame, &router, &guest, 0, OWN, GATEWAY, IP_PROTOCOL_ICMP, 0, message, octets);
    /* The interface's number means another guest by the time the packet is taken up. */
    for (unsigned i = 0; i < 3; i++) {
        vif = rig_vif();
        vif.mac = RIG_OTHER_MAC;
        rig_replace_vif(&rig, &vif);
        assert_int_equal(ask(&rig, reasons[i], frame, length, answer), 0);
        vif = rig_vif();
        vif.vlan = 9;
        rig_replace_vif(&rig, &vif);
        assert_int_equal(ask(&rig, reasons[i], frame, length, answer), 0);
        vif = rig_vif();
        vif.port = RIG_UNDERLAY;
        rig_replace_vif(&rig, &vif);
        assert_int_equal(ask(&rig, reasons[i], frame, length, answer), 0);
    }
    assert_int_equal(rig_drops(&rig, DROP_SOURCE_MAC), 3);
    assert_int_equal(rig_drops(&rig, DROP_NO_INTERFACE), 6);
    rig_close(&rig);
}

static void
packets_cut_short_are_dropped(void **state)
{
    struct rig rig;
    uint8_t message[64], frame[100], answer[16384];
    (void)state;

    rig_open(&rig);
    const size_t octets = rig_icmp(message, 8, 0, "ping", 4);
    const size_t length =
        rig_ipv4(frame, &router, &guest, 0, OWN, GATEWAY, IP_PROTOCOL_ICMP, 0, message, octets);
    for (size_t cut = 1; cut < length; cut++) {
        assert_int_equal(ask(&rig, PUNT_GATEWAY, frame, cut, answer), 0);
        assert_int_equal(ask(&rig, PUNT_TTL_EXPIRED, frame, cut, answer), 0);
        assert_int_equal(ask(&rig, PUNT_UNDERLAY_LOCAL, frame, cut, answer), 0);
    }
    rig_close(&rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_gateway_answers_echo),
        cmocka_unit_test(an_echo_of_zeros_has_a_right_checksum),
        cmocka_unit_test(echo_in_many_segments_is_answered_whole),
        cmocka_unit_test(what_is_no_echo_request_is_dropped),
        cmocka_unit_test(the_underlay_address_answers_echo),
        cmocka_unit_test(errors_quote_the_packet_and_come_from_the_gateway),
        cmocka_unit_test(no_error_is_sent_about_what_the_standards_except),
        cmocka_unit_test(errors_are_limited_for_each_interface),
        cmocka_unit_test(what_came_through_a_tunnel_and_entered_no_vrf_gets_no_error),
        cmocka_unit_test(no_guest_hears_of_anothers_packets),
        cmocka_unit_test(packets_cut_short_are_dropped),
    };

    rig_start_eal();
    return cmocka_run_group_tests_name("icmp", tests, NULL, NULL);
}
