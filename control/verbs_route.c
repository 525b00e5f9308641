/* SPDX-License-Identifier: BSD-3-Clause */

/* route.list: the routes of a VRF and where each is from: the virtual router's own addresses, the
 * interfaces' local addresses and prefixes, what is configured, and what the RIB has learnt, with
 * why one path of each is used. Local ones serve what comes out of tunnels; guests use them once a
 * server has announced them back, and then they stand there as learnt, too. */

#include "control/verbs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "control/control.h"
#include "control/forwarding.h"
#include "control/rib.h"
#include "control/routing.h"
#include "lib/base/clock.h"
#include "lib/rpc/server.h"

#define VIA_MAX 160

/* Begins a cursor among the local routes: an interface's name follows. Others are prefixes. */
#define CURSOR_LOCAL "vif:"

/* A page of routes in the making. */
struct listing {
    struct control *control;
    struct vrf *vrf;
    const struct rib_vpn *vpn; /* NULL: no interface, so nothing is heard about it */
    json_t *routes;            /* of the answer */
    json_t *current;           /* the route whose paths are coming */
    struct ip_prefix last;
    int64_t now;
};

/* What the FIB does with the prefix, for people. */
static void
describe_path(struct control *control, path_t path, json_t *route)
{
    char via[VIA_MAX] = "none", address[IP_ADDR_TEXT_MAX];

    switch (path_kind(path)) {
    case PATH_VIF: {
        const struct interface *to = interface_at(control->interfaces, path_target(path));
        snprintf(via, sizeof(via), "vif %s", to == NULL ? "(gone)" : to->config.name);
        break;
    }
    case PATH_TUNNEL: {
        const struct endpoint *to = endpoint_at(&control->tables->endpoints, path_target(path));
        const struct adjacency *next = &control->tables->adjacencies.entries[to->adjacency];
        bool up = (atomic_load(&next->link) & ADJACENCY_UP) != 0;
        snprintf(via, sizeof(via), "%s (%s, %u)", ip_addr_format(&to->address, address),
                 up ? "up" : "down", to->mtu);
        json_object_set_new(route, "label", json_integer(path_label(path)));
        json_object_set_new(route, "encapsulation",
                            json_string(encapsulation_name(to->encapsulation)));
        break;
    }
    case PATH_VRF: {
        const struct vrf *to = vrf_at(control->vrfs, vrf_of_root(path_target(path)));
        snprintf(via, sizeof(via), "vrf %s", to == NULL ? "(gone)" : to->name);
        break;
    }
    case PATH_ECMP:
        snprintf(via, sizeof(via), "%u next hops",
                 ecmp_at(&control->tables->ecmp, path)->n_members);
        break;
    case PATH_GATEWAY:
        snprintf(via, sizeof(via), "gateway");
        break;
    default:
        break;
    }
    json_object_set_new(route, "via", json_string(via));
}

static json_t *
route_begin(struct listing *listing, const char *from, uint32_t root,
            const struct ip_prefix *prefix)
{
    char text[IP_PREFIX_TEXT_MAX];
    json_t *route = json_pack("{s:s, s:s, s:[]}", "prefix", ip_prefix_format(prefix, text), "from",
                              from, "paths");

    describe_path(listing->control, fib_get(listing->control->tables->fib, root, prefix), route);
    json_array_append_new(listing->routes, route);
    return route;
}

static void
show_gateways(struct listing *listing, const struct ip_prefix *only)
{
    const struct vrf *vrf = listing->vrf;

    for (unsigned i = 0; i < vrf->n_gateways; i++) {
        const struct ip_prefix host = ip_prefix_of_host(&vrf->gateways[i]);

        if (only == NULL || ip_prefix_equal(only, &host))
            json_object_set_new(
                route_begin(listing, "gateway", vrf_upstream_root(vrf->number), &host), "why",
                json_string("the virtual router's own"));
    }
}

static void
show_local(struct listing *listing, const struct interface *interface,
           const struct ip_prefix *prefix)
{
    json_t *route =
        route_begin(listing, "local", vrf_downstream_root(listing->vrf->number), prefix);

    json_object_set_new(route, "label", json_integer(interface->label));
    json_object_set_new(route, "why", json_string("for what comes out of tunnels"));
}

/* The local routes of the interfaces behind `after`, until a page is full. @return the interface it
 * was full with, or NULL: all were shown. */
static const struct interface *
show_locals(struct listing *listing, const char *after, size_t limit)
{
    const struct interfaces *interfaces = listing->control->interfaces;
    const struct interface *each = interface_after(interfaces, after);

    for (; each != NULL; each = interface_after(interfaces, each->config.name)) {
        const struct vif_config *config = &each->config;

        if (each->vrf != listing->vrf || each->id == VIF_NONE)
            continue;
        for (unsigned i = 0; i < config->n_addresses; i++) {
            const struct ip_prefix host = ip_prefix_of_host(&config->addresses[i].addr);

            show_local(listing, each, &host);
        }
        for (unsigned i = 0; i < config->n_prefixes; i++)
            show_local(listing, each, &config->prefixes[i]);
        if (json_array_size(listing->routes) >= limit)
            return each;
    }
    return NULL;
}

static json_t *
next_hops_json(const struct route_next_hop *next_hops, unsigned n)
{
    char address[IP_ADDR_TEXT_MAX];
    json_t *hops = json_array();

    for (unsigned i = 0; i < n; i++) {
        const struct route_next_hop *from = &next_hops[i];
        json_t *encapsulations = json_array();
        for (unsigned bit = ENCAP_GRE; bit <= ENCAP_VXLAN; bit <<= 1) {
            if (from->encapsulations & bit)
                json_array_append_new(encapsulations,
                                      json_string(encapsulation_name((uint8_t)bit)));
        }
        json_array_append_new(hops, json_pack("{s:s, s:i, s:o}", "address",
                                              ip_addr_format(&from->addr, address), "label",
                                              (int)from->label, "encapsulations", encapsulations));
    }
    return hops;
}

/* The path that the configuration gives to a prefix. */
static json_t *
static_path(const struct vrf *vrf, const struct ip_prefix *prefix)
{
    json_t *path = json_pack("{s:s, s:b, s:b, s:s}", "from", "static", "stale", 0, "chosen", 1,
                             "why", "configured");

    for (unsigned i = 0; vrf->config != NULL && i < vrf->config->n_routes; i++) {
        const struct static_route *configured = &vrf->config->routes[i];

        if (!ip_prefix_equal(&configured->prefix, prefix))
            continue;
        if (configured->vif[0] != '\0')
            json_object_set_new(path, "vif", json_string(configured->vif));
        else {
            json_object_set_new(path, "next_hops", next_hops_json(&configured->next_hop, 1));
            json_object_set_new(path, "label", json_integer(configured->next_hop.label));
        }
    }
    return path;
}

static void
describe_static(const struct listing *listing, const struct ip_prefix *prefix, json_t *route)
{
    json_object_set_new(route, "why", json_string("configured"));
    json_object_set_new(route, "stale", json_false());
    json_object_set_new(route, "best", json_true());
    json_array_append_new(json_object_get(route, "paths"), static_path(listing->vrf, prefix));
}

/* Adds a path of the RIB to the route it belongs to; the chosen path comes first. */
static bool
show_path(void *user, const struct rib_path_view *view)
{
    struct listing *listing = user;
    bool stale = view->stale_since != RIB_NEVER;
    int64_t age = (listing->now - view->received) / 1000;
    bool covered = forwarding_is_static(routing_forwarding(listing->control->routing),
                                        listing->vrf->number, view->prefix);

    if (listing->current == NULL || !ip_prefix_equal(&listing->last, view->prefix)) {
        listing->current = route_begin(listing, covered ? "static" : "learnt",
                                       vrf_upstream_root(listing->vrf->number), view->prefix);
        listing->last = *view->prefix;
        json_object_set_new(listing->current, "best", json_boolean(view->chosen));
        if (covered)
            describe_static(listing, view->prefix, listing->current);
    }
    if (view->chosen && !covered) {
        json_object_set_new(listing->current, "server", json_string(view->server));
        json_object_set_new(listing->current, "why", json_string(view->why));
        json_object_set_new(listing->current, "age_s", json_integer(age));
        json_object_set_new(listing->current, "stale", json_boolean(stale));
    }
    json_t *path =
        json_pack("{s:s, s:s, s:s, s:o, s:i, s:I, s:I, s:b, s:b, s:s, s:I}", "from", "learnt",
                  "server", view->server, "item_id", view->item_id, "next_hops",
                  next_hops_json(view->route.next_hops, view->route.n_next_hops), "label",
                  (int)view->route.next_hops[0].label, "local_preference",
                  (json_int_t)view->route.local_preference, "sequence_number",
                  (json_int_t)view->route.sequence_number, "stale", stale, "chosen",
                  view->chosen && !covered, "why", view->why, "age_s", (json_int_t)age);
    json_array_append_new(json_object_get(listing->current, "paths"), path);
    return true;
}

struct statics {
    struct listing *listing;
    const struct ip_prefix *only; /* NULL: all */
};

static bool
is_there(void *user, const struct rib_path_view *view)
{
    (void)user;
    (void)view;
    return false;
}

/* Adds a static route, unless the RIB knows its prefix too: then it is shown with its paths. */
static bool
show_static(void *context, uint32_t vrf, const struct ip_prefix *prefix, path_t path)
{
    struct statics *statics = context;
    struct listing *listing = statics->listing;

    (void)path;
    if (vrf != listing->vrf->number ||
        (statics->only != NULL && !ip_prefix_equal(statics->only, prefix)) ||
        (listing->vpn != NULL && rib_show(routing_rib(listing->control->routing), listing->vpn,
                                          prefix, is_there, NULL) == 0))
        return true;
    describe_static(
        listing, prefix,
        route_begin(listing, "static", vrf_upstream_root(listing->vrf->number), prefix));
    return true;
}

static void
list_one(struct rpc_request *request, struct listing *listing, const char *text)
{
    struct ip_prefix prefix;

    if (ip_prefix_parse(text, &prefix) != 0) {
        json_decref(listing->routes);
        rpc_fail(request, RPC_INVALID_PARAMETER, "prefix", "not a prefix: %s", text);
        return;
    }
    struct statics statics = { listing, &prefix };
    const struct interface *local =
        interface_of_prefix(listing->control->interfaces, listing->vrf, &prefix);

    show_gateways(listing, &prefix);
    if (local != NULL)
        show_local(listing, local, &prefix);
    forwarding_each_static(routing_forwarding(listing->control->routing), show_static, &statics);
    if (listing->vpn != NULL)
        rib_show(routing_rib(listing->control->routing), listing->vpn, &prefix, show_path, listing);
    if (json_array_size(listing->routes) == 0) {
        json_decref(listing->routes);
        rpc_fail(request, RPC_NOT_FOUND, "prefix", "no route for exactly %s", text);
        return;
    }
    rpc_reply(request, rpc_page_result("routes", listing->routes, NULL));
}

/* What is not the RIB's, from the cursor (NULL: the beginning) on. @return the interface that the
 * page was full with, or NULL: what the RIB has comes next. */
static const struct interface *
list_own(struct listing *listing, const char *cursor, uint32_t limit)
{
    struct statics statics = { listing, NULL };

    if (cursor == NULL) {
        show_gateways(listing, NULL);
        forwarding_each_static(routing_forwarding(listing->control->routing), show_static,
                               &statics);
    }
    return show_locals(listing, cursor == NULL ? "" : cursor + strlen(CURSOR_LOCAL), limit);
}

static void
list_page(struct rpc_request *request, struct listing *listing, const json_t *params)
{
    const char *cursor = rpc_page_after(params);
    const bool own = cursor == NULL || strncmp(cursor, CURSOR_LOCAL, strlen(CURSOR_LOCAL)) == 0;
    uint32_t limit = (uint32_t)rpc_page_limit(params);
    char next[sizeof(CURSOR_LOCAL) + VIF_NAME_MAX + IP_PREFIX_TEXT_MAX] = "";
    const struct interface *full = NULL;
    struct ip_prefix after;
    int shown = 0;

    if (!own && ip_prefix_parse(cursor, &after) != 0) {
        json_decref(listing->routes);
        rpc_fail(request, RPC_INVALID_PARAMETER, "after", "not a cursor of this list");
        return;
    }
    if (own)
        full = list_own(listing, cursor, limit);
    if (full != NULL)
        snprintf(next, sizeof(next), CURSOR_LOCAL "%s", full->config.name);
    else if (listing->vpn != NULL)
        shown = rib_list(routing_rib(listing->control->routing), listing->vpn, own ? NULL : &after,
                         limit, show_path, listing);
    if (shown < 0) {
        json_decref(listing->routes);
        rpc_fail(request, RPC_REFUSED, "after", "that route has gone meanwhile: begin again");
        return;
    }
    if (full == NULL && (uint32_t)shown == limit)
        ip_prefix_format(&listing->last, next);
    rpc_reply(request, rpc_page_result("routes", listing->routes, next[0] == '\0' ? NULL : next));
}

static void
route_list(struct rpc_request *request, const json_t *params, void *context)
{
    struct control *control = context;
    const char *name = rpc_string(params, "vrf", "");
    const char *prefix = rpc_string(params, "prefix", NULL);
    struct listing listing = {
        .control = control,
        .vrf = vrf_find(control->vrfs, name),
        .now = (int64_t)clock_monotonic_ms(),
    };

    if (listing.vrf == NULL) {
        rpc_fail(request, RPC_NOT_FOUND, "vrf", "no such VRF: %s", name);
        return;
    }
    listing.routes = json_array();
    listing.vpn = rib_vpn_find(routing_rib(control->routing), name);
    if (prefix != NULL)
        list_one(request, &listing, prefix);
    else
        list_page(request, &listing, params);
}

int
verbs_route_add(struct rpc_server *server, struct control *control)
{
    static const struct rpc_parameter parameters[] = {
        { "vrf", RPC_STRING, true, 0, 0 },
        { "prefix", RPC_STRING, false, 0, 0 },
        RPC_PAGE_PARAMETERS,
        { NULL, 0, false, 0, 0 },
    };
    static const struct rpc_verb verbs[] = { { "route.list", parameters, route_list } };

    return rpc_server_add(server, verbs, sizeof(verbs) / sizeof(verbs[0]), control);
}
