/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Sessions of vRouters: what lib/xmpp understood goes into the RIB, what the RIB has to tell goes
 * out, no faster than the client reads.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "control/routeserver/routeserver.h"
#include "lib/base/clock.h"
#include "lib/xmpp/transport.h"

#define LOG_AREA "session"
#include "lib/base/log.h"

#define OUTPUT_OCTETS_MAX   (8u << 20) /* of a client: answers to what it asks without reading */
#define CHANGES_PER_TURN    256u
#define SLOW_READER_WAIT_US 10000
#define REFUSALS_LOGGED_MAX 20u

static const struct timeval at_once = { 0, 0 };

static const char *
name_of(const struct session *session)
{
    static char text[IP_ADDR_TEXT_MAX];

    return session->client != NULL ? session->client->jid : ip_addr_format(&session->address, text);
}

void
session_wake(struct session *session)
{
    if (!event_pending(session->pump, EV_TIMEOUT, NULL))
        event_add(session->pump, &at_once);
}

/* Tells of changes; @return true if some are left. */
static bool
tell_changes(struct session *session)
{
    struct rib_subscription *subscription;
    unsigned budget = CHANGES_PER_TURN;

    LIST_FOREACH(subscription, &session->client->subscriptions, of_client)
    {
        const char *node = subscription->vrf->name;
        const struct rib_route *route;
        for (;;) {
            if (budget == 0 || xmpp_server_output_pending(session->xmpp) >= SESSION_OUTPUT_HIGH)
                return true;
            route = rib_next_change(session->server->rib, subscription);
            if (route == NULL)
                break;
            char item_id[IP_PREFIX_TEXT_MAX];
            ip_prefix_format(&route->node.prefix, item_id);
            if (route->best != NULL)
                xmpp_server_notify_item(session->xmpp, node, item_id,
                                        route->best->publication->route);
            else
                xmpp_server_notify_retract(session->xmpp, node, item_id);
            budget--;
        }
    }
    return false;
}

static void
on_pump(evutil_socket_t fd, short events, void *context)
{
    static const struct timeval later = { 0, SLOW_READER_WAIT_US };
    struct session *session = context;
    bool more;

    (void)fd, (void)events;
    if (session->client == NULL)
        return;
    if (session->overrun) {
        session_close(session, "policy-violation", "notifications are not read fast enough");
        return;
    }
    more = tell_changes(session) || items_answer(session);
    xmpp_server_flush(session->xmpp);
    if (more)
        event_add(session->pump, xmpp_server_output_pending(session->xmpp) >= SESSION_OUTPUT_HIGH
                                     ? &later
                                     : &at_once);
}

/* The client is without this session from now on. */
static void
let_go(struct session *session)
{
    struct rib_client *client = session->client;

    event_del(session->pump);
    items_drop(session);
    session->client = NULL;
    if (client != NULL)
        rib_client_disconnect(session->server->rib, client, clock_monotonic_ms());
}

void
session_close(struct session *session, const char *condition, const char *text)
{
    let_go(session);
    xmpp_server_close(session->xmpp, condition, text);
}

/* ---- What a client asks for ---- */

static bool
on_bind(void *user, const struct jid *jid)
{
    struct session *session = user;
    struct rib *rib = session->server->rib;
    char bare[JID_TEXT_MAX], address[IP_ADDR_TEXT_MAX];
    struct rib_client *client;

    jid_format_bare(jid, bare);
    client = rib_client_find(rib, bare);
    if (client != NULL && client->session != NULL) {
        log_info("%s: has connected again, its older session is closed", bare);
        session->server->counters.replaced++;
        session_close(client->session, "conflict", "the same client has connected again");
    }
    int error =
        rib_client_connect(rib, bare, &session->address, session, clock_monotonic_ms(), &client);
    if (error != 0) {
        log_warning("%s: refused: %s", bare, strerror(-error));
        xmpp_server_close(session->xmpp, "resource-constraint", "too many clients");
        return true; /* answered already, by the stream error */
    }
    session->client = client;
    log_info("%s: session from %s", bare, ip_addr_format(&session->address, address));
    return true;
}

static void
on_subscribe(void *user, xmpp_request_id id, const struct pubsub_request *request)
{
    struct session *session = user;
    int error = rib_subscribe(session->server->rib, session->client, request->node,
                              request->has_instance_id ? &request->instance_id : NULL);

    switch (-error) {
    case 0:
        log_debug("%s: subscribes to %s", name_of(session), request->node);
        xmpp_server_accept(session->xmpp, id);
        break;
    case ENOENT:
        xmpp_server_refuse(session->xmpp, id, "cancel", "item-not-found", NULL, "no such VPN");
        break;
    case ENOSPC:
        xmpp_server_refuse(session->xmpp, id, "wait", "policy-violation", "too-many-subscriptions",
                           "a limit of VPNs or of subscriptions is reached");
        break;
    default:
        xmpp_server_refuse(session->xmpp, id, "wait", "resource-constraint", NULL, NULL);
        break;
    }
}

static void
on_unsubscribe(void *user, xmpp_request_id id, const char *node)
{
    struct session *session = user;

    if (rib_unsubscribe(session->server->rib, session->client, node, clock_monotonic_ms()) == 0) {
        log_debug("%s: unsubscribes from %s", name_of(session), node);
        xmpp_server_accept(session->xmpp, id);
    } else {
        xmpp_server_refuse(session->xmpp, id, "cancel", "unexpected-request", "not-subscribed",
                           NULL);
    }
}

/* Of many refusals in one session the first are logged; counted is each. */
static void
on_refused(void *user, const char *node, const char *item_id, const char *why)
{
    struct session *session = user;

    if (session->refusals_logged < REFUSALS_LOGGED_MAX) {
        session->refusals_logged++;
        log_warning("%s: item %s of %s refused: %s", name_of(session), item_id, node, why);
        if (session->refusals_logged == REFUSALS_LOGGED_MAX)
            log_warning("%s: more refused items are only counted", name_of(session));
    }
}

static void
refuse_item(struct session *session, xmpp_request_id id, const char *node, const char *item_id,
            int error)
{
    static const struct {
        int error;
        const char *type, *condition, *detail, *text;
    } refusals[] = {
        { ENOENT, "cancel", "item-not-found", NULL, "no such VPN" },
        { EACCES, "auth", "forbidden", NULL, "subscribe to the VPN first" },
        { EINVAL, "modify", "bad-request", "invalid-payload",
          "the address of a next hop is not unicast" },
        { ENOSPC, "wait", "resource-constraint", NULL, "a limit of routes is reached" },
        { 0, "wait", "resource-constraint", NULL, "out of memory" },
    };
    size_t i = 0;

    while (refusals[i].error != 0 && refusals[i].error != -error)
        i++;
    on_refused(session, node, item_id, refusals[i].text);
    xmpp_server_refuse(session->xmpp, id, refusals[i].type, refusals[i].condition,
                       refusals[i].detail, refusals[i].text);
}

static void
on_publish(void *user, xmpp_request_id id, const char *node, const char *item_id,
           const struct route *route)
{
    struct session *session = user;
    int error = rib_publish(session->server->rib, session->client, node, item_id, route,
                            clock_monotonic_ms());

    if (error == 0)
        xmpp_server_accept(session->xmpp, id);
    else
        refuse_item(session, id, node, item_id, error);
}

static void
on_retract(void *user, xmpp_request_id id, const char *node, const char *item_id)
{
    struct session *session = user;

    if (rib_retract(session->server->rib, session->client, node, item_id, clock_monotonic_ms()) ==
        0)
        xmpp_server_accept(session->xmpp, id);
    else
        xmpp_server_refuse(session->xmpp, id, "cancel", "item-not-found", NULL, NULL);
}

static void
on_items(void *user, xmpp_request_id id, const char *node, const char *after, uint32_t max_items)
{
    struct session *session = user;

    if (rib_vrf_find(session->server->rib, node) == NULL)
        xmpp_server_refuse(session->xmpp, id, "cancel", "item-not-found", NULL, "no such VPN");
    else
        items_hold(session, id, node, after, max_items);
}

static void
on_ended(void *user, enum xmpp_end end, const char *why)
{
    struct session *session = user;

    /* Whoever never said who he is could fill the log. */
    log_write(session->client == NULL ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO, LOG_AREA,
              "%s: session ended: %s: %s", name_of(session), xmpp_end_text(end),
              why == NULL ? "" : why);
    session->server->counters.ended[end]++;
    let_go(session);
}

/* ---- Coming and going ---- */

void
session_free(struct session *session)
{
    let_go(session);
    LIST_REMOVE(session, link);
    session->server->n_sessions--;
    xmpp_transport_free(session->transport);
    xmpp_server_free(session->xmpp);
    event_free(session->pump);
    free(session);
}

static void
on_done(void *user)
{
    struct session *session = user;
    struct route_server *server = session->server;

    session_free(session);
    if (server->stopping && server->n_sessions == 0)
        event_base_loopbreak(server->base);
}

static int
open_session(struct route_server *server, int fd, const struct ip_addr *peer)
{
    static const struct xmpp_server_handlers handlers = {
        .bind = on_bind,
        .subscribe = on_subscribe,
        .unsubscribe = on_unsubscribe,
        .publish = on_publish,
        .retract = on_retract,
        .items = on_items,
        .refused = on_refused,
        .ended = on_ended,
    };
    struct xmpp_server_config config = XMPP_SERVER_CONFIG_DEFAULT;
    struct session *session = calloc(1, sizeof(*session));
    char address[IP_ADDR_TEXT_MAX];

    if (session == NULL) {
        close(fd);
        return -ENOMEM;
    }
    session->server = server;
    session->address = *peer;
    STAILQ_INIT(&session->held);
    config.session.output_max = OUTPUT_OCTETS_MAX;
    config.route_server = server->config->jid;
    config.peer_address = ip_addr_format(peer, address);
    config.identity = server->identity;
    config.needs_certificate = server->config->tls && server->config->client_certificates;
    session->pump = evtimer_new(server->base, on_pump, session);
    session->xmpp = xmpp_server_new(&config, &handlers, session);
    if (session->pump == NULL || session->xmpp == NULL) {
        close(fd);
        goto fail;
    }
    session->transport =
        xmpp_transport_accept(server->base, fd, xmpp_server_session(session->xmpp));
    if (session->transport == NULL)
        goto fail;
    xmpp_transport_set_done(session->transport, on_done, session);
    LIST_INSERT_HEAD(&server->sessions, session, link);
    server->n_sessions++;
    return 0;

fail:
    xmpp_server_free(session->xmpp);
    if (session->pump != NULL)
        event_free(session->pump);
    free(session);
    return -ENOMEM;
}

void
session_accept(void *user, int fd, const struct ip_addr *peer, uint16_t peer_port)
{
    struct route_server *server = user;
    char address[IP_ADDR_TEXT_MAX];

    (void)peer_port;
    if (server->n_sessions >= server->config->sessions_max) {
        server->counters.refused++;
        close(fd);
    } else if (open_session(server, fd, peer) == 0) {
        server->counters.accepted++;
    } else {
        log_warning("%s: no session: out of memory", ip_addr_format(peer, address));
    }
}
