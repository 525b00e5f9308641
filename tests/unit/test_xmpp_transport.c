/* SPDX-License-Identifier: BSD-3-Clause */

/* lib/xmpp/transport.h: sessions over loopback sockets. Nothing waits for time, only for events,
 * with a deadline. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/xmpp/client.h"
#include "lib/xmpp/server.h"
#include "lib/xmpp/transport.h"

#define DEADLINE_MS 60000

struct rig {
    struct event_base *base;
    struct xmpp_listener *listener;
    struct xmpp_transport *client_transport;
    struct xmpp_transport *server_transport;
    struct xmpp_client *client;
    struct xmpp_server *server;
    bool free_at_ready; /* the client frees everything of its own when ready */
    unsigned ready;
    unsigned items;
    unsigned client_ended;
    unsigned client_done;
    unsigned server_ended;
    unsigned server_done;
    enum xmpp_end client_end;
    enum xmpp_end server_end;
    char why[256];
};

static void
free_client(struct rig *rig)
{
    xmpp_transport_free(rig->client_transport);
    xmpp_client_free(rig->client);
    rig->client_transport = NULL;
    rig->client = NULL;
}

static void
on_ready(void *user, const char *jid)
{
    struct rig *rig = user;
    (void)jid;

    rig->ready++;
    if (rig->free_at_ready)
        free_client(rig);
}

static void
on_item(void *user, const char *node, const char *item_id, const struct route *route)
{
    struct rig *rig = user;
    char expected[16];
    (void)node, (void)route;

    snprintf(expected, sizeof(expected), "%u", rig->items++);
    assert_string_equal(item_id, expected);
}

static void
on_client_ended(void *user, enum xmpp_end end, const char *why)
{
    struct rig *rig = user;

    rig->client_ended++;
    rig->client_end = end;
    snprintf(rig->why, sizeof(rig->why), "%s", why);
}

static void
on_client_done(void *user)
{
    struct rig *rig = user;

    rig->client_done++;
    free_client(rig);
}

static void
on_server_ended(void *user, enum xmpp_end end, const char *why)
{
    struct rig *rig = user;
    (void)why;

    rig->server_ended++;
    rig->server_end = end;
}

static void
free_server(struct rig *rig)
{
    xmpp_transport_free(rig->server_transport);
    xmpp_server_free(rig->server);
    rig->server_transport = NULL;
    rig->server = NULL;
}

static void
on_server_done(void *user)
{
    struct rig *rig = user;

    rig->server_done++;
    free_server(rig);
}

static void
on_accepted(void *user, int fd, const struct ip_addr *peer, uint16_t peer_port)
{
    static const struct xmpp_server_handlers handlers = { .ended = on_server_ended };
    struct xmpp_server_config config = XMPP_SERVER_CONFIG_DEFAULT;
    struct rig *rig = user;
    char text[IP_ADDR_TEXT_MAX];

    assert_string_equal(ip_addr_format(peer, text), "127.0.0.1");
    assert_int_not_equal(peer_port, 0);
    config.peer_address = text;
    rig->server = xmpp_server_new(&config, &handlers, rig);
    assert_non_null(rig->server);
    rig->server_transport = xmpp_transport_accept(rig->base, fd, xmpp_server_session(rig->server));
    assert_non_null(rig->server_transport);
    xmpp_transport_set_done(rig->server_transport, on_server_done, rig);
}

static struct rig *
make_rig(void)
{
    const struct ip_addr loopback = ip_addr_from_v4(INADDR_LOOPBACK);
    struct rig *rig = calloc(1, sizeof(*rig));

    assert_non_null(rig);
    rig->base = event_base_new();
    assert_non_null(rig->base);
    rig->listener = xmpp_listener_new(rig->base, &loopback, 0, on_accepted, rig);
    assert_non_null(rig->listener);
    return rig;
}

static void
connect_client(struct rig *rig, uint16_t port)
{
    static const struct xmpp_client_handlers handlers = { .ready = on_ready,
                                                          .item = on_item,
                                                          .ended = on_client_ended };
    const struct ip_addr loopback = ip_addr_from_v4(INADDR_LOOPBACK);
    struct xmpp_client_config config = XMPP_CLIENT_CONFIG_DEFAULT;

    config.tls = XMPP_TLS_NONE;
    config.local_part = "compute-1";
    config.resource = "boot";
    rig->client = xmpp_client_new(&config, &handlers, rig);
    assert_non_null(rig->client);
    rig->client_transport = xmpp_transport_connect(rig->base, &loopback, port, &loopback,
                                                   xmpp_client_session(rig->client));
    assert_non_null(rig->client_transport);
    xmpp_transport_set_done(rig->client_transport, on_client_done, rig);
}

/* Runs the loop until `*count` is `wanted`. */
static void
run_until(struct rig *rig, const unsigned *count, unsigned wanted)
{
    uint64_t deadline = clock_monotonic_ms() + DEADLINE_MS;

    while (*count != wanted) {
        assert_true(clock_monotonic_ms() < deadline);
        event_base_loop(rig->base, EVLOOP_ONCE);
    }
}

static void
drop(struct rig *rig)
{
    free_client(rig);
    free_server(rig);
    xmpp_listener_free(rig->listener);
    event_base_free(rig->base);
    free(rig);
}

static void
a_session_over_a_socket_ends_in_order(void **state)
{
    struct rig *rig = make_rig();
    (void)state;

    connect_client(rig, xmpp_listener_port(rig->listener));
    run_until(rig, &rig->ready, 1);
    xmpp_session_close(xmpp_client_session(rig->client), "enough");
    run_until(rig, &rig->server_done, 1);
    run_until(rig, &rig->client_done, 1);
    assert_int_equal(rig->client_ended, 1);
    assert_int_equal(rig->client_end, XMPP_END_LOCAL);
    assert_int_equal(rig->server_ended, 1);
    assert_int_equal(rig->server_end, XMPP_END_PEER);
    drop(rig);
}

/* The last words must reach the client, also when it has more to say itself. */
static void
a_stream_error_reaches_the_peer(void **state)
{
    struct rig *rig = make_rig();
    (void)state;

    connect_client(rig, xmpp_listener_port(rig->listener));
    run_until(rig, &rig->ready, 1);
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(xmpp_client_unsubscribe(rig->client, "red", NULL, NULL), 0);
    xmpp_server_close(rig->server, "conflict", "replaced");
    run_until(rig, &rig->client_done, 1);
    run_until(rig, &rig->server_done, 1);
    assert_int_equal(rig->client_end, XMPP_END_STREAM_ERROR);
    assert_string_equal(rig->why, "conflict: replaced");
    drop(rig);
}

static void
much_output_arrives_whole_and_in_order(void **state)
{
    struct route route = { .local_preference = 100, .n_next_hops = 1 };
    struct rig *rig = make_rig();
    char id[16];
    (void)state;

    assert_int_equal(ip_prefix_parse("10.0.0.1/32", &route.prefix), 0);
    assert_int_equal(ip_addr_parse("192.0.2.1", &route.next_hops[0].addr), 0);
    route.next_hops[0].label = 16;
    route.next_hops[0].encapsulations = ENCAP_UDP;
    connect_client(rig, xmpp_listener_port(rig->listener));
    run_until(rig, &rig->ready, 1);
    for (unsigned i = 0; i < 30000; i++) {
        snprintf(id, sizeof(id), "%u", i);
        xmpp_server_notify_item(rig->server, "red", id, &route);
    }
    xmpp_server_flush(rig->server);
    assert_true(xmpp_server_output_pending(rig->server) > 5000000);
    run_until(rig, &rig->items, 30000);
    drop(rig);
}

static void
a_refused_connection_ends_the_session(void **state)
{
    struct rig *rig = make_rig();
    uint16_t port = xmpp_listener_port(rig->listener);
    (void)state;

    xmpp_listener_free(rig->listener);
    rig->listener = NULL;
    connect_client(rig, port);
    run_until(rig, &rig->client_done, 1);
    assert_int_equal(rig->client_ended, 1);
    assert_int_equal(rig->client_end, XMPP_END_CONNECTION);
    assert_string_equal(rig->why, "Connection refused");
    drop(rig);
}

static void
a_broken_connection_ends_the_session(void **state)
{
    struct rig *rig = make_rig();
    (void)state;

    connect_client(rig, xmpp_listener_port(rig->listener));
    run_until(rig, &rig->ready, 1);
    free_server(rig); /* the socket is closed without a word */
    run_until(rig, &rig->client_done, 1);
    assert_int_equal(rig->client_end, XMPP_END_CONNECTION);
    assert_int_equal(rig->server_ended, 0);
    drop(rig);
}

static void
all_may_be_freed_from_a_callback(void **state)
{
    struct rig *rig = make_rig();
    (void)state;

    rig->free_at_ready = true;
    connect_client(rig, xmpp_listener_port(rig->listener));
    run_until(rig, &rig->server_done, 1);
    assert_int_equal(rig->ready, 1);
    assert_int_equal(rig->client_ended, 0);
    assert_int_equal(rig->server_end, XMPP_END_CONNECTION);
    drop(rig);
}

/* Closed by its user while the connection is still being made. */
static void
a_session_may_be_closed_before_it_is_connected(void **state)
{
    struct rig *rig = make_rig();
    (void)state;

    connect_client(rig, xmpp_listener_port(rig->listener));
    xmpp_session_close(xmpp_client_session(rig->client), "changed my mind");
    run_until(rig, &rig->client_done, 1);
    assert_int_equal(rig->client_ended, 1);
    assert_int_equal(rig->client_end, XMPP_END_LOCAL);
    drop(rig);
}

static void
garbage_is_answered_with_a_stream_error(void **state)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct rig *rig = make_rig();
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char answer[1024];
    size_t had = 0;
    ssize_t length;
    (void)state;

    to.sin_port = htons(xmpp_listener_port(rig->listener));
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    assert_int_equal(send(fd, "GET / HTTP/1.0\r\n\r\n", 18, 0), 18);
    run_until(rig, &rig->server_ended, 1);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    run_until(rig, &rig->server_done, 1);
    while ((length = recv(fd, answer + had, sizeof(answer) - 1 - had, 0)) > 0)
        had += (size_t)length;
    assert_int_equal(length, 0);
    answer[had] = '\0';
    assert_non_null(strstr(answer, "<not-well-formed "));
    assert_int_equal(rig->server_end, XMPP_END_VIOLATION);
    close(fd);
    drop(rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_over_a_socket_ends_in_order),
        cmocka_unit_test(a_stream_error_reaches_the_peer),
        cmocka_unit_test(much_output_arrives_whole_and_in_order),
        cmocka_unit_test(a_refused_connection_ends_the_session),
        cmocka_unit_test(a_broken_connection_ends_the_session),
        cmocka_unit_test(all_may_be_freed_from_a_callback),
        cmocka_unit_test(a_session_may_be_closed_before_it_is_connected),
        cmocka_unit_test(garbage_is_answered_with_a_stream_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
