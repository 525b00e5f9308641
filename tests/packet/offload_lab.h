/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * A network for packets of guests with checksums and segmentation left to do: vm1 on port p1 sends,
 * into a tunnel or to an interface on port p2, and what leaves is kept. Payloads lie in blocks of
 * exactly their size, so that AddressSanitizer sees whoever reads beyond; what comes out is judged
 * by DPDK's checksums, not by ours.
 *
 *   10.1.0.1, 2001:db8:1::1   a tunnel, MPLS over UDP over IPv4, with an MTU of 9000
 *   10.2.0.N, 2001:db8:2::N   interface vmN on p2:
 *                             2 plain; 3 behind tag 7; 4 behind tag 8, with a rate; 5 behind tag 9,
 *                             with an MTU of 1000; 6 behind tag 10, where MSS is clamped to 1000
 *   vm7                       sends behind tag 7 on p1, with a rate
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <rte_mbuf.h>

#include "fastpath/worker.h"
#include "tests/packet/scenario.h"

#define LAB_FABRIC  0
#define LAB_P1      1
#define LAB_P2      2
#define PAYLOAD_MAX 60000u
#define FRAME_MAX   (PAYLOAD_MAX + 200)
#define SENT_MAX    512
#define OUTER       46 /* octets before the inner packet: MPLS over UDP over IPv4 */
#define SEQUENCE    0xfffffff0u

#define CHECKSUM RTE_MBUF_F_RX_L4_CKSUM_NONE
#define SEGMENTS (RTE_MBUF_F_RX_L4_CKSUM_NONE | RTE_MBUF_F_RX_LRO)

/* A frame of the guest, and where its parts are. */
struct guest_frame {
    uint8_t octets[FRAME_MAX];
    uint32_t length;
    uint16_t l4, data; /* from the IP header on */
};

/* A frame that was sent. */
struct sent_frame {
    uint8_t octets[FRAME_MAX];
    uint32_t length;
    uint16_t segments;
    uint64_t flags; /* of the buffer, for sending */
    uint16_t l2, l3, l4, segment_size;
};

extern struct rte_mempool *pool;
extern struct scenario scenario;
extern struct sent_frame sent[SENT_MAX]; /* since the last lab_run() */
extern unsigned n_sent;
extern const uint8_t families[2]; /* IP_V4, IP_V6 */

/** Takes packets from vm1's port through the stages. */
void lab_run(struct rte_mbuf **packets, unsigned n);

/** Takes the packets out of the punt ring. @return how many */
unsigned lab_take_punts(struct rte_mbuf **packets, unsigned n);

uint64_t drops_of(enum drop_reason reason);

/** Fills a frame of vm1's into the tunnel: TCP with a time stamp, or UDP, its checksum wrong. */
void frame_make(struct guest_frame *frame, uint8_t family, uint8_t protocol, uint16_t payload);

/** Sends it to interface vmN instead. */
void frame_to_vif(struct guest_frame *frame, uint8_t n);

/** Changes an octet of its IP header, and makes the header's checksum right. */
void frame_set(struct guest_frame *frame, unsigned at, uint8_t octet);

/** A packet in segments: the first of `first` octets, the others of `each`. What is to be cut
 * begins with a buffer of the pool. */
struct rte_mbuf *packet_make(const struct guest_frame *frame, uint32_t first, uint16_t each,
                             uint64_t flags, uint16_t segment_size);

/** The checksums of an IP packet, `l4` octets to TCP or UDP, are right. */
void expect_right_checksums(const uint8_t *ip, uint16_t l4, uint8_t protocol);

/** One frame was sent with the packet that went in, its checksum right. @param before octets before
 * the IP packet */
void expect_whole(const struct guest_frame *frame, uint8_t protocol, uint16_t before);

/** The segments of a packet were sent, each right, and together all of it. */
void expect_segments(const struct guest_frame *frame, uint16_t size, uint16_t before);

/** Runs a packet of which nothing may be sent. */
void expect_dropped(struct rte_mbuf *packet, enum drop_reason reason);

/* Before and after all tests; after each: all buffers are back. */
int lab_begin(void **state);
int lab_end(void **state);
int lab_buffers_are_back(void **state);
