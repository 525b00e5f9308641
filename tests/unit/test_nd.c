/* SPDX-License-Identifier: BSD-3-Clause */

/* Neighbour discovery towards guests: who is answered, with what, and who is not. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "lib/net/checksum.h"
#include "lib/net/parse.h"
#include "slowpath_rig.h"

#define OWN        "2001:db8::11"
#define OWN_LINK   "fe80::ff:fe00:1"
#define GATEWAY    "fe80::1"
#define NOBODY     "::"
#define ALL_NODES  "ff02::1"
#define ALL_OTHERS "ff02::2" /* routers */

static const struct mac_addr guest = { { 0x02, 0, 0, 0, 0, 0x01 } };
static const struct mac_addr router = { { 0x00, 0x00, 0x5e, 0x00, 0x02, 0x01 } };
static const struct mac_addr all_nodes = { { 0x33, 0x33, 0, 0, 0, 1 } };
static const struct mac_addr some_group = { { 0x33, 0x33, 0xff, 0, 0, 1 } };

/* A message in the making: what a test changes is different from a right one. */
struct message {
    const struct mac_addr *to_mac, *from_mac;
    uint16_t vlan;
    const char *from, *to, *target;
    uint8_t hop_limit, type, code;
    uint8_t options[32];
    size_t n_options;
};

static struct message
solicitation(const char *from, const char *target)
{
    return (struct message){
        .to_mac = &some_group,
        .from_mac = &guest,
        .from = from,
        .to = "ff02::1:ff00:1",
        .target = target,
        .hop_limit = 255,
        .type = ND_NEIGHBOUR_SOLICITATION,
    };
}

static struct message
router_solicitation(const char *from)
{
    struct message message = solicitation(from, NULL);

    message.to = ALL_OTHERS;
    message.type = ND_ROUTER_SOLICITATION;
    return message;
}

static struct message
with_mac(struct message message, const struct mac_addr *mac)
{
    message.options[0] = 1;
    message.options[1] = 1;
    memcpy(message.options + 2, mac, sizeof(*mac));
    message.n_options = 8;
    return message;
}

static size_t
write(const struct message *message, uint8_t *frame)
{
    const struct ip_addr from = rig_address(message->from), to = rig_address(message->to);
    uint8_t body[64] = { 0 };
    size_t length = 4;

    if (message->target != NULL) {
        const struct ip_addr target = rig_address(message->target);

        memcpy(body + length, target.octets, 16);
        length += 16;
    }
    memcpy(body + length, message->options, message->n_options);
    return rig_icmp6(frame, message->to_mac, message->from_mac, message->vlan, &from, &to,
                     message->hop_limit, message->type, message->code, body,
                     length + message->n_options);
}

/* Punts a message of the guest; @return the length of the answer. */
static size_t
ask(struct rig *rig, struct message message, uint8_t *answer)
{
    uint8_t frame[256];
    uint16_t port = 0;

    rig_punt(rig, PUNT_ND, frame, write(&message, frame));
    assert_int_equal(rig_turn(rig), 1);
    const size_t length = rig_take(rig, answer, 1500, &port);
    if (length > 0)
        assert_int_equal(port, RIG_ACCESS);
    return length;
}

static void
expect_drop(struct rig *rig, struct message message, enum drop_reason reason)
{
    const uint64_t before = rig_drops(rig, reason);
    uint8_t answer[1500];

    assert_int_equal(ask(rig, message, answer), 0);
    assert_int_equal(rig_drops(rig, reason), before + 1);
}

/* What both kinds of answer have in common. @return the ICMPv6 message. */
static const uint8_t *
check_packet(const uint8_t *answer, size_t length, uint16_t vlan, const struct mac_addr *to_mac,
             const struct mac_addr *from_mac, const char *to)
{
    const struct ip_addr gateway = rig_address(GATEWAY), destination = rig_address(to);
    const size_t at = vlan != 0 ? 18 : 14;
    struct ip_view ip;

    assert_memory_equal(answer, to_mac, 6);
    assert_memory_equal(answer + 6, from_mac, 6);
    if (vlan != 0) {
        const uint8_t tag[] = { 0x81, 0x00, (uint8_t)(vlan >> 8), (uint8_t)vlan };
        assert_memory_equal(answer + 12, tag, sizeof(tag));
    }
    assert_memory_equal(answer + at - 2, "\x86\xdd", 2);
    assert_int_equal(parse_ipv6(answer + at, length - at, length - at, &ip), PARSE_OK);
    assert_int_equal(ip.total_length, length - at);
    assert_int_equal(ip.transport, 40);
    assert_int_equal(ip.v6->hop_limit, 255);
    assert_memory_equal(ip.v6->source, gateway.octets, 16);
    assert_memory_equal(ip.v6->destination, destination.octets, 16);
    assert_int_equal(
        checksum_transport_v6(ip.v6, IP_PROTOCOL_ICMPV6, answer + at + 40, length - at - 40), 0);
    return answer + at + 40;
}

/* The answer says that `target` is at `mac`. */
static void
check_advertisement(const uint8_t *answer, size_t length, uint16_t vlan,
                    const struct mac_addr *to_mac, const struct mac_addr *mac, const char *to,
                    const char *target, uint8_t flags)
{
    const struct ip_addr wanted = rig_address(target);
    const uint8_t *message = check_packet(answer, length, vlan, to_mac, mac, to);

    assert_int_equal(answer + length - message, 32);
    assert_int_equal(message[0], ND_NEIGHBOUR_ADVERTISEMENT);
    assert_int_equal(message[1], 0);
    assert_int_equal(message[4], flags);
    assert_memory_equal(message + 5, "\0\0", 3);
    assert_memory_equal(message + 8, wanted.octets, 16);
    assert_memory_equal(message + 24, "\2\1", 2);
    assert_memory_equal(message + 26, mac, 6);
}

static void
c09_every_neighbour_solicitation_is_answered(void **state)
{
    static const char *const targets[] = {
        GATEWAY,
        "2001:db8::12" /* a neighbour */,
        "2606:4700::1111" /* far away */,
        "fe80::77" /* another guest's, perhaps */,
        "fd00::1",
    };
    static const char *const sources[] = { OWN, OWN_LINK };
    struct rig rig;
    uint8_t answer[1500];
    (void)state;

    rig_open(&rig);
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        for (size_t j = 0; j < 2; j++) {
            struct message message = with_mac(solicitation(sources[j], targets[i]), &guest);
            const uint8_t flags = i == 0 ? 0xe0 : 0xc0; /* only its own overrides */

            size_t length = ask(&rig, message, answer);
            check_advertisement(answer, length, 0, &guest, &router, sources[j], targets[i], flags);
            /* A guest that has the answer asks again by unicast before it grows old. */
            message = solicitation(sources[j], targets[i]);
            message.to = targets[i];
            message.to_mac = &router;
            length = ask(&rig, message, answer);
            check_advertisement(answer, length, 0, &guest, &router, sources[j], targets[i], flags);
        }
    }
    rig_close(&rig);
}

static void
c09_probes_and_announcements_of_its_own_are_not_answered(void **state)
{
    static const char *const own[] = { OWN, OWN_LINK, "2001:db8:99::5", "2001:db8:5::77" };
    struct vif vif = rig_vif();
    struct rig rig;
    (void)state;

    rig_open(&rig);
    vif.n_sources6 = 2; /* with a prefix behind it, of which it may take addresses */
    vif.sources6[1] = (struct vif_source6){ { 0x20, 0x01, 0x0d, 0xb8, 0, 5 }, 48 };
    vif.service.n_addresses6 = 2; /* and one that it has but may not send from */
    vif.service.addresses6[1] = rig_address("2001:db8:99::5");
    rig_replace_vif(&rig, &vif);
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        expect_drop(&rig, solicitation(NOBODY, own[i]), DROP_ND_IGNORED);

    struct message announcement = solicitation(OWN, OWN);
    announcement.type = ND_NEIGHBOUR_ADVERTISEMENT;
    announcement.to = ALL_NODES;
    expect_drop(&rig, announcement, DROP_ND_IGNORED);
    rig_close(&rig);
}

static void
c09_the_guests_own_addresses_are_not_claimed(void **state)
{
    struct vif vif = rig_vif();
    struct rig rig;
    (void)state;

    rig_open(&rig);
    vif.service.n_addresses6 = 2;
    vif.service.addresses6[1] = rig_address("2001:db8::63");
    rig_replace_vif(&rig, &vif);
    expect_drop(&rig, solicitation(OWN_LINK, OWN), DROP_ND_IGNORED);
    expect_drop(&rig, solicitation(OWN, "2001:db8::63"), DROP_ND_IGNORED);
    expect_drop(&rig, solicitation(OWN_LINK, OWN_LINK), DROP_ND_IGNORED);
    rig_close(&rig);
}

static void
addresses_that_are_not_the_guests_are_denied_to_it(void **state)
{
    static const char *const targets[] = { GATEWAY, "2001:db8::12" };
    struct rig rig;
    uint8_t answer[1500];
    (void)state;

    rig_open(&rig);
    for (size_t i = 0; i < 2; i++) {
        const size_t length = ask(&rig, solicitation(NOBODY, targets[i]), answer);
        check_advertisement(answer, length, 0, &all_nodes, &router, ALL_NODES, targets[i],
                            i == 0 ? 0xa0 : 0x80);
    }
    rig_close(&rig);
}

static void
a_guest_that_may_send_from_everywhere_still_finds_its_gateway(void **state)
{
    struct vif vif = rig_vif();
    struct rig rig;
    uint8_t answer[1500];
    (void)state;

    rig_open(&rig);
    vif.sources6[0] = (struct vif_source6){ { 0 }, 0 };
    rig_replace_vif(&rig, &vif);
    const size_t length = ask(&rig, solicitation(OWN, GATEWAY), answer);
    check_advertisement(answer, length, 0, &guest, &router, OWN, GATEWAY, 0xe0);
    rig_close(&rig);
}

static void
c10_c11_the_answer_is_the_one_virtual_mac_address(void **state)
{
    static const struct mac_addr vrrp_1 = { { 0x00, 0x00, 0x5e, 0x00, 0x02, 0x01 } };
    static const struct mac_addr configured = { { 0x02, 0x11, 0x22, 0x33, 0x44, 0x55 } };
    struct vif vif = rig_vif();
    struct rig rig;
    uint8_t answer[1500];
    (void)state;

    rig_open(&rig);
    vif.vlan = 100;
    rig_replace_vif(&rig, &vif);
    struct message message = with_mac(solicitation(OWN, GATEWAY), &guest);
    message.vlan = 100;
    size_t length = ask(&rig, message, answer);
    check_advertisement(answer, length, 100, &guest, &vrrp_1, OWN, GATEWAY, 0xe0);
    vif.gateway_mac6 = configured;
    rig_replace_vif(&rig, &vif);
    length = ask(&rig, message, answer);
    check_advertisement(answer, length, 100, &guest, &configured, OWN, GATEWAY, 0xe0);
    rig_close(&rig);
}

static void
c46_c47_what_the_guest_was_not_given_is_refused(void **state)
{
    struct rig rig;
    struct message message;
    (void)state;

    rig_open(&rig);
    expect_drop(&rig, solicitation("2001:db8::12", GATEWAY), DROP_SOURCE_ADDRESS);
    expect_drop(&rig, router_solicitation("2001:db8::12"), DROP_SOURCE_ADDRESS);
    expect_drop(&rig, with_mac(solicitation(OWN, GATEWAY), &RIG_OTHER_MAC), DROP_SOURCE_MAC);
    message = solicitation(OWN, GATEWAY);
    message.from_mac = &RIG_OTHER_MAC;
    expect_drop(&rig, message, DROP_SOURCE_MAC);
    message = solicitation(OWN, GATEWAY);
    message.to_mac = &RIG_OTHER_MAC;
    expect_drop(&rig, message, DROP_DESTINATION_MAC);
    for (uint32_t i = 0; i < rig.tables->adjacencies.limit; i++)
        assert_int_equal(rig.tables->adjacencies.entries[i].link, 0);
    rig_close(&rig);
}

static void
what_rfc_4861_calls_invalid_is_dropped(void **state)
{
    struct rig rig;
    struct message message;
    (void)state;

    rig_open(&rig);
#define INVALID(base, change) \
    message = base;           \
    change;                   \
    expect_drop(&rig, message, DROP_ND_INVALID)

    INVALID(solicitation(OWN, GATEWAY), message.hop_limit = 254);
    INVALID(solicitation(OWN, GATEWAY), message.code = 1);
    INVALID(solicitation(OWN, GATEWAY), message.target = NULL);      /* too short */
    INVALID(solicitation(OWN, GATEWAY), message.target = "ff02::1"); /* a group */
    INVALID(solicitation(OWN, GATEWAY), message.target = NOBODY);
    INVALID(solicitation(OWN, GATEWAY), message.from = "ff02::5");
    INVALID(solicitation(OWN, GATEWAY), message.from = "::1");
    INVALID(solicitation(NOBODY, "fd00::1"), message.to = GATEWAY); /* a probe to one node */
    INVALID(solicitation(NOBODY, "fd00::1"), message.to = ALL_NODES);
    INVALID(with_mac(solicitation(NOBODY, "fd00::1"), &guest), (void)0); /* it says its MAC */
    INVALID(with_mac(router_solicitation(NOBODY), &guest), (void)0);
    INVALID(with_mac(solicitation(OWN, GATEWAY), &some_group), (void)0);
    INVALID(with_mac(solicitation(OWN, GATEWAY), &guest), message.options[1] = 0);
    INVALID(with_mac(solicitation(OWN, GATEWAY), &guest), message.options[1] = 2); /* beyond */
    INVALID(with_mac(solicitation(OWN, GATEWAY), &guest), message.n_options = 7);
    INVALID(with_mac(solicitation(OWN, GATEWAY), &guest), message.n_options = 1);
    INVALID(with_mac(solicitation(OWN, GATEWAY), &guest),
            (message.options[1] = 2, message.n_options = 16)); /* no Ethernet address */
    INVALID(solicitation(OWN, GATEWAY),
            (message.type = ND_NEIGHBOUR_ADVERTISEMENT, message.from = NOBODY));
    INVALID(solicitation(OWN, GATEWAY), message.type = ICMP6_ECHO_REQUEST);
    INVALID(router_solicitation(OWN), message.hop_limit = 64);
#undef INVALID
    message = solicitation(OWN, GATEWAY);
    message.type = ND_REDIRECT;
    expect_drop(&rig, message, DROP_ND_IGNORED);
    message.type = ND_ROUTER_ADVERTISEMENT;
    expect_drop(&rig, message, DROP_ND_IGNORED);
    rig_close(&rig);
}

static void
a_wrong_checksum_or_a_cut_message_is_dropped(void **state)
{
    const struct message message = with_mac(solicitation(OWN, GATEWAY), &guest);
    struct rig rig;
    uint8_t frame[256], answer[1500];
    uint16_t port;
    (void)state;

    rig_open(&rig);
    const size_t length = write(&message, frame);
    for (size_t i = 14 + 40; i < length; i++) {
        frame[i] ^= 0x10;
        rig_punt(&rig, PUNT_ND, frame, length);
        rig_turn(&rig);
        frame[i] ^= 0x10;
        assert_int_equal(rig_take(&rig, answer, sizeof(answer), &port), 0);
    }
    assert_true(rig_drops(&rig, DROP_ND_INVALID) >= 20);
    for (size_t cut = 1; cut < length; cut++) {
        rig_punt(&rig, PUNT_ND, frame, cut);
        rig_turn(&rig);
        assert_int_equal(rig_take(&rig, answer, sizeof(answer), &port), 0);
    }
    assert_int_equal(rig_consumed(&rig), 0);
    rig_close(&rig);
}

static void
unknown_options_are_passed_over(void **state)
{
    struct message message = with_mac(solicitation(OWN, GATEWAY), &guest);
    struct rig rig;
    uint8_t answer[1500];
    (void)state;

    rig_open(&rig);
    memmove(message.options + 16, message.options, 8);
    memcpy(message.options, "\x0e\x02nonce-of-14-oc", 16); /* RFC 3971 */
    message.n_options = 24;
    const size_t length = ask(&rig, message, answer);
    check_advertisement(answer, length, 0, &guest, &router, OWN, GATEWAY, 0xe0);
    rig_close(&rig);
}

/* The router advertises itself: a lifetime, its MAC address, the MTU, no prefix. */
static void
check_router(const uint8_t *answer, size_t length, const struct mac_addr *to_mac, const char *to)
{
    static const uint8_t said[] = {
        64,   0,          /* hop limit; neither addresses nor anything else from DHCPv6 */
        0x07, 0x08,       /* half an hour */
        0,    0,    0, 0, /* reachable time and retransmission timer: the host's own */
        0,    0,    0, 0, /* */
        1,    1,    0, 0, 0x5e, 0, 2,    1,    /* source link-layer address */
        5,    1,    0, 0, 0,    0, 0x05, 0xaa, /* MTU 1450 */
    };
    const uint8_t *message = check_packet(answer, length, 0, to_mac, &router, to);

    assert_int_equal(message[0], ND_ROUTER_ADVERTISEMENT);
    assert_int_equal(message[1], 0);
    assert_int_equal(answer + length - message, 4 + sizeof(said));
    assert_memory_equal(message + 4, said, sizeof(said));
}

static void
c12_a_router_solicitation_is_answered_if_the_interface_says_so(void **state)
{
    struct vif vif = rig_vif();
    struct rig rig;
    uint8_t answer[1500];
    (void)state;

    rig_open(&rig);
    expect_drop(&rig, router_solicitation(OWN_LINK), DROP_ND_IGNORED);
    vif.service.router_advertisement = true;
    rig_replace_vif(&rig, &vif);
    size_t length = ask(&rig, router_solicitation(OWN_LINK), answer);
    check_router(answer, length, &guest, OWN_LINK);
    length = ask(&rig, with_mac(router_solicitation(OWN), &guest), answer);
    check_router(answer, length, &guest, OWN);
    length = ask(&rig, router_solicitation(NOBODY), answer);
    check_router(answer, length, &all_nodes, ALL_NODES);
    rig_close(&rig);
}

static void
the_router_advertises_itself_again_before_its_lifetime_ends(void **state)
{
    struct vif vif = rig_vif(), quiet = rig_vif(), down = rig_vif();
    struct rig rig;
    uint8_t answer[1500];
    uint16_t port;
    uint32_t id;
    unsigned heard = 0;
    (void)state;

    rig_open(&rig);
    vif.service.router_advertisement = true;
    rig_replace_vif(&rig, &vif);
    quiet.vlan = 7;
    assert_int_equal(vif_add(&rig.tables->vifs, &quiet, &id), 0);
    down.vlan = 8;
    down.up = false;
    down.service.router_advertisement = true;
    assert_int_equal(vif_add(&rig.tables->vifs, &down, &id), 0);
    for (unsigned minute = 0; minute < 60; minute++) {
        rig.now_ms += 60000;
        rig_turn(&rig);
        size_t length;
        while ((length = rig_take(&rig, answer, sizeof(answer), &port)) > 0) {
            check_router(answer, length, &all_nodes, ALL_NODES);
            assert_int_equal(port, RIG_ACCESS);
            heard++;
        }
    }
    assert_int_equal(heard, 6);
    rig_close(&rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(c09_every_neighbour_solicitation_is_answered),
        cmocka_unit_test(c09_probes_and_announcements_of_its_own_are_not_answered),
        cmocka_unit_test(c09_the_guests_own_addresses_are_not_claimed),
        cmocka_unit_test(addresses_that_are_not_the_guests_are_denied_to_it),
        cmocka_unit_test(a_guest_that_may_send_from_everywhere_still_finds_its_gateway),
        cmocka_unit_test(c10_c11_the_answer_is_the_one_virtual_mac_address),
        cmocka_unit_test(c46_c47_what_the_guest_was_not_given_is_refused),
        cmocka_unit_test(what_rfc_4861_calls_invalid_is_dropped),
        cmocka_unit_test(a_wrong_checksum_or_a_cut_message_is_dropped),
        cmocka_unit_test(unknown_options_are_passed_over),
        cmocka_unit_test(c12_a_router_solicitation_is_answered_if_the_interface_says_so),
        cmocka_unit_test(the_router_advertises_itself_again_before_its_lifetime_ends),
    };

    rig_start_eal();
    return cmocka_run_group_tests_name("nd", tests, NULL, NULL);
}
