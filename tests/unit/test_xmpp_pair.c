/* SPDX-License-Identifier: BSD-3-Clause */

/* lib/xmpp: client against server in memory, from header to retract. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/xmpp/client.h"
#include "lib/xmpp/server.h"
#include "tests/unit/xmpp_pair.h"

/* Everything that happened at one side, a word or two a line. */
struct side {
    struct xmpp_client *client;
    struct xmpp_server *server;
    xmpp_request_id held; /* an items request not answered yet */
    bool conflict;        /* refuse to bind */
    char log[16384];
};

static void __attribute__((format(printf, 2, 3))) note(struct side *side, const char *format, ...)
{
    size_t length = strlen(side->log);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(side->log + length, sizeof(side->log) - length, format, arguments);
    va_end(arguments);
}

static const char *
shown(const struct route *route)
{
    static char text[256];
    char prefix[IP_PREFIX_TEXT_MAX], hop[IP_ADDR_TEXT_MAX];

    snprintf(text, sizeof(text), "%s via %s %u/%u seq %u pref %u hops %u",
             ip_prefix_format(&route->prefix, prefix),
             ip_addr_format(&route->next_hops[0].addr, hop), route->next_hops[0].label,
             route->next_hops[0].encapsulations, route->sequence_number, route->local_preference,
             route->n_next_hops);
    return text;
}

/* ---- Client ---- */

static void
on_ready(void *user, const char *jid)
{
    note(user, "ready %s\n", jid);
}

static void
on_item(void *user, const char *node, const char *item_id, const struct route *route)
{
    note(user, "item %s %s %s\n", node, item_id, shown(route));
}

static void
on_retract(void *user, const char *node, const char *item_id)
{
    note(user, "retract %s %s\n", node, item_id);
}

static void
on_ended(void *user, enum xmpp_end end, const char *why)
{
    note(user, "ended (%s) %s\n", xmpp_end_text(end), why);
}

static void
on_reply(void *user, const struct xmpp_reply *reply)
{
    static const char *const names[] = { "done", "refused", "timed out", "ended" };

    note(user, "%s %s %s %s\n", names[reply->outcome], reply->condition, reply->detail,
         reply->text);
}

/* ---- Server ---- */

static bool
on_bind(void *user, const struct jid *jid)
{
    struct side *side = user;
    char text[JID_TEXT_MAX];

    note(side, "bind %s\n", jid_format(jid, text));
    return !side->conflict;
}

static void
on_subscribe(void *user, xmpp_request_id id, const struct pubsub_request *request)
{
    struct side *side = user;

    note(side, "subscribe %s %u %u\n", request->node,
         request->has_instance_id ? request->instance_id : 0, request->vlan_id);
    xmpp_server_accept(side->server, id);
}

static void
on_unsubscribe(void *user, xmpp_request_id id, const char *node)
{
    struct side *side = user;

    note(side, "unsubscribe %s\n", node);
    xmpp_server_refuse(side->server, id, "cancel", "unexpected-request", "not-subscribed", "no");
}

static void
on_publish(void *user, xmpp_request_id id, const char *node, const char *item_id,
           const struct route *route)
{
    struct side *side = user;

    note(side, "publish %s %s %s\n", node, item_id, shown(route));
    xmpp_server_accept(side->server, id);
    xmpp_server_notify_item(side->server, node, item_id, route);
    xmpp_server_flush(side->server);
}

static void
on_server_retract(void *user, xmpp_request_id id, const char *node, const char *item_id)
{
    struct side *side = user;

    note(side, "retract %s %s\n", node, item_id);
    xmpp_server_accept(side->server, id);
    xmpp_server_notify_retract(side->server, node, item_id);
    xmpp_server_flush(side->server);
}

static void
on_items(void *user, xmpp_request_id id, const char *node, const char *after, uint32_t max_items)
{
    struct side *side = user;

    note(side, "items %s after %s max %u\n", node, after != NULL ? after : "-", max_items);
    side->held = id;
}

static const struct xmpp_client_handlers client_handlers = {
    .ready = on_ready, .item = on_item, .retract = on_retract, .ended = on_ended
};
static const struct xmpp_server_handlers server_handlers = { .bind = on_bind,
                                                             .subscribe = on_subscribe,
                                                             .unsubscribe = on_unsubscribe,
                                                             .publish = on_publish,
                                                             .retract = on_server_retract,
                                                             .items = on_items,
                                                             .ended = on_ended };

struct pair {
    struct side client;
    struct side server;
    struct xmpp_session *client_session;
    struct xmpp_session *server_session;
    uint64_t now;
    size_t piece;
};

static struct pair *
make_pair(size_t piece)
{
    struct xmpp_client_config client = XMPP_CLIENT_CONFIG_DEFAULT;
    struct xmpp_server_config server = XMPP_SERVER_CONFIG_DEFAULT;
    struct pair *pair = calloc(1, sizeof(*pair));

    assert_non_null(pair);
    client.tls = XMPP_TLS_NONE;
    client.local_part = "compute-1";
    client.resource = "boot-7";
    server.peer_address = "192.0.2.1";
    server.message_octets = 2000;
    pair->piece = piece;
    pair->now = 1000000;
    pair->client.client = xmpp_client_new(&client, &client_handlers, &pair->client);
    pair->server.server = xmpp_server_new(&server, &server_handlers, &pair->server);
    assert_non_null(pair->client.client);
    assert_non_null(pair->server.server);
    pair->client_session = xmpp_client_session(pair->client.client);
    pair->server_session = xmpp_server_session(pair->server.server);
    xmpp_session_connected(pair->client_session, pair->now);
    xmpp_session_connected(pair->server_session, pair->now);
    return pair;
}

static void
run(struct pair *pair)
{
    pair_run(pair->client_session, pair->server_session, pair->piece, pair->now);
}

static void
free_pair(struct pair *pair)
{
    xmpp_client_free(pair->client.client);
    xmpp_server_free(pair->server.server);
    free(pair);
}

/* Compares what happened at a side since the last time. */
static void
expect(struct side *side, const char *log)
{
    assert_string_equal(side->log, log);
    side->log[0] = '\0';
}

static struct route
make_route(const char *prefix, uint32_t label)
{
    struct route route = { .local_preference = 100, .sequence_number = 7, .n_next_hops = 1 };

    assert_int_equal(ip_prefix_parse(prefix, &route.prefix), 0);
    assert_int_equal(ip_addr_parse("192.0.2.1", &route.next_hops[0].addr), 0);
    route.next_hops[0].label = label;
    route.next_hops[0].encapsulations = ENCAP_GRE | ENCAP_UDP;
    return route;
}

static void
c15_a_session_from_header_to_retract(void **state)
{
    static const size_t pieces[] = { 0, 1, 7, 100 };
    struct route route = make_route("203.0.113.42/32", 10000);
    (void)state;

    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        struct pair *pair = make_pair(pieces[i]);
        struct side *client = &pair->client, *server = &pair->server;

        run(pair);
        expect(server, "bind compute-1@ietf.org/boot-7\n");
        expect(client, "ready compute-1@ietf.org/boot-7\n");

        assert_int_equal(xmpp_client_subscribe(client->client, "red", 1, on_reply, client), 0);
        run(pair);
        expect(server, "subscribe red 1 0\n");
        expect(client, "done   \n");

        assert_int_equal(
            xmpp_client_publish(client->client, "red", "a<&>'\"", &route, on_reply, client), 0);
        run(pair);
        expect(server, "publish red a<&>'\" 203.0.113.42/32 via 192.0.2.1 10000/3 seq 7 pref 100 "
                       "hops 1\n");
        expect(client, "done   \nitem red a<&>'\" 203.0.113.42/32 via 192.0.2.1 10000/3 seq 7 "
                       "pref 100 hops 1\n");

        assert_int_equal(xmpp_client_retract(client->client, "red", "a<&>'\"", on_reply, client),
                         0);
        run(pair);
        expect(server, "retract red a<&>'\"\n");
        expect(client, "done   \nretract red a<&>'\"\n");

        assert_int_equal(xmpp_client_unsubscribe(client->client, "red", on_reply, client), 0);
        run(pair);
        expect(server, "unsubscribe red\n");
        expect(client, "refused unexpected-request not-subscribed no\n");

        xmpp_session_close(pair->client_session, "enough");
        run(pair);
        xmpp_session_tick(pair->client_session, pair->now);
        expect(server, "ended (closed by the peer) the peer closed its stream\n");
        expect(client, "ended (closed here) enough\n");
        assert_int_equal(xmpp_client_subscribe(client->client, "red", 1, NULL, NULL), -107);
        free_pair(pair);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(c15_a_session_from_header_to_retract),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
