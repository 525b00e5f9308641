/* SPDX-License-Identifier: BSD-3-Clause */

/* lib/port: specifications, and ports that come and go, on DPDK without hugepages. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <rte_eal.h>

#include "lib/ring/note.h"

#include "lib/port/port.h"
#include "lib/table/reclaim.h"

#define CHURN 100

static struct rte_mempool *pool;

/* Grace in the test's hand: what was deferred runs in reclaim_poll(). */
struct reclaim {
    unsigned n;
    struct {
        void (*release)(void *);
        void *argument;
    } waiting[64];
};

static struct reclaim grace;

void
reclaim_defer(struct reclaim *reclaim, void (*release)(void *), void *argument)
{
    assert_true(reclaim->n < 64);
    reclaim->waiting[reclaim->n].release = release;
    reclaim->waiting[reclaim->n++].argument = argument;
}

unsigned
reclaim_poll(struct reclaim *reclaim)
{
    for (unsigned i = 0; i < reclaim->n; i++)
        reclaim->waiting[i].release(reclaim->waiting[i].argument);
    reclaim->n = 0;
    return 0;
}

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
        "null:x",
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

static struct port *
port_open_or_fail(const char *spec)
{
    struct port *port = NULL;
    char error[256] = "";

    if (port_open(spec, PORT_ACCESS, 0, 1, pool, &port, error, sizeof(error)) != 0)
        fail_msg("%s: %s", spec, error);
    return port;
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

/* Waits for a frame, up to a minute. */
static unsigned
port_receive_one(const struct port *port, struct rte_mbuf **packet)
{
    unsigned n = 0;

    for (unsigned i = 0; i < 60000 && (n = port_receive(port, 0, packet, 1)) == 0; i++)
        usleep(1000);
    return n;
}

/* A frame from an unknown MAC address to another, with a tag if `vlan` is not 0. */
static struct rte_mbuf *
frame_make(uint16_t vlan, uint16_t length)
{
    struct rte_mbuf *packet = rte_pktmbuf_alloc(pool);
    uint8_t *frame;

    assert_non_null(packet);
    frame = (uint8_t *)rte_pktmbuf_append(packet, length);
    assert_non_null(frame);
    memset(frame, 0, length);
    memcpy(frame, "\x02\x00\x5e\x00\x01\x01\x02\x00\x00\x00\x00\x07", 12);
    if (vlan != 0) {
        frame[12] = 0x81;
        frame[14] = (uint8_t)(vlan >> 8);
        frame[15] = (uint8_t)vlan;
        frame += 4;
    }
    frame[12] = 0x88; /* for local experiments (IEEE 802) */
    frame[13] = 0xb5;
    return packet;
}

/* True for frames of frame_make(); the kernel may send others. */
static bool
frame_is_ours(const struct rte_mbuf *packet)
{
    return memcmp(rte_pktmbuf_mtod(packet, const uint8_t *) + 6, "\x02\x00\x00\x00\x00\x07", 6) ==
           0;
}

static void
af_packet_keeps_tags_and_sizes_and_does_not_hear_itself(void **state)
{
    static const struct {
        uint16_t vlan, length;
    } frames[] = { { 0, 60 }, { 7, 64 }, { 0, 1514 }, { 4094, 1518 } };
    char a[16], b[16], command[256], spec[32];
    struct port *ports[2];
    struct rte_mbuf *packet;
    (void)state;

    if (geteuid() != 0)
        skip();
    snprintf(a, sizeof(a), "ma%d", getpid() % 1000000);
    snprintf(b, sizeof(b), "mb%d", getpid() % 1000000);
    snprintf(command, sizeof(command),
             "ip link add %s type veth peer name %s && ip link set %s up && ip link set %s up", a,
             b, a, b);
    if (system(command) != 0)
        skip();
    snprintf(spec, sizeof(spec), "af_packet:%s", a);
    ports[0] = port_open_or_fail(spec);
    snprintf(spec, sizeof(spec), "af_packet:%s", b);
    ports[1] = port_open_or_fail(spec);
    assert_int_equal(ports[0]->mtu, 1500);
    assert_true(port_link_is_up(ports[0]));

    for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        packet = frame_make(frames[i].vlan, frames[i].length);
        assert_int_equal(port_send(ports[0], 0, &packet, 1), 1);
        do
            assert_int_equal(port_receive_one(ports[1], &packet), 1);
        while (!frame_is_ours(packet) && (rte_pktmbuf_free(packet), true));
        assert_int_equal(packet->pkt_len, frames[i].length);
        assert_int_equal(rte_pktmbuf_mtod(packet, const uint8_t *)[12],
                         frames[i].vlan != 0 ? 0x81 : 0x88);
        if (frames[i].vlan != 0)
            assert_int_equal(rte_pktmbuf_mtod(packet, const uint8_t *)[15], frames[i].vlan & 0xff);
        rte_pktmbuf_free(packet);
    }
    while (port_receive(ports[0], 0, &packet, 1) == 1) {
        assert_false(frame_is_ours(packet));
        rte_pktmbuf_free(packet);
    }
    snprintf(command, sizeof(command), "ip link del %s", a);
    assert_int_equal(system(command), 0);
    assert_false(port_link_is_up(ports[0]));
    packet = frame_make(0, 60);
    if (port_send(ports[0], 0, &packet, 1) == 0)
        rte_pktmbuf_free(packet);
    assert_int_equal(port_receive(ports[0], 0, &packet, 1), 0);
    port_close(ports[0]);
    port_close(ports[1]);
}

static void
a_socket_that_a_dead_process_left_is_replaced(void **state)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    char spec[64], error[256];
    struct port *port;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    (void)state;

    snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/millrace-port-%d", getpid());
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(close(fd), 0);
    snprintf(spec, sizeof(spec), "vhost:%.40s", address.sun_path);
    port_close(port_open_or_fail(spec));
    assert_int_equal(access(address.sun_path, F_OK), -1);

    assert_int_equal(
        port_open("vhost:/nonexistent/socket", PORT_ACCESS, 0, 1, pool, &port, error, 256),
        -ENOENT);
    assert_non_null(strstr(error, "/nonexistent"));
    fd = open(address.sun_path, O_CREAT | O_WRONLY, 0600);
    assert_int_equal(close(fd), 0);
    assert_int_equal(port_open(spec, PORT_ACCESS, 0, 1, pool, &port, error, 256), -EEXIST);
    assert_int_equal(unlink(address.sun_path), 0);
}

/* Asks as a virtual machine does, on a connected vhost-user socket: VHOST_USER_GET_FEATURES. */
static uint64_t
vhost_offer(int fd)
{
    const uint32_t question[] = { 1, 1, 0 };
    uint32_t answer[5] = { 0 };

    assert_int_equal(write(fd, question, sizeof(question)), sizeof(question));
    assert_int_equal(recv(fd, answer, sizeof(answer), MSG_WAITALL), sizeof(answer));
    assert_int_equal(answer[0], 1);
    return answer[3] | (uint64_t)answer[4] << 32;
}

/* Checksums (bit 0) and TCP's segments of both families (11, 12) are done for guests, any other
 * cutting (6, 13, 14) is not. The guest that waits and asks at once is the one to whom a driver may
 * say too much. */
static void
a_vhost_guest_is_offered_what_is_done_for_it(void **state)
{
    const uint64_t done = 1 << 0 | 3 << 11 | UINT64_C(1) << 32 /* the version */;
    const uint64_t asked = done | 1 << 6 | 3 << 13;
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    char spec[64], error[256];
    struct port *port, *second;
    int listener = socket(AF_UNIX, SOCK_STREAM, 0), fd;
    uint64_t offer;
    (void)state;

    snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/millrace-vhost-%d", getpid());
    snprintf(spec, sizeof(spec), "vhost:%.40s", address.sun_path);
    port = port_open_or_fail(spec);
    assert_false(port_link_is_up(port));
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    offer = vhost_offer(fd);
    assert_int_equal(offer & asked, done);
    assert_int_equal(close(fd), 0);

    /* who listens is not pushed aside */
    assert_int_equal(port_open(spec, PORT_ACCESS, 0, 1, pool, &second, error, sizeof(error)),
                     -EEXIST);
    assert_non_null(strstr(error, address.sun_path));
    assert_int_equal(access(address.sun_path, F_OK), 0);
    port_close(port);
    assert_int_equal(access(address.sun_path, F_OK), -1);

    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 1), 0);
    snprintf(spec, sizeof(spec), "vhost:%.40s,client=1", address.sun_path);
    port = port_open_or_fail(spec);
    fd = accept(listener, NULL, NULL);
    offer = vhost_offer(fd);
    assert_int_equal(offer & asked, done);
    port_close(port);
    assert_int_equal(close(fd), 0);
    assert_int_equal(close(listener), 0);
    assert_int_equal(unlink(address.sun_path), 0);
}

static void
a_tap_port_outlives_its_interface(void **state)
{
    char spec[32], command[256], name[16];
    struct rte_mbuf *packet;
    struct port *port;
    (void)state;

    if (geteuid() != 0 || access("/dev/net/tun", W_OK) < 0)
        skip();
    snprintf(name, sizeof(name), "mp%d", getpid() % 1000000);
    snprintf(spec, sizeof(spec), "tap:%s", name);
    port = port_open_or_fail(spec);

    snprintf(command, sizeof(command), "ip netns add %s && ip link set %s netns %s", name, name,
             name);
    assert_int_equal(system(command), 0);
    assert_true(port_link_is_up(port));
    snprintf(command, sizeof(command),
             "ip -n %s address add 192.0.2.1/24 dev %s && ip -n %s link set %s up && "
             "ip netns exec %s ping -c 1 -W 1 192.0.2.2 >/dev/null",
             name, name, name, name, name);
    assert_int_not_equal(system(command), 0); /* nobody answers; what counts is the question */
    assert_int_equal(port_receive_one(port, &packet), 1);
    rte_pktmbuf_free(packet);
    packet = rte_pktmbuf_alloc(pool);
    assert_non_null(packet);
    memset(rte_pktmbuf_append(packet, 60), 0xff, 60);
    if (port_send(port, 0, &packet, 1) == 0)
        rte_pktmbuf_free(packet);

    snprintf(command, sizeof(command), "ip netns del %s", name);
    assert_int_equal(system(command), 0);
    for (unsigned i = 0; i < 6000 && port_link_is_up(port); i++)
        usleep(10000); /* the kernel deletes a namespace in its own time */
    assert_false(port_link_is_up(port));
    assert_int_equal(port_receive(port, 0, &packet, 1), 0);
    packet = rte_pktmbuf_alloc(pool);
    assert_non_null(packet);
    memset(rte_pktmbuf_append(packet, 60), 0xff, 60);
    if (port_send(port, 0, &packet, 1) == 0)
        rte_pktmbuf_free(packet);
    port_close(port);
    port_close(port_open_or_fail(spec));
}

static int
eal_up(void **state)
{
    char *arguments[] = { (char *)(uintptr_t) "test_port",
                          (char *)(uintptr_t) "--no-huge",
                          (char *)(uintptr_t) "-m",
                          (char *)(uintptr_t) "128",
                          (char *)(uintptr_t) "--no-shconf",
                          (char *)(uintptr_t) "--no-pci",
                          (char *)(uintptr_t) "-l",
                          (char *)(uintptr_t) "0",
                          (char *)(uintptr_t) "--log-level=*:error" };
    (void)state;

    if (rte_eal_init(sizeof(arguments) / sizeof(arguments[0]), arguments) < 0)
        return -1;
    pool = rte_pktmbuf_pool_create("packets", 8191, 0, PACKET_PRIVATE_OCTETS,
                                   RTE_PKTMBUF_HEADROOM + port_frame_octets(1500), 0);
    return pool == NULL ? -1 : 0;
}

static int
eal_down(void **state)
{
    (void)state;
    if (rte_mempool_avail_count(pool) != 8191)
        print_error("%u packet buffers are missing\n", 8191 - rte_mempool_avail_count(pool));
    rte_mempool_free(pool);
    return rte_eal_cleanup();
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
        cmocka_unit_test(af_packet_keeps_tags_and_sizes_and_does_not_hear_itself),
        cmocka_unit_test(a_socket_that_a_dead_process_left_is_replaced),
        cmocka_unit_test(a_vhost_guest_is_offered_what_is_done_for_it),
        cmocka_unit_test(a_tap_port_outlives_its_interface),
    };
    return cmocka_run_group_tests(tests, eal_up, eal_down);
}
