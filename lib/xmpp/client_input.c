/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * What comes to a bound client: notifications of the configured route server go to the user,
 * answers to their requests, questions get a polite no.
 */

#include "lib/xmpp/client_private.h"

#include <string.h>

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

void
client_on_message(struct xmpp_client *client, const struct xmpp_element *message)
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

void
client_on_iq(struct xmpp_client *client, const struct xmpp_element *iq)
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
