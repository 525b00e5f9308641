/* SPDX-License-Identifier: BSD-3-Clause */

/* Messages of neighbour discovery on the underlay, from and to the slow path of a rig. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "neighbour6_rig.h"

#include "lib/net/checksum.h"
#include "lib/net/parse.h"

const struct mac_addr ours = { { 0x02, 0, 0, 0, 0, 0xaa } };
const struct mac_addr peer = { { 0x02, 0, 0, 0, 0, 0xbb } };
const struct mac_addr moved = { { 0x02, 0, 0, 0, 0, 0xbc } };
const struct mac_addr all = { { 0x33, 0x33, 0, 0, 0, 1 } };
const struct mac_addr ours_group = { { 0x33, 0x33, 0xff, 0, 0, 0x11 } };
const struct mac_addr peer_group = { { 0x33, 0x33, 0xff, 0, 0, 0x12 } };

void
open_rig(struct rig *rig, uint16_t vlan)
{
    const struct underlay underlay = { .v6 = rig_address(OURS), .vlan = vlan, .mtu = 1500 };

    rig_open_on(rig, &underlay);
}

struct adjacency *
want(struct rig *rig, const char *address)
{
    const struct ip_addr ip = rig_address(address);
    uint32_t index;

    assert_int_equal(adjacency_get(&rig->tables->adjacencies, RIG_UNDERLAY, &ip, &index), 0);
    rig_turn(rig);
    return &rig->tables->adjacencies.entries[index];
}

void
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

void
expect_question(struct rig *rig)
{
    expect_message(rig, &peer_group, OURS, PEER_GROUP, ND_NEIGHBOUR_SOLICITATION, 0, PEER, &ours);
}

void
expect_probe(struct rig *rig, const struct mac_addr *mac)
{
    expect_message(rig, mac, OURS, PEER, ND_NEIGHBOUR_SOLICITATION, 0, PEER, &ours);
}

void
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

void
hear_answer(struct rig *rig, uint8_t flags, const struct mac_addr *mac)
{
    hear(rig, &peer, PEER, (flags & SOLICITED) != 0 ? OURS : ALL, ND_NEIGHBOUR_ADVERTISEMENT, flags,
         PEER, mac);
}

struct adjacency *
open_asked(struct rig *rig, uint16_t vlan)
{
    open_rig(rig, vlan);
    struct adjacency *adjacency = want(rig, PEER);
    expect_question(rig);
    return adjacency;
}

struct adjacency *
open_known(struct rig *rig, uint16_t vlan)
{
    struct adjacency *adjacency = open_asked(rig, vlan);

    hear_answer(rig, SOLICITED | OVERRIDE, &peer);
    return adjacency;
}
