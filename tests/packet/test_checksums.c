/* SPDX-License-Identifier: BSD-3-Clause */

/* Checksums that guests left to do, of packets that go into a tunnel: they are computed. */

#include <string.h>

#include "tests/packet/offload_lab.h"

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

            frame_make(&frame, family, protocol, payloads[k / RTE_DIM(segments)]);
            lab_run(&(struct rte_mbuf *){ packet_make(&frame, cut[0], cut[1], CHECKSUM, 0) }, 1);
            expect_whole(&frame, protocol, OUTER);
        }
    }
}

static void
a_checksum_of_zero_is_written_as_all_ones_in_udp(void **state)
{
    const uint32_t word = sizeof(struct eth_header) + sizeof(struct ipv4_header) + 8;
    (void)state;

    frame_make(&frame, IP_V4, IP_PROTOCOL_UDP, 2);
    memset(frame.octets + word, 0, 2);
    lab_run(&(struct rte_mbuf *){ packet_make(&frame, 2000, 0, CHECKSUM, 0) }, 1);
    assert_int_equal(n_sent, 1);
    /* with its complement in the sum there is nothing left */
    memcpy(frame.octets + word, sent[0].octets + OUTER + frame.l4 + 6, 2);
    lab_run(&(struct rte_mbuf *){ packet_make(&frame, 2000, 0, CHECKSUM, 0) }, 1);
    assert_int_equal(sent[0].octets[OUTER + frame.l4 + 6], 0xff);
    assert_int_equal(sent[0].octets[OUTER + frame.l4 + 7], 0xff);
}

static void
padding_is_not_summed_up(void **state)
{
    (void)state;
    frame_make(&frame, IP_V4, IP_PROTOCOL_UDP, 5);
    struct guest_frame padded = frame;
    memset(padded.octets + padded.length, 0xa5, 20);
    padded.length += 20;
    lab_run(&(struct rte_mbuf *){ packet_make(&padded, 2000, 0, CHECKSUM, 0) }, 1);
    expect_whole(&frame, IP_PROTOCOL_UDP, OUTER);
}

static void
checksums_that_are_there_are_left_alone(void **state)
{
    (void)state;
    frame_make(&frame, IP_V4, IP_PROTOCOL_UDP, 5);
    lab_run(&(struct rte_mbuf *){ packet_make(&frame, 2000, 0, RTE_MBUF_F_RX_L4_CKSUM_GOOD, 0) },
            1);
    assert_int_equal(n_sent, 1);
    assert_int_equal(sent[0].octets[OUTER + frame.l4 + 6], 0xef);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(checksums_that_are_left_to_do_are_done, lab_buffers_are_back),
        cmocka_unit_test_teardown(a_checksum_of_zero_is_written_as_all_ones_in_udp,
                                  lab_buffers_are_back),
        cmocka_unit_test_teardown(padding_is_not_summed_up, lab_buffers_are_back),
        cmocka_unit_test_teardown(checksums_that_are_there_are_left_alone, lab_buffers_are_back),
    };

    return cmocka_run_group_tests(tests, lab_begin, lab_end);
}
