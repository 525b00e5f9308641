/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* The inside of the server side, shared by the files server*.c. */

#include "lib/base/hmap.h"
#include "lib/xmpp/server.h"
#include "lib/xmpp/session_role.h"

/* One item with every next hop, every octet of its ItemID escaped, and the mark-up around it. */
#define SERVER_ITEM_OCTETS_MAX 16384

struct server_request {
    struct hmap_node by_id;
    xmpp_request_id id;
    enum pubsub_action action;
    char *iq_id;   /* as the client gave it */
    char *to;      /* whom it asked, NULL if nobody: `from` of the answer */
    char *subject; /* subscribe: the jid in it */
    char node[VPN_NAME_MAX + 1];
};

enum server_message { MESSAGE_NONE, MESSAGE_ITEMS, MESSAGE_RETRACTS, MESSAGE_PAGE };

struct xmpp_server {
    struct xmpp_session session;
    struct xmpp_server_handlers handlers;
    void *user;
    const struct dialect *dialect;
    struct jid route_server;
    struct tls_identity *identity;
    bool needs_certificate;
    bool authenticated;      /* by its certificate: `session.peer` is who it is */
    char own[JID_TEXT_MAX];  /* the route server's address as text */
    char peer[JID_TEXT_MAX]; /* the client's full address, "" before it is bound */

    struct hmap requests; /* struct server_request */
    unsigned requests_max;
    xmpp_request_id last_request;

    /* The notification or page of items that is being put together. */
    size_t message_octets;
    struct xml_writer message;
    enum server_message open;
    char node[VPN_NAME_MAX + 1];
    xmpp_request_id page; /* MESSAGE_PAGE: the request that it answers */
    uint32_t page_items;
    char first[ITEM_ID_MAX + 1];
    char last[ITEM_ID_MAX + 1];
};

/** Before the session is bound: the connection or TLS stands, a header or a stanza came; and our
 * own header. Of the role. */
void server_open_connected(void *role);
void server_open_write_header(void *role, struct xml_writer *writer);
void server_open_header(void *role, const struct xmpp_element *header);
void server_open_stanza(struct xmpp_server *server, const struct xmpp_element *stanza);

/** Notes a request. @return its id, or 0: too many, or out of memory. */
xmpp_request_id server_requests_add(struct xmpp_server *server, const struct xmpp_element *iq,
                                    const struct pubsub_request *request);

/** @return the request, or NULL if it is not open. */
struct server_request *server_requests_find(const struct xmpp_server *server, xmpp_request_id id);

/** Forgets one that was answered, and frees it. */
void server_requests_remove(struct xmpp_server *server, struct server_request *request);

/** Forgets all: the session ends. */
void server_requests_clear(struct xmpp_server *server);
