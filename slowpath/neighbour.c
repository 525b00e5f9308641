/* SPDX-License-Identifier: BSD-3-Clause */

/* The state machine of the underlay's neighbours, and the packets that wait for them: see
 * neighbour.h. */

#include "slowpath/neighbour.h"

#include <stdlib.h>
#include <string.h>

#include <rte_mbuf.h>

#include "lib/base/hmap.h"
#include "slowpath/held.h"
#include "slowpath/neighbour_ask.h"
#include "slowpath/send.h"

#define ASK_INTERVAL_MS      1000
#define ASK_TRIES            3
#define FAILED_INTERVAL_MS   5000
#define REACHABLE_DEFAULT_MS 30000
#define REQUESTS_PER_TURN    64 /* so that many neighbours do not flood the ring at once */

struct neighbour {
    struct hmap_node node; /* by port and address, while `known` */
    bool known;
    bool fixed;    /* its MAC address comes from the configuration: nobody is asked or believed */
    uint16_t port; /* as it was when it became known: an index may get another meaning */
    struct ip_addr address;
    uint8_t tries;     /* requests since the last answer */
    uint64_t asked_ms; /* when the last of them went out */
    uint64_t due_ms;   /* when something is to be done next */
    struct held_queue held;
};

struct neighbours {
    struct neighbour *entries; /* by adjacency index */
    uint32_t limit;
    struct hmap by_address;
    struct held_totals held;
};

struct neighbours *
neighbours_create(uint32_t limit, uint32_t vifs)
{
    struct neighbours *neighbours = calloc(1, sizeof(*neighbours));

    if (neighbours == NULL)
        return NULL;
    neighbours->limit = limit;
    neighbours->entries = calloc(limit, sizeof(neighbours->entries[0]));
    if (!held_totals_init(&neighbours->held, vifs) || neighbours->entries == NULL) {
        neighbours_destroy(neighbours);
        return NULL;
    }
    return neighbours;
}

void
neighbours_destroy(struct neighbours *neighbours)
{
    if (neighbours == NULL)
        return;
    for (uint32_t i = 0; neighbours->entries != NULL && i < neighbours->limit; i++)
        rte_pktmbuf_free_bulk(neighbours->entries[i].held.packets, neighbours->entries[i].held.n);
    hmap_clear(&neighbours->by_address);
    held_totals_free(&neighbours->held);
    free(neighbours->entries);
    free(neighbours);
}

static struct adjacency *
adjacency_of(struct slowpath *slowpath, const struct neighbour *neighbour)
{
    return &slowpath->config.tables->adjacencies.entries[neighbour - slowpath->neighbours->entries];
}

static uint8_t
state_of(const struct adjacency *adjacency)
{
    return atomic_load_explicit(&adjacency->state, memory_order_relaxed);
}

static void
enter(struct adjacency *adjacency, enum neighbour_state state)
{
    atomic_store_explicit(&adjacency->state, (uint8_t)state, memory_order_relaxed);
}

static uint32_t
key_hash(uint16_t port, const struct ip_addr *address)
{
    return hmap_hash(address->octets, sizeof(address->octets)) ^ port;
}

static struct neighbour *
find(struct neighbours *neighbours, uint16_t port, const struct ip_addr *address)
{
    struct hmap_node *node = hmap_first_same(&neighbours->by_address, key_hash(port, address));

    for (; node != NULL; node = hmap_next_same(node)) {
        struct neighbour *neighbour = hmap_entry(node, struct neighbour, node);
        if (neighbour->port == port && ip_addr_equal(&neighbour->address, address))
            return neighbour;
    }
    return NULL;
}

static void
show_held(struct adjacency *adjacency, const struct neighbour *neighbour)
{
    atomic_store_explicit(&adjacency->held, neighbour->held.n, memory_order_relaxed);
}

/* Forgets what waits; the packets are the caller's. @return their number. */
static unsigned
release_held(struct slowpath *slowpath, struct neighbour *neighbour)
{
    const unsigned n = held_release(&slowpath->neighbours->held, &neighbour->held);

    show_held(adjacency_of(slowpath, neighbour), neighbour);
    return n;
}

static void
drop_held(struct slowpath *slowpath, struct neighbour *neighbour, enum drop_reason reason)
{
    const unsigned n = release_held(slowpath, neighbour);

    for (unsigned i = 0; i < n; i++)
        drop_packet(slowpath, VIF_NONE, neighbour->held.packets[i], reason);
}

/* Completes a frame and sends it. */
static void
send_to(struct slowpath *slowpath, const struct neighbour *neighbour, const struct mac_addr *mac,
        struct rte_mbuf *packet)
{
    memcpy(rte_pktmbuf_mtod(packet, void *), mac, sizeof(*mac));
    send_packet(slowpath, neighbour->port, VIF_NONE, packet);
}

/* Sends a request. What cannot be sent counts as a try: the port may be gone. */
static void
ask(struct slowpath *slowpath, struct neighbour *neighbour, const struct mac_addr *known_mac)
{
    neighbour->tries++;
    neighbour->asked_ms = slowpath->now_ms;
    neighbour->due_ms = slowpath->now_ms + ASK_INTERVAL_MS;
    neighbour_ask(slowpath, neighbour->port, &neighbour->address, known_mac);
}

static void
enter_incomplete(struct slowpath *slowpath, struct neighbour *neighbour)
{
    struct adjacency *adjacency = adjacency_of(slowpath, neighbour);

    atomic_store_explicit(&adjacency->link, 0, memory_order_release);
    enter(adjacency, NEIGHBOUR_INCOMPLETE);
    neighbour->tries = 0;
    ask(slowpath, neighbour, NULL);
}

static void
enter_failed(struct slowpath *slowpath, struct neighbour *neighbour)
{
    enter(adjacency_of(slowpath, neighbour), NEIGHBOUR_FAILED);
    drop_held(slowpath, neighbour, DROP_ADJACENCY_FAILED);
    neighbour->due_ms = slowpath->now_ms + FAILED_INTERVAL_MS;
}

/* What waited goes first, so that packets sent by a worker from now on do not overtake it. */
static void
bring_up(struct slowpath *slowpath, struct neighbour *neighbour, const struct mac_addr *mac)
{
    struct adjacency *adjacency = adjacency_of(slowpath, neighbour);
    const unsigned n = release_held(slowpath, neighbour);

    for (unsigned i = 0; i < n; i++)
        send_to(slowpath, neighbour, mac, neighbour->held.packets[i]);
    atomic_store_explicit(&adjacency->link, adjacency_link(mac), memory_order_release);
    enter(adjacency, NEIGHBOUR_REACHABLE);
}

/* Control wants it: from now on it is asked for. Without memory it is tried again next turn. */
static void
begin(struct slowpath *slowpath, struct neighbour *neighbour)
{
    const struct adjacency *adjacency = adjacency_of(slowpath, neighbour);

    neighbour->port = adjacency->port;
    neighbour->address = adjacency->address;
    if (hmap_add(&slowpath->neighbours->by_address, &neighbour->node,
                 key_hash(neighbour->port, &neighbour->address)) != 0)
        return;
    neighbour->known = true;
    atomic_store_explicit(&adjacency_of(slowpath, neighbour)->confirmed_ms, 0,
                          memory_order_relaxed);
    neighbour->fixed = ip_addr_equal(&neighbour->address, &slowpath->config.fixed_neighbours[0]) ||
                       ip_addr_equal(&neighbour->address, &slowpath->config.fixed_neighbours[1]);
    if (neighbour->fixed) {
        bring_up(slowpath, neighbour, &slowpath->config.fixed_mac);
        neighbour->due_ms = UINT64_MAX;
        return;
    }
    enter_incomplete(slowpath, neighbour);
}

/* Nobody wants it any more. */
static void
end(struct slowpath *slowpath, struct neighbour *neighbour)
{
    struct adjacency *adjacency = adjacency_of(slowpath, neighbour);

    atomic_store_explicit(&adjacency->link, 0, memory_order_release);
    enter(adjacency, NEIGHBOUR_UNUSED);
    drop_held(slowpath, neighbour, DROP_ENDPOINT_GONE);
    hmap_remove(&slowpath->neighbours->by_address, &neighbour->node);
    neighbour->known = false;
}

/* What is to be done when a neighbour is due. */
static void
act(struct slowpath *slowpath, struct neighbour *neighbour)
{
    struct adjacency *adjacency = adjacency_of(slowpath, neighbour);
    const struct mac_addr mac =
        adjacency_mac(atomic_load_explicit(&adjacency->link, memory_order_relaxed));

    switch (state_of(adjacency)) {
    case NEIGHBOUR_REACHABLE:
        enter(adjacency, NEIGHBOUR_PROBING);
        neighbour->tries = 0;
        ask(slowpath, neighbour, &mac);
        break;
    case NEIGHBOUR_PROBING:
        if (neighbour->tries < ASK_TRIES)
            ask(slowpath, neighbour, &mac);
        else
            enter_incomplete(slowpath, neighbour);
        break;
    case NEIGHBOUR_INCOMPLETE:
        if (neighbour->tries < ASK_TRIES)
            ask(slowpath, neighbour, NULL);
        else
            enter_failed(slowpath, neighbour);
        break;
    default: /* FAILED */
        ask(slowpath, neighbour, NULL);
        neighbour->due_ms = slowpath->now_ms + FAILED_INTERVAL_MS;
        break;
    }
}

void
neighbours_turn(struct slowpath *slowpath)
{
    struct adjacency_table *table = &slowpath->config.tables->adjacencies;
    const uint32_t high = atomic_load_explicit(&table->high, memory_order_acquire);
    unsigned asked = 0;

    for (uint32_t i = 0; i < high; i++) {
        struct neighbour *neighbour = &slowpath->neighbours->entries[i];
        struct adjacency *adjacency = &table->entries[i];
        const bool wanted = atomic_load_explicit(&adjacency->wanted, memory_order_acquire);

        if (neighbour->known && (!wanted || adjacency->port != neighbour->port ||
                                 !ip_addr_equal(&adjacency->address, &neighbour->address)))
            end(slowpath, neighbour);
        if (!wanted || asked == REQUESTS_PER_TURN)
            continue;
        if (!neighbour->known) {
            begin(slowpath, neighbour);
            asked++;
        } else if (slowpath->now_ms >= neighbour->due_ms) {
            act(slowpath, neighbour);
            asked++;
        }
    }
}

void
neighbour_hold(struct slowpath *slowpath, uint32_t index, struct rte_mbuf *packet)
{
    struct neighbours *neighbours = slowpath->neighbours;
    struct neighbour *neighbour = index < neighbours->limit ? &neighbours->entries[index] : NULL;

    if (neighbour == NULL || !neighbour->known) {
        drop_packet(slowpath, VIF_NONE, packet, DROP_ENDPOINT_GONE);
        return;
    }
    if (packet->data_len < sizeof(struct eth_header)) {
        drop_packet(slowpath, VIF_NONE, packet, DROP_SEGMENTS);
        return;
    }

    struct adjacency *adjacency = adjacency_of(slowpath, neighbour);
    const uint64_t link = atomic_load_explicit(&adjacency->link, memory_order_relaxed);
    if ((link & ADJACENCY_UP) != 0) {
        const struct mac_addr mac = adjacency_mac(link);
        send_to(slowpath, neighbour, &mac, packet);
        return;
    }
    if (state_of(adjacency) == NEIGHBOUR_FAILED) {
        if (slowpath->now_ms - neighbour->asked_ms < ASK_INTERVAL_MS) {
            drop_packet(slowpath, VIF_NONE, packet, DROP_ADJACENCY_FAILED);
            return;
        }
        enter_incomplete(slowpath, neighbour);
    }

    struct rte_mbuf *gone = held_add(&neighbours->held, &neighbour->held, packet);
    if (gone != NULL)
        drop_packet(slowpath, VIF_NONE, gone, DROP_ADJACENCY_HOLD);
    show_held(adjacency, neighbour);
}

bool
neighbour_confirm(struct slowpath *slowpath, uint16_t port, const struct ip_addr *address,
                  const struct mac_addr *mac, unsigned how)
{
    struct neighbour *neighbour = find(slowpath->neighbours, port, address);
    const uint32_t reachable_ms = slowpath->config.neighbour_reachable_ms;

    if (neighbour == NULL)
        return false;
    if (neighbour->fixed)
        return true;

    struct adjacency *adjacency = adjacency_of(slowpath, neighbour);
    const uint64_t link = atomic_load_explicit(&adjacency->link, memory_order_relaxed);
    const bool up = (link & ADJACENCY_UP) != 0;
    const bool news = mac != NULL && adjacency_link(mac) != link;

    if (!up && mac == NULL)
        return true;
    if (up && news && (how & NEIGHBOUR_OVERRIDE) == 0) {
        if (state_of(adjacency) == NEIGHBOUR_REACHABLE)
            neighbour->due_ms = slowpath->now_ms;
        return true;
    }
    if (news)
        bring_up(slowpath, neighbour, mac);
    if ((how & NEIGHBOUR_SOLICITED) != 0) {
        atomic_store_explicit(&adjacency->confirmed_ms, slowpath->now_ms, memory_order_relaxed);
        enter(adjacency, NEIGHBOUR_REACHABLE);
        neighbour->tries = 0;
        neighbour->due_ms =
            slowpath->now_ms + (reachable_ms != 0 ? reachable_ms : REACHABLE_DEFAULT_MS);
    } else if (news) {
        neighbour->due_ms = slowpath->now_ms; /* see whether it is there */
    }
    return true;
}
