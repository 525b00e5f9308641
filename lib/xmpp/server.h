/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The route server's side of one accepted session: stream, TLS, authentication by certificate (SASL
 * EXTERNAL), resource binding, pubsub requests in, answers and notifications out. What the requests
 * mean is the user's business; it answers at once or later. No socket, no clock. One thread at a
 * time; callbacks come from inside xmpp_session_*().
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/xmpp/jid.h"
#include "lib/xmpp/pubsub.h"
#include "lib/xmpp/session.h"
#include "lib/xmpp/tls.h"

/** Strings are copied. */
struct xmpp_server_config {
    struct xmpp_session_config session;
    const struct dialect *dialect;
    const char *route_server; /* our JID; NULL: JID_ROUTE_SERVER_DEFAULT; its domain is served */
    struct tls_identity *identity; /* required of everybody; NULL: TLS is not offered */
    bool needs_certificate;        /* TLS: a client must authenticate with one */
    const char *peer_address;      /* local part of a client that names none: its address as text */
    unsigned requests_max; /* requests not yet answered at a time; beyond: resource-constraint */
    size_t message_octets; /* a notification or page is closed when it has grown to this */
};

#define XMPP_SERVER_CONFIG_DEFAULT                                                               \
    {                                                                                            \
        .session = XMPP_SESSION_CONFIG_DEFAULT, .dialect = &dialect_draft, .requests_max = 4096, \
        .message_octets = 32768,                                                                 \
    }

/** Names a request until it has been answered; never 0. */
typedef uint32_t xmpp_request_id;

/**
 * Strings and routes are valid during the call. Every request has to be answered once, during the
 * call or later, with one of the functions below. `bind`, `refused` and `ended` may be NULL.
 */
struct xmpp_server_handlers {
    /**
     * A client wants to be bound as `jid` (valid, of our domain). @return true to accept: the user
     * has made sure that it is unique (C22), perhaps by closing an older session; false to refuse
     * with `conflict`.
     */
    bool (*bind)(void *user, const struct jid *jid);
    /** `request->instance_id`, `has_instance_id`, `vlan_id` as in pubsub.h. */
    void (*subscribe)(void *user, xmpp_request_id id, const struct pubsub_request *request);
    void (*unsubscribe)(void *user, xmpp_request_id id, const char *node);
    void (*publish)(void *user, xmpp_request_id id, const char *node, const char *item_id,
                    const struct route *route);
    void (*retract)(void *user, xmpp_request_id id, const char *node, const char *item_id);
    /** The answer may be held back until in sync. `after` NULL: from the first item; else those
     * behind that ItemID. `max_items` 0: no bound. */
    void (*items)(void *user, xmpp_request_id id, const char *node, const char *after,
                  uint32_t max_items);
    /** A published item was refused with an error already, and counted: to be logged. */
    void (*refused)(void *user, const char *node, const char *item_id, const char *why);
    /** The session has ended; requests not answered are forgotten. Called once, nothing after. */
    void (*ended)(void *user, enum xmpp_end end, const char *why);
};

struct xmpp_server;

/** @return a session that waits for a client's header, or NULL with errno: EINVAL, ENOMEM. */
struct xmpp_server *xmpp_server_new(const struct xmpp_server_config *config,
                                    const struct xmpp_server_handlers *handlers, void *user);

/** Frees it, at any time, also from its own callbacks; calls nothing any more. A carrier
 * (transport.h) must be freed first. */
void xmpp_server_free(struct xmpp_server *server);

/** Its session, for the carrier. Borrowed. */
struct xmpp_session *xmpp_server_session(struct xmpp_server *server);

/** Ends the session with a stream error: "conflict", "system-shutdown", "policy-violation" …;
 * text for people or NULL. */
void xmpp_server_close(struct xmpp_server *server, const char *condition, const char *text);

/*
 * Answers. A request_id that is not (or no longer) open is ignored.
 */

/** Yes: the result that fits the request (subscribe: state "subscribed"). */
void xmpp_server_accept(struct xmpp_server *server, xmpp_request_id id);

/** No: type "cancel", "modify", "auth" or "wait"; RFC 6120 condition; XEP-0060 condition or NULL;
 * text for people or NULL. */
void xmpp_server_refuse(struct xmpp_server *server, xmpp_request_id id, const char *type,
                        const char *condition, const char *detail, const char *text);

/**
 * The answer to an items request: begin, add one by one, end; nothing else between. `add` returns
 * false when the page is full: the item was not added, the client asks again with `after`.
 * `first_index` is the position of the first item added, `total` how many the node has.
 */
void xmpp_server_items_begin(struct xmpp_server *server, xmpp_request_id id);
bool xmpp_server_items_add(struct xmpp_server *server, const char *item_id,
                           const struct route *route);
void xmpp_server_items_end(struct xmpp_server *server, uint32_t first_index, uint32_t total);

/*
 * Notifications. Consecutive ones of a node share a message up to `message_octets`;
 * xmpp_server_flush() closes what is open: to be called when a batch is done (answers do it, too).
 */
void xmpp_server_notify_item(struct xmpp_server *server, const char *node, const char *item_id,
                             const struct route *route);
void xmpp_server_notify_retract(struct xmpp_server *server, const char *node, const char *item_id);
void xmpp_server_flush(struct xmpp_server *server);

/** Octets that wait for this client: the user may pause a bulk delivery while they are many. */
size_t xmpp_server_output_pending(const struct xmpp_server *server);
