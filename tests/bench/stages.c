/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The way into tunnels on one core, and from guest to guest: cycles a packet of its own, that is,
 * less what source and sink cost, beside a peer's (tests/bench/world.h). Small rows have 1024 flows
 * of one interface to 16 vRouters; those at scale 1000 interfaces, tags of one port, in a VRF each
 * with 100 routes (80 hosts in few /24s, 15 /24, 5 /16) to 10,000 vRouters with 100 labels each, in
 * random order. One JSON object a line; tests/bench/run shows them.
 */

#include <stdio.h>
#include <string.h>

#include "lib/net/encapsulation.h"
#include "tests/bench/world.h"

#define FLOWS        WORLD_HOSTS
#define FARS         16u
#define POOL_PACKETS 98303u

#define GUEST     0x0a00000bu /* 10.0.0.11 */
#define FIRST_FAR 0xc000020cu /* 192.0.2.12 */

#define MANY_VRFS      1000u
#define MANY_ROUTES    100u /* of each */
#define MANY_FARS      10000u
#define FIRST_MANY_FAR 0xac100000u /* 172.16.0.0 */
#define HOST_ROUTES    80u
#define SUBNET_ROUTES  15u

#define PORT_FABRIC 0
#define PORT_ONE    1
#define PORT_TWO    2
#define PORT_TAGS   3

static const char description[] =
    "{\"underlay_address6\": \"2001:db8:f::11\","
    " \"limits\": {\"vifs\": 1024, \"vrfs\": 1024, \"routes\": 200000, \"fib_nodes\": 400000,"
    " \"endpoints\": 16384},"
    " \"vrfs\": [\"red\"], \"ports\": ["
    "{\"name\": \"fabric\", \"role\": \"underlay\", \"mac\": \"02:00:00:00:00:fe\","
    " \"spec\": \"null:\"},"
    "{\"name\": \"p1\", \"role\": \"access\", \"spec\": \"null:\"},"
    "{\"name\": \"p2\", \"role\": \"access\", \"spec\": \"null:\"},"
    "{\"name\": \"p3\", \"role\": \"access\", \"spec\": \"null:\"}], \"vifs\": ["
    "{\"name\": \"vm1\", \"vrf\": \"red\", \"port\": \"p1\", \"mac\": \"02:00:00:00:00:01\","
    " \"sources\": [\"10.0.0.11/32\", \"2001:db8::11/128\"]},"
    "{\"name\": \"vm2\", \"vrf\": \"red\", \"port\": \"p2\", \"mac\": \"02:00:00:00:00:02\","
    " \"sources\": [\"10.0.0.12/32\"]}]}";

static struct world world;

/* The next of a row of numbers that look random, below a limit; the same in each run. */
static uint32_t
random_below(uint32_t limit)
{
    static uint32_t state = 1;

    state = state * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)state * limit >> 32);
}

/* An address of either family whose last octets are a number. */
static struct ip_addr
address_of(uint8_t family, uint32_t number)
{
    const struct ip_addr first = { IP_V6, { 0x20, 0x01, 0x0d, 0xb8, [7] = 1 } };
    struct ip_addr address = first;
    const be32 low = htobe32(number);

    if (family == IP_V4)
        return ip_addr_from_v4(number);
    memcpy(address.octets + 12, &low, sizeof(low));
    return address;
}

/* Endpoints behind one next hop. */
static void
endpoints_add(uint8_t family, uint32_t first, enum encapsulation encapsulation, unsigned n,
              uint32_t *endpoints)
{
    struct tables *tables = world.scenario.tables;
    const struct port *fabric = world.scenario.ports[PORT_FABRIC];
    const struct mac_addr mac = { { 2, 0, 0, 0, 1, 0x12 } };
    const struct ip_addr gateway = ip_addr_from_v4(FIRST_FAR);
    struct endpoint endpoint = { .port = fabric->number };

    must(adjacency_get(&tables->adjacencies, fabric->number, &gateway, &endpoint.adjacency) == 0,
         "no adjacency");
    atomic_store(&tables->adjacencies.entries[endpoint.adjacency].link, adjacency_link(&mac));
    for (unsigned i = 0; i < n; i++) {
        const struct ip_addr address = address_of(family, first + i);

        endpoint_header_build(&endpoint, &world.scenario.underlay, &fabric->mac, &address,
                              encapsulation);
        must(endpoint_add(&tables->endpoints, &endpoint, &endpoints[i]) == 0, "no endpoint");
    }
}

static void
route_set(uint32_t root, const struct ip_addr *address, uint8_t length, path_t path)
{
    const struct ip_prefix prefix = ip_prefix_of_network(address, length);

    must(fib_set(world.scenario.tables->fib, root, &prefix, path) == 0, "no route");
}

/* A route for each flow's destination, by turns to the endpoints of one encapsulation. */
static void
routes_to_fars(uint8_t inner_family, uint8_t outer_family, enum encapsulation encapsulation)
{
    uint32_t endpoints[FARS];

    endpoints_add(outer_family, FIRST_FAR, encapsulation, FARS, endpoints);
    for (uint32_t flow = 0; flow < FLOWS; flow++) {
        const struct ip_addr address = address_of(inner_family, WORLD_FIRST_HOST + flow);

        route_set(vrf_upstream_root(0), &address, ip_family_bits(inner_family),
                  path_make(PATH_TUNNEL, endpoints[flow % FARS], 100 + flow));
    }
}

static void
routes_to_vif(uint32_t vif)
{
    for (uint32_t flow = 0; flow < FLOWS; flow++) {
        const struct ip_addr address = address_of(IP_V4, WORLD_FIRST_HOST + flow);

        route_set(vrf_upstream_root(0), &address, 32, path_make(PATH_VIF, vif, 0));
    }
}

static uint16_t
guests_open(struct rte_mempool *pool)
{
    uint8_t frame[RIG_FRAME_OCTETS];

    rig_source_begin("guests");
    for (unsigned flow = 0; flow < FLOWS; flow++) {
        rig_guest_frame(frame, GUEST, WORLD_FIRST_HOST + flow, flow);
        rig_source_add(frame, sizeof(frame));
    }
    return rig_source_open(pool);
}

/* The same flows over IPv6. */
static uint16_t
guests6_open(struct rte_mempool *pool)
{
    struct {
        struct eth_header eth;
        struct ipv6_header ip;
        struct udp_header udp;
    } __attribute__((packed)) frame = {
        .eth = { MAC_VIRTUAL_ROUTER_V6, { { 2, 0, 0, 0, 0, 1 } }, htobe16(ETHERTYPE_IPV6) },
        .ip = { .version_class_flow = htobe32(6u << 28),
                .payload_length = htobe16(sizeof(struct udp_header)),
                .next_header = IP_PROTOCOL_UDP,
                .hop_limit = 64,
                .source = { 0x20, 0x01, 0x0d, 0xb8, [15] = 0x11 } },
    };

    rig_source_begin("guests6");
    for (unsigned flow = 0; flow < FLOWS; flow++) {
        const struct ip_addr to = address_of(IP_V6, WORLD_FIRST_HOST + flow);

        memcpy(frame.ip.destination, to.octets, sizeof(frame.ip.destination));
        frame.udp = (struct udp_header){ htobe16((uint16_t)(1024 + flow)), htobe16(5001),
                                         htobe16(sizeof(frame.udp)), 0 };
        rig_source_add((const uint8_t *)&frame, sizeof(frame));
    }
    return rig_source_open(pool);
}

/* Route `r` of each VRF at scale. @return its length. */
static uint8_t
many_route(unsigned r, struct ip_addr *network)
{
    if (r < HOST_ROUTES) {
        *network = ip_addr_from_v4(0x0a010000u + (r / 16) * 256 + r % 16 * 3);
        return 32;
    }
    if (r < HOST_ROUTES + SUBNET_ROUTES) {
        *network = ip_addr_from_v4(0x0a020000u + r * 256);
        return 24;
    }
    *network = ip_addr_from_v4(0x0a000000u + r * 65536);
    return 16;
}

static void
many_make(void)
{
    static uint32_t endpoints[MANY_FARS];
    struct tables *tables = world.scenario.tables;

    endpoints_add(IP_V4, FIRST_MANY_FAR, ENCAP_UDP, MANY_FARS, endpoints);
    for (unsigned i = 0; i < MANY_VRFS; i++) {
        uint32_t vrf, id;
        struct ip_addr network;

        must(vrf_add(&tables->vrfs, 0xa9fe0001, &vrf) == 0, "no VRF");
        const struct vif vif = {
            .vrf = vrf,
            .port = world.scenario.ports[PORT_TAGS]->number,
            .vlan = (uint16_t)(i + 1),
            .mtu = 1500,
            .up = true,
            .n_sources = 1,
            .sources = { { GUEST, UINT32_MAX } },
            .mac = { { 2, 0, 0, 0, 0, 1 } },
            .gateway_mac = MAC_VIRTUAL_ROUTER,
            .gateway_mac6 = MAC_VIRTUAL_ROUTER_V6,
        };
        must(vif_add(&tables->vifs, &vif, &id) == 0, "no interface");
        for (unsigned r = 0; r < MANY_ROUTES; r++) {
            const uint8_t length = many_route(r, &network);

            route_set(
                vrf_upstream_root(vrf), &network, length,
                path_make(PATH_TUNNEL, endpoints[random_below(MANY_FARS)], 16 + random_below(100)));
        }
    }
}

/* `n` packets, each from a random interface by a random route. */
static void
figure_many(struct rte_mempool *pool, const char *name, unsigned n)
{
    const unsigned link = 2 * sizeof(struct mac_addr);
    uint8_t frame[RIG_FRAME_OCTETS], tagged[RIG_FRAME_OCTETS + sizeof(struct vlan_header)];

    rig_source_begin(name);
    for (unsigned k = 0; k < n; k++) {
        const be16 tag[] = { htobe16(ETHERTYPE_VLAN),
                             htobe16((uint16_t)(1 + random_below(MANY_VRFS))) };
        struct ip_addr to;

        many_route(random_below(MANY_ROUTES), &to);
        rig_guest_frame(frame, GUEST, ip_addr_to_v4(&to), k % 60000);
        memcpy(tagged, frame, link);
        memcpy(tagged + link, tag, sizeof(tag));
        memcpy(tagged + link + sizeof(tag), frame + link, sizeof(frame) - link);
        rig_source_add(tagged, sizeof(tagged));
    }

    const uint16_t source = rig_source_open(pool);

    world_figure(&world, name, source, PORT_TAGS, PORT_FABRIC);
    rig_source_close(source);
}

int
main(int argc, char **argv)
{
    (void)argc;
    struct rte_mempool *pool = rig_begin(argv[0], POOL_PACKETS);

    world_begin(&world, description, pool);

    const uint16_t guests = guests_open(pool), guests6 = guests6_open(pool);

    routes_to_fars(IP_V4, IP_V4, ENCAP_UDP);
    world_figure(&world, "encap-udp-1024", guests, PORT_ONE, PORT_FABRIC);
    routes_to_fars(IP_V4, IP_V4, ENCAP_GRE);
    world_figure(&world, "encap-gre-1024", guests, PORT_ONE, PORT_FABRIC);
    routes_to_fars(IP_V4, IP_V4, ENCAP_VXLAN);
    world_figure(&world, "encap-vxlan-1024", guests, PORT_ONE, PORT_FABRIC);
    routes_to_fars(IP_V4, IP_V6, ENCAP_UDP);
    world_figure(&world, "encap-udp-1024-over-ipv6", guests, PORT_ONE, PORT_FABRIC);
    routes_to_fars(IP_V6, IP_V4, ENCAP_UDP);
    world_figure(&world, "encap-udp-1024-ipv6", guests6, PORT_ONE, PORT_FABRIC);
    routes_to_vif(world.scenario.vifs.entries[1].number);
    world_figure(&world, "vif-vif-1024", guests, PORT_ONE, PORT_TWO);
    rig_source_close(guests);
    rig_source_close(guests6);

    many_make();
    figure_many(pool, "encap-udp-1000x100-8k", 8192);
    figure_many(pool, "encap-udp-1000x100-64k", 65536);
    rig_end();
    return 0;
}
