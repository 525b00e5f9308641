/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The express lane's test: see tunnel_express.h. This file is compiled once for each level of
 * vector instructions, under another name (TUNNEL_EXPRESS); it is written as plain loops over
 * arrays that the compiler turns into vectors, so that one text serves all levels. What the
 * compiler does not see by itself is said for each level: the comparison of a head.
 */

#include "fastpath/tunnel_express.h"

#ifdef __AVX512BW__
#include <immintrin.h>
#endif

#include "fastpath/address.h"
#include "fastpath/segments.h"
#include "lib/net/checksum.h"
#include "lib/net/parse.h"

/* Packets whose fields are computed at once; loops over them have no rest. */
#define LANES 16

/* Of an IPv4 header without options. */
#define WORDS 5

/* As far as frames are read before their length is compared: all buffers that are not smaller. */
#define READ_OCTETS 128

_Static_assert(BURST_PACKETS % LANES == 0 && BURST_PACKETS <= 64, "whole lanes, a bit a packet");

typedef uint32_t words4 __attribute__((vector_size(16)));

struct lanes {
    _Alignas(64) uint32_t outer[WORDS][LANES]; /* the headers' words, as they stand in memory */
    uint32_t inner[WORDS][LANES];
    uint32_t outer_v4[LANES]; /* all bits: the outer header has a checksum */
    uint32_t class_shifts[LANES];
    uint32_t room[LANES];       /* octets from the inner header to the frame's end */
    uint32_t refused[LANES];    /* not zero: the packet is not ordinary, whatever is inside, */
    uint32_t refused_v4[LANES]; /* or there is no ordinary IPv4 packet inside */
    uint32_t classes[LANES];    /* of the outer header */
    const uint8_t *outers[LANES], *inners[LANES];
};

/* What a lane without a packet reads. */
static const uint8_t nothing[READ_OCTETS];

/* The head that no frame has. */
static const struct tunnel_head nobody = { .value = { 1 } };

static inline uint64_t
octets_differ(const uint8_t *frame, const struct tunnel_head *head, unsigned from, unsigned to)
{
    uint64_t differs = 0;

    for (unsigned i = from; i < to; i += sizeof(uint64_t)) {
        uint64_t octets, mask, value;

        memcpy(&octets, frame + i, sizeof(octets));
        memcpy(&mask, head->mask + i, sizeof(mask));
        memcpy(&value, head->value + i, sizeof(value));
        differs |= (octets & mask) ^ value;
    }
    return differs;
}

/* Whether a frame begins as a head says. */
static inline bool
head_matches(const uint8_t *frame, const struct tunnel_head *head)
{
#if defined(__AVX512BW__)
    const __m512i differs = _mm512_ternarylogic_epi64(
        _mm512_loadu_si512(frame), _mm512_loadu_si512(head->mask), _mm512_loadu_si512(head->value),
        0x6a); /* (frame & mask) ^ value */
    const bool first = _mm512_test_epi64_mask(differs, differs) == 0;

    return head->inner_offset <= 64 ? first : first && octets_differ(frame, head, 64, 96) == 0;
#else
    return octets_differ(frame, head, 0, 48) == 0 &&
           (head->inner_offset <= 48 || octets_differ(frame, head, 48, 96) == 0);
#endif
}

static const struct tunnel_head *
head_find(const struct tunnel_heads *heads, const uint8_t *frame)
{
    for (unsigned i = 0; i < heads->n; i++) {
        if (head_matches(frame, &heads->heads[i]))
            return &heads->heads[i];
    }
    return &nobody;
}

static inline uint32_t
load16(const uint8_t *at)
{
    be16 value;

    memcpy(&value, at, sizeof(value));
    return be16toh(value);
}

static inline uint32_t
load32(const uint8_t *at)
{
    be32 value;

    memcpy(&value, at, sizeof(value));
    return be32toh(value);
}

static inline bool
is_sent_to(const uint8_t *frame, uint64_t mac)
{
    uint64_t octets;

    memcpy(&octets, frame, sizeof(octets));
    return (octets << 16) == mac;
}

/* Turns four rows of words into columns, to `lane` and the three behind it. */
static inline void
transpose(const uint8_t *const *rows, uint32_t (*columns)[LANES], unsigned lane)
{
    words4 a, b, c, d;

    memcpy(&a, rows[0], sizeof(a));
    memcpy(&b, rows[1], sizeof(b));
    memcpy(&c, rows[2], sizeof(c));
    memcpy(&d, rows[3], sizeof(d));

    const words4 ab = __builtin_shufflevector(a, b, 0, 4, 1, 5);
    const words4 cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
    const words4 ab2 = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    const words4 cd2 = __builtin_shufflevector(c, d, 2, 6, 3, 7);

    *(words4 *)&columns[0][lane] = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
    *(words4 *)&columns[1][lane] = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
    *(words4 *)&columns[2][lane] = __builtin_shufflevector(ab2, cd2, 0, 1, 4, 5);
    *(words4 *)&columns[3][lane] = __builtin_shufflevector(ab2, cd2, 2, 3, 6, 7);
    for (unsigned i = 0; i < 4; i++)
        memcpy(&columns[4][lane + i], rows[i] + sizeof(a), sizeof(columns[4][0]));
}

static inline bool
checksum_is_right(const uint32_t (*words)[LANES], unsigned i)
{
    return checksum_words_are_right(words[0][i], words[1][i], words[2][i], words[3][i],
                                    words[4][i]);
}

/* All that is in the words of the headers. */
static inline void
judge_lanes(const struct tunnel_heads *heads, struct lanes *lanes, uint32_t *destinations,
            uint32_t *sources, uint16_t *lengths)
{
    for (unsigned i = 0; i < LANES; i += 4) {
        transpose(&lanes->outers[i], lanes->outer, i);
        transpose(&lanes->inners[i], lanes->inner, i);
    }
    for (unsigned i = 0; i < LANES; i++) {
        const uint32_t first = lanes->inner[0][i], destination = be32toh(lanes->inner[4][i]);
        const uint32_t length = be32toh(first) & 0xffff;
        const uint32_t class = be32toh(lanes->outer[0][i]) >> lanes->class_shifts[i] & 0xff;

        sources[i] = be32toh(lanes->outer[3][i]);
        destinations[i] = destination;
        lengths[i] = (uint16_t)length;
        lanes->classes[i] = class;
        lanes->refused[i] |= (uint32_t)!checksum_is_right(lanes->outer, i) & lanes->outer_v4[i];
        lanes->refused_v4[i] =
            (uint32_t)!checksum_is_right(lanes->inner, i) | (uint32_t)((first & 0xff) != 0x45) |
            (uint32_t)(length != lanes->room[i]) | (uint32_t)(length < IPV4_HEADER_MIN) |
            (uint32_t)!tunnel_heads_keep_class(heads, class, first >> 8 & 0xff) |
            (uint32_t)(address_check(destination) != DROP_REASONS);
    }
}

/* The same of one IPv6 packet. */
static inline bool
judge_ipv6(const struct tunnel_heads *heads, const struct lanes *lanes, unsigned lane,
           struct burst *burst, unsigned i)
{
    const struct ipv6_header *ip = (const void *)lanes->inners[lane];
    const uint32_t first = be32toh(ip->version_class_flow), payload = be16toh(ip->payload_length);

    if (first >> 28 != 6 || lanes->room[lane] != sizeof(*ip) + payload ||
        (payload == 0 && ip->next_header == IPV6_HOP_BY_HOP) ||
        !tunnel_heads_keep_class(heads, lanes->classes[lane], first >> 20 & 0xff) ||
        address6_check(ip->destination) != DROP_REASONS)
        return false;
    burst->destinations[i] = 0;
    burst->families[i] = IP_V6;
    burst->lengths[i] = (uint16_t)lanes->room[lane];
    return true;
}

/* Up to LANES packets, those of the burst from `first` on. @return as tunnel_express_test. */
static inline uint32_t
test_lanes(const struct tunnel_heads *heads, uint64_t mac, struct rte_mbuf **packets,
           unsigned first, unsigned n, const struct tunnel_head **last, struct burst *burst,
           struct tunnels *tunnels)
{
    struct lanes lanes;
    uint32_t ordinary = 0;

    for (unsigned lane = n; lane < LANES; lane++) {
        lanes.outers[lane] = lanes.inners[lane] = nothing;
        lanes.refused[lane] = 1;
    }
    for (unsigned lane = 0; lane < n; lane++) {
        const unsigned i = first + lane;
        const struct rte_mbuf *packet = packets[i];
        const bool plain =
            !segments_are_unusual(packet) & (packet->buf_len - packet->data_off >= READ_OCTETS);
        const uint8_t *frame = plain ? rte_pktmbuf_mtod(packet, const uint8_t *) : nothing;
        const uint32_t length = rte_pktmbuf_data_len(packet);
        const struct tunnel_head *head = *last;

        if (unlikely(!head_matches(frame, head)))
            *last = head = head_find(heads, frame);

        const uint32_t total = load16(frame + head->total_offset) + head->total_more;
        const uint32_t udp = load16(frame + head->udp_offset) + head->udp_more;

        lanes.outers[lane] = frame + head->outer_offset;
        lanes.inners[lane] = frame + head->inner_offset;
        lanes.outer_v4[lane] = head->family == IP_V4 ? UINT32_MAX : 0;
        lanes.class_shifts[lane] = head->class_shift;
        lanes.room[lane] = length - head->inner_offset;
        lanes.refused[lane] =
            (uint32_t)(head->inner_offset == 0) | (uint32_t)!is_sent_to(frame, mac) |
            (uint32_t)(length < head->inner_offset) |
            (uint32_t)(total != length - head->outer_offset) | (uint32_t)(udp != total);
        tunnels->labels[i] = load32(frame + head->label_offset) >> head->label_shift;
        tunnels->outer_offsets[i] = head->outer_offset;
        tunnels->ends[i] = (uint16_t)length;
        tunnels->families[i] = head->family;
        tunnels->encapsulations[i] = head->encapsulation;
        burst->l3_offsets[i] = head->inner_offset;
        burst->vifs[i] = VIF_NONE;
        burst->families[i] = IP_V4;
    }
    judge_lanes(heads, &lanes, &burst->destinations[first], &tunnels->sources[first],
                &burst->lengths[first]);
    for (unsigned lane = 0; lane < n; lane++) {
        if (lanes.refused[lane] != 0)
            continue;
        if (likely(lanes.refused_v4[lane] == 0) ||
            judge_ipv6(heads, &lanes, lane, burst, first + lane))
            ordinary |= 1u << lane;
    }
    return ordinary;
}

uint64_t
TUNNEL_EXPRESS(const struct tunnel_heads *heads, const struct mac_addr *mac,
               struct rte_mbuf **packets, unsigned n, struct burst *burst, struct tunnels *tunnels)
{
    const struct tunnel_head *last = &heads->heads[0];
    uint64_t ordinary = 0, mac_word = 0;

    memcpy((uint8_t *)&mac_word + sizeof(mac_word) - sizeof(*mac), mac, sizeof(*mac));
    for (unsigned first = 0; first < n; first += LANES)
        ordinary |= (uint64_t)test_lanes(heads, mac_word, packets, first,
                                         RTE_MIN(n - first, (unsigned)LANES), &last, burst, tunnels)
                    << first;
    return ordinary;
}
