/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * What a route server sends: answers, pages of items, notifications. Notifications and pages are
 * put together in a buffer of their own, so that a ping or an answer never falls into the middle of
 * one; whatever is sent first closes an open notification, so that order is kept.
 */

#include <stdio.h>
#include <string.h>

#include "lib/xmpp/server_private.h"

/* Moves the finished message into the output queue. */
static void
send_message(struct xmpp_server *server)
{
    size_t mark;
    struct xml_writer *writer = session_begin(&server->session, &mark);

    xml_write_octets(writer, server->message.data, xml_writer_pending(&server->message));
    if (server->message.full)
        writer->full = true; /* out of memory: nothing may be lost in silence */
    session_commit(&server->session, mark);
    xml_writer_rewind(&server->message, 0);
    xml_writer_consume(&server->message, 0);
    server->open = MESSAGE_NONE;
}

void
xmpp_server_flush(struct xmpp_server *server)
{
    if (server->open != MESSAGE_ITEMS && server->open != MESSAGE_RETRACTS)
        return;
    pubsub_end_event(&server->message);
    send_message(server);
}

/* ---- Notifications ---- */

/* Makes sure that a notification of this kind and node is open and has room. */
static bool
open_event(struct xmpp_server *server, const char *node, enum server_message kind)
{
    if (!server->session.ready || server->open == MESSAGE_PAGE)
        return false;
    if (server->open != MESSAGE_NONE &&
        (server->open != kind || strcmp(server->node, node) != 0 ||
         xml_writer_pending(&server->message) >= server->message_octets))
        xmpp_server_flush(server);
    if (server->open == MESSAGE_NONE) {
        snprintf(server->node, sizeof(server->node), "%s", node);
        pubsub_begin_event(&server->message, server->own, server->peer, node);
        server->open = kind;
    }
    return true;
}

void
xmpp_server_notify_item(struct xmpp_server *server, const char *node, const char *item_id,
                        const struct route *route)
{
    if (open_event(server, node, MESSAGE_ITEMS))
        pubsub_write_item(&server->message, server->dialect, item_id, route);
}

void
xmpp_server_notify_retract(struct xmpp_server *server, const char *node, const char *item_id)
{
    if (open_event(server, node, MESSAGE_RETRACTS))
        pubsub_write_retract(&server->message, item_id);
}

size_t
xmpp_server_output_pending(const struct xmpp_server *server)
{
    return xml_writer_pending(&server->session.output) + xml_writer_pending(&server->message);
}

/* ---- Answers ---- */

/* `from` of an answer: whom the client asked (RFC 6120 section 8.1.2.1). */
static const char *
answer_from(const struct xmpp_server *server, const struct server_request *request)
{
    return request->to != NULL ? request->to : server->own;
}

void
xmpp_server_accept(struct xmpp_server *server, xmpp_request_id id)
{
    struct server_request *request = server_requests_find(server, id);
    size_t mark;

    if (request == NULL)
        return;
    xmpp_server_flush(server);
    struct xml_writer *writer = session_begin(&server->session, &mark);
    if (request->action == PUBSUB_SUBSCRIBE)
        pubsub_write_subscribed(writer, request->iq_id, answer_from(server, request), server->peer,
                                request->node, request->subject);
    else
        xmpp_write_result(writer, request->iq_id, answer_from(server, request), server->peer);
    session_commit(&server->session, mark);
    server_requests_remove(server, request);
}

void
xmpp_server_refuse(struct xmpp_server *server, xmpp_request_id id, const char *type,
                   const char *condition, const char *detail, const char *text)
{
    struct server_request *request = server_requests_find(server, id);
    struct pubsub_refusal refusal = { .type = type, .condition = condition, .detail = detail };
    size_t mark;

    if (request == NULL)
        return;
    xmpp_server_flush(server);
    snprintf(refusal.text, sizeof(refusal.text), "%s", text != NULL ? text : "");
    xmpp_write_error(session_begin(&server->session, &mark), request->iq_id,
                     answer_from(server, request), server->peer, &refusal);
    session_commit(&server->session, mark);
    server_requests_remove(server, request);
}

void
xmpp_server_items_begin(struct xmpp_server *server, xmpp_request_id id)
{
    const struct server_request *request = server_requests_find(server, id);

    if (request == NULL || server->open == MESSAGE_PAGE)
        return;
    xmpp_server_flush(server);
    pubsub_begin_items(&server->message, request->iq_id, answer_from(server, request), server->peer,
                       request->node);
    server->open = MESSAGE_PAGE;
    server->page = id;
    server->page_items = 0;
}

bool
xmpp_server_items_add(struct xmpp_server *server, const char *item_id, const struct route *route)
{
    if (server->open != MESSAGE_PAGE ||
        (server->page_items > 0 && xml_writer_pending(&server->message) >= server->message_octets))
        return false;
    pubsub_write_item(&server->message, server->dialect, item_id, route);
    if (server->page_items++ == 0)
        snprintf(server->first, sizeof(server->first), "%s", item_id);
    snprintf(server->last, sizeof(server->last), "%s", item_id);
    return true;
}

void
xmpp_server_items_end(struct xmpp_server *server, uint32_t first_index, uint32_t total)
{
    struct server_request *request = server_requests_find(server, server->page);

    if (server->open != MESSAGE_PAGE)
        return;
    pubsub_end_items(&server->message, server->page_items > 0 ? server->first : NULL, server->last,
                     first_index, total);
    send_message(server);
    if (request != NULL)
        server_requests_remove(server, request);
}
