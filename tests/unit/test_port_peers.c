/* SPDX-License-Identifier: BSD-3-Clause */

/* lib/port: what is on the other side of a port: a kernel's interface that hands over frames or
 * goes away, a guest behind a socket. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "port_rig.h"

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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(af_packet_keeps_tags_and_sizes_and_does_not_hear_itself),
        cmocka_unit_test(a_socket_that_a_dead_process_left_is_replaced),
        cmocka_unit_test(a_vhost_guest_is_offered_what_is_done_for_it),
        cmocka_unit_test(a_tap_port_outlives_its_interface),
    };
    return cmocka_run_group_tests(tests, eal_up, eal_down);
}
