/* SPDX-License-Identifier: BSD-3-Clause */

/* endpoint.list and neighbour.list: the far ends of tunnels, and the next hops towards them. */

#include "control/verbs.h"

#include <stdio.h>

#include "control/control.h"
#include "control/endpoints.h"
#include "control/routing.h"
#include "lib/base/clock.h"
#include "lib/base/text.h"
#include "lib/rpc/server.h"

/*
 * A page of a table that is an array: appends what `describe` says of each used index behind the
 * cursor, which is an index.
 */
static void
list_by_index(struct rpc_request *request, const json_t *params, struct control *control,
              const char *nouns, uint32_t limit,
              json_t *(*describe)(struct control *control, uint32_t index))
{
    const char *cursor = rpc_page_after(params);
    size_t page = rpc_page_limit(params);
    uint32_t index = 0;
    char next[16];

    if (cursor != NULL && text_parse_u32(cursor, UINT32_MAX - 1, &index) != 0) {
        rpc_fail(request, RPC_INVALID_PARAMETER, "after", "not a cursor of this list");
        return;
    }
    if (cursor != NULL)
        index++;
    json_t *list = json_array();
    for (; index < limit && json_array_size(list) < page; index++) {
        json_t *member = describe(control, index);
        if (member != NULL)
            json_array_append_new(list, member);
    }
    snprintf(next, sizeof(next), "%u", index - 1);
    rpc_reply(request, rpc_page_result(nouns, list, index < limit ? next : NULL));
}

static json_t *
describe_endpoint(struct control *control, uint32_t index)
{
    const struct endpoint *endpoint = endpoint_at(&control->tables->endpoints, index);
    char address[IP_ADDR_TEXT_MAX], neighbour[IP_ADDR_TEXT_MAX];
    struct endpoint_counters sum;

    if (endpoint == NULL)
        return NULL;
    const struct adjacency *adjacency = &control->tables->adjacencies.entries[endpoint->adjacency];
    bool up = (atomic_load(&adjacency->link) & ADJACENCY_UP) != 0;
    counters_endpoint(control->counters, index, &sum);
    return json_pack(
        "{s:s, s:s, s:s, s:b, s:i, s:i, s:I, s:I, s:I}", "address",
        ip_addr_format(&endpoint->address, address), "encapsulation",
        encapsulation_name(endpoint->encapsulation), "adjacency",
        ip_addr_format(&adjacency->address, neighbour), "up", up, "mtu", (int)endpoint->mtu,
        "path_mtu",
        endpoint->mtu + endpoint_overhead(endpoint->address.family, endpoint->encapsulation),
        "routes", (json_int_t)endpoints_paths(routing_endpoints(control->routing), index),
        "tx_packets", (json_int_t)sum.tx.packets, "tx_octets", (json_int_t)sum.tx.octets);
}

static void
endpoint_list(struct rpc_request *request, const json_t *params, void *context)
{
    struct control *control = context;

    list_by_index(request, params, control, "endpoints", control->tables->limits.endpoints,
                  describe_endpoint);
}

static json_t *
describe_neighbour(struct control *control, uint32_t index)
{
    struct adjacency *adjacency = &control->tables->adjacencies.entries[index];
    char address[IP_ADDR_TEXT_MAX], text[MAC_TEXT_MAX] = "";
    uint64_t link = atomic_load(&adjacency->link);
    uint64_t confirmed = atomic_load(&adjacency->confirmed_ms);

    if (!atomic_load(&adjacency->wanted))
        return NULL;
    if ((link & ADJACENCY_MAC_MASK) != 0) {
        struct mac_addr mac = adjacency_mac(link);
        mac_format(&mac, text);
    }
    json_t *member = json_pack("{s:s, s:s, s:s, s:I, s:o}", "address",
                               ip_addr_format(&adjacency->address, address), "mac", text, "state",
                               neighbour_state_name(atomic_load(&adjacency->state)), "held",
                               (json_int_t)atomic_load(&adjacency->held), "age_s", json_null());
    if (confirmed != 0)
        json_object_set_new(member, "age_s",
                            json_integer((json_int_t)(clock_monotonic_ms() - confirmed) / 1000));
    return member;
}

static void
neighbour_list(struct rpc_request *request, const json_t *params, void *context)
{
    struct control *control = context;

    list_by_index(request, params, control, "neighbours", control->tables->limits.neighbours,
                  describe_neighbour);
}

int
verbs_endpoint_add(struct rpc_server *server, struct control *control)
{
    static const struct rpc_parameter page[] = {
        RPC_PAGE_PARAMETERS,
        { NULL, 0, false, 0, 0 },
    };
    static const struct rpc_verb verbs[] = {
        { "endpoint.list", page, endpoint_list },
        { "neighbour.list", page, neighbour_list },
    };

    return rpc_server_add(server, verbs, sizeof(verbs) / sizeof(verbs[0]), control);
}
