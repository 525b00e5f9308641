/* SPDX-License-Identifier: BSD-3-Clause */

/* What routers of the underlay say of the path MTU of our tunnels: what is believed, and what not.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "lib/net/checksum.h"
#include "lib/ring/path_mtu.h"
#include "slowpath_rig.h"

#define OURS     "192.0.2.11"
#define OURS6    "2001:db8:f::11"
#define FAR      "198.51.100.7"
#define FAR6     "2001:db8:e::7"
#define STRANGER "198.51.100.8"
#define ROUTER   "203.0.113.1"
#define ROUTER6  "2001:db8:d::1"

static const struct mac_addr ours_mac = { { 0x02, 0, 0, 0, 0, 0xaa } };
static const struct mac_addr peer_mac = { { 0x02, 0, 0, 0, 0, 0xbb } };

/* An error in the making: what a test changes is different from a right one. */
struct error {
    bool v6;
    uint8_t type, code;
    uint32_t mtu;
    const char *from, *to;         /* of the packet that is quoted */
    uint16_t length;               /* of it */
    uint8_t protocol, version_ihl; /* IPv4 */
    uint16_t fragment;             /* likewise */
    uint16_t ports[2];             /* UDP; for GRE flags and protocol */
    size_t quoted;                 /* octets behind its IP header */
};

static struct error
right(bool v6)
{
    return (struct error){
        .v6 = v6,
        .type = v6 ? ICMP6_TOO_BIG : 3,
        .code = v6 ? 0 : 4,
        .mtu = 1400,
        .from = v6 ? OURS6 : OURS,
        .to = v6 ? FAR6 : FAR,
        .length = 1500,
        .protocol = IP_PROTOCOL_UDP,
        .version_ihl = 0x45,
        .fragment = IPV4_DONT_FRAGMENT,
        .ports = { 50000, UDP_PORT_MPLS },
        .quoted = 8,
    };
}

static size_t
quote_v4(const struct error *error, uint8_t *octets)
{
    const struct ip_addr from = rig_address(error->from), to = rig_address(error->to);
    const struct ipv4_header ip = {
        .version_ihl = error->version_ihl,
        .total_length = htobe16(error->length),
        .fragment = htobe16(error->fragment),
        .ttl = 60,
        .protocol = error->protocol,
        .source = htobe32(ip_addr_to_v4(&from)),
        .destination = htobe32(ip_addr_to_v4(&to)),
    };

    memcpy(octets, &ip, sizeof(ip));
    return sizeof(ip);
}

static size_t
quote_v6(const struct error *error, uint8_t *octets)
{
    const struct ip_addr from = rig_address(error->from), to = rig_address(error->to);
    struct ipv6_header ip = {
        .version_class_flow = htobe32(6u << 28),
        .payload_length = htobe16((uint16_t)(error->length - sizeof(ip))),
        .next_header = error->protocol,
        .hop_limit = 60,
    };

    memcpy(ip.source, from.octets, 16);
    memcpy(ip.destination, to.octets, 16);
    memcpy(octets, &ip, sizeof(ip));
    return sizeof(ip);
}

/* The whole frame, from a router on the way. */
static size_t
write(const struct error *error, uint8_t *frame)
{
    const struct ip_addr ours = rig_address(error->v6 ? OURS6 : OURS);
    const struct ip_addr router = rig_address(error->v6 ? ROUTER6 : ROUTER);
    const be16 ports[2] = { htobe16(error->ports[0]), htobe16(error->ports[1]) };
    struct icmp_header header = { error->type, error->code, 0, htobe32(error->mtu) };
    uint8_t message[256] = { 0 };
    size_t length = sizeof(header);

    memcpy(message, &header, sizeof(header));
    length += error->v6 ? quote_v6(error, message + length) : quote_v4(error, message + length);
    memcpy(message + length, ports, sizeof(ports));
    length += error->quoted;
    if (error->v6)
        return rig_icmp6(frame, &ours_mac, &peer_mac, 0, &router, &ours, 60, error->type,
                         error->code, message + 4, length - 4);
    header.checksum = checksum_finish(checksum_add(0, message, length));
    memcpy(message, &header, sizeof(header));
    return rig_ipv4(frame, &ours_mac, &peer_mac, 0, ip_addr_to_v4(&router), ip_addr_to_v4(&ours),
                    IP_PROTOCOL_ICMP, 0, message, length);
}

static void
open_rig(struct rig *rig)
{
    const struct underlay underlay = {
        .v4 = rig_address(OURS),
        .v6 = rig_address(OURS6),
        .mtu = 1500,
    };
    const char *const known[] = { FAR, FAR6 };

    rig_open_on(rig, &underlay);
    for (unsigned i = 0; i < 2; i++) {
        const struct ip_addr address = rig_address(known[i]);
        const struct ip_prefix host = ip_prefix_of_host(&address);

        assert_int_equal(fib_set(rig->tables->fib, tables_sources_root(&rig->tables->limits), &host,
                                 path_make(PATH_GATEWAY, 0, 0)),
                         0);
    }
}

/* Has the slow path hear it. @return whether control is told, and what. */
static bool
hear(struct rig *rig, const struct error *error, struct path_mtu *told)
{
    uint8_t frame[512], answer[512];
    uint16_t port;

    rig_punt(rig, PUNT_UNDERLAY_LOCAL, frame, write(error, frame));
    rig_turn(rig);
    assert_int_equal(rig_take(rig, answer, sizeof(answer), &port), 0);
    rig->now_ms += 1000; /* the rate is another test's affair */
    return path_mtu_take(rig->rings, told);
}

static void
expect_believed(struct rig *rig, const struct error *error)
{
    const uint64_t consumed = rig_consumed(rig);
    const struct ip_addr far = rig_address(error->to);
    struct path_mtu told;

    assert_true(hear(rig, error, &told));
    assert_true(ip_addr_equal(&told.address, &far));
    assert_int_equal(told.mtu, error->mtu & 0xffff);
    assert_int_equal(rig_consumed(rig), consumed + 1);
    assert_false(path_mtu_take(rig->rings, &told));
}

static void
expect_drop(struct rig *rig, const struct error *error, enum drop_reason reason)
{
    const uint64_t before = rig_drops(rig, reason);
    struct path_mtu told;

    assert_false(hear(rig, error, &told));
    assert_int_equal(rig_drops(rig, reason), before + 1);
}

static void
what_quotes_a_tunnel_of_ours_is_believed(void **state)
{
    struct rig rig;
    (void)state;

    open_rig(&rig);
    for (unsigned v6 = 0; v6 < 2; v6++) {
        struct error error = right(v6 == 1);

        expect_believed(&rig, &error);
        error.ports[1] = UDP_PORT_VXLAN;
        error.ports[0] = 65535;
        error.quoted = 100;
        expect_believed(&rig, &error);
        error.protocol = IP_PROTOCOL_GRE;
        error.ports[0] = 0;
        error.ports[1] = ETHERTYPE_MPLS;
        error.mtu = v6 == 1 ? 1280 : 576;
        expect_believed(&rig, &error);
        error.mtu = 1499;
        expect_believed(&rig, &error);
    }
    /* The upper half of the word has no meaning over IPv4 (RFC 1191). */
    struct error error = right(false);
    error.mtu = 0x12340000 | 1400;
    expect_believed(&rig, &error);
    rig_close(&rig);
}

static void
what_is_implausible_is_not_believed(void **state)
{
    struct rig rig;
    (void)state;

    open_rig(&rig);
    for (unsigned v6 = 0; v6 < 2; v6++) {
        struct error error = right(v6 == 1);

        error.mtu = v6 == 1 ? 1279 : 575; /* what every path carries */
        expect_drop(&rig, &error, DROP_PATH_MTU);
        error.mtu = 0;
        expect_drop(&rig, &error, DROP_PATH_MTU);
        error.mtu = 1500; /* the packet would have passed */
        expect_drop(&rig, &error, DROP_PATH_MTU);
        error = right(v6 == 1);
        error.length = 1501; /* larger than what we send */
        expect_drop(&rig, &error, DROP_PATH_MTU);
        error.length = 1400;
        expect_drop(&rig, &error, DROP_PATH_MTU);
        error = right(v6 == 1);
        error.to = v6 == 1 ? ROUTER6 : STRANGER; /* we have no tunnel there */
        expect_drop(&rig, &error, DROP_PATH_MTU);
    }
    struct error error = right(true);
    error.mtu = 0x10000 | 1400;
    expect_drop(&rig, &error, DROP_PATH_MTU);
    rig_close(&rig);
}

static void
what_is_about_something_else_goes_its_way(void **state)
{
    struct rig rig;
    (void)state;

    open_rig(&rig);
#define OTHER(change)                                      \
    do {                                                   \
        struct error error = right(v6 == 1);               \
        change;                                            \
        expect_drop(&rig, &error, DROP_UNDERLAY_PROTOCOL); \
    } while (0)
    for (unsigned v6 = 0; v6 < 2; v6++) {
        OTHER(error.from = v6 == 1 ? ROUTER6 : STRANGER);
        OTHER(error.ports[1] = 4790);
        OTHER(error.ports[0] = 49151);
        OTHER(error.protocol = IP_PROTOCOL_TCP);
        OTHER((error.protocol = IP_PROTOCOL_GRE, error.ports[0] = 0x2000,
               error.ports[1] = ETHERTYPE_MPLS));
        OTHER((error.protocol = IP_PROTOCOL_GRE, error.ports[0] = 0,
               error.ports[1] = ETHERTYPE_IPV4));
        OTHER(error.quoted = 7);
        OTHER(error.type = v6 == 1 ? ICMP6_TIME_EXCEEDED : 11);
        if (v6 == 0) {
            OTHER(error.code = 1);
            OTHER(error.fragment = 0);
            OTHER(error.fragment = IPV4_DONT_FRAGMENT | IPV4_MORE_FRAGMENTS);
            OTHER(error.fragment = 7);
            OTHER(error.version_ihl = 0x46);
            OTHER(error.version_ihl = 0x75);
        }
    }
#undef OTHER
    rig_close(&rig);
}

static void
a_wrong_checksum_or_a_cut_message_is_not_taken(void **state)
{
    struct rig rig;
    uint8_t frame[512];
    struct path_mtu told;
    (void)state;

    open_rig(&rig);
    for (unsigned v6 = 0; v6 < 2; v6++) {
        const struct error error = right(v6 == 1);
        const size_t length = write(&error, frame), message = v6 == 1 ? 54 : 34;

        for (size_t at = message; at < length; at++) {
            frame[at] ^= 0x08;
            rig_punt(&rig, PUNT_UNDERLAY_LOCAL, frame, length);
            rig_turn(&rig);
            frame[at] ^= 0x08;
        }
        for (size_t cut = 1; cut < length; cut++)
            rig_punt(&rig, PUNT_UNDERLAY_LOCAL, frame, cut);
        rig_turn(&rig);
        assert_false(path_mtu_take(rig.rings, &told));
    }
    rig_close(&rig);
}

static void
no_more_than_a_few_are_believed(void **state)
{
    const struct error error = right(false);
    struct rig rig;
    uint8_t frame[512];
    struct path_mtu told;
    unsigned believed = 0;
    (void)state;

    open_rig(&rig);
    for (unsigned i = 0; i < 100; i++) {
        rig_punt(&rig, PUNT_UNDERLAY_LOCAL, frame, write(&error, frame));
        rig_turn(&rig);
    }
    while (path_mtu_take(rig.rings, &told))
        believed++;
    assert_int_equal(believed, 20);
    assert_int_equal(rig_drops(&rig, DROP_PATH_MTU), 80);
    rig_close(&rig);
}

static void
a_full_ring_loses_what_will_be_said_again(void **state)
{
    struct rings *rings = rings_create(1, 1);
    const struct path_mtu first = { rig_address(FAR6), 1400 };
    struct path_mtu path_mtu = first;
    unsigned told = 0;
    (void)state;

    assert_non_null(rings);
    while (path_mtu_tell(rings, &path_mtu)) {
        path_mtu.mtu++;
        told++;
    }
    assert_int_equal(told, PATH_MTU_RING_ENTRIES - 1);
    for (unsigned i = 0; i < told; i++) {
        assert_true(path_mtu_take(rings, &path_mtu));
        assert_int_equal(path_mtu.mtu, 1400 + i);
        assert_true(ip_addr_equal(&path_mtu.address, &first.address));
    }
    assert_false(path_mtu_take(rings, &path_mtu));
    rings_destroy(rings);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_quotes_a_tunnel_of_ours_is_believed),
        cmocka_unit_test(what_is_implausible_is_not_believed),
        cmocka_unit_test(what_is_about_something_else_goes_its_way),
        cmocka_unit_test(a_wrong_checksum_or_a_cut_message_is_not_taken),
        cmocka_unit_test(no_more_than_a_few_are_believed),
        cmocka_unit_test(a_full_ring_loses_what_will_be_said_again),
    };

    rig_start_eal();
    return cmocka_run_group_tests_name("path_mtu", tests, NULL, NULL);
}
