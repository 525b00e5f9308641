/* SPDX-License-Identifier: BSD-3-Clause */

/* The route server as a whole: started, kept going by its timers, stopped. */

#include "control/routeserver/routeserver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "lib/base/clock.h"
#include "lib/rpc/common.h"
#include "lib/xmpp/transport.h"

#define LOG_AREA "millrace-rs"
#include "lib/base/log.h"

#define PURGES_PER_TURN 1000u
#define STANDSTILL_MS   5000u /* between two ticks of a second: the program was stopped */
#define STOP_PATIENCE_S 2
#define MS_PER_S        1000u

static const struct timeval at_once = { 0, 0 };

static void
purge(struct route_server *server)
{
    uint64_t before = server->rib->counters.purged;

    if (rib_purge(server->rib, clock_monotonic_ms(), PURGES_PER_TURN))
        event_add(server->purge_more, &at_once);
    if (server->rib->counters.purged != before)
        log_info("purged %llu routes of clients that did not come back in time",
                 (unsigned long long)(server->rib->counters.purged - before));
}

static void
on_purge_more(evutil_socket_t fd, short events, void *context)
{
    (void)fd, (void)events;
    purge(context);
}

static void
on_second(evutil_socket_t fd, short events, void *context)
{
    struct route_server *server = context;
    uint64_t now = clock_monotonic_ms();

    (void)fd, (void)events;
    if (now - server->last_tick > STANDSTILL_MS) {
        log_warning("stood still for %llu ms: what is due to be purged waits as much longer",
                    (unsigned long long)(now - server->last_tick));
        rib_postpone(server->rib, now - server->last_tick);
    }
    server->last_tick = now;
    purge(server);
}

static void
on_in_sync(evutil_socket_t fd, short events, void *context)
{
    struct route_server *server = context;
    struct session *session;

    (void)fd, (void)events;
    server->is_in_sync = true;
    log_info("in sync: clients are told so from now on");
    LIST_FOREACH(session, &server->sessions, link)
    session_wake(session);
}

static void
on_stop_anyway(evutil_socket_t fd, short events, void *context)
{
    struct route_server *server = context;

    (void)fd, (void)events;
    event_base_loopbreak(server->base);
}

static void
on_behind(void *session)
{
    session_wake(session);
}

/* Not inside the RIB's call: the session ends when its own turn comes. */
static void
on_overrun(void *context)
{
    struct session *session = context;

    log_warning("%s: reads too slowly, its session is closed", session->client->jid);
    session->overrun = true;
    session_wake(session);
}

static int
add_vpns(struct rib *rib, const struct rs_config *config)
{
    int error = 0;

    for (unsigned i = 0; error == 0 && i < config->n_vpns; i++) {
        struct rs_vpn *vpn = &config->vpns[i];
        struct rib_policy policy = { vpn->exports, vpn->imports, vpn->n_exports, vpn->n_imports };
        error = rib_vrf_add(rib, vpn->name, &policy);
    }
    return error != 0 ? error : rib_vrf_connect(rib);
}

static int
start_timers(struct route_server *server)
{
    struct timeval second = { 1, 0 }, deferral = { server->config->deferral_seconds, 0 };

    server->second = event_new(server->base, -1, EV_PERSIST, on_second, server);
    server->purge_more = evtimer_new(server->base, on_purge_more, server);
    server->in_sync = evtimer_new(server->base, on_in_sync, server);
    server->stop_anyway = evtimer_new(server->base, on_stop_anyway, server);
    if (server->second == NULL || server->purge_more == NULL || server->in_sync == NULL ||
        server->stop_anyway == NULL)
        return -ENOMEM;
    server->last_tick = clock_monotonic_ms();
    event_add(server->second, &second);
    event_add(server->in_sync, &deferral);
    return 0;
}

static int
start_listeners(struct route_server *server, char error[RS_CONFIG_ERROR_MAX])
{
    for (unsigned i = 0; i < server->config->n_listen; i++) {
        const struct rs_listen *listen = &server->config->listen[i];
        char address[IP_PORT_TEXT_MAX];

        server->listeners[i] =
            xmpp_listener_new(server->base, &listen->addr, listen->port, session_accept, server);
        if (server->listeners[i] == NULL) {
            int status = -errno;
            snprintf(error, RS_CONFIG_ERROR_MAX, "listen: %s: %s",
                     ip_addr_port_format(&listen->addr, listen->port, address), strerror(-status));
            return status;
        }
        ip_addr_port_format(&listen->addr, xmpp_listener_port(server->listeners[i]), address);
        log_info("listens on %s as %s", address, server->config->jid);
    }
    return 0;
}

static int
start_control_socket(struct route_server *server, char error[RS_CONFIG_ERROR_MAX])
{
    const struct rs_config *config = server->config;
    int status;

    server->rpc = rpc_server_new(server->base, &RPC_LIMITS_DEFAULT);
    if (server->rpc == NULL || route_server_add_verbs(server, server->rpc) != 0 ||
        rpc_server_add(server->rpc, &rpc_log_level, 1, NULL) != 0)
        return -ENOMEM;
    status = rpc_server_listen(
        server->rpc, config->control_socket, config->control_socket_mode,
        config->control_socket_group[0] == '\0' ? NULL : config->control_socket_group);
    if (status != 0)
        snprintf(error, RS_CONFIG_ERROR_MAX, "control-socket: %s: %s", config->control_socket,
                 strerror(-status));
    return status;
}

int
route_server_load_certificates(struct route_server *server, char error[RS_CONFIG_ERROR_MAX])
{
    const struct rs_config *config = server->config;
    const struct tls_files files = {
        .trust = config->trust,
        .certificate = config->certificate,
        .key = config->key[0] != '\0' ? config->key : NULL,
    };
    struct tls_identity *identity;

    if (!config->tls)
        return 0;
    identity = tls_identity_load(&files, error);
    if (identity == NULL)
        return -EINVAL;
    tls_identity_release(server->identity);
    server->identity = identity;
    return 0;
}

struct route_server *
route_server_start(struct event_base *base, const struct rs_config *config,
                   char error[RS_CONFIG_ERROR_MAX])
{
    struct route_server *server = calloc(1, sizeof(*server));

    snprintf(error, RS_CONFIG_ERROR_MAX, "out of memory");
    if (server == NULL)
        return NULL;
    server->base = base;
    server->config = config;
    LIST_INIT(&server->sessions);
    server->rib =
        rib_new(&config->limits, config->auto_vpn, (uint64_t)config->purge_seconds * MS_PER_S);
    if (server->rib == NULL || add_vpns(server->rib, config) != 0 || start_timers(server) != 0 ||
        route_server_load_certificates(server, error) != 0 || start_listeners(server, error) != 0 ||
        start_control_socket(server, error) != 0) {
        route_server_free(server);
        return NULL;
    }
    server->rib->behind = on_behind;
    server->rib->overrun = on_overrun;
    return server;
}

static void
close_listeners(struct route_server *server)
{
    for (unsigned i = 0; i < RS_LISTEN_MAX; i++) {
        xmpp_listener_free(server->listeners[i]);
        server->listeners[i] = NULL;
    }
}

void
route_server_stop(struct route_server *server)
{
    static const struct timeval patience = { STOP_PATIENCE_S, 0 };
    struct session *session;

    if (server->stopping)
        return;
    log_info("stops");
    server->stopping = true;
    close_listeners(server);
    LIST_FOREACH(session, &server->sessions, link)
    session_close(session, "system-shutdown", "the route server stops");
    if (server->n_sessions == 0)
        event_base_loopbreak(server->base);
    else
        event_add(server->stop_anyway, &patience);
}

void
route_server_free(struct route_server *server)
{
    struct event *timers[] = { server->second, server->purge_more, server->in_sync,
                               server->stop_anyway };

    close_listeners(server);
    while (!LIST_EMPTY(&server->sessions))
        session_free(LIST_FIRST(&server->sessions));
    rpc_server_free(server->rpc);
    rib_free(server->rib);
    tls_identity_release(server->identity);
    for (size_t i = 0; i < sizeof(timers) / sizeof(timers[0]); i++) {
        if (timers[i] != NULL)
            event_free(timers[i]);
    }
    free(server);
}
