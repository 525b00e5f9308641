/* SPDX-License-Identifier: BSD-3-Clause */

/* ICMPv6: echo of the gateway, errors towards guests; and errors of both families that go through a
 * VRF, about packets that came out of tunnels. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "lib/net/checksum.h"
#include "lib/net/parse.h"
#include "slowpath_rig.h"

#define OWN      "2001:db8::11"
#define OWN_LINK "fe80::ff:fe00:1"
#define GATEWAY  "fe80::1"
#define FAR      "2001:db8:1::1"
#define BEYOND   "fdaf:5a18:d5e2::1" /* the virtual router's address beyond its links */

static const struct mac_addr guest = { { 0x02, 0, 0, 0, 0, 0x01 } };
static const struct mac_addr router = { { 0x00, 0x00, 0x5e, 0x00, 0x02, 0x01 } };
static const struct mac_addr group = { { 0x33, 0x33, 0, 0, 0, 0x02 } };

/* Punts a frame of the guest; @return the length of the answer. */
static size_t
ask(struct rig *rig, enum punt_reason reason, const uint8_t *frame, size_t length, uint8_t *answer)
{
    uint16_t port = 0;

    rig_punt(rig, reason, frame, length);
    assert_int_equal(rig_turn(rig), 1);
    return rig_take(rig, answer, 16384, &port);
}

/* A packet without a link header. @return its ICMPv6 message. */
static const uint8_t *
check_packet(const uint8_t *packet, size_t length, const char *from, const char *to)
{
    const struct ip_addr source = rig_address(from), destination = rig_address(to);
    struct ip_view ip;

    assert_int_equal(parse_ipv6(packet, length, length, &ip), PARSE_OK);
    assert_int_equal(ip.total_length, length);
    assert_int_equal(ip.transport, 40);
    assert_int_equal(ip.protocol, IP_PROTOCOL_ICMPV6);
    assert_int_equal(ip.v6->hop_limit, 64);
    assert_memory_equal(ip.v6->source, source.octets, 16);
    assert_memory_equal(ip.v6->destination, destination.octets, 16);
    assert_int_equal(checksum_transport_v6(ip.v6, IP_PROTOCOL_ICMPV6, packet + 40, length - 40), 0);
    return packet + 40;
}

/* A frame to the guest. */
static const uint8_t *
check_frame(const uint8_t *answer, size_t length, uint16_t vlan, const char *to)
{
    const size_t at = vlan != 0 ? 18 : 14;

    assert_true(length > at);
    assert_memory_equal(answer, &guest, 6);
    assert_memory_equal(answer + 6, &router, 6);
    assert_memory_equal(answer + at - 2, "\x86\xdd", 2);
    return check_packet(answer + at, length - at, GATEWAY, to);
}

/* A frame of the guest with a payload. */
static size_t
packet6(uint8_t *frame, const char *from, const char *to, uint8_t next, const void *payload,
        size_t length)
{
    const struct ip_addr source = rig_address(from), destination = rig_address(to);

    return rig_ipv6(frame, &router, &guest, 0, &source, &destination, next, 1, payload, length);
}

static void
the_gateway_answers_echo(void **state)
{
    static const char *const sources[] = { OWN, OWN_LINK };
    static const size_t sizes[] = { 0, 1, 56, 1401, 1402 };
    const struct ip_addr gateway = rig_address(GATEWAY);
    struct rig rig;
    uint8_t body[1500] = { 0, 1, 0, 2 }, frame[1600], answer[16384];
    (void)state;

    for (size_t i = 4; i < sizeof(body); i++)
        body[i] = (uint8_t)i;
    rig_open(&rig);
    for (size_t i = 0; i < 2; i++) {
        const struct ip_addr source = rig_address(sources[i]);
        for (size_t j = 0; j < sizeof(sizes) / sizeof(sizes[0]); j++) {
            size_t length = rig_icmp6(frame, &router, &guest, 0, &source, &gateway, 1,
                                      ICMP6_ECHO_REQUEST, 0, body, 4 + sizes[j]);
            length = ask(&rig, PUNT_GATEWAY, frame, length, answer);
            const uint8_t *message = check_frame(answer, length, 0, sources[i]);
            assert_int_equal(message[0], ICMP6_ECHO_REPLY);
            assert_int_equal(message[1], 0);
            assert_int_equal(answer + length - message, 8 + sizes[j]);
            assert_memory_equal(message + 4, body, 4 + sizes[j]);
        }
    }
    rig_close(&rig);
}

static void
what_is_no_echo_request_is_dropped(void **state)
{
    const struct ip_addr source = rig_address(OWN), gateway = rig_address(GATEWAY);
    const struct ip_addr nobody = rig_address("::");
    struct rig rig;
    uint8_t body[1500] = { 0 }, frame[1600], answer[16384];
    (void)state;

    rig_open(&rig);
#define DROPPED(reason, make)                                                \
    do {                                                                     \
        const uint64_t before = rig_drops(&rig, reason);                     \
        const size_t length = make;                                          \
        assert_int_equal(ask(&rig, PUNT_GATEWAY, frame, length, answer), 0); \
        assert_int_equal(rig_drops(&rig, reason), before + 1);               \
    } while (0)

    DROPPED(DROP_GATEWAY_PROTOCOL, packet6(frame, OWN, GATEWAY, IP_PROTOCOL_TCP, body, 20));
    DROPPED(DROP_GATEWAY_PROTOCOL, rig_icmp6(frame, &router, &guest, 0, &source, &gateway, 64,
                                             ICMP6_ECHO_REPLY, 0, body, 4));
    DROPPED(DROP_ICMP_INVALID, rig_icmp6(frame, &router, &guest, 0, &source, &gateway, 64,
                                         ICMP6_ECHO_REQUEST, 1, body, 4));
    DROPPED(DROP_ICMP_INVALID, rig_icmp6(frame, &router, &guest, 0, &source, &gateway, 64,
                                         ICMP6_ECHO_REQUEST, 0, body, 3));
    DROPPED(DROP_ICMP_INVALID,
            packet6(frame, OWN, GATEWAY, IP_PROTOCOL_ICMPV6, "\200\0\0\0\0\0\0", 8));
    DROPPED(DROP_GATEWAY_PROTOCOL, packet6(frame, OWN, GATEWAY, IPV6_DESTINATION, "\72\7", 2));
    DROPPED(DROP_IP_DESTINATION, rig_icmp6(frame, &router, &guest, 0, &nobody, &gateway, 64,
                                           ICMP6_ECHO_REQUEST, 0, body, 4));
    DROPPED(DROP_TOO_BIG, rig_icmp6(frame, &router, &guest, 0, &source, &gateway, 64,
                                    ICMP6_ECHO_REQUEST, 0, body, 1407));
    DROPPED(DROP_LOCAL_FRAGMENT,
            packet6(frame, OWN, GATEWAY, IPV6_FRAGMENT, "\72\0\0\1\0\0\0\7\200\0\0\0\0\0\0\0", 16));
#undef DROPPED
    rig_close(&rig);
}

static void
errors_quote_what_fits_and_come_from_the_gateway(void **state)
{
    static const struct {
        enum punt_reason reason;
        uint8_t type;
        uint16_t mtu;
    } kinds[] = {
        { PUNT_TTL_EXPIRED, ICMP6_TIME_EXCEEDED, 0 },
        { PUNT_TOO_BIG, ICMP6_TOO_BIG, 1400 },
    };
    static const size_t sizes[] = { 0, 8, 100, 1192, 1193, 1400 };
    struct rig rig;
    uint8_t payload[1400], frame[1500], answer[16384];
    (void)state;

    for (size_t i = 0; i < sizeof(payload); i++)
        payload[i] = (uint8_t)i;
    rig_open(&rig);
    for (size_t kind = 0; kind < 2; kind++) {
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            size_t length = packet6(frame, OWN, FAR, IP_PROTOCOL_UDP, payload, sizes[i]);
            length = ask(&rig, kinds[kind].reason, frame, length, answer);
            const uint8_t *message = check_frame(answer, length, 0, OWN);
            const size_t quoted = sizes[i] > 1192 ? 1232 : 40 + sizes[i];
            assert_int_equal(message[0], kinds[kind].type);
            assert_int_equal(message[1], 0);
            assert_int_equal(message[4] << 8 | message[5], 0);
            assert_int_equal(message[6] << 8 | message[7], kinds[kind].mtu);
            assert_int_equal(answer + length - message, 8 + quoted);
            assert_memory_equal(message + 8, frame + 14, quoted);
        }
    }
    rig_close(&rig);
}

static void
no_error_is_sent_about_what_rfc_4443_excepts(void **state)
{
    static const uint8_t echo[8] = { 128 }, error[8] = { 1 }, too_big[8] = { 2 },
                         redirect[8] = { 137 };
    static const uint8_t first[16] = { 58, 0, 0, 1, 0, 0, 0, 7, 128 };
    static const uint8_t middle[16] = { 58, 0, 0, 9, 0, 0, 0, 7, 128 };
    static const uint8_t middle_udp[16] = { 17, 0, 0, 9, 0, 0, 0, 7 };
    static const uint8_t options[16] = { 58, 0, 1, 4, 0, 0, 0, 0, 3 };
    static const uint8_t endless[8] = { 60, 31 }; /* options that end behind the packet */
    static const struct {
        const char *from, *to;
        uint8_t next;
        const uint8_t *payload;
        size_t length;
        bool answered;
    } cases[] = {
        { OWN, FAR, IP_PROTOCOL_UDP, echo, 8, true },
        { OWN, FAR, IP_PROTOCOL_ICMPV6, echo, 8, true },
        { OWN, FAR, IP_PROTOCOL_ICMPV6, error, 8, false },
        { OWN, FAR, IP_PROTOCOL_ICMPV6, too_big, 8, false },
        { OWN, FAR, IP_PROTOCOL_ICMPV6, redirect, 8, false },
        { OWN, FAR, IP_PROTOCOL_ICMPV6, echo, 0, false }, /* without even its type */
        { OWN, FAR, IPV6_FRAGMENT, first, 16, true },
        { OWN, FAR, IPV6_FRAGMENT, middle, 16, false }, /* of what may be an error */
        { OWN, FAR, IPV6_FRAGMENT, middle_udp, 16, true },
        { OWN, FAR, IPV6_DESTINATION, options, 16, false }, /* an error behind options */
        { OWN, FAR, IPV6_DESTINATION, endless, 8, false },
        { OWN, FAR, IPV6_NO_NEXT, echo, 0, true },
        { OWN, FAR, 50, echo, 8, true },                          /* ESP */
        { "::", FAR, IP_PROTOCOL_UDP, echo, 8, false },           /* no sender */
        { "ff02::1", FAR, IP_PROTOCOL_UDP, echo, 8, false },      /* a group as sender */
        { OWN_LINK, FAR, IP_PROTOCOL_UDP, echo, 8, false },       /* no way back beyond the link */
        { "2001:db8::12", FAR, IP_PROTOCOL_UDP, echo, 8, false }, /* not the guest's */
        { OWN, "ff0e::1", IP_PROTOCOL_UDP, echo, 8, false },      /* to a group */
    };
    const struct ip_addr own = rig_address(OWN), far = rig_address(FAR);
    struct rig rig;
    uint8_t frame[200], answer[16384];
    uint64_t forbidden = 0;
    (void)state;

    rig_open(&rig);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const size_t length = packet6(frame, cases[i].from, cases[i].to, cases[i].next,
                                      cases[i].payload, cases[i].length);
        const size_t answered = ask(&rig, PUNT_TTL_EXPIRED, frame, length, answer);
        forbidden += !cases[i].answered;
        assert_int_equal(answered > 0, cases[i].answered);
        assert_int_equal(rig_drops(&rig, DROP_ICMP_ERROR_FORBIDDEN), forbidden);
    }
    const size_t length =
        rig_ipv6(frame, &group, &guest, 0, &own, &far, IP_PROTOCOL_UDP, 1, echo, 8);
    assert_int_equal(ask(&rig, PUNT_TTL_EXPIRED, frame, length, answer), 0);
    assert_int_equal(rig_drops(&rig, DROP_ICMP_ERROR_FORBIDDEN), forbidden + 1);
    rig_close(&rig);
}

static void
both_families_share_the_limit_of_their_interface(void **state)
{
    struct rig rig;
    uint8_t frame[200], answer[16384], payload[8] = { 0 };
    const struct mac_addr router4 = MAC_VIRTUAL_ROUTER;
    unsigned answered = 0;
    (void)state;

    rig_open(&rig);
    for (unsigned i = 0; i < 200; i++) {
        const size_t length = i % 2 == 0 ? packet6(frame, OWN, FAR, IP_PROTOCOL_UDP, payload, 8)
                                         : rig_ipv4(frame, &router4, &guest, 0, 0x0a00000b,
                                                    0x0a010001, IP_PROTOCOL_UDP, 0, payload, 8);
        answered += ask(&rig, PUNT_TTL_EXPIRED, frame, length, answer) > 0;
    }
    assert_int_equal(answered, 50);
    assert_int_equal(rig_drops(&rig, DROP_ICMP_ERROR_RATE), 150);
    rig_close(&rig);
}

/* A packet that came out of a tunnel into the VRF. */
static size_t
from_tunnel(struct rig *rig, enum punt_reason reason, uint32_t vrf, const uint8_t *packet,
            size_t length, uint8_t *answer)
{
    const struct packet_note note = {
        .reason = (uint8_t)reason,
        .port = RIG_UNDERLAY,
        .vif = VIF_NONE,
        .vrf = vrf,
        .mtu = 1400,
    };
    uint16_t port;

    rig_punt_packet(rig, rig_packet(rig, packet, length, 0), &note);
    assert_int_equal(rig_turn(rig), 1);
    return rig_take(rig, answer, 16384, &port);
}

static void
about_a_packet_from_a_tunnel_the_vrf_is_asked_for_the_way_back(void **state)
{
    static const struct {
        enum punt_reason reason;
        uint8_t type, type6, code, mtu;
    } kinds[] = {
        { PUNT_TTL_EXPIRED, 11, ICMP6_TIME_EXCEEDED, 0, 0 },
        { PUNT_TOO_BIG, 3, ICMP6_TOO_BIG, 4, 1 },
    };
    struct rig rig;
    uint8_t frame[200], answer[16384], payload[60] = { 0 };
    struct ip_view ip;
    (void)state;

    rig_open(&rig);
    for (size_t i = 0; i < 2; i++) {
        size_t length = packet6(frame, FAR, OWN, IP_PROTOCOL_UDP, payload, 60) - 14;
        size_t told = from_tunnel(&rig, kinds[i].reason, rig.vrf, frame + 14, length, answer);
        const uint8_t *message = check_packet(answer, told, BEYOND, FAR);

        assert_int_equal(rig.note.task, TASK_ROUTE);
        assert_int_equal(rig.note.vrf, rig.vrf);
        assert_int_equal(message[0], kinds[i].type6);
        assert_int_equal(message[1], 0);
        assert_int_equal(message[6] << 8 | message[7], kinds[i].mtu ? 1400 : 0);
        assert_int_equal(told, 40 + 8 + length);
        assert_memory_equal(message + 8, frame + 14, length);

        length = rig_ipv4(frame, &router, &guest, 0, 0x0a010001, 0x0a00000b, IP_PROTOCOL_UDP,
                          IPV4_DONT_FRAGMENT, payload, 60) -
                 14;
        told = from_tunnel(&rig, kinds[i].reason, rig.vrf, frame + 14, length, answer);
        assert_int_equal(parse_ipv4(answer, told, told, &ip), PARSE_OK);
        assert_int_equal(ip.source, 0xa9fe0001);
        assert_int_equal(ip.destination, 0x0a010001);
        assert_int_equal(checksum_finish(checksum_add(0, answer + 20, told - 20)), 0);
        assert_int_equal(answer[20], kinds[i].type);
        assert_int_equal(answer[21], kinds[i].code);
        assert_int_equal(answer[26] << 8 | answer[27], kinds[i].mtu ? 1400 : 0);
        assert_int_equal(told, 28 + length);
        assert_memory_equal(answer + 28, frame + 14, length);
    }
    rig_close(&rig);
}

static void
errors_through_vrfs_have_the_same_exceptions_and_a_limit_for_each(void **state)
{
    struct rig rig;
    uint8_t frame[200], answer[16384], payload[8] = { 1 };
    unsigned told = 0;
    uint32_t other;
    (void)state;

    rig_open(&rig);
    assert_int_equal(vrf_add(&rig.tables->vrfs, 0x0a000001, &other), 0);
    size_t length = packet6(frame, FAR, OWN, IP_PROTOCOL_ICMPV6, payload, 8) - 14;
    assert_int_equal(from_tunnel(&rig, PUNT_TOO_BIG, rig.vrf, frame + 14, length, answer), 0);
    length = packet6(frame, OWN_LINK, OWN, IP_PROTOCOL_UDP, payload, 8) - 14;
    assert_int_equal(from_tunnel(&rig, PUNT_TOO_BIG, rig.vrf, frame + 14, length, answer), 0);
    assert_int_equal(rig_drops(&rig, DROP_ICMP_ERROR_FORBIDDEN), 2);

    length = packet6(frame, FAR, OWN, IP_PROTOCOL_UDP, payload, 8) - 14;
    for (unsigned i = 0; i < 200; i++)
        told += from_tunnel(&rig, PUNT_TTL_EXPIRED, rig.vrf, frame + 14, length, answer) > 0;
    assert_int_equal(told, 50);
    assert_int_equal(rig_drops(&rig, DROP_ICMP_ERROR_RATE), 150);
    assert_true(from_tunnel(&rig, PUNT_TTL_EXPIRED, other, frame + 14, length, answer) > 0);
    assert_int_equal(rig.note.vrf, other);
    assert_int_equal(from_tunnel(&rig, PUNT_TTL_EXPIRED, VRF_NONE, frame + 14, length, answer), 0);
    assert_int_equal(rig_drops(&rig, DROP_TTL_EXPIRED), 1);
    rig_close(&rig);
}

static void
packets_cut_short_are_dropped(void **state)
{
    const struct ip_addr source = rig_address(OWN), gateway = rig_address(GATEWAY);
    struct rig rig;
    uint8_t frame[200], answer[16384], body[8] = { 0 };
    (void)state;

    rig_open(&rig);
    const size_t length = rig_icmp6(frame, &router, &guest, 0, &source, &gateway, 1,
                                    ICMP6_ECHO_REQUEST, 0, body, sizeof(body));
    for (size_t cut = 1; cut < length; cut++) {
        assert_int_equal(ask(&rig, PUNT_GATEWAY, frame, cut, answer), 0);
        assert_int_equal(ask(&rig, PUNT_TTL_EXPIRED, frame, cut, answer), 0);
        if (cut < length - 14)
            assert_int_equal(from_tunnel(&rig, PUNT_TOO_BIG, rig.vrf, frame + 14, cut, answer), 0);
    }
    rig_close(&rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_gateway_answers_echo),
        cmocka_unit_test(what_is_no_echo_request_is_dropped),
        cmocka_unit_test(errors_quote_what_fits_and_come_from_the_gateway),
        cmocka_unit_test(no_error_is_sent_about_what_rfc_4443_excepts),
        cmocka_unit_test(both_families_share_the_limit_of_their_interface),
        cmocka_unit_test(about_a_packet_from_a_tunnel_the_vrf_is_asked_for_the_way_back),
        cmocka_unit_test(errors_through_vrfs_have_the_same_exceptions_and_a_limit_for_each),
        cmocka_unit_test(packets_cut_short_are_dropped),
    };

    rig_start_eal();
    return cmocka_run_group_tests_name("icmp6", tests, NULL, NULL);
}
