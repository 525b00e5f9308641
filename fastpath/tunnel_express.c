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

_Static_assert(BURST_PACKETS + LANES <= BURST_ROOM && BURST_PACKETS <= 64,
               "room for all lanes, a bit a packet");

typedef uint32_t words4 __attribute__((vector_size(16)));

struct lanes {
    _Alignas(64) uint32_t outer[WORDS][LANES]; /* the headers' words, as they stand in memory */
    uint32_t inner[WORDS][LANES];
    uint32_t labels[LANES], totals[LANES], udps[LANES]; /* where the head says, in network order */
    uint32_t lengths[LANES];                            /* of the frames */
    uint32_t classes[LANES];                            /* of the outer header */
    uint32_t refused[LANES];    /* not zero: the packet is not ordinary, whatever is inside, */
    uint32_t refused_v4[LANES]; /* or there is no ordinary IPv4 packet inside */
    const uint8_t *frames[LANES];
};

/* What a lane without a packet reads. */
static const uint8_t nothing[READ_OCTETS];

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

/* Whether a frame begins as a head says; the port's MAC address is in it if it is at work. */
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
    return NULL;
}

/* The head at work, and with it the port's MAC address. */
static inline void
head_take(struct tunnel_head *at_work, const struct tunnel_head *head, const struct mac_addr *mac)
{
    *at_work = *head;
    memset(at_work->mask, 0xff, sizeof(*mac));
    memcpy(at_work->value, mac, sizeof(*mac));
}

/* Words of a frame, as they stand in it. */
static inline uint32_t
take16(const uint8_t *at)
{
    uint16_t word;

    memcpy(&word, at, sizeof(word));
    return word;
}

static inline uint32_t
take32(const uint8_t *at)
{
    uint32_t word;

    memcpy(&word, at, sizeof(word));
    return word;
}

/* Turns four rows of words into columns, to `lane` and the three behind it. */
static inline void
transpose(const uint8_t *const *rows, unsigned offset, uint32_t (*columns)[LANES], unsigned lane)
{
    words4 a, b, c, d;

    memcpy(&a, rows[0] + offset, sizeof(a));
    memcpy(&b, rows[1] + offset, sizeof(b));
    memcpy(&c, rows[2] + offset, sizeof(c));
    memcpy(&d, rows[3] + offset, sizeof(d));

    const words4 ab = __builtin_shufflevector(a, b, 0, 4, 1, 5);
    const words4 cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
    const words4 ab2 = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    const words4 cd2 = __builtin_shufflevector(c, d, 2, 6, 3, 7);

    *(words4 *)&columns[0][lane] = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
    *(words4 *)&columns[1][lane] = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
    *(words4 *)&columns[2][lane] = __builtin_shufflevector(ab2, cd2, 0, 1, 4, 5);
    *(words4 *)&columns[3][lane] = __builtin_shufflevector(ab2, cd2, 2, 3, 6, 7);
    for (unsigned i = 0; i < 4; i++)
        memcpy(&columns[4][lane + i], rows[i] + offset + sizeof(a), sizeof(columns[4][0]));
}

static inline bool
checksum_is_right(const uint32_t (*words)[LANES], unsigned i)
{
    return checksum_words_are_right(words[0][i], words[1][i], words[2][i], words[3][i],
                                    words[4][i]);
}

/* All that is in words of the frames. */
static inline void
judge_lanes(const struct tunnel_head *head, struct tunnel_classes classes,
            struct lanes *restrict lanes, uint32_t *restrict labels, uint32_t *restrict sources,
            uint32_t *restrict destinations)
{
    const uint32_t v4 = head->family == IP_V4 ? UINT32_MAX : 0, class_shift = head->class_shift;
    const uint32_t outer_offset = head->outer_offset, inner_offset = head->inner_offset;
    const uint32_t total_more = head->total_more, udp_more = head->udp_more;
    const uint32_t label_shift = head->label_shift;

    for (unsigned i = 0; i < LANES; i += 4) {
        transpose(&lanes->frames[i], outer_offset, lanes->outer, i);
        transpose(&lanes->frames[i], inner_offset, lanes->inner, i);
    }
    for (unsigned i = 0; i < LANES; i++) {
        const uint32_t total = (be32toh(lanes->totals[i]) >> 16) + total_more;
        const uint32_t udp = (be32toh(lanes->udps[i]) >> 16) + udp_more;

        labels[i] = be32toh(lanes->labels[i]) >> label_shift;
        sources[i] = be32toh(lanes->outer[3][i]);
        lanes->classes[i] = be32toh(lanes->outer[0][i]) >> class_shift & 0xff;
        lanes->refused[i] = (uint32_t)(total + outer_offset != lanes->lengths[i]) |
                            (uint32_t)(udp != total) |
                            (uint32_t)(lanes->lengths[i] < inner_offset) |
                            ((uint32_t)!checksum_is_right(lanes->outer, i) & v4);
    }
    for (unsigned i = 0; i < LANES; i++) {
        const uint32_t first = lanes->inner[0][i], destination = be32toh(lanes->inner[4][i]);
        const uint32_t length = be32toh(first) & 0xffff;

        destinations[i] = destination;
        lanes->refused_v4[i] =
            (uint32_t)!checksum_is_right(lanes->inner, i) | (uint32_t)((first & 0xff) != 0x45) |
            (uint32_t)(length + inner_offset != lanes->lengths[i]) |
            (uint32_t)(length < IPV4_HEADER_MIN) |
            (uint32_t)!tunnel_class_is_kept(classes, lanes->classes[i], first >> 8 & 0xff) |
            (uint32_t)(address_check(destination) != DROP_REASONS);
    }
}

/* What is the same of all packets with one head, and the lengths. */
static inline void
fill_lanes(const struct tunnel_head *head, const struct lanes *restrict lanes,
           struct burst *restrict burst, struct tunnels *restrict tunnels, unsigned first)
{
    const uint16_t outer_offset = head->outer_offset, inner_offset = head->inner_offset;

    for (unsigned i = 0; i < LANES; i++)
        tunnels->ends[first + i] = (uint16_t)lanes->lengths[i];
    for (unsigned i = 0; i < LANES; i++)
        burst->lengths[first + i] = (uint16_t)(lanes->lengths[i] - inner_offset);
    for (unsigned i = 0; i < LANES; i++)
        tunnels->outer_offsets[first + i] = outer_offset;
    for (unsigned i = 0; i < LANES; i++)
        burst->l3_offsets[first + i] = inner_offset;
    for (unsigned i = 0; i < LANES; i++)
        burst->vifs[first + i] = VIF_NONE;
    memset(&tunnels->families[first], head->family, LANES);
    memset(&tunnels->encapsulations[first], head->encapsulation, LANES);
    memset(&burst->families[first], IP_V4, LANES);
}

/* What of an IPv6 packet is not in those words. */
static inline bool
judge_ipv6(struct tunnel_classes classes, const struct lanes *lanes, unsigned lane,
           struct burst *burst, unsigned i)
{
    const struct ipv6_header *ip = (const void *)(lanes->frames[lane] + burst->l3_offsets[i]);
    const uint32_t first = be32toh(ip->version_class_flow), payload = be16toh(ip->payload_length);

    if (first >> 28 != 6 || burst->lengths[i] != sizeof(*ip) + payload ||
        (payload == 0 && ip->next_header == IPV6_HOP_BY_HOP) ||
        !tunnel_class_is_kept(classes, lanes->classes[lane], first >> 20 & 0xff) ||
        address6_check(ip->destination) != DROP_REASONS)
        return false;
    burst->destinations[i] = 0;
    burst->families[i] = IP_V6;
    return true;
}

static inline bool
is_plain(const struct rte_mbuf *packet)
{
    return !segments_are_unusual(packet) & (packet->buf_len - packet->data_off >= READ_OCTETS);
}

/* Packets of the burst from `first` on, at most LANES, as far as they begin as the head says.
 * @param ordinary filled, a bit each
 * @return how many */
static inline unsigned
test_lanes(const struct tunnel_heads *heads, const struct tunnel_head *head,
           struct rte_mbuf **packets, unsigned first, unsigned n, struct burst *burst,
           struct tunnels *tunnels, uint64_t *ordinary)
{
    struct lanes lanes;
    uint32_t outer = 0, inner = 0;
    unsigned taken = 0;

    for (; taken < n; taken++) {
        const struct rte_mbuf *packet = packets[first + taken];
        const uint8_t *frame = rte_pktmbuf_mtod(packet, const uint8_t *);

        if (unlikely(!is_plain(packet)) || unlikely(!head_matches(frame, head)))
            break;
        lanes.frames[taken] = frame;
        lanes.lengths[taken] = rte_pktmbuf_data_len(packet);
        lanes.totals[taken] = take16(frame + head->total_offset);
        lanes.udps[taken] = take16(frame + head->udp_offset);
        lanes.labels[taken] = take32(frame + head->label_offset);
    }
    if (taken == 0)
        return 0;
    for (unsigned lane = taken; lane < LANES; lane++) {
        lanes.frames[lane] = nothing;
        lanes.lengths[lane] = lanes.totals[lane] = lanes.udps[lane] = lanes.labels[lane] = 0;
    }
    judge_lanes(head, heads->classes, &lanes, &tunnels->labels[first], &tunnels->sources[first],
                &burst->destinations[first]);
    fill_lanes(head, &lanes, burst, tunnels, first);
    for (unsigned lane = 0; lane < LANES; lane++) {
        outer |= (uint32_t)(lanes.refused[lane] == 0) << lane;
        inner |= (uint32_t)(lanes.refused_v4[lane] == 0) << lane;
    }
    outer &= (1u << taken) - 1;
    if (head->inner_family == IP_V6) /* the tunnel says so */
        inner = 0;
    if (head->inner_family == IP_V4)
        outer &= inner;
    for (uint32_t others = outer & ~inner; others != 0; others &= others - 1) {
        const unsigned lane = (unsigned)__builtin_ctz(others);

        inner |= (uint32_t)judge_ipv6(heads->classes, &lanes, lane, burst, first + lane) << lane;
    }
    *ordinary |= (uint64_t)(outer & inner) << first;
    return taken;
}

/* Takes the head that a packet begins with. @return false if there is none. */
static bool
head_change(struct tunnel_head *at_work, const struct tunnel_heads *heads,
            const struct rte_mbuf *packet, const struct mac_addr *mac)
{
    const uint8_t *frame = rte_pktmbuf_mtod(packet, const uint8_t *);
    const struct tunnel_head *head = is_plain(packet) ? head_find(heads, frame) : NULL;

    if (head == NULL)
        return false;
    head_take(at_work, head, mac);
    return head_matches(frame, at_work);
}

uint64_t
TUNNEL_EXPRESS(const struct tunnel_heads *heads, const struct mac_addr *mac,
               struct rte_mbuf **packets, unsigned n, struct burst *burst, struct tunnels *tunnels)
{
    struct tunnel_head head;
    uint64_t ordinary = 0;
    unsigned taken;

    if (heads->n == 0)
        return 0;
    head_take(&head, &heads->heads[0], mac);
    for (unsigned first = 0; first < n; first += taken) {
        taken = test_lanes(heads, &head, packets, first, RTE_MIN(n - first, (unsigned)LANES), burst,
                           tunnels, &ordinary);
        if (unlikely(taken == 0) && !head_change(&head, heads, packets[first], mac))
            taken = 1;
    }
    return ordinary;
}
