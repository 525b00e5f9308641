/* SPDX-License-Identifier: BSD-3-Clause */

/* Guests' packets with offloads left to do: see offload_lab.h. */

#define ALLOW_EXPERIMENTAL_API /* of DPDK 22.11: its checksum verifiers */

#include "tests/packet/offload_lab.h"

#include <stdlib.h>
#include <string.h>

#include <rte_ethdev.h>
#include <rte_ip.h>

#include "lib/net/checksum.h"
#include "lib/ring/note.h"
#include "tests/unit/eal.h"

#define TCP_ACK 0x10

#define JSON(...) #__VA_ARGS__

/* clang-format off */
static const char world[] = JSON({
    "vrfs": ["red"],
    "ports": [
        {"name": "fabric", "role": "underlay", "mac": "02:00:00:00:00:fe", "spec": "null:"},
        {"name": "p1", "role": "access", "spec": "null:"},
        {"name": "p2", "role": "access", "spec": "null:"}
    ],
    "vifs": [
        {"name": "vm1", "vrf": "red", "port": "p1", "mac": "02:00:00:00:00:01",
         "sources": ["10.0.0.11/32", "2001:db8::11/128"]},
        {"name": "vm2", "vrf": "red", "port": "p2", "mac": "02:00:00:00:00:02"},
        {"name": "vm3", "vrf": "red", "port": "p2", "mac": "02:00:00:00:00:03", "vlan": 7},
        {"name": "vm4", "vrf": "red", "port": "p2", "mac": "02:00:00:00:00:04", "vlan": 8,
         "rate_out": {"packets": 1000000}},
        {"name": "vm5", "vrf": "red", "port": "p2", "mac": "02:00:00:00:00:05", "vlan": 9,
         "mtu": 1000},
        {"name": "vm6", "vrf": "red", "port": "p2", "mac": "02:00:00:00:00:06", "vlan": 10,
         "mss": 1000},
        {"name": "vm7", "vrf": "red", "port": "p1", "mac": "02:00:00:00:00:01", "vlan": 7,
         "sources": ["10.0.0.11/32", "2001:db8::11/128"], "rate_in": {"packets": 100}}
    ],
    "endpoints": [
        {"name": "far", "address": "192.0.2.12", "encapsulation": "udp", "port": "fabric",
         "mac": "02:00:00:00:01:12", "mtu": 9000}
    ],
    "routes": [
        {"vrf": "red", "prefix": "10.1.0.0/16", "path": {"endpoint": "far", "label": 7}},
        {"vrf": "red", "prefix": "2001:db8:1::/48", "path": {"endpoint": "far", "label": 7}},
        {"vrf": "red", "prefix": "10.2.0.2/32", "path": {"vif": "vm2"}},
        {"vrf": "red", "prefix": "2001:db8:2::2/128", "path": {"vif": "vm2"}},
        {"vrf": "red", "prefix": "10.2.0.3/32", "path": {"vif": "vm3"}},
        {"vrf": "red", "prefix": "2001:db8:2::3/128", "path": {"vif": "vm3"}},
        {"vrf": "red", "prefix": "10.2.0.4/32", "path": {"vif": "vm4"}},
        {"vrf": "red", "prefix": "2001:db8:2::4/128", "path": {"vif": "vm4"}},
        {"vrf": "red", "prefix": "10.2.0.5/32", "path": {"vif": "vm5"}},
        {"vrf": "red", "prefix": "2001:db8:2::5/128", "path": {"vif": "vm5"}},
        {"vrf": "red", "prefix": "10.2.0.6/32", "path": {"vif": "vm6"}},
        {"vrf": "red", "prefix": "2001:db8:2::6/128", "path": {"vif": "vm6"}}
    ]
});
/* clang-format on */

const uint8_t families[2] = { IP_V4, IP_V6 };
struct rte_mempool *pool;
struct scenario scenario;
struct sent_frame sent[SENT_MAX];
unsigned n_sent;

static json_t *description;

static uint16_t
keep(uint16_t port, uint16_t queue, struct rte_mbuf **packets, uint16_t n, void *argument)
{
    (void)port, (void)queue, (void)argument;
    for (uint16_t i = 0; i < n; i++) {
        const uint32_t length = rte_pktmbuf_pkt_len(packets[i]);
        struct sent_frame *frame = &sent[n_sent];

        assert_in_range(length, sizeof(struct eth_header), sizeof(frame->octets));
        assert_true(n_sent++ < SENT_MAX);
        rte_mbuf_sanity_check(packets[i], 1);
        const void *at = rte_pktmbuf_read(packets[i], 0, length, frame->octets);
        if (at != frame->octets)
            memcpy(frame->octets, at, length);
        frame->length = length;
        frame->segments = packets[i]->nb_segs;
        frame->flags = packets[i]->ol_flags & RTE_MBUF_F_TX_OFFLOAD_MASK;
        frame->l2 = packets[i]->l2_len;
        frame->l3 = packets[i]->l3_len;
        frame->l4 = packets[i]->l4_len;
        frame->segment_size = packets[i]->tso_segsz;
    }
    return n;
}

void
lab_run(struct rte_mbuf **packets, unsigned n)
{
    struct worker *worker = fastpath_worker(scenario.fastpath, 0);

    n_sent = 0;
    worker_forward(worker, scenario.ports[LAB_P1], packets, n);
    transmit_flush(worker);
}

unsigned
lab_take_punts(struct rte_mbuf **packets, unsigned n)
{
    return punt_ring_take(&scenario.rings->punt[0], packets, n);
}

uint64_t
drops_of(enum drop_reason reason)
{
    uint64_t sum[DROP_REASONS];

    counters_drops(scenario.counters, sum);
    return sum[reason];
}

/* ---- Frames and buffers ---- */

static void
make_ip(struct guest_frame *frame, uint8_t family, uint8_t protocol, uint16_t payload)
{
    static const uint8_t from[16] = { 0x20, 1, 0xd, 0xb8, [15] = 0x11 };
    static const uint8_t to[16] = { 0x20, 1, 0xd, 0xb8, 0, 1, [15] = 1 };
    void *at = frame->octets + sizeof(struct eth_header);

    if (family == IP_V4) {
        struct ipv4_header ip = {
            .version_ihl = 0x45,
            .total_length = htobe16((uint16_t)(sizeof(ip) + payload)),
            .identification = htobe16(0xfffe),
            .fragment = htobe16(IPV4_DONT_FRAGMENT),
            .ttl = 64,
            .protocol = protocol,
            .source = htobe32(0x0a00000b),
            .destination = htobe32(0x0a010001),
        };
        ip.checksum = checksum_ipv4(&ip, sizeof(ip));
        memcpy(at, &ip, sizeof(ip));
    } else {
        struct ipv6_header ip = {
            .version_class_flow = htobe32(6u << 28),
            .payload_length = htobe16(payload),
            .next_header = protocol,
            .hop_limit = 64,
        };
        memcpy(ip.source, from, sizeof(from));
        memcpy(ip.destination, to, sizeof(to));
        memcpy(at, &ip, sizeof(ip));
    }
}

void
frame_make(struct guest_frame *frame, uint8_t family, uint8_t protocol, uint16_t payload)
{
    const struct mac_addr router = family == IP_V4 ? MAC_VIRTUAL_ROUTER : MAC_VIRTUAL_ROUTER_V6;
    const struct eth_header eth = { router,
                                    { { 2, 0, 0, 0, 0, 1 } },
                                    htobe16(family == IP_V4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6) };
    const struct udp_header udp = { htobe16(1000), htobe16(2000),
                                    htobe16((uint16_t)(sizeof(udp) + payload)), 0xbeef };
    const struct tcp_header tcp = {
        .source_port = htobe16(1000),
        .destination_port = htobe16(2000),
        .sequence = htobe32(SEQUENCE),
        .acknowledgement = htobe32(77),
        .offset = 8 << 4, /* with a time stamp and two paddings behind it */
        .flags = TCP_ACK | TCP_PUSH | TCP_FIN,
        .checksum = 0xbeef,
    };
    static const uint8_t options[] = { 1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8 };
    const bool is_tcp = protocol == IP_PROTOCOL_TCP;
    const uint16_t l4_octets = (uint16_t)(is_tcp ? sizeof(tcp) + sizeof(options) : sizeof(udp));
    uint8_t *at = frame->octets + sizeof(eth);

    memcpy(frame->octets, &eth, sizeof(eth));
    make_ip(frame, family, protocol, (uint16_t)(l4_octets + payload));
    frame->l4 = family == IP_V4 ? sizeof(struct ipv4_header) : sizeof(struct ipv6_header);
    frame->data = (uint16_t)(frame->l4 + l4_octets);
    if (is_tcp) {
        memcpy(at + frame->l4, &tcp, sizeof(tcp));
        memcpy(at + frame->l4 + sizeof(tcp), options, sizeof(options));
    } else {
        memcpy(at + frame->l4, &udp, sizeof(udp));
    }
    for (uint32_t i = 0; i < payload; i++)
        at[frame->data + i] = (uint8_t)(i * 7 + (i >> 8));
    frame->length = (uint32_t)sizeof(eth) + frame->data + payload;
}

void
frame_set(struct guest_frame *frame, unsigned at, uint8_t octet)
{
    struct ipv4_header ip;
    uint8_t *header = frame->octets + sizeof(struct eth_header);

    header[at] = octet;
    if (header[0] >> 4 != 4)
        return;
    memcpy(&ip, header, sizeof(ip));
    ip.checksum = 0;
    ip.checksum = checksum_ipv4(&ip, sizeof(ip));
    memcpy(header, &ip, sizeof(ip));
}

void
frame_to_vif(struct guest_frame *frame, uint8_t n)
{
    const bool v4 = frame->octets[sizeof(struct eth_header)] >> 4 == 4;

    frame_set(frame, v4 ? 17 : 24 + 5, 2);
    frame_set(frame, v4 ? 19 : 24 + 15, n);
}

static void
block_free(void *octets, void *block)
{
    (void)octets;
    free(block);
}

/* A segment whose block ends where its octets do. */
static struct rte_mbuf *
segment_make(const uint8_t *octets, uint16_t length)
{
    const uint16_t size = (uint16_t)(RTE_PKTMBUF_HEADROOM + length);
    struct rte_mbuf_ext_shared_info *shared;
    struct rte_mbuf *segment = rte_pktmbuf_alloc(pool);
    /* what frees the block stands before it */
    uint8_t *whole = malloc(sizeof(*shared) + size);

    assert_non_null(segment);
    assert_non_null(whole);
    shared = (void *)whole;
    shared->free_cb = block_free;
    shared->fcb_opaque = whole;
    rte_mbuf_ext_refcnt_set(shared, 1);
    rte_pktmbuf_attach_extbuf(segment, whole + sizeof(*shared), RTE_BAD_IOVA, size, shared);
    segment->data_off = RTE_PKTMBUF_HEADROOM;
    memcpy(rte_pktmbuf_append(segment, length), octets, length);
    return segment;
}

/* The same in a buffer of the pool, as a port gives it. */
static struct rte_mbuf *
plain_segment_make(const uint8_t *octets, uint16_t length)
{
    struct rte_mbuf *segment = rte_pktmbuf_alloc(pool);

    assert_non_null(segment);
    memcpy(rte_pktmbuf_append(segment, length), octets, length);
    return segment;
}

struct rte_mbuf *
packet_make(const struct guest_frame *frame, uint32_t first, uint16_t each, uint64_t flags,
            uint16_t segment_size)
{
    uint32_t at = RTE_MIN(first, frame->length);
    struct rte_mbuf *packet = (flags & RTE_MBUF_F_RX_LRO) != 0
                                  ? plain_segment_make(frame->octets, (uint16_t)at)
                                  : segment_make(frame->octets, (uint16_t)at);

    while (at < frame->length) {
        const uint16_t length = (uint16_t)RTE_MIN(frame->length - at, each);

        assert_int_equal(rte_pktmbuf_chain(packet, segment_make(frame->octets + at, length)), 0);
        at += length;
    }
    packet->ol_flags |= flags;
    packet->tso_segsz = segment_size;
    return packet;
}

/* ---- What is right ---- */

void
expect_right_checksums(const uint8_t *ip, uint16_t l4, uint8_t protocol)
{
    const bool v4 = ip[0] >> 4 == 4;

    if (v4)
        assert_int_equal(rte_raw_cksum(ip, l4), 0xffff);
    if (protocol == IP_PROTOCOL_UDP)
        assert_true(ip[l4 + 6] != 0 || ip[l4 + 7] != 0);
    assert_int_equal(v4 ? rte_ipv4_udptcp_cksum_verify((const void *)ip, ip + l4)
                        : rte_ipv6_udptcp_cksum_verify((const void *)ip, ip + l4),
                     0);
}

void
expect_whole(const struct guest_frame *frame, uint8_t protocol, uint16_t before)
{
    const uint8_t *inner = sent[0].octets + before,
                  *was = frame->octets + sizeof(struct eth_header);
    const uint16_t checksum = protocol == IP_PROTOCOL_TCP ? offsetof(struct tcp_header, checksum)
                                                          : offsetof(struct udp_header, checksum);
    const uint32_t behind = frame->l4 + checksum + 2u;
    const uint32_t length = frame->length - (uint32_t)sizeof(struct eth_header);

    assert_int_equal(n_sent, 1);
    assert_int_equal(sent[0].length, before + length);
    expect_right_checksums(inner, frame->l4, protocol);
    assert_memory_equal(inner + frame->l4, was + frame->l4, checksum);
    assert_memory_equal(inner + behind, was + behind, length - behind);
}

void
expect_segments(const struct guest_frame *frame, uint16_t size, uint16_t before)
{
    const uint8_t *was = frame->octets + sizeof(struct eth_header);
    const uint32_t payload = frame->length - (uint32_t)sizeof(struct eth_header) - frame->data;
    const unsigned n = (payload + size - 1) / size;
    const bool v4 = was[0] >> 4 == 4;

    assert_int_equal(n_sent, n);
    for (unsigned i = 0; i < n; i++) {
        const uint8_t *inner = sent[i].octets + before;
        const uint16_t here = (uint16_t)RTE_MIN(payload - i * size, size);
        struct ipv4_header ip;
        struct tcp_header tcp;

        memcpy(&ip, inner, sizeof(ip));
        memcpy(&tcp, inner + frame->l4, sizeof(tcp));
        assert_int_equal(sent[i].length, before + frame->data + here);
        if (v4) {
            assert_int_equal(be16toh(ip.total_length), frame->data + here);
            assert_int_equal(be16toh(ip.identification), (uint16_t)(0xfffe + i));
        } else {
            assert_int_equal(inner[4] << 8 | inner[5], frame->data + here - frame->l4);
        }
        assert_int_equal(be32toh(tcp.sequence), (uint32_t)(SEQUENCE + i * size));
        assert_int_equal(tcp.flags, i + 1 < n ? TCP_ACK : TCP_ACK | TCP_PUSH | TCP_FIN);
        assert_memory_equal(inner + frame->l4 + sizeof(tcp), was + frame->l4 + sizeof(tcp),
                            frame->data - frame->l4 - sizeof(tcp));
        assert_memory_equal(inner + frame->data, was + frame->data + i * size, here);
        expect_right_checksums(inner, frame->l4, IP_PROTOCOL_TCP);
    }
}

void
expect_dropped(struct rte_mbuf *packet, enum drop_reason reason)
{
    const uint64_t drops = drops_of(reason);

    lab_run(&packet, 1);
    assert_int_equal(n_sent, 0);
    assert_int_equal(drops_of(reason), drops + 1);
}

/* ---- Around them ---- */

int
lab_begin(void **state)
{
    (void)state;
    if (!eal_start())
        return -1;
    pool = rte_pktmbuf_pool_create("offload", 8191, 0, PACKET_PRIVATE_OCTETS,
                                   RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
    description = json_loads(world, 0, NULL);
    if (pool == NULL)
        return -1;

    const char *fault = scenario_create(&scenario, description, pool);

    if (fault != NULL) {
        print_error("%s\n", fault);
        return -1;
    }
    for (unsigned i = LAB_FABRIC; i <= LAB_P2; i++) {
        /* it has the null driver, and keep() has no limit */
        scenario.ports[i]->takes_chains = true;
        if (rte_eth_add_tx_callback(scenario.ports[i]->ethdev, 0, keep, NULL) == NULL)
            return -1;
    }
    return 0;
}

int
lab_end(void **state)
{
    (void)state;
    scenario_destroy(&scenario);
    json_decref(description);
    return rte_mempool_full(pool) ? 0 : -1;
}

int
lab_buffers_are_back(void **state)
{
    (void)state;
    return rte_mempool_full(pool) ? 0 : -1;
}
