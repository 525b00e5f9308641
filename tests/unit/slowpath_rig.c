/* SPDX-License-Identifier: BSD-3-Clause */

/* A slow path on a bench: see slowpath_rig.h. */

#include "slowpath_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_mbuf.h>

#include "lib/net/checksum.h"

#define POOL_PACKETS 4095

void
rig_start_eal(void)
{
    char *arguments[] = {
        (char[]){ "test" },        (char[]){ "--no-huge" },   (char[]){ "--no-pci" },
        (char[]){ "--no-shconf" }, (char[]){ "-m" },          (char[]){ "64" },
        (char[]){ "-l" },          (char[]){ "0" },           (char[]){ "--no-telemetry" },
        (char[]){ "--log-level" }, (char[]){ "lib.*:error" },
    };

    if (rte_eal_init(sizeof(arguments) / sizeof(arguments[0]), arguments) < 0)
        exit(1);
}

static void
add_port(struct rig *rig, uint16_t number, enum port_role role, const struct mac_addr *mac)
{
    struct port *port = calloc(1, sizeof(*port));

    assert_non_null(port);
    port->number = number;
    port->role = (uint8_t)role;
    port->mtu = 1500;
    port->n_queues = 1;
    port->mac = *mac;
    atomic_store(&rig->ports->ports[number], port);
}

struct vif
rig_vif(void)
{
    struct vif vif = {
        .port = RIG_ACCESS,
        .mtu = 1450,
        .up = true,
        .n_sources = 1,
        .mac = RIG_GUEST_MAC,
        .gateway_mac = MAC_VIRTUAL_ROUTER,
        .gateway_mac6 = MAC_VIRTUAL_ROUTER_V6,
        .sources = { { 0x0a00000b, UINT32_MAX } },
        .n_sources6 = 1,
        .sources6 = { { { 0x20, 0x01, 0x0d, 0xb8, [15] = 0x11 }, 128 } },
        .gateway = ip_addr_from_v4(0xa9fe0001),
        .gateway6 = rig_address("fe80::1"),
        .service = {
            .dhcp = true,
            .address = ip_addr_from_v4(0x0a00000b),
            .prefix_length = 32,
            .lease_seconds = 3600,
            .n_dns = 2,
            .dns = { ip_addr_from_v4(0x09090909), ip_addr_from_v4(0x01010101) },
            .n_addresses6 = 1,
            .addresses6 = { rig_address("2001:db8::11") },
        },
        .name = "vm1",
    };

    return vif;
}

void
rig_open_on(struct rig *rig, const struct underlay *underlay)
{
    const struct table_limits limits = {
        .vifs = 16,
        .vrfs = 16,
        .routes = 64,
        .fib_nodes = 64,
        .endpoints = 16,
        .ecmp_sets = 16,
        .neighbours = 256,
    };
    const struct counters_shape shape = { 2, limits.vifs, limits.vrfs, limits.endpoints, 16 };
    const struct vif vif = rig_vif();

    *rig = (struct rig){
        .underlay = *underlay,
        .now_ms = 1000000,
    };
    rig->tables = tables_create(&limits, 2, PORTS_MAX);
    rig->rings = rings_create(1, limits.vifs);
    rig->counters = counters_create(&shape);
    rig->ports = calloc(1, sizeof(*rig->ports));
    rig->pool = rte_pktmbuf_pool_create("rig", POOL_PACKETS, 0, PACKET_PRIVATE_OCTETS,
                                        RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
    assert_non_null(rig->tables);
    assert_non_null(rig->rings);
    assert_non_null(rig->counters);
    assert_non_null(rig->ports);
    assert_non_null(rig->pool);
    add_port(rig, RIG_ACCESS, PORT_ACCESS, &(struct mac_addr){ { 0x02, 0, 0, 0, 0, 0xcc } });
    add_port(rig, RIG_UNDERLAY, PORT_UNDERLAY, &RIG_UNDERLAY_MAC);
    assert_int_equal(vrf_add(&rig->tables->vrfs, 0xa9fe0001, &rig->vrf), 0);
    assert_int_equal(vif_add(&rig->tables->vifs, &vif, &rig->vif), 0);
    rig->available = rte_mempool_avail_count(rig->pool);

    const struct slowpath_config config = {
        .tables = rig->tables,
        .ports = rig->ports,
        .rings = rig->rings,
        .counters = rig->counters,
        .pool = rig->pool,
        .underlay = &rig->underlay,
    };
    rig->slowpath = slowpath_create(&config);
    assert_non_null(rig->slowpath);
    /* What it says about itself at its start is out of the way of the tests. */
    for (unsigned i = 0; i < 3; i++) {
        uint8_t frame[100];
        uint16_t port;

        rig_turn(rig);
        while (rig_take(rig, frame, sizeof(frame), &port) > 0)
            ;
        rig->now_ms += 2000;
    }
}

void
rig_open(struct rig *rig)
{
    const struct underlay underlay = { .v4 = rig_address("192.0.2.11"), .mtu = 1500 };

    rig_open_on(rig, &underlay);
}

void
rig_close(struct rig *rig)
{
    uint64_t drops[DROP_REASONS], all = 0;
    uint8_t octets[16384];
    uint16_t port;

    while (rig_take(rig, octets, sizeof(octets), &port) > 0)
        ;
    counters_drops(rig->counters, drops);
    for (unsigned i = 0; i < DROP_REASONS; i++)
        all += drops[i];
    for (unsigned i = 0; i < rig->tables->limits.neighbours; i++)
        all += atomic_load(&rig->tables->adjacencies.entries[i].held);
    assert_int_equal(rig->punted + rig_originated(rig), rig->sent + rig_consumed(rig) + all);

    slowpath_destroy(rig->slowpath);
    assert_int_equal(rte_mempool_avail_count(rig->pool), rig->available);
    free(rig->ports->ports[RIG_ACCESS]);
    free(rig->ports->ports[RIG_UNDERLAY]);
    free(rig->ports);
    rings_destroy(rig->rings);
    counters_destroy(rig->counters);
    tables_destroy(rig->tables);
    rte_mempool_free(rig->pool);
}

void
rig_replace_vif(struct rig *rig, const struct vif *vif)
{
    vif_remove(&rig->tables->vifs, rig->vif);
    assert_int_equal(vif_add(&rig->tables->vifs, vif, &rig->vif), 0);
}

static void
free_block(void *block, void *shared)
{
    free(block);
    free(shared);
}

/* A packet buffer around a block of exactly `length` octets. */
static struct rte_mbuf *
exact_packet(struct rig *rig, const uint8_t *octets, size_t length)
{
    struct rte_mbuf *packet = rte_pktmbuf_alloc(rig->pool);
    struct rte_mbuf_ext_shared_info *shared = malloc(sizeof(*shared));
    uint8_t *block = malloc(length);

    assert_non_null(packet);
    assert_non_null(shared);
    assert_non_null(block);
    memcpy(block, octets, length);
    shared->free_cb = free_block;
    shared->fcb_opaque = shared;
    rte_mbuf_ext_refcnt_set(shared, 1);
    rte_pktmbuf_attach_extbuf(packet, block, 0, (uint16_t)length, shared);
    packet->data_off = 0;
    packet->data_len = (uint16_t)length;
    packet->pkt_len = (uint32_t)length;
    return packet;
}

struct rte_mbuf *
rig_packet(struct rig *rig, const uint8_t *octets, size_t length, size_t segment)
{
    struct rte_mbuf *head = NULL;

    if (segment == 0)
        segment = length;
    do {
        const size_t part = length < segment ? length : segment;
        struct rte_mbuf *packet = exact_packet(rig, octets, part);
        if (head == NULL)
            head = packet;
        else
            assert_int_equal(rte_pktmbuf_chain(head, packet), 0);
        octets += part;
        length -= part;
    } while (length > 0);
    return head;
}

void
rig_punt_packet(struct rig *rig, struct rte_mbuf *packet, const struct packet_note *note)
{
    *packet_note(packet) = *note;
    assert_int_equal(punt_ring_put(&rig->rings->punt[0], packet), 0);
    rig->punted++;
}

void
rig_punt(struct rig *rig, enum punt_reason reason, const uint8_t *octets, size_t length)
{
    const bool underlay =
        reason == PUNT_UNDERLAY_ARP || reason == PUNT_UNDERLAY_ND || reason == PUNT_UNDERLAY_LOCAL;
    const struct packet_note note = {
        .reason = (uint8_t)reason,
        .port = underlay ? RIG_UNDERLAY : RIG_ACCESS,
        .vif = underlay ? VIF_NONE : rig->vif,
        .l3_offset = length > 13 && octets[12] == 0x81 ? 18 : 14,
        .mtu = 1400,
    };

    rig_punt_packet(rig, rig_packet(rig, octets, length, 0), &note);
}

unsigned
rig_turn(struct rig *rig)
{
    return slowpath_poll_once(rig->slowpath, rig->now_ms);
}

size_t
rig_take(struct rig *rig, uint8_t *octets, size_t size, uint16_t *port)
{
    void *taken;

    if (rte_ring_dequeue(rig->rings->inject[0], &taken) != 0)
        return 0;
    struct rte_mbuf *packet = taken;
    const uint32_t length = rte_pktmbuf_pkt_len(packet);
    assert_true(length <= size);
    const uint8_t *read = rte_pktmbuf_read(packet, 0, length, octets);
    assert_non_null(read);
    if (read != octets)
        memcpy(octets, read, length);
    rig->note = *packet_note(packet);
    *port = rig->note.port;
    rte_pktmbuf_free(packet);
    rig->sent++;
    return length;
}

uint64_t
rig_drops(struct rig *rig, enum drop_reason reason)
{
    uint64_t drops[DROP_REASONS];

    counters_drops(rig->counters, drops);
    return drops[reason];
}

uint64_t
rig_consumed(struct rig *rig)
{
    struct balance_counters counters;

    counters_balance(rig->counters, &counters);
    return counters.consumed;
}

uint64_t
rig_originated(struct rig *rig)
{
    struct balance_counters counters;

    counters_balance(rig->counters, &counters);
    return counters.originated;
}

static size_t
write_link(uint8_t *frame, const struct mac_addr *destination, const struct mac_addr *source,
           uint16_t vlan, uint16_t type)
{
    const be16 tag[2] = { htobe16(ETHERTYPE_VLAN), htobe16(vlan) }, type_field = htobe16(type);
    size_t length = 12;

    memcpy(frame, destination, 6);
    memcpy(frame + 6, source, 6);
    if (vlan != 0) {
        memcpy(frame + length, tag, sizeof(tag));
        length += sizeof(tag);
    }
    memcpy(frame + length, &type_field, sizeof(type_field));
    return length + sizeof(type_field);
}

size_t
rig_arp(uint8_t *frame, const struct mac_addr *destination, const struct mac_addr *source,
        uint16_t vlan, uint16_t operation, const struct mac_addr *sender_mac, uint32_t sender,
        uint32_t target)
{
    const struct arp_header arp = {
        .hardware_type = htobe16(1),
        .protocol_type = htobe16(ETHERTYPE_IPV4),
        .hardware_length = 6,
        .protocol_length = 4,
        .operation = htobe16(operation),
        .sender_mac = *sender_mac,
        .sender_address = htobe32(sender),
        .target_address = htobe32(target),
    };
    const size_t length = write_link(frame, destination, source, vlan, ETHERTYPE_ARP);

    memcpy(frame + length, &arp, sizeof(arp));
    return length + sizeof(arp);
}

size_t
rig_ipv4(uint8_t *frame, const struct mac_addr *destination, const struct mac_addr *source,
         uint16_t vlan, uint32_t from, uint32_t to, uint8_t protocol, uint16_t fragment,
         const void *payload, size_t length)
{
    struct ipv4_header ip = {
        .version_ihl = 0x45,
        .total_length = htobe16((uint16_t)(sizeof(ip) + length)),
        .identification = htobe16(77),
        .fragment = htobe16(fragment),
        .ttl = 64,
        .protocol = protocol,
        .source = htobe32(from),
        .destination = htobe32(to),
    };
    const size_t at = write_link(frame, destination, source, vlan, ETHERTYPE_IPV4);

    ip.checksum = checksum_ipv4(&ip, sizeof(ip));
    memcpy(frame + at, &ip, sizeof(ip));
    memcpy(frame + at + sizeof(ip), payload, length);
    return at + sizeof(ip) + length;
}

struct ip_addr
rig_address(const char *text)
{
    struct ip_addr address = { 0 };

    assert_int_equal(ip_addr_parse(text, &address), 0);
    return address;
}

size_t
rig_ipv6(uint8_t *frame, const struct mac_addr *destination, const struct mac_addr *source,
         uint16_t vlan, const struct ip_addr *from, const struct ip_addr *to, uint8_t next,
         uint8_t hop_limit, const void *payload, size_t length)
{
    struct ipv6_header ip = {
        .version_class_flow = htobe32(6u << 28),
        .payload_length = htobe16((uint16_t)length),
        .next_header = next,
        .hop_limit = hop_limit,
    };
    const size_t at = write_link(frame, destination, source, vlan, ETHERTYPE_IPV6);

    memcpy(ip.source, from->octets, sizeof(ip.source));
    memcpy(ip.destination, to->octets, sizeof(ip.destination));
    memcpy(frame + at, &ip, sizeof(ip));
    memcpy(frame + at + sizeof(ip), payload, length);
    return at + sizeof(ip) + length;
}

size_t
rig_icmp6(uint8_t *frame, const struct mac_addr *destination, const struct mac_addr *source,
          uint16_t vlan, const struct ip_addr *from, const struct ip_addr *to, uint8_t hop_limit,
          uint8_t type, uint8_t code, const void *body, size_t length)
{
    uint8_t message[10000] = { type, code };
    struct ipv6_header ip;

    memcpy(message + 4, body, length);
    const size_t end = rig_ipv6(frame, destination, source, vlan, from, to, IP_PROTOCOL_ICMPV6,
                                hop_limit, message, 4 + length);
    uint8_t *at = frame + end - length - 4;
    memcpy(&ip, at - sizeof(ip), sizeof(ip));
    const be16 checksum = checksum_transport_v6(&ip, IP_PROTOCOL_ICMPV6, at, 4 + length);
    memcpy(at + 2, &checksum, sizeof(checksum));
    return end;
}

size_t
rig_icmp(uint8_t *message, uint8_t type, uint8_t code, const void *data, size_t length)
{
    struct icmp_header header = { .type = type, .code = code, .rest = htobe32(0x00010002) };

    memcpy(message, &header, sizeof(header));
    memcpy(message + sizeof(header), data, length);
    header.checksum = checksum_finish(checksum_add(0, message, sizeof(header) + length));
    memcpy(message, &header, sizeof(header));
    return sizeof(header) + length;
}

void
expect_silence(struct rig *rig)
{
    uint8_t frame[1500];
    uint16_t port;

    assert_int_equal(rig_take(rig, frame, sizeof(frame), &port), 0);
}

void
advance(struct rig *rig, uint64_t ms)
{
    rig->now_ms += ms;
    rig_turn(rig);
}
