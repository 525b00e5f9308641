/* SPDX-License-Identifier: BSD-3-Clause */

/* millrace-rs: the configuration file, and what it says of a wrong one. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "control/routeserver/config.h"

static int
read_text(const char *text, struct rs_config *config, char error[RS_CONFIG_ERROR_MAX])
{
    return rs_config_read(text, strlen(text), "rs.conf", config, error);
}

static void
a_whole_configuration_is_read(void **state)
{
    static const char text[] = "listen = {\"192.0.2.1:5223\", \"127.0.0.1\", "
                               "\"[2001:db8::1]:5224\", \"::\"}\n"
                               "jid = \"rs1@example.net\"\n"
                               "tls = none\n"
                               "purge-time = 3\n"
                               "deferral-time = 0\n"
                               "auto-vpn = false\n"
                               "control-socket { path = \"/tmp/rs.sock\" mode = \"0600\"\n"
                               "group = \"staff\" }\n"
                               "limits { sessions = 7 routes = 8 }\n"
                               "vpn \"red\" { export = {\"64512:1\", \"64512:3\"} "
                               "import = {\"64512:2\"} }\n"
                               "vpn \"blue\" { }\n";
    char error[RS_CONFIG_ERROR_MAX];
    struct rs_config config;
    (void)state;

    assert_int_equal(read_text(text, &config, error), 0);
    assert_int_equal(config.n_listen, 4);
    assert_int_equal(config.listen[2].addr.family, IP_V6);
    assert_int_equal(config.listen[2].port, 5224);
    assert_int_equal(config.listen[3].addr.family, IP_V6);
    assert_int_equal(config.listen[3].port, 5222);
    assert_int_equal(config.listen[0].port, 5223);
    assert_int_equal(config.listen[1].port, 5222);
    assert_int_equal(ip_addr_to_v4(&config.listen[0].addr), 0xc0000201);
    assert_string_equal(config.jid, "rs1@example.net");
    assert_int_equal(config.purge_seconds, 3);
    assert_int_equal(config.deferral_seconds, 0);
    assert_false(config.auto_vpn);
    assert_string_equal(config.control_socket, "/tmp/rs.sock");
    assert_string_equal(config.control_socket_group, "staff");
    assert_int_equal(config.control_socket_mode, 0600);
    assert_int_equal(config.sessions_max, 7);
    assert_int_equal(config.limits.routes, 8);
    assert_int_equal(config.limits.vpns, 10000);
    assert_int_equal(config.n_vpns, 2);
    assert_string_equal(config.vpns[0].name, "red");
    assert_int_equal(config.vpns[0].n_exports, 2);
    assert_true(config.vpns[0].imports[0] == 0x0002fc0000000002u);
    assert_int_equal(config.vpns[1].n_exports, 0);
    rs_config_free(&config);

    assert_int_equal(read_text("listen = \"127.0.0.1\"\n"
                               "certificates { trust = \"/ca.pem\" certificate = \"/rs.pem\" }\n",
                               &config, error),
                     0);
    assert_true(config.tls && config.client_certificates);
    assert_string_equal(config.trust, "/ca.pem");
    assert_string_equal(config.certificate, "/rs.pem");
    assert_string_equal(config.key, "");
    assert_string_equal(config.jid, "route-server@ietf.org"); /* C24 */
    assert_int_equal(config.purge_seconds, 60);               /* R2 */
    assert_int_equal(config.deferral_seconds, 60);
    assert_true(config.auto_vpn);
    rs_config_free(&config);
}

static void
wrong_values_are_told_with_line_and_key(void **state)
{
#define HEAD "listen = {\"127.0.0.1\"}\ntls = none\n"
    static const struct {
        const char *text, *error; /* the beginning of the error */
    } cases[] = {
        { "", "rs.conf: listen: missing" },
        { "listen = {\"127.0.0.1\"}\n", "rs.conf: certificates { trust, certificate }: missing" },
        { "listen = {\"127.0.0.1\"}\ntls = required\n", "rs.conf: certificates" },
        { "listen = {\"127.0.0.1\"}\ntls = maybe\n", "rs.conf:2: tls: expected required or none" },
        { HEAD "client-certificates = no\n",
          "rs.conf:3: client-certificates: expected required or optional" },
        { HEAD "certificates { trust = \"ca.pem\" }\n", "rs.conf:3: trust: expected an absolute" },
        { HEAD "purge-tim = 3\n", "rs.conf:3: purge-tim: unknown key" },
        { HEAD "purge-time = 86401\n", "rs.conf:3: purge-time: expected a number from 0 to 86400" },
        { HEAD "purge-time = -1\n", "rs.conf:3: purge-time: expected a number" },
        { HEAD "purge-time = soon\n", "rs.conf:3: " },
        { HEAD "auto-vpn = perhaps\n", "rs.conf:3: " },
        { HEAD "jid = \"no address\"\n", "rs.conf:3: jid: expected" },
        { HEAD "jid = \"a@b/c\"\n", "rs.conf:3: jid: expected" },
        { HEAD "control-socket { path = \"relative\" }\n", "rs.conf:3: path: expected" },
        { HEAD "control-socket { mode = \"0999\" }\n", "rs.conf:3: mode: expected" },
        { "listen = {\"127.0.0.1\",\n\"example.net\"}\n", "rs.conf:2: listen: expected" },
        { "listen = \"127.0.0.1:0\"\n", "rs.conf:1: listen: expected" },
        { "listen = \"127.0.0.1:65536\"\n", "rs.conf:1: listen: expected" },
        { "listen = \"[127.0.0.1]:5222\"\n", "rs.conf:1: listen: expected" },
        { "listen = \"[2001:db8::1]:0\"\n", "rs.conf:1: listen: expected" },
        { HEAD "\nvpn \"red\" {\n  export = {\"64512\"}\n}\n",
          "rs.conf:5: export: expected a route target" },
        { HEAD "vpn \"red\" {\n  fly = 1\n}\n", "rs.conf:4: fly: unknown key" },
        { HEAD "vpn \"red green\" { }\n", "rs.conf:3: vpn: expected a VPN identifier" },
        { HEAD "vpn \"\" { }\n", "rs.conf:3: vpn: expected a VPN identifier" },
        { HEAD "vpn \"red\" { }\nvpn \"red\" { }\n", "rs.conf:4: " },
        { HEAD "limits { vpns = 1 }\nvpn \"a\" { }\nvpn \"b\" { }\n", "rs.conf: vpn: more" },
        { HEAD "limits { sessions = 0 }\n", "rs.conf:3: sessions: expected a number from 1" },
        { HEAD "vpn \"red\" {\n", "rs.conf:5: the file ends in the middle of a section" },
        { HEAD "/* no end\n", "rs.conf:" },
        { HEAD "jid = \"no end\n", "rs.conf:" },
        { HEAD "= 3\n", "rs.conf:3: " },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char error[RS_CONFIG_ERROR_MAX];
        struct rs_config config;
        assert_int_equal(read_text(cases[i].text, &config, error), -EINVAL);
        if (strncmp(error, cases[i].error, strlen(cases[i].error)) != 0)
            fail_msg("case %zu: %s", i, error);
        assert_null(config.vpns);
    }
}

static void
a_missing_file_is_told(void **state)
{
    char error[RS_CONFIG_ERROR_MAX];
    struct rs_config config;
    (void)state;

    assert_int_equal(rs_config_load("/nonexistent/rs.conf", &config, error), -ENOENT);
    assert_string_equal(error, "/nonexistent/rs.conf: No such file or directory");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_configuration_is_read),
        cmocka_unit_test(wrong_values_are_told_with_line_and_key),
        cmocka_unit_test(a_missing_file_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
