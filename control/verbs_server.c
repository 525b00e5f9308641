/* SPDX-License-Identifier: BSD-3-Clause */

/* server.list: the route servers and what is taken from each; certificates.load. */

#include "control/verbs.h"

#include <errno.h>

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
        "{s:s, s:s, s:i, s:s, s:s, s:s, s:s, s:o, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, "
        "s:b, s:I, "
        "s:I, s:I, s:I}",
        "name", status->name, "address", ip_addr_format(&status->address, address), "port",
        (int)status->port, "state", server_state_name(status->state), "dialect", status->dialect,
        "tls", status->tls ? "required" : "none", "cipher", status->cipher, "certificate_expires",
        status->expiry != 0 ? json_integer((json_int_t)status->expiry) : json_null(), "jid",
        status->jid, "server_jid", status->server_jid, "last_error", status->last_error, "routes",
        (json_int_t)status->routes, "chosen", (json_int_t)status->chosen, "stale",
        (json_int_t)status->stale, "published", (json_int_t)status->published, "vpns",
        (json_int_t)status->vpns, "vpns_in_sync", (json_int_t)status->vpns_in_sync, "in_sync",
        status->state == SERVER_IN_SYNC, "age_s", (json_int_t)age, "reconnects",
        (json_int_t)status->reconnects, "items_refused", (json_int_t)status->items_refused,
        "requests_failed", (json_int_t)status->requests_failed);
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

static void
certificates_reload(struct rpc_request *request, const json_t *params, void *context)
{
    struct control *control = context;
    struct config_error error;
    const int failed = routing_load_certificates(control->routing, &error);

    (void)params;
    if (failed == -ENOENT)
        rpc_fail(request, RPC_REFUSED, NULL, "the configuration names no certificates");
    else if (failed != 0)
        rpc_fail(request, RPC_REFUSED, NULL, "%s", error.text);
    else
        rpc_reply(request, json_object());
}

int
verbs_server_add(struct rpc_server *server, struct control *control)
{
    static const struct rpc_parameter parameters[] = {
        RPC_PAGE_PARAMETERS,
        { NULL, 0, false, 0, 0 },
    };
    static const struct rpc_parameter none[] = { { NULL, 0, false, 0, 0 } };
    static const struct rpc_verb verbs[] = {
        { "server.list", parameters, server_list },
        { "certificates.load", none, certificates_reload },
    };

    return rpc_server_add(server, verbs, sizeof(verbs) / sizeof(verbs[0]), control);
}
