/* SPDX-License-Identifier: BSD-3-Clause */

/* A guest, a far vRouter and two workers between them, each of which owns a port; and packets from
 * either side. */

#include "tests/packet/two_workers.h"

#include <string.h>

#include "lib/net/checksum.h"
#include "lib/net/encapsulation.h"

static const char world[] =
    "{\"workers\": 2, \"vrfs\": [\"red\"], \"ports\": ["
    "{\"name\": \"fabric\", \"role\": \"underlay\", \"mac\": \"02:00:00:00:00:fe\","
    " \"spec\": \"null:\"},"
    "{\"name\": \"p1\", \"role\": \"access\", \"spec\": \"null:\"}], \"vifs\": ["
    "{\"name\": \"vm1\", \"vrf\": \"red\", \"port\": \"p1\", \"mac\": \"02:00:00:00:00:01\","
    " \"sources\": [\"10.0.0.11/32\"]},"
    "{\"name\": \"vm2\", \"vrf\": \"red\", \"port\": \"p1\", \"vlan\": 7,"
    " \"mac\": \"02:00:00:00:00:01\", \"sources\": [\"10.0.0.11/32\"]}], \"endpoints\": ["
    "{\"name\": \"far\", \"address\": \"192.0.2.12\", \"encapsulation\": \"udp\","
    " \"port\": \"fabric\", \"mac\": \"02:00:00:00:01:12\"}], \"routes\": ["
    "{\"vrf\": \"red\", \"prefix\": \"10.1.0.0/16\","
    " \"path\": {\"endpoint\": \"far\", \"label\": 7}}], \"labels\": ["
    "{\"label\": 16, \"path\": {\"vif\": \"vm1\"}}]}";

int
two_workers_begin(void **state)
{
    (void)state;
    return stage_rig_begin("stages", POOL_PACKETS, world);
}

struct worker *
owner_of(unsigned port)
{
    return fastpath_worker(scenario.fastpath, scenario.ports[port]->queues[0].sender);
}

uint64_t
drops_of_all(void)
{
    uint64_t sum[DROP_REASONS], total = 0;

    counters_drops(scenario.counters, sum);
    for (unsigned i = 0; i < DROP_REASONS; i++)
        total += sum[i];
    return total;
}

struct rte_mbuf *
guest_packet(unsigned tail)
{
    const struct eth_header eth = { MAC_VIRTUAL_ROUTER, { { 2, 0, 0, 0, 0, 1 } }, htobe16(0x0800) };
    struct ipv4_header ip = {
        .version_ihl = 0x45,
        .total_length = htobe16(sizeof(ip) + PAYLOAD),
        .ttl = 64,
        .protocol = IP_PROTOCOL_TCP,
        .source = htobe32(0x0a00000b),
        .destination = htobe32(0x0a010001),
    };
    uint8_t frame[sizeof(eth) + sizeof(ip) + PAYLOAD] = { 0 };
    struct rte_mbuf *packet = rte_pktmbuf_alloc(pool);

    assert_non_null(packet);
    ip.checksum = checksum_ipv4(&ip, sizeof(ip));
    memcpy(frame, &eth, sizeof(eth));
    memcpy(frame + sizeof(eth), &ip, sizeof(ip));
    memcpy(rte_pktmbuf_append(packet, (uint16_t)(sizeof(frame) - tail)), frame,
           sizeof(frame) - tail);
    if (tail > 0) {
        struct rte_mbuf *rest = rte_pktmbuf_alloc(pool);

        assert_non_null(rest);
        memcpy(rte_pktmbuf_append(rest, (uint16_t)tail), frame + sizeof(frame) - tail, tail);
        assert_int_equal(rte_pktmbuf_chain(packet, rest), 0);
    }
    return packet;
}

struct rte_mbuf *
tunnel_packet(uint16_t port)
{
    struct {
        struct eth_header eth;
        struct ipv4_header ip;
        struct gre_header gre;
        mpls_entry label;
        struct ipv4_header inner;
        struct udp_header udp;
    } __attribute__((packed)) frame = {
        .eth = { { { 2, 0, 0, 0, 0, 0xfe } }, { { 2, 0, 0, 0, 1, 0x12 } }, htobe16(0x0800) },
        .ip = { .version_ihl = 0x45,
                .total_length = htobe16(sizeof(frame) - sizeof(frame.eth)),
                .ttl = 64,
                .protocol = IP_PROTOCOL_GRE,
                .source = htobe32(0xc000020c),
                .destination = htobe32(0xc000020b) },
        .gre = { .protocol = htobe16(0x8847) },
        .label = mpls_entry_make(16, 0, 64),
        .inner = { .version_ihl = 0x45,
                   .total_length = htobe16(sizeof(frame.inner) + sizeof(frame.udp)),
                   .ttl = 64,
                   .protocol = IP_PROTOCOL_UDP,
                   .source = htobe32(0x0a010001),
                   .destination = htobe32(0x0a00000b) },
        .udp = { .source_port = htobe16(port), .length = htobe16(sizeof(frame.udp)) },
    };
    struct rte_mbuf *packet = rte_pktmbuf_alloc(pool);

    assert_non_null(packet);
    frame.ip.checksum = checksum_ipv4(&frame.ip, sizeof(frame.ip));
    frame.inner.checksum = checksum_ipv4(&frame.inner, sizeof(frame.inner));
    memcpy(rte_pktmbuf_append(packet, sizeof(frame)), &frame, sizeof(frame));
    return packet;
}

void
run(struct rte_mbuf *packet)
{
    worker_forward(owner_of(ACCESS), scenario.ports[ACCESS], &packet, 1);
    transmit_flush(owner_of(ACCESS));
    worker_turn(owner_of(FABRIC));
}

void
expect_drop(struct rte_mbuf *packet, enum drop_reason reason)
{
    const unsigned before = rte_mempool_avail_count(pool);
    const uint64_t drops = drops_of(reason), all = drops_of_all();
    const unsigned segments = packet->nb_segs;

    run(packet);
    assert_int_equal(drops_of(reason), drops + 1);
    assert_int_equal(drops_of_all(), all + 1);
    assert_int_equal(rte_mempool_avail_count(pool), before + segments);
}

void
expect_sent(struct rte_mbuf *packet)
{
    const uint64_t sent = sent_by(FABRIC), all = drops_of_all();

    run(packet);
    assert_int_equal(sent_by(FABRIC), sent + 1);
    assert_int_equal(drops_of_all(), all);
}
