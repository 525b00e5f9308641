/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * TCP sockets from and to addresses, all non-blocking and closed on exec; for transport.c and
 * listener.c. Any thread.
 */

#include <stdint.h>
#include <sys/socket.h>

#include "lib/net/addr.h"

/** Begins to connect; once the socket is writable socket_error() tells how it went. `source` may be
 * NULL. @return the socket, or a negative errno. */
int socket_connect(const struct ip_addr *addr, uint16_t port, const struct ip_addr *source);

/** @return a listening socket or a negative errno. */
int socket_listen(const struct ip_addr *addr, uint16_t port);

/** @return an accepted socket or a negative errno. */
int socket_accept(int fd, struct ip_addr *peer, uint16_t *peer_port);

/** The port that a socket is bound to. */
uint16_t socket_local_port(int fd);

/** What became of a connect: 0 or a negative errno. */
int socket_error(int fd);

/** No delay for small stanzas; the kernel gives up on octets not acknowledged for so long. */
void socket_set_session_options(int fd, unsigned unacknowledged_ms);
