/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* The inside of the client, shared by the files client*.c. */

#include "lib/xmpp/client.h"
#include "lib/xmpp/client_requests.h"
#include "lib/xmpp/session_role.h"

enum client_state {
    WAIT_HEADER,
    WAIT_FEATURES,
    WAIT_PROCEED, /* STARTTLS was asked for */
    WAIT_SUCCESS, /* authentication was */
    WAIT_BIND,
    READY
};

struct xmpp_client {
    struct xmpp_session session;
    struct client_requests requests;
    struct xmpp_client_handlers handlers;
    void *user;
    const struct dialect *dialect;
    enum xmpp_tls tls;
    struct tls_identity *identity;
    char *certificate_name;
    uint32_t request_timeout_ms;
    struct jid wanted;       /* what we would like to be called */
    struct jid domain;       /* the stream's */
    struct jid route_server; /* whom we listen to */
    char own[JID_TEXT_MAX];
    char to[JID_TEXT_MAX]; /* the route server's address as text */
    enum client_state state;
    char bind_id[XMPP_ID_MAX];
};

/** Before the session is bound: the connection or TLS stands, a header or a stanza came; and our
 * own header. Of the role. */
void client_open_connected(void *role);
void client_open_write_header(void *role, struct xml_writer *writer);
void client_open_header(void *role, const struct xmpp_element *header);
void client_open_stanza(struct xmpp_client *client, const struct xmpp_element *stanza);

/** An iq came in a bound session. */
void client_on_iq(struct xmpp_client *client, const struct xmpp_element *iq);

/** A message came in a bound session. */
void client_on_message(struct xmpp_client *client, const struct xmpp_element *message);
