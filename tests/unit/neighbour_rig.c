/* SPDX-License-Identifier: BSD-3-Clause */

/* Frames of the underlay, from and to the slow path of a rig. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "neighbour_rig.h"

const struct mac_addr any = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
const struct mac_addr ours = { { 0x02, 0, 0, 0, 0, 0xaa } };
const struct mac_addr peer = { { 0x02, 0, 0, 0, 0, 0xbb } };

uint32_t
want(struct rig *rig, uint32_t address)
{
    const struct ip_addr ip = ip_addr_from_v4(address);
    uint32_t index;

    assert_int_equal(adjacency_get(&rig->tables->adjacencies, RIG_UNDERLAY, &ip, &index), 0);
    return index;
}

struct adjacency *
at(struct rig *rig, uint32_t index)
{
    return &rig->tables->adjacencies.entries[index];
}

void
expect_request(struct rig *rig, const struct mac_addr *destination, uint32_t target)
{
    uint8_t frame[1500];
    uint16_t port;
    struct arp_header arp;

    assert_int_equal(rig_take(rig, frame, sizeof(frame), &port), 14 + sizeof(arp));
    assert_int_equal(port, RIG_UNDERLAY);
    assert_memory_equal(frame, destination, 6);
    assert_memory_equal(frame + 6, &ours, 6);
    assert_memory_equal(frame + 12, "\x08\x06", 2);
    memcpy(&arp, frame + 14, sizeof(arp));
    assert_memory_equal(&arp, "\0\1\x08\0\6\4\0\1", 8);
    assert_memory_equal(&arp.sender_mac, &ours, 6);
    assert_int_equal(be32toh(arp.sender_address), UNDERLAY);
    assert_int_equal(be32toh(arp.target_address), target);
}

void
hear(struct rig *rig, uint16_t operation, const struct mac_addr *mac, uint32_t sender,
     uint32_t target)
{
    uint8_t frame[64];
    const size_t length = rig_arp(frame, &ours, mac, 0, operation, mac, sender, target);

    rig_punt(rig, PUNT_UNDERLAY_ARP, frame, length);
    rig_turn(rig);
}

void
hold_of(struct rig *rig, uint32_t vif, uint32_t adjacency, uint8_t number)
{
    const struct packet_note note = {
        .reason = PUNT_ADJACENCY, .port = RIG_UNDERLAY, .vif = vif, .adjacency = adjacency
    };
    uint8_t frame[60] = { 0 };

    memcpy(frame + 6, &ours, 6);
    frame[59] = number;
    rig_punt_packet(rig, rig_packet(rig, frame, sizeof(frame), 0), &note);
    rig_turn(rig);
}

void
hold(struct rig *rig, uint32_t adjacency, uint8_t number)
{
    hold_of(rig, VIF_NONE, adjacency, number);
}

void
expect_held(struct rig *rig, const struct mac_addr *destination, uint8_t number)
{
    uint8_t frame[1500];
    uint16_t port;

    assert_int_equal(rig_take(rig, frame, sizeof(frame), &port), 60);
    assert_int_equal(port, RIG_UNDERLAY);
    assert_memory_equal(frame, destination, 6);
    assert_memory_equal(frame + 6, &ours, 6);
    assert_int_equal(frame[59], number);
}
