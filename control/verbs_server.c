/* SPDX-License-Identifier: BSD-3-Clause */

/* server.list: the route servers and what is taken from each. */

#include "control/verbs.h"

#include "control/control.h"
#include "control/routing.h"
#include "control/servers.h"
#include "lib/base/clock.h"
#include "lib/rpc/server.h"

static json_t *
describe(const struct server_status *status)
{
    char address[IP_ADDR_TEXT_MAX];
    int64_t age = ((int64_t)clock_monotonic_ms() - status->state_since) / 1000;

    return json_pack(
        "{s:s, s:s, s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:I, "
        "s:I, s:I, s:I}",
        "name", status->name, "address", ip_addr_format(&status->address, address), "port",
        (int)status->port, "state", server_state_name(status->state), "dialect", status->dialect,
        "tls", status->tls ? "required" : "none", "jid", status->jid, "server_jid",
        status->server_jid, "last_error", status->last_error, "routes", (json_int_t)status->routes,
        "chosen", (json_int_t)status->chosen, "stale", (json_int_t)status->stale, "published",
        (json_int_t)status->published, "vpns", (json_int_t)status->vpns, "vpns_in_sync",
        (json_int_t)status->vpns_in_sync, "in_sync", status->state == SERVER_IN_SYNC, "age_s",
        (json_int_t)age, "reconnects", (json_int_t)status->reconnects, "items_refused",
        (json_int_t)status->items_refused, "requests_failed", (json_int_t)status->requests_failed);
}

static void
server_list(struct rpc_request *request, const json_t *params, void *context)
{
    struct control *control = context;
    struct servers *servers = routing_servers(control->routing);
    json_t *list = json_array();

    (void)params; /* at most SERVERS_MAX: one page */
    for (uint8_t i = 0; i < servers_count(servers); i++) {
        struct server_status status;
        servers_status(servers, i, &status);
        json_array_append_new(list, describe(&status));
    }
    rpc_reply(request, rpc_page_result("servers", list, NULL));
}

int
verbs_server_add(struct rpc_server *server, struct control *control)
{
    static const struct rpc_parameter parameters[] = {
        RPC_PAGE_PARAMETERS,
        { NULL, 0, false, 0, 0 },
    };
    static const struct rpc_verb verbs[] = { { "server.list", parameters, server_list } };

    return rpc_server_add(server, verbs, sizeof(verbs) / sizeof(verbs[0]), control);
}
