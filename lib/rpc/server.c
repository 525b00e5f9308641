/* SPDX-License-Identifier: BSD-3-Clause */

/* The control socket: who may connect, how much a client may have outstanding, and when it is
 * closed. What its lines mean is dispatch.c's. */

#include "lib/rpc/server.h"

#include <errno.h>
#include <grp.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

#include "lib/rpc/dispatch.h"

#define LOG_AREA "rpc"
#include "lib/base/log.h"

#define LINES_PER_TURN    16           /* of one client, then the event loop's turn */
#define OUTPUT_PAUSE      (256u << 10) /* unread answers beyond this stop the reading */
#define READER_PATIENCE_S 30
#define ACCEPT_PAUSE_S    1 /* out of descriptors: try again after this */
#define PEER_GROUPS_MAX   256
#define LISTEN_BACKLOG    16
#define NO_GROUP          ((gid_t)-1)

struct connection {
    struct rpc_peer peer;
    struct rpc_server *server;
    struct bufferevent *stream;
    struct event *turn; /* goes on with what is buffered, or closes */
    bool ended;         /* the client will send nothing more */
    bool broken;        /* close without sending the rest */
    LIST_ENTRY(connection) link;
};

struct rpc_server {
    struct rpc_dispatcher dispatcher;
    struct event_base *base;
    struct evconnlistener *listener;
    struct event *accept_again;
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
    gid_t group;
    unsigned n_connections;
    LIST_HEAD(, connection) connections;
};

struct rpc_server *
rpc_server_new(struct event_base *base, const struct rpc_limits *limits)
{
    struct rpc_server *server = calloc(1, sizeof(*server));

    if (server == NULL)
        return NULL;
    server->base = base;
    server->group = NO_GROUP;
    server->dispatcher.limits = *limits;
    LIST_INIT(&server->connections);
    return server;
}

int
rpc_server_add(struct rpc_server *server, const struct rpc_verb *verbs, size_t n, void *context)
{
    return rpc_dispatcher_add(&server->dispatcher, verbs, n, context);
}

const struct rpc_counters *
rpc_server_counters(const struct rpc_server *server)
{
    return &server->dispatcher.counters;
}

static void
close_connection(struct connection *connection)
{
    LIST_REMOVE(connection, link);
    connection->server->n_connections--;
    rpc_peer_close(&connection->peer);
    event_free(connection->turn);
    bufferevent_free(connection->stream);
    free(connection);
}

/* Takes lines as far as the bounds allow, and closes what has come to its end. */
static void
proceed(struct connection *connection)
{
    static const struct timeval at_once = { 0, 0 };
    struct rpc_peer *peer = &connection->peer;
    struct evbuffer *input = bufferevent_get_input(connection->stream);
    struct evbuffer *output = bufferevent_get_output(connection->stream);
    bool more = false;

    if (!connection->broken && evbuffer_get_length(output) <= OUTPUT_PAUSE)
        more = rpc_peer_take(peer, input, LINES_PER_TURN);
    if (connection->broken) {
        close_connection(connection);
        return;
    }
    if (more) {
        event_add(connection->turn, &at_once);
        return;
    }
    if (peer->closing)
        bufferevent_disable(connection->stream, EV_READ);
    if (evbuffer_get_length(output) == 0 &&
        (peer->closing || (connection->ended && peer->n_pending == 0)))
        close_connection(connection);
}

static void
on_turn(evutil_socket_t fd, short events, void *context)
{
    (void)fd, (void)events;
    proceed(context);
}

static void
on_read_or_written(struct bufferevent *stream, void *context)
{
    (void)stream;
    proceed(context);
}

static void
on_event(struct bufferevent *stream, short events, void *context)
{
    struct connection *connection = context;

    (void)stream;
    if (events & BEV_EVENT_TIMEOUT) {
        connection->server->dispatcher.counters.slow_readers++;
        close_connection(connection);
    } else if (events & BEV_EVENT_ERROR) {
        close_connection(connection);
    } else if (events & BEV_EVENT_EOF) {
        connection->ended = true; /* it may still read answers: printf ... | socat */
        proceed(connection);
    }
}

/* May be called from inside a handler: so the connection is closed in its own turn. */
static void
send_answer(struct rpc_peer *peer, const char *line, size_t length)
{
    static const struct timeval at_once = { 0, 0 };
    struct connection *connection = (struct connection *)(void *)peer;
    struct evbuffer *output = bufferevent_get_output(connection->stream);
    size_t room = peer->dispatcher->limits.output_octets;

    if (connection->broken)
        return;
    if (length > room || evbuffer_get_length(output) > room - length ||
        bufferevent_write(connection->stream, line, length) != 0) {
        peer->dispatcher->counters.slow_readers++;
        peer->closing = true;
        connection->broken = true;
        event_add(connection->turn, &at_once);
    }
}

static bool
has_group(int fd, gid_t group)
{
    gid_t groups[PEER_GROUPS_MAX];
    socklen_t length = sizeof(groups);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &length) < 0)
        return false;
    for (size_t i = 0; i < length / sizeof(groups[0]); i++) {
        if (groups[i] == group)
            return true;
    }
    return false;
}

static bool
peer_is_allowed(const struct rpc_server *server, int fd)
{
    struct ucred peer;
    socklen_t length = sizeof(peer);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0)
        return false;
    if (peer.uid == 0 || peer.uid == geteuid())
        return true;
    return server->group != NO_GROUP && (peer.gid == server->group || has_group(fd, server->group));
}

static int
open_connection(struct rpc_server *server, int fd)
{
    static const struct timeval patience = { READER_PATIENCE_S, 0 };
    struct connection *connection = calloc(1, sizeof(*connection));

    if (connection == NULL)
        return -ENOMEM;
    connection->server = server;
    connection->stream = bufferevent_socket_new(server->base, fd, BEV_OPT_CLOSE_ON_FREE);
    connection->turn = event_new(server->base, -1, 0, on_turn, connection);
    if (connection->stream == NULL || connection->turn == NULL) {
        if (connection->turn != NULL)
            event_free(connection->turn);
        if (connection->stream != NULL) {
            bufferevent_setfd(connection->stream, -1); /* the caller closes it */
            bufferevent_free(connection->stream);
        }
        free(connection);
        return -ENOMEM;
    }
    rpc_peer_init(&connection->peer, &server->dispatcher, send_answer);
    bufferevent_setcb(connection->stream, on_read_or_written, on_read_or_written, on_event,
                      connection);
    bufferevent_setwatermark(connection->stream, EV_READ, 0,
                             server->dispatcher.limits.line_octets + 2);
    bufferevent_set_timeouts(connection->stream, NULL, &patience);
    bufferevent_enable(connection->stream, EV_READ | EV_WRITE);
    LIST_INSERT_HEAD(&server->connections, connection, link);
    server->n_connections++;
    return 0;
}

static void
on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address, int length,
          void *context)
{
    struct rpc_server *server = context;
    struct rpc_counters *counters = &server->dispatcher.counters;

    (void)listener, (void)address, (void)length;
    if (!peer_is_allowed(server, fd)) {
        counters->refused_peers++;
    } else if (server->n_connections >= server->dispatcher.limits.connections) {
        counters->refused_connections++;
    } else if (open_connection(server, fd) == 0) {
        counters->connections++;
        return;
    }
    close(fd);
}

static void
on_accept_again(evutil_socket_t fd, short events, void *context)
{
    struct rpc_server *server = context;

    (void)fd, (void)events;
    evconnlistener_enable(server->listener);
}

static void
on_accept_error(struct evconnlistener *listener, void *context)
{
    static const struct timeval pause = { ACCEPT_PAUSE_S, 0 };
    struct rpc_server *server = context;

    log_warning("accept: %s", strerror(errno));
    evconnlistener_disable(listener);
    event_add(server->accept_again, &pause);
}

/* Makes the directory of the path, as it is missing after a boot in /run. */
static int
make_directory(const char *path)
{
    char copy[sizeof(((struct sockaddr_un *)0)->sun_path)];

    strcpy(copy, path);
    return mkdir(dirname(copy), 0755) == 0 || errno == EEXIST ? 0 : -errno;
}

/* Makes the path free: removes a socket that nobody listens on. */
static int
clear_path(const struct sockaddr_un *address)
{
    struct stat status;
    int error = 0;

    if (lstat(address->sun_path, &status) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(status.st_mode))
        return -EEXIST;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN)
        error = -EADDRINUSE;
    else if (errno != ECONNREFUSED || unlink(address->sun_path) < 0)
        error = -errno;
    close(fd);
    return error;
}

static int
find_group(const char *name, gid_t *group)
{
    struct group entry, *found = NULL;
    char buffer[16384];

    if (getgrnam_r(name, &entry, buffer, sizeof(buffer), &found) != 0 || found == NULL)
        return -ENOENT;
    *group = found->gr_gid;
    return 0;
}

/* A bound socket with its final mode and group. */
static int
bind_socket(struct rpc_server *server, const struct sockaddr_un *address, mode_t mode)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -errno;
    mode_t mask = umask(0177);
    int error = bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? -errno : 0;
    umask(mask);
    if (error != 0) {
        close(fd);
        return error;
    }
    if ((server->group != NO_GROUP && chown(address->sun_path, (uid_t)-1, server->group) < 0) ||
        chmod(address->sun_path, mode) < 0) {
        error = -errno;
        unlink(address->sun_path);
        close(fd);
        return error;
    }
    return fd;
}

int
rpc_server_listen(struct rpc_server *server, const char *path, mode_t mode, const char *group)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int error;

    if (strlen(path) >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    strcpy(address.sun_path, path);
    if (group != NULL && (error = find_group(group, &server->group)) != 0)
        return error;
    if ((error = make_directory(path)) != 0 || (error = clear_path(&address)) != 0)
        return error;

    int fd = bind_socket(server, &address, mode);
    if (fd < 0)
        return fd;
    signal(SIGPIPE, SIG_IGN); /* a client that goes while it is answered is an error of write(2) */
    server->accept_again = evtimer_new(server->base, on_accept_again, server);
    server->listener =
        evconnlistener_new(server->base, on_accept, server,
                           LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, LISTEN_BACKLOG, fd);
    if (server->accept_again == NULL || server->listener == NULL) {
        if (server->listener == NULL)
            close(fd);
        unlink(path);
        return -ENOMEM;
    }
    evconnlistener_set_error_cb(server->listener, on_accept_error);
    strcpy(server->path, path);
    return 0;
}

void
rpc_server_free(struct rpc_server *server)
{
    struct connection *connection, *next;

    if (server == NULL)
        return;
    for (connection = LIST_FIRST(&server->connections); connection != NULL; connection = next) {
        struct evbuffer *output = bufferevent_get_output(connection->stream);

        next = LIST_NEXT(connection, link);
        bufferevent_disable(connection->stream, EV_READ | EV_WRITE);
        evbuffer_unfreeze(output, 1);
        evbuffer_write(output, bufferevent_getfd(connection->stream));
        close_connection(connection);
    }
    if (server->listener != NULL)
        evconnlistener_free(server->listener);
    if (server->accept_again != NULL)
        event_free(server->accept_again);
    if (server->path[0] != '\0')
        unlink(server->path);
    free(server->dispatcher.groups);
    free(server);
}
