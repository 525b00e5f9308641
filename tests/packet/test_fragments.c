/* SPDX-License-Identifier: BSD-3-Clause */

/* Outer fragments as the packet lab cannot make them: that wait too long, come in chains of
 * segments, or leave no room for the headers. */

#include <string.h>

#include <rte_cycles.h>

#include "fastpath/segments.h"
#include "lib/net/checksum.h"
#include "tests/packet/stage_rig.h"

#define FABRIC 0
#define ACCESS 1

#define FABRIC_MAC                 \
    {                              \
        {                          \
            0x02, 0, 0, 0, 0, 0xfe \
        }                          \
    }
#define FAR     0xc000020cu /* 192.0.2.12 */
#define US      0xc000020bu
#define LABEL   16
#define PAYLOAD 600u /* of the inner packet */
#define TUNNEL  12u  /* UDP and a label */
#define LINK    14u
#define HEADERS (LINK + IPV4_HEADER_MIN)
#define OUTER   (TUNNEL + IPV4_HEADER_MIN + PAYLOAD) /* what the outer packet carries */

static const char world[] =
    "{\"vrfs\": [\"red\"], \"ports\": ["
    "{\"name\": \"fabric\", \"role\": \"underlay\", \"mac\": \"02:00:00:00:00:fe\","
    " \"spec\": \"null:\"},"
    "{\"name\": \"p1\", \"role\": \"access\", \"spec\": \"null:\"}], \"vifs\": ["
    "{\"name\": \"vm1\", \"vrf\": \"red\", \"port\": \"p1\", \"mac\": \"02:00:00:00:00:01\","
    " \"sources\": [\"10.0.0.11/32\"]}], \"labels\": ["
    "{\"label\": 16, \"path\": {\"vif\": \"vm1\"}}]}";

static struct worker *worker;

static uint64_t
delivered(void)
{
    return sent_by(ACCESS);
}

static uint64_t
held(void)
{
    struct worker_counters sum;

    counters_worker(scenario.counters, 0, &sum);
    return sum.fragments_held;
}

/* What the outer packet carries: a tunnelled packet for vm1. */
static void
write_tunnelled(uint8_t octets[OUTER])
{
    struct {
        struct udp_header udp;
        mpls_entry label;
        struct ipv4_header ip;
    } __attribute__((packed)) headers = {
        .udp = { .destination_port = htobe16(UDP_PORT_MPLS), .length = htobe16(OUTER) },
        .label = mpls_entry_make(LABEL, 0, 64),
        .ip = {
            .version_ihl = 0x45,
            .total_length = htobe16(IPV4_HEADER_MIN + PAYLOAD),
            .ttl = 64,
            .protocol = IP_PROTOCOL_TCP,
            .source = htobe32(0x0a000032),
            .destination = htobe32(0x0a00000b),
        },
    };

    headers.ip.checksum = checksum_ipv4(&headers.ip, sizeof(headers.ip));
    memset(octets, 0x5a, OUTER);
    memcpy(octets, &headers, sizeof(headers));
}

/* Its octets from `start` to `end` in a frame, with `headroom` before it. */
static struct rte_mbuf *
fragment_at(uint16_t headroom, uint16_t identification, unsigned start, unsigned end)
{
    const struct eth_header eth = { FABRIC_MAC, { { 0x02, 0, 0, 0, 1, 0x12 } }, htobe16(0x0800) };
    struct ipv4_header ip = {
        .version_ihl = 0x45,
        .total_length = htobe16((uint16_t)(IPV4_HEADER_MIN + end - start)),
        .identification = htobe16(identification),
        .fragment = htobe16((uint16_t)(start / 8 | (end < OUTER ? IPV4_MORE_FRAGMENTS : 0))),
        .ttl = 64,
        .protocol = IP_PROTOCOL_UDP,
        .source = htobe32(FAR),
        .destination = htobe32(US),
    };
    struct rte_mbuf *packet = rte_pktmbuf_alloc(pool);
    uint8_t tunnelled[OUTER];

    assert_non_null(packet);
    packet->data_off = headroom;
    ip.checksum = checksum_ipv4(&ip, sizeof(ip));
    write_tunnelled(tunnelled);
    memcpy(rte_pktmbuf_append(packet, sizeof(eth)), &eth, sizeof(eth));
    memcpy(rte_pktmbuf_append(packet, sizeof(ip)), &ip, sizeof(ip));
    memcpy(rte_pktmbuf_append(packet, (uint16_t)(end - start)), tunnelled + start, end - start);
    return packet;
}

static struct rte_mbuf *
fragment_make(uint16_t identification, unsigned start, unsigned end)
{
    return fragment_at(RTE_PKTMBUF_HEADROOM, identification, start, end);
}

/* Moves what is behind `length` octets of a packet into another segment. */
static struct rte_mbuf *
split(struct rte_mbuf *packet, uint16_t length)
{
    const uint16_t rest = (uint16_t)(packet->data_len - length);
    struct rte_mbuf *tail = rte_pktmbuf_alloc(pool);

    assert_non_null(tail);
    memcpy(rte_pktmbuf_append(tail, rest), rte_pktmbuf_mtod_offset(packet, uint8_t *, length),
           rest);
    assert_int_equal(rte_pktmbuf_trim(packet, rest), 0);
    assert_int_equal(rte_pktmbuf_chain(packet, tail), 0);
    return packet;
}

static void
receive(struct rte_mbuf *packet)
{
    worker_forward(worker, scenario.ports[FABRIC], &packet, 1);
    transmit_flush(worker);
}

static void
pass(uint64_t cycles)
{
    worker->now += cycles;
    reassembly_expire(worker);
}

static void
what_waits_too_long_is_dropped(void **state)
{
    const uint64_t limit = REASSEMBLY_SECONDS * rte_get_tsc_hz(), sent = delivered();

    (void)state;
    receive(fragment_make(1, 0, 48));
    receive(fragment_make(1, 48, 96));
    pass(limit / 2);
    receive(fragment_make(2, 0, 48));
    assert_int_equal(held(), 3);

    pass(limit - limit / 2); /* the time of the first is up, and not over */
    assert_int_equal(held(), 3);
    assert_int_equal(drops_of(DROP_REASSEMBLY), 0);
    pass(1);
    assert_int_equal(held(), 1);
    assert_int_equal(drops_of(DROP_REASSEMBLY), 2);

    receive(fragment_make(2, 48, OUTER)); /* in time */
    assert_int_equal(delivered(), sent + 1);
    receive(fragment_make(1, 96, OUTER)); /* too late: it begins anew */
    assert_int_equal(held(), 1);
    pass(limit + 1);
    assert_int_equal(held(), 0);
    assert_int_equal(drops_of(DROP_REASSEMBLY), 3);
    assert_true(rte_mempool_full(pool));
}

/* Whatever a turn finds too old it drops, also when nothing is received any more. */
static void
a_turn_looks_for_what_is_too_old(void **state)
{
    const uint64_t drops = drops_of(DROP_REASSEMBLY);

    (void)state;
    worker->now = rte_rdtsc() - (REASSEMBLY_SECONDS + 1) * rte_get_tsc_hz();
    receive(fragment_make(3, 0, 48));
    assert_int_equal(held(), 1);
    worker_turn(worker);
    assert_int_equal(held(), 0);
    assert_int_equal(drops_of(DROP_REASSEMBLY), drops + 1);
}

static void
many_are_dropped_at_once(void **state)
{
    const uint64_t drops = drops_of(DROP_REASSEMBLY);

    (void)state;
    for (uint16_t identification = 0; identification < 100; identification++) {
        for (unsigned start = 0; start < 5 * 40; start += 40)
            receive(fragment_make(identification, start, start + 40));
    }
    assert_int_equal(held(), 500);
    /* more than DPDK lets go in one call */
    for (unsigned turn = 0; turn < 3; turn++)
        pass((REASSEMBLY_SECONDS + 1) * rte_get_tsc_hz());
    assert_int_equal(held(), 0);
    assert_int_equal(drops_of(DROP_REASSEMBLY), drops + 500);
    assert_true(rte_mempool_full(pool));
}

static void
fragments_may_come_in_chains(void **state)
{
    const uint64_t sent = delivered();

    (void)state;
    for (uint16_t length = HEADERS; length < HEADERS + 48; length++) {
        receive(split(fragment_make(4, 0, 48), length));
        receive(split(fragment_make(4, 48, OUTER), HEADERS));
    }
    assert_int_equal(delivered(), sent + 48);
    assert_int_equal(held(), 0);
    assert_true(rte_mempool_full(pool));
}

/* Chains are counted as one fragment each, whatever becomes of them; chains that stay chains when
 * headers have been brought into their first segments. */
static void
chains_count_once(void **state)
{
    const uint64_t drops = drops_of(DROP_REASSEMBLY);

    (void)state;
    receive(split(fragment_make(5, 0, 304), HEADERS + 8));
    receive(split(fragment_make(5, 304, 608), HEADERS + 8));
    assert_int_equal(held(), 2);
    receive(split(fragment_make(5, 0, 304), HEADERS + 8)); /* once again */
    assert_int_equal(held(), 0);
    assert_int_equal(drops_of(DROP_REASSEMBLY), drops + 3);
    assert_true(rte_mempool_full(pool));
}

static void
without_room_for_the_headers_the_whole_is_dropped(void **state)
{
    const uint64_t sent = delivered(), drops = drops_of(DROP_SEGMENTS);
    const uint16_t end = RTE_MBUF_DEFAULT_BUF_SIZE;

    (void)state;
    receive(fragment_at((uint16_t)(end - HEADERS - 16), 6, 0, 16));
    receive(fragment_make(6, 16, OUTER));
    assert_int_equal(delivered(), sent);
    assert_int_equal(drops_of(DROP_SEGMENTS), drops + 1);
    assert_true(rte_mempool_full(pool));
}

static void
octets_are_pulled_into_the_first_segment(void **state)
{
    uint8_t before[HEADERS + OUTER + HEADERS + 16], after[sizeof(before)];
    struct rte_mbuf *packet;

    (void)state;
    for (uint16_t length = 0; length <= sizeof(before); length++) {
        packet = split(fragment_make(7, 0, OUTER), 30);
        assert_int_equal(rte_pktmbuf_chain(packet, fragment_make(7, 0, 16)), 0);
        memcpy(before, rte_pktmbuf_read(packet, 0, sizeof(before), before), sizeof(before));
        assert_true(segments_pull(packet, length));
        assert_true(packet->data_len >= length);
        assert_int_equal(packet->nb_segs, length < HEADERS + OUTER  ? 3
                                          : length < sizeof(before) ? 2
                                                                    : 1);
        rte_mbuf_sanity_check(packet, 1);
        memcpy(after, rte_pktmbuf_read(packet, 0, sizeof(after), after), sizeof(after));
        assert_memory_equal(before, after, sizeof(before));
        rte_pktmbuf_free(packet);
    }
    packet = split(fragment_make(7, 0, OUTER), 30);
    assert_true(segments_pull(packet, UINT16_MAX));
    assert_int_equal(packet->nb_segs, 1);
    assert_int_equal(packet->data_len, HEADERS + OUTER);
    rte_pktmbuf_free(packet);
    assert_true(rte_mempool_full(pool));
}

static void
use_first_worker(void)
{
    worker = fastpath_worker(scenario.fastpath, 0);
    worker->now = rte_rdtsc();
}

static void
what_waits_is_freed_with_its_worker(void **state)
{
    (void)state;
    receive(fragment_make(8, 0, 48));
    receive(fragment_make(8, 48, 96));
    assert_int_equal(rte_mempool_in_use_count(pool), 2);
    scenario_destroy(&scenario);
    assert_true(rte_mempool_full(pool));
    json_object_set_new(description, "workers", json_integer(2));
    assert_null(scenario_create(&scenario, description, pool));
    use_first_worker();
}

/* Two queues of a port may be two workers': each of them gets one half, in either order. */
static void
fragments_meet_whoever_receives_them(void **state)
{
    (void)state;
    for (unsigned first = 0; first < 2; first++) {
        const uint64_t sent = delivered();

        worker = fastpath_worker(scenario.fastpath, first);
        receive(fragment_make(9, 0, 48));
        worker = fastpath_worker(scenario.fastpath, 1 - first);
        receive(fragment_make(9, 48, OUTER));
        for (unsigned turns = 0; turns < 6; turns++)
            worker_turn(fastpath_worker(scenario.fastpath, turns % 2));
        assert_int_equal(delivered(), sent + 1);
        assert_true(rte_mempool_full(pool));
    }
}

static int
begin(void **state)
{
    (void)state;
    if (stage_rig_begin("fragments", 1023, world) != 0)
        return -1;
    use_first_worker();
    return 0;
}

int
main(void)
{
    struct CMUnitTest tests[] = {
        cmocka_unit_test(what_waits_too_long_is_dropped),
        cmocka_unit_test(a_turn_looks_for_what_is_too_old),
        cmocka_unit_test(many_are_dropped_at_once),
        cmocka_unit_test(fragments_may_come_in_chains),
        cmocka_unit_test(chains_count_once),
        cmocka_unit_test(without_room_for_the_headers_the_whole_is_dropped),
        cmocka_unit_test(octets_are_pulled_into_the_first_segment),
        cmocka_unit_test(what_waits_is_freed_with_its_worker),
        cmocka_unit_test(fragments_meet_whoever_receives_them), /* from here on with two */
    };

    stage_rig_count_buffers(tests, sizeof(tests) / sizeof(tests[0]));
    return cmocka_run_group_tests(tests, begin, stage_rig_end);
}
