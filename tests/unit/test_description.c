/* SPDX-License-Identifier: BSD-3-Clause */

/* lib/net/description.h: packets in a line of text, there and back. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "lib/net/checksum.h"
#include "lib/net/description.h"
#include "lib/net/encapsulation.h"
#include "lib/net/parse.h"

static struct description built;

static void
build(const char *text)
{
    char problem[DESCRIPTION_PROBLEM_MAX];

    if (description_build(text, &built, problem) != 0)
        fail_msg("%s: %s", text, problem);
}

static void
a_udp_packet_has_what_was_said(void **state)
{
    struct ip_view ip;
    (void)state;

    build("udp 10.0.0.11:5000 > 10.0.0.12:53 ttl 7 size 98 dscp ef ecn ce id 4711 df");
    assert_int_equal(built.length, 98);
    assert_int_equal(parse_ip(built.packet, 98, 98, &ip), PARSE_OK);
    assert_int_equal(ip.total_length, 98);
    assert_int_equal(ip.source, 0x0a00000b);
    assert_int_equal(ip.destination, 0x0a00000c);
    assert_int_equal(ip_view_ttl(&ip), 7);
    assert_int_equal(ip_view_class(&ip), 46 << 2 | 3);
    assert_int_equal(be16toh(ip.v4->identification), 4711);
    assert_int_equal(be16toh(ip.v4->fragment), IPV4_DONT_FRAGMENT);

    const struct udp_header *udp = (const void *)(ip.octets + ip.transport);
    assert_int_equal(be16toh(udp->source_port), 5000);
    assert_int_equal(be16toh(udp->destination_port), 53);
    assert_int_equal(be16toh(udp->length), 78);
    assert_int_equal(checksum_transport_v4(ip.v4, udp, 78), 0);
}

static void
the_checksums_of_every_protocol_are_right(void **state)
{
    struct ip_view ip;
    (void)state;

    build("icmp 10.0.0.11 > 10.0.0.12 size 64");
    assert_int_equal(parse_ip(built.packet, 64, 64, &ip), PARSE_OK);
    assert_int_equal(built.packet[20], 8);
    assert_int_equal(checksum_finish(checksum_add(0, built.packet + 20, 44)), 0);

    build("tcp 10.0.0.11 > 10.0.0.12:80 flags syn,ack mss 1400");
    assert_int_equal(built.length, 44);
    assert_int_equal(built.packet[33], 0x12);
    assert_memory_equal(built.packet + 40, "\x02\x04\x05\x78", 4);
    assert_int_equal(checksum_transport_v4((const void *)built.packet, built.packet + 20, 24), 0);

    build("icmp6 2001:db8::1 > 2001:db8::2 type 129 code 1 size 100");
    assert_int_equal(parse_ip(built.packet, 100, 100, &ip), PARSE_OK);
    assert_int_equal(built.packet[40], 129);
    assert_int_equal(built.packet[41], 1);
    assert_int_equal(checksum_transport_v6((const void *)built.packet, IP_PROTOCOL_ICMPV6,
                                           built.packet + 40, 60),
                     0);

    build("udp [2001:db8::1]:7 > [2001:db8::2]:9 ttl 3 dscp 63");
    assert_int_equal(parse_ip(built.packet, built.length, built.length, &ip), PARSE_OK);
    assert_int_equal(ip_view_ttl(&ip), 3);
    assert_int_equal(ip_view_class(&ip), 63 << 2);
    assert_int_equal(
        checksum_transport_v6((const void *)built.packet, IP_PROTOCOL_UDP, built.packet + 40, 8),
        0);
}

static void
fragments_have_their_place(void **state)
{
    struct ip_view ip;
    (void)state;

    build("udp 10.0.0.11 > 10.0.0.12 fragment 1480 more size 60");
    assert_int_equal(parse_ip(built.packet, 60, 60, &ip), PARSE_OK);
    assert_true(ip.fragment);
    assert_int_equal(be16toh(ip.v4->fragment), IPV4_MORE_FRAGMENTS | 185);

    build("udp 2001:db8::1 > 2001:db8::2 fragment 1448 id 9");
    assert_int_equal(built.length, 48);
    assert_int_equal(parse_ip(built.packet, 48, 48, &ip), PARSE_OK);
    assert_true(ip.fragment);
    assert_int_equal(ip.v6->next_header, IPV6_FRAGMENT);
    assert_memory_equal(built.packet + 40, "\x11\x00\x05\xa8\x00\x00\x00\x09", 8);
}

static void
a_tunnel_carries_the_packet_behind_the_slash(void **state)
{
    static const struct {
        const char *text;
        uint8_t encapsulation;
        uint16_t inner_offset;
    } cases[] = {
        { "udp 192.0.2.12 > 192.0.2.11 label 31 / icmp 10.0.0.12 > 10.0.0.11", ENCAP_UDP, 32 },
        { "gre 192.0.2.12 > 192.0.2.11 label 31/icmp 10.0.0.12>10.0.0.11", ENCAP_GRE, 28 },
        { "vxlan 192.0.2.12 > 192.0.2.11 label 31 / icmp6 fd00::1 > fd00::2", ENCAP_VXLAN, 50 },
        { "gre fd00::12 > fd00::11 label 31 / udp 10.0.0.12 > 10.0.0.11", ENCAP_GRE, 48 },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tunnel_view tunnel;
        struct ip_view outer, inner;

        build(cases[i].text);
        assert_int_equal(parse_ip(built.packet, built.length, built.length, &outer), PARSE_OK);
        assert_int_equal(outer.total_length, built.length);
        assert_int_equal(parse_tunnel(&outer, built.length, &tunnel), PARSE_OK);
        assert_int_equal(tunnel.encapsulation, cases[i].encapsulation);
        assert_int_equal(tunnel.label, 31);
        assert_int_equal(tunnel.inner_offset, cases[i].inner_offset);
        assert_int_equal(parse_ip(built.packet + tunnel.inner_offset,
                                  built.length - tunnel.inner_offset,
                                  built.length - tunnel.inner_offset, &inner),
                         PARSE_OK);
        assert_int_equal(inner.total_length, built.length - tunnel.inner_offset);
    }
}

static void
the_frames_addresses_can_be_said(void **state)
{
    (void)state;

    build("icmp 10.0.0.11 > 10.0.0.12 from 02:00:00:00:00:01");
    assert_true(built.has_from);
    assert_false(built.has_to);
    assert_int_equal(built.from.octets[5], 1);
    build("icmp 10.0.0.11 > 10.0.0.12 to 02:00:00:00:00:02");
    assert_false(built.has_from);
    assert_true(built.has_to);
}

static void
what_is_wrong_is_told_with_its_place(void **state)
{
    static const struct {
        const char *text, *problem;
    } cases[] = {
        { "", "character 1: expected udp, tcp, icmp, icmp6, ip, gre or vxlan" },
        { "dup 1.2.3.4 > 1.2.3.4",
          "character 1: expected udp, tcp, icmp, icmp6, ip, gre or vxlan" },
        { "udp 10.0.0.256 > 10.0.0.1",
          "character 5: expected an IPv4 or IPv6 address, or ADDRESS:PORT" },
        { "udp 10.0.0.1:65536 > 10.0.0.1", "character 5: expected a port from 0 to 65535" },
        { "udp [::1 > ::2", "character 5: expected [ADDRESS]:PORT" },
        { "icmp 10.0.0.1 > 10.0.0.2:53", "character 17: only udp, tcp and vxlan have ports" },
        { "ip 10.0.0.1:53 > 10.0.0.2", "character 4: only udp, tcp and vxlan have ports" },
        { "udp 10.0.0.1 10.0.0.1", "character 14: expected '>' between the addresses" },
        { "udp 10.0.0.1 >", "character 15: expected an IPv4 or IPv6 address, or ADDRESS:PORT" },
        { "udp 10.0.0.1 > ::1", "character 19: one address is IPv4, the other one IPv6" },
        { "icmp ::1 > ::1", "character 15: icmp is for IPv4, icmp6 for IPv6" },
        { "udp 10.0.0.1 > 10.0.0.1 ttl", "character 28: ttl: expected a number up to 255" },
        { "udp 10.0.0.1 > 10.0.0.1 ttl 256", "character 29: ttl: expected a number up to 255" },
        { "udp 10.0.0.1 > 10.0.0.1 dscp best", "character 30: dscp: expected a number up to 63" },
        { "udp 10.0.0.1 > 10.0.0.1 hops 3", "character 25: unknown word 'hops'" },
        { "udp 10.0.0.1 > 10.0.0.1 fragment 12",
          "character 36: fragment: expected a multiple of 8" },
        { "udp 10.0.0.1 > 10.0.0.1 / udp 10.0.0.1 > 10.0.0.1",
          "character 25: label: missing before '/'" },
        { "udp 10.0.0.1 > 10.0.0.1 label 3",
          "character 32: expected '/' and the packet in the tunnel" },
        { "udp 10.0.0.1 > 10.0.0.1 label 1048576 / ip 10.0.0.1 > 10.0.0.1",
          "character 39: label: expected a number up to 1048575" },
        { "udp 10.0.0.1 > 10.0.0.1 size 20", "size 20: the headers alone have 28 octets" },
        { "tcp 10.0.0.1 > 10.0.0.1 flags syn,",
          "character 31: expected a list of fin, syn, rst, psh, "
          "ack, urg, ece, cwr" },
        { "udp 10.0.0.1 > 10.0.0.1 from here", "character 30: expected a MAC address" },
        { "udp 10.0.0.1 > 10.0.0.1 "
          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
          "character 25: a word of more than 63 characters" },
        { "gre 1.1.1.1 > 1.1.1.1 label 1 / gre 1.1.1.1 > 1.1.1.1 label 1 / "
          "gre 1.1.1.1 > 1.1.1.1 label 1 / ip 1.1.1.1 > 1.1.1.1",
          "character 95: a tunnel in a tunnel in a tunnel" },
        { "gre 1.1.1.1 > 1.1.1.1 label 1 / ip 1.1.1.1 > 1.1.1.1 size 9728",
          "more than 9728 octets" },
    };
    char problem[DESCRIPTION_PROBLEM_MAX];
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(description_build(cases[i].text, &built, problem), -EINVAL);
        assert_string_equal(problem, cases[i].problem);
    }
}

/* What is written of a packet builds the same packet again. */
static void
a_packet_is_described_in_the_same_words(void **state)
{
    static const char *const texts[] = {
        "udp 10.0.0.11:5000 > 10.0.0.12:53 ttl 64 size 98",
        "udp [2001:db8::1]:5000 > [2001:db8::2]:53 ttl 64 size 98 dscp af11 ecn ect0",
        "tcp 10.0.0.11:5000 > 10.0.0.12:80 ttl 1 size 44 id 7 df flags syn mss 1460",
        "tcp 10.0.0.11:5000 > 10.0.0.12:80 ttl 1 size 40 flags fin,psh,ack",
        "icmp 10.0.0.11 > 10.0.0.12 ttl 255 size 28",
        "icmp 10.0.0.11 > 10.0.0.12 ttl 255 size 56 dscp 3 type 3 code 4",
        "icmp6 fe80::1 > fe80::2 ttl 255 size 1280 type 135",
        "ip 10.0.0.11 > 10.0.0.12 ttl 64 size 20 protocol 132",
        "ip 10.0.0.11 > 10.0.0.12 ttl 64 size 60 id 3 fragment 1480 more protocol 17",
        "ip fd00::1 > fd00::2 ttl 64 size 60 id 3 fragment 1448 protocol 17",
        "udp 192.0.2.12:50000 > 192.0.2.11 ttl 64 df label 31 / icmp 10.0.0.12 > 10.0.0.11 ttl 63 "
        "size 84",
        "gre fd00::12 > fd00::11 ttl 64 label 31 / icmp6 fd00::2 > fd00::1 ttl 63 size 84",
        "vxlan 192.0.2.12:50001 > 192.0.2.11 ttl 64 df label 16777215 / icmp 10.0.0.12 > 10.0.0.11 "
        "ttl 63 size 84",
    };
    char text[DESCRIPTION_TEXT_MAX];
    (void)state;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        build(texts[i]);
        description_of_packet(built.packet, built.length, built.length, text, sizeof(text));
        assert_string_equal(text, texts[i]);
    }
}

static void
frames_are_described_by_what_they_carry(void **state)
{
    static const uint8_t arp[42] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0,  1, 8, 6,
                                     0,    1,    8,    0,    6,    4,    0, 1, 2, 0, 0,  0, 0, 1,
                                     10,   0,    0,    11,   0,    0,    0, 0, 0, 0, 10, 0, 0, 1 };
    static const uint8_t lldp[14] = { 1, 0x80, 0xc2, 0, 0, 14, 2, 0, 0, 0, 0, 1, 0x88, 0xcc };
    uint8_t tagged[18 + 28] = { 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1, 0x81, 0, 0, 100, 8, 0 };
    char text[DESCRIPTION_TEXT_MAX];
    (void)state;

    description_of_frame(arp, sizeof(arp), sizeof(arp), text, sizeof(text));
    assert_string_equal(text, "arp: 10.0.0.11 asks for 10.0.0.1");
    description_of_frame(lldp, sizeof(lldp), 60, text, sizeof(text));
    assert_string_equal(text, "60 octets of Ethernet type 0x88cc");
    description_of_frame(lldp, 9, 9, text, sizeof(text));
    assert_string_equal(text, "9 octets that are no Ethernet frame");
    build("icmp 10.0.0.11 > 10.0.0.12");
    memcpy(tagged + 18, built.packet, 28);
    description_of_frame(tagged, sizeof(tagged), sizeof(tagged), text, sizeof(text));
    assert_string_equal(text, "icmp 10.0.0.11 > 10.0.0.12 ttl 64 size 28");
    description_of_packet(built.packet, 28, 27, text, sizeof(text));
    assert_string_equal(text, "27 octets that are no valid IP packet");
    description_of_packet(built.packet, 28, 28, text, 10);
    assert_string_equal(text, "icmp 10.0");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_udp_packet_has_what_was_said),
        cmocka_unit_test(the_checksums_of_every_protocol_are_right),
        cmocka_unit_test(fragments_have_their_place),
        cmocka_unit_test(a_tunnel_carries_the_packet_behind_the_slash),
        cmocka_unit_test(the_frames_addresses_can_be_said),
        cmocka_unit_test(what_is_wrong_is_told_with_its_place),
        cmocka_unit_test(a_packet_is_described_in_the_same_words),
        cmocka_unit_test(frames_are_described_by_what_they_carry),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
