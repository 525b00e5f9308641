/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The running route server: its event loop, its sessions, its memory (rib.h). One thread.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "control/routeserver/config.h"
#include "control/routeserver/rib.h"
#include "lib/xmpp/server.h"

struct event;
struct event_base;
struct rpc_server;
struct xmpp_listener;
struct xmpp_transport;

/* A request for a node's items that has to wait: until the server is in sync, and until the client
 * has been told of every change and reads. */
struct held_items {
    STAILQ_ENTRY(held_items) link;
    xmpp_request_id id;
    uint32_t max_items;
    bool has_after;
    struct ip_prefix after;
    char node[RIB_VPN_NAME_MAX];
};

struct session {
    LIST_ENTRY(session) link;
    struct route_server *server;
    struct xmpp_server *xmpp;
    struct xmpp_transport *transport;
    struct rib_client *client; /* NULL before it is bound and after it has ended */
    struct ip_addr address;
    struct event *pump; /* tells the client what it has to be told */
    STAILQ_HEAD(, held_items) held;
    unsigned refusals_logged;
    bool overrun; /* to be closed: reads too slowly */
};

struct session_counters {
    uint64_t accepted;
    uint64_t refused;  /* too many sessions */
    uint64_t replaced; /* the same client connected again */
    uint64_t ended[XMPP_END_COUNT];
    uint64_t held; /* items requests that waited for the deferral */
};

struct route_server {
    struct event_base *base;
    const struct rs_config *config;
    struct rib *rib;
    struct rpc_server *rpc;
    struct tls_identity *identity; /* of sessions that begin; NULL: they are plain text */
    struct xmpp_listener *listeners[RS_LISTEN_MAX];
    struct event *second, *in_sync, *purge_more, *stop_anyway;
    struct session_counters counters;
    LIST_HEAD(, session) sessions;
    unsigned n_sessions;
    bool is_in_sync; /* the deferral is over: items requests are answered */
    uint64_t last_tick;
    bool stopping;
};

/**
 * Starts: VPNs, listeners, control socket. `config` must outlive the server.
 * @return the server, or NULL with what failed in `error`.
 */
struct route_server *route_server_start(struct event_base *base, const struct rs_config *config,
                                        char error[RS_CONFIG_ERROR_MAX]);

/** Loads the certificates anew, for sessions that begin from now on.
 * @return 0, or -EINVAL with a text: those before stay in use. */
int route_server_load_certificates(struct route_server *server, char error[RS_CONFIG_ERROR_MAX]);

/** Closes every session in order; the loop is left when they have gone, 2 s later at most. */
void route_server_stop(struct route_server *server);

/** Closes whatever is open at once, and frees everything. */
void route_server_free(struct route_server *server);

/*
 * session.c
 */

/** A connection has come; takes the socket over. The `user` is the route server. */
void session_accept(void *user, int fd, const struct ip_addr *peer, uint16_t peer_port);

/** Goes on with what a session's client has to be told, in its own turn of the loop. */
void session_wake(struct session *session);

/** Ends a session with a stream error; its client has no session from now on. */
void session_close(struct session *session, const char *condition, const char *text);

/** Closes the socket and frees everything at once. */
void session_free(struct session *session);

/*
 * items.c
 */

/** Keeps a request until it can be answered. */
void items_hold(struct session *session, xmpp_request_id id, const char *node, const char *after,
                uint32_t max_items);

/** Answers what is held, page by page, while the client reads. @return true if some are left. */
bool items_answer(struct session *session);

/** Forgets what is held: the session ends. */
void items_drop(struct session *session);

/** Octets that wait for a client from which on it is told nothing more until it has read. */
#define SESSION_OUTPUT_HIGH (256u << 10)

/*
 * verbs.c
 */

/** Registers the verbs of millrace-rs (docs/control-socket.md). @return 0 or -ENOMEM. */
int route_server_add_verbs(struct route_server *server, struct rpc_server *rpc);
