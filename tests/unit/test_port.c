/* SPDX-License-Identifier: BSD-3-Clause */

/* lib/port: specifications, and ports that come and go. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "port_rig.h"

#define CHURN 100

static struct reclaim grace;

static void
specifications_are_read_strictly(void **state)
{
    static const struct {
        const char *text;
        enum port_kind kind;
        const char *target;
    } good[] = {
        { "tap:vm1", PORT_TAP, "vm1" },
        { "af_packet:eth0.7", PORT_AF_PACKET, "eth0.7" },
        { "af_xdp:eth0", PORT_AF_XDP, "eth0" },
        { "memif:/run/m.sock,id=7,role=client", PORT_MEMIF, "/run/m.sock" },
        { "vhost:/run/v.sock,client=1", PORT_VHOST, "/run/v.sock" },
        { "pcap:/tmp/in.pcap,/tmp/out.pcap", PORT_PCAP, "/tmp/in.pcap" },
        { "pcap:/tmp/in.pcap,/dev/null,loop", PORT_PCAP, "/tmp/in.pcap" },
        { "null:", PORT_NULL, "" },
        { "null:vm1", PORT_NULL, "" },
        { "0000:3b:02.0", PORT_PCI, "0000:3b:02.0" },
    };
    static const char *const bad[] = {
        "",
        "tap",
        "tap:",
        "tap:0123456789abcdef",
        "tap:a,b",
        "tap:a b",
        "tap:a/b",
        "tap:..",
        "tap:v%d",
        "af_packet:",
        "memif:",
        "memif:relative",
        "memif:/s,id=-1",
        "memif:/s,role=x",
        "memif:/s,zero-copy=yes",
        "vhost:/s,client=2",
        "vhost:/s,id=1",
        "pcap:/a",
        "pcap:/a,",
        "pcap:/a,/b,/c",
        "null:x/y",
        "0000:3b:02",
        "0000:3b:0g.0",
        "3b:02.0",
        "eth0",
        "net_tap0",
    };
    struct port_spec spec;
    char error[256], text[400];
    (void)state;

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(port_spec_parse(good[i].text, &spec, error, sizeof(error)), 0);
        assert_int_equal(spec.kind, good[i].kind);
        assert_string_equal(spec.target, good[i].target);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        error[0] = '\0';
        assert_int_equal(port_spec_parse(bad[i], &spec, error, sizeof(error)), -EINVAL);
        assert_true(error[0] != '\0');
    }
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(port_spec_parse(text, &spec, error, sizeof(error)), -EINVAL);
    memcpy(text, "vhost:/", 7);
    text[200] = '\0';
    assert_int_equal(port_spec_parse(text, &spec, error, sizeof(error)), -EINVAL);
}

static unsigned
open_descriptors(void)
{
    unsigned n = 0;
    DIR *directory = opendir("/proc/self/fd");

    assert_non_null(directory);
    while (readdir(directory) != NULL)
        n++;
    closedir(directory);
    return n;
}

static void
port_is_gone(void *argument)
{
    *(bool *)argument = true;
}

static void
churn(const char *spec, unsigned times)
{
    struct port_table *table = port_table_create(2, &grace);
    unsigned descriptors = 0, buffers = 0;

    assert_non_null(table);
    for (unsigned i = 0; i < times; i++) {
        struct port *port = port_open_or_fail(spec);
        bool gone = false;

        assert_int_equal(port_publish(table, port), 0);
        assert_int_equal(port->number, 0);
        assert_ptr_equal(port_at(table, 0), port);
        assert_int_equal(port_poll_set(table, port->queues[0].receiver)->n, 1);
        assert_true(port_link_is_up(port));
        assert_int_equal(port_withdraw(table, port, port_is_gone, &gone), 0);
        assert_null(port_at(table, 0));
        assert_int_equal(port_poll_set(table, port->queues[0].receiver)->n, 0);
        assert_false(gone);
        reclaim_poll(&grace);
        assert_true(gone);
        port_close(port);
        if (i == 0) {
            descriptors = open_descriptors();
            buffers = rte_mempool_avail_count(pool);
        }
    }
    assert_int_equal(open_descriptors(), descriptors);
    assert_int_equal(rte_mempool_avail_count(pool), buffers);
    reclaim_poll(&grace);
    port_table_destroy(table);
}

static void
null_ports_come_and_go_without_a_trace(void **state)
{
    (void)state;
    churn("null:", CHURN);
}

static void
tap_ports_come_and_go_without_a_trace(void **state)
{
    char spec[32];
    (void)state;

    if (geteuid() != 0 || access("/dev/net/tun", W_OK) < 0)
        skip();
    snprintf(spec, sizeof(spec), "tap:mp%d", getpid() % 1000000);
    churn(spec, CHURN);
    assert_int_equal(if_nametoindex(spec + 4), 0);
}

static void
ports_are_spread_over_workers_and_numbers_rest_until_grace(void **state)
{
    struct port_table *table = port_table_create(2, &grace);
    struct port ports[4] = {
        { .n_queues = 1 }, { .n_queues = 1 }, { .n_queues = 1 }, { .n_queues = 1 }
    };
    bool gone = false;
    (void)state;

    assert_non_null(table);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(port_publish(table, &ports[i]), 0);
        assert_int_equal(ports[i].number, i);
        assert_int_equal(ports[i].queues[0].receiver, i % 2);
    }
    assert_int_equal(port_poll_set(table, 0)->n, 2);
    assert_int_equal(port_withdraw(table, &ports[0], port_is_gone, &gone), 0);
    assert_int_equal(port_publish(table, &ports[3]), 0);
    assert_int_equal(ports[3].number, 3);
    reclaim_poll(&grace);
    assert_true(gone);
    assert_int_equal(port_publish(table, &ports[0]), 0);
    assert_int_equal(ports[0].number, 0);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(port_withdraw(table, &ports[i], port_is_gone, &gone), 0);
    reclaim_poll(&grace);
    port_table_destroy(table);
}

static void
a_port_is_found_by_its_role_while_it_is_published(void **state)
{
    struct port_table *table = port_table_create(1, &grace);
    struct port underlay = { .role = PORT_UNDERLAY }, host = { .role = PORT_HOST };
    bool gone = false;
    (void)state;

    assert_non_null(table);
    assert_null(port_of_role(table, PORT_HOST));
    assert_int_equal(port_publish(table, &underlay), 0);
    assert_int_equal(port_publish(table, &host), 0);
    assert_ptr_equal(port_of_role(table, PORT_UNDERLAY), &underlay);
    assert_ptr_equal(port_of_role(table, PORT_HOST), &host);
    assert_int_equal(port_withdraw(table, &host, port_is_gone, &gone), 0);
    assert_null(port_of_role(table, PORT_HOST));
    assert_ptr_equal(port_of_role(table, PORT_UNDERLAY), &underlay);
    assert_int_equal(port_withdraw(table, &underlay, port_is_gone, &gone), 0);
    reclaim_poll(&grace);
    port_table_destroy(table);
}

static void
what_cannot_be_opened_is_said_clearly(void **state)
{
    struct port *port = NULL, *null_ports[RTE_MAX_ETHPORTS];
    char error[256];
    unsigned n = 0;
    int status;
    (void)state;

    assert_int_equal(port_open("af_packet:nosuchif0", PORT_ACCESS, 0, 1, pool, &port, error, 256),
                     -ENODEV);
    assert_non_null(strstr(error, "nosuchif0"));
    assert_int_equal(
        port_open("pcap:/nonexistent/a,/nonexistent/b", PORT_ACCESS, 0, 1, pool, &port, error, 256),
        -ENOENT);
    assert_int_equal(port_open("nonsense", PORT_ACCESS, 0, 1, pool, &port, error, 256), -EINVAL);
    assert_true(port_open("0000:ff:1f.7", PORT_ACCESS, 0, 1, pool, &port, error, 256) < 0);
    if (geteuid() == 0 && access("/dev/net/tun", W_OK) == 0) {
        assert_int_equal(port_open("tap:lo", PORT_ACCESS, 0, 1, pool, &port, error, 256), -EEXIST);
    }

    do
        status = port_open("null:", PORT_ACCESS, 0, 1, pool, &null_ports[n], error, 256);
    while (status == 0 && ++n < RTE_MAX_ETHPORTS);
    assert_int_equal(n, RTE_MAX_ETHPORTS);
    assert_int_equal(port_open("null:", PORT_ACCESS, 0, 1, pool, &port, error, 256), -ENOSPC);
    assert_non_null(strstr(error, "in use"));
    while (n > 0)
        port_close(null_ports[--n]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(specifications_are_read_strictly),
        cmocka_unit_test(null_ports_come_and_go_without_a_trace),
        cmocka_unit_test(ports_are_spread_over_workers_and_numbers_rest_until_grace),
        cmocka_unit_test(a_port_is_found_by_its_role_while_it_is_published),
        cmocka_unit_test(what_cannot_be_opened_is_said_clearly),
        cmocka_unit_test(tap_ports_come_and_go_without_a_trace),
    };
    return cmocka_run_group_tests(tests, eal_up, eal_down);
}
