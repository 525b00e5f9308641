/* SPDX-License-Identifier: BSD-3-Clause */

/* Joins interfaces, route servers, the RIB and the FIB: see routing.h. */

#define LOG_AREA "routing"

#include "control/routing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/certificates.h"
#include "control/control.h"
#include "control/endpoints.h"
#include "control/forwarding.h"
#include "control/rib.h"
#include "control/routing_snapshot.h"
#include "control/servers.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"

#define REMOVE_PAGE 1000 /* prefixes of a VPN that goes, a page */

struct routing {
    struct control *control;
    struct endpoints *endpoints;
    struct forwarding *forwarding;
    struct rib *rib;
    struct servers *servers;
    struct routing_snapshot *snapshot;
    uint64_t failures_logged_ms; /* when a failure to program was last logged */
};

/* ---- RIB → FIB ---- */

static bool
next_hop_is_acceptable(void *user, void *vpn_user, const struct ip_prefix *prefix,
                       const struct route_next_hop *next_hop)
{
    struct routing *routing = user;
    struct vrf *vrf = vpn_user;

    return !vrf_gateway_covers(vrf, prefix) && forwarding_accepts(routing->forwarding, next_hop);
}

/* Says that a route could not be programmed, once a second at most: a server may send many. */
static void
log_failure(struct routing *routing, const struct vrf *vrf, const struct ip_prefix *prefix,
            int error)
{
    char text[IP_PREFIX_TEXT_MAX];
    uint64_t now = clock_monotonic_ms();

    if (routing->failures_logged_ms != 0 && now - routing->failures_logged_ms < 1000)
        return;
    routing->failures_logged_ms = now;
    log_warning("%s %s: cannot be programmed: %s", vrf->name, ip_prefix_format(prefix, text),
                error == -ENOSPC ? "a table is full (limits)" : strerror(-error));
}

static void
program(struct routing *routing, const struct vrf *vrf, const struct ip_prefix *prefix,
        const struct route *route)
{
    int error = forwarding_set(routing->forwarding, vrf->number, prefix, route->next_hops,
                               route->n_next_hops);

    if (error == -ENOENT)
        forwarding_unset(routing->forwarding, vrf->number, prefix);
    if (error != 0)
        log_failure(routing, vrf, prefix, error);
}

static void
best_changed(void *user, void *vpn_user, const struct ip_prefix *prefix, const struct route *best)
{
    struct routing *routing = user;
    struct vrf *vrf = vpn_user;

    if (best == NULL)
        forwarding_unset(routing->forwarding, vrf->number, prefix);
    else
        program(routing, vrf, prefix, best);
}

/* ---- Static routes ---- */

struct hidden {
    struct routing *routing;
    struct vrf *vrf;
};

static bool
program_chosen(void *user, const struct rib_path_view *view)
{
    struct hidden *hidden = user;

    if (view->chosen)
        program(hidden->routing, hidden->vrf, view->prefix, &view->route);
    return false; /* the chosen one comes first */
}

/* A static route went: what route servers say about the prefix shows again. */
static void
uncover(struct routing *routing, struct vrf *vrf, const struct ip_prefix *prefix)
{
    struct hidden hidden = { routing, vrf };
    struct rib_vpn *vpn = rib_vpn_find(routing->rib, vrf->name);

    if (vpn != NULL)
        rib_show(routing->rib, vpn, prefix, program_chosen, &hidden);
}

static void
static_route_apply(struct routing *routing, struct vrf *vrf, const struct static_route *route)
{
    int error = 0;

    if (route->vif[0] == '\0') {
        error = forwarding_set_static(routing->forwarding, vrf->number, &route->prefix,
                                      &route->next_hop, 1, PATH_NONE);
    } else {
        const struct interface *via = interface_find(routing->control->interfaces, route->vif);
        if (via != NULL && via->id != VIF_NONE && via->vrf == vrf)
            error = forwarding_set_static(routing->forwarding, vrf->number, &route->prefix, NULL, 0,
                                          path_make(PATH_VIF, via->id, 0));
        else if (forwarding_unset_static(routing->forwarding, vrf->number, &route->prefix) == 0)
            uncover(routing, vrf, &route->prefix);
    }
    if (error != 0)
        log_failure(routing, vrf, &route->prefix, error);
}

static void
static_routes_apply(struct routing *routing)
{
    const struct config *config = routing->control->config;

    for (unsigned i = 0; i < config->n_vpns; i++) {
        const struct vpn_config *vpn = &config->vpns[i];
        struct vrf *vrf = vrf_find(routing->control->vrfs, vpn->name);
        for (unsigned j = 0; vrf != NULL && j < vpn->n_routes; j++)
            static_route_apply(routing, vrf, &vpn->routes[j]);
    }
}

/* ---- Interfaces → servers ---- */

static void
vpn_added(void *context, struct vrf *vrf)
{
    struct routing *routing = context;
    struct rib_vpn *vpn = rib_vpn_add(routing->rib, vrf->name, vrf);
    uint16_t instance_id = vrf->config == NULL ? 0 : vrf->config->instance_id;

    if (vpn == NULL || servers_vpn_add(routing->servers, vpn, instance_id) != 0)
        log_error("%s: no memory to subscribe", vrf->name);
}

struct removal {
    struct routing *routing;
    struct vrf *vrf;
    struct ip_prefix last;
};

static bool
unprogram(void *user, const struct rib_path_view *view)
{
    struct removal *removal = user;

    forwarding_unset(removal->routing->forwarding, removal->vrf->number, view->prefix);
    removal->last = *view->prefix;
    return true;
}

static void
vpn_removed(void *context, struct vrf *vrf)
{
    struct routing *routing = context;
    struct rib_vpn *vpn = rib_vpn_find(routing->rib, vrf->name);
    struct removal removal = { routing, vrf, { .length = 0 } };
    const struct ip_prefix *after = NULL;

    if (vpn == NULL)
        return;
    while (rib_list(routing->rib, vpn, after, REMOVE_PAGE, unprogram, &removal) == REMOVE_PAGE)
        after = &removal.last;
    servers_vpn_del(routing->servers, vpn);
    rib_vpn_remove(routing->rib, vpn);
    servers_rib_changed(routing->servers);
}

static void
publish(void *context, struct vrf *vrf, const struct route *route)
{
    struct routing *routing = context;
    struct rib_vpn *vpn = rib_vpn_find(routing->rib, vrf->name);
    int error = vpn == NULL ? -ENOENT : servers_publish(routing->servers, vpn, route);

    if (error != 0)
        log_error("%s: a route cannot be published: %s", vrf->name, strerror(-error));
}

static void
retract(void *context, struct vrf *vrf, const struct ip_prefix *prefix)
{
    struct routing *routing = context;
    struct rib_vpn *vpn = rib_vpn_find(routing->rib, vrf->name);

    if (vpn != NULL)
        servers_retract(routing->servers, vpn, prefix);
}

static void
labels_changed(void *context)
{
    struct routing *routing = context;

    forwarding_labels_changed(routing->forwarding);
    static_routes_apply(routing);
    rib_reconsider(routing->rib, NULL);
    servers_rib_changed(routing->servers);
}

static void
interfaces_started(void *context, unsigned failed)
{
    if (failed > 0)
        log_warning("%u interfaces could not be made; they are tried again", failed);
    routing_start(context);
}

const struct interface_events routing_interface_events = {
    .vpn_added = vpn_added,
    .vpn_removed = vpn_removed,
    .publish = publish,
    .retract = retract,
    .labels_changed = labels_changed,
    .started = interfaces_started,
};

/* ---- Life ---- */

static int
make_forwarding(struct routing *routing)
{
    const struct control *control = routing->control;
    const struct config *config = control->config;
    const struct endpoints_underlay underlay = {
        .port = control->underlay_port->number,
        .mac = control->underlay_port->mac,
        .underlay = &control->underlay,
        .v4 = config->underlay.v4,
        .v6 = config->underlay.v6,
        .allowed = config->underlay.allowed_sources,
        .n_allowed = config->underlay.n_allowed_sources,
    };
    struct forwarding_settings settings = {
        .underlay = &control->underlay,
        .n_encapsulations = (uint8_t)config->n_encapsulations,
    };

    memcpy(settings.encapsulations, config->encapsulations, config->n_encapsulations);
    routing->endpoints = endpoints_create(control->tables, control->counters, &underlay);
    if (routing->endpoints == NULL)
        return -ENOMEM;
    routing->forwarding = forwarding_create(control->tables, routing->endpoints, &settings);
    return routing->forwarding == NULL ? -ENOMEM : 0;
}

int
routing_load_certificates(struct routing *routing, struct config_error *error)
{
    struct tls_identity *identity =
        certificates_load(&routing->control->config->certificates, error);

    if (identity == NULL)
        return error->text[0] != '\0' ? -EINVAL : -ENOENT;
    servers_set_identity(routing->servers, identity);
    tls_identity_release(identity);
    return 0;
}

static int
make_servers(struct routing *routing, struct config_error *error)
{
    const struct config *config = routing->control->config;
    struct servers_settings servers = {
        .local_part = config->host_name,
        .forwarder = config->underlay.next_hop,
    };
    int failed;

    if (config->n_servers > SERVERS_MAX) {
        snprintf(error->field, sizeof(error->field), "server");
        snprintf(error->text, sizeof(error->text), "at most %d route servers", SERVERS_MAX);
        return -EINVAL;
    }
    for (unsigned i = 0; i < config->n_servers; i++) {
        const struct route_server_config *from = &config->servers[i];
        servers.servers[servers.n_servers++] = (struct server_settings){
            .name = from->name,
            .address = from->address,
            .port = from->tcp_port,
            .jid = from->jid,
            .dialect = SERVER_DIALECT_DRAFT,
            .tls = from->tls,
            .certificate_name = from->certificate_name[0] != '\0' ? from->certificate_name : NULL,
        };
    }
    servers.identity = certificates_load(&config->certificates, error);
    if (error->text[0] != '\0')
        return -EINVAL;
    failed = servers_new(routing->control->base, routing->rib, &servers, &routing->servers);
    tls_identity_release(servers.identity);
    if (failed == -EINVAL) {
        snprintf(error->field, sizeof(error->field), "host-name");
        snprintf(error->text, sizeof(error->text),
                 "does not make a JID, or two route servers have the same name");
    }
    return failed;
}

int
routing_create(struct control *control, struct routing **made, struct config_error *error)
{
    const struct rib_events events = {
        .best_changed = best_changed,
        .acceptable = next_hop_is_acceptable,
    };
    struct rib_limits limits = rib_limits_default;
    struct routing *routing = calloc(1, sizeof(*routing));
    int failed = -ENOMEM;

    snprintf(error->text, sizeof(error->text), "out of memory");
    if (routing == NULL)
        return failed;
    routing->control = control;
    limits.stale_ms = (int64_t)control->config->stale_seconds * 1000;
    limits.routes_total = control->config->limits.routes;
    routing->rib = rib_new(&limits, &events, routing);
    if (routing->rib == NULL || make_forwarding(routing) != 0)
        goto destroy;
    failed = make_servers(routing, error);
    if (failed != 0)
        goto destroy;
    routing->snapshot = routing_snapshot_create(control, routing->rib);
    if (routing->snapshot == NULL) {
        failed = -ENOMEM;
        goto destroy;
    }
    *made = routing;
    return 0;

destroy:
    routing_destroy(routing);
    return failed;
}

void
routing_start(struct routing *routing)
{
    static_routes_apply(routing);
    routing_snapshot_load(routing->snapshot);
    servers_rib_changed(routing->servers);
}

void
routing_drain(struct routing *routing, int timeout_ms, void (*done)(void *context), void *context)
{
    interfaces_retract_all(routing->control->interfaces);
    servers_drain(routing->servers, timeout_ms, done, context);
}

void
routing_save(struct routing *routing)
{
    routing_snapshot_save(routing->snapshot);
}

void
routing_destroy(struct routing *routing)
{
    if (routing == NULL)
        return;
    servers_free(routing->servers);
    routing_snapshot_destroy(routing->snapshot);
    if (routing->rib != NULL)
        rib_free(routing->rib);
    forwarding_destroy(routing->forwarding);
    endpoints_destroy(routing->endpoints);
    free(routing);
}

struct rib *
routing_rib(struct routing *routing)
{
    return routing->rib;
}

struct servers *
routing_servers(struct routing *routing)
{
    return routing->servers;
}

struct forwarding *
routing_forwarding(struct routing *routing)
{
    return routing->forwarding;
}

struct endpoints *
routing_endpoints(struct routing *routing)
{
    return routing->endpoints;
}
