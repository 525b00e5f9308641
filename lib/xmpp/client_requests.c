/* SPDX-License-Identifier: BSD-3-Clause */

/* The requests of a client that wait for an answer: see client_requests.h. */

#include "lib/xmpp/client_requests.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void
client_requests_init(struct client_requests *requests, unsigned max)
{
    *requests = (struct client_requests){ .max = max };
}

static void
forget(struct client_requests *requests, struct client_request *request)
{
    hmap_remove(&requests->by_id, &request->by_id);
    free(request->after);
    free(request);
}

static struct client_request *
of_node(struct hmap_node *node)
{
    return hmap_entry(node, struct client_request, by_id);
}

void
client_requests_clear(struct client_requests *requests)
{
    struct hmap_node *next;

    for (struct hmap_node *node = hmap_first(&requests->by_id); node != NULL; node = next) {
        next = hmap_next(&requests->by_id, node);
        forget(requests, of_node(node));
    }
    hmap_clear(&requests->by_id);
}

int
client_requests_add(struct client_requests *requests, enum pubsub_action action, const char *node,
                    xmpp_reply_handler *reply, void *context, struct client_request **request)
{
    struct client_request *added;

    if (requests->by_id.count >= requests->max)
        return -ENOBUFS;
    added = calloc(1, sizeof(*added));
    if (added == NULL)
        return -ENOMEM;
    session_make_id(added->id);
    added->action = action;
    added->reply = reply;
    added->context = context;
    strncpy(added->node, node, VPN_NAME_MAX);
    if (hmap_add(&requests->by_id, &added->by_id, hmap_hash_string(added->id)) != 0) {
        free(added);
        return -ENOMEM;
    }
    *request = added;
    return 0;
}

struct client_request *
client_requests_find(const struct client_requests *requests, const char *id)
{
    struct hmap_node *node = hmap_first_same(&requests->by_id, hmap_hash_string(id));

    while (node != NULL && strcmp(of_node(node)->id, id) != 0)
        node = hmap_next_same(node);
    return node != NULL ? of_node(node) : NULL;
}

bool
client_requests_renew(struct client_requests *requests, struct client_request *request,
                      const char *after)
{
    char *copy;

    if (request->after != NULL && strcmp(request->after, after) == 0)
        return false;
    copy = strdup(after);
    if (copy == NULL)
        return false;
    free(request->after);
    request->after = copy;
    hmap_remove(&requests->by_id, &request->by_id);
    session_make_id(request->id);
    /* There is room: it was in the table before. */
    return hmap_add(&requests->by_id, &request->by_id, hmap_hash_string(request->id)) == 0;
}

void
client_requests_finish(struct client_requests *requests, struct client_request *request,
                       const struct xmpp_reply *reply)
{
    xmpp_reply_handler *handler = request->reply;
    void *context = request->context;

    forget(requests, request);
    if (reply != NULL && handler != NULL)
        handler(context, reply);
}

void
client_requests_expire(struct client_requests *requests, uint64_t now, const bool *doomed)
{
    static const struct xmpp_reply reply = { XMPP_TIMED_OUT, "", "", "no answer in time" };
    struct hmap_node *next;

    for (struct hmap_node *node = hmap_first(&requests->by_id); node != NULL && !*doomed;
         node = next) {
        /* A handler may add requests, never remove one: `next` stays valid. */
        next = hmap_next(&requests->by_id, node);
        if (now >= of_node(node)->deadline)
            client_requests_finish(requests, of_node(node), &reply);
    }
}

void
client_requests_end(struct client_requests *requests, const char *why, const bool *doomed)
{
    const struct xmpp_reply reply = { XMPP_ENDED, "", "", why };
    struct hmap_node *next;

    for (struct hmap_node *node = hmap_first(&requests->by_id); node != NULL && !*doomed;
         node = next) {
        next = hmap_next(&requests->by_id, node);
        client_requests_finish(requests, of_node(node), &reply);
    }
}
