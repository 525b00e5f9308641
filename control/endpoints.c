/* SPDX-License-Identifier: BSD-3-Clause */

/* Endpoints, found by address and encapsulation, counted by their paths: see endpoints.h. */

#include "control/endpoints.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "lib/base/hmap.h"
#include "lib/net/encapsulation.h"
#include "lib/stats/counters.h"

#define ALLOWED path_make(PATH_GATEWAY, 0, 0) /* any path allows a source */

struct known_endpoint {
    struct hmap_node node; /* by address and encapsulation */
    struct ip_addr address;
    uint8_t encapsulation;
    uint32_t index;
    uint32_t paths; /* how many paths lead here */
    TAILQ_ENTRY(known_endpoint) lowered;
    uint64_t lowered_until_ms; /* 0: it has the underlay's MTU, and is not in `lowered` */
};

TAILQ_HEAD(lowered_endpoints, known_endpoint);

struct endpoints {
    struct tables *tables;
    struct counters *counters;
    struct endpoints_underlay underlay;
    struct hmap known;                /* struct known_endpoint */
    struct known_endpoint **by_index; /* the same, by index of the endpoint table */
    struct lowered_endpoints lowered; /* with a smaller MTU for a while: first who has it first */
    struct endpoints_refusals refusals;
};

static uint32_t
key_hash(const struct ip_addr *address, uint8_t encapsulation)
{
    return hmap_hash(address, sizeof(*address)) + encapsulation;
}

static struct known_endpoint *
endpoint_find(const struct endpoints *endpoints, const struct ip_addr *address,
              uint8_t encapsulation)
{
    struct hmap_node *node = hmap_first_same(&endpoints->known, key_hash(address, encapsulation));

    for (; node != NULL; node = hmap_next_same(node)) {
        struct known_endpoint *known = hmap_entry(node, struct known_endpoint, node);
        if (known->encapsulation == encapsulation && ip_addr_equal(&known->address, address))
            return known;
    }
    return NULL;
}

/* ---- Whose tunnels are accepted ---- */

static bool
source_is_configured(const struct endpoints *endpoints, const struct ip_prefix *prefix)
{
    for (unsigned i = 0; i < endpoints->underlay.n_allowed; i++) {
        if (ip_prefix_equal(&endpoints->underlay.allowed[i], prefix))
            return true;
    }
    return false;
}

static int
source_allow(struct endpoints *endpoints, const struct ip_prefix *prefix)
{
    struct tables *tables = endpoints->tables;

    return fib_set(tables->fib, tables_sources_root(&tables->limits), prefix, ALLOWED);
}

/* An endpoint has gone: its address is allowed as long as there is another one at it. */
static void
source_forget(struct endpoints *endpoints, const struct ip_addr *address)
{
    struct tables *tables = endpoints->tables;
    const struct ip_prefix host = ip_prefix_of_host(address);

    for (uint8_t bit = ENCAP_GRE; bit <= ENCAP_VXLAN; bit = (uint8_t)(bit << 1)) {
        if (endpoint_find(endpoints, address, bit) != NULL)
            return;
    }
    if (!source_is_configured(endpoints, &host))
        fib_unset(tables->fib, tables_sources_root(&tables->limits), &host);
}

/* ---- Life ---- */

struct endpoints *
endpoints_create(struct tables *tables, struct counters *counters,
                 const struct endpoints_underlay *underlay)
{
    struct endpoints *endpoints = calloc(1, sizeof(*endpoints));

    if (endpoints == NULL)
        return NULL;
    endpoints->by_index = calloc(tables->limits.endpoints, sizeof(struct known_endpoint *));
    if (endpoints->by_index == NULL) {
        free(endpoints);
        return NULL;
    }
    endpoints->tables = tables;
    endpoints->counters = counters;
    endpoints->underlay = *underlay;
    TAILQ_INIT(&endpoints->lowered);
    for (unsigned i = 0; i < underlay->n_allowed; i++) {
        if (source_allow(endpoints, &underlay->allowed[i]) != 0) {
            endpoints_destroy(endpoints);
            return NULL;
        }
    }
    return endpoints;
}

void
endpoints_destroy(struct endpoints *endpoints)
{
    struct hmap_node *node;

    if (endpoints == NULL)
        return;
    while ((node = hmap_first(&endpoints->known)) != NULL) {
        hmap_remove(&endpoints->known, node);
        free(hmap_entry(node, struct known_endpoint, node));
    }
    hmap_clear(&endpoints->known);
    free(endpoints->by_index);
    free(endpoints);
}

/* ---- One endpoint ---- */

/* The neighbour through which an address is reached: itself on the link, else the gateway. */
static bool
neighbour_towards(const struct endpoints *endpoints, const struct ip_addr *address,
                  struct ip_addr *neighbour)
{
    const struct endpoints_underlay *underlay = &endpoints->underlay;
    const struct ip_addr *own = underlay_address(underlay->underlay, address->family);
    const struct underlay_link *link = address->family == IP_V6 ? &underlay->v6 : &underlay->v4;

    if (own == NULL || !ip_addr_is_unicast(address))
        return false;
    const struct ip_prefix subnet = ip_prefix_of_network(own, link->prefix_length);
    *neighbour = ip_prefix_contains(&subnet, address) ? *address : link->gateway;
    return neighbour->family != IP_NONE;
}

bool
endpoints_reach(const struct endpoints *endpoints, const struct ip_addr *address)
{
    struct ip_addr neighbour;

    return neighbour_towards(endpoints, address, &neighbour);
}

/* Publishes a new endpoint and asks for its neighbour. */
static int
endpoint_make(struct endpoints *endpoints, const struct ip_addr *address, uint8_t encapsulation,
              struct known_endpoint **made)
{
    const struct endpoints_underlay *underlay = &endpoints->underlay;
    struct endpoint record = {
        .port = underlay->port,
    };
    const struct ip_prefix host = ip_prefix_of_host(address);
    struct ip_addr neighbour;
    struct known_endpoint *known;
    int error;

    if (!neighbour_towards(endpoints, address, &neighbour))
        return -ENETUNREACH;
    known = calloc(1, sizeof(*known));
    if (known == NULL)
        return -ENOMEM;
    known->address = *address;
    known->encapsulation = encapsulation;
    error = adjacency_get(&endpoints->tables->adjacencies, underlay->port, &neighbour,
                          &record.adjacency);
    if (error != 0) {
        endpoints->refusals.neighbours++;
        goto free_known;
    }
    error = source_allow(endpoints, &host);
    if (error != 0) {
        endpoints->refusals.endpoints++;
        goto put_adjacency;
    }
    endpoint_header_build(&record, underlay->underlay, &underlay->mac, address, encapsulation);
    error = endpoint_add(&endpoints->tables->endpoints, &record, &known->index);
    if (error != 0) {
        endpoints->refusals.endpoints++;
        goto forget_source;
    }
    error = hmap_add(&endpoints->known, &known->node, key_hash(address, encapsulation));
    if (error != 0)
        goto remove_endpoint;
    counters_endpoint_baseline(endpoints->counters, known->index);
    endpoints->by_index[known->index] = known;
    *made = known;
    return 0;

remove_endpoint:
    endpoint_remove(&endpoints->tables->endpoints, known->index);
forget_source:
    source_forget(endpoints, address);
put_adjacency:
    adjacency_put(&endpoints->tables->adjacencies, record.adjacency);
free_known:
    free(known);
    return error;
}

int
endpoints_get(struct endpoints *endpoints, const struct ip_addr *address, uint8_t encapsulation,
              uint32_t *index)
{
    struct known_endpoint *known = endpoint_find(endpoints, address, encapsulation);

    if (known == NULL) {
        int error = endpoint_make(endpoints, address, encapsulation, &known);
        if (error != 0)
            return error;
    }
    known->paths++;
    *index = known->index;
    return 0;
}

void
endpoints_put(struct endpoints *endpoints, uint32_t index)
{
    struct known_endpoint *known = endpoints->by_index[index];

    if (--known->paths > 0)
        return;
    uint32_t adjacency = endpoint_at(&endpoints->tables->endpoints, index)->adjacency;
    endpoint_remove(&endpoints->tables->endpoints, index);
    adjacency_put(&endpoints->tables->adjacencies, adjacency);
    hmap_remove(&endpoints->known, &known->node);
    if (known->lowered_until_ms != 0)
        TAILQ_REMOVE(&endpoints->lowered, known, lowered);
    endpoints->by_index[index] = NULL;
    source_forget(endpoints, &known->address);
    free(known);
}

/* ---- Path MTUs ---- */

/* Publishes the endpoint with another outer MTU. */
static int
set_mtu(struct endpoints *endpoints, const struct known_endpoint *known, uint16_t mtu)
{
    struct endpoint record = *endpoint_at(&endpoints->tables->endpoints, known->index);

    record.mtu = (uint16_t)(mtu - endpoint_overhead(known->address.family, known->encapsulation));
    return endpoint_replace(&endpoints->tables->endpoints, known->index, &record);
}

static bool
lower_mtu(struct endpoints *endpoints, struct known_endpoint *known, uint16_t mtu,
          uint64_t until_ms)
{
    const struct endpoint *record = endpoint_at(&endpoints->tables->endpoints, known->index);

    if (record->mtu + endpoint_overhead(known->address.family, known->encapsulation) <= mtu ||
        set_mtu(endpoints, known, mtu) != 0)
        return false;
    if (known->lowered_until_ms != 0)
        TAILQ_REMOVE(&endpoints->lowered, known, lowered);
    TAILQ_INSERT_TAIL(&endpoints->lowered, known, lowered);
    known->lowered_until_ms = until_ms;
    return true;
}

bool
endpoints_lower_mtu(struct endpoints *endpoints, const struct ip_addr *address, uint16_t mtu,
                    uint64_t until_ms)
{
    bool news = false;

    for (uint8_t bit = ENCAP_GRE; bit <= ENCAP_VXLAN; bit = (uint8_t)(bit << 1)) {
        struct known_endpoint *known = endpoint_find(endpoints, address, bit);
        if (known != NULL && lower_mtu(endpoints, known, mtu, until_ms))
            news = true;
    }
    return news;
}

void
endpoints_restore_mtus(struct endpoints *endpoints, uint64_t now_ms)
{
    struct known_endpoint *known;

    while ((known = TAILQ_FIRST(&endpoints->lowered)) != NULL &&
           known->lowered_until_ms <= now_ms) {
        if (set_mtu(endpoints, known, endpoints->underlay.underlay->mtu) != 0)
            return; /* without memory: next time */
        TAILQ_REMOVE(&endpoints->lowered, known, lowered);
        known->lowered_until_ms = 0;
    }
}

uint32_t
endpoints_paths(const struct endpoints *endpoints, uint32_t index)
{
    const struct known_endpoint *known = endpoints->by_index[index];

    return known == NULL ? 0 : known->paths;
}

const struct endpoints_refusals *
endpoints_refusals(const struct endpoints *endpoints)
{
    return &endpoints->refusals;
}
