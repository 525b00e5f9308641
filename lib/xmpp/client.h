/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The client side of one XMPP session (RFC 6120) with a route server: what a VPN forwarder needs
 * of draft-ietf-l3vpn-end-system. One object is one stream; after its end a new one is made.
 *
 *     connected → header → features → STARTTLS → SASL EXTERNAL → resource bind → ready →
 *     subscribe, publish, …
 *
 * With XMPP_TLS_REQUIRED nothing but STARTTLS is said in the clear, and the server's certificate
 * must be of a trusted chain and for the name that was configured; if the server asks for
 * authentication, our own certificate is offered. With XMPP_TLS_NONE, which the configuration must
 * ask for by name, the server must offer resource binding without either. Anything else ends the
 * session with a text that says so. One thread at a time; callbacks come from inside
 * xmpp_session_*().
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/xmpp/dialect.h"
#include "lib/xmpp/session.h"
#include "lib/xmpp/tls.h"

enum xmpp_tls { XMPP_TLS_REQUIRED, XMPP_TLS_NONE };

/** Strings are copied. */
struct xmpp_client_config {
    struct xmpp_session_config session;
    const struct dialect *dialect;
    enum xmpp_tls tls;
    struct tls_identity *identity; /* TLS: ours, and whom we trust; held by the client */
    const char *certificate_name;  /* TLS: of the server; NULL: `domain` */
    const char *domain;            /* of the stream; NULL: the domain of `route_server` */
    const char *route_server;      /* its JID; NULL: JID_ROUTE_SERVER_DEFAULT (C24) */
    const char *local_part;        /* our host name or infrastructure address (C23, D6) */
    const char *resource;          /* fixed per boot (D6) */
    uint32_t request_timeout_ms;
    unsigned requests_max; /* requests without an answer at a time */
};

#define XMPP_CLIENT_CONFIG_DEFAULT                                                    \
    {                                                                                 \
        .session = XMPP_SESSION_CONFIG_DEFAULT, .dialect = &dialect_draft,            \
        .tls = XMPP_TLS_REQUIRED, .request_timeout_ms = 30000, .requests_max = 65536, \
    }

enum xmpp_outcome {
    XMPP_DONE,      /* the server said yes */
    XMPP_REFUSED,   /* the server answered with an error */
    XMPP_TIMED_OUT, /* no answer in time; one that comes later is ignored */
    XMPP_ENDED      /* the session ended first */
};

/** The answer to a request. Strings are valid during the callback. */
struct xmpp_reply {
    enum xmpp_outcome outcome;
    const char *condition; /* refused: RFC 6120 condition, "item-not-found" …; else "" */
    const char *detail;    /* refused: XEP-0060 condition, "not-subscribed" …; else "" */
    const char *text;      /* for people; may be "" */
};

/** Called exactly once per request that was accepted. */
typedef void xmpp_reply_handler(void *context, const struct xmpp_reply *reply);

struct xmpp_client_handlers {
    /** The session is bound: requests may be made. `jid` is our full JID as the server gave it. */
    void (*ready)(void *user, const char *jid);
    /** The route server announces an item, or replaces it (same ItemID): by notification or in the
     * answer to xmpp_client_items(). ItemIDs are opaque (C37). */
    void (*item)(void *user, const char *node, const char *item_id, const struct route *route);
    /** The route server takes an item back. */
    void (*retract)(void *user, const char *node, const char *item_id);
    /** The route server dropped every item of the node. */
    void (*purge)(void *user, const char *node);
    /** An item could not be used (bad prefix, label …): to be logged. Counted already. If an item
     * of that ItemID stood before, it stands no more. */
    void (*refused)(void *user, const char *node, const char *item_id, const char *why);
    /** The session has ended; every open request has been answered with XMPP_ENDED. Called once,
     * and nothing after it. `why` is for people. */
    void (*ended)(void *user, enum xmpp_end end, const char *why);
};

struct xmpp_client;

/**
 * Makes a client that waits for xmpp_session_connected(). Any handler may be NULL.
 * @return the client, or NULL with errno: EINVAL (a JID part is not valid: C22), ENOMEM.
 */
struct xmpp_client *xmpp_client_new(const struct xmpp_client_config *config,
                                    const struct xmpp_client_handlers *handlers, void *user);

/** Frees the client, at any time, also from its own callbacks; calls nothing any more. A carrier
 * (transport.h) must be freed first. */
void xmpp_client_free(struct xmpp_client *client);

/** The TLS of the session as a text, "" if there is none. */
void xmpp_client_describe_tls(const struct xmpp_client *client, char *text, size_t size);

/** The session inside, for the carrier. It lives as long as the client. */
struct xmpp_session *xmpp_client_session(struct xmpp_client *client);

/** True between `ready` and `ended`. */
bool xmpp_client_is_ready(const struct xmpp_client *client);

/*
 * Requests. Each returns 0, or a negative errno and then calls nothing: -ENOTCONN (not ready),
 * -EINVAL (VPN identifier: C25; ItemID empty or too long), -ENOBUFS (requests_max). `reply` may be
 * NULL.
 */

/** Subscribes to a VPN. `instance_id`: C30, the same to every server; 0: none is sent. */
int xmpp_client_subscribe(struct xmpp_client *client, const char *node, uint16_t instance_id,
                          xmpp_reply_handler *reply, void *context);

/** Subscribes as an end system that talks to an external forwarder: VLAN 1-4094 (C31). */
int xmpp_client_subscribe_vlan(struct xmpp_client *client, const char *node, uint16_t vlan_id,
                               xmpp_reply_handler *reply, void *context);

/** Ends a subscription (XEP-0060 section 6.2). */
int xmpp_client_unsubscribe(struct xmpp_client *client, const char *node, xmpp_reply_handler *reply,
                            void *context);

/** Publishes a route, replacing what this node had under `item_id`. */
int xmpp_client_publish(struct xmpp_client *client, const char *node, const char *item_id,
                        const struct route *route, xmpp_reply_handler *reply, void *context);

/** Retracts what this node has under `item_id` (XEP-0060 section 7.2). */
int xmpp_client_retract(struct xmpp_client *client, const char *node, const char *item_id,
                        xmpp_reply_handler *reply, void *context);

/**
 * Asks for the items of a node; they come as `item` calls, page by page, then `reply`: done means
 * that the server is in sync and everything it has was announced (PROTOCOL: it may hold the answer
 * back). `timeout_ms` is for each page.
 */
int xmpp_client_items(struct xmpp_client *client, const char *node, uint32_t timeout_ms,
                      xmpp_reply_handler *reply, void *context);
