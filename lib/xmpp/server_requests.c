/* SPDX-License-Identifier: BSD-3-Clause */

/* The requests of a client that its route server has not answered yet. */

#include <stdlib.h>
#include <string.h>

#include "lib/xmpp/server_private.h"

static uint32_t
hash_of(xmpp_request_id id)
{
    return hmap_hash(&id, sizeof(id));
}

static struct server_request *
of_node(struct hmap_node *node)
{
    return hmap_entry(node, struct server_request, by_id);
}

static void
release(struct server_request *request)
{
    free(request->iq_id);
    free(request->to);
    free(request->subject);
    free(request);
}

/* Copies a string that may be NULL; false when out of memory. */
static bool
copy_string(char **copy, const char *text)
{
    if (text == NULL)
        return true;
    *copy = strdup(text);
    return *copy != NULL;
}

xmpp_request_id
server_requests_add(struct xmpp_server *server, const struct xmpp_element *iq,
                    const struct pubsub_request *request)
{
    struct server_request *added;

    if (server->requests.count >= server->requests_max)
        return 0;
    added = calloc(1, sizeof(*added));
    if (added == NULL)
        return 0;
    added->action = request->action;
    do
        added->id = ++server->last_request;
    while (added->id == 0 || server_requests_find(server, added->id) != NULL);
    strncpy(added->node, request->node, VPN_NAME_MAX);
    if (!copy_string(&added->iq_id, xmpp_element_attribute(iq, "id")) ||
        !copy_string(&added->to, xmpp_element_attribute(iq, "to")) ||
        !copy_string(&added->subject, request->jid) ||
        hmap_add(&server->requests, &added->by_id, hash_of(added->id)) != 0) {
        release(added);
        return 0;
    }
    return added->id;
}

struct server_request *
server_requests_find(const struct xmpp_server *server, xmpp_request_id id)
{
    struct hmap_node *node = hmap_first_same(&server->requests, hash_of(id));

    while (node != NULL && of_node(node)->id != id)
        node = hmap_next_same(node);
    return node != NULL ? of_node(node) : NULL;
}

void
server_requests_remove(struct xmpp_server *server, struct server_request *request)
{
    hmap_remove(&server->requests, &request->by_id);
    release(request);
}

void
server_requests_clear(struct xmpp_server *server)
{
    struct hmap_node *next;

    for (struct hmap_node *node = hmap_first(&server->requests); node != NULL; node = next) {
        next = hmap_next(&server->requests, node);
        server_requests_remove(server, of_node(node));
    }
    hmap_clear(&server->requests);
}
