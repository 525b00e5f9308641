/* SPDX-License-Identifier: BSD-3-Clause */

/* lib/net/addr.h: strict parsing, printing, order. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "lib/net/addr.h"

static void
prefixes_are_parsed_strictly(void **state)
{
    static const struct {
        const char *text;
        int result;
        const char *shown;
    } cases[] = {
        { "10.0.0.0/8", 0, "10.0.0.0/8" },
        { "10.0.0.1", 0, "10.0.0.1/32" },
        { "0.0.0.0/0", 0, "0.0.0.0/0" },
        { "2001:db8::/32", 0, "2001:db8::/32" },
        { "fe80::1", 0, "fe80::1/128" },
        { "10.0.0.1/8", -EDOM, NULL },
        { "2001:db8::1/32", -EDOM, NULL },
        { "10.0.0.0/33", -EINVAL, NULL },
        { "10.0.0.0/", -EINVAL, NULL },
        { "10.0.0.0/+8", -EINVAL, NULL },
        { "10.0.0.0/8 ", -EINVAL, NULL },
        { "10.0.0/8", -EINVAL, NULL },
        { "", -EINVAL, NULL },
        { "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb/64", -EINVAL, NULL },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ip_prefix prefix;
        char text[IP_PREFIX_TEXT_MAX];

        assert_int_equal(ip_prefix_parse(cases[i].text, &prefix), cases[i].result);
        if (cases[i].result == 0)
            assert_string_equal(ip_prefix_format(&prefix, text), cases[i].shown);
    }
}

static void
an_interface_address_keeps_its_host_bits(void **state)
{
    struct ip_addr addr;
    uint8_t length;
    char text[IP_ADDR_TEXT_MAX];
    (void)state;

    assert_int_equal(ip_interface_parse("192.0.2.11/24", &addr, &length), 0);
    assert_string_equal(ip_addr_format(&addr, text), "192.0.2.11");
    assert_int_equal(length, 24);
}

static void
a_prefix_contains_its_addresses_only(void **state)
{
    struct ip_prefix net;
    struct ip_addr inside, outside, other_family;
    (void)state;

    assert_int_equal(ip_prefix_parse("10.128.0.0/9", &net), 0);
    assert_int_equal(ip_addr_parse("10.129.3.4", &inside), 0);
    assert_int_equal(ip_addr_parse("10.127.255.255", &outside), 0);
    assert_int_equal(ip_addr_parse("a80::1", &other_family), 0);
    assert_true(ip_prefix_contains(&net, &inside));
    assert_false(ip_prefix_contains(&net, &outside));
    assert_false(ip_prefix_contains(&net, &other_family));
}

static void
a_port_stands_behind_an_address(void **state)
{
    static const struct {
        const char *text, *shown;
        uint16_t port; /* 0: refused */
    } cases[] = {
        { "192.0.2.1", "192.0.2.1", 5222 },
        { "192.0.2.1:80", "192.0.2.1", 80 },
        { "2001:db8::1", "2001:db8::1", 5222 },
        { "[2001:db8::1]", "2001:db8::1", 5222 },
        { "[2001:db8::1]:65535", "2001:db8::1", 65535 },
        { "2001:db8::1:80", "2001:db8::1:80", 5222 },
        { "192.0.2.1:", NULL, 0 },
        { "192.0.2.1:0", NULL, 0 },
        { "192.0.2.1:65536", NULL, 0 },
        { "192.0.2.1:80 ", NULL, 0 },
        { "[192.0.2.1]:80", NULL, 0 },
        { "[2001:db8::1", NULL, 0 },
        { "[2001:db8::1]80", NULL, 0 },
        { "[2001:db8::1]:", NULL, 0 },
        { "[]:80", NULL, 0 },
        { "[", NULL, 0 },
        { ":80", NULL, 0 },
        { "", NULL, 0 },
        { "[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa]:80", NULL, 0 },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ip_addr addr = { .family = IP_NONE };
        uint16_t port = 5222;
        char text[IP_ADDR_TEXT_MAX];
        int status = ip_addr_port_parse(cases[i].text, &addr, &port);

        assert_int_equal(status, cases[i].port == 0 ? -EINVAL : 0);
        assert_int_equal(port, cases[i].port == 0 ? 5222 : cases[i].port);
        if (status == 0) {
            assert_string_equal(ip_addr_format(&addr, text), cases[i].shown);
            struct ip_addr again = { .family = IP_NONE };
            uint16_t port_again = 0;
            char both[IP_PORT_TEXT_MAX];
            assert_int_equal(
                ip_addr_port_parse(ip_addr_port_format(&addr, port, both), &again, &port_again), 0);
            assert_true(ip_addr_equal(&again, &addr));
            assert_int_equal(port_again, port);
        } else
            assert_int_equal(addr.family, IP_NONE);
    }
}

static void
mac_addresses_round_trip(void **state)
{
    struct mac_addr mac;
    char text[MAC_TEXT_MAX];
    (void)state;

    assert_int_equal(mac_parse("02:00:00:aB:00:01", &mac), 0);
    assert_string_equal(mac_format(&mac, text), "02:00:00:ab:00:01");
    assert_int_equal(mac_parse("02:00:00:ab:00", &mac), -EINVAL);
    assert_int_equal(mac_parse("02:00:00:ab:00:01:02", &mac), -EINVAL);
    assert_int_equal(mac_parse("02:00:00:ab:00:0g", &mac), -EINVAL);
    assert_int_equal(mac_parse("", &mac), -EINVAL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prefixes_are_parsed_strictly),
        cmocka_unit_test(an_interface_address_keeps_its_host_bits),
        cmocka_unit_test(a_prefix_contains_its_addresses_only),
        cmocka_unit_test(a_port_stands_behind_an_address),
        cmocka_unit_test(mac_addresses_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
