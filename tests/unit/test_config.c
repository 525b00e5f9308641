/* SPDX-License-Identifier: BSD-3-Clause */

/* control/config: what is read from a file, and what a wrong one is told. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "control/config.h"

#define UNDERLAY "underlay \"fabric\" { port = \"null:\" address = {\"192.0.2.11/24\"} }\n"
#define VIF1                                                                  \
    "vif \"vm1\" { vpn = red port = \"tap:vm1\" mac = \"02:00:00:00:00:01\" " \
    "address = {\"10.0.0.11\"} }\n"

#define VIF(keys) \
    UNDERLAY "vif \"a\" { vpn = red port = \"tap:a\" mac = \"02:00:00:00:00:01\" " keys " }"

static int
read_text(const char *text, struct config *config, struct config_error *error)
{
    FILE *file = fmemopen((char *)(uintptr_t)text, strlen(text), "r");
    int status;

    assert_non_null(file);
    status = config_read(file, "test.conf", config, error);
    fclose(file);
    return status;
}

static void
the_smallest_file_has_defaults(void **state)
{
    struct config config;
    struct config_error error;
    (void)state;

    if (read_text(UNDERLAY, &config, &error) != 0)
        fail_msg("%s", error.text);
    assert_int_equal(config.n_workers, 1);
    assert_int_equal(config.workers[0], CPU_ANY);
    assert_int_equal(config.slow_path_cpu, CPU_ANY);
    assert_false(config.poll);
    assert_int_equal(config.underlay.settings.mtu, 1500);
    assert_int_equal(ip_addr_to_v4(&config.underlay.settings.v4), 0xc000020b);
    assert_int_equal(config.underlay.settings.v6.family, IP_NONE);
    assert_int_equal(config.underlay.settings.vlan, VLAN_UNTAGGED);
    assert_int_equal(config.underlay.settings.dscp_model, DSCP_PIPE);
    assert_int_equal(config.underlay.settings.dscp, 0);
    assert_true(config.underlay.settings.check_sources);
    assert_false(config.underlay.settings.check_reverse_path);
    assert_int_equal(config.underlay.v4.prefix_length, 24);
    assert_int_equal(config.underlay.v4.gateway.family, IP_NONE);
    assert_string_equal(config.underlay.host_interface, "");
    assert_int_equal(config.encapsulations[0], ENCAP_UDP);
    assert_int_equal(config.encapsulations[1], ENCAP_GRE);
    assert_int_equal(config.encapsulations[2], ENCAP_VXLAN);
    assert_int_equal(config_encapsulations(&config), ENCAP_UDP | ENCAP_GRE | ENCAP_VXLAN);
    assert_int_equal(config_inner_mtu(&config), 1450);
    assert_int_equal(config.stale_seconds, 300);
    assert_int_equal(config.control_socket_mode, 0660);
    assert_true(config.host_name[0] != '\0');
    assert_int_equal(config.n_servers + config.n_vpns + config.n_vifs, 0);
    config_free(&config);
}

static void
every_key_is_read(void **state)
{
    static const char text[] =
        "# a comment\n"
        "workers = {2, 3}\n slow-path-cpu = 1\n poll = true\n host-name = compute1\n"
        "hugepages = false\n simd = avx2\n memory = 256\n packets = 4096\n stale-timer = 60\n"
        "state-directory = \"/tmp/state\"\n encapsulations = {gre}\n"
        "control-socket { path = \"/tmp/s.sock\" mode = 0600 group = adm }\n"
        "limits { interfaces = 10 vrfs = 11 routes = 12 fib-nodes = 13 endpoints = 14\n"
        "         ecmp-sets = 15 neighbours = 16 }\n"
        "underlay \"fabric\" { port = \"0000:3b:02.0\" address = {\"192.0.2.11/24\"}\n"
        "  gateway = \"192.0.2.1\" gateway-mac = \"02:00:00:00:00:fe\" vlan = 5 mtu = 9000\n"
        "  dscp = pipe dscp-value = 46 check-sources = true check-reverse-path = true\n"
        "  allowed-sources = {\"192.0.2.99/32\", \"2001:db8:9::/48\"}\n"
        "  host-interface = host0 }\n"
        "server \"rs1\" { address = \"198.51.100.1:5223\" dialect = draft tls = none\n"
        "                 jid = \"rs@example.net\" }\n"
        "server \"rs2\" { address = \"198.51.100.2\" certificate-name = \"rs2.example\" }\n"
        "certificates { trust = \"/ca.pem\" certificate = \"/me.pem\" key = \"/key.pem\" }\n"
        "vpn \"red\" { instance-id = 7 gateway = \"10.0.0.1\" gateway6 = \"fe80::7\"\n"
        "  label-mode = vrf label = 100\n"
        "  route \"10.1.0.0/16\" { next-hop = \"192.0.2.12\" label = 31 encapsulations = {udp} }\n"
        "  route \"10.2.0.0/16\" { next-hop = \"192.0.2.13\" label = 32 }\n"
        "  route \"10.3.0.0/16\" { vif = vm1 } }\n"
        "vif \"vm1\" { vpn = red port = \"vhost:/run/vm1.sock\" vlan = 7 mac = "
        "\"02:00:00:00:00:01\"\n"
        "  address = {\"10.0.0.11/24\", \"10.0.0.12\"} prefix = {\"10.9.0.0/16\"} mtu = 1400\n"
        "  gateway = \"10.0.0.254\" dns = {\"10.0.0.53\"} lease = 600 dhcp = false up = false\n"
        "  gateway6 = \"fe80::9\" router-advertisement = false mss-clamp = 1200\n"
        "  rate-in = 64kbit rate-out = \"1Gbit\" packet-rate-in = 500 packet-rate-out = 600\n"
        "  local-preference = 200 sequence-number = 5 }\n"
        "vif \"vm2\" { vpn = blue port = \"tap:vm2\" mac = \"02:00:00:00:00:02\"\n"
        "  address = {\"10.0.0.11\"} label = 101 }\n";
    struct config config;
    struct config_error error;
    const struct vif_config *vif;
    const struct vpn_config *vpn;
    (void)state;

    if (read_text(text, &config, &error) != 0)
        fail_msg("%s", error.text);
    assert_int_equal(config.n_workers, 2);
    assert_int_equal(config.workers[1], 3);
    assert_int_equal(config.slow_path_cpu, 1);
    assert_true(config.poll);
    assert_string_equal(config.host_name, "compute1");
    assert_false(config.hugepages);
    assert_int_equal(config.simd, SIMD_AVX2);
    assert_int_equal(config.memory_mib, 256);
    assert_int_equal(config.packets, 4096);
    assert_int_equal(config.stale_seconds, 60);
    assert_string_equal(config.state_directory, "/tmp/state");
    assert_int_equal(config.n_encapsulations, 1);
    assert_false(config.servers[0].tls);
    assert_true(config.servers[1].tls);
    assert_string_equal(config.servers[1].certificate_name, "rs2.example");
    assert_string_equal(config.certificates.trust, "/ca.pem");
    assert_string_equal(config.certificates.certificate, "/me.pem");
    assert_string_equal(config.certificates.key, "/key.pem");
    assert_int_equal(config_inner_mtu(&config), 9000 - 28);
    assert_string_equal(config.control_socket, "/tmp/s.sock");
    assert_int_equal(config.control_socket_mode, 0600);
    assert_string_equal(config.control_socket_group, "adm");
    assert_int_equal(config.limits.vifs, 10);
    assert_int_equal(config.limits.neighbours, 16);
    assert_string_equal(config.underlay.port, "0000:3b:02.0");
    assert_int_equal(ip_addr_to_v4(&config.underlay.v4.gateway), 0xc0000201);
    assert_int_equal(config.underlay.gateway_mac.octets[5], 0xfe);
    assert_int_equal(config.underlay.settings.vlan, 5);
    assert_int_equal(config.underlay.settings.mtu, 9000);
    assert_int_equal(config.underlay.settings.dscp_model, DSCP_PIPE);
    assert_int_equal(config.underlay.settings.dscp, 46);
    assert_true(config.underlay.settings.check_sources);
    assert_true(config.underlay.settings.check_reverse_path);
    assert_int_equal(config.underlay.n_allowed_sources, 2);
    assert_int_equal(config.underlay.allowed_sources[1].addr.family, IP_V6);
    assert_int_equal(config.underlay.allowed_sources[1].length, 48);
    assert_string_equal(config.underlay.host_interface, "host0");
    assert_int_equal(config.n_servers, 2);
    assert_int_equal(config.servers[0].tcp_port, 5223);
    assert_string_equal(config.servers[0].jid, "rs@example.net");
    assert_int_equal(config.servers[1].tcp_port, 5222);

    vpn = config_vpn(&config, "red");
    assert_non_null(vpn);
    assert_null(config_vpn(&config, "blue"));
    assert_int_equal(vpn->instance_id, 7);
    assert_int_equal(vpn->gateway6.octets[15], 7);
    assert_int_equal(vpn->label_mode, LABEL_MODE_VRF);
    assert_int_equal(vpn->label, 100);
    assert_int_equal(vpn->n_routes, 3);
    assert_int_equal(vpn->routes[0].next_hop.encapsulations, ENCAP_UDP);
    assert_int_equal(vpn->routes[1].next_hop.encapsulations, ENCAP_GRE);
    assert_string_equal(vpn->routes[2].vif, "vm1");

    vif = &config.vifs[0];
    assert_true(vif->from_file);
    assert_int_equal(vif->vlan, 7);
    assert_int_equal(vif->n_addresses, 2);
    assert_int_equal(vif->addresses[0].length, 24);
    assert_int_equal(vif->addresses[1].length, 32);
    assert_int_equal(vif->n_prefixes, 1);
    assert_int_equal(vif->n_dns, 1);
    assert_int_equal(vif->lease_seconds, 600);
    assert_int_equal(vif->local_preference, 200);
    assert_int_equal(vif->sequence_number, 5);
    assert_false(vif->dhcp || vif->up || vif->router_advertisement);
    assert_int_equal(vif->gateway6.octets[15], 9);
    assert_int_equal(vif->mss_clamp, 1200);
    assert_int_equal(vif->rate_in.bits, 64000);
    assert_int_equal(vif->rate_out.bits, 1000000000);
    assert_int_equal(vif->rate_in.packets, 500);
    assert_int_equal(vif->rate_out.packets, 600);
    assert_int_equal(config.vifs[1].label, 101);
    assert_true(config.vifs[1].dhcp && config.vifs[1].up && config.vifs[1].router_advertisement);
    assert_int_equal(config.vifs[1].mss_clamp, MSS_CLAMP_OFF);
    assert_int_equal(config.vifs[1].rate_in.bits + config.vifs[1].rate_out.packets, 0);
    config_free(&config);
}

static void
everything_may_be_of_ipv6(void **state)
{
    static const char text[] =
        "underlay \"fabric\" { port = \"null:\" mtu = 9600 dscp = uniform check-sources = false\n"
        "  address = {\"2001:db8::11/64\", \"192.0.2.11/24\"}\n"
        "  gateway6 = \"fe80::fe\" gateway-mac = \"02:00:00:00:00:fe\" }\n"
        "server \"rs1\" { address = \"[2001:db8:1::1]:5223\" tls = none }\n"
        "server \"rs2\" { address = \"2001:db8:1::1\" tls = none }\n"
        "vpn \"red\" { route \"2001:db8:7::/48\" { next-hop = \"2001:db8::12\" label = 31\n"
        "                                          encapsulations = {vxlan} }\n"
        "             route \"10.7.0.0/16\" { next-hop = \"2001:db8::12\" label = 31 } }\n"
        "vif \"vm1\" { vpn = red port = \"tap:a\" mac = \"02:00:00:00:00:01\" mss-clamp = auto\n"
        "  address = {\"2001:db8:a::11\", \"10.0.0.11\"} prefix = {\"2001:db8:b::/48\", \"::/0\"} "
        "}\n";
    struct config config;
    struct config_error error;
    struct ip_addr address;
    (void)state;

    if (read_text(text, &config, &error) != 0)
        fail_msg("%s", error.text);
    assert_int_equal(ip_addr_parse("2001:db8::11", &address), 0);
    assert_true(ip_addr_equal(&config.underlay.settings.v6, &address));
    assert_true(ip_addr_equal(&config.underlay.next_hop, &address)); /* it stands first */
    assert_int_equal(config.underlay.settings.v4.family, IP_V4);
    assert_int_equal(config.underlay.v6.prefix_length, 64);
    assert_int_equal(config.underlay.v6.gateway.octets[15], 0xfe);
    assert_int_equal(config.underlay.settings.dscp_model, DSCP_UNIFORM);
    assert_false(config.underlay.settings.check_sources);
    assert_int_equal(config_inner_mtu(&config), 9600 - 40 - 8 - 8 - 14);
    assert_int_equal(config.servers[0].address.family, IP_V6);
    assert_int_equal(config.servers[0].tcp_port, 5223);
    assert_int_equal(config.servers[1].tcp_port, 5222);
    assert_int_equal(config.vpns[0].routes[0].prefix.length, 48);
    assert_int_equal(config.vpns[0].routes[0].next_hop.addr.family, IP_V6);
    assert_int_equal(config.vpns[0].routes[0].next_hop.encapsulations, ENCAP_VXLAN);
    assert_int_equal(config.vifs[0].addresses[0].length, 128);
    assert_int_equal(config.vifs[0].n_prefixes, 2);
    assert_int_equal(config.vifs[0].mss_clamp, MSS_CLAMP_AUTO);
    config_free(&config);
}

/* The widest encapsulation of the list decides, over the widest family that the underlay has. */
static void
an_interfaces_mtu_is_what_every_tunnel_carries(void **state)
{
    static const struct {
        const char *address, *encapsulations;
        uint16_t mtu;
    } cases[] = {
        { "\"192.0.2.11/24\"", "gre", 1472 },
        { "\"192.0.2.11/24\"", "udp, gre", 1468 },
        { "\"192.0.2.11/24\"", "gre, vxlan", 1450 },
        { "\"2001:db8::1/64\"", "gre", 1452 },
        { "\"2001:db8::1/64\"", "udp", 1448 },
        { "\"192.0.2.11/24\", \"2001:db8::1/64\"", "udp", 1448 },
        { "\"2001:db8::1/64\", \"192.0.2.11/24\"", "udp, gre, vxlan", 1430 },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[256];
        struct config config;
        struct config_error error;

        snprintf(text, sizeof(text),
                 "underlay \"u\" { port = \"null:\" address = {%s} }\nencapsulations = {%s}\n",
                 cases[i].address, cases[i].encapsulations);
        if (read_text(text, &config, &error) != 0)
            fail_msg("%s", error.text);
        if (config_inner_mtu(&config) != cases[i].mtu)
            fail_msg("%s: %u", text, config_inner_mtu(&config));
        config_free(&config);
    }
}

static void
c24_the_route_servers_jid_has_the_drafts_default(void **state)
{
    struct config config;
    struct config_error error;
    (void)state;

    assert_int_equal(read_text(UNDERLAY "server \"rs1\" { address = \"192.0.2.1\" tls = none }",
                               &config, &error),
                     0);
    assert_string_equal(config.servers[0].jid, "route-server@ietf.org");
    config_free(&config);
}

/* A wrong file, and what the message must contain: its line and its key first. */
struct wrong {
    const char *text, *where, *what;
};

static void
check_wrong(const struct wrong *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct config config;
        struct config_error error;

        if (read_text(cases[i].text, &config, &error) == 0)
            fail_msg("accepted: %s", cases[i].text);
        if (strstr(error.text, cases[i].where) == NULL || strstr(error.text, cases[i].what) == NULL)
            fail_msg("%s\n  is told: %s\n  not: %s … %s", cases[i].text, error.text, cases[i].where,
                     cases[i].what);
    }
}

static void
a_wrong_file_is_told_line_key_and_what_was_expected(void **state)
{
    static const struct wrong cases[] = {
        { "\n", "test.conf:", "underlay" },
        { "nonsense\n", "test.conf:1:", "nonsense" },
        { UNDERLAY "colour = red\n", "test.conf:2:", "colour" },
        { UNDERLAY "vif \"a\" {\n", "test.conf:4:", "ends inside of a section" },
        { UNDERLAY "vpn \"a\" { instance-id = 1\n", "test.conf:4:", "ends inside of a section" },
        { UNDERLAY "/* no end\n", "test.conf:", "ends inside of a comment" },
        { UNDERLAY "host-name = \"vr1\n", "test.conf:", "" },
        { UNDERLAY "workers = {1\n", "test.conf:", "" },
        { UNDERLAY UNDERLAY, "test.conf:2:", "fabric" },
        { UNDERLAY "\nworkers = {x}\n", "test.conf:3: workers:", "CPU" },
        { UNDERLAY "workers = {1, 1}\n", "test.conf:2: workers:", "twice" },
        { UNDERLAY "poll = true\npoll = true\n", "test.conf:3: poll:", "twice" },
        { UNDERLAY "workers = {1, 2}\nworkers = {3}\n", "test.conf:3: workers:", "twice" },
        { UNDERLAY "workers = {1}\nworkers = {3}\n", "test.conf:3: workers:", "twice" },
        { UNDERLAY "poll = maybe\n", "test.conf:2: poll:", "true or false" },
        { UNDERLAY "simd = sse\n", "test.conf:2: simd:", "avx512" },
        { UNDERLAY "memory = 1\n", "test.conf:2: memory:", "64" },
        { UNDERLAY "memory = -5\n", "test.conf:2: memory:", "64" },
        { UNDERLAY "host-name = \"a@b\"\n", "test.conf:2: host-name:", "JID" },
        { UNDERLAY "state-directory = relative\n", "test.conf:2: state-directory:", "absolute" },
        { UNDERLAY "encapsulations = {ipip}\n", "test.conf:2: encapsulations:", "vxlan" },
        { UNDERLAY "encapsulations = {udp, udp}\n", "test.conf:2: encapsulations:", "twice" },
        { UNDERLAY "control-socket {\n mode = 9\n}\n",
          "test.conf:3: control-socket mode:", "octal" },
        { UNDERLAY "limits { routes = 0 }\n", "test.conf:2: limits routes:", "1 to" },
        { "underlay \"u\" {\n port = \"nic\"\n address = {\"192.0.2.1/24\"} }",
          "test.conf:2: ", "tap:NAME" },
        { "underlay \"u\" { port = \"null:\"\n}", "underlay \"u\" address:", "missing" },
        { "underlay \"u\" { port = \"null:\" address = {\"192.0.2.1\"} }", "address:", "/24" },
        { "underlay \"u\" { port = \"null:\" address = {\"192.0.2.1/24\", \"192.0.2.2/24\"} }",
          "address:", "one" },
        { "underlay \"u\" { port = \"null:\" address = {\"fe80::1/64\"} }", "address:", "/64" },
        { "underlay \"u\" { port = \"null:\" address = {\"192.0.2.1/24\"} mtu = 100 }",
          "mtu:", "1280" },
        { "underlay \"u\" { port = \"null:\" address = {\"192.0.2.1/24\"}\n"
          "  gateway6 = \"fe80::1\" }",
          "test.conf:2: underlay \"u\" gateway6:", "no address of this family" },
        { "underlay \"u\" { port = \"null:\" address = {\"192.0.2.1/24\"}\n"
          "  gateway = \"2001:db8::1\" }",
          "gateway:", "IPv4" },
        { "underlay \"u\" { port = \"null:\" address = {\"2001:db8::1/64\"}\n"
          "  gateway6 = \"2001:db8::1\" }",
          "gateway6:", "own address" },
        { "underlay \"u\" { port = \"null:\" address = {\"192.0.2.1/24\"}\n"
          "  gateway-mac = \"02:00:00:00:00:01\" }",
          "gateway-mac:", "a gateway is expected" },
        { "underlay \"u\" { port = \"null:\" address = {\"192.0.2.1/24\"} vlan = 4095 }",
          "vlan:", "4094" },
        { "underlay \"u\" { port = \"null:\" address = {\"192.0.2.1/24\"} dscp = copy }",
          "dscp:", "uniform" },
        { "underlay \"u\" { port = \"null:\" address = {\"192.0.2.1/24\"} dscp-value = 64 }",
          "dscp-value:", "63" },
        { "underlay \"u\" { port = \"null:\" address = {\"192.0.2.1/24\"} dscp = uniform\n"
          "  dscp-value = 1 }",
          "dscp-value:", "pipe" },
        { "underlay \"u\" { port = \"null:\" address = {\"192.0.2.1/24\"}\n"
          "  allowed-sources = {\"192.0.2.1/24\"} }",
          "allowed-sources:", "192.0.2.1/24" },
        { "underlay \"u\" { port = \"null:\" address = {\"192.0.2.1/24\"} check-sources = false\n"
          "  allowed-sources = {\"192.0.2.0/24\"} }",
          "allowed-sources:", "check-sources" },
        { "underlay \"u\" { port = \"null:\" address = {\"192.0.2.1/24\"}\n"
          "  host-interface = \"a/b\" }",
          "host-interface:", "host0" },
        { UNDERLAY "server \"a\" { address = \"192.0.2.1\" }", "server \"a\"",
          "a section certificates is missing" },
        { UNDERLAY "server \"a\" { address = \"192.0.2.1\" tls = required }",
          "tls:", "a section certificates is missing" },
        { UNDERLAY "server \"a\" { address = \"192.0.2.1\" tls = maybe }",
          "tls:", "required or none" },
        { UNDERLAY "certificates { trust = \"ca.pem\" }", "trust:", "absolute path" },
        { UNDERLAY "certificates { trust = \"/ca.pem\" key = \"/key.pem\" }",
          "certificate:", "missing" },
        { UNDERLAY "certificates { certificate = \"/me.pem\" }", "trust:", "missing" },
        { UNDERLAY "server \"a\" { address = \"rs.example.net\" tls = none }",
          "address:", "an address" },
        { UNDERLAY "server \"a\" { address = \"[192.0.2.1]:5222\" tls = none }",
          "address:", "[ADDRESS]:PORT" },
        { UNDERLAY "server \"a\" { address = \"192.0.2.1:0\" tls = none }", "address:", "PORT" },
        { UNDERLAY "server \"a\" { address = \"192.0.2.1\" tls = none dialect = contrail }",
          "dialect:", "draft" },
        { UNDERLAY "server \"a\" { address = \"192.0.2.1\" tls = none jid = nobody }",
          "jid:", "NAME@DOMAIN" },
        { UNDERLAY "server \"a\" { address = \"192.0.2.1\" tls = none }\n"
                   "server \"b\" { address = \"192.0.2.1\" tls = none }",
          "test.conf:3:", "already" },
        { UNDERLAY "vpn \"\" {}", "vpn", "128" },
        { UNDERLAY "vpn \"r\xc3\xa9\" {}", "vpn", "ASCII" },
        { UNDERLAY "vpn \"a\" { instance-id = 65536 }", "instance-id:", "65535" },
        { UNDERLAY "vpn \"a\" { instance-id = 1 }\nvpn \"b\" { instance-id = 1 }",
          "vpn \"b\" instance-id:", "already" },
        { UNDERLAY "vpn \"a\" { label = 20 }", "label:", "label-mode" },
        { UNDERLAY "vpn \"a\" { label-mode = hub }", "label-mode:", "gateway" },
        { UNDERLAY "vpn \"a\" { route \"10.0.0.1/8\" { next-hop = \"192.0.2.1\" label = 20 } }",
          "route \"10.0.0.1/8\"", "bits" },
        { UNDERLAY "vpn \"a\" { route \"10.0.0.0/8\" { next-hop = \"192.0.2.1\" } }",
          "label:", "missing" },
        { UNDERLAY "vpn \"a\" { route \"10.0.0.0/8\" { next-hop = \"192.0.2.1\" label = 15 } }",
          "label:", "16" },
        { UNDERLAY "vpn \"a\" { route \"10.0.0.0/8\" { next-hop = \"192.0.2.11\" label = 16 } }",
          "next-hop:", "own" },
        { UNDERLAY "vpn \"a\" { route \"10.0.0.0/8\" { next-hop = \"2001:db8::1\" label = 16 } }",
          "next-hop:", "no address of this family" },
        { UNDERLAY "vpn \"a\" { gateway6 = \"2001:db8::1\" }", "gateway6:", "link-local" },
        { UNDERLAY "vpn \"a\" { route \"10.0.0.0/8\" { vif = vm9 } }", "vif:", "vm9" },
        { UNDERLAY "vpn \"red\" { route \"10.0.0.0/8\" { vif = vm1 label = 20 } }" VIF1,
          "label:", "next-hop" },
        { UNDERLAY VIF1 VIF1, "test.conf:3:", "vm1" },
        { UNDERLAY "vif \"a\" { vpn = red port = \"tap:a\" mac = \"02:00:00:00:00:01\" }",
          "vif \"a\" address:", "missing" },
        { UNDERLAY "vif \"a b\" { vpn = red port = \"tap:a\" mac = \"02:00:00:00:00:01\" "
                   "address = {\"10.0.0.1\"} }",
          "vif \"a b\"", "letters" },
        { UNDERLAY "vif \"a\" { vpn = red port = \"tap:a\"\nmac = \"01:00:00:00:00:01\" "
                   "address = {\"10.0.0.1\"} }",
          "test.conf:3: vif \"a\" mac:", "one host" },
        { UNDERLAY "vif \"a\" { vpn = red port = \"tap:a\" mac = \"02:00:00:00:00:01\"\n"
                   "address = {\"10.0.0.256\"} }",
          "test.conf:3: vif \"a\" address:", "10.0.0.256" },
        { UNDERLAY "vif \"a\" { vpn = red port = \"tap:a\" mac = \"02:00:00:00:00:01\" "
                   "address = {\"10.0.0.0/24\"} }",
          "address:", "subnet" },
        { UNDERLAY "vif \"a\" { vpn = red port = \"tap:a\" mac = \"02:00:00:00:00:01\" "
                   "address = {\"10.0.0.1\"} prefix = {\"10.1.0.1/16\"} }",
          "prefix:", "bits" },
        { UNDERLAY "vif \"a\" { vpn = red port = \"tap:a\" mac = \"02:00:00:00:00:01\" "
                   "address = {\"10.0.0.1\"} gateway = \"10.0.0.1\" }",
          "gateway:", "guest" },
        { UNDERLAY "vif \"a\" { vpn = red port = \"tap:a\" mac = \"02:00:00:00:00:01\" "
                   "address = {\"10.0.0.1\"} vlan = 4095 }",
          "vlan:", "4094" },
        { VIF("address = {\"2001:db8::11/64\"}"), "address:", "without a length" },
        { VIF("address = {\"fe80::11\"}"), "address:", "one host" },
        { VIF("address = {\"2001:db8::11\"} mtu = 1279"), "mtu:", "1280" },
        { VIF("address = {\"10.0.0.1\"} prefix = {\"::/0\"} mtu = 576"), "mtu:", "1280" },
        { "underlay \"u\" { port = \"null:\" address = {\"192.0.2.1/24\"} mtu = 1329 }\n"
          "vif \"a\" { vpn = red port = \"tap:a\" mac = \"02:00:00:00:00:01\"\n"
          "  address = {\"2001:db8::11\"} }",
          "mtu:", "there are 1279" },
        { VIF("address = {\"10.0.0.1\"} gateway6 = \"2001:db8::1\""), "gateway6:", "link-local" },
        { VIF("address = {\"10.0.0.1\"} rate-in = fast"), "rate-in:", "100Mbit" },
        { VIF("address = {\"10.0.0.1\"} rate-out = 1kbit"), "rate-out:", "8kbit" },
        { VIF("address = {\"10.0.0.1\"} rate-in = 2000Gbit"), "rate-in:", "1000Gbit" },
        { VIF("address = {\"10.0.0.1\"} packet-rate-in = -1"), "packet-rate-in:", "0 to" },
        { VIF("address = {\"10.0.0.1\"} packet-rate-out = 9"), "packet-rate-out:", "10 to" },
        { VIF("address = {\"10.0.0.1\"} mss-clamp = 100"), "mss-clamp:", "536" },
        { VIF("address = {\"10.0.0.1\"} mss-clamp = 9561"), "mss-clamp:", "9560" },
        { UNDERLAY "vif \"a\" { vpn = red port = \"null:\" mac = \"02:00:00:00:00:01\" "
                   "address = {\"10.0.0.1\"} }",
          "port:", "underlay" },
        { UNDERLAY VIF1 "vif \"a\" { vpn = red port = \"tap:vm1\" mac = \"02:00:00:00:00:01\" "
                        "address = {\"10.0.0.1\"} }",
          "port:", "already" },
        { UNDERLAY VIF1 "vif \"a\" { vpn = red port = \"tap:a\" mac = \"02:00:00:00:00:01\" "
                        "address = {\"10.0.0.11\"} }",
          "address:", "already" },
        { UNDERLAY "vpn \"red\" { label-mode = vrf } vif \"a\" { vpn = red port = \"tap:a\" "
                   "mac = \"02:00:00:00:00:01\" address = {\"10.0.0.1\"} label = 20 }",
          "label:", "label-mode" },
    };
    (void)state;

    check_wrong(cases, sizeof(cases) / sizeof(cases[0]));
}

static void
c25_a_vpn_identifier_has_at_most_128_octets(void **state)
{
    char text[512], name[130];
    struct config config;
    struct config_error error;
    (void)state;

    memset(name, 'v', sizeof(name));
    name[128] = '\0';
    snprintf(text, sizeof(text), UNDERLAY "vpn \"%s\" {}", name);
    assert_int_equal(read_text(text, &config, &error), 0);
    config_free(&config);
    name[128] = 'v';
    name[129] = '\0';
    snprintf(text, sizeof(text), UNDERLAY "vpn \"%s\" {}", name);
    assert_int_equal(read_text(text, &config, &error), -EINVAL);
    assert_non_null(strstr(error.text, "128"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_smallest_file_has_defaults),
        cmocka_unit_test(every_key_is_read),
        cmocka_unit_test(everything_may_be_of_ipv6),
        cmocka_unit_test(an_interfaces_mtu_is_what_every_tunnel_carries),
        cmocka_unit_test(c24_the_route_servers_jid_has_the_drafts_default),
        cmocka_unit_test(a_wrong_file_is_told_line_key_and_what_was_expected),
        cmocka_unit_test(c25_a_vpn_identifier_has_at_most_128_octets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
