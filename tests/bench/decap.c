/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The way out of tunnels on one core: cycles a packet of its own, that is, less what source and
 * sink cost, beside a peer's (tests/bench/world.h); with the check of outer sources, as the daemon
 * has it. Small rows have 1024 flows from one vRouter to one interface; those at scale 65,536
 * labels, or 1000 VRFs, with a packet each, from 10,000 vRouters to 4000 interfaces, tags of one
 * port, in random order. One JSON object a line; tests/bench/run shows them.
 */

#include <string.h>

#include "lib/net/checksum.h"
#include "lib/net/encapsulation.h"
#include "tests/bench/world.h"

#define FLOWS        1024u
#define POOL_PACKETS 98303u

#define OUR_ADDRESS 0xc000020bu /* 192.0.2.11 */
#define FAR_ADDRESS 0xc000020cu
#define GUEST       0x0a00000bu /* 10.0.0.11 */

#define LABEL_INTERFACE 16u
#define LABEL_VRF       20u

#define MANY             65536u
#define MANY_FARS        10000u
#define FIRST_FAR        0xac100000u /* 172.16.0.0 */
#define MANY_INTERFACES  4000u
#define MANY_VRFS        1000u
#define FIRST_LABEL      1000u
#define FIRST_VRF_LABEL  100000u
#define FIRST_MANY_GUEST 0x0a800000u /* 10.128.0.0 */

#define PORT_FABRIC 0
#define PORT_ONE    1
#define PORT_TAGS   2

static const char description[] =
    "{\"check_sources\": true, \"allowed_sources\": [\"192.0.2.12/32\"],"
    " \"limits\": {\"vifs\": 4096, \"vrfs\": 1024, \"routes\": 100000, \"fib_nodes\": 400000},"
    " \"vrfs\": [\"red\"], \"ports\": ["
    "{\"name\": \"fabric\", \"role\": \"underlay\", \"mac\": \"02:00:00:00:00:fe\","
    " \"spec\": \"null:\"},"
    "{\"name\": \"p1\", \"role\": \"access\", \"spec\": \"null:\"},"
    "{\"name\": \"p2\", \"role\": \"access\", \"spec\": \"null:\"}], \"vifs\": ["
    "{\"name\": \"vm1\", \"vrf\": \"red\", \"port\": \"p1\", \"mac\": \"02:00:00:00:00:01\","
    " \"sources\": [\"10.0.0.11/32\"]}]}";

/* The small rows. */
static const struct small {
    const char *name;
    enum encapsulation encapsulation;
    uint32_t label;
} small[] = {
    { "decap-vif-1024", ENCAP_UDP, LABEL_INTERFACE },
    { "decap-gre-1024", ENCAP_GRE, LABEL_INTERFACE },
    { "decap-vxlan-1024", ENCAP_VXLAN, LABEL_INTERFACE },
    { "decap-vrf-1024", ENCAP_UDP, LABEL_VRF },
};

#define MANY_VIF "decap-vif-64k"
#define MANY_VRF "decap-vrf-64k"

static struct world world;

/* What the far vRouter at `from` (IPv4, host order) sends of a guest's packet. */
static void
tunnel_add(enum encapsulation encapsulation, uint32_t from, uint32_t label, uint32_t destination,
           unsigned flow)
{
    const struct ip_addr us = ip_addr_from_v4(OUR_ADDRESS), far = ip_addr_from_v4(from);
    const size_t inner_length = RIG_FRAME_OCTETS - sizeof(struct eth_header);
    uint8_t inner[RIG_FRAME_OCTETS], octets[ENDPOINT_HEADER_MAX + RIG_FRAME_OCTETS];
    struct endpoint endpoint;

    endpoint_header_build(&endpoint, &(struct underlay){ .v4 = far, .mtu = 1500 },
                          &(struct mac_addr){ { 2, 0, 0, 0, 1, 0x12 } }, &us, encapsulation);
    rig_guest_frame(inner, WORLD_FIRST_HOST + flow % WORLD_HOSTS, destination, flow);

    const size_t length = endpoint.header_length + inner_length;
    const be32 entry =
        encapsulation == ENCAP_VXLAN ? htobe32(label << 8) : mpls_entry_make(label, 0, 63);
    struct ipv4_header *ip = (void *)(octets + sizeof(struct eth_header));
    struct udp_header *udp = (void *)(ip + 1);

    memcpy(octets, endpoint.header + sizeof(endpoint.header) - endpoint.header_length,
           endpoint.header_length);
    memcpy(octets, world.scenario.ports[PORT_FABRIC]->mac.octets, sizeof(struct mac_addr));
    if (encapsulation == ENCAP_VXLAN) {
        struct eth_header *eth = (void *)(octets + endpoint.header_length - sizeof(*eth));

        eth->type = htobe16(ETHERTYPE_IPV4);
        memcpy((uint8_t *)eth - sizeof(entry), &entry, sizeof(entry));
    } else {
        memcpy(octets + endpoint.header_length - sizeof(entry), &entry, sizeof(entry));
    }
    memcpy(octets + endpoint.header_length, inner + sizeof(struct eth_header), inner_length);
    ip->total_length = htobe16((uint16_t)(length - sizeof(struct eth_header)));
    ip->checksum = 0;
    ip->checksum = checksum_ipv4(ip, sizeof(*ip));
    if (encapsulation != ENCAP_GRE) {
        udp->source_port = htobe16((uint16_t)(49152 + flow % 16384));
        udp->length = htobe16((uint16_t)(length - sizeof(struct eth_header) - sizeof(*ip)));
    }
    rig_source_add(octets, length);
}

/* The small rows: all flows by one label or VNI. */
static uint16_t
source_of_label(struct rte_mempool *pool, const char *name, enum encapsulation encapsulation,
                uint32_t label)
{
    rig_source_begin(name);
    for (unsigned flow = 0; flow < FLOWS; flow++)
        tunnel_add(encapsulation, FAR_ADDRESS, label, GUEST, flow);
    return rig_source_open(pool);
}

static void
figure_small(struct rte_mempool *pool, const struct small *row)
{
    const uint16_t source = source_of_label(pool, row->name, row->encapsulation, row->label);

    world_figure(&world, row->name, source, PORT_FABRIC, PORT_ONE);
    rig_source_close(source);
}

/* 0 .. MANY - 1 in a random order, the same in each run. */
static const uint32_t *
shuffled(void)
{
    static uint32_t order[MANY];
    uint32_t random = 1;

    for (uint32_t i = 0; i < MANY; i++)
        order[i] = i;
    for (uint32_t i = MANY - 1; i > 0; i--) {
        random = random * 1664525u + 1013904223u;

        const uint32_t other = (uint32_t)((uint64_t)random * (i + 1) >> 32), kept = order[i];

        order[i] = order[other];
        order[other] = kept;
    }
    return order;
}

/* The source at scale: packet k by the label `first` + k % labels, to guest k of the VRFs. */
static uint16_t
source_of_many(struct rte_mempool *pool, const char *name, uint32_t first, uint32_t labels)
{
    const uint32_t *order = shuffled();

    rig_source_begin(name);
    for (unsigned i = 0; i < MANY; i++) {
        const uint32_t k = order[i];

        tunnel_add(ENCAP_UDP, FIRST_FAR + k * 7 % MANY_FARS, first + k % labels,
                   FIRST_MANY_GUEST + k, k);
    }
    return rig_source_open(pool);
}

static void
figure_many(struct rte_mempool *pool, const char *name, uint32_t first, uint32_t labels)
{
    const uint16_t source = source_of_many(pool, name, first, labels);

    world_figure(&world, name, source, PORT_FABRIC, PORT_TAGS);
    rig_source_close(source);
}

static void
route_set(uint32_t root, uint32_t address, path_t path)
{
    const struct ip_addr host = ip_addr_from_v4(address);
    const struct ip_prefix prefix = ip_prefix_of_host(&host);

    must(fib_set(world.scenario.tables->fib, root, &prefix, path) == 0, "no route");
}

static void
many_make(void)
{
    struct tables *tables = world.scenario.tables;
    static uint32_t vifs[MANY_INTERFACES], vrfs[MANY_VRFS];

    for (uint32_t i = 0; i < MANY_VRFS; i++) {
        must(vrf_add(&tables->vrfs, 0xa9fe0001, &vrfs[i]) == 0, "no VRF");
        label_set(&tables->labels, FIRST_VRF_LABEL + i,
                  path_make(PATH_VRF, vrf_downstream_root(vrfs[i]), 0));
    }
    for (uint32_t i = 0; i < MANY_INTERFACES; i++) {
        const struct vif vif = {
            .vrf = vrfs[i % MANY_VRFS],
            .port = world.scenario.ports[PORT_TAGS]->number,
            .vlan = (uint16_t)(i + 1),
            .mtu = 1500,
            .up = true,
            .mac = { { 2, 0, 0, 1, (uint8_t)(i >> 8), (uint8_t)i } },
            .gateway_mac = MAC_VIRTUAL_ROUTER,
            .gateway_mac6 = MAC_VIRTUAL_ROUTER_V6,
        };

        must(vif_add(&tables->vifs, &vif, &vifs[i]) == 0, "no interface");
    }
    for (uint32_t i = 0; i < MANY_FARS; i++)
        route_set(tables_sources_root(&tables->limits), FIRST_FAR + i,
                  path_make(PATH_GATEWAY, 0, 0));
    for (uint32_t k = 0; k < MANY; k++) {
        const path_t path = path_make(PATH_VIF, vifs[k % MANY_INTERFACES], 0);

        label_set(&tables->labels, FIRST_LABEL + k, path);
        route_set(vrf_downstream_root(vrfs[k % MANY_VRFS]), FIRST_MANY_GUEST + k, path);
    }
}

/* Whether a row is asked for: by name, or all of them. */
static bool
wanted(const char *name, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(name, argv[i]) == 0)
            return true;
    }
    return argc == 1;
}

int
main(int argc, char **argv)
{
    struct rte_mempool *pool = rig_begin(argv[0], POOL_PACKETS);

    world_begin(&world, description, pool);

    struct tables *tables = world.scenario.tables;
    const path_t path = path_make(PATH_VIF, world.scenario.vifs.entries[0].number, 0);

    route_set(vrf_downstream_root(0), GUEST, path);
    label_set(&tables->labels, LABEL_INTERFACE, path);
    label_set(&tables->labels, LABEL_VRF, path_make(PATH_VRF, vrf_downstream_root(0), 0));

    for (unsigned i = 0; i < sizeof(small) / sizeof(small[0]); i++) {
        if (wanted(small[i].name, argc, argv))
            figure_small(pool, &small[i]);
    }
    many_make();
    if (wanted(MANY_VIF, argc, argv))
        figure_many(pool, MANY_VIF, FIRST_LABEL, MANY);
    if (wanted(MANY_VRF, argc, argv))
        figure_many(pool, MANY_VRF, FIRST_VRF_LABEL, MANY_VRFS);
    rig_end();
    return 0;
}
