/* SPDX-License-Identifier: BSD-3-Clause */

/* TCP sockets from and to addresses: see socket.h. */

#include "lib/xmpp/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

union socket_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static socklen_t
to_socket_address(union socket_address *to, const struct ip_addr *addr, uint16_t port)
{
    memset(to, 0, sizeof(*to));
    if (addr->family == IP_V6) {
        to->v6.sin6_family = AF_INET6;
        to->v6.sin6_port = htons(port);
        memcpy(&to->v6.sin6_addr, addr->octets, 16);
        return sizeof(to->v6);
    }
    to->v4.sin_family = AF_INET;
    to->v4.sin_port = htons(port);
    memcpy(&to->v4.sin_addr, addr->octets, 4);
    return sizeof(to->v4);
}

static void
from_socket_address(const union socket_address *from, struct ip_addr *addr, uint16_t *port)
{
    *addr = (struct ip_addr){ .family = IP_NONE };
    if (from->any.sa_family == AF_INET6) {
        addr->family = IP_V6;
        memcpy(addr->octets, &from->v6.sin6_addr, 16);
        *port = ntohs(from->v6.sin6_port);
    } else {
        addr->family = IP_V4;
        memcpy(addr->octets, &from->v4.sin_addr, 4);
        *port = ntohs(from->v4.sin_port);
    }
}

static int
open_socket(const struct ip_addr *addr)
{
    int fd = socket(addr->family == IP_V6 ? AF_INET6 : AF_INET,
                    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);

    return fd < 0 ? -errno : fd;
}

int
socket_connect(const struct ip_addr *addr, uint16_t port, const struct ip_addr *source)
{
    union socket_address to;
    int error;
    int fd = open_socket(addr);

    if (fd < 0)
        return fd;
    if (source != NULL) {
        socklen_t length = to_socket_address(&to, source, 0);

        if (bind(fd, &to.any, length) != 0)
            goto failed;
    }
    socklen_t length = to_socket_address(&to, addr, port);
    if (connect(fd, &to.any, length) != 0 && errno != EINPROGRESS)
        goto failed;
    return fd;

failed:
    error = -errno;
    close(fd);
    return error;
}

int
socket_listen(const struct ip_addr *addr, uint16_t port)
{
    static const int on = 1;
    union socket_address at;
    int error;
    int fd = open_socket(addr);

    if (fd < 0)
        return fd;
    socklen_t length = to_socket_address(&at, addr, port);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (addr->family == IP_V6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    if (bind(fd, &at.any, length) == 0 && listen(fd, SOMAXCONN) == 0)
        return fd;
    error = -errno;
    close(fd);
    return error;
}

int
socket_accept(int fd, struct ip_addr *peer, uint16_t *peer_port)
{
    union socket_address from;
    socklen_t length = sizeof(from);
    int accepted = accept4(fd, &from.any, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (accepted < 0)
        return -errno;
    from_socket_address(&from, peer, peer_port);
    return accepted;
}

uint16_t
socket_local_port(int fd)
{
    union socket_address at;
    socklen_t length = sizeof(at);
    struct ip_addr addr;
    uint16_t port = 0;

    if (getsockname(fd, &at.any, &length) == 0)
        from_socket_address(&at, &addr, &port);
    return port;
}

int
socket_error(int fd)
{
    int error = 0;
    socklen_t length = sizeof(error);

    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0)
        return -errno;
    return -error;
}

void
socket_set_session_options(int fd, unsigned unacknowledged_ms)
{
    static const int on = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged_ms, sizeof(unacknowledged_ms));
}
