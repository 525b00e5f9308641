/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Whatever a route server sends: to a client that waits for the header (first octet even), or to
 * one that is bound and has requests open (odd). There an octet 0x01 to 0x03 in the input stands
 * for the id of a request, which is random. What the client says must be good XML, routes that it
 * passes on must be within their bounds, and every request must be answered once.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/xmpp/client.h"
#include "lib/xmpp/pubsub.h"
#include "tests/fuzz/xmpp_judge.h"

#define HEADER                                                                              \
    "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' " \
    "from='ietf.org' version='1.0'><stream:features>"                                       \
    "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></stream:features>"

#define REQUESTS 3

static unsigned answered[REQUESTS];
static unsigned ended;

static void
on_item(void *user, const char *node, const char *item_id, const struct route *route)
{
    (void)user;
    if (!vpn_name_is_valid(node) || strlen(item_id) < 1 || strlen(item_id) > ITEM_ID_MAX ||
        route->n_next_hops < 1 || route->n_next_hops > ROUTE_NEXT_HOPS_MAX ||
        !ip_prefix_contains(&route->prefix, &route->prefix.addr))
        abort();
    for (unsigned i = 0; i < route->n_next_hops; i++) {
        const struct route_next_hop *hop = &route->next_hops[i];

        if (hop->label < LABEL_MIN || hop->label > LABEL_MAX || hop->encapsulations == 0 ||
            !ip_addr_is_unicast(&hop->addr))
            abort();
    }
}

static void
on_retract(void *user, const char *node, const char *item_id)
{
    (void)user;
    if (!vpn_name_is_valid(node) || strlen(item_id) < 1 || strlen(item_id) > ITEM_ID_MAX)
        abort();
}

static void
on_purge(void *user, const char *node)
{
    (void)user;
    if (!vpn_name_is_valid(node))
        abort();
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

static void
on_reply(void *context, const struct xmpp_reply *reply)
{
    (void)reply;
    ++*(unsigned *)context;
}

/* Copies the last id in the session's output. */
static void
last_id(struct xmpp_session *session, struct judge *judge, char id[40])
{
    size_t length;
    const char *octets = xmpp_session_output(session, &length);

    for (size_t i = 0; i + 36 < length; i++) {
        if (memcmp(octets + i, " id='", 5) == 0) {
            memcpy(id, octets + i + 5, 32);
            id[32] = '\0';
        }
    }
    judge_output(judge, session);
}

/* Binds, and makes the requests. */
static void
make_ready(struct xmpp_client *client, struct judge *judge, char ids[REQUESTS][40])
{
    static const struct route route = {
        .prefix = { { IP_V4, { 10 } }, 8 },
        .n_next_hops = 1,
        .next_hops = { { { IP_V4, { 192, 0, 2, 1 } }, 16, ENCAP_UDP } },
    };
    struct xmpp_session *session = xmpp_client_session(client);
    char id[40], answer[256];

    xmpp_session_input(session, HEADER, strlen(HEADER), 1);
    last_id(session, judge, id);
    snprintf(answer, sizeof(answer),
             "<iq type='result' id='%s'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
             "<jid>c@ietf.org/r</jid></bind></iq>",
             id);
    xmpp_session_input(session, answer, strlen(answer), 1);
    if (!xmpp_client_is_ready(client))
        abort();
    xmpp_client_subscribe(client, "red", 1, on_reply, &answered[0]);
    last_id(session, judge, ids[0]);
    xmpp_client_publish(client, "red", "x", &route, on_reply, &answered[1]);
    last_id(session, judge, ids[1]);
    xmpp_client_items(client, "red", 1000, on_reply, &answered[2]);
    last_id(session, judge, ids[2]);
}

static void
feed(struct xmpp_session *session, struct judge *judge, const uint8_t *data, size_t size,
     char ids[REQUESTS][40])
{
    for (size_t i = 0; i < size;) {
        size_t run = i;

        while (run < size && (data[run] < 1 || data[run] > REQUESTS))
            run++;
        if (run > i)
            xmpp_session_input(session, data + i, run - i, 1);
        else
            xmpp_session_input(session, ids[data[run++] - 1], 32, 1);
        judge_output(judge, session);
        i = run;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct xmpp_client_handlers handlers = { NULL,     on_item,    on_retract,
                                                          on_purge, on_refused, on_ended };
    struct xmpp_client_config config = XMPP_CLIENT_CONFIG_DEFAULT;
    char ids[REQUESTS][40] = { "1", "2", "3" };
    struct judge judge;
    bool bound;

    if (size < 1)
        return 0;
    bound = (data[0] & 1) != 0;
    config.tls = XMPP_TLS_NONE;
    config.local_part = "c";
    config.resource = "r";
    memset(answered, 0, sizeof(answered));
    ended = 0;
    judge_begin(&judge);
    struct xmpp_client *client = xmpp_client_new(&config, &handlers, NULL);
    if (client == NULL)
        abort();
    struct xmpp_session *session = xmpp_client_session(client);
    xmpp_session_connected(session, 1);
    if (bound)
        make_ready(client, &judge, ids);
    feed(session, &judge, data + 1, size - 1, ids);
    for (uint64_t now = 1000; now < 60000; now += 1000)
        xmpp_session_tick(session, now);
    xmpp_session_disconnected(session, "done");
    judge_output(&judge, session);
    if (ended != 1)
        abort();
    for (unsigned i = 0; bound && i < REQUESTS; i++) {
        if (answered[i] != 1)
            abort();
    }
    judge_finish(&judge, session);
    xmpp_client_free(client);
    return 0;
}
