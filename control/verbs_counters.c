/* SPDX-License-Identifier: BSD-3-Clause */

/* counters.get, drops.get, worker.list: what was counted, summed over the threads. */

#include "control/verbs.h"

#include <stdio.h>
#include <string.h>

#include "control/control.h"
#include "control/endpoints.h"
#include "control/forwarding.h"
#include "control/routing.h"
#include "control/watches.h"
#include "lib/base/text.h"
#include "lib/rpc/common.h"

#define CURSOR_MAX 256

/*
 * A kind of counters: fills `member` with the counters of the one behind `after` ("" for the first)
 * and writes the next cursor to `key`; the member's name is the key unless it sets another.
 * @return false if there is none.
 */
struct kind {
    const char *of;
    bool (*next)(struct control *control, const char *after, json_t *member, char key[CURSOR_MAX]);
};

static void
set(json_t *member, const char *key, uint64_t value)
{
    json_object_set_new(member, key, json_integer((json_int_t)value));
}

static void
set_traffic(json_t *member, const char *packets, const char *octets,
            const struct traffic_counter *counter)
{
    set(member, packets, counter->packets);
    set(member, octets, counter->octets);
}

/* Members that are known by number: the first number behind the cursor. */
static uint32_t
number_behind(const char *after)
{
    uint32_t number = 0;

    return after[0] != '\0' && text_parse_u32(after, UINT32_MAX - 1, &number) == 0 ? number + 1 : 0;
}

static bool
next_vif(struct control *control, const char *after, json_t *member, char key[CURSOR_MAX])
{
    const struct interface *interface = interface_after(control->interfaces, after);
    struct vif_counters sum;

    if (interface == NULL)
        return false;
    snprintf(key, CURSOR_MAX, "%s", interface->config.name);
    memset(&sum, 0, sizeof(sum));
    if (interface->id != VIF_NONE)
        counters_vif(control->counters, interface->id, &sum);
    set_traffic(member, "rx_packets", "rx_octets", &sum.rx);
    set_traffic(member, "tx_packets", "tx_octets", &sum.tx);
    uint64_t drops = 0;
    json_t *reasons = json_object();
    for (unsigned reason = 0; reason < DROP_REASONS; reason++) {
        drops += sum.drops[reason];
        if (sum.drops[reason] > 0)
            set(reasons, drop_reason_name(reason), sum.drops[reason]);
    }
    set(member, "drops", drops);
    json_object_set_new(member, "drop_reasons", reasons);
    return true;
}

static bool
next_vrf(struct control *control, const char *after, json_t *member, char key[CURSOR_MAX])
{
    const struct vrf *vrf = vrf_after(control->vrfs, after);
    struct vrf_counters sum;

    if (vrf == NULL)
        return false;
    snprintf(key, CURSOR_MAX, "%s", vrf->name);
    counters_vrf(control->counters, vrf->number, &sum);
    set_traffic(member, "from_vif_packets", "from_vif_octets", &sum.from_vif);
    set_traffic(member, "from_tunnel_packets", "from_tunnel_octets", &sum.from_tunnel);
    return true;
}

static bool
next_endpoint(struct control *control, const char *after, json_t *member, char key[CURSOR_MAX])
{
    char address[IP_ADDR_TEXT_MAX];
    struct endpoint_counters sum;

    for (uint32_t i = number_behind(after); i < control->tables->limits.endpoints; i++) {
        const struct endpoint *endpoint = endpoint_at(&control->tables->endpoints, i);
        if (endpoint == NULL)
            continue;
        snprintf(key, CURSOR_MAX, "%u", i);
        counters_endpoint(control->counters, i, &sum);
        json_object_set_new(member, "name",
                            json_string(ip_addr_format(&endpoint->address, address)));
        json_object_set_new(member, "encapsulation",
                            json_string(encapsulation_name(endpoint->encapsulation)));
        set_traffic(member, "tx_packets", "tx_octets", &sum.tx);
        return true;
    }
    return false;
}

static void
add_port(struct port_counters *sum, const struct port_counters *more)
{
    sum->rx.packets += more->rx.packets;
    sum->rx.octets += more->rx.octets;
    sum->tx.packets += more->tx.packets;
    sum->tx.octets += more->tx.octets;
}

/* The ports that are gone, as one row: with it all that came in and went out adds up. */
static bool
closed_ports(struct control *control, json_t *member, char key[CURSOR_MAX])
{
    struct port_counters closed = { 0 }, part;

    for (uint16_t i = 0; i < PORTS_MAX; i++) {
        counters_port_earlier(control->counters, i, &part);
        add_port(&closed, &part);
        if (port_at(control->ports, i) != NULL)
            continue;
        counters_port(control->counters, i, &part);
        add_port(&closed, &part);
    }
    if (closed.rx.packets + closed.tx.packets == 0)
        return false;
    snprintf(key, CURSOR_MAX, "%u", PORTS_MAX);
    json_object_set_new(member, "name", json_string("closed"));
    set_traffic(member, "rx_packets", "rx_octets", &closed.rx);
    set_traffic(member, "tx_packets", "tx_octets", &closed.tx);
    return true;
}

static bool
next_port(struct control *control, const char *after, json_t *member, char key[CURSOR_MAX])
{
    uint32_t first = number_behind(after);
    struct port_counters sum;

    for (uint32_t i = first; i < PORTS_MAX; i++) {
        const struct port *port = port_at(control->ports, (uint16_t)i);
        if (port == NULL)
            continue;
        snprintf(key, CURSOR_MAX, "%u", i);
        counters_port(control->counters, (uint16_t)i, &sum);
        json_object_set_new(member, "name", json_string(port->spec));
        set_traffic(member, "rx_packets", "rx_octets", &sum.rx);
        set_traffic(member, "tx_packets", "tx_octets", &sum.tx);
        return true;
    }
    return first <= PORTS_MAX && closed_ports(control, member, key);
}

static bool
next_punt(struct control *control, const char *after, json_t *member, char key[CURSOR_MAX])
{
    uint64_t sums[PUNT_REASONS];
    unsigned reason = 0;

    while (after[0] != '\0' && reason < PUNT_REASONS &&
           strcmp(punt_reason_name(reason++), after) != 0)
        continue;
    if (reason >= PUNT_REASONS)
        return false;
    counters_punts(control->counters, sums);
    snprintf(key, CURSOR_MAX, "%s", punt_reason_name(reason));
    set(member, "packets", sums[reason]);
    return true;
}

/* Packets that wait, for their next hop or, fragments, for others. */
static uint64_t
held_now(struct control *control)
{
    struct adjacency_table *adjacencies = &control->tables->adjacencies;
    uint64_t held = 0;

    for (uint32_t i = 0; i < atomic_load(&adjacencies->high); i++)
        held += atomic_load(&adjacencies->entries[i].held);
    for (unsigned i = 0; i < control->config->n_workers; i++) {
        struct worker_counters worker;

        counters_worker(control->counters, i, &worker);
        held += worker.fragments_held;
    }
    return held;
}

static bool
next_balance(struct control *control, const char *after, json_t *member, char key[CURSOR_MAX])
{
    struct balance_counters sum;

    if (after[0] != '\0')
        return false;
    counters_balance(control->counters, &sum);
    snprintf(key, CURSOR_MAX, "all");
    set(member, "consumed", sum.consumed);
    set(member, "originated", sum.originated);
    set(member, "held", held_now(control));
    return true;
}

/* What the tables hold, and what was refused because one of them was full. */
static bool
next_table(struct control *control, const char *after, json_t *member, char key[CURSOR_MAX])
{
    const struct forwarding_refusals *paths =
        forwarding_refusals(routing_forwarding(control->routing));
    const struct endpoints_refusals *ends = endpoints_refusals(routing_endpoints(control->routing));
    struct fib_usage fib;

    if (after[0] != '\0')
        return false;
    fib_usage(control->tables->fib, &fib);
    snprintf(key, CURSOR_MAX, "tables");
    set(member, "fib_routes", fib.routes);
    set(member, "fib_nodes", fib.nodes);
    set(member, "fib_octets", fib.octets);
    set(member, "endpoints", control->tables->endpoints.indexes.in_use);
    set(member, "neighbours", control->tables->adjacencies.indexes.in_use);
    set(member, "ecmp_sets", control->tables->ecmp.indexes.in_use);
    set(member, "fib_refused", fib.refusals);
    set(member, "routes_refused", paths->fib);
    set(member, "endpoints_refused", ends->endpoints);
    set(member, "neighbours_refused", ends->neighbours);
    set(member, "ecmp_sets_refused", paths->ecmp);
    set(member, "no_encapsulation", paths->no_encapsulation);
    set(member, "unreachable", paths->unreachable);
    return true;
}

static bool
next_rpc(struct control *control, const char *after, json_t *member, char key[CURSOR_MAX])
{
    if (after[0] != '\0')
        return false;
    snprintf(key, CURSOR_MAX, "control-socket");
    rpc_counters_fill(control->rpc, member);
    return true;
}

static bool
next_watch(struct control *control, const char *after, json_t *member, char key[CURSOR_MAX])
{
    const struct watcher *watcher = watches_after(control->watches, number_behind(after));

    if (watcher == NULL)
        return false;
    snprintf(key, CURSOR_MAX, "%u", (unsigned)watcher->id);
    json_object_set_new(member, "at", json_string(watcher->name));
    set(member, "records", watcher->read);
    set(member, "lost", watch_lost(&watcher->watch));
    return true;
}

static const struct kind kinds[] = {
    { "vif", next_vif },     { "vrf", next_vrf },   { "endpoint", next_endpoint },
    { "port", next_port },   { "punt", next_punt }, { "balance", next_balance },
    { "table", next_table }, { "rpc", next_rpc },   { "watch", next_watch },
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* The number of a kind by the first `length` octets of `name`, KINDS if there is no such kind. */
static size_t
kind_find(const char *name, size_t length)
{
    size_t i = 0;

    while (i < KINDS && (strlen(kinds[i].of) != length || memcmp(kinds[i].of, name, length) != 0))
        i++;
    return i;
}

static void
counters_get(struct rpc_request *request, const json_t *params, void *context)
{
    const char *of = rpc_string(params, "of", NULL), *cursor = rpc_page_after(params);
    size_t kind = of == NULL ? 0 : kind_find(of, strlen(of)), limit = rpc_page_limit(params);
    char after[CURSOR_MAX] = "", next[CURSOR_MAX + 32];

    if (kind == KINDS) {
        rpc_fail(request, RPC_INVALID_PARAMETER, "of",
                 "vif, vrf, endpoint, port, punt, balance, table, rpc or watch, not %s", of);
        return;
    }
    if (cursor != NULL) { /* KIND/NAME */
        const char *slash = strchr(cursor, '/');
        kind = slash == NULL ? KINDS : kind_find(cursor, (size_t)(slash - cursor));
        if (kind == KINDS) {
            rpc_fail(request, RPC_INVALID_PARAMETER, "after", "not a cursor of this list");
            return;
        }
        snprintf(after, sizeof(after), "%s", slash + 1);
    }

    json_t *list = json_array();
    while (kind < KINDS && json_array_size(list) < limit) {
        json_t *member = json_pack("{s:s}", "of", kinds[kind].of);
        char key[CURSOR_MAX];
        if (kinds[kind].next(context, after, member, key)) {
            if (json_object_get(member, "name") == NULL)
                json_object_set_new(member, "name", json_string(key));
            json_array_append_new(list, member);
            memcpy(after, key, sizeof(after));
        } else {
            json_decref(member);
            kind = of != NULL ? KINDS : kind + 1;
            after[0] = '\0';
        }
    }
    if (kind < KINDS)
        snprintf(next, sizeof(next), "%s/%s", kinds[kind].of, after);
    rpc_reply(request, rpc_page_result("counters", list, kind < KINDS ? next : NULL));
}

static void
drops_get(struct rpc_request *request, const json_t *params, void *context)
{
    struct control *control = context;
    uint64_t sums[DROP_REASONS];
    json_t *list = json_array();

    (void)params;
    counters_drops(control->counters, sums);
    for (unsigned reason = 0; reason < DROP_REASONS; reason++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:I}", "reason", drop_reason_name(reason),
                                              "text", drop_reason_text(reason), "packets",
                                              (json_int_t)sums[reason]));
    rpc_reply(request, rpc_page_result("drops", list, NULL));
}

int
verbs_counters_add(struct rpc_server *server, struct control *control)
{
    static const struct rpc_parameter page[] = {
        RPC_PAGE_PARAMETERS,
        { NULL, 0, false, 0, 0 },
    };
    static const struct rpc_parameter counters[] = {
        { "of", RPC_STRING, false, 0, 0 },
        RPC_PAGE_PARAMETERS,
        { NULL, 0, false, 0, 0 },
    };
    static const struct rpc_verb verbs[] = {
        { "counters.get", counters, counters_get },
        { "drops.get", page, drops_get },
    };

    return rpc_server_add(server, verbs, sizeof(verbs) / sizeof(verbs[0]), control);
}
