/* SPDX-License-Identifier: BSD-3-Clause */

/* The requests that a user of the client can make. */

#include "lib/xmpp/client_private.h"

#include <errno.h>
#include <string.h>

/* Notes the request and writes it, in the order of their coming. */
static int
ask(struct xmpp_client *client, struct pubsub_request *request, uint32_t timeout_ms,
    xmpp_reply_handler *reply, void *context)
{
    struct client_request *noted;
    size_t mark;
    int error;

    if (!vpn_name_is_valid(request->node))
        return -EINVAL;
    if (!client->session.ready)
        return -ENOTCONN;
    error = client_requests_add(&client->requests, request->action, request->node, reply, context,
                                &noted);
    if (error != 0)
        return error;
    noted->timeout_ms = timeout_ms;
    noted->deadline = client->session.now + timeout_ms;
    request->jid = client->own;
    pubsub_write_request(session_begin(&client->session, &mark), client->dialect, noted->id,
                         client->own, client->to, request);
    session_commit(&client->session, mark);
    return 0;
}

static bool
item_id_is_valid(const char *item_id)
{
    size_t length = strlen(item_id);

    return length > 0 && length <= ITEM_ID_MAX;
}

int
xmpp_client_subscribe(struct xmpp_client *client, const char *node, uint16_t instance_id,
                      xmpp_reply_handler *reply, void *context)
{
    struct pubsub_request request = { .action = PUBSUB_SUBSCRIBE,
                                      .node = node,
                                      .has_instance_id = instance_id != 0,
                                      .instance_id = instance_id };

    return ask(client, &request, client->request_timeout_ms, reply, context);
}

int
xmpp_client_subscribe_vlan(struct xmpp_client *client, const char *node, uint16_t vlan_id,
                           xmpp_reply_handler *reply, void *context)
{
    struct pubsub_request request = { .action = PUBSUB_SUBSCRIBE,
                                      .node = node,
                                      .vlan_id = vlan_id };

    if (vlan_id < 1 || vlan_id > 4094)
        return -EINVAL;
    return ask(client, &request, client->request_timeout_ms, reply, context);
}

int
xmpp_client_unsubscribe(struct xmpp_client *client, const char *node, xmpp_reply_handler *reply,
                        void *context)
{
    struct pubsub_request request = { .action = PUBSUB_UNSUBSCRIBE, .node = node };

    return ask(client, &request, client->request_timeout_ms, reply, context);
}

int
xmpp_client_publish(struct xmpp_client *client, const char *node, const char *item_id,
                    const struct route *route, xmpp_reply_handler *reply, void *context)
{
    struct pubsub_request request = {
        .action = PUBSUB_PUBLISH, .node = node, .item_id = item_id, .route = route
    };

    if (!item_id_is_valid(item_id))
        return -EINVAL;
    return ask(client, &request, client->request_timeout_ms, reply, context);
}

int
xmpp_client_retract(struct xmpp_client *client, const char *node, const char *item_id,
                    xmpp_reply_handler *reply, void *context)
{
    struct pubsub_request request = { .action = PUBSUB_RETRACT, .node = node, .item_id = item_id };

    if (!item_id_is_valid(item_id))
        return -EINVAL;
    return ask(client, &request, client->request_timeout_ms, reply, context);
}

int
xmpp_client_items(struct xmpp_client *client, const char *node, uint32_t timeout_ms,
                  xmpp_reply_handler *reply, void *context)
{
    struct pubsub_request request = { .action = PUBSUB_ITEMS, .node = node };

    return ask(client, &request, timeout_ms, reply, context);
}
