/* SPDX-License-Identifier: BSD-3-Clause */

/* Whatever a client sends: to a server that waits for the header (first octet even), or to a bound
 * session (odd). The server's user answers some requests at once and some never, pages its items
 * and notifies. What the server says must be good XML. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/xmpp/server.h"
#include "tests/fuzz/xmpp_judge.h"

#define HELLO                                                                               \
    "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' " \
    "from='c@ietf.org' to='ietf.org' version='1.0'>"                                        \
    "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"                 \
    "<resource>r</resource></bind></iq>"

static struct xmpp_server *server;
static unsigned ended;
static struct route last_route;

static void
on_subscribe(void *user, xmpp_request_id id, const struct pubsub_request *request)
{
    (void)user;
    if (!vpn_name_is_valid(request->node) || request->vlan_id > 4094)
        abort();
    xmpp_server_accept(server, id);
}

static void
on_unsubscribe(void *user, xmpp_request_id id, const char *node)
{
    (void)user, (void)node;
    xmpp_server_refuse(server, id, "cancel", "unexpected-request", "not-subscribed", node);
}

static void
on_publish(void *user, xmpp_request_id id, const char *node, const char *item_id,
           const struct route *route)
{
    (void)user;
    if (!vpn_name_is_valid(node) || strlen(item_id) > ITEM_ID_MAX || route->n_next_hops < 1 ||
        route->n_next_hops > ROUTE_NEXT_HOPS_MAX)
        abort();
    last_route = *route;
    xmpp_server_notify_item(server, node, item_id, route);
    if (route->sequence_number % 2 == 0)
        xmpp_server_accept(server, id);
}

static void
on_retract(void *user, xmpp_request_id id, const char *node, const char *item_id)
{
    (void)user;
    xmpp_server_notify_retract(server, node, item_id);
    xmpp_server_accept(server, id);
}

static void
on_items(void *user, xmpp_request_id id, const char *node, const char *after, uint32_t max_items)
{
    unsigned count = 0;
    (void)user, (void)node;

    xmpp_server_items_begin(server, id);
    while (count < 20 && (max_items == 0 || count < max_items) && last_route.n_next_hops > 0 &&
           xmpp_server_items_add(
               server, after != NULL && strlen(after) <= ITEM_ID_MAX ? after : "i", &last_route))
        count++;
    xmpp_server_items_end(server, 0, 20);
}

static void
on_refused(void *user, const char *node, const char *item_id, const char *why)
{
    (void)user, (void)node, (void)item_id;
    if (strlen(why) >= DIALECT_WHY_MAX)
        abort();
}

static void
on_ended(void *user, enum xmpp_end end, const char *why)
{
    (void)user, (void)end, (void)why;
    ended++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct xmpp_server_handlers handlers = { NULL,       on_subscribe, on_unsubscribe,
                                                          on_publish, on_retract,   on_items,
                                                          on_refused, on_ended };
    struct xmpp_server_config config = XMPP_SERVER_CONFIG_DEFAULT;
    struct judge judge;

    if (size < 1)
        return 0;
    config.peer_address = "192.0.2.1";
    config.message_octets = 500;
    config.requests_max = 8;
    ended = 0;
    memset(&last_route, 0, sizeof(last_route));
    judge_begin(&judge);
    server = xmpp_server_new(&config, &handlers, NULL);
    if (server == NULL)
        abort();
    struct xmpp_session *session = xmpp_server_session(server);
    xmpp_session_connected(session, 1);
    if ((data[0] & 1) != 0)
        xmpp_session_input(session, HELLO, strlen(HELLO), 1);
    xmpp_session_input(session, data + 1, size - 1, 1);
    judge_output(&judge, session);
    for (uint64_t now = 1000; now < 60000; now += 1000) {
        xmpp_session_tick(session, now);
        judge_output(&judge, session);
    }
    if (ended != 1)
        abort();
    judge_finish(&judge, session);
    xmpp_server_free(server);
    return 0;
}
