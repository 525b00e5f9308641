/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The stages from ingress to transmission, driven by frames whose buffers are heap blocks of
 * exactly their size: AddressSanitizer sees nothing of what happens inside a packet pool. When
 * fragments have waited long enough, all is accounted for and every buffer is back in the pool.
 *
 * Input: an octet (bits 0-1 the port, bits 2-3 the number of segments less one, bit 4 makes IP
 * checksums right, bit 5 leaves no headroom, bit 6 says that there is another frame behind this
 * one), an octet where the first segment ends, with bit 6 two octets of the frame's length, then
 * the frame.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_eal.h>

#include "fastpath/worker.h"
#include "lib/net/checksum.h"
#include "lib/net/parse.h"
#include "tests/packet/scenario.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SEGMENTS_MAX 4
#define FRAMES_MAX   24

static const char world[] =
    "{\"vrfs\": [\"red\", \"blue\"], \"underlay_address6\": \"2001:db8:f::11\","
    " \"check_sources\": true, \"allowed_sources\": [\"192.0.2.0/24\", \"2001:db8:f::/64\"],"
    " \"check_reverse_path\": true, \"dscp\": \"uniform\", \"ports\": ["
    "{\"name\": \"fabric\", \"role\": \"underlay\", \"mac\": \"02:00:00:00:00:fe\","
    " \"spec\": \"null:\"},"
    "{\"name\": \"p1\", \"role\": \"access\", \"spec\": \"null:\"}], \"vifs\": ["
    "{\"name\": \"vm1\", \"vrf\": \"red\", \"port\": \"p1\", \"mac\": \"02:00:00:00:00:01\","
    " \"mss\": 1300, \"sources\": [\"10.0.0.0/8\", \"2001:db8::/32\"], \"rate_in\": {\"packets\": "
    "1000000},"
    " \"rate_out\": {\"bits\": 100000000}},"
    "{\"name\": \"vm3\", \"vrf\": \"red\", \"port\": \"p1\", \"vlan\": 200, \"mtu\": 600,"
    " \"mac\": \"02:00:00:00:00:03\","
    " \"sources\": [\"10.0.0.0/8\", \"2001:db8:3::/48\"]}], \"endpoints\": ["
    "{\"name\": \"far\", \"address\": \"192.0.2.12\", \"encapsulation\": \"udp\","
    " \"port\": \"fabric\", \"mac\": \"02:00:00:00:01:12\"},"
    "{\"name\": \"gre\", \"address\": \"192.0.2.12\", \"encapsulation\": \"gre\","
    " \"port\": \"fabric\", \"mac\": \"02:00:00:00:01:12\", \"mtu\": 900},"
    "{\"name\": \"vxlan6\", \"address\": \"2001:db8:f::12\", \"encapsulation\": \"vxlan\","
    " \"port\": \"fabric\", \"mac\": \"02:00:00:00:01:12\"},"
    "{\"name\": \"lost\", \"address\": \"192.0.2.99\", \"encapsulation\": \"udp\","
    " \"port\": \"fabric\"}], \"routes\": ["
    "{\"vrf\": \"red\", \"prefix\": \"169.254.0.1\", \"path\": {\"gateway\": true}},"
    "{\"vrf\": \"red\", \"prefix\": \"2001:db8:a::/48\","
    " \"path\": {\"ecmp\": [{\"endpoint\": \"far\", \"label\": 7}, {\"vif\": \"vm3\"},"
    " {\"endpoint\": \"vxlan6\", \"label\": 8}]}},"
    "{\"vrf\": \"red\", \"prefix\": \"2001:db8::/32\","
    " \"path\": {\"endpoint\": \"vxlan6\", \"label\": 9}},"
    "{\"vrf\": \"red\", \"root\": \"downstream\", \"prefix\": \"::/0\","
    " \"path\": {\"vif\": \"vm1\"}},"
    "{\"vrf\": \"red\", \"prefix\": \"10.0.0.0/9\","
    " \"path\": {\"ecmp\": [{\"endpoint\": \"far\", \"label\": 7}, {\"endpoint\": \"gre\"},"
    " {\"vif\": \"vm1\"}, {\"vif\": \"vm3\"}, {\"endpoint\": \"lost\"}]}},"
    "{\"vrf\": \"red\", \"prefix\": \"10.128.0.0/9\","
    " \"path\": {\"vrf\": \"red\", \"root\": \"upstream\"}},"
    "{\"vrf\": \"red\", \"root\": \"downstream\", \"prefix\": \"0.0.0.0/0\","
    " \"path\": {\"vif\": \"vm3\"}}], \"labels\": ["
    "{\"label\": 16, \"path\": {\"vif\": \"vm1\"}},"
    "{\"label\": 20, \"path\": {\"vrf\": \"red\", \"root\": \"downstream\"}},"
    "{\"label\": 22, \"path\": {\"vrf\": \"red\", \"root\": \"upstream\"}}]}";

static struct rte_mempool *pool;
static struct scenario scenario;
static json_t *description;

static void
must(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "fuzz_stages: %s\n", what);
        abort();
    }
}

static void
end(void)
{
    scenario_destroy(&scenario);
    json_decref(description);
}

static void
begin(void)
{
    static char program[] = "fuzz_stages", no_huge[] = "--no-huge", memory[] = "-m",
                octets[] = "64", no_pci[] = "--no-pci", no_conf[] = "--no-shconf",
                quiet[] = "--log-level=*:error", no_telemetry[] = "--no-telemetry",
                va[] = "--iova-mode=va", cores[] = "-l", core[] = "0";
    char *arguments[] = { program, no_huge,      memory, octets, no_pci, no_conf,
                          quiet,   no_telemetry, va,     cores,  core,   NULL };
    const char *error;

    must(rte_eal_init((int)(sizeof(arguments) / sizeof(arguments[0])) - 1, arguments) >= 0,
         "DPDK does not start");
    pool = rte_pktmbuf_pool_create("fuzz", 255, 0, PACKET_PRIVATE_OCTETS, RTE_MBUF_DEFAULT_BUF_SIZE,
                                   SOCKET_ID_ANY);
    must(pool != NULL, "no pool");
    description = json_loads(world, 0, NULL);
    error = scenario_create(&scenario, description, pool);
    must(error == NULL, error);
    must(atexit(end) == 0, "no room for another function at exit");
}

static void
block_free(void *block, void *shared)
{
    free(block);
    free(shared);
}

/* A segment in a block of `headroom` + `length` octets, and not one more. */
static struct rte_mbuf *
segment_make(const uint8_t *data, uint16_t length, uint16_t headroom)
{
    struct rte_mbuf *segment = rte_pktmbuf_alloc(pool);
    struct rte_mbuf_ext_shared_info *shared = malloc(sizeof(*shared));
    uint8_t *block = malloc((size_t)headroom + length + (headroom + length == 0));

    must(segment != NULL && shared != NULL && block != NULL, "no memory");
    shared->free_cb = block_free;
    shared->fcb_opaque = shared;
    rte_mbuf_ext_refcnt_set(shared, 1);
    if (length > 0)
        memcpy(block + headroom, data, length);
    rte_pktmbuf_attach_extbuf(segment, block, 0, (uint16_t)(headroom + length), shared);
    segment->data_off = headroom;
    segment->data_len = length;
    segment->pkt_len = length;
    return segment;
}

static struct rte_mbuf *
packet_make(const uint8_t *data, size_t size, unsigned segments, size_t first, uint16_t headroom)
{
    struct rte_mbuf *packet =
        segment_make(data, (uint16_t)(segments == 1 || first > size ? size : first), headroom);
    size_t at = packet->data_len;

    for (unsigned left = segments - 1; left > 0; left--) {
        const size_t length = left == 1 ? size - at : (size - at) / left;

        must(rte_pktmbuf_chain(packet, segment_make(data + at, (uint16_t)length, 0)) == 0, "chain");
        at += length;
    }
    return packet;
}

static void
make_checksum_right(uint8_t *octets, size_t size)
{
    const size_t length = size == 0 ? 0 : (octets[0] & 15u) * 4;
    be16 checksum;

    if (length < IPV4_HEADER_MIN || length > size)
        return;
    memset(octets + offsetof(struct ipv4_header, checksum), 0, sizeof(checksum));
    checksum = checksum_ipv4(octets, length);
    memcpy(octets + offsetof(struct ipv4_header, checksum), &checksum, sizeof(checksum));
}

static void
make_checksums_right(uint8_t *octets, size_t size)
{
    struct frame_view frame;
    struct ip_view outer;
    struct tunnel_view tunnel;

    if (parse_frame(octets, size, &frame) != PARSE_OK)
        return;
    octets += frame.l3_offset;
    size -= frame.l3_offset;
    make_checksum_right(octets, size);
    if (parse_ip(octets, size, size, &outer) == PARSE_OK &&
        parse_tunnel(&outer, size, &tunnel) == PARSE_OK)
        make_checksum_right(octets + tunnel.inner_offset, size - tunnel.inner_offset);
}

/* Everything that was dropped, punted or sent so far, less what was made here. */
static uint64_t
accounted_for(void)
{
    uint64_t drops[DROP_REASONS], punts[PUNT_REASONS], total;
    struct balance_counters balance;

    counters_drops(scenario.counters, drops);
    counters_punts(scenario.counters, punts);
    counters_balance(scenario.counters, &balance);
    total = balance.consumed - balance.originated;
    for (unsigned i = 0; i < DROP_REASONS; i++)
        total += drops[i];
    for (unsigned i = 0; i < PUNT_REASONS; i++)
        total += punts[i];
    for (unsigned i = 0; i < scenario.port_names.n; i++) {
        struct port_counters sum;

        counters_port(scenario.counters, scenario.ports[i]->number, &sum);
        total += sum.tx.packets;
    }
    return total;
}

/* Takes a frame through the stages. */
static void
frame_forward(struct worker *worker, uint8_t control, uint8_t first, const uint8_t *octets,
              size_t length)
{
    uint8_t *frame = malloc(length + 1);
    struct rte_mbuf *packet;

    must(frame != NULL, "no memory");
    memcpy(frame, octets, length);
    if ((control & 16) != 0)
        make_checksums_right(frame, length);
    packet = packet_make(frame, length, 1 + (control >> 2) % SEGMENTS_MAX, first,
                         (control & 32) != 0 ? 0 : RTE_PKTMBUF_HEADROOM);
    free(frame);
    worker_forward(worker, scenario.ports[(control & 3) % scenario.port_names.n], &packet, 1);
}

/* Lets go of what was sent, punted, and waited for. */
static void
finish(struct worker *worker)
{
    struct rte_mbuf *punted;

    transmit_flush(worker);
    while (punt_ring_take(&scenario.rings->punt[0], &punted, 1) > 0)
        rte_pktmbuf_free(punted);
    worker->now += (REASSEMBLY_SECONDS + 1) * rte_get_tsc_hz(); /* meters are full again, too */
    reassembly_expire(worker);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 9000)
        return 0;
    if (pool == NULL)
        begin();

    struct worker *worker = fastpath_worker(scenario.fastpath, 0);
    const unsigned available = rte_mempool_avail_count(pool);
    const uint64_t before = accounted_for();
    unsigned frames = 0;

    while (size >= 2 && frames < FRAMES_MAX) {
        const uint8_t control = data[0], first = data[1];
        size_t length = size - 2;

        data += 2;
        if ((control & 64) != 0 && length >= 2) {
            length = RTE_MIN((size_t)(data[0] << 8 | data[1]), length - 2);
            data += 2;
            size -= 2;
        }
        frame_forward(worker, control, first, data, length);
        frames++;
        data += length;
        size -= 2 + length;
    }
    finish(worker);
    must(accounted_for() == before + frames, "a packet is not accounted for, or is twice");
    must(rte_mempool_avail_count(pool) == available, "a buffer is lost");
    return 0;
}
