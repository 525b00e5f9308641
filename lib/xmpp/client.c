/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The client's way through header, features and resource binding (RFC 6120 sections 4 and 7), and
 * then the dispatch of what comes: notifications of the configured route server to the user,
 * answers to their requests, questions to a polite no.
 */

#include "lib/xmpp/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/xmpp/client_requests.h"
#include "lib/xmpp/session_role.h"

enum client_state { WAIT_HEADER, WAIT_FEATURES, WAIT_BIND, READY };

struct xmpp_client {
    struct xmpp_session session;
    struct client_requests requests;
    struct xmpp_client_handlers handlers;
    void *user;
    const struct dialect *dialect;
    enum xmpp_tls tls;
    uint32_t request_timeout_ms;
    struct jid wanted;       /* what we would like to be called */
    struct jid domain;       /* the stream's */
    struct jid route_server; /* whom we listen to */
    char own[JID_TEXT_MAX];
    char to[JID_TEXT_MAX]; /* the route server's address as text */
    enum client_state state;
    char bind_id[XMPP_ID_MAX];
};

/* ---- The way to a bound session ---- */

static void
write_header(void *role, struct xml_writer *writer)
{
    struct xmpp_client *client = role;
    char from[JID_TEXT_MAX];

    xml_write(writer, "<?xml version='1.0'?><stream:stream");
    xml_write_attribute(writer, "from", jid_format_bare(&client->wanted, from));
    xml_write_attribute(writer, "to", client->domain.domain);
    xml_write(writer,
              " version='1.0' xml:lang='en' xmlns='" NS_CLIENT "' xmlns:stream='" NS_STREAM "'>");
    client->session.header_sent = true;
}

static void
on_connected(void *role)
{
    struct xmpp_client *client = role;
    size_t mark;

    if (client->tls != XMPP_TLS_NONE) {
        session_end(&client->session, XMPP_END_REFUSED, NULL,
                    "TLS is required by the configuration and not available");
        return;
    }
    write_header(client, session_begin(&client->session, &mark));
    session_commit(&client->session, mark);
}

static void
on_header(void *role, const struct xmpp_element *header)
{
    struct xmpp_client *client = role;
    (void)header;

    client->state = WAIT_FEATURES;
}

static void
refuse_terms(struct xmpp_client *client, const char *why)
{
    session_end(&client->session, XMPP_END_REFUSED, NULL, why);
}

static void
on_features(struct xmpp_client *client, const struct xmpp_element *features)
{
    const struct xmpp_element *tls = xmpp_element_child(features, NS_TLS, "starttls");
    size_t mark;

    if (tls != NULL && xmpp_element_child(tls, NS_TLS, "required") != NULL) {
        refuse_terms(client, "the server requires TLS, the configuration asks for plaintext");
        return;
    }
    if (xmpp_element_child(features, NS_BIND, "bind") == NULL) {
        refuse_terms(client, xmpp_element_child(features, NS_SASL, "mechanisms") != NULL
                                 ? "the server requires authentication (SASL) on this stream"
                                 : "the server offers no resource binding");
        return;
    }
    struct xml_writer *writer = session_begin(&client->session, &mark);
    session_make_id(client->bind_id);
    client->state = WAIT_BIND;
    xml_write(writer, "<iq type='set'");
    xml_write_attribute(writer, "id", client->bind_id);
    xml_write(writer, "><bind xmlns='" NS_BIND "'>");
    xml_write_leaf(writer, "resource", client->wanted.resource);
    xml_write(writer, "</bind></iq>");
    session_commit(&client->session, mark);
}

static void
on_bind_answer(struct xmpp_client *client, const struct xmpp_element *iq)
{
    const char *id = xmpp_element_attribute(iq, "id");
    const char *type = xmpp_element_attribute(iq, "type");

    if (id == NULL || type == NULL || strcmp(id, client->bind_id) != 0 || session_iq_asks(iq)) {
        client->session.counters.stanzas_ignored++;
        return;
    }
    if (strcmp(type, "result") != 0) {
        const char *condition, *detail, *text;
        char why[128];

        xmpp_read_error(iq, &condition, &detail, &text);
        snprintf(why, sizeof(why), "resource binding refused: %.32s %.64s", condition, text);
        refuse_terms(client, why);
        return;
    }
    const struct xmpp_element *bind = xmpp_element_child(iq, NS_BIND, "bind");
    const struct xmpp_element *jid = bind != NULL ? xmpp_element_child(bind, NS_BIND, "jid") : NULL;
    if (jid == NULL || jid_parse(jid->text, &client->session.own) != 0 ||
        client->session.own.resource[0] == '\0') {
        refuse_terms(client, "the server bound no valid JID");
        return;
    }
    jid_format(&client->session.own, client->own);
    client->session.peer = client->domain;
    client->session.ready = true;
    client->state = READY;
    if (client->handlers.ready != NULL)
        client->handlers.ready(client->user, client->own);
}

/* ---- Notifications and items, passed on while the session stands ---- */

static void
on_item(void *user, const char *node, const char *item_id, const struct route *route)
{
    struct xmpp_client *client = user;

    client->session.counters.items_in++;
    if (session_may_call(&client->session) && client->handlers.item != NULL)
        client->handlers.item(client->user, node, item_id, route);
}

static void
on_retract(void *user, const char *node, const char *item_id)
{
    struct xmpp_client *client = user;

    client->session.counters.retracts_in++;
    if (session_may_call(&client->session) && client->handlers.retract != NULL)
        client->handlers.retract(client->user, node, item_id);
}

static void
on_purge(void *user, const char *node)
{
    struct xmpp_client *client = user;

    if (session_may_call(&client->session) && client->handlers.purge != NULL)
        client->handlers.purge(client->user, node);
}

static void
on_refused(void *user, const char *node, const char *item_id, const char *why)
{
    struct xmpp_client *client = user;

    client->session.counters.items_refused++;
    if (session_may_call(&client->session) && client->handlers.refused != NULL)
        client->handlers.refused(client->user, node, item_id, why);
}

static const struct pubsub_visitor visitor = { on_item, on_retract, on_purge, on_refused };

/* ---- Dispatch ---- */

static bool
is_from_route_server(const struct xmpp_client *client, const struct xmpp_element *stanza)
{
    const char *from = xmpp_element_attribute(stanza, "from");

    return from != NULL &&
           (strcmp(from, client->to) == 0 || jid_text_is_bare(from, &client->route_server));
}

static void
on_message(struct xmpp_client *client, const struct xmpp_element *message)
{
    const char *type = xmpp_element_attribute(message, "type");

    if ((type != NULL && strcmp(type, "error") == 0) || !is_from_route_server(client, message) ||
        !pubsub_read_event(message, client->dialect, &visitor, client))
        client->session.counters.stanzas_ignored++;
}

/* Asks for the page behind `after`, or for the first. */
static void
ask_items(struct xmpp_client *client, struct client_request *request, const char *after)
{
    struct pubsub_request items = { .action = PUBSUB_ITEMS, .node = request->node, .after = after };
    size_t mark;

    request->deadline = client->session.now + request->timeout_ms;
    pubsub_write_request(session_begin(&client->session, &mark), client->dialect, request->id,
                         client->own, client->to, &items);
    session_commit(&client->session, mark);
}

/* A page of items. True if the request stays open: another page was asked for. */
static bool
on_items_page(struct xmpp_client *client, struct client_request *request,
              const struct xmpp_element *iq, struct xmpp_reply *reply)
{
    struct pubsub_page page;

    if (!pubsub_read_items(iq, client->dialect, request->node, &visitor, client, &page)) {
        reply->outcome = XMPP_REFUSED;
        reply->text = "the answer has no items of the node";
        return false;
    }
    if (!session_may_call(&client->session))
        return true; /* closed from a callback: the end will answer it */
    if (page.last == NULL)
        return false;
    if (!client_requests_renew(&client->requests, request, page.last)) {
        reply->outcome = XMPP_REFUSED;
        reply->text = "the pages of items do not go forward";
        return false;
    }
    ask_items(client, request, page.last);
    return true;
}

/* What the result of a subscribe says, beyond being one: "pending" and the like are no success. */
static void
on_subscribed(const struct xmpp_element *iq, struct xmpp_reply *reply)
{
    const struct xmpp_element *pubsub = xmpp_element_child(iq, NS_PUBSUB, "pubsub");
    const struct xmpp_element *subscription =
        pubsub != NULL ? xmpp_element_child(pubsub, NS_PUBSUB, "subscription") : NULL;
    const char *state =
        subscription != NULL ? xmpp_element_attribute(subscription, "subscription") : NULL;

    if (state != NULL && strcmp(state, "subscribed") != 0) {
        reply->outcome = XMPP_REFUSED;
        reply->text = "the subscription is pending or not configured";
    }
}

static void
on_answer(struct xmpp_client *client, const struct xmpp_element *iq, const char *id)
{
    struct client_request *request = client_requests_find(&client->requests, id);
    const char *type = xmpp_element_attribute(iq, "type");
    struct xmpp_reply reply = { XMPP_DONE, "", "", "" };

    if (request == NULL || !is_from_route_server(client, iq)) {
        client->session.counters.stanzas_ignored++;
        return;
    }
    if (strcmp(type, "error") == 0) {
        reply.outcome = XMPP_REFUSED;
        xmpp_read_error(iq, &reply.condition, &reply.detail, &reply.text);
    } else if (request->action == PUBSUB_SUBSCRIBE) {
        on_subscribed(iq, &reply);
    } else if (request->action == PUBSUB_ITEMS && on_items_page(client, request, iq, &reply)) {
        return;
    }
    client_requests_finish(&client->requests, request, client->session.doomed ? NULL : &reply);
}

static void
on_iq(struct xmpp_client *client, const struct xmpp_element *iq)
{
    const char *id = xmpp_element_attribute(iq, "id");
    const char *type = xmpp_element_attribute(iq, "type");

    if (id == NULL || type == NULL)
        client->session.counters.stanzas_ignored++;
    else if (session_iq_asks(iq))
        session_refuse_iq(&client->session, iq, "cancel", "service-unavailable", NULL, NULL);
    else if (strcmp(type, "result") == 0 || strcmp(type, "error") == 0)
        on_answer(client, iq, id);
    else
        session_refuse_iq(&client->session, iq, "modify", "bad-request", NULL, NULL);
}

static void
on_stanza(void *role, const struct xmpp_element *stanza)
{
    struct xmpp_client *client = role;
    bool iq = xmpp_element_is(stanza, NS_CLIENT, "iq");

    if (client->state == WAIT_FEATURES && xmpp_element_is(stanza, NS_STREAM, "features"))
        on_features(client, stanza);
    else if (client->state == WAIT_BIND && iq)
        on_bind_answer(client, stanza);
    else if (client->state == READY && iq)
        on_iq(client, stanza);
    else if (client->state == READY && xmpp_element_is(stanza, NS_CLIENT, "message"))
        on_message(client, stanza);
    else
        client->session.counters.stanzas_ignored++;
}

static void
on_tick(void *role)
{
    struct xmpp_client *client = role;

    client_requests_expire(&client->requests, client->session.now, &client->session.doomed);
}

static void
on_ended(void *role)
{
    struct xmpp_client *client = role;
    struct xmpp_session *session = &client->session;

    client_requests_end(&client->requests, session->why, &session->doomed);
    if (!session->doomed && client->handlers.ended != NULL)
        client->handlers.ended(client->user, session->end, session->why);
}

static void
destroy(void *role)
{
    struct xmpp_client *client = role;

    client_requests_clear(&client->requests);
    session_clear(&client->session);
    free(client);
}

/* ---- For the user ---- */

static int
set_addresses(struct xmpp_client *client, const struct xmpp_client_config *config)
{
    const char *route_server =
        config->route_server != NULL ? config->route_server : JID_ROUTE_SERVER_DEFAULT;

    if (jid_parse(route_server, &client->route_server) != 0 ||
        jid_make(NULL, config->domain != NULL ? config->domain : client->route_server.domain, NULL,
                 &client->domain) != 0 ||
        config->local_part == NULL || config->resource == NULL ||
        jid_make(config->local_part, client->domain.domain, config->resource, &client->wanted) != 0)
        return -EINVAL;
    jid_format(&client->route_server, client->to);
    return 0;
}

struct xmpp_client *
xmpp_client_new(const struct xmpp_client_config *config,
                const struct xmpp_client_handlers *handlers, void *user)
{
    static const struct session_role role = { on_connected, write_header, on_header, on_stanza,
                                              on_tick,      on_ended,     destroy };
    struct xmpp_client *client = calloc(1, sizeof(*client));
    int error;

    if (client == NULL)
        return NULL;
    client->handlers = *handlers;
    client->user = user;
    client->dialect = config->dialect;
    client->tls = config->tls;
    client->request_timeout_ms = config->request_timeout_ms;
    client_requests_init(&client->requests, config->requests_max);
    error = set_addresses(client, config);
    if (error == 0)
        error = session_init(&client->session, &config->session, &role, client);
    if (error != 0) {
        free(client);
        errno = -error;
        return NULL;
    }
    return client;
}

void
xmpp_client_free(struct xmpp_client *client)
{
    if (client != NULL)
        session_doom(&client->session);
}

struct xmpp_session *
xmpp_client_session(struct xmpp_client *client)
{
    return &client->session;
}

bool
xmpp_client_is_ready(const struct xmpp_client *client)
{
    return client->session.ready;
}

unsigned
xmpp_client_requests(const struct xmpp_client *client)
{
    return client_requests_count(&client->requests);
}

/* Notes the request and writes it, in the order of their coming. */
static int
ask(struct xmpp_client *client, struct pubsub_request *request, uint32_t timeout_ms,
    xmpp_reply_handler *reply, void *context)
{
    struct client_request *noted;
    size_t mark;
    int error;

    if (!vpn_name_is_valid(request->node))
        return -EINVAL;
    if (!client->session.ready)
        return -ENOTCONN;
    error = client_requests_add(&client->requests, request->action, request->node, reply, context,
                                &noted);
    if (error != 0)
        return error;
    noted->timeout_ms = timeout_ms;
    noted->deadline = client->session.now + timeout_ms;
    request->jid = client->own;
    pubsub_write_request(session_begin(&client->session, &mark), client->dialect, noted->id,
                         client->own, client->to, request);
    session_commit(&client->session, mark);
    return 0;
}

static bool
item_id_is_valid(const char *item_id)
{
    size_t length = strlen(item_id);

    return length > 0 && length <= ITEM_ID_MAX;
}

int
xmpp_client_subscribe(struct xmpp_client *client, const char *node, uint16_t instance_id,
                      xmpp_reply_handler *reply, void *context)
{
    struct pubsub_request request = { .action = PUBSUB_SUBSCRIBE,
                                      .node = node,
                                      .has_instance_id = true,
                                      .instance_id = instance_id };

    return ask(client, &request, client->request_timeout_ms, reply, context);
}

int
xmpp_client_subscribe_vlan(struct xmpp_client *client, const char *node, uint16_t vlan_id,
                           xmpp_reply_handler *reply, void *context)
{
    struct pubsub_request request = { .action = PUBSUB_SUBSCRIBE,
                                      .node = node,
                                      .vlan_id = vlan_id };

    if (vlan_id < 1 || vlan_id > 4094)
        return -EINVAL;
    return ask(client, &request, client->request_timeout_ms, reply, context);
}

int
xmpp_client_unsubscribe(struct xmpp_client *client, const char *node, xmpp_reply_handler *reply,
                        void *context)
{
    struct pubsub_request request = { .action = PUBSUB_UNSUBSCRIBE, .node = node };

    return ask(client, &request, client->request_timeout_ms, reply, context);
}

int
xmpp_client_publish(struct xmpp_client *client, const char *node, const char *item_id,
                    const struct route *route, xmpp_reply_handler *reply, void *context)
{
    struct pubsub_request request = {
        .action = PUBSUB_PUBLISH, .node = node, .item_id = item_id, .route = route
    };

    if (!item_id_is_valid(item_id))
        return -EINVAL;
    return ask(client, &request, client->request_timeout_ms, reply, context);
}

int
xmpp_client_retract(struct xmpp_client *client, const char *node, const char *item_id,
                    xmpp_reply_handler *reply, void *context)
{
    struct pubsub_request request = { .action = PUBSUB_RETRACT, .node = node, .item_id = item_id };

    if (!item_id_is_valid(item_id))
        return -EINVAL;
    return ask(client, &request, client->request_timeout_ms, reply, context);
}

int
xmpp_client_items(struct xmpp_client *client, const char *node, uint32_t timeout_ms,
                  xmpp_reply_handler *reply, void *context)
{
    struct pubsub_request request = { .action = PUBSUB_ITEMS, .node = node };

    return ask(client, &request, timeout_ms, reply, context);
}
