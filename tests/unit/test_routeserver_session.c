/* SPDX-License-Identifier: BSD-3-Clause */

/* millrace-rs over real sockets, with the XMPP client of this tree, all in one event loop. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "control/routeserver/routeserver.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/xmpp/client.h"
#include "lib/xmpp/transport.h"

#define DEADLINE_MS 60000
#define LOOPBACK    0x7f000001u

static struct event_base *base;
static struct rs_config config;
static struct route_server *server;

/* A vRouter as far as the route server can tell. */
struct peer {
    struct xmpp_client *xmpp;
    struct xmpp_transport *transport;
    bool ready, ended;
    enum xmpp_end end;
    char why[256];
    unsigned items, retracts, replies, refusals, item_replies;
    char condition[64]; /* of the last refusal */
    bool was_in_sync;   /* the server, when it answered the items request */
    uint32_t last_label;
    struct route last; /* that it was told */
};

static void
on_ready(void *user, const char *jid)
{
    struct peer *peer = user;
    (void)jid;
    peer->ready = true;
}

static void
on_item(void *user, const char *node, const char *item_id, const struct route *route)
{
    struct peer *peer = user;
    (void)node, (void)item_id;
    peer->items++;
    peer->last_label = route->next_hops[0].label;
    peer->last = *route;
}

static void
on_retract(void *user, const char *node, const char *item_id)
{
    struct peer *peer = user;
    (void)node, (void)item_id;
    peer->retracts++;
}

static void
on_ended(void *user, enum xmpp_end end, const char *why)
{
    struct peer *peer = user;
    peer->ended = true;
    peer->ready = false;
    peer->end = end;
    snprintf(peer->why, sizeof(peer->why), "%s", why == NULL ? "" : why);
}

static void
on_reply(void *context, const struct xmpp_reply *reply)
{
    struct peer *peer = context;

    peer->replies++;
    if (reply->outcome == XMPP_REFUSED) {
        peer->refusals++;
        snprintf(peer->condition, sizeof(peer->condition), "%s", reply->condition);
    }
}

static void
on_items_reply(void *context, const struct xmpp_reply *reply)
{
    struct peer *peer = context;

    assert_int_equal(reply->outcome, XMPP_DONE);
    peer->item_replies++;
    peer->was_in_sync = server->is_in_sync;
}

static void
on_nudge(evutil_socket_t fd, short events, void *context)
{
    (void)fd, (void)events, (void)context;
}

/* Runs the loop until the condition holds; fails at the deadline. */
#define RUN_UNTIL(condition)                                                                     \
    do {                                                                                         \
        uint64_t deadline = clock_monotonic_ms() + DEADLINE_MS;                                  \
        while (!(condition)) {                                                                   \
            if (clock_monotonic_ms() > deadline)                                                 \
                fail_msg("line %d: not in time: %s", __LINE__, #condition);                      \
            event_base_once(base, -1, EV_TIMEOUT, on_nudge, NULL, &(struct timeval){ 0, 5000 }); \
            event_base_loop(base, EVLOOP_ONCE);                                                  \
        }                                                                                        \
    } while (0)

static void
start_server_at(const char *address, uint32_t purge_seconds, uint32_t deferral_seconds)
{
    char text[512], error[RS_CONFIG_ERROR_MAX];

    snprintf(text, sizeof(text),
             "listen = \"%s\"\ntls = none\npurge-time = %u\ndeferral-time = %u\n"
             "control-socket { path = \"/tmp/millrace-test-%d.sock\" }\n",
             address, purge_seconds, deferral_seconds, (int)getpid());
    assert_int_equal(rs_config_read(text, strlen(text), "test", &config, error), 0);
    config.listen[0].port = 0; /* any that is free */
    base = event_base_new();
    server = route_server_start(base, &config, error);
    if (server == NULL)
        fail_msg("%s", error);
}

static void
start_server(uint32_t purge_seconds, uint32_t deferral_seconds)
{
    start_server_at("127.0.0.1", purge_seconds, deferral_seconds);
}

static void
stop_server(void)
{
    route_server_free(server);
    event_base_free(base);
    rs_config_free(&config);
}

static void
connect_peer(struct peer *peer, const char *name)
{
    static const struct xmpp_client_handlers handlers = {
        .ready = on_ready, .item = on_item, .retract = on_retract, .ended = on_ended
    };
    struct xmpp_client_config client = XMPP_CLIENT_CONFIG_DEFAULT;
    *peer = (struct peer){ .xmpp = NULL };
    client.tls = XMPP_TLS_NONE;
    client.local_part = name;
    client.resource = "boot-1";
    peer->xmpp = xmpp_client_new(&client, &handlers, peer);
    assert_non_null(peer->xmpp);
    peer->transport = xmpp_transport_connect(base, &config.listen[0].addr,
                                             xmpp_listener_port(server->listeners[0]), NULL,
                                             xmpp_client_session(peer->xmpp));
    assert_non_null(peer->transport);
    RUN_UNTIL(peer->ready || peer->ended);
}

static void
drop_peer(struct peer *peer)
{
    xmpp_transport_free(peer->transport);
    xmpp_client_free(peer->xmpp);
    peer->xmpp = NULL;
}

static void
subscribe(struct peer *peer, const char *node)
{
    unsigned before = peer->replies;

    assert_int_equal(xmpp_client_subscribe(peer->xmpp, node, 1, on_reply, peer), 0);
    RUN_UNTIL(peer->replies > before || peer->ended);
}

static void
publish(struct peer *peer, const char *node, uint32_t number, uint32_t label)
{
    struct ip_addr addr = ip_addr_from_v4(0x0a000000 + number);
    struct route route = { .prefix = ip_prefix_of_host(&addr),
                           .local_preference = 100,
                           .sequence_number = 1,
                           .n_next_hops = 1 };
    char item_id[32];

    route.next_hops[0] = (struct route_next_hop){ ip_addr_from_v4(0xc0000201), label, ENCAP_UDP };
    snprintf(item_id, sizeof(item_id), "item-%u", number);
    assert_int_equal(xmpp_client_publish(peer->xmpp, node, item_id, &route, on_reply, peer), 0);
}

static void
r05_r06_everything_on_subscribe_then_deltas(void **state)
{
    struct peer a, b;
    (void)state;

    start_server(60, 0);
    connect_peer(&a, "a");
    connect_peer(&b, "b");
    subscribe(&a, "red");
    for (uint32_t i = 0; i < 3000; i++)
        publish(&a, "red", i, 100 + i);
    RUN_UNTIL(a.replies == 3001 && a.items == 3000); /* its own come back */
    assert_int_equal(a.refusals, 0);

    subscribe(&b, "red");
    RUN_UNTIL(b.items == 3000);
    assert_int_equal(xmpp_client_items(b.xmpp, "red", DEADLINE_MS, on_items_reply, &b), 0);
    RUN_UNTIL(b.item_replies == 1);
    assert_int_equal(b.items, 6000); /* page by page, all of them once more */

    publish(&a, "red", 7, 99);
    RUN_UNTIL(b.items == 6001 && a.items == 3001);
    assert_int_equal(b.last_label, 99);
    assert_int_equal(xmpp_client_retract(a.xmpp, "red", "item-7", on_reply, &a), 0);
    RUN_UNTIL(b.retracts == 1 && a.retracts == 1);
    assert_int_equal(b.items, 6001);
    drop_peer(&a);
    drop_peer(&b);
    stop_server();
}

static void
r01_a_client_that_goes_without_a_word_is_noticed(void **state)
{
    struct peer a;
    (void)state;

    start_server(60, 0);
    connect_peer(&a, "a");
    subscribe(&a, "red");
    publish(&a, "red", 1, 101);
    RUN_UNTIL(a.items == 1);
    drop_peer(&a); /* the socket, not the stream */
    RUN_UNTIL(rib_client_find(server->rib, "a@ietf.org")->session == NULL);
    assert_int_equal(rib_vrf_find(server->rib, "red")->n_subscriptions, 0);
    assert_int_equal(server->rib->n_publications, 1);
    assert_true(rib_client_find(server->rib, "a@ietf.org")->purge_at > 0);
    stop_server();
}

/* IPv6 from end to end: the session, the prefix, and next hops of either family. */
static void
r05_r06_sessions_prefixes_and_next_hops_of_ipv6(void **state)
{
    struct route route = { .local_preference = 100, .sequence_number = 1, .n_next_hops = 2 };
    struct peer a, b;
    (void)state;

    assert_int_equal(ip_prefix_parse("2001:db8:a::/48", &route.prefix), 0);
    assert_int_equal(ip_addr_parse("2001:db8::11", &route.next_hops[0].addr), 0);
    route.next_hops[0].label = 100;
    route.next_hops[0].encapsulations = ENCAP_UDP | ENCAP_VXLAN;
    route.next_hops[1] = (struct route_next_hop){ ip_addr_from_v4(0xc0000201), 101, ENCAP_GRE };

    start_server_at("::1", 60, 0);
    connect_peer(&a, "a");
    connect_peer(&b, "b");
    subscribe(&a, "red");
    subscribe(&b, "red");
    assert_int_equal(xmpp_client_publish(a.xmpp, "red", "item-1", &route, on_reply, &a), 0);
    RUN_UNTIL(a.items == 1 && b.items == 1);
    assert_int_equal(a.refusals, 0);
    assert_true(ip_prefix_equal(&b.last.prefix, &route.prefix));
    assert_int_equal(b.last.n_next_hops, 2);
    for (unsigned i = 0; i < 2; i++) {
        assert_true(ip_addr_equal(&b.last.next_hops[i].addr, &route.next_hops[i].addr));
        assert_int_equal(b.last.next_hops[i].label, route.next_hops[i].label);
        assert_int_equal(b.last.next_hops[i].encapsulations, route.next_hops[i].encapsulations);
    }
    assert_int_equal(xmpp_client_retract(a.xmpp, "red", "item-1", on_reply, &a), 0);
    RUN_UNTIL(a.retracts == 1 && b.retracts == 1);
    drop_peer(&a);
    drop_peer(&b);
    stop_server();
}

static void
r02_purge_is_told(void **state)
{
    struct peer a, b;
    (void)state;

    start_server(1, 0);
    connect_peer(&a, "a");
    connect_peer(&b, "b");
    subscribe(&a, "red");
    subscribe(&b, "red");
    publish(&a, "red", 1, 101);
    RUN_UNTIL(b.items == 1);
    drop_peer(&a);
    RUN_UNTIL(b.retracts == 1);
    assert_int_equal(server->rib->counters.purged, 1);
    assert_int_equal(server->rib->n_clients, 1);
    drop_peer(&b);
    stop_server();
}

static void
nobody_is_told_to_be_in_sync_before_the_deferral_is_over(void **state)
{
    struct peer a;
    (void)state;

    start_server(60, 1);
    connect_peer(&a, "a");
    subscribe(&a, "red");
    assert_int_equal(xmpp_client_items(a.xmpp, "red", DEADLINE_MS, on_items_reply, &a), 0);
    publish(&a, "red", 1, 101);
    RUN_UNTIL(a.items == 1); /* changes are told at once all the same */
    RUN_UNTIL(a.item_replies == 1);
    assert_true(a.was_in_sync);
    assert_int_equal(a.items, 2);
    assert_int_equal(server->counters.held, 1);
    drop_peer(&a);
    stop_server();
}

static void
r01_the_same_client_again_replaces_its_session(void **state)
{
    struct peer first, second;
    (void)state;

    start_server(60, 0);
    connect_peer(&first, "a");
    subscribe(&first, "red");
    publish(&first, "red", 1, 101);
    RUN_UNTIL(first.items == 1);
    connect_peer(&second, "a");
    RUN_UNTIL(first.ended);
    assert_int_equal(first.end, XMPP_END_STREAM_ERROR);
    assert_non_null(strstr(first.why, "conflict"));
    assert_true(second.ready);
    assert_int_equal(server->counters.replaced, 1);
    subscribe(&second, "red");
    RUN_UNTIL(second.items == 1); /* what the older session published stands */
    drop_peer(&first);
    RUN_UNTIL(server->n_sessions == 1);
    assert_int_equal(server->rib->n_publications, 1);
    drop_peer(&second);
    stop_server();
}

static void
refusals_are_answered_and_counted(void **state)
{
    struct peer a;
    (void)state;

    start_server(60, 0);
    server->rib->limits.routes_per_client = 1;
    connect_peer(&a, "a");
    publish(&a, "red", 1, 101);
    RUN_UNTIL(a.refusals == 1);
    assert_string_equal(a.condition, "item-not-found");
    struct peer b;
    connect_peer(&b, "b");
    subscribe(&b, "red");
    publish(&a, "red", 1, 101);
    RUN_UNTIL(a.refusals == 2);
    assert_string_equal(a.condition, "forbidden");
    publish(&b, "red", 1, 101);
    publish(&b, "red", 2, 101);
    RUN_UNTIL(b.refusals == 1 && b.items == 1);
    assert_string_equal(b.condition, "resource-constraint");
    assert_int_equal(server->rib->counters.refused_limit, 1);
    assert_int_equal(server->rib->counters.refused_stranger, 2);
    drop_peer(&a);
    drop_peer(&b);
    stop_server();
}

static struct session *
session_of(const char *jid)
{
    return rib_client_find(server->rib, jid)->session;
}

static void
a_client_that_does_not_read_costs_no_more_than_its_bound(void **state)
{
    struct peer a;
    size_t most = 0;
    (void)state;

    start_server(60, 0);
    connect_peer(&a, "a");
    subscribe(&a, "red");

    struct ip_addr loopback = ip_addr_from_v4(LOOPBACK);
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons(xmpp_listener_port(server->listeners[0])),
                              .sin_addr.s_addr = htonl(ip_addr_to_v4(&loopback)) };
    static const char words[] =
        "<stream:stream to='ietf.org' from='slow@ietf.org' version='1.0' xmlns='jabber:client' "
        "xmlns:stream='http://etherx.jabber.org/streams'>"
        "<iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"
        "<iq type='set' id='2'><pubsub xmlns='http://jabber.org/protocol/pubsub'>"
        "<subscribe node='red' jid='slow@ietf.org'/></pubsub></iq>";
    int fd = socket(AF_INET, SOCK_STREAM, 0), small = 4096;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    assert_int_equal(write(fd, words, strlen(words)), strlen(words));
    RUN_UNTIL(rib_vrf_find(server->rib, "red")->n_subscriptions == 2);

    for (unsigned round = 0; round < 20; round++) {
        unsigned before = a.replies;
        for (uint32_t i = 0; i < 1000; i++)
            publish(&a, "red", i, 100 + round);
        RUN_UNTIL(a.replies == before + 1000);
        size_t queued = xmpp_server_output_pending(session_of("slow@ietf.org")->xmpp);
        most = queued > most ? queued : most;
    }
    assert_true(most > 0);
    assert_true(most < SESSION_OUTPUT_HIGH + 65536 + 8192);
    RUN_UNTIL(a.last_label == 119);

    /* It reads again: it is told the last state of everything. */
    static char text[16 << 20];
    size_t used = 0, last = 0;
    fcntl(fd, F_SETFL, O_NONBLOCK);
    uint64_t deadline = clock_monotonic_ms() + DEADLINE_MS;
    while (last < 1000) {
        ssize_t n = read(fd, text + used, sizeof(text) - used - 1);
        used += n > 0 ? (size_t)n : 0;
        text[used] = '\0';
        last = 0;
        for (const char *c = text; n <= 0 && (c = strstr(c, "<label>119</label>")) != NULL; c++)
            last++;
        event_base_loop(base, EVLOOP_NONBLOCK);
        assert_true(clock_monotonic_ms() < deadline);
    }
    close(fd);
    drop_peer(&a);
    stop_server();
}

static void
sessions_are_bounded(void **state)
{
    struct peer a, b;
    (void)state;

    start_server(60, 0);
    config.sessions_max = 1;
    connect_peer(&a, "a");
    connect_peer(&b, "b");
    assert_true(b.ended);
    assert_int_equal(server->counters.refused, 1);
    drop_peer(&a);
    drop_peer(&b);
    stop_server();
}

static void
a_stop_tells_the_clients(void **state)
{
    struct peer a;
    (void)state;

    start_server(60, 0);
    connect_peer(&a, "a");
    route_server_stop(server);
    RUN_UNTIL(a.ended);
    assert_non_null(strstr(a.why, "system-shutdown"));
    drop_peer(&a);
    stop_server();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(r05_r06_everything_on_subscribe_then_deltas),
        cmocka_unit_test(r05_r06_sessions_prefixes_and_next_hops_of_ipv6),
        cmocka_unit_test(r01_a_client_that_goes_without_a_word_is_noticed),
        cmocka_unit_test(r02_purge_is_told),
        cmocka_unit_test(nobody_is_told_to_be_in_sync_before_the_deferral_is_over),
        cmocka_unit_test(r01_the_same_client_again_replaces_its_session),
        cmocka_unit_test(refusals_are_answered_and_counted),
        cmocka_unit_test(a_client_that_does_not_read_costs_no_more_than_its_bound),
        cmocka_unit_test(sessions_are_bounded),
        cmocka_unit_test(a_stop_tells_the_clients),
    };
    log_level_set(LOG_LEVEL_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
