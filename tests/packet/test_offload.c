/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Packets of guests with checksums and segmentation left to do, through the real stages into a
 * tunnel. Their octets lie in blocks of exactly their size, so that AddressSanitizer sees whoever
 * reads beyond; what comes out is judged by DPDK's checksums, not by ours.
 */

#define ALLOW_EXPERIMENTAL_API /* of DPDK 22.11: its checksum verifiers */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <rte_ethdev.h>
#include <rte_ip.h>

#include "fastpath/offload.h"
#include "fastpath/worker.h"
#include "lib/net/checksum.h"
#include "lib/ring/note.h"
#include "tests/packet/scenario.h"
#include "tests/unit/eal.h"

#define FABRIC       0
#define ACCESS       1
#define PAYLOAD_MAX  60000u
#define FRAME_MAX    (PAYLOAD_MAX + 200)
#define SENT_MAX     512
#define OUTER        46 /* octets before the inner packet: MPLS over UDP over IPv4 */
#define SEQUENCE     0xfffffff0u
#define TCP_ACK      0x10
#define RANDOM_TRIES 20000u

#define CHECKSUM RTE_MBUF_F_RX_L4_CKSUM_NONE
#define SEGMENTS (RTE_MBUF_F_RX_L4_CKSUM_NONE | RTE_MBUF_F_RX_LRO)

static const char world[] =
    "{\"vrfs\": [\"red\"], \"ports\": ["
    "{\"name\": \"fabric\", \"role\": \"underlay\", \"mac\": \"02:00:00:00:00:fe\","
    " \"spec\": \"null:\"},"
    "{\"name\": \"p1\", \"role\": \"access\", \"spec\": \"null:\"}], \"vifs\": ["
    "{\"name\": \"vm1\", \"vrf\": \"red\", \"port\": \"p1\", \"mac\": \"02:00:00:00:00:01\","
    " \"sources\": [\"10.0.0.11/32\", \"2001:db8::11/128\"]}], \"endpoints\": ["
    "{\"name\": \"far\", \"address\": \"192.0.2.12\", \"encapsulation\": \"udp\","
    " \"port\": \"fabric\", \"mac\": \"02:00:00:00:01:12\", \"mtu\": 9000}], \"routes\": ["
    "{\"vrf\": \"red\", \"prefix\": \"10.1.0.0/16\","
    " \"path\": {\"endpoint\": \"far\", \"label\": 7}},"
    "{\"vrf\": \"red\", \"prefix\": \"2001:db8:1::/48\","
    " \"path\": {\"endpoint\": \"far\", \"label\": 7}}], \"labels\": ["
    "{\"label\": 16, \"path\": {\"vif\": \"vm1\"}}]}";

/* A frame of the guest, and where its parts are. */
struct guest_frame {
    uint8_t octets[FRAME_MAX];
    uint32_t length;
    uint16_t l4, data; /* from the IP header on */
};

static struct rte_mempool *pool;
static struct scenario scenario;
static json_t *description;

/* What was sent to the fabric, since forget(). */
static struct {
    uint8_t octets[9200];
    uint32_t length;
    uint16_t segments;
} sent[SENT_MAX];
static unsigned n_sent;

static uint16_t
keep(uint16_t port, uint16_t queue, struct rte_mbuf **packets, uint16_t n, void *argument)
{
    (void)port, (void)queue, (void)argument;
    for (uint16_t i = 0; i < n; i++) {
        const uint32_t length = rte_pktmbuf_pkt_len(packets[i]);

        assert_in_range(length, OUTER, sizeof(sent[0].octets));
        assert_true(n_sent < SENT_MAX);
        rte_mbuf_sanity_check(packets[i], 1);
        const void *at = rte_pktmbuf_read(packets[i], 0, length, sent[n_sent].octets);
        if (at != sent[n_sent].octets)
            memcpy(sent[n_sent].octets, at, length);
        sent[n_sent].segments = packets[i]->nb_segs;
        sent[n_sent++].length = length;
    }
    return n;
}

static struct worker *
worker_of(void)
{
    return fastpath_worker(scenario.fastpath, 0);
}

static void
run(struct rte_mbuf **packets, unsigned n)
{
    n_sent = 0;
    worker_forward(worker_of(), scenario.ports[ACCESS], packets, n);
    transmit_flush(worker_of());
}

static uint64_t
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

static void
make_frame(struct guest_frame *frame, uint8_t family, uint8_t protocol, uint16_t payload)
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

/* A packet in segments: the first of `first` octets, the others of `each`. What is to be cut begins
 * with a buffer of the pool. */
static struct rte_mbuf *
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

static void
expect_right_checksums(const uint8_t *inner, uint16_t l4, uint8_t protocol)
{
    const bool v4 = inner[0] >> 4 == 4;
    uint8_t ip[40];

    memcpy(ip, inner, sizeof(ip));
    if (v4)
        assert_int_equal(rte_raw_cksum(inner, l4), 0xffff);
    if (protocol == IP_PROTOCOL_UDP)
        assert_true(inner[l4 + 6] != 0 || inner[l4 + 7] != 0);
    assert_int_equal(v4 ? rte_ipv4_udptcp_cksum_verify((const void *)inner, inner + l4)
                        : rte_ipv6_udptcp_cksum_verify((const void *)inner, inner + l4),
                     0);
}

/* One frame out with the packet that went in, its checksum right. */
static void
expect_whole(const struct guest_frame *frame, uint8_t protocol)
{
    const uint8_t *inner = sent[0].octets + OUTER, *was = frame->octets + sizeof(struct eth_header);
    const uint16_t checksum = protocol == IP_PROTOCOL_TCP ? offsetof(struct tcp_header, checksum)
                                                          : offsetof(struct udp_header, checksum);
    const uint32_t behind = frame->l4 + checksum + 2u;
    const uint32_t length = frame->length - (uint32_t)sizeof(struct eth_header);

    assert_int_equal(n_sent, 1);
    assert_int_equal(sent[0].length, OUTER + length);
    expect_right_checksums(inner, frame->l4, protocol);
    assert_memory_equal(inner + frame->l4, was + frame->l4, checksum);
    assert_memory_equal(inner + behind, was + behind, length - behind);
}

/* The segments of a packet, each right, and together all of it. */
static void
expect_segments(const struct guest_frame *frame, uint16_t size)
{
    const uint8_t *was = frame->octets + sizeof(struct eth_header);
    const uint32_t payload = frame->length - (uint32_t)sizeof(struct eth_header) - frame->data;
    const unsigned n = (payload + size - 1) / size;
    const bool v4 = was[0] >> 4 == 4;

    assert_int_equal(n_sent, n);
    for (unsigned i = 0; i < n; i++) {
        const uint8_t *inner = sent[i].octets + OUTER;
        const uint16_t here = (uint16_t)RTE_MIN(payload - i * size, size);
        struct ipv4_header ip;
        struct tcp_header tcp;

        memcpy(&ip, inner, sizeof(ip));
        memcpy(&tcp, inner + frame->l4, sizeof(tcp));
        assert_int_equal(sent[i].length, OUTER + frame->data + here);
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

/* ---- The tests ---- */

static const uint8_t families[] = { IP_V4, IP_V6 };
static struct guest_frame frame;

static void
checksums_that_are_left_to_do_are_done(void **state)
{
    static const uint8_t protocols[] = { IP_PROTOCOL_TCP, IP_PROTOCOL_UDP };
    static const uint16_t payloads[] = { 0, 1, 2, 99, 1000, 1401 };
    static const uint16_t segments[][2] = {
        { 2000, 0 }, { 110, 2000 }, { 110, 1 }, { 111, 7 }, { 120, 300 },
    };
    (void)state;

    for (unsigned i = 0; i < RTE_DIM(families) * RTE_DIM(protocols); i++) {
        const uint8_t family = families[i / 2], protocol = protocols[i % 2];

        for (unsigned k = 0; k < RTE_DIM(payloads) * RTE_DIM(segments); k++) {
            const uint16_t *cut = segments[k % RTE_DIM(segments)];

            make_frame(&frame, family, protocol, payloads[k / RTE_DIM(segments)]);
            run(&(struct rte_mbuf *){ packet_make(&frame, cut[0], cut[1], CHECKSUM, 0) }, 1);
            expect_whole(&frame, protocol);
        }
    }
}

static void
a_checksum_of_zero_is_written_as_all_ones_in_udp(void **state)
{
    const uint32_t word = sizeof(struct eth_header) + sizeof(struct ipv4_header) + 8;
    (void)state;

    make_frame(&frame, IP_V4, IP_PROTOCOL_UDP, 2);
    memset(frame.octets + word, 0, 2);
    run(&(struct rte_mbuf *){ packet_make(&frame, 2000, 0, CHECKSUM, 0) }, 1);
    assert_int_equal(n_sent, 1);
    /* with its complement in the sum there is nothing left */
    memcpy(frame.octets + word, sent[0].octets + OUTER + frame.l4 + 6, 2);
    run(&(struct rte_mbuf *){ packet_make(&frame, 2000, 0, CHECKSUM, 0) }, 1);
    assert_int_equal(sent[0].octets[OUTER + frame.l4 + 6], 0xff);
    assert_int_equal(sent[0].octets[OUTER + frame.l4 + 7], 0xff);
}

static void
padding_is_not_summed_up(void **state)
{
    (void)state;
    make_frame(&frame, IP_V4, IP_PROTOCOL_UDP, 5);
    struct guest_frame padded = frame;
    memset(padded.octets + padded.length, 0xa5, 20);
    padded.length += 20;
    run(&(struct rte_mbuf *){ packet_make(&padded, 2000, 0, CHECKSUM, 0) }, 1);
    expect_whole(&frame, IP_PROTOCOL_UDP);
}

static void
checksums_that_are_there_are_left_alone(void **state)
{
    (void)state;
    make_frame(&frame, IP_V4, IP_PROTOCOL_UDP, 5);
    run(&(struct rte_mbuf *){ packet_make(&frame, 2000, 0, RTE_MBUF_F_RX_L4_CKSUM_GOOD, 0) }, 1);
    assert_int_equal(n_sent, 1);
    assert_int_equal(sent[0].octets[OUTER + frame.l4 + 6], 0xef);
}

static void
large_packets_are_cut_into_segments(void **state)
{
    static const uint16_t sizes[] = { 536, 1000, 1448 };
    (void)state;

    for (unsigned i = 0; i < RTE_DIM(families) * RTE_DIM(sizes); i++) {
        const uint16_t size = sizes[i / 2];
        const uint16_t payloads[] = { 1,     size,       (uint16_t)(size + 1), (uint16_t)(3 * size),
                                      20001, PAYLOAD_MAX };

        for (unsigned k = 0; k < RTE_DIM(payloads); k++) {
            struct balance_counters before, after;
            const unsigned segments = (payloads[k] + size - 1u) / size;

            make_frame(&frame, families[i % 2], IP_PROTOCOL_TCP, payloads[k]);
            counters_balance(scenario.counters, &before);
            run(&(struct rte_mbuf *){ packet_make(&frame, 120 + 1000 * (k % 2), 3001, SEGMENTS,
                                                  size) },
                1);
            counters_balance(scenario.counters, &after);
            expect_segments(&frame, size);
            assert_int_equal(after.consumed - before.consumed, segments > 1);
            assert_int_equal(after.originated - before.originated, segments > 1 ? segments : 0);
        }
    }
}

static void
segments_leave_in_their_place_among_other_packets(void **state)
{
    struct rte_mbuf *packets[3];
    (void)state;

    for (unsigned i = 0; i < RTE_DIM(families); i++) {
        const uint8_t family = families[i];

        make_frame(&frame, family, IP_PROTOCOL_UDP, 3);
        packets[0] = packet_make(&frame, 2000, 0, 0, 0);
        packets[2] = packet_make(&frame, 2000, 0, CHECKSUM, 0);
        make_frame(&frame, family, IP_PROTOCOL_TCP, 50000);
        packets[1] = packet_make(&frame, 2000, 2000, SEGMENTS, 1000);
        run(packets, 3);
        assert_int_equal(n_sent, 52);
        assert_true(sent[0].length < 120 && sent[51].length < 120);
        assert_int_equal(sent[50].length, OUTER + frame.data + 1000);
    }
}

static void
expect_dropped(struct rte_mbuf *packet, enum drop_reason reason)
{
    const uint64_t drops = drops_of(reason);

    run(&packet, 1);
    assert_int_equal(n_sent, 0);
    assert_int_equal(drops_of(reason), drops + 1);
}

static void
more_segments_than_are_reasonable_are_refused(void **state)
{
    (void)state;
    for (unsigned i = 0; i < RTE_DIM(families); i++) {
        const uint8_t family = families[i];

        make_frame(&frame, family, IP_PROTOCOL_TCP, OFFLOAD_SEGMENTS_MAX * 10);
        run(&(struct rte_mbuf *){ packet_make(&frame, 2000, 2000, SEGMENTS, 10) }, 1);
        expect_segments(&frame, 10);
        make_frame(&frame, family, IP_PROTOCOL_TCP, OFFLOAD_SEGMENTS_MAX * 10 + 1);
        expect_dropped(packet_make(&frame, 2000, 2000, SEGMENTS, 10), DROP_SEGMENTS);
        make_frame(&frame, family, IP_PROTOCOL_TCP, 60000);
        expect_dropped(packet_make(&frame, 2000, 2000, SEGMENTS, 1), DROP_SEGMENTS);
    }
}

static void
a_port_that_takes_no_chains_gets_none(void **state)
{
    struct port *fabric = scenario.ports[FABRIC];
    (void)state;

    fabric->takes_chains = false;
    for (unsigned i = 0; i < RTE_DIM(families); i++) {
        make_frame(&frame, families[i], IP_PROTOCOL_TCP, 5000);
        run(&(struct rte_mbuf *){ packet_make(&frame, 2000, 700, SEGMENTS, 1448) }, 1);
        expect_segments(&frame, 1448);
        for (unsigned k = 0; k < n_sent; k++)
            assert_int_equal(sent[k].segments, 1);
    }
    /* more than a buffer holds */
    make_frame(&frame, IP_V4, IP_PROTOCOL_UDP, 5000);
    expect_dropped(packet_make(&frame, 2000, 2000, RTE_MBUF_F_RX_LRO, 0), DROP_SEGMENTS);
    fabric->takes_chains = true;
}

/* What cannot be cut is one packet as any other: too big here, or sent with its checksum. */
static void
what_cannot_be_cut_stays_whole(void **state)
{
    (void)state;
    make_frame(&frame, IP_V4, IP_PROTOCOL_UDP, 3000);
    run(&(struct rte_mbuf *){ packet_make(&frame, 2000, 2000, SEGMENTS, 1000) }, 1);
    expect_whole(&frame, IP_PROTOCOL_UDP);
    make_frame(&frame, IP_V6, IP_PROTOCOL_TCP, 3000);
    run(&(struct rte_mbuf *){ packet_make(&frame, 2000, 2000, SEGMENTS, 0) }, 1);
    expect_whole(&frame, IP_PROTOCOL_TCP);
}

static void
without_buffers_nothing_is_cut(void **state)
{
    static struct rte_mbuf *taken[8192];
    (void)state;

    for (unsigned i = 0; i < RTE_DIM(families); i++) {
        const uint8_t family = families[i];

        for (unsigned left = 0; left < 9; left++) {
            make_frame(&frame, family, IP_PROTOCOL_TCP, 5000);
            struct rte_mbuf *packet = packet_make(&frame, 2000, 5000, SEGMENTS, 1000);
            const unsigned n = rte_mempool_avail_count(pool) - left;

            assert_int_equal(rte_pktmbuf_alloc_bulk(pool, taken, n), 0);
            if (family == IP_V6 && left >= 5)
                run(&packet, 1);
            else
                expect_dropped(packet, DROP_NO_MEMORY);
            rte_pktmbuf_free_bulk(taken, n);
        }
    }
}

static void
headers_that_are_broken_are_judged_by_the_stages(void **state)
{
    const uint32_t ip = sizeof(struct eth_header);
    (void)state;

    make_frame(&frame, IP_V4, IP_PROTOCOL_TCP, 3000);
    frame.octets[ip + 8] ^= 1; /* the TTL: its checksum is wrong */
    expect_dropped(packet_make(&frame, 2000, 2000, SEGMENTS, 1000), DROP_IP_CHECKSUM);
    make_frame(&frame, IP_V6, IP_PROTOCOL_TCP, 3000);
    frame.octets[ip + 4] = 0xff; /* the length: more than there is */
    expect_dropped(packet_make(&frame, 2000, 2000, SEGMENTS, 1000), DROP_IP_HEADER);
    make_frame(&frame, IP_V6, IP_PROTOCOL_TCP, 3000);
    frame.length = ip + 30;
    expect_dropped(packet_make(&frame, 2000, 2000, SEGMENTS, 1000), DROP_FRAME_TOO_SHORT);
    /* no room to bring the headers together */
    make_frame(&frame, IP_V6, IP_PROTOCOL_TCP, 3000);
    expect_dropped(packet_make(&frame, ip + 30, 2000, CHECKSUM, 0), DROP_SEGMENTS);
    /* what rte_gso would not survive */
    make_frame(&frame, IP_V4, IP_PROTOCOL_TCP, 3000);
    struct rte_mbuf *packet = packet_make(&frame, 2000, 2000, CHECKSUM, 1000);
    packet->ol_flags |= RTE_MBUF_F_RX_LRO;
    expect_dropped(packet, DROP_SEGMENTS);
}

/* Anything may be in a frame with these flags: buffers come back, and nothing is read beyond. */
static void
random_headers_do_no_harm(void **state)
{
    (void)state;
    srand(1);
    for (unsigned i = 0; i < RANDOM_TRIES; i++) {
        make_frame(&frame, rand() % 2 == 0 ? IP_V4 : IP_V6, IP_PROTOCOL_TCP,
                   (uint16_t)(rand() % 3000));
        for (unsigned k = (unsigned)rand() % 4; k > 0; k--)
            frame.octets[12 + rand() % 90] = (uint8_t)rand();
        struct ipv4_header header;
        memcpy(&header, frame.octets + sizeof(struct eth_header), sizeof(header));
        header.checksum = 0;
        header.checksum = checksum_ipv4(&header, sizeof(header));
        if (header.version_ihl == 0x45)
            memcpy(frame.octets + sizeof(struct eth_header), &header, sizeof(header));
        frame.length -= (unsigned)rand() % 3 == 0 ? (unsigned)rand() % frame.length : 0;
        run(&(struct rte_mbuf *){ packet_make(&frame, 1 + (unsigned)rand() % 200,
                                              (uint16_t)(1 + rand() % 2000), SEGMENTS,
                                              (uint16_t)(rand() % 2000)) },
            1);
        struct rte_mbuf *punted;
        while (punt_ring_take(&scenario.rings->punt[0], &punted, 1) > 0)
            rte_pktmbuf_free(punted);
    }
}

/* ---- Around them ---- */

static const void *callback;

static int
begin(void **state)
{
    (void)state;
    if (!eal_start())
        return -1;
    pool = rte_pktmbuf_pool_create("offload", 8191, 0, PACKET_PRIVATE_OCTETS,
                                   RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
    description = json_loads(world, 0, NULL);
    if (pool == NULL || scenario_create(&scenario, description, pool) != NULL)
        return -1;
    scenario.ports[FABRIC]->takes_chains =
        true; /* it has the null driver, and keep() has no limit */
    callback = rte_eth_add_tx_callback(scenario.ports[FABRIC]->ethdev, 0, keep, NULL);
    return callback == NULL ? -1 : 0;
}

static int
end(void **state)
{
    (void)state;
    scenario_destroy(&scenario);
    json_decref(description);
    return rte_mempool_full(pool) ? 0 : -1;
}

/* After each test: all buffers are back. */
static int
buffers_are_back(void **state)
{
    (void)state;
    return rte_mempool_full(pool) ? 0 : -1;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(checksums_that_are_left_to_do_are_done, buffers_are_back),
        cmocka_unit_test_teardown(a_checksum_of_zero_is_written_as_all_ones_in_udp,
                                  buffers_are_back),
        cmocka_unit_test_teardown(padding_is_not_summed_up, buffers_are_back),
        cmocka_unit_test_teardown(checksums_that_are_there_are_left_alone, buffers_are_back),
        cmocka_unit_test_teardown(large_packets_are_cut_into_segments, buffers_are_back),
        cmocka_unit_test_teardown(segments_leave_in_their_place_among_other_packets,
                                  buffers_are_back),
        cmocka_unit_test_teardown(more_segments_than_are_reasonable_are_refused, buffers_are_back),
        cmocka_unit_test_teardown(a_port_that_takes_no_chains_gets_none, buffers_are_back),
        cmocka_unit_test_teardown(what_cannot_be_cut_stays_whole, buffers_are_back),
        cmocka_unit_test_teardown(without_buffers_nothing_is_cut, buffers_are_back),
        cmocka_unit_test_teardown(headers_that_are_broken_are_judged_by_the_stages,
                                  buffers_are_back),
        cmocka_unit_test_teardown(random_headers_do_no_harm, buffers_are_back),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
