/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The sessions with all route servers in the event loop: connects, waits between two attempts,
 * lets sessions step and tick, runs the RIB's work in slices, drains.
 */

#define LOG_AREA "server"

#include "control/servers.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "control/servers_internal.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"

#define RIB_WAIT_MAX (3600 * 1000ll) /* between two looks at the RIB's timers */

const char *
server_state_name(enum server_state state)
{
    static const char *const names[] = { "waiting", "connecting", "syncing", "in sync", "closed" };

    return names[state];
}

/* ---- What sessions ask for ---- */

static int64_t
host_now(void *user)
{
    (void)user;
    return (int64_t)clock_monotonic_ms();
}

static void
host_wants_step(void *user, struct server_session *session)
{
    struct servers *servers = user;

    timer_arm_now(servers->servers[session->index].step);
}

static void
host_rib_changed(void *user)
{
    struct servers *servers = user;

    timer_arm_now(servers->run);
}

static const struct session_host host = {
    .now = host_now,
    .wants_step = host_wants_step,
    .rib_changed = host_rib_changed,
};

/* ---- One server ---- */

void
server_close_connection(struct server *server)
{
    xmpp_transport_free(server->transport);
    server->transport = NULL;
    server_session_release(&server->session);
}

static void
wait_and_connect(struct server *server)
{
    int64_t ready_ms = server->up_since == 0 ? 0 : host_now(NULL) - server->up_since;
    uint32_t random = 0;

    if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
        random = (uint32_t)host_now(NULL);
    server->up_since = 0;
    server_session_set_state(&server->session, SERVER_WAITING);
    timer_arm(server->connect, xmpp_backoff_next(&server->backoff, (uint64_t)ready_ms, random));
}

static void
on_transport_done(void *user)
{
    struct server *server = user;

    if (server->session.was_up)
        server->up_since = server->session.up_since;
    server_close_connection(server);
    if (server->servers->draining) {
        server_session_set_state(&server->session, SERVER_CLOSED);
        servers_check_drained(server->servers);
    } else {
        wait_and_connect(server);
    }
}

static void
on_connect_timer(evutil_socket_t fd, short what, void *user)
{
    struct server *server = user;
    struct xmpp_client_config config = XMPP_CLIENT_CONFIG_DEFAULT;
    (void)fd;
    (void)what;

    config.tls = server->tls ? XMPP_TLS_REQUIRED : XMPP_TLS_NONE;
    config.identity = server->servers->identity;
    config.certificate_name = server->certificate_name[0] != '\0' ? server->certificate_name : NULL;
    config.route_server = server->jid;
    config.local_part = server->servers->local_part;
    config.resource = server->servers->resource;
    if (server_session_open(&server->session, &config) == 0)
        server->transport =
            xmpp_transport_connect(server->servers->base, &server->address, server->port, NULL,
                                   xmpp_client_session(server->session.client));
    if (server->transport == NULL) {
        snprintf(server->session.error, sizeof(server->session.error), "cannot connect: %s",
                 strerror(errno));
        log_warning("%s: %s", server->name, server->session.error);
        server_close_connection(server);
        wait_and_connect(server);
        return;
    }
    xmpp_transport_set_done(server->transport, on_transport_done, server);
}

static void
on_step(evutil_socket_t fd, short what, void *user)
{
    struct server *server = user;
    (void)fd;
    (void)what;

    if (server_session_step(&server->session))
        timer_arm(server->step, 0);
    if (server->servers->draining)
        servers_check_drained(server->servers);
}

/* ---- Timers of all ---- */

static void
on_tick(evutil_socket_t fd, short what, void *user)
{
    struct servers *servers = user;
    (void)fd;
    (void)what;

    for (uint8_t i = 0; i < servers->n_servers; i++)
        server_session_tick(&servers->servers[i].session);
}

static void
on_run(evutil_socket_t fd, short what, void *user)
{
    struct servers *servers = user;
    int64_t now = host_now(NULL), next = rib_run(servers->rib, now);
    (void)fd;
    (void)what;

    timer_arm(servers->run, next - now < RIB_WAIT_MAX ? next - now : RIB_WAIT_MAX);
}

void
servers_rib_changed(struct servers *servers)
{
    host_rib_changed(servers);
}

/* ---- Making and freeing ---- */

/* The same after a restart of the program, another after a restart of the machine: a route server
 * knows a client that comes back before its old session was given up. */
static void
make_resource(char resource[RESOURCE_MAX])
{
    char boot[9] = "";
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");

    if (file != NULL) {
        if (fgets(boot, sizeof(boot), file) == NULL)
            boot[0] = '\0';
        fclose(file);
    }
    snprintf(resource, RESOURCE_MAX, "millrace-%s", boot[0] != '\0' ? boot : "0");
}

static int
server_init(struct servers *servers, const struct server_settings *settings)
{
    struct server *server = &servers->servers[servers->n_servers];
    struct server_session *session = &server->session;

    struct jid jid;

    for (uint8_t i = 0; i < servers->n_servers; i++) {
        if (strcmp(servers->servers[i].name, settings->name) == 0)
            return -EINVAL;
    }
    if (settings->jid != NULL && jid_parse(settings->jid, &jid) != 0)
        return -EINVAL;
    server->servers = servers;
    server->address = settings->address;
    server->port = settings->port != 0 ? settings->port : XMPP_PORT_DEFAULT;
    server->tls = settings->tls;
    snprintf(server->certificate_name, sizeof(server->certificate_name), "%s",
             settings->certificate_name != NULL ? settings->certificate_name : "");
    snprintf(server->name, sizeof(server->name), "%s", settings->name);
    snprintf(server->jid, sizeof(server->jid), "%s",
             settings->jid != NULL ? settings->jid : JID_ROUTE_SERVER_DEFAULT);
    *session = (struct server_session){
        .name = server->name,
        .index = servers->n_servers,
        .host = &host,
        .user = servers,
        .rib = servers->rib,
        .server = rib_server_add(servers->rib, settings->name, &settings->address),
        .publications = &servers->publications,
    };
    server_session_init(session);
    server->connect = evtimer_new(servers->base, on_connect_timer, server);
    server->step = evtimer_new(servers->base, on_step, server);
    servers->n_servers++;
    if (session->server == NULL || server->connect == NULL || server->step == NULL)
        return -ENOMEM;
    timer_arm_now(server->connect);
    return 0;
}

int
servers_new(struct event_base *base, struct rib *rib, const struct servers_settings *settings,
            struct servers **result)
{
    struct servers *servers = calloc(1, sizeof(*servers));
    struct timeval second = { 1, 0 };
    struct jid jid;
    int error = -ENOMEM;

    if (servers == NULL)
        return error;
    servers->base = base;
    servers->rib = rib;
    snprintf(servers->local_part, sizeof(servers->local_part), "%s", settings->local_part);
    make_resource(servers->resource);
    if (jid_make(settings->local_part, "example.net", servers->resource, &jid) != 0) {
        free(servers);
        return -EINVAL;
    }
    servers->identity = tls_identity_hold(settings->identity);
    publications_init(&servers->publications, settings->n_servers, &settings->forwarder);
    servers->run = evtimer_new(base, on_run, servers);
    servers->tick = event_new(base, -1, EV_PERSIST, on_tick, servers);
    if (servers->run == NULL || servers->tick == NULL || event_add(servers->tick, &second) != 0)
        goto failed;
    for (uint8_t i = 0; i < settings->n_servers; i++) {
        error = server_init(servers, &settings->servers[i]);
        if (error != 0)
            goto failed;
    }
    timer_arm_now(servers->run);
    *result = servers;
    return 0;

failed:
    servers_free(servers);
    return error;
}

static void
timer_free(struct event *timer)
{
    if (timer != NULL)
        event_free(timer);
}

void
servers_free(struct servers *servers)
{
    if (servers == NULL)
        return;
    for (uint8_t i = 0; i < servers->n_servers; i++) {
        struct server *server = &servers->servers[i];
        server_close_connection(server);
        timer_free(server->connect);
        timer_free(server->step);
    }
    publications_clear(&servers->publications);
    tls_identity_release(servers->identity);
    timer_free(servers->tick);
    timer_free(servers->run);
    timer_free(servers->drain_timeout);
    free(servers);
}

void
servers_set_identity(struct servers *servers, struct tls_identity *identity)
{
    tls_identity_release(servers->identity);
    servers->identity = tls_identity_hold(identity);
}

/* ---- Status ---- */

uint8_t
servers_count(const struct servers *servers)
{
    return servers->n_servers;
}

void
servers_status(const struct servers *servers, uint8_t index, struct server_status *status)
{
    const struct server *server = &servers->servers[index];
    const struct server_session *session = &server->session;
    struct rib_server_counts counts;

    rib_server_counts(session->server, &counts);
    *status = (struct server_status){
        .name = server->name,
        .address = server->address,
        .port = server->port,
        .state = session->state,
        .dialect = dialect_draft.name,
        .tls = server->tls,
        .expiry = server->tls ? tls_identity_expiry(server->servers->identity) : 0,
        .jid = session->jid,
        .server_jid = server->jid,
        .last_error = session->error,
        .routes = counts.paths,
        .stale = counts.stale,
        .chosen = counts.chosen,
        .published = session->n_known,
        .vpns = session->n_subscribed,
        .vpns_in_sync = session->n_in_sync,
        .state_since = session->state_since,
        .reconnects = session->lost,
        .items_refused = session->items_refused,
        .requests_failed = session->requests_failed,
    };
    if (session->client != NULL)
        xmpp_client_describe_tls(session->client, status->cipher, sizeof(status->cipher));
}
