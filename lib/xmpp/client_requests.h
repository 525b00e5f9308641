/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The requests of a client that wait for an answer, found by their unpredictable id. For client.c
 * only. `*doomed` below is the client's own flag: once a callback has set it no other is called.
 */

#include "lib/base/hmap.h"
#include "lib/xmpp/client.h"
#include "lib/xmpp/pubsub.h"
#include "lib/xmpp/session_role.h"

struct client_request {
    struct hmap_node by_id;
    char id[XMPP_ID_MAX];
    enum pubsub_action action;
    uint32_t timeout_ms;
    uint64_t deadline; /* on the session's clock */
    xmpp_reply_handler *reply;
    void *context;
    char *after; /* items: the ItemID that the last page asked for was behind, or NULL */
    char node[VPN_NAME_MAX + 1];
};

struct client_requests {
    struct hmap by_id;
    unsigned max;
};

/** Begins with none; at most `max` at a time. */
void client_requests_init(struct client_requests *requests, unsigned max);

/** Forgets all requests without a call. */
void client_requests_clear(struct client_requests *requests);

/** Notes a request under a new id. `node` is a valid VPN identifier.
 * @return 0, -ENOBUFS or -ENOMEM. */
int client_requests_add(struct client_requests *requests, enum pubsub_action action,
                        const char *node, xmpp_reply_handler *reply, void *context,
                        struct client_request **request);

/** By id, NULL if none waits under it. */
struct client_request *client_requests_find(const struct client_requests *requests, const char *id);

/** Gives an items request a new id for the page behind `after`.
 * @return false if that page was asked for last time, or out of memory. */
bool client_requests_renew(struct client_requests *requests, struct client_request *request,
                           const char *after);

/** Forgets the request, then calls its handler unless `reply` is NULL. */
void client_requests_finish(struct client_requests *requests, struct client_request *request,
                            const struct xmpp_reply *reply);

/** Finishes those whose time is over. */
void client_requests_expire(struct client_requests *requests, uint64_t now, const bool *doomed);

/** Finishes all: the session has ended. */
void client_requests_end(struct client_requests *requests, const char *why, const bool *doomed);
