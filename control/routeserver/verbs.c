/* SPDX-License-Identifier: BSD-3-Clause */

/* The verbs of millrace-rs but counters.get: sessions, VRFs, routes, the configuration, the end. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/routeserver/routeserver.h"
#include "control/routeserver/target.h"
#include "control/routeserver/verbs.h"
#include "lib/base/clock.h"
#include "lib/net/encapsulation.h"
#include "lib/rpc/common.h"

#define MS_PER_S 1000u

static json_int_t
seconds_since(uint64_t then)
{
    return (json_int_t)((clock_monotonic_ms() - then) / MS_PER_S);
}

/* ---- Sessions ---- */

static json_t *
session_row(const struct rib_client *client)
{
    const struct session *session = client->session;
    char address[IP_ADDR_TEXT_MAX];
    uint64_t now = clock_monotonic_ms();
    json_t *row =
        json_pack("{s:s, s:s, s:s, s:i, s:i, s:I, s:I}", "jid", client->jid, "address",
                  ip_addr_format(&client->address, address), "state",
                  session == NULL ? "purging" : "up", "subscriptions", (int)client->n_subscriptions,
                  "routes", (int)client->n_publications, "queued_octets",
                  (json_int_t)(session == NULL ? 0 : xmpp_server_output_pending(session->xmpp)),
                  "age_s", seconds_since(client->since));

    if (client->purge_at != 0)
        json_object_set_new(
            row, "purge_s",
            json_integer(
                (json_int_t)(client->purge_at <= now ? 0 : (client->purge_at - now) / MS_PER_S)));
    return row;
}

static int
compare_clients(const void *a, const void *b)
{
    const struct rib_client *const *x = a, *const *y = b;

    return strcmp((*x)->jid, (*y)->jid);
}

const struct rib_client **
sorted_clients(const struct rib *rib)
{
    const struct rib_client **clients = calloc(rib->n_clients + 1, sizeof(*clients)), *client;
    size_t n = 0;

    if (clients == NULL)
        return NULL;
    LIST_FOREACH(client, &rib->clients, link)
    clients[n++] = client;
    qsort(clients, n, sizeof(*clients), compare_clients);
    return clients;
}

static void
handle_session_list(struct rpc_request *request, const json_t *params, void *context)
{
    const struct route_server *server = context;
    const char *after = rpc_page_after(params), *next = NULL;
    const struct rib_client **clients = sorted_clients(server->rib);
    size_t room = rpc_page_limit(params), i = 0;
    json_t *list = json_array();

    while (clients != NULL && clients[i] != NULL && after != NULL &&
           strcmp(clients[i]->jid, after) <= 0)
        i++;
    for (; clients != NULL && clients[i] != NULL && room > 0; i++, room--) {
        json_array_append_new(list, session_row(clients[i]));
        next = clients[i]->jid;
    }
    if (clients == NULL || clients[i] == NULL)
        next = NULL;
    json_t *result = rpc_page_result("sessions", list, next);
    free(clients);
    rpc_reply(request, result);
}

/* ---- VRFs ---- */

static json_t *
target_list(const uint64_t *targets, uint32_t n)
{
    json_t *list = json_array();
    char text[ROUTE_TARGET_TEXT_MAX];

    for (uint32_t i = 0; i < n; i++)
        json_array_append_new(list, json_string(route_target_format(targets[i], text)));
    return list;
}

static json_t *
vrf_row(const struct rib_vrf *vrf)
{
    return json_pack("{s:s, s:o, s:o, s:b, s:i, s:i, s:i}", "name", vrf->name, "export",
                     target_list(vrf->policy.export_targets, vrf->policy.n_export), "import",
                     target_list(vrf->policy.import_targets, vrf->policy.n_import), "automatic",
                     (int)vrf->automatic, "subscribers", (int)vrf->n_subscriptions, "published",
                     (int)vrf->n_publications, "routes", (int)prefix_tree_size(&vrf->routes));
}

static int
compare_vrfs(const void *a, const void *b)
{
    const struct rib_vrf *const *x = a, *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}

static void
handle_vrf_list(struct rpc_request *request, const json_t *params, void *context)
{
    const struct rib *rib = ((struct route_server *)context)->rib;
    const char *after = rpc_page_after(params), *next = NULL;
    const struct rib_vrf **vrfs = calloc(rib->n_vrfs + 1, sizeof(*vrfs)), *vrf;
    size_t room = rpc_page_limit(params), n = 0, i = 0;
    json_t *list = json_array();

    if (vrfs != NULL) {
        LIST_FOREACH(vrf, &rib->vrfs, link)
        vrfs[n++] = vrf;
        qsort(vrfs, n, sizeof(*vrfs), compare_vrfs);
    }
    while (i < n && after != NULL && strcmp(vrfs[i]->name, after) <= 0)
        i++;
    for (; i < n && room > 0; i++, room--) {
        json_array_append_new(list, vrf_row(vrfs[i]));
        next = vrfs[i]->name;
    }
    json_t *result = rpc_page_result("vrfs", list, i < n ? next : NULL);
    free(vrfs);
    rpc_reply(request, result);
}

/* ---- Routes ---- */

static json_t *
next_hop_list(const struct route *route)
{
    json_t *list = json_array();
    char text[IP_ADDR_TEXT_MAX];

    for (unsigned i = 0; i < route->n_next_hops; i++)
        json_array_append_new(list, json_string(ip_addr_format(&route->next_hops[i].addr, text)));
    return list;
}

static json_t *
encapsulation_list(uint8_t encapsulations)
{
    json_t *list = json_array();

    for (unsigned bit = 1; bit <= encapsulations; bit <<= 1) {
        if ((encapsulations & bit) != 0)
            json_array_append_new(list, json_string(encapsulation_name((uint8_t)bit)));
    }
    return list;
}

static json_t *
path_row(const struct rib_publication *publication)
{
    const struct route *route = publication->route;
    char rd[IP_ADDR_TEXT_MAX + 8], address[IP_ADDR_TEXT_MAX];

    if (publication->has_rd)
        snprintf(rd, sizeof(rd), "%s:%u", ip_addr_format(&publication->rd_addr, address),
                 publication->rd_instance);
    else
        rd[0] = '\0';
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:I, s:o, s:I, s:I, s:b, s:I}", "client",
                     publication->client->jid, "origin", publication->origin->name, "item_id",
                     publication->item_id, "rd", rd, "next_hops", next_hop_list(route), "label",
                     (json_int_t)route->next_hops[0].label, "encapsulation",
                     encapsulation_list(route->next_hops[0].encapsulations), "local_preference",
                     (json_int_t)route->local_preference, "sequence_number",
                     (json_int_t)route->sequence_number, "stale",
                     (int)rib_publication_is_stale(publication), "age_s",
                     seconds_since(publication->since));
}

/* The best path, and every path beneath. */
static json_t *
route_row(const struct rib_route *route)
{
    char prefix[IP_PREFIX_TEXT_MAX];
    json_t *row = json_object(), *paths = json_array();
    json_t *best = path_row(route->best->publication);
    const struct rib_path *path;

    json_object_set_new(row, "prefix", json_string(ip_prefix_format(&route->node.prefix, prefix)));
    json_object_update(row, best);
    json_decref(best);
    json_object_set_new(row, "why", json_string(rib_why(route)));
    LIST_FOREACH(path, &route->paths, of_route)
    {
        json_t *entry = path_row(path->publication);
        json_object_set_new(entry, "chosen", json_boolean(path == route->best));
        json_array_append_new(paths, entry);
    }
    json_object_set_new(row, "paths", paths);
    return row;
}

static void
handle_route_list(struct rpc_request *request, const json_t *params, void *context)
{
    const struct rib *rib = ((struct route_server *)context)->rib;
    const struct rib_vrf *vrf = rib_vrf_find(rib, rpc_string(params, "vrf", ""));
    const char *only = rpc_string(params, "prefix", NULL), *after = rpc_page_after(params);
    size_t room = rpc_page_limit(params);
    char next[IP_PREFIX_TEXT_MAX] = "";
    struct ip_prefix prefix;
    struct prefix_node *node;

    if (vrf == NULL) {
        rpc_fail(request, RPC_NOT_FOUND, "vrf", "no such VPN");
        return;
    }
    if (only != NULL && ip_prefix_parse(only, &prefix) != 0) {
        rpc_fail(request, RPC_INVALID_PARAMETER, "prefix", "expected ADDRESS/LENGTH");
        return;
    }
    if (only == NULL && after != NULL && ip_prefix_parse(after, &prefix) != 0) {
        rpc_fail(request, RPC_INVALID_PARAMETER, "after", "expected what \"next\" said");
        return;
    }
    json_t *list = json_array();
    if (only != NULL)
        node = prefix_tree_find(&vrf->routes, &prefix);
    else
        node = prefix_tree_after(&vrf->routes, after == NULL ? NULL : &prefix);
    for (; node != NULL && room > 0; room--) {
        json_array_append_new(list, route_row(rib_route_of(node)));
        prefix = node->prefix;
        node = only != NULL ? NULL : prefix_tree_after(&vrf->routes, &prefix);
    }
    if (node != NULL)
        ip_prefix_format(&prefix, next);
    rpc_reply(request, rpc_page_result("routes", list, node == NULL ? NULL : next));
}

/* ---- The daemon ---- */

static void
handle_config_get(struct rpc_request *request, const json_t *params, void *context)
{
    const struct route_server *server = context;
    const struct rs_config *config = server->config;
    const int64_t expiry = config->tls ? tls_identity_expiry(server->identity) : 0;
    json_t *listen = json_array(), *vpns = json_array();
    char text[IP_PORT_TEXT_MAX];

    (void)params;
    for (unsigned i = 0; i < config->n_listen; i++) {
        ip_addr_port_format(&config->listen[i].addr, config->listen[i].port, text);
        json_array_append_new(listen, json_string(text));
    }
    for (unsigned i = 0; i < config->n_vpns; i++)
        json_array_append_new(
            vpns,
            json_pack("{s:s, s:o, s:o}", "name", config->vpns[i].name, "export",
                      target_list(config->vpns[i].exports, config->vpns[i].n_exports), "import",
                      target_list(config->vpns[i].imports, config->vpns[i].n_imports)));
    rpc_reply(
        request,
        json_pack(
            "{s:o, s:s, s:s, s:s, s:o, s:I, s:I, s:b, s:{s:I, s:I, s:I, s:I, s:I}, s:o}", "listen",
            listen, "jid", config->jid, "tls", config->tls ? "required" : "none",
            "client_certificates", config->client_certificates ? "required" : "optional",
            "certificate_expires", expiry != 0 ? json_integer((json_int_t)expiry) : json_null(),
            "purge_time", (json_int_t)config->purge_seconds, "deferral_time",
            (json_int_t)config->deferral_seconds, "auto_vpn", (int)config->auto_vpn, "limits",
            "sessions", (json_int_t)config->sessions_max, "vpns", (json_int_t)config->limits.vpns,
            "subscriptions_per_client", (json_int_t)config->limits.subscriptions_per_client,
            "routes_per_client", (json_int_t)config->limits.routes_per_client, "routes",
            (json_int_t)config->limits.routes, "vpns", vpns));
}

static void
handle_certificates_load(struct rpc_request *request, const json_t *params, void *context)
{
    struct route_server *server = context;
    char error[RS_CONFIG_ERROR_MAX];

    (void)params;
    if (!server->config->tls)
        rpc_fail(request, RPC_REFUSED, NULL, "sessions are plain text: tls = none");
    else if (route_server_load_certificates(server, error) != 0)
        rpc_fail(request, RPC_REFUSED, NULL, "%s", error);
    else
        rpc_reply(request, json_object());
}

static void
handle_stop(struct rpc_request *request, const json_t *params, void *context)
{
    (void)params;
    rpc_reply(request, json_object());
    route_server_stop(context);
}

static const struct rpc_parameter page_parameters[] = {
    RPC_PAGE_PARAMETERS,
    { NULL, RPC_STRING, false, 0, 0 },
};

static const struct rpc_parameter route_parameters[] = {
    { "vrf", RPC_STRING, true, 0, RIB_VPN_NAME_MAX - 1 },
    { "prefix", RPC_STRING, false, 0, 0 },
    RPC_PAGE_PARAMETERS,
    { NULL, RPC_STRING, false, 0, 0 },
};

static const struct rpc_parameter counters_parameters[] = {
    { "of", RPC_STRING, false, 0, 0 },
    RPC_PAGE_PARAMETERS,
    { NULL, RPC_STRING, false, 0, 0 },
};

static const struct rpc_verb verbs[] = {
    { "session.list", page_parameters, handle_session_list },
    { "vrf.list", page_parameters, handle_vrf_list },
    { "route.list", route_parameters, handle_route_list },
    { "counters.get", counters_parameters, handle_counters_get },
    { "config.get", NULL, handle_config_get },
    { "certificates.load", NULL, handle_certificates_load },
    { "stop", NULL, handle_stop },
};

int
route_server_add_verbs(struct route_server *server, struct rpc_server *rpc)
{
    return rpc_server_add(rpc, verbs, sizeof(verbs) / sizeof(verbs[0]), server);
}
