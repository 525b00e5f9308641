/* SPDX-License-Identifier: BSD-3-Clause */

/* Offloads that guests left to do, of packets to an interface whose port does them: these are
 * passed on as they are. And all that is done in software after all. */

#include <string.h>

#include <rte_ethdev.h>

#include "fastpath/offload.h"
#include "lib/net/checksum.h"
#include "tests/packet/offload_lab.h"

#define ETHERNET 14u
#define TAGGED   18u
#define ALL      (PORT_CHECKSUM | PORT_SEGMENTS_V4 | PORT_SEGMENTS_V6)
#define SIZE     1400u /* of a segment's data */

static const uint8_t protocols[] = { IP_PROTOCOL_TCP, IP_PROTOCOL_UDP };
static struct guest_frame frame;

/* p2 does these. */
static void
let_port(uint8_t offloads)
{
    scenario.ports[LAB_P2]->offloads = offloads;
}

static struct worker_counters
counters_now(void)
{
    struct worker_counters sum;

    counters_worker(scenario.counters, 0, &sum);
    return sum;
}

/* One frame was sent with the packet that went in, one hop on, and with these flags. */
static void
expect_passed(uint16_t before, uint64_t flags)
{
    const uint8_t *was = frame.octets + ETHERNET, *is = sent[0].octets + before;
    const bool v4 = was[0] >> 4 == 4;
    uint8_t header[40];

    assert_int_equal(n_sent, 1);
    assert_int_equal(sent[0].length, before + frame.length - ETHERNET);
    memcpy(header, was, sizeof(header));
    header[v4 ? 8 : 7]--; /* the TTL */
    if (v4) {
        assert_int_equal(checksum_ipv4(is, 20), 0);
        memcpy(header + 10, is + 10, 2);
    }
    assert_memory_equal(is, header, frame.l4);
    assert_memory_equal(is + frame.l4, was + frame.l4, frame.length - ETHERNET - frame.l4);
    assert_int_equal(sent[0].flags, flags | (v4 ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6));
    assert_int_equal(sent[0].l2, before);
    assert_int_equal(sent[0].l3, frame.l4);
    assert_int_equal(sent[0].l4, frame.data - frame.l4);
}

static void
send_small(uint8_t family, uint8_t protocol, uint8_t vif, uint16_t payload)
{
    frame_make(&frame, family, protocol, payload);
    frame_to_vif(&frame, vif);
    lab_run(&(struct rte_mbuf *){ packet_make(&frame, 110, 700, CHECKSUM, 0) }, 1);
}

static void
send_large(uint8_t family, uint8_t vif, uint16_t payload)
{
    frame_make(&frame, family, IP_PROTOCOL_TCP, payload);
    frame_to_vif(&frame, vif);
    lab_run(&(struct rte_mbuf *){ packet_make(&frame, 120, 3001, SEGMENTS, SIZE) }, 1);
}

static void
checksums_are_left_to_a_port_that_does_them(void **state)
{
    const struct worker_counters before = counters_now();
    (void)state;

    let_port(PORT_CHECKSUM);
    for (unsigned i = 0; i < 8; i++) {
        const uint8_t protocol = protocols[i / 2 % 2];
        const uint64_t flag =
            protocol == IP_PROTOCOL_TCP ? RTE_MBUF_F_TX_TCP_CKSUM : RTE_MBUF_F_TX_UDP_CKSUM;

        send_small(families[i % 2], protocol, i < 4 ? 2 : 3, 500);
        expect_passed(i < 4 ? ETHERNET : TAGGED, flag);
    }
    assert_int_equal(counters_now().offloads_passed - before.offloads_passed, 8);
    assert_int_equal(counters_now().unsplit_passed, before.unsplit_passed);
}

static void
segments_are_left_to_a_port_that_cuts_them(void **state)
{
    static const uint16_t payloads[] = { SIZE + 1, 20001, PAYLOAD_MAX };
    struct balance_counters balance[2];
    const struct worker_counters before = counters_now();
    (void)state;

    let_port(ALL);
    counters_balance(scenario.counters, &balance[0]);
    for (unsigned i = 0; i < 12; i++) {
        send_large(families[i % 2], i < 6 ? 2 : 3, payloads[i / 2 % 3]);
        expect_passed(i < 6 ? ETHERNET : TAGGED,
                      RTE_MBUF_F_TX_TCP_SEG | (i % 2 == 0 ? RTE_MBUF_F_TX_IP_CKSUM : 0));
        assert_int_equal(sent[0].segment_size, SIZE);
    }
    counters_balance(scenario.counters, &balance[1]);
    assert_memory_equal(&balance[0], &balance[1], sizeof(balance[0]));
    assert_int_equal(counters_now().offloads_passed - before.offloads_passed, 12);
    assert_int_equal(counters_now().unsplit_passed - before.unsplit_passed, 12);
}

static void
what_is_one_segment_is_not_cut(void **state)
{
    (void)state;
    let_port(ALL);
    for (unsigned i = 0; i < 2; i++) {
        send_large(families[i], 2, SIZE);
        expect_passed(ETHERNET, RTE_MBUF_F_TX_TCP_CKSUM);
    }
}

static void
what_a_port_does_not_do_is_done_here(void **state)
{
    const struct worker_counters before = counters_now();
    (void)state;

    let_port(0);
    for (unsigned i = 0; i < 8; i++) {
        send_small(families[i % 2], protocols[i / 2 % 2], i < 4 ? 2 : 3, 500);
        expect_whole(&frame, protocols[i / 2 % 2], i < 4 ? ETHERNET : TAGGED);
        assert_int_equal(sent[0].flags, 0);
    }
    for (unsigned i = 0; i < 4; i++) {
        /* the checksum alone, or the other family: that is not enough */
        let_port(i < 2 ? PORT_CHECKSUM
                       : PORT_CHECKSUM | (i == 2 ? PORT_SEGMENTS_V6 : PORT_SEGMENTS_V4));
        send_large(families[i % 2], 2, 20001);
        expect_segments(&frame, SIZE, ETHERNET);
        assert_int_equal(sent[0].flags, 0);
    }
    assert_int_equal(counters_now().offloads_passed, before.offloads_passed);
}

static void
a_rate_is_about_segments(void **state)
{
    static const uint8_t tag[] = { 0x81, 0, 0, 7 };
    struct guest_frame tagged;
    (void)state;

    let_port(ALL);
    for (unsigned i = 0; i < 2; i++) {
        const uint64_t drops = drops_of(DROP_RATE_IN);

        send_small(families[i], IP_PROTOCOL_TCP, 4, 500);
        expect_passed(TAGGED, RTE_MBUF_F_TX_TCP_CKSUM);
        send_large(families[i], 4, 20001);
        expect_segments(&frame, SIZE, TAGGED);

        /* the first guest that has a rate spends it; 32 packets are let through at once */
        frame_make(&frame, families[i], IP_PROTOCOL_TCP, 60 * 1000);
        frame_to_vif(&frame, 2);
        memcpy(tagged.octets, frame.octets, 12);
        memcpy(tagged.octets + 12, tag, sizeof(tag));
        memcpy(tagged.octets + 16, frame.octets + 12, frame.length - 12);
        tagged.length = frame.length + (uint32_t)sizeof(tag);
        lab_run(&(struct rte_mbuf *){ packet_make(&tagged, 2000, 3001, SEGMENTS, 1000) }, 1);
        assert_int_equal(n_sent, i == 0 ? 32 : 0);
        assert_int_equal(drops_of(DROP_RATE_IN) - drops, i == 0 ? 28 : 60);
    }
}

static void
the_segments_are_what_must_fit(void **state)
{
    struct rte_mbuf *punted[8];
    (void)state;

    let_port(ALL);
    for (unsigned i = 0; i < 2; i++) {
        frame_make(&frame, families[i], IP_PROTOCOL_TCP, 5000);
        const uint16_t fits = (uint16_t)(1000 - frame.data);

        for (unsigned more = 0; more < 2; more++) {
            frame_to_vif(&frame, 5);
            lab_run(&(struct rte_mbuf *){ packet_make(&frame, 2000, 3001, SEGMENTS,
                                                      (uint16_t)(fits + more)) },
                    1);
            if (more == 0) {
                expect_passed(TAGGED,
                              RTE_MBUF_F_TX_TCP_SEG | (i == 0 ? RTE_MBUF_F_TX_IP_CKSUM : 0));
                continue;
            }
            /* each segment is one too big, but for the last */
            const unsigned n = lab_take_punts(punted, 8);

            assert_int_equal(n, 5000 / (fits + 1));
            assert_int_equal(n_sent, 1);
            for (unsigned k = 0; k < n; k++) {
                assert_int_equal(packet_note(punted[k])->reason, PUNT_TOO_BIG);
                assert_int_equal(packet_note(punted[k])->mtu, 1000);
                assert_int_equal(rte_pktmbuf_pkt_len(punted[k]), ETHERNET + 1001);
            }
            rte_pktmbuf_free_bulk(punted, n);
        }
    }
    /* one datagram that is to be cut into fragments: its checksum is about the whole */
    frame_make(&frame, IP_V4, IP_PROTOCOL_UDP, 1400);
    frame_set(&frame, 6, 0);
    frame_to_vif(&frame, 5);
    lab_run(&(struct rte_mbuf *){ packet_make(&frame, 2000, 0, CHECKSUM, 0) }, 1);
    assert_int_equal(n_sent, 2);
    const uint32_t first = sent[0].length - TAGGED - 20, second = sent[1].length - TAGGED - 20;
    static uint8_t whole[2000];

    assert_int_equal(first + second, 1408);
    memcpy(whole, frame.octets + ETHERNET, 20);
    memcpy(whole + 20, sent[0].octets + TAGGED + 20, first);
    memcpy(whole + 20 + first, sent[1].octets + TAGGED + 20, second);
    expect_right_checksums(whole, 20, IP_PROTOCOL_UDP);
}

static void
more_segments_than_are_reasonable_are_not_passed_on(void **state)
{
    (void)state;
    let_port(ALL);
    for (unsigned i = 0; i < 2; i++) {
        frame_make(&frame, families[i], IP_PROTOCOL_TCP, 60000);
        frame_to_vif(&frame, 2);
        expect_dropped(packet_make(&frame, 2000, 3001, SEGMENTS, 60000 / 128), DROP_SEGMENTS);
        lab_run(&(struct rte_mbuf *){ packet_make(&frame, 2000, 3001, SEGMENTS, 60000 / 128 + 1) },
                1);
        assert_int_equal(n_sent, 1);
    }
}

static void
the_slow_path_gets_whole_packets(void **state)
{
    struct rte_mbuf *punted[8];
    (void)state;

    for (unsigned i = 0; i < 4; i++) {
        const bool large = i >= 2;
        const uint8_t family = families[i % 2];

        frame_make(&frame, family, IP_PROTOCOL_TCP, 3000);
        frame_set(&frame, family == IP_V4 ? 8 : 7, 1); /* the TTL */
        lab_run(&(struct rte_mbuf *){ packet_make(&frame, 2000, 2000, large ? SEGMENTS : CHECKSUM,
                                                  SIZE) },
                1);
        const unsigned n = lab_take_punts(punted, 8);

        assert_int_equal(n, large ? 3 : 1);
        for (unsigned k = 0; k < n; k++) {
            static uint8_t octets[4000];
            const uint32_t length = rte_pktmbuf_pkt_len(punted[k]) - ETHERNET;
            const void *at = rte_pktmbuf_read(punted[k], ETHERNET, length, octets);

            if (at != octets)
                memcpy(octets, at, length);
            assert_int_equal(packet_note(punted[k])->reason, PUNT_TTL_EXPIRED);
            assert_int_equal(length, frame.data + (!large ? 3000 : k < 2 ? SIZE : 200));
            expect_right_checksums(octets, frame.l4, IP_PROTOCOL_TCP);
            assert_false(offload_is_left(punted[k]->ol_flags));
        }
        rte_pktmbuf_free_bulk(punted, n);
    }
}

static void
everything_stays_in_its_order(void **state)
{
    struct rte_mbuf *packets[4];
    (void)state;

    for (unsigned i = 0; i < 4; i++) {
        let_port(i < 2 ? ALL : 0);
        frame_make(&frame, families[i % 2], IP_PROTOCOL_UDP, 3);
        frame_to_vif(&frame, 2);
        packets[0] = packet_make(&frame, 2000, 0, 0, 0);
        packets[2] = packet_make(&frame, 2000, 0, CHECKSUM, 0);
        frame_make(&frame, families[i % 2], IP_PROTOCOL_TCP, 50000);
        frame_to_vif(&frame, 2);
        packets[1] = packet_make(&frame, 2000, 2000, SEGMENTS, 1000);
        packets[3] = packet_make(&frame, 2000, 2000, SEGMENTS, 1000);
        lab_run(packets, 4);
        const unsigned each = i < 2 ? 1 : 50;
        assert_int_equal(n_sent, 2 * each + 2);
        assert_true(sent[0].length < 100 && sent[each + 1].length < 100);
    }
}

/* Clamping changes what the checksum is about, whoever writes it in the end. */
static void
segment_sizes_are_clamped_all_the_same(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        static const uint8_t mss[] = { 2, 4, 0x05, 0xb4 };

        let_port(i < 2 ? ALL : 0);
        frame_make(&frame, families[i % 2], IP_PROTOCOL_TCP, 0);
        frame_to_vif(&frame, 6);
        memcpy(frame.octets + ETHERNET + frame.l4 + 20, mss, sizeof(mss));
        frame.octets[ETHERNET + frame.l4 + 13] = 2; /* SYN */
        lab_run(&(struct rte_mbuf *){ packet_make(&frame, 2000, 0, CHECKSUM, 0) }, 1);
        assert_int_equal(n_sent, 1);
        const uint8_t *ip = sent[0].octets + TAGGED;
        assert_int_equal(ip[frame.l4 + 22] << 8 | ip[frame.l4 + 23], i % 2 == 0 ? 1000 : 980);
        if (i < 2)
            assert_true((sent[0].flags & RTE_MBUF_F_TX_TCP_CKSUM) != 0);
        else
            expect_right_checksums(ip, frame.l4, IP_PROTOCOL_TCP);
    }
}

/* What a driver may do before it sends: it refuses packets of more than 40,000 octets. */
static uint16_t
refuse_huge(void *queue, struct rte_mbuf **packets, uint16_t n)
{
    (void)queue;
    for (uint16_t i = 0; i < n; i++) {
        if (rte_pktmbuf_pkt_len(packets[i]) > 40000)
            return i;
    }
    return n;
}

static void
a_driver_prepares_packets_and_may_refuse_them(void **state)
{
    static const uint16_t payloads[] = { 50000, 20000, 50000, 30000, 50000 };
    struct port *port = scenario.ports[LAB_P2];
    struct rte_mbuf *packets[RTE_DIM(payloads)];
    const uint64_t drops = drops_of(DROP_SEGMENTS);
    (void)state;

    let_port(ALL);
    port->prepares = true;
    rte_eth_fp_ops[port->ethdev].tx_pkt_prepare = refuse_huge;
    for (unsigned i = 0; i < RTE_DIM(payloads); i++) {
        frame_make(&frame, families[i % 2], IP_PROTOCOL_TCP, payloads[i]);
        frame_to_vif(&frame, 2);
        packets[i] = packet_make(&frame, 2000, 2000, SEGMENTS, 1000);
    }
    lab_run(packets, RTE_DIM(payloads));
    rte_eth_fp_ops[port->ethdev].tx_pkt_prepare = NULL;
    port->prepares = false;
    assert_int_equal(n_sent, 2);
    assert_in_range(sent[0].length, 20000, 20200);
    assert_in_range(sent[1].length, 30000, 30200);
    assert_int_equal(drops_of(DROP_SEGMENTS) - drops, 3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(checksums_are_left_to_a_port_that_does_them,
                                  lab_buffers_are_back),
        cmocka_unit_test_teardown(segments_are_left_to_a_port_that_cuts_them, lab_buffers_are_back),
        cmocka_unit_test_teardown(what_is_one_segment_is_not_cut, lab_buffers_are_back),
        cmocka_unit_test_teardown(what_a_port_does_not_do_is_done_here, lab_buffers_are_back),
        cmocka_unit_test_teardown(a_rate_is_about_segments, lab_buffers_are_back),
        cmocka_unit_test_teardown(the_segments_are_what_must_fit, lab_buffers_are_back),
        cmocka_unit_test_teardown(more_segments_than_are_reasonable_are_not_passed_on,
                                  lab_buffers_are_back),
        cmocka_unit_test_teardown(the_slow_path_gets_whole_packets, lab_buffers_are_back),
        cmocka_unit_test_teardown(everything_stays_in_its_order, lab_buffers_are_back),
        cmocka_unit_test_teardown(segment_sizes_are_clamped_all_the_same, lab_buffers_are_back),
        cmocka_unit_test_teardown(a_driver_prepares_packets_and_may_refuse_them,
                                  lab_buffers_are_back),
    };

    return cmocka_run_group_tests(tests, lab_begin, lab_end);
}
