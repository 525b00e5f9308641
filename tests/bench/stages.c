/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The way into tunnels on one core: cycles a packet of its own, that is, less what source and sink
 * cost, beside a peer's (tests/bench/world.h). One JSON object a line; tests/bench/run shows them.
 */

#include "lib/net/encapsulation.h"
#include "tests/bench/world.h"

#define FLOWS        WORLD_HOSTS
#define ENDPOINTS    16u
#define POOL_PACKETS 16383u

static const char description[] =
    "{\"vrfs\": [\"red\"], \"ports\": ["
    "{\"name\": \"fabric\", \"role\": \"underlay\", \"mac\": \"02:00:00:00:00:fe\","
    " \"spec\": \"null:\"},"
    "{\"name\": \"p1\", \"role\": \"access\", \"spec\": \"null:\"}], \"vifs\": ["
    "{\"name\": \"vm1\", \"vrf\": \"red\", \"port\": \"p1\", \"mac\": \"02:00:00:00:00:01\","
    " \"sources\": [\"10.0.0.11/32\"]}]}";

static struct world world;

/* A route for each destination, by turns to the endpoints of one encapsulation. */
static void
routes_set(uint8_t encapsulation)
{
    static uint32_t endpoints[ENDPOINTS];
    static bool made;
    struct tables *tables = world.scenario.tables;
    const struct mac_addr mac = { { 2, 0, 0, 0, 1, 0x12 } };

    for (uint32_t i = 0; i < ENDPOINTS; i++) {
        const struct ip_addr address = ip_addr_from_v4(0xc000020c + i);
        struct endpoint endpoint = { .port = world.scenario.ports[0]->number };

        must(adjacency_get(&tables->adjacencies, endpoint.port, &address, &endpoint.adjacency) == 0,
             "no adjacency");
        atomic_store(&tables->adjacencies.entries[endpoint.adjacency].link, adjacency_link(&mac));
        endpoint_header_build(&endpoint, &world.scenario.underlay, &world.scenario.ports[0]->mac,
                              &address, encapsulation);
        must((made ? endpoint_replace(&tables->endpoints, endpoints[i], &endpoint)
                   : endpoint_add(&tables->endpoints, &endpoint, &endpoints[i])) == 0,
             "no endpoint");
    }
    made = true;
    for (uint32_t flow = 0; flow < FLOWS; flow++) {
        const struct ip_addr address = ip_addr_from_v4(WORLD_FIRST_HOST + flow);
        const struct ip_prefix prefix = ip_prefix_of_host(&address);

        must(fib_set(tables->fib, vrf_upstream_root(0), &prefix,
                     path_make(PATH_TUNNEL, endpoints[flow % ENDPOINTS], 100 + flow)) == 0,
             "no route");
    }
}

static uint16_t
guests_open(struct rte_mempool *pool)
{
    uint8_t frame[RIG_FRAME_OCTETS];

    rig_source_begin("guests");
    for (unsigned flow = 0; flow < FLOWS; flow++) {
        rig_guest_frame(frame, 0x0a00000b, WORLD_FIRST_HOST + flow, flow);
        rig_source_add(frame, sizeof(frame));
    }
    return rig_source_open(pool);
}

int
main(int argc, char **argv)
{
    (void)argc;
    struct rte_mempool *pool = rig_begin(argv[0], POOL_PACKETS);

    world_begin(&world, description, pool);

    const uint16_t guests = guests_open(pool);

    routes_set(ENCAP_UDP);
    world_figure(&world, "encap-udp-1024", guests, 1, 0);
    routes_set(ENCAP_GRE);
    world_figure(&world, "encap-gre-1024", guests, 1, 0);
    rig_end();
    return 0;
}
