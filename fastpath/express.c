/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The express lane's test: see express.h. This file is compiled once for each level of vector
 * instructions, under another name (EXPRESS_TEST); it is written as plain loops over arrays that
 * the compiler turns into vectors, so that one text serves all levels. What the compiler does not
 * see by itself is said for each level: the comparison of a head.
 */

#include "fastpath/express.h"

#ifdef __AVX512BW__
#include <immintrin.h>
#endif

#include "fastpath/address.h"
#include "fastpath/segments.h"
#include "lib/net/checksum.h"
#include "lib/net/parse.h"
#include "lib/table/vrf.h"

/* Packets whose fields are computed at once; loops over them have no rest. */
#define LANES 16

/* From an IPv4 header without options to the end of the ports. */
#define WORDS 6

#define PORTS_END_V4 (IPV4_HEADER_MIN + sizeof(struct tcp_ports))
#define PORTS_END_V6 (sizeof(struct ipv6_header) + sizeof(struct tcp_ports))

/* A DHCP client's ports as they stand in a packet. */
#define DHCP_PORTS ((uint32_t)htobe16(UDP_PORT_DHCP_SERVER) << 16 | htobe16(UDP_PORT_DHCP_CLIENT))

_Static_assert(BURST_PACKETS % LANES == 0 && BURST_PACKETS <= 64, "whole lanes, a bit a packet");

typedef uint32_t words4 __attribute__((vector_size(16)));

struct lanes {
    _Alignas(64) uint32_t words[WORDS][LANES]; /* of the headers, as they stand in memory */
    uint32_t room[LANES];    /* octets from the IP header to the frame's end; 0: look no further */
    uint32_t refused[LANES]; /* not zero: the packet is not ordinary */
    uint32_t any_refused;    /* all of these */
    uint32_t ttl_words[LANES]; /* the third word with one less TTL */
    uint8_t *ip[LANES];
    uint32_t octets, padding; /* sums of all: IP packets, and what follows them in the frames */
};

/* Where the packet at work came from: neighbours in a burst mostly come from one interface. */
struct origin {
    uint32_t link; /* the frame's octets 12 to 15: tag, or type and what follows */
    const struct vif *vif;
    uint16_t l3_offset;
    bool changed; /* not all packets up to now came from one interface */
};

/* What a lane without an ordinary packet reads: no interface's head matches it. */
static uint8_t nothing[VIF_HEAD_OCTETS];

/* Stands for the interface that is not there: its heads are made to match nothing. */
static const struct vif nobody = { .head.value = { 1 }, .head6.value = { 1 } };

/* Whether a frame begins as an interface's head says. */
static inline bool
head_matches(const uint8_t *frame, const struct vif_head *head)
{
#if defined(__AVX512BW__)
    const __m512i differs = _mm512_ternarylogic_epi64(
        _mm512_loadu_si512(frame), _mm512_load_si512(head->mask), _mm512_load_si512(head->value),
        0x6a); /* (frame & mask) ^ value */

    return _mm512_test_epi64_mask(differs, differs) == 0;
#else
    uint64_t differs = 0;

    for (unsigned i = 0; i < VIF_HEAD_OCTETS; i += sizeof(uint64_t)) {
        uint64_t octets, mask, value;

        memcpy(&octets, frame + i, sizeof(octets));
        memcpy(&mask, head->mask + i, sizeof(mask));
        memcpy(&value, head->value + i, sizeof(value));
        differs |= (octets & mask) ^ value;
    }
    return differs == 0;
#endif
}

/* Where a frame begins of which a head can be read, or `nothing`. */
static inline uint8_t *
frame_of(const struct rte_mbuf *packet)
{
    const bool plain =
        !segments_are_unusual(packet) & (packet->buf_len - packet->data_off >= VIF_HEAD_OCTETS);

    return plain ? rte_pktmbuf_mtod(packet, uint8_t *) : nothing;
}

static inline uint32_t
link_of(const uint8_t *frame)
{
    uint32_t link;

    memcpy(&link, frame + offsetof(struct eth_header, type), sizeof(link));
    return link;
}

static struct origin
origin_find(const struct vif_table *vifs, uint16_t port, uint32_t link)
{
    const bool tagged = (uint16_t)link == htobe16(ETHERTYPE_VLAN);
    const uint16_t vlan = tagged ? be16toh((uint16_t)(link >> 16)) & VLAN_ID_MASK : VLAN_UNTAGGED;
    const struct vif *vif = vif_at(vifs, vif_lookup(vifs, port, vlan));

    return (struct origin){
        .link = link,
        .vif = vif != NULL ? vif : &nobody,
        .l3_offset = sizeof(struct eth_header) + (tagged ? sizeof(struct vlan_header) : 0),
    };
}

/* Turns four rows of four words into columns, to `lane` and the three behind it. */
static inline void
transpose(uint8_t *const *rows, unsigned offset, uint32_t (*columns)[LANES], unsigned lane)
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
}

/* All of a lane's IPv4 packet that is not in a head. */
static inline void
judge_lanes(struct lanes *lanes, struct burst *burst, unsigned first)
{
    uint32_t *destinations = &burst->destinations[first], *hashes = &burst->hashes[first];
    uint16_t *lengths = &burst->lengths[first];
    uint32_t octets = 0, padding = 0, any_refused = 0;

    for (unsigned i = 0; i < LANES; i += 4) {
        /* the third and fourth word come twice */
        transpose(&lanes->ip[i], (WORDS - 4) * sizeof(uint32_t), &lanes->words[WORDS - 4], i);
        transpose(&lanes->ip[i], 0, &lanes->words[0], i);
    }
    for (unsigned i = 0; i < LANES; i++) {
        const uint32_t a = lanes->words[0][i], b = lanes->words[1][i], c = lanes->words[2][i],
                       d = lanes->words[3][i], e = lanes->words[4][i], ports = lanes->words[5][i];
        const uint32_t length = __builtin_bswap32(a) & 0xffff, ttl = c & 0xff;
        const uint32_t protocol = c >> 8 & 0xff, destination = be32toh(e);
        const uint32_t ttl_word = (c & 0xffff) - 1;

        destinations[i] = destination;
        lengths[i] = (uint16_t)length;
        octets += length;
        padding |= length ^ lanes->room[i];
        const uint32_t refused = (uint32_t)!checksum_words_are_right(a, b, c, d, e) |
                                 (length < PORTS_END_V4) | (length > lanes->room[i]) | (ttl <= 1) |
                                 ((protocol != IP_PROTOCOL_TCP) & (protocol != IP_PROTOCOL_UDP)) |
                                 (address_check(destination) != DROP_REASONS) |
                                 (ports == DHCP_PORTS);

        lanes->refused[i] = refused;
        any_refused |= refused;
        lanes->ttl_words[i] =
            ttl_word | (uint32_t)checksum_update16((be16)(c >> 16), (be16)c, (be16)ttl_word) << 16;
    }
    lanes->octets = octets;
    lanes->padding = padding;
    lanes->any_refused = any_refused;
    for (unsigned i = 0; i < LANES; i++) {
        const uint32_t ports = lanes->words[5][i];

        hashes[i] = flow_hash(flow_addresses_v4(be32toh(lanes->words[3][i]), destinations[i]),
                              flow_rest((uint8_t)(lanes->words[2][i] >> 8),
                                        (struct tcp_ports){ (be16)ports, (be16)(ports >> 16) }));
    }
}

/* The same of one IPv6 packet with so much room. @return whether it is ordinary; its hop limit is
 * then decremented. */
static inline bool
judge_ipv6(struct burst *burst, unsigned i, void *packet, uint32_t room)
{
    struct ipv6_header *ip = packet;
    const uint32_t length = sizeof(*ip) + be16toh(ip->payload_length);
    struct tcp_ports ports;

    if (length < PORTS_END_V6 || length > room || ip->hop_limit <= 1 ||
        (ip->next_header != IP_PROTOCOL_TCP && ip->next_header != IP_PROTOCOL_UDP) ||
        address6_check(ip->destination) != DROP_REASONS)
        return false;
    memcpy(&ports, ip + 1, sizeof(ports));
    burst->destinations[i] = 0;
    burst->lengths[i] = (uint16_t)length;
    burst->families[i] = IP_V6;
    burst->hashes[i] = flow_hash(flow_addresses_v6(ip), flow_rest(ip->next_header, ports));
    ip->hop_limit--;
    return true;
}

static inline void
lower_ttl(const struct lanes *lanes, unsigned lane)
{
    memcpy(lanes->ip[lane] + offsetof(struct ipv4_header, ttl), &lanes->ttl_words[lane],
           sizeof(lanes->ttl_words[lane]));
}

/* Up to LANES packets, those of the burst from `first` on. @return as express_test. */
static uint32_t
test_lanes(const struct vif_table *vifs, struct rte_mbuf **packets, unsigned first, unsigned n,
           struct origin *origin, struct express *express)
{
    struct burst *burst = express->burst;
    struct lanes lanes;
    uint32_t ordinary = 0, v6 = 0, v6_room[LANES];

    for (unsigned i = n; i < LANES; i++) {
        lanes.ip[i] = nothing;
        lanes.room[i] = 0;
    }
    for (unsigned lane = 0; lane < n; lane++) {
        const unsigned i = first + lane;
        uint8_t *frame = frame_of(packets[i]);
        const uint32_t link = link_of(frame);

        if (link != origin->link) {
            const struct origin before = *origin;

            *origin = origin_find(vifs, burst->port, link);
            origin->changed = before.changed || before.vif != origin->vif;
        }

        const struct vif *vif = origin->vif;
        const uint16_t length = rte_pktmbuf_data_len(packets[i]);
        const uint32_t room = (uint32_t)length - origin->l3_offset;

        lanes.ip[lane] = frame + origin->l3_offset;
        lanes.room[lane] = room;
        express->vifs[i] = vif;
        if (likely(head_matches(frame, &vif->head) & (length >= origin->l3_offset + PORTS_END_V4)))
            continue;
        if (length >= origin->l3_offset + PORTS_END_V6 && head_matches(frame, &vif->head6)) {
            v6 |= 1u << lane;
            v6_room[lane] = room;
        }
        lanes.room[lane] = 0;
    }
    judge_lanes(&lanes, burst, first);
    express->ip_octets += lanes.octets;
    express->uneven |= lanes.padding != 0 || v6 != 0;
    if (likely(n == LANES && lanes.any_refused == 0)) {
        for (unsigned lane = 0; lane < LANES; lane++)
            lower_ttl(&lanes, lane);
        return (1u << LANES) - 1;
    }
    for (unsigned lane = 0; lane < n; lane++) {
        if (lanes.refused[lane] == 0) {
            lower_ttl(&lanes, lane);
            ordinary |= 1u << lane;
        } else if ((v6 >> lane & 1) != 0) {
            ordinary |= (uint32_t)judge_ipv6(burst, first + lane, lanes.ip[lane], v6_room[lane])
                        << lane;
        }
    }
    return ordinary;
}

/* What all packets of an interface have in common. */
static inline void
write_origin(struct burst *burst, unsigned i, const struct vif *vif)
{
    burst->paths[i] = path_make(PATH_VRF, vrf_upstream_root(vif->vrf), 0);
    burst->vifs[i] = vif->id;
    burst->vrfs[i] = vif->vrf;
    burst->l3_offsets[i] =
        sizeof(struct eth_header) + (vif->vlan != VLAN_UNTAGGED ? sizeof(struct vlan_header) : 0);
}

uint64_t
EXPRESS_TEST(const struct vif_table *vifs, struct rte_mbuf **packets, unsigned n,
             struct express *express)
{
    struct origin origin = origin_find(vifs, express->burst->port, link_of(frame_of(packets[0])));
    struct burst *burst = express->burst;
    uint64_t ordinary = 0;

    memset(burst->families, IP_V4, sizeof(burst->families));
    express->ip_octets = 0;
    express->uneven = false;
    for (unsigned first = 0; first < n; first += LANES)
        ordinary |= (uint64_t)test_lanes(vifs, packets, first, RTE_MIN(n - first, (unsigned)LANES),
                                         &origin, express)
                    << first;
    if (likely(!origin.changed)) {
        for (unsigned i = 0; i < BURST_PACKETS; i++)
            write_origin(burst, i, origin.vif);
    } else {
        for (unsigned i = 0; i < n; i++)
            write_origin(burst, i, express->vifs[i]);
    }
    express->uneven |= origin.changed || ordinary != ~0ull >> (64 - n);
    return ordinary;
}
