/* SPDX-License-Identifier: BSD-3-Clause */

/* DHCPv4: which message gets which answer, what is in it, and where it is sent. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "lib/net/checksum.h"
#include "slowpath/dhcp4_message.h"
#include "slowpath_rig.h"

#define OWN     0x0a00000b /* 10.0.0.11 */
#define OTHER   0x0a00000c
#define GATEWAY 0xa9fe0001 /* 169.254.0.1 */
#define ALL     0xffffffff

#define OPTIONS 240 /* octets before the options */
#define HEADERS (14 + 20 + 8)

static const struct mac_addr guest = { { 0x02, 0, 0, 0, 0, 0x01 } };
static const struct mac_addr router = { { 0x00, 0x00, 0x5e, 0x00, 0x01, 0x01 } };
static const struct mac_addr any = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };

/* A client's message in the making. */
struct client {
    uint8_t octets[1400];
    size_t length;
};

static void
put(struct client *client, uint8_t code, const void *data, size_t length)
{
    client->octets[client->length++] = code;
    client->octets[client->length++] = (uint8_t)length;
    memcpy(client->octets + client->length, data, length);
    client->length += length;
}

static void
put_address(struct client *client, uint8_t code, uint32_t address)
{
    const be32 word = htobe32(address);

    put(client, code, &word, sizeof(word));
}

/* The fixed part and the message type. */
static struct client
begin(uint8_t type, uint32_t client_address)
{
    struct client client = { .length = OPTIONS };
    const be32 address = htobe32(client_address);

    memcpy(client.octets, "\1\1\6\0\x12\x34\x56\x78", 8);
    memcpy(client.octets + 12, &address, sizeof(address));
    memcpy(client.octets + 28, &guest, sizeof(guest));
    memcpy(client.octets + 236, "\x63\x82\x53\x63", 4);
    put(&client, 53, &type, 1);
    return client;
}

static void
finish(struct client *client)
{
    client->octets[client->length++] = 255;
}

/* The client's frame: a UDP datagram from port 68 to port 67. @return its length. */
static size_t
wrap(uint8_t *frame, const struct client *client, uint16_t vlan, uint32_t from, uint32_t to)
{
    uint8_t datagram[1500];
    struct udp_header udp = {
        .source_port = htobe16(68),
        .destination_port = htobe16(67),
        .length = htobe16((uint16_t)(sizeof(udp) + client->length)),
    };

    memcpy(datagram, &udp, sizeof(udp));
    memcpy(datagram + sizeof(udp), client->octets, client->length);
    const size_t length = rig_ipv4(frame, to == ALL ? &any : &router, &guest, vlan, from, to,
                                   IP_PROTOCOL_UDP, 0, datagram, sizeof(udp) + client->length);
    const size_t ip = vlan != 0 ? 18 : 14;
    struct ipv4_header header;
    memcpy(&header, frame + ip, sizeof(header));
    udp.checksum = checksum_transport_v4(&header, frame + ip + 20, sizeof(udp) + client->length);
    memcpy(frame + ip + 20, &udp, sizeof(udp));
    return length;
}

/* What the server answered. */
struct answer {
    bool any;
    struct mac_addr mac;
    uint32_t destination, client_address, your_address;
    size_t options_at; /* in the frame */
    size_t options_length;
    uint8_t type;
    uint8_t frame[1500];
};

static const uint8_t *
option(const struct answer *answer, uint8_t code, uint8_t *length)
{
    const uint8_t *options = answer->frame + answer->options_at;

    for (size_t i = 0; i < answer->options_length && options[i] != 255; i += 2u + options[i + 1]) {
        if (options[i] == code) {
            *length = options[i + 1];
            return options + i + 2;
        }
    }
    return NULL;
}

static bool
has(const struct answer *answer, uint8_t code, const void *data, size_t data_length)
{
    uint8_t length;
    const uint8_t *found = option(answer, code, &length);

    return found != NULL && length == data_length && memcmp(found, data, length) == 0;
}

static bool
has_any(const struct answer *answer, uint8_t code)
{
    uint8_t length;

    return option(answer, code, &length) != NULL;
}

/* Punts a frame, takes the answer apart and checks what holds for every answer. */
static struct answer
exchange_frame(struct rig *rig, const uint8_t *frame, size_t length, uint16_t vlan)
{
    struct answer answer = { 0 };
    struct ipv4_header ip;
    struct udp_header udp;
    uint16_t port;
    const size_t at = vlan != 0 ? 18 : 14;

    rig_punt(rig, PUNT_DHCP4, frame, length);
    rig_turn(rig);
    const size_t got = rig_take(rig, answer.frame, sizeof(answer.frame), &port);
    if (got == 0)
        return answer;
    answer.any = true;
    assert_int_equal(port, RIG_ACCESS);
    memcpy(&answer.mac, answer.frame, 6);
    assert_memory_equal(answer.frame + 6, &router, 6);
    if (vlan != 0)
        assert_int_equal(answer.frame[14] << 8 | answer.frame[15], vlan);
    memcpy(&ip, answer.frame + at, sizeof(ip));
    memcpy(&udp, answer.frame + at + 20, sizeof(udp));
    assert_int_equal(checksum_ipv4(&ip, sizeof(ip)), 0);
    assert_int_equal(be16toh(ip.total_length), got - at);
    assert_true(be16toh(ip.total_length) <= 576);
    assert_int_equal(be32toh(ip.source), GATEWAY);
    answer.destination = be32toh(ip.destination);
    assert_int_equal(be16toh(udp.source_port), 67);
    assert_int_equal(be16toh(udp.destination_port), 68);
    assert_int_equal(be16toh(udp.length), got - at - 20);
    assert_int_not_equal(udp.checksum, 0);
    assert_int_equal(checksum_transport_v4(&ip, answer.frame + at + 20, got - at - 20), 0);

    const uint8_t *message = answer.frame + at + 28;
    be32 word;
    assert_true(got - at - 28 >= 300);
    assert_memory_equal(message, "\2\1\6\0\x12\x34\x56\x78", 8);
    assert_memory_equal(message + 28, &guest, 6);
    assert_memory_equal(message + 236, "\x63\x82\x53\x63", 4);
    memcpy(&word, message + 12, sizeof(word));
    answer.client_address = be32toh(word);
    memcpy(&word, message + 16, sizeof(word));
    answer.your_address = be32toh(word);
    answer.options_at = (size_t)(message + OPTIONS - answer.frame);
    answer.options_length = got - at - 28 - OPTIONS;
    assert_int_equal(message[OPTIONS], 53);
    assert_true(has(&answer, 54, "\xa9\xfe\x00\x01", 4));
    answer.type = message[OPTIONS + 2];
    return answer;
}

static struct answer
exchange(struct rig *rig, struct client *client, uint32_t from, uint32_t to)
{
    uint8_t frame[1500];

    finish(client);
    return exchange_frame(rig, frame, wrap(frame, client, 0, from, to), 0);
}

static void
a_discover_gets_the_interfaces_address_offered(void **state)
{
    struct client client = begin(DHCP4_DISCOVER, 0);
    struct rig rig;
    (void)state;

    rig_open(&rig);
    put(&client, 55, "\1\3\6\x1a\x33\x36", 6);
    const struct answer answer = exchange(&rig, &client, 0, ALL);
    assert_int_equal(answer.type, DHCP4_OFFER);
    assert_memory_equal(&answer.mac, &guest, 6);
    assert_int_equal(answer.destination, OWN);
    assert_int_equal(answer.your_address, OWN);
    assert_int_equal(answer.client_address, 0);
    assert_true(has(&answer, 1, "\xff\xff\xff\xff", 4));
    assert_true(has(&answer, 3, "\xa9\xfe\x00\x01", 4));
    assert_true(has(&answer, 6, "\x09\x09\x09\x09\x01\x01\x01\x01", 8));
    assert_true(has(&answer, 26, "\x05\xaa", 2)); /* 1450 */
    assert_true(has(&answer, 51, "\x00\x00\x0e\x10", 4));
    assert_true(has(&answer, 58, "\x00\x00\x07\x08", 4));
    assert_true(has(&answer, 59, "\x00\x00\x0c\x4e", 4));
    assert_false(has_any(&answer, 121));
    rig_close(&rig);
}

static void
classless_routes_stand_in_for_the_router(void **state)
{
    struct client client = begin(DHCP4_DISCOVER, 0);
    struct vif vif = rig_vif();
    struct rig rig;
    (void)state;

    rig_open(&rig);
    put(&client, 55, "\3\x79\1", 3);
    struct answer answer = exchange(&rig, &client, 0, ALL);
    assert_true(has(&answer, 121, "\x20\xa9\xfe\x00\x01\x00\x00\x00\x00\x00\xa9\xfe\x00\x01", 14));
    assert_false(has_any(&answer, 3));

    /* A subnet with the gateway in it needs no host route. */
    vif.service.prefix_length = 16;
    vif.service.address = ip_addr_from_v4(0xa9fe0102);
    rig_replace_vif(&rig, &vif);
    client = begin(DHCP4_DISCOVER, 0);
    put(&client, 55, "\1\x79", 2);
    answer = exchange(&rig, &client, 0, ALL);
    assert_true(has(&answer, 121, "\x00\xa9\xfe\x00\x01", 5));
    assert_true(has(&answer, 1, "\xff\xff\x00\x00", 4));
    assert_false(has_any(&answer, 3));
    rig_close(&rig);
}

static void
options_come_in_the_clients_order(void **state)
{
    /* The mask stands before the router in any case (RFC 2132 section 3.3). */
    static const uint8_t expected[] = { 53, 54, 51, 58, 59, 26, 1, 3, 6, 255 };
    struct client client = begin(DHCP4_DISCOVER, 0);
    struct rig rig;
    size_t at = 0;
    (void)state;

    rig_open(&rig);
    put(&client, 55, "\x1a\x0c\x03\x0f\x1a\x06\x01", 7);
    const struct answer answer = exchange(&rig, &client, 0, ALL);
    for (size_t i = 0; i < sizeof(expected); i++) {
        const uint8_t *next = answer.frame + answer.options_at + at;

        assert_int_equal(next[0], expected[i]);
        at += 2u + next[1];
    }
    rig_close(&rig);
}

static void
the_multipoint_model_tells_the_subnet(void **state)
{
    struct client client = begin(DHCP4_DISCOVER, 0);
    struct vif vif = rig_vif();
    struct rig rig;
    (void)state;

    rig_open(&rig);
    vif.service.prefix_length = 24;
    rig_replace_vif(&rig, &vif);
    const struct answer answer = exchange(&rig, &client, 0, ALL);
    assert_int_equal(answer.your_address, OWN);
    assert_true(has(&answer, 1, "\xff\xff\xff\x00", 4));
    assert_true(has(&answer, 3, "\xa9\xfe\x00\x01", 4));
    rig_close(&rig);
}

static void
requests_get_ack_or_nak(void **state)
{
    enum { NONE = 0, IGNORED = 100, INVALID = 101 };
    static const struct {
        const char *what;
        uint32_t client_address, requested, server, from, to;
        uint8_t answer;
        uint32_t destination;
    } cases[] = {
        { "selecting", 0, OWN, GATEWAY, 0, ALL, DHCP4_ACK, OWN },
        { "selecting another server", 0, OWN, OTHER, 0, ALL, IGNORED, 0 },
        { "selecting a wrong address", 0, OTHER, GATEWAY, 0, ALL, DHCP4_NAK, ALL },
        { "after a reboot", 0, OWN, 0, 0, ALL, DHCP4_ACK, OWN },
        { "after a move", 0, OTHER, 0, 0, ALL, DHCP4_NAK, ALL },
        { "renewing", OWN, 0, 0, OWN, GATEWAY, DHCP4_ACK, OWN },
        { "rebinding", OWN, 0, 0, OWN, ALL, DHCP4_ACK, OWN },
        { "rebinding a wrong address", OTHER, 0, 0, OTHER, ALL, DHCP4_NAK, ALL },
        { "asking for two addresses", OTHER, OWN, 0, OTHER, ALL, DHCP4_NAK, ALL },
        { "asking for nothing", 0, 0, 0, 0, ALL, INVALID, 0 },
        { "asking nothing of us", 0, 0, GATEWAY, 0, ALL, INVALID, 0 },
    };
    struct rig rig;
    (void)state;

    rig_open(&rig);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct client client = begin(DHCP4_REQUEST, cases[i].client_address);
        const uint64_t ignored = rig_drops(&rig, DROP_DHCP_IGNORED);
        const uint64_t invalid = rig_drops(&rig, DROP_DHCP_INVALID);

        if (cases[i].requested != 0)
            put_address(&client, 50, cases[i].requested);
        if (cases[i].server != 0)
            put_address(&client, 54, cases[i].server);
        const struct answer answer = exchange(&rig, &client, cases[i].from, cases[i].to);
        assert_int_equal(rig_drops(&rig, DROP_DHCP_IGNORED) - ignored, cases[i].answer == IGNORED);
        assert_int_equal(rig_drops(&rig, DROP_DHCP_INVALID) - invalid, cases[i].answer == INVALID);
        if (cases[i].answer >= IGNORED) {
            assert_false(answer.any);
            continue;
        }
        assert_int_equal(answer.type, cases[i].answer);
        assert_int_equal(answer.destination, cases[i].destination);
        if (answer.type == DHCP4_ACK) {
            assert_int_equal(answer.your_address, OWN);
            assert_int_equal(answer.client_address, cases[i].client_address);
            assert_memory_equal(&answer.mac, &guest, 6);
            assert_true(has_any(&answer, 51));
        } else {
            assert_int_equal(answer.your_address, 0);
            assert_int_equal(answer.client_address, 0);
            assert_memory_equal(&answer.mac, &any, 6);
            assert_false(has_any(&answer, 51));
            assert_false(has_any(&answer, 1));
        }
    }
    rig_close(&rig);
}

static void
who_cannot_take_unicast_is_answered_by_broadcast(void **state)
{
    struct client client = begin(DHCP4_DISCOVER, 0);
    struct rig rig;
    (void)state;

    rig_open(&rig);
    client.octets[10] = 0x80;
    const struct answer answer = exchange(&rig, &client, 0, ALL);
    assert_int_equal(answer.type, DHCP4_OFFER);
    assert_int_equal(answer.destination, ALL);
    assert_memory_equal(&answer.mac, &any, 6);
    assert_int_equal(answer.frame[HEADERS + 10], 0x80);
    rig_close(&rig);
}

static void
an_inform_gets_parameters_and_no_lease(void **state)
{
    struct client client = begin(DHCP4_INFORM, OWN);
    struct rig rig;
    (void)state;

    rig_open(&rig);
    const struct answer answer = exchange(&rig, &client, OWN, ALL);
    assert_int_equal(answer.type, DHCP4_ACK);
    assert_int_equal(answer.destination, OWN);
    assert_int_equal(answer.your_address, 0);
    assert_int_equal(answer.client_address, OWN);
    assert_true(has_any(&answer, 6));
    assert_false(has_any(&answer, 51));
    assert_false(has_any(&answer, 58));
    assert_false(has_any(&answer, 59));
    /* Not to an address that the guest does not have. */
    client = begin(DHCP4_INFORM, OTHER);
    assert_false(exchange(&rig, &client, OTHER, ALL).any);
    assert_int_equal(rig_drops(&rig, DROP_DHCP_INVALID), 1);
    rig_close(&rig);
}

static void
declines_and_releases_are_taken_in(void **state)
{
    static const uint8_t types[] = { DHCP4_DECLINE, DHCP4_RELEASE };
    struct rig rig;
    (void)state;

    rig_open(&rig);
    for (unsigned i = 0; i < 2; i++) {
        struct client client = begin(types[i], types[i] == DHCP4_RELEASE ? OWN : 0);
        put_address(&client, 54, GATEWAY);
        assert_false(exchange(&rig, &client, OWN, GATEWAY).any);
        assert_int_equal(rig_consumed(&rig), i + 1);
        client = begin(types[i], 0);
        put_address(&client, 54, OTHER);
        assert_false(exchange(&rig, &client, OWN, GATEWAY).any);
        assert_int_equal(rig_drops(&rig, DROP_DHCP_IGNORED), i + 1);
    }
    rig_close(&rig);
}

static void
the_clients_identifier_is_sent_back(void **state)
{
    uint8_t id[255];
    struct rig rig;
    (void)state;

    memset(id, 0xa5, sizeof(id));
    rig_open(&rig);
    struct client client = begin(DHCP4_DISCOVER, 0);
    put(&client, 61, id, 19);
    const struct answer answer = exchange(&rig, &client, 0, ALL);
    assert_true(has(&answer, 61, id, 19));
    /* One that leaves no room for what the guest needs: no answer rather than half of one. */
    client = begin(DHCP4_DISCOVER, 0);
    put(&client, 61, id, 255);
    put(&client, 55, "\x79", 1);
    assert_false(exchange(&rig, &client, 0, ALL).any);
    assert_int_equal(rig_drops(&rig, DROP_DHCP_INVALID), 1);
    rig_close(&rig);
}

static void
overloaded_options_are_read(void **state)
{
    struct client client = begin(DHCP4_REQUEST, 0);
    struct rig rig;
    (void)state;

    rig_open(&rig);
    put(&client, 52, "\3", 1);
    memcpy(client.octets + 108, "\x32\4\x0a\0\0\x0b\xff", 7); /* file: requested address */
    memcpy(client.octets + 44, "\x36\4\xa9\xfe\0\1\xff", 7);  /* server name: server */
    const struct answer answer = exchange(&rig, &client, 0, ALL);
    assert_int_equal(answer.type, DHCP4_ACK);
    /* Without the overload option they are names. */
    client = begin(DHCP4_REQUEST, 0);
    memcpy(client.octets + 108, "\x32\4\x0a\0\0\x0b\xff", 7);
    assert_false(exchange(&rig, &client, 0, ALL).any);
    rig_close(&rig);
}

static void
the_answer_carries_the_interfaces_tag(void **state)
{
    struct client client = begin(DHCP4_DISCOVER, 0);
    struct vif vif = rig_vif();
    struct rig rig;
    uint8_t frame[1500];
    (void)state;

    rig_open(&rig);
    vif.vlan = 77;
    rig_replace_vif(&rig, &vif);
    finish(&client);
    const struct answer answer = exchange_frame(&rig, frame, wrap(frame, &client, 77, 0, ALL), 77);
    assert_int_equal(answer.type, DHCP4_OFFER);
    rig_close(&rig);
}

static void
a_checksum_left_to_a_device_is_accepted_and_a_wrong_one_is_not(void **state)
{
    struct client client = begin(DHCP4_DISCOVER, 0);
    struct rig rig;
    uint8_t frame[1500];
    (void)state;

    rig_open(&rig);
    finish(&client);
    const size_t length = wrap(frame, &client, 0, 0, ALL);
    const uint32_t datagram = (uint32_t)(8 + client.length);
    /* 0.0.0.0, 255.255.255.255, protocol 17, length: as a kernel leaves it. */
    const uint32_t sum = 0xffff + 0xffff + 17 + datagram;
    const be16 partial = htobe16((uint16_t)((sum & 0xffff) + (sum >> 16)));
    memcpy(frame + 14 + 20 + 6, &partial, sizeof(partial));
    assert_true(exchange_frame(&rig, frame, length, 0).any);
    memset(frame + 14 + 20 + 6, 0, 2);
    assert_true(exchange_frame(&rig, frame, length, 0).any);
    frame[14 + 20 + 6] = 0x12;
    assert_false(exchange_frame(&rig, frame, length, 0).any);
    assert_int_equal(rig_drops(&rig, DROP_DHCP_INVALID), 1);
    rig_close(&rig);
}

static void
what_a_server_does_not_answer_is_dropped(void **state)
{
    static const struct {
        size_t at; /* octet of the message that is changed */
        uint8_t value;
        enum drop_reason reason;
    } cases[] = {
        { 0, 2, DROP_DHCP_INVALID },           /* a reply */
        { 1, 6, DROP_DHCP_INVALID },           /* hardware type */
        { 2, 16, DROP_DHCP_INVALID },          /* hardware length */
        { 24, 10, DROP_DHCP_IGNORED },         /* from a relay */
        { 33, 2, DROP_DHCP_INVALID },          /* for another station */
        { 236, 0, DROP_DHCP_INVALID },         /* the cookie */
        { OPTIONS, 12, DROP_DHCP_INVALID },    /* no message type */
        { OPTIONS + 1, 2, DROP_DHCP_INVALID }, /* its length */
        { OPTIONS + 2, 0, DROP_DHCP_INVALID }, /* an unknown type */
        { OPTIONS + 2, 9, DROP_DHCP_INVALID },
        { OPTIONS + 2, DHCP4_OFFER, DROP_DHCP_INVALID },
        { OPTIONS + 2, DHCP4_ACK, DROP_DHCP_INVALID },
        { OPTIONS + 4, 200, DROP_DHCP_INVALID }, /* an option longer than the message */
    };
    struct vif vif = rig_vif();
    struct rig rig;
    uint8_t frame[1500];
    (void)state;

    rig_open(&rig);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct client client = begin(DHCP4_DISCOVER, 0);
        const uint64_t before = rig_drops(&rig, cases[i].reason);
        put(&client, 55, "\1", 1);
        client.octets[cases[i].at] = cases[i].value;
        assert_false(exchange(&rig, &client, 0, ALL).any);
        assert_int_equal(rig_drops(&rig, cases[i].reason), before + 1);
    }

    struct client client = begin(DHCP4_DISCOVER, 0);
    put(&client, 53, "\1", 1); /* the type twice */
    assert_false(exchange(&rig, &client, 0, ALL).any);
    client = begin(DHCP4_DISCOVER, 0);
    finish(&client);
    const size_t length = wrap(frame, &client, 0, 0, ALL);
    for (size_t cut = 1; cut < length; cut++)
        assert_false(exchange_frame(&rig, frame, cut, 0).any);

    vif.service.dhcp = false;
    rig_replace_vif(&rig, &vif);
    const uint64_t before = rig_drops(&rig, DROP_DHCP_IGNORED);
    assert_false(exchange_frame(&rig, frame, length, 0).any);
    assert_int_equal(rig_drops(&rig, DROP_DHCP_IGNORED), before + 1);
    rig_close(&rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_discover_gets_the_interfaces_address_offered),
        cmocka_unit_test(classless_routes_stand_in_for_the_router),
        cmocka_unit_test(options_come_in_the_clients_order),
        cmocka_unit_test(the_multipoint_model_tells_the_subnet),
        cmocka_unit_test(requests_get_ack_or_nak),
        cmocka_unit_test(who_cannot_take_unicast_is_answered_by_broadcast),
        cmocka_unit_test(an_inform_gets_parameters_and_no_lease),
        cmocka_unit_test(declines_and_releases_are_taken_in),
        cmocka_unit_test(the_clients_identifier_is_sent_back),
        cmocka_unit_test(overloaded_options_are_read),
        cmocka_unit_test(the_answer_carries_the_interfaces_tag),
        cmocka_unit_test(a_checksum_left_to_a_device_is_accepted_and_a_wrong_one_is_not),
        cmocka_unit_test(what_a_server_does_not_answer_is_dropped),
    };

    rig_start_eal();
    return cmocka_run_group_tests_name("dhcp4", tests, NULL, NULL);
}
