/* SPDX-License-Identifier: BSD-3-Clause */

/* A listening socket in the event loop. */

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/xmpp/socket.h"
#include "lib/xmpp/transport.h"

#define ACCEPTS_PER_TURN 16

struct xmpp_listener {
    int fd;
    struct event *readable;
    struct event *resume; /* after the descriptors ran out */
    void (*accepted)(void *user, int fd, const struct ip_addr *peer, uint16_t peer_port);
    void *user;
};

static void
on_readable(evutil_socket_t fd, short what, void *user)
{
    static const struct timeval pause = { 1, 0 };
    struct xmpp_listener *listener = user;
    (void)what;

    for (unsigned i = 0; i < ACCEPTS_PER_TURN; i++) {
        struct ip_addr peer;
        uint16_t port;
        int accepted = socket_accept(fd, &peer, &port);

        if (accepted >= 0) {
            listener->accepted(listener->user, accepted, &peer, port);
        } else if (accepted == -EMFILE || accepted == -ENFILE || accepted == -ENOBUFS ||
                   accepted == -ENOMEM) {
            /* The connection stays in the queue and the socket readable: do not spin. */
            event_del(listener->readable);
            event_add(listener->resume, &pause);
            return;
        } else if (accepted == -EAGAIN) {
            return;
        }
    }
}

static void
on_resume(evutil_socket_t fd, short what, void *user)
{
    struct xmpp_listener *listener = user;
    (void)fd, (void)what;

    event_add(listener->readable, NULL);
}

struct xmpp_listener *
xmpp_listener_new(struct event_base *base, const struct ip_addr *addr, uint16_t port,
                  void (*accepted)(void *user, int fd, const struct ip_addr *peer,
                                   uint16_t peer_port),
                  void *user)
{
    struct xmpp_listener *listener = calloc(1, sizeof(*listener));

    if (listener == NULL)
        return NULL;
    listener->accepted = accepted;
    listener->user = user;
    listener->fd = socket_listen(addr, port);
    if (listener->fd < 0) {
        int error = -listener->fd;

        free(listener);
        errno = error;
        return NULL;
    }
    listener->readable = event_new(base, listener->fd, EV_READ | EV_PERSIST, on_readable, listener);
    listener->resume = event_new(base, -1, 0, on_resume, listener);
    if (listener->readable == NULL || listener->resume == NULL ||
        event_add(listener->readable, NULL) != 0) {
        xmpp_listener_free(listener);
        errno = ENOMEM;
        return NULL;
    }
    return listener;
}

uint16_t
xmpp_listener_port(const struct xmpp_listener *listener)
{
    return socket_local_port(listener->fd);
}

void
xmpp_listener_free(struct xmpp_listener *listener)
{
    if (listener == NULL)
        return;
    if (listener->readable != NULL)
        event_free(listener->readable);
    if (listener->resume != NULL)
        event_free(listener->resume);
    close(listener->fd);
    free(listener);
}
