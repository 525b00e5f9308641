/* SPDX-License-Identifier: BSD-3-Clause */

/* lib/net/parse: views are given only of what is whole. Each packet lies in a block of exactly its
 * size, so that AddressSanitizer sees a read beyond it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "lib/net/checksum.h"
#include "lib/net/encapsulation.h"
#include "lib/net/parse.h"

#define PACKET_MAX 256

struct packet {
    size_t length;
    uint8_t octets[PACKET_MAX];
};

static void
append(struct packet *packet, const void *data, size_t length)
{
    memcpy(packet->octets + packet->length, data, length);
    packet->length += length;
}

static uint8_t *
exact_copy(const struct packet *packet, size_t length)
{
    uint8_t *copy = malloc(length == 0 ? 1 : length);

    assert_non_null(copy);
    memcpy(copy, packet->octets, length);
    return copy;
}

/* An IPv4 packet with `options` octets of options and `payload` octets behind. */
static struct packet
ipv4_packet(uint8_t protocol, size_t options, const void *payload, size_t length)
{
    struct ipv4_header header = {
        .version_ihl = (uint8_t)(0x45 + options / 4),
        .total_length = htobe16((uint16_t)(sizeof(header) + options + length)),
        .ttl = 64,
        .protocol = protocol,
        .source = htobe32(0xc000020c),
        .destination = htobe32(0xc000020b),
    };
    struct packet packet = { 0 };
    static const uint8_t zeros[40];

    append(&packet, &header, sizeof(header));
    append(&packet, zeros, options);
    header.checksum = checksum_ipv4(packet.octets, packet.length);
    memcpy(packet.octets, &header, sizeof(header));
    append(&packet, payload, length);
    return packet;
}

static void
frames_with_and_without_a_tag(void **state)
{
    static const struct {
        uint16_t type, tci, inner;
        size_t length;
        enum drop_reason reason;
        uint16_t vlan, found, offset;
    } cases[] = {
        { 0x0800, 0, 0, 14, PARSE_OK, 0, 0x0800, 14 },
        { 0x0800, 0, 0, 13, DROP_FRAME_TOO_SHORT, 0, 0, 0 },
        { 0x0800, 0, 0, 0, DROP_FRAME_TOO_SHORT, 0, 0, 0 },
        { 0x8100, 100, 0x0800, 18, PARSE_OK, 100, 0x0800, 18 },
        { 0x8100, 0xe064, 0x0806, 18, PARSE_OK, 100, 0x0806, 18 },
        { 0x8100, 0xe000, 0x0800, 18, PARSE_OK, 0, 0x0800, 18 },
        { 0x8100, 100, 0x8100, 22, PARSE_OK, 100, 0x8100, 18 },
        { 0x8100, 100, 0, 17, DROP_FRAME_TOO_SHORT, 0, 0, 0 },
        { 0x88a8, 100, 0x0800, 18, PARSE_OK, 0, 0x88a8, 14 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct packet frame = { .length = 22 };
        const be16 words[] = { htobe16(cases[i].type), htobe16(cases[i].tci),
                               htobe16(cases[i].inner) };
        struct frame_view view;

        memcpy(frame.octets + 12, words, sizeof(words));
        uint8_t *octets = exact_copy(&frame, cases[i].length);
        assert_int_equal(parse_frame(octets, cases[i].length, &view), cases[i].reason);
        if (cases[i].reason == PARSE_OK) {
            assert_int_equal(view.vlan, cases[i].vlan);
            assert_int_equal(view.type, cases[i].found);
            assert_int_equal(view.l3_offset, cases[i].offset);
            assert_ptr_equal(view.eth, octets);
        }
        free(octets);
    }
}

static void
ipv4_at_every_length(void **state)
{
    const struct packet packet = ipv4_packet(17, 8, "payload", 7);

    (void)state;
    for (size_t length = 0; length <= packet.length; length++) {
        uint8_t *octets = exact_copy(&packet, length);
        struct ip_view view;
        const enum drop_reason reason = parse_ipv4(octets, length, length, &view);

        if (length < 20)
            assert_int_equal(reason, DROP_FRAME_TOO_SHORT);
        else if (length < packet.length)
            assert_int_equal(reason, DROP_IP_HEADER);
        else
            assert_int_equal(reason, PARSE_OK);
        /* the same packet whose rest lies in another segment */
        assert_int_equal(parse_ipv4(octets, length, packet.length, &view),
                         length < 28 ? DROP_FRAME_TOO_SHORT : PARSE_OK);
        free(octets);
    }
}

static void
ipv4_gives_what_the_header_says(void **state)
{
    const struct packet packet = ipv4_packet(17, 4, "padded", 3);
    struct ip_view view;

    (void)state;
    assert_int_equal(parse_ipv4(packet.octets, 40, 40, &view), PARSE_OK);
    assert_int_equal(view.header_length, 24);
    assert_int_equal(view.total_length, 27);
    assert_int_equal(view.source, 0xc000020c);
    assert_int_equal(view.destination, 0xc000020b);
}

static void
icmp_errors_are_told_from_other_messages(void **state)
{
    static const uint8_t errors[] = { 3, 4, 5, 11, 12 };

    (void)state;
    for (unsigned type = 0; type < 256; type++) {
        const uint8_t first = (uint8_t)type;
        const bool is_error = memchr(errors, (int)type, sizeof(errors)) != NULL;
        const struct packet packet = ipv4_packet(IP_PROTOCOL_ICMP, 4, &first, 1);
        uint8_t *octets = exact_copy(&packet, packet.length);
        struct ip_view view;

        assert_int_equal(parse_ipv4(octets, packet.length, packet.length, &view), PARSE_OK);
        assert_int_equal(parse_is_icmp_error(&view, packet.length), is_error);
        assert_false(parse_is_icmp_error(&view, packet.length - 1)); /* it cannot be read */
        view.fragment = true;
        assert_false(parse_is_icmp_error(&view, packet.length));
        view.fragment = false;
        view.protocol = IP_PROTOCOL_ICMPV6;
        assert_false(parse_is_icmp_error(&view, packet.length));
        view.family = IP_V6;
        assert_int_equal(parse_is_icmp_error(&view, packet.length), type < 128);
        view.transport = view.total_length; /* nothing is carried */
        assert_false(parse_is_icmp_error(&view, packet.length + 1));
        free(octets);
    }
}

/* GRE (flags and what they bring) or UDP, a label entry, and an inner packet of 4 octets. */
static struct packet
tunnel_packet(uint8_t protocol, uint16_t gre_flags, uint32_t entry)
{
    struct packet shim = { 0 };
    const be32 label = htobe32(entry);

    if (protocol == IP_PROTOCOL_UDP) {
        const struct udp_header udp = { htobe16(50000), htobe16(UDP_PORT_MPLS), htobe16(16), 0 };
        append(&shim, &udp, sizeof(udp));
    } else {
        const struct gre_header gre = { htobe16(gre_flags), htobe16(ETHERTYPE_MPLS) };
        append(&shim, &gre, sizeof(gre));
        if (gre_flags & GRE_FLAG_CHECKSUM)
            append(&shim, "\0\0\0\0", 4);
        if (gre_flags & GRE_FLAG_KEY)
            append(&shim, "keys", 4);
    }
    append(&shim, &label, sizeof(label));
    append(&shim, "rest", 4);
    if (protocol == IP_PROTOCOL_GRE && (gre_flags & GRE_FLAG_CHECKSUM)) {
        const be16 checksum = checksum_finish(checksum_add(0, shim.octets, shim.length));
        memcpy(shim.octets + 4, &checksum, sizeof(checksum));
    }
    return ipv4_packet(protocol, 0, shim.octets, shim.length);
}

static enum drop_reason
parse_outer(const uint8_t *octets, size_t here, size_t length, struct tunnel_view *tunnel)
{
    struct ip_view outer;
    const enum drop_reason reason = parse_ipv4(octets, here, length, &outer);

    return reason == PARSE_OK ? parse_tunnel(&outer, here, tunnel) : reason;
}

static void
c05_tunnels_and_their_label(void **state)
{
    static const struct {
        uint8_t protocol;
        uint16_t flags;
        uint32_t entry;
        enum drop_reason reason;
        uint8_t encapsulation;
        uint16_t inner;
    } cases[] = {
        { IP_PROTOCOL_UDP, 0, 0x0001013f, PARSE_OK, ENCAP_UDP, 32 },
        { IP_PROTOCOL_GRE, 0, 0x0001013f, PARSE_OK, ENCAP_GRE, 28 },
        { IP_PROTOCOL_GRE, GRE_FLAG_KEY, 0x0001013f, PARSE_OK, ENCAP_GRE, 32 },
        { IP_PROTOCOL_GRE, GRE_FLAG_CHECKSUM, 0x0001013f, PARSE_OK, ENCAP_GRE, 32 },
        { IP_PROTOCOL_GRE, GRE_FLAG_KEY | GRE_FLAG_CHECKSUM, 0x0001013f, PARSE_OK, ENCAP_GRE, 36 },
        { IP_PROTOCOL_GRE, 0x1000, 0x0001013f, DROP_GRE_HEADER, 0, 0 },
        { IP_PROTOCOL_GRE, 0x4000, 0x0001013f, DROP_GRE_HEADER, 0, 0 },
        { IP_PROTOCOL_GRE, 0x0001, 0x0001013f, DROP_GRE_HEADER, 0, 0 },
        { IP_PROTOCOL_GRE, 0, 0x0001003f, DROP_LABEL_STACK, 0, 0 },
        { IP_PROTOCOL_UDP, 0, 0x0001003f, DROP_LABEL_STACK, 0, 0 },
        { IP_PROTOCOL_TCP, 0, 0x0001013f, DROP_UNDERLAY_PROTOCOL, 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct packet packet =
            tunnel_packet(cases[i].protocol, cases[i].flags, cases[i].entry);
        struct tunnel_view view;

        assert_int_equal(parse_outer(packet.octets, packet.length, packet.length, &view),
                         cases[i].reason);
        if (cases[i].reason != PARSE_OK)
            continue;
        assert_int_equal(view.label, 16);
        assert_int_equal(view.encapsulation, cases[i].encapsulation);
        assert_int_equal(view.inner_offset, cases[i].inner);
    }
}

static void
tunnels_whose_headers_lie_in_two_segments(void **state)
{
    static const uint16_t flags[] = { 0, GRE_FLAG_KEY, GRE_FLAG_CHECKSUM };

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        const struct packet packet = i == 3 ? tunnel_packet(IP_PROTOCOL_UDP, 0, 0x0001013f)
                                            : tunnel_packet(IP_PROTOCOL_GRE, flags[i], 0x0001013f);
        const size_t headers = packet.length - 4;

        for (size_t here = 0; here <= packet.length; here++) {
            uint8_t *octets = exact_copy(&packet, here);
            struct tunnel_view view;

            assert_int_equal(parse_outer(octets, here, packet.length, &view),
                             here < headers ? DROP_FRAME_TOO_SHORT : PARSE_OK);
            /* a checksum can be verified only over a whole datagram */
            if (here >= headers)
                assert_int_equal(view.unverified, i == 2 && here < packet.length);
            free(octets);
        }
    }
}

static uint32_t
hash_of(const struct packet *packet)
{
    struct ip_view view;
    uint8_t *octets = exact_copy(packet, packet->length);

    assert_int_equal(parse_ipv4(octets, packet->length, packet->length, &view), PARSE_OK);
    const uint32_t hash = parse_flow_hash(&view, packet->length);
    free(octets);
    return hash;
}

static void
c38_flows_hash_by_their_ports_and_fragments_do_not(void **state)
{
    const struct packet a = ipv4_packet(IP_PROTOCOL_UDP, 0, "\1\2\3\4....", 8);
    const struct packet b = ipv4_packet(IP_PROTOCOL_UDP, 0, "\1\3\3\4....", 8);
    const struct packet longer = ipv4_packet(IP_PROTOCOL_UDP, 0, "\1\2\3\4....more", 12);
    const struct packet tcp = ipv4_packet(IP_PROTOCOL_TCP, 0, "\1\2\3\4....", 8);
    const struct packet icmp = ipv4_packet(IP_PROTOCOL_ICMP, 0, "\1\2\3\4....", 8);
    const struct packet ping = ipv4_packet(IP_PROTOCOL_ICMP, 0, "\1\3\3\4....", 8);
    const struct packet tiny = ipv4_packet(IP_PROTOCOL_UDP, 0, "\1\2\3", 3);
    struct packet first = a, later = b;

    (void)state;
    assert_int_equal(hash_of(&a), hash_of(&longer));
    assert_int_not_equal(hash_of(&a), hash_of(&b));
    assert_int_not_equal(hash_of(&a), hash_of(&tcp));
    assert_int_equal(hash_of(&icmp), hash_of(&ping));
    assert_int_not_equal(hash_of(&tiny), hash_of(&a));

    const be16 flags[] = { htobe16(IPV4_MORE_FRAGMENTS), htobe16(3) };
    struct packet *const fragments[] = { &first, &later };
    for (size_t i = 0; i < 2; i++) {
        struct ipv4_header header;
        memcpy(&header, fragments[i]->octets, sizeof(header));
        header.fragment = flags[i];
        header.checksum = 0;
        header.checksum = checksum_ipv4(&header, sizeof(header));
        memcpy(fragments[i]->octets, &header, sizeof(header));
    }
    assert_int_equal(hash_of(&first), hash_of(&later));
}

/* Neighbouring ports must not meet in a bucket more often than chance has it. */
static void
c38_flow_hashes_spread(void **state)
{
    unsigned buckets[64] = { 0 };

    (void)state;
    for (unsigned port = 0; port < 6400; port++) {
        const uint8_t payload[8] = { (uint8_t)(port >> 8), (uint8_t)port, 0, 53 };
        const struct packet packet = ipv4_packet(IP_PROTOCOL_UDP, 0, payload, sizeof(payload));
        buckets[hash_of(&packet) % 64]++;
    }
    for (unsigned i = 0; i < 64; i++)
        assert_in_range(buckets[i], 60, 140);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_with_and_without_a_tag),
        cmocka_unit_test(ipv4_at_every_length),
        cmocka_unit_test(ipv4_gives_what_the_header_says),
        cmocka_unit_test(icmp_errors_are_told_from_other_messages),
        cmocka_unit_test(c05_tunnels_and_their_label),
        cmocka_unit_test(tunnels_whose_headers_lie_in_two_segments),
        cmocka_unit_test(c38_flows_hash_by_their_ports_and_fragments_do_not),
        cmocka_unit_test(c38_flow_hashes_spread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
