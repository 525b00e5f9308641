/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * A session over a TCP socket. Everything that the session says comes out of four of its functions,
 * so this file only moves octets and time; the callbacks of the session may free the transport,
 * which is why every call into the session is followed by a look at `doomed`.
 */

#include "lib/xmpp/transport.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/xmpp/socket.h"

#define READ_OCTETS        65536              /* a turn: keeps a turn of the loop short */
#define WRITE_OCTETS       (4u * READ_OCTETS) /* a turn */
#define CONNECT_TIMEOUT_MS 10000
#define UNACKNOWLEDGED_MS  20000 /* TCP_USER_TIMEOUT */
#define LINGER_MS          2000  /* for the last octets and the peer's end */

struct xmpp_transport {
    struct xmpp_session *session;
    int fd;
    struct event *readable;
    struct event *writable;
    struct event *timer; /* every second */
    void (*done)(void *user);
    void *done_user;
    uint64_t connect_deadline; /* 0 once the connection stands */
    uint64_t linger_deadline;  /* 0 until the session has ended */
    bool broken;               /* the socket is of no more use */
    bool is_done;
    bool doomed; /* to be freed when the outermost call returns */
    unsigned inside;
};

static void
destroy(struct xmpp_transport *transport)
{
    struct event *events[] = { transport->readable, transport->writable, transport->timer };

    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        if (events[i] != NULL)
            event_free(events[i]);
    }
    if (transport->fd >= 0)
        close(transport->fd);
    free(transport);
}

static void
leave(struct xmpp_transport *transport)
{
    if (--transport->inside == 0 && transport->doomed)
        destroy(transport);
}

/* The session has something to say: arrange for the loop to come back. */
static void
on_wake(void *carrier)
{
    struct xmpp_transport *transport = carrier;

    if (transport->connect_deadline == 0 || xmpp_session_ended(transport->session))
        event_active(transport->writable, EV_WRITE, 0);
}

static void
break_off(struct xmpp_transport *transport, const char *why)
{
    transport->broken = true;
    event_del(transport->readable);
    event_del(transport->writable);
    xmpp_session_disconnected(transport->session, why);
}

static void
write_some(struct xmpp_transport *transport)
{
    size_t budget = WRITE_OCTETS, length;
    const char *octets;

    while (budget > 0 && (octets = xmpp_session_output(transport->session, &length), length > 0)) {
        ssize_t sent = send(transport->fd, octets, length < budget ? length : budget,
                            MSG_NOSIGNAL | MSG_DONTWAIT);

        if (sent < 0) {
            if (errno == EINTR)
                continue;
            if (errno != EAGAIN && errno != EWOULDBLOCK)
                break_off(transport, strerror(errno));
            break;
        }
        xmpp_session_sent(transport->session, (size_t)sent);
        budget -= (size_t)sent;
    }
}

/*
 * What is due after every event: ask for writability while octets wait; once the session has ended
 * see them off, tell the peer that no more come, and wait a little for its end, since closing a
 * socket with octets unread would take the last ones sent from the peer.
 */
static void
settle(struct xmpp_transport *transport)
{
    size_t waiting;

    if (transport->doomed)
        return;
    (void)xmpp_session_output(transport->session, &waiting);
    if (!xmpp_session_ended(transport->session)) {
        if (waiting > 0 && transport->connect_deadline == 0 && !transport->broken)
            event_add(transport->writable, NULL);
        return;
    }
    uint64_t now = clock_monotonic_ms();
    if (transport->linger_deadline == 0)
        transport->linger_deadline = now + LINGER_MS;
    if (transport->connect_deadline != 0 || now >= transport->linger_deadline)
        transport->broken = true;
    if (!transport->broken) {
        if (waiting > 0)
            event_add(transport->writable, NULL);
        else
            shutdown(transport->fd, SHUT_WR);
        return;
    }
    if (!transport->is_done) {
        transport->is_done = true;
        event_del(transport->readable);
        event_del(transport->writable);
        event_del(transport->timer);
        if (transport->done != NULL)
            transport->done(transport->done_user);
    }
}

/* The outcome of a connect that did not finish at once. True if the connection stands now. */
static bool
finish_connect(struct xmpp_transport *transport)
{
    int error = socket_error(transport->fd);

    if (error != 0) {
        break_off(transport, strerror(-error));
        return false;
    }
    transport->connect_deadline = 0;
    event_add(transport->readable, NULL);
    xmpp_session_connected(transport->session, clock_monotonic_ms());
    return !transport->doomed;
}

static void
on_writable(evutil_socket_t fd, short what, void *user)
{
    struct xmpp_transport *transport = user;
    (void)fd, (void)what;

    transport->inside++;
    if (transport->connect_deadline != 0 && !xmpp_session_ended(transport->session))
        (void)finish_connect(transport);
    if (!transport->doomed && !transport->broken && transport->connect_deadline == 0)
        write_some(transport);
    /* Lets the session tell of an end that came up outside of its own calls. */
    if (!transport->doomed)
        xmpp_session_tick(transport->session, clock_monotonic_ms());
    settle(transport);
    leave(transport);
}

static void
on_readable(evutil_socket_t fd, short what, void *user)
{
    struct xmpp_transport *transport = user;
    char octets[READ_OCTETS];
    (void)what;

    transport->inside++;
    ssize_t length = recv(fd, octets, sizeof(octets), MSG_DONTWAIT);
    if (length > 0)
        xmpp_session_input(transport->session, octets, (size_t)length, clock_monotonic_ms());
    else if (length == 0)
        break_off(transport, "the peer closed the connection");
    else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
        break_off(transport, strerror(errno));
    settle(transport);
    leave(transport);
}

static void
on_timer(evutil_socket_t fd, short what, void *user)
{
    struct xmpp_transport *transport = user;
    uint64_t now = clock_monotonic_ms();
    (void)fd, (void)what;

    transport->inside++;
    if (transport->connect_deadline != 0 && now >= transport->connect_deadline)
        break_off(transport, "no answer to the connection attempt");
    else
        xmpp_session_tick(transport->session, now);
    settle(transport);
    leave(transport);
}

/* Makes the transport around a socket, which it takes over. */
static struct xmpp_transport *
new_transport(struct event_base *base, int fd, struct xmpp_session *session)
{
    static const struct timeval second = { 1, 0 };
    struct xmpp_transport *transport = calloc(1, sizeof(*transport));

    if (transport == NULL) {
        close(fd);
        errno = ENOMEM;
        return NULL;
    }
    transport->session = session;
    transport->fd = fd;
    transport->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, transport);
    transport->writable = event_new(base, fd, EV_WRITE, on_writable, transport);
    transport->timer = event_new(base, -1, EV_PERSIST, on_timer, transport);
    if (transport->readable == NULL || transport->writable == NULL || transport->timer == NULL ||
        event_add(transport->timer, &second) != 0) {
        destroy(transport);
        errno = ENOMEM;
        return NULL;
    }
    socket_set_session_options(fd, UNACKNOWLEDGED_MS);
    return transport;
}

struct xmpp_transport *
xmpp_transport_connect(struct event_base *base, const struct ip_addr *addr, uint16_t port,
                       const struct ip_addr *source, struct xmpp_session *session)
{
    int fd = socket_connect(addr, port, source);

    if (fd < 0) {
        errno = -fd;
        return NULL;
    }
    struct xmpp_transport *transport = new_transport(base, fd, session);
    if (transport == NULL)
        return NULL;
    transport->connect_deadline = clock_monotonic_ms() + CONNECT_TIMEOUT_MS;
    event_add(transport->writable, NULL);
    xmpp_session_set_wake(session, on_wake, transport);
    return transport;
}

struct xmpp_transport *
xmpp_transport_accept(struct event_base *base, int fd, struct xmpp_session *session)
{
    struct xmpp_transport *transport = new_transport(base, fd, session);

    if (transport == NULL)
        return NULL;
    event_add(transport->readable, NULL);
    xmpp_session_set_wake(session, on_wake, transport);
    xmpp_session_connected(session, clock_monotonic_ms());
    return transport;
}

void
xmpp_transport_set_done(struct xmpp_transport *transport, void (*done)(void *user), void *user)
{
    transport->done = done;
    transport->done_user = user;
}

void
xmpp_transport_free(struct xmpp_transport *transport)
{
    if (transport == NULL || transport->doomed)
        return;
    transport->doomed = true;
    xmpp_session_set_wake(transport->session, NULL, NULL);
    if (transport->inside == 0)
        destroy(transport);
}
