/* SPDX-License-Identifier: BSD-3-Clause */

/* counters.get: the RIB, the control socket, sessions as a whole, and each client. */

#include <stdlib.h>
#include <string.h>

#include "control/routeserver/routeserver.h"
#include "control/routeserver/verbs.h"
#include "lib/rpc/common.h"

static void
set(json_t *row, const char *key, uint64_t value)
{
    json_object_set_new(row, key, json_integer((json_int_t)value));
}

static json_t *
new_row(const char *kind, const char *name)
{
    return json_pack("{s:s, s:s}", "of", kind, "name", name);
}

static json_t *
rib_row(const struct rib *rib)
{
    json_t *row = new_row("rib", "all");

    set(row, "vpns", rib->n_vrfs);
    set(row, "clients", rib->n_clients);
    set(row, "routes", rib->n_publications);
    set(row, "published", rib->counters.published);
    set(row, "renewed", rib->counters.renewed);
    set(row, "retracted", rib->counters.retracted);
    set(row, "purged", rib->counters.purged);
    set(row, "changes", rib->counters.changes);
    set(row, "refused_next_hop", rib->counters.refused_next_hop);
    set(row, "refused_stranger", rib->counters.refused_stranger);
    set(row, "refused_limit", rib->counters.refused_limit);
    set(row, "overruns", rib->counters.overruns);
    return row;
}

/* Every session there was. */
static json_t *
sessions_row(const struct route_server *server)
{
    static const char *const ends[XMPP_END_COUNT] = {
        [XMPP_END_LOCAL] = "ended_local",
        [XMPP_END_PEER] = "ended_by_peer",
        [XMPP_END_STREAM_ERROR] = "ended_by_error_of_peer",
        [XMPP_END_VIOLATION] = "ended_by_violation",
        [XMPP_END_REFUSED] = "ended_refused",
        [XMPP_END_TIMEOUT] = "ended_by_timeout",
        [XMPP_END_OUTPUT_FULL] = "ended_by_slow_reader",
        [XMPP_END_CONNECTION] = "ended_by_connection",
    };
    json_t *row = new_row("sessions", "all");

    set(row, "present", server->n_sessions);
    set(row, "accepted", server->counters.accepted);
    set(row, "refused", server->counters.refused);
    set(row, "replaced", server->counters.replaced);
    set(row, "items_requests_held", server->counters.held);
    for (unsigned i = 0; i < XMPP_END_COUNT; i++)
        set(row, ends[i], server->counters.ended[i]);
    return row;
}

static json_t *
client_row(const struct rib_client *client)
{
    const struct session *session = client->session;
    json_t *row = new_row("session", client->jid);

    set(row, "subscriptions", client->n_subscriptions);
    set(row, "routes", client->n_publications);
    if (session != NULL) {
        const struct xmpp_session_counters *counters =
            xmpp_session_counters(xmpp_server_session(session->xmpp));
        set(row, "octets_in", counters->octets_in);
        set(row, "octets_out", counters->octets_out);
        set(row, "stanzas_in", counters->stanzas_in);
        set(row, "stanzas_ignored", counters->stanzas_ignored);
        set(row, "items_in", counters->items_in);
        set(row, "items_refused", counters->items_refused);
        set(row, "retracts_in", counters->retracts_in);
    }
    return row;
}

static bool
wanted(const char *of, const char *kind)
{
    return of == NULL || strcmp(of, kind) == 0;
}

void
handle_counters_get(struct rpc_request *request, const json_t *params, void *context)
{
    const struct route_server *server = context;
    const char *of = rpc_string(params, "of", NULL), *after = rpc_page_after(params), *next = NULL;
    size_t room = rpc_page_limit(params), i = 0;

    if (of != NULL && !wanted(of, "rib") && !wanted(of, "rpc") && !wanted(of, "sessions") &&
        !wanted(of, "session")) {
        rpc_fail(request, RPC_INVALID_PARAMETER, "of", "expected rib, rpc, sessions or session");
        return;
    }
    json_t *list = json_array();
    if (after == NULL) { /* these few come with the first page, whatever its limit */
        if (wanted(of, "rib"))
            json_array_append_new(list, rib_row(server->rib));
        if (wanted(of, "rpc")) {
            json_t *row = new_row("rpc", "control-socket");
            rpc_counters_fill(server->rpc, row);
            json_array_append_new(list, row);
        }
        if (wanted(of, "sessions"))
            json_array_append_new(list, sessions_row(server));
    }
    const struct rib_client **clients = wanted(of, "session") ? sorted_clients(server->rib) : NULL;
    while (clients != NULL && clients[i] != NULL && after != NULL &&
           strcmp(clients[i]->jid, after) <= 0)
        i++;
    for (; clients != NULL && clients[i] != NULL && room > 0; i++, room--) {
        json_array_append_new(list, client_row(clients[i]));
        next = clients[i]->jid;
    }
    if (clients == NULL || clients[i] == NULL)
        next = NULL;
    json_t *result = rpc_page_result("counters", list, next);
    free(clients);
    rpc_reply(request, result);
}
