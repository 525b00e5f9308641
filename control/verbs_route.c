/* SPDX-License-Identifier: BSD-3-Clause */

/* route.list: what the RIB knows about the prefixes of a VRF, and why one path of each is used. */

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
route_begin(struct listing *listing, const struct ip_prefix *prefix)
{
    char text[IP_PREFIX_TEXT_MAX];
    json_t *route = json_pack("{s:s, s:[]}", "prefix", ip_prefix_format(prefix, text), "paths");
    path_t path =
        fib_get(listing->control->tables->fib, vrf_upstream_root(listing->vrf->number), prefix);

    describe_path(listing->control, path, route);
    json_array_append_new(listing->routes, route);
    return route;
}

static json_t *
next_hops_of(const struct route *route)
{
    char address[IP_ADDR_TEXT_MAX];
    json_t *hops = json_array();

    for (unsigned i = 0; i < route->n_next_hops; i++) {
        const struct route_next_hop *from = &route->next_hops[i];
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

static void
describe_static(json_t *route)
{
    json_object_set_new(route, "server", json_string("static"));
    json_object_set_new(route, "why", json_string("configured"));
    json_object_set_new(route, "stale", json_false());
    json_object_set_new(route, "best", json_true());
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
        listing->current = route_begin(listing, view->prefix);
        listing->last = *view->prefix;
        json_object_set_new(listing->current, "best", json_boolean(view->chosen));
        if (covered)
            describe_static(listing->current);
    }
    if (view->chosen && !covered) {
        json_object_set_new(listing->current, "server", json_string(view->server));
        json_object_set_new(listing->current, "why", json_string(view->why));
        json_object_set_new(listing->current, "age_s", json_integer(age));
        json_object_set_new(listing->current, "stale", json_boolean(stale));
    }
    json_t *path =
        json_pack("{s:s, s:s, s:o, s:i, s:I, s:I, s:b, s:b, s:s, s:I}", "server", view->server,
                  "item_id", view->item_id, "next_hops", next_hops_of(&view->route), "label",
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
    describe_static(route_begin(listing, prefix));
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

static void
list_page(struct rpc_request *request, struct listing *listing, const json_t *params)
{
    const char *cursor = rpc_page_after(params);
    uint32_t limit = (uint32_t)rpc_page_limit(params);
    struct ip_prefix after;
    char next[IP_PREFIX_TEXT_MAX];
    int shown = 0;

    if (cursor != NULL && ip_prefix_parse(cursor, &after) != 0) {
        json_decref(listing->routes);
        rpc_fail(request, RPC_INVALID_PARAMETER, "after", "not a cursor of this list");
        return;
    }
    if (cursor == NULL) {
        struct statics statics = { listing, NULL };
        forwarding_each_static(routing_forwarding(listing->control->routing), show_static,
                               &statics);
    }
    if (listing->vpn != NULL)
        shown = rib_list(routing_rib(listing->control->routing), listing->vpn,
                         cursor == NULL ? NULL : &after, limit, show_path, listing);
    if (shown < 0) {
        json_decref(listing->routes);
        rpc_fail(request, RPC_REFUSED, "after", "that route has gone meanwhile: begin again");
        return;
    }
    bool more = (uint32_t)shown == limit;
    rpc_reply(request, rpc_page_result("routes", listing->routes,
                                       more ? ip_prefix_format(&listing->last, next) : NULL));
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
