/* SPDX-License-Identifier: BSD-3-Clause */

/* TCP that guests left to be cut into segments, and that goes into a tunnel: it is cut. */

#include <stdlib.h>
#include <string.h>

#include "fastpath/complete.h"
#include "lib/net/checksum.h"
#include "tests/packet/offload_lab.h"

#define RANDOM_TRIES 20000u

static struct guest_frame frame;

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

            frame_make(&frame, families[i % 2], IP_PROTOCOL_TCP, payloads[k]);
            counters_balance(scenario.counters, &before);
            lab_run(&(struct rte_mbuf *){ packet_make(&frame, 120 + 1000 * (k % 2), 3001, SEGMENTS,
                                                      size) },
                    1);
            counters_balance(scenario.counters, &after);
            expect_segments(&frame, size, OUTER);
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

        frame_make(&frame, family, IP_PROTOCOL_UDP, 3);
        packets[0] = packet_make(&frame, 2000, 0, 0, 0);
        packets[2] = packet_make(&frame, 2000, 0, CHECKSUM, 0);
        frame_make(&frame, family, IP_PROTOCOL_TCP, 50000);
        packets[1] = packet_make(&frame, 2000, 2000, SEGMENTS, 1000);
        lab_run(packets, 3);
        assert_int_equal(n_sent, 52);
        assert_true(sent[0].length < 120 && sent[51].length < 120);
        assert_int_equal(sent[50].length, OUTER + frame.data + 1000);
    }
}

static void
more_segments_than_are_reasonable_are_refused(void **state)
{
    (void)state;
    for (unsigned i = 0; i < RTE_DIM(families); i++) {
        const uint8_t family = families[i];

        frame_make(&frame, family, IP_PROTOCOL_TCP, COMPLETE_SEGMENTS_MAX * 10);
        lab_run(&(struct rte_mbuf *){ packet_make(&frame, 2000, 2000, SEGMENTS, 10) }, 1);
        expect_segments(&frame, 10, OUTER);
        frame_make(&frame, family, IP_PROTOCOL_TCP, COMPLETE_SEGMENTS_MAX * 10 + 1);
        expect_dropped(packet_make(&frame, 2000, 2000, SEGMENTS, 10), DROP_SEGMENTS);
        frame_make(&frame, family, IP_PROTOCOL_TCP, 60000);
        expect_dropped(packet_make(&frame, 2000, 2000, SEGMENTS, 1), DROP_SEGMENTS);
    }
}

static void
a_port_that_takes_no_chains_gets_none(void **state)
{
    struct port *fabric = scenario.ports[LAB_FABRIC];
    (void)state;

    fabric->takes_chains = false;
    for (unsigned i = 0; i < RTE_DIM(families); i++) {
        frame_make(&frame, families[i], IP_PROTOCOL_TCP, 5000);
        lab_run(&(struct rte_mbuf *){ packet_make(&frame, 2000, 700, SEGMENTS, 1448) }, 1);
        expect_segments(&frame, 1448, OUTER);
        for (unsigned k = 0; k < n_sent; k++)
            assert_int_equal(sent[k].segments, 1);
    }
    /* more than a buffer holds */
    frame_make(&frame, IP_V4, IP_PROTOCOL_UDP, 5000);
    expect_dropped(packet_make(&frame, 2000, 2000, RTE_MBUF_F_RX_LRO, 0), DROP_SEGMENTS);
    fabric->takes_chains = true;
}

/* What cannot be cut is one packet as any other: too big here, or sent with its checksum. */
static void
what_cannot_be_cut_stays_whole(void **state)
{
    (void)state;
    frame_make(&frame, IP_V4, IP_PROTOCOL_UDP, 3000);
    lab_run(&(struct rte_mbuf *){ packet_make(&frame, 2000, 2000, SEGMENTS, 1000) }, 1);
    expect_whole(&frame, IP_PROTOCOL_UDP, OUTER);
    frame_make(&frame, IP_V6, IP_PROTOCOL_TCP, 3000);
    lab_run(&(struct rte_mbuf *){ packet_make(&frame, 2000, 2000, SEGMENTS, 0) }, 1);
    expect_whole(&frame, IP_PROTOCOL_TCP, OUTER);
}

static void
without_buffers_nothing_is_cut(void **state)
{
    static struct rte_mbuf *taken[8192];
    (void)state;

    for (unsigned i = 0; i < RTE_DIM(families); i++) {
        const uint8_t family = families[i];

        for (unsigned left = 0; left < 9; left++) {
            frame_make(&frame, family, IP_PROTOCOL_TCP, 5000);
            struct rte_mbuf *packet = packet_make(&frame, 2000, 5000, SEGMENTS, 1000);
            const unsigned n = rte_mempool_avail_count(pool) - left;

            assert_int_equal(rte_pktmbuf_alloc_bulk(pool, taken, n), 0);
            if (family == IP_V6 && left >= 5)
                lab_run(&packet, 1);
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

    frame_make(&frame, IP_V4, IP_PROTOCOL_TCP, 3000);
    frame.octets[ip + 8] ^= 1; /* the TTL: its checksum is wrong */
    expect_dropped(packet_make(&frame, 2000, 2000, SEGMENTS, 1000), DROP_IP_CHECKSUM);
    frame_make(&frame, IP_V6, IP_PROTOCOL_TCP, 3000);
    frame.octets[ip + 4] = 0xff; /* the length: more than there is */
    expect_dropped(packet_make(&frame, 2000, 2000, SEGMENTS, 1000), DROP_IP_HEADER);
    frame_make(&frame, IP_V6, IP_PROTOCOL_TCP, 3000);
    frame.length = ip + 30;
    expect_dropped(packet_make(&frame, 2000, 2000, SEGMENTS, 1000), DROP_FRAME_TOO_SHORT);
    /* no room to bring the headers together */
    frame_make(&frame, IP_V6, IP_PROTOCOL_TCP, 3000);
    expect_dropped(packet_make(&frame, ip + 30, 2000, CHECKSUM, 0), DROP_SEGMENTS);
    /* what rte_gso would not survive */
    frame_make(&frame, IP_V4, IP_PROTOCOL_TCP, 3000);
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
        frame_make(&frame, rand() % 2 == 0 ? IP_V4 : IP_V6, IP_PROTOCOL_TCP,
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
        lab_run(&(struct rte_mbuf *){ packet_make(&frame, 1 + (unsigned)rand() % 200,
                                                  (uint16_t)(1 + rand() % 2000), SEGMENTS,
                                                  (uint16_t)(rand() % 2000)) },
                1);
        struct rte_mbuf *punted;
        while (lab_take_punts(&punted, 1) > 0)
            rte_pktmbuf_free(punted);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(large_packets_are_cut_into_segments, lab_buffers_are_back),
        cmocka_unit_test_teardown(segments_leave_in_their_place_among_other_packets,
                                  lab_buffers_are_back),
        cmocka_unit_test_teardown(more_segments_than_are_reasonable_are_refused,
                                  lab_buffers_are_back),
        cmocka_unit_test_teardown(a_port_that_takes_no_chains_gets_none, lab_buffers_are_back),
        cmocka_unit_test_teardown(what_cannot_be_cut_stays_whole, lab_buffers_are_back),
        cmocka_unit_test_teardown(without_buffers_nothing_is_cut, lab_buffers_are_back),
        cmocka_unit_test_teardown(headers_that_are_broken_are_judged_by_the_stages,
                                  lab_buffers_are_back),
        cmocka_unit_test_teardown(random_headers_do_no_harm, lab_buffers_are_back),
    };

    return cmocka_run_group_tests(tests, lab_begin, lab_end);
}
