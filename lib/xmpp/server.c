/* SPDX-License-Identifier: BSD-3-Clause */

/* The route server's side of a session: its life, and the dispatch of requests. */

#include "lib/xmpp/server_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Requests ---- */

/* The jid of a (un)subscribe: the client's own; that of the route server is printed there by
 * draft -05. */
static bool
is_valid_subscriber(const struct xmpp_server *server, const char *text)
{
    return jid_text_is_bare(text, &server->session.peer) ||
           jid_text_is_bare(text, &server->route_server);
}

static void
on_publish(struct xmpp_server *server, xmpp_request_id id, const struct pubsub_request *request)
{
    char why[DIALECT_WHY_MAX];
    struct route route;

    if (!server->dialect->read_entry(request->item, &route, why)) {
        server->session.counters.items_refused++;
        if (server->handlers.refused != NULL)
            server->handlers.refused(server->user, request->node, request->item_id, why);
        xmpp_server_refuse(server, id, "modify", "bad-request", "invalid-payload", why);
        return;
    }
    server->session.counters.items_in++;
    server->handlers.publish(server->user, id, request->node, request->item_id, &route);
}

static void
on_request(struct xmpp_server *server, const struct xmpp_element *iq,
           const struct pubsub_request *request)
{
    const struct xmpp_server_handlers *handlers = &server->handlers;
    xmpp_request_id id = server_requests_add(server, iq, request);

    if (id == 0) {
        session_refuse_iq(&server->session, iq, "wait", "resource-constraint", NULL,
                          "too many requests without an answer");
        return;
    }
    switch (request->action) {
    case PUBSUB_SUBSCRIBE:
    case PUBSUB_UNSUBSCRIBE:
        if (!is_valid_subscriber(server, request->jid))
            xmpp_server_refuse(server, id, "modify", "bad-request", "invalid-jid",
                               "the jid is not the client's own");
        else if (request->action == PUBSUB_SUBSCRIBE)
            handlers->subscribe(server->user, id, request);
        else
            handlers->unsubscribe(server->user, id, request->node);
        break;
    case PUBSUB_PUBLISH:
        on_publish(server, id, request);
        break;
    case PUBSUB_RETRACT:
        server->session.counters.retracts_in++;
        handlers->retract(server->user, id, request->node, request->item_id);
        break;
    case PUBSUB_ITEMS:
        handlers->items(server->user, id, request->node, request->after, request->max_items);
        break;
    }
}

/* Whether a stanza is for the route server: so addressed, or to its domain, or to nobody. */
static bool
is_for_us(const struct xmpp_server *server, const struct xmpp_element *stanza)
{
    const char *to = xmpp_element_attribute(stanza, "to");
    struct jid jid;

    if (to == NULL)
        return true;
    return jid_parse(to, &jid) == 0 && strcmp(jid.domain, server->route_server.domain) == 0 &&
           (jid.local[0] == '\0' || strcmp(jid.local, server->route_server.local) == 0);
}

static void
on_asking_iq(struct xmpp_server *server, const struct xmpp_element *iq)
{
    struct pubsub_request request;
    struct pubsub_refusal refusal;

    if (!is_for_us(server, iq) || xmpp_element_child(iq, NS_PUBSUB, "pubsub") == NULL)
        session_refuse_iq(&server->session, iq, "cancel", "service-unavailable", NULL, NULL);
    else if (!pubsub_read_request(iq, &request, &refusal))
        session_refuse_iq(&server->session, iq, refusal.type, refusal.condition, refusal.detail,
                          refusal.text);
    else
        on_request(server, iq, &request);
}

static void
on_iq(struct xmpp_server *server, const struct xmpp_element *iq)
{
    const char *type = xmpp_element_attribute(iq, "type");
    bool answer = type != NULL && (strcmp(type, "result") == 0 || strcmp(type, "error") == 0);

    if (answer || xmpp_element_attribute(iq, "id") == NULL)
        server->session.counters.stanzas_ignored++;
    else if (session_iq_asks(iq))
        on_asking_iq(server, iq);
    else
        session_refuse_iq(&server->session, iq, "modify", "bad-request", NULL,
                          "the type of an iq is get, set, result or error");
}

static void
on_stanza(void *role, const struct xmpp_element *stanza)
{
    struct xmpp_server *server = role;
    const char *from = xmpp_element_attribute(stanza, "from");

    if (!server->session.ready)
        server_open_stanza(server, stanza);
    else if (from != NULL && !jid_text_is_bare(from, &server->session.peer))
        session_end(&server->session, XMPP_END_VIOLATION, "invalid-from",
                    "a stanza from somebody else");
    else if (xmpp_element_is(stanza, NS_CLIENT, "iq"))
        on_iq(server, stanza);
    else
        server->session.counters.stanzas_ignored++; /* presence, messages */
}

static void
on_tick(void *role)
{
    xmpp_server_flush(role);
}

static void
on_ended(void *role)
{
    struct xmpp_server *server = role;

    server_requests_clear(server);
    if (server->handlers.ended != NULL)
        server->handlers.ended(server->user, server->session.end, server->session.why);
}

static void
destroy(void *role)
{
    struct xmpp_server *server = role;

    server_requests_clear(server);
    xml_writer_clear(&server->message);
    session_clear(&server->session);
    tls_identity_release(server->identity);
    free(server);
}

/* ---- For the user ---- */

static int
set_addresses(struct xmpp_server *server, const struct xmpp_server_config *config)
{
    char local[JID_PART_MAX];
    struct jid *own = &server->route_server;

    if (jid_parse(config->route_server != NULL ? config->route_server : JID_ROUTE_SERVER_DEFAULT,
                  own) != 0)
        return -EINVAL;
    /* RFC 7622 has no colon in a local part. */
    snprintf(local, sizeof(local), "%s", config->peer_address);
    for (char *c = local; *c != '\0'; c++) {
        if (*c == ':')
            *c = '-';
    }
    server->session.own = *own;
    jid_format_bare(own, server->own);
    return jid_make(local, own->domain, NULL, &server->session.peer);
}

struct xmpp_server *
xmpp_server_new(const struct xmpp_server_config *config,
                const struct xmpp_server_handlers *handlers, void *user)
{
    static const struct session_role role = { server_open_connected,
                                              server_open_write_header,
                                              server_open_header,
                                              on_stanza,
                                              on_tick,
                                              on_ended,
                                              destroy };
    struct xmpp_server *server = calloc(1, sizeof(*server));
    int error;

    if (server == NULL)
        return NULL;
    server->handlers = *handlers;
    server->user = user;
    server->dialect = config->dialect;
    server->requests_max = config->requests_max;
    server->message_octets = config->message_octets;
    /* Beyond the bound there is at most one item, and the end of the message. */
    xml_writer_init(&server->message, config->message_octets + SERVER_ITEM_OCTETS_MAX);
    error = session_init(&server->session, &config->session, &role, server);
    if (error == 0) {
        error = set_addresses(server, config);
        if (error != 0)
            session_clear(&server->session);
    }
    if (error != 0) {
        free(server);
        errno = -error;
        return NULL;
    }
    server->identity = tls_identity_hold(config->identity);
    server->needs_certificate = config->needs_certificate;
    return server;
}

void
xmpp_server_free(struct xmpp_server *server)
{
    if (server != NULL)
        session_doom(&server->session);
}

struct xmpp_session *
xmpp_server_session(struct xmpp_server *server)
{
    return &server->session;
}

void
xmpp_server_close(struct xmpp_server *server, const char *condition, const char *text)
{
    xmpp_server_flush(server);
    session_end(&server->session, XMPP_END_LOCAL, condition, text != NULL ? text : "");
}
