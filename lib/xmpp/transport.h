/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Carries a session over a non-blocking TCP socket in a libevent loop: at most 64 KiB are read per
 * turn, writes go out as the socket takes them, time ticks once a second, and a peer that does not
 * acknowledge is dropped by the kernel (TCP_USER_TIMEOUT). The only part of lib/xmpp that knows
 * sockets. The thread of the event loop only.
 */

#include <stdint.h>
#include <sys/socket.h>

#include "lib/net/addr.h"
#include "lib/xmpp/session.h"

struct event_base;
struct xmpp_transport;

#define XMPP_PORT_DEFAULT 5222

/**
 * Connects to `addr` and `port` (host order) and carries `session` (of a client), which hears of
 * everything, a refused or timed-out connection too, by its `ended` callback, never from inside
 * this call. `source` may be NULL.
 * @return the transport, or NULL with errno.
 */
struct xmpp_transport *xmpp_transport_connect(struct event_base *base, const struct ip_addr *addr,
                                              uint16_t port, const struct ip_addr *source,
                                              struct xmpp_session *session);

/** Carries `session` (of a server) over an accepted socket, which belongs to the transport from
 * now on, also on failure. @return the transport, or NULL with errno. */
struct xmpp_transport *xmpp_transport_accept(struct event_base *base, int fd,
                                             struct xmpp_session *session);

/**
 * Closes the socket, at any time, also from the session's callbacks. Octets not sent are lost: to
 * end in order call xmpp_session_close() and free on xmpp_transport_set_done()'s call.
 */
void xmpp_transport_free(struct xmpp_transport *transport);

/**
 * `done` is called once, from the loop, after the session has ended and its last octets were sent
 * or given up (2 s): the moment to free transport and session.
 */
void xmpp_transport_set_done(struct xmpp_transport *transport, void (*done)(void *user),
                             void *user);

/* ---- Listening ---- */

struct xmpp_listener;

/**
 * Listens on `addr` and `port` (0: any free port, see xmpp_listener_port()). `accepted` is given a
 * non-blocking socket that it owns, and the peer's address.
 * @return the listener, or NULL with errno.
 */
struct xmpp_listener *xmpp_listener_new(
    struct event_base *base, const struct ip_addr *addr, uint16_t port,
    void (*accepted)(void *user, int fd, const struct ip_addr *peer, uint16_t peer_port),
    void *user);
uint16_t xmpp_listener_port(const struct xmpp_listener *listener);
void xmpp_listener_free(struct xmpp_listener *listener);
