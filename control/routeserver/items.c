/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Answers to requests for the items of a node. For a vRouter the end of the answer means "you are
 * in sync": whatever it did not hear, it forgets. So nothing is answered before the server itself
 * has heard from everyone (the deferral after its start), nor before the client has been told of
 * every change that it asked to be told of.
 */

#include <stdlib.h>
#include <string.h>

#include "control/routeserver/routeserver.h"

void
items_hold(struct session *session, xmpp_request_id id, const char *node, const char *after,
           uint32_t max_items)
{
    struct held_items *held = calloc(1, sizeof(*held));

    if (held == NULL) {
        xmpp_server_refuse(session->xmpp, id, "wait", "resource-constraint", NULL, NULL);
        return;
    }
    held->id = id;
    held->max_items = max_items;
    held->has_after = after != NULL;
    strncpy(held->node, node, sizeof(held->node) - 1);
    if (after != NULL && ip_prefix_parse(after, &held->after) != 0) {
        xmpp_server_refuse(session->xmpp, id, "cancel", "item-not-found", NULL,
                           "no item of this node was ever called so");
        free(held);
        return;
    }
    STAILQ_INSERT_TAIL(&session->held, held, link);
    if (!session->server->is_in_sync)
        session->server->counters.held++;
    session_wake(session);
}

static void
answer(struct session *session, const struct held_items *held)
{
    const struct rib_subscription *subscription =
        rib_subscription_find(session->client, held->node);
    const struct ip_prefix *after = held->has_after ? &held->after : NULL;
    uint32_t added = 0, first_index = 0;
    struct prefix_node *node;

    if (subscription == NULL) {
        xmpp_server_refuse(session->xmpp, held->id, "auth", "not-authorized", "not-subscribed",
                           "subscribe to the VPN first");
        return;
    }
    const struct prefix_tree *routes = &subscription->vrf->routes;
    xmpp_server_items_begin(session->xmpp, held->id);
    node = prefix_tree_after(routes, after);
    if (node != NULL)
        first_index = prefix_tree_rank(routes, &node->prefix);
    for (; node != NULL && (held->max_items == 0 || added < held->max_items);
         node = prefix_tree_after(routes, &node->prefix)) {
        const struct rib_route *route = rib_route_of(node);
        char item_id[IP_PREFIX_TEXT_MAX];
        if (!xmpp_server_items_add(session->xmpp, ip_prefix_format(&node->prefix, item_id),
                                   route->best->publication->route))
            break;
        added++;
    }
    xmpp_server_items_end(session->xmpp, first_index, prefix_tree_size(routes));
}

bool
items_answer(struct session *session)
{
    struct held_items *held;

    if (!session->server->is_in_sync)
        return false; /* the end of the deferral wakes every session */
    while ((held = STAILQ_FIRST(&session->held)) != NULL) {
        if (xmpp_server_output_pending(session->xmpp) >= SESSION_OUTPUT_HIGH)
            return true;
        STAILQ_REMOVE_HEAD(&session->held, link);
        answer(session, held);
        free(held);
    }
    return false;
}

void
items_drop(struct session *session)
{
    struct held_items *held;

    while ((held = STAILQ_FIRST(&session->held)) != NULL) {
        STAILQ_REMOVE_HEAD(&session->held, link);
        free(held);
    }
}
