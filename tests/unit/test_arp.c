/* SPDX-License-Identifier: BSD-3-Clause */

/* Proxy ARP towards guests: who is answered, with what, and who is not. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "slowpath_rig.h"

#define OWN     0x0a00000b /* 10.0.0.11 */
#define GATEWAY 0xa9fe0001 /* 169.254.0.1 */

static const struct mac_addr guest = { { 0x02, 0, 0, 0, 0, 0x01 } };
static const struct mac_addr any = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
static const struct mac_addr router = { { 0x00, 0x00, 0x5e, 0x00, 0x01, 0x01 } };

/* Punts an ARP packet of the guest; @return the length of the answer. */
static size_t
ask(struct rig *rig, const uint8_t *frame, size_t length, uint8_t *answer)
{
    uint16_t port = 0;

    rig_punt(rig, PUNT_ARP, frame, length);
    assert_int_equal(rig_turn(rig), 1);
    const size_t answer_length = rig_take(rig, answer, 1500, &port);
    if (answer_length > 0)
        assert_int_equal(port, RIG_ACCESS);
    return answer_length;
}

/* The answer says that `target` is at `mac`, and says so to the guest alone. */
static void
check_answer(const uint8_t *answer, size_t length, uint16_t vlan, uint32_t target,
             const struct mac_addr *mac)
{
    const size_t at = vlan != 0 ? 18 : 14;
    struct arp_header arp;

    assert_int_equal(length, at + sizeof(arp));
    assert_memory_equal(answer, &guest, 6);
    assert_memory_equal(answer + 6, mac, 6);
    if (vlan != 0) {
        const uint8_t tag[] = { 0x81, 0x00, (uint8_t)(vlan >> 8), (uint8_t)vlan };
        assert_memory_equal(answer + 12, tag, sizeof(tag));
    }
    assert_memory_equal(answer + at - 2, "\x08\x06", 2);
    memcpy(&arp, answer + at, sizeof(arp));
    assert_memory_equal(&arp, "\0\1\x08\0\6\4\0\2", 8);
    assert_memory_equal(&arp.sender_mac, mac, 6);
    assert_int_equal(be32toh(arp.sender_address), target);
    assert_memory_equal(&arp.target_mac, &guest, 6);
    assert_int_equal(be32toh(arp.target_address), OWN);
}

static void
c09_every_arp_request_is_answered(void **state)
{
    static const uint32_t targets[] = {
        GATEWAY,    0x0a00000c /* a neighbour of the subnet */, 0x08080808, /* far away */
        0x0a0000ff, /* no broadcast address without a subnet */
        0xdfffffff,
    };
    struct rig rig;
    uint8_t frame[64], answer[1500];
    (void)state;

    rig_open(&rig);
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        size_t length = rig_arp(frame, &any, &guest, 0, ARP_REQUEST, &guest, OWN, targets[i]);
        length = ask(&rig, frame, length, answer);
        check_answer(answer, length, 0, targets[i], &router);
        /* A guest that has the answer asks again by unicast before it grows old. */
        length = rig_arp(frame, &router, &guest, 0, ARP_REQUEST, &guest, OWN, targets[i]);
        length = ask(&rig, frame, length, answer);
        check_answer(answer, length, 0, targets[i], &router);
    }
    rig_close(&rig);
}

static void
c09_probes_and_announcements_are_not_answered(void **state)
{
    static const struct {
        uint32_t sender, target;
    } cases[] = {
        { 0, OWN },     /* the probe of duplicate address detection */
        { 0, GATEWAY }, /* a probe for an address that is not the guest's */
        { OWN, OWN },   /* an announcement */
    };
    struct rig rig;
    uint8_t frame[64], answer[1500];
    (void)state;

    rig_open(&rig);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const size_t length =
            rig_arp(frame, &any, &guest, 0, ARP_REQUEST, &guest, cases[i].sender, cases[i].target);
        assert_int_equal(ask(&rig, frame, length, answer), 0);
        assert_int_equal(rig_drops(&rig, DROP_ARP_IGNORED), i + 1);
    }
    rig_close(&rig);
}

static void
c09_the_guests_own_addresses_are_not_claimed(void **state)
{
    struct vif vif = rig_vif();
    struct rig rig;
    uint8_t frame[64], answer[1500];
    (void)state;

    rig_open(&rig);
    vif.n_sources = 3;
    vif.sources[1] = (struct vif_source){ 0x0a000063, UINT32_MAX };
    vif.sources[2] = (struct vif_source){ 0x0a640000, 0xffff0000 }; /* behind the guest */
    rig_replace_vif(&rig, &vif);
    size_t length = rig_arp(frame, &any, &guest, 0, ARP_REQUEST, &guest, OWN, 0x0a000063);
    assert_int_equal(ask(&rig, frame, length, answer), 0);
    length = rig_arp(frame, &any, &guest, 0, ARP_REQUEST, &guest, 0x0a640001, OWN);
    assert_int_equal(ask(&rig, frame, length, answer), 0);
    assert_int_equal(rig_drops(&rig, DROP_ARP_IGNORED), 2);
    rig_close(&rig);
}

static void
a_guest_that_may_send_from_everywhere_still_finds_its_gateway(void **state)
{
    struct vif vif = rig_vif();
    struct rig rig;
    uint8_t frame[64], answer[1500];
    (void)state;

    rig_open(&rig);
    vif.sources[0] = (struct vif_source){ 0, 0 };
    rig_replace_vif(&rig, &vif);
    const size_t length = rig_arp(frame, &any, &guest, 0, ARP_REQUEST, &guest, OWN, GATEWAY);
    check_answer(answer, ask(&rig, frame, length, answer), 0, GATEWAY, &router);
    rig_close(&rig);
}

static void
c10_c11_the_answer_is_the_one_virtual_mac_address(void **state)
{
    static const struct mac_addr vrrp_1 = { { 0x00, 0x00, 0x5e, 0x00, 0x01, 0x01 } };
    static const struct mac_addr configured = { { 0x02, 0x11, 0x22, 0x33, 0x44, 0x55 } };
    struct vif vif = rig_vif();
    struct rig rig;
    uint8_t frame[64], answer[1500];
    (void)state;

    rig_open(&rig);
    const size_t length = rig_arp(frame, &any, &guest, 0, ARP_REQUEST, &guest, OWN, GATEWAY);
    check_answer(answer, ask(&rig, frame, length, answer), 0, GATEWAY, &vrrp_1);
    vif.gateway_mac = configured;
    rig_replace_vif(&rig, &vif);
    check_answer(answer, ask(&rig, frame, length, answer), 0, GATEWAY, &configured);
    rig_close(&rig);
}

static void
the_answer_carries_the_interfaces_tag(void **state)
{
    struct vif vif = rig_vif();
    struct rig rig;
    uint8_t frame[64], answer[1500];
    (void)state;

    rig_open(&rig);
    vif.vlan = 1099;
    rig_replace_vif(&rig, &vif);
    /* Whatever priority the request had. */
    const size_t length =
        rig_arp(frame, &any, &guest, 0xe000 | 1099, ARP_REQUEST, &guest, OWN, GATEWAY);
    check_answer(answer, ask(&rig, frame, length, answer), 1099, GATEWAY, &router);
    rig_close(&rig);
}

static void
c46_c47_what_the_guest_was_not_given_is_refused(void **state)
{
    static const struct {
        struct mac_addr frame_source, sender_mac;
        uint32_t sender;
        enum drop_reason reason;
    } cases[] = {
        { { { 0x02, 0, 0, 0, 0, 0x02 } }, { { 0x02, 0, 0, 0, 0, 0x01 } }, OWN, DROP_SOURCE_MAC },
        { { { 0x02, 0, 0, 0, 0, 0x01 } }, { { 0x02, 0, 0, 0, 0, 0x02 } }, OWN, DROP_SOURCE_MAC },
        { { { 0x02, 0, 0, 0, 0, 0x01 } },
          { { 0x02, 0, 0, 0, 0, 0x01 } },
          0x0a00000c,
          DROP_SOURCE_ADDRESS },
    };
    struct rig rig;
    uint8_t frame[64], answer[1500];
    (void)state;

    rig_open(&rig);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const size_t length = rig_arp(frame, &any, &cases[i].frame_source, 0, ARP_REQUEST,
                                      &cases[i].sender_mac, cases[i].sender, GATEWAY);
        const uint64_t before = rig_drops(&rig, cases[i].reason);
        assert_int_equal(ask(&rig, frame, length, answer), 0);
        assert_int_equal(rig_drops(&rig, cases[i].reason), before + 1);
    }
    rig_close(&rig);
}

static void
what_is_no_request_is_dropped(void **state)
{
    static const struct {
        size_t at; /* octet of the frame that is changed */
        uint8_t value;
        enum drop_reason reason;
    } cases[] = {
        { 12, 0x09, DROP_ARP_INVALID }, /* Ethernet type */
        { 15, 6, DROP_ARP_INVALID },    /* hardware type */
        { 16, 0x86, DROP_ARP_INVALID }, /* protocol type */
        { 18, 8, DROP_ARP_INVALID },    /* hardware length */
        { 19, 16, DROP_ARP_INVALID },   /* protocol length */
        { 21, 0, DROP_ARP_INVALID },    /* operation */
        { 21, 2, DROP_ARP_IGNORED },    /* a reply */
        { 21, 3, DROP_ARP_INVALID },    /* reverse ARP */
        { 22, 0x03, DROP_ARP_INVALID }, /* a group as sender */
        { 38, 224, DROP_ARP_IGNORED },  /* target 224.254.0.1 */
        { 0, 0x02, DROP_DESTINATION_MAC },
    };
    struct rig rig;
    uint8_t frame[64], answer[1500];
    (void)state;

    rig_open(&rig);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const size_t length = rig_arp(frame, &any, &guest, 0, ARP_REQUEST, &guest, OWN, GATEWAY);
        const uint64_t before = rig_drops(&rig, cases[i].reason);
        frame[cases[i].at] = cases[i].value;
        assert_int_equal(ask(&rig, frame, length, answer), 0);
        assert_int_equal(rig_drops(&rig, cases[i].reason), before + 1);
    }
    /* Cut short anywhere. */
    const size_t length = rig_arp(frame, &any, &guest, 0, ARP_REQUEST, &guest, OWN, GATEWAY);
    for (size_t cut = 1; cut < length; cut++)
        assert_int_equal(ask(&rig, frame, cut, answer), 0);
    assert_int_equal(rig_drops(&rig, DROP_FRAME_TOO_SHORT), length - 1);
    rig_close(&rig);
}

static void
a_frame_in_pieces_is_read_all_the_same(void **state)
{
    struct rig rig;
    uint8_t frame[64], answer[1500];
    uint16_t port;
    (void)state;

    rig_open(&rig);
    const struct packet_note note = { .reason = PUNT_ARP, .port = RIG_ACCESS, .vif = rig.vif };
    const size_t length = rig_arp(frame, &any, &guest, 0, ARP_REQUEST, &guest, OWN, GATEWAY);
    rig_punt_packet(&rig, rig_packet(&rig, frame, length, 5), &note);
    rig_turn(&rig);
    check_answer(answer, rig_take(&rig, answer, sizeof(answer), &port), 0, GATEWAY, &router);
    rig_close(&rig);
}

static void
an_interface_that_is_gone_or_down_gets_no_answer(void **state)
{
    struct vif vif = rig_vif();
    struct rig rig;
    uint8_t frame[64], answer[1500];
    (void)state;

    rig_open(&rig);
    const size_t length = rig_arp(frame, &any, &guest, 0, ARP_REQUEST, &guest, OWN, GATEWAY);
    vif.up = false;
    rig_replace_vif(&rig, &vif);
    assert_int_equal(ask(&rig, frame, length, answer), 0);
    assert_int_equal(rig_drops(&rig, DROP_INTERFACE_DOWN), 1);
    vif_remove(&rig.tables->vifs, rig.vif);
    assert_int_equal(ask(&rig, frame, length, answer), 0);
    assert_int_equal(rig_drops(&rig, DROP_NO_INTERFACE), 1);
    rig_close(&rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(c09_every_arp_request_is_answered),
        cmocka_unit_test(c09_probes_and_announcements_are_not_answered),
        cmocka_unit_test(c09_the_guests_own_addresses_are_not_claimed),
        cmocka_unit_test(a_guest_that_may_send_from_everywhere_still_finds_its_gateway),
        cmocka_unit_test(c10_c11_the_answer_is_the_one_virtual_mac_address),
        cmocka_unit_test(the_answer_carries_the_interfaces_tag),
        cmocka_unit_test(c46_c47_what_the_guest_was_not_given_is_refused),
        cmocka_unit_test(what_is_no_request_is_dropped),
        cmocka_unit_test(a_frame_in_pieces_is_read_all_the_same),
        cmocka_unit_test(an_interface_that_is_gone_or_down_gets_no_answer),
    };

    rig_start_eal();
    return cmocka_run_group_tests_name("arp", tests, NULL, NULL);
}
