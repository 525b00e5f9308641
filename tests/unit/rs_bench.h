/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * A route server on the bench, made of lib/xmpp's server side: remembers what clients asked, stores
 * items, tells them back on request. How octets get to it is the test's business.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/xmpp/server.h"

#define RS_ITEMS 600

struct rs_item {
    char node[32];
    char id[64];
    struct route route;
};

struct rs_bench {
    struct xmpp_server *server; /* NULL without a session */
    bool ended;
    bool hold_items;              /* answers to <items/> are held back: rs_release() */
    bool echo;                    /* publications are notified to their publisher */
    bool ignore_retracts;         /* neither done nor answered */
    const char *refuse_subscribe; /* condition, or NULL */
    const char *refuse_items;
    const char *refuse_publish;
    xmpp_request_id held[64];
    char held_node[64][32];
    unsigned n_held;
    struct rs_item items[RS_ITEMS];
    unsigned n_items;
    unsigned n_publishes;
    char heard[4096]; /* "subscribe red 7; publish red ID; …" */
};

static inline void
rs_hear(struct rs_bench *rs, const char *what, const char *node, const char *id)
{
    size_t length = strlen(rs->heard);

    snprintf(rs->heard + length, sizeof(rs->heard) - length, "%s%s %s%s%s", length > 0 ? "; " : "",
             what, node, id[0] != '\0' ? " " : "", id);
}

/* What was heard since the last time. */
static inline const char *
rs_heard(struct rs_bench *rs)
{
    static char heard[sizeof(rs->heard)];

    memcpy(heard, rs->heard, sizeof(heard));
    rs->heard[0] = '\0';
    return heard;
}

static inline bool
rs_bind(void *user, const struct jid *jid)
{
    (void)user;
    (void)jid;
    return true;
}

static inline void
rs_subscribe(void *user, xmpp_request_id id, const struct pubsub_request *request)
{
    struct rs_bench *rs = user;
    char instance_id[16] = "-";

    if (request->has_instance_id)
        snprintf(instance_id, sizeof(instance_id), "%u", request->instance_id);
    rs_hear(rs, "subscribe", request->node, instance_id);
    if (rs->refuse_subscribe != NULL)
        xmpp_server_refuse(rs->server, id, "cancel", rs->refuse_subscribe, NULL, NULL);
    else
        xmpp_server_accept(rs->server, id);
}

static inline void
rs_unsubscribe(void *user, xmpp_request_id id, const char *node)
{
    struct rs_bench *rs = user;

    rs_hear(rs, "unsubscribe", node, "");
    xmpp_server_accept(rs->server, id);
}

static inline struct rs_item *
rs_find(struct rs_bench *rs, const char *node, const char *item_id)
{
    for (unsigned i = 0; i < rs->n_items; i++) {
        if (strcmp(rs->items[i].node, node) == 0 && strcmp(rs->items[i].id, item_id) == 0)
            return &rs->items[i];
    }
    return NULL;
}

static inline void
rs_store(struct rs_bench *rs, const char *node, const char *item_id, const struct route *route)
{
    struct rs_item *item = rs_find(rs, node, item_id);

    if (item == NULL) {
        assert_true(rs->n_items < RS_ITEMS);
        item = &rs->items[rs->n_items++];
        snprintf(item->node, sizeof(item->node), "%s", node);
        snprintf(item->id, sizeof(item->id), "%s", item_id);
    }
    item->route = *route;
}

static inline void
rs_publish(void *user, xmpp_request_id id, const char *node, const char *item_id,
           const struct route *route)
{
    struct rs_bench *rs = user;

    rs->n_publishes++;
    rs_hear(rs, "publish", node, item_id);
    if (rs->refuse_publish != NULL) {
        xmpp_server_refuse(rs->server, id, "cancel", rs->refuse_publish, NULL, NULL);
        return;
    }
    rs_store(rs, node, item_id, route);
    xmpp_server_accept(rs->server, id);
    if (rs->echo) {
        xmpp_server_notify_item(rs->server, node, item_id, route);
        xmpp_server_flush(rs->server);
    }
}

static inline void
rs_retract(void *user, xmpp_request_id id, const char *node, const char *item_id)
{
    struct rs_bench *rs = user;
    struct rs_item *item = rs_find(rs, node, item_id);

    rs_hear(rs, "retract", node, item_id);
    if (rs->ignore_retracts)
        return;
    if (item == NULL) {
        xmpp_server_refuse(rs->server, id, "cancel", "item-not-found", NULL, NULL);
        return;
    }
    *item = rs->items[--rs->n_items];
    xmpp_server_accept(rs->server, id);
    if (rs->echo) {
        xmpp_server_notify_retract(rs->server, node, item_id);
        xmpp_server_flush(rs->server);
    }
}

/* A page of a node's items, those behind the one named `after`. */
static inline void
rs_answer_items(struct rs_bench *rs, xmpp_request_id id, const char *node, const char *after)
{
    uint32_t total = 0, first = 0, position = 0;

    for (unsigned i = 0; i < rs->n_items; i++) {
        if (strcmp(rs->items[i].node, node) != 0)
            continue;
        total++;
        if (after != NULL && strcmp(rs->items[i].id, after) == 0)
            first = total;
    }
    xmpp_server_items_begin(rs->server, id);
    for (unsigned i = 0; i < rs->n_items; i++) {
        if (strcmp(rs->items[i].node, node) == 0 && position++ >= first &&
            !xmpp_server_items_add(rs->server, rs->items[i].id, &rs->items[i].route))
            break;
    }
    xmpp_server_items_end(rs->server, first, total);
}

static inline void
rs_items(void *user, xmpp_request_id id, const char *node, const char *after, uint32_t max_items)
{
    struct rs_bench *rs = user;
    (void)max_items;

    rs_hear(rs, "items", node, "");
    if (rs->refuse_items != NULL) {
        xmpp_server_refuse(rs->server, id, "cancel", rs->refuse_items, NULL, NULL);
    } else if (rs->hold_items) {
        assert_true(rs->n_held < 64);
        snprintf(rs->held_node[rs->n_held], sizeof(rs->held_node[0]), "%s", node);
        rs->held[rs->n_held++] = id;
    } else {
        rs_answer_items(rs, id, node, after);
    }
}

/* In sync itself: answers what it held back. */
static inline void
rs_release(struct rs_bench *rs)
{
    rs->hold_items = false;
    for (unsigned i = 0; i < rs->n_held; i++)
        rs_answer_items(rs, rs->held[i], rs->held_node[i], NULL);
    rs->n_held = 0;
}

static inline void
rs_ended(void *user, enum xmpp_end end, const char *why)
{
    struct rs_bench *rs = user;
    (void)end;
    (void)why;

    rs->ended = true;
}

/* A fresh session; what the server knows stays. */
static inline void
rs_open(struct rs_bench *rs)
{
    static const struct xmpp_server_handlers handlers = {
        .bind = rs_bind,
        .subscribe = rs_subscribe,
        .unsubscribe = rs_unsubscribe,
        .publish = rs_publish,
        .retract = rs_retract,
        .items = rs_items,
        .ended = rs_ended,
    };
    struct xmpp_server_config config = XMPP_SERVER_CONFIG_DEFAULT;

    config.peer_address = "192.0.2.11";
    rs->ended = false;
    rs->n_held = 0;
    rs->server = xmpp_server_new(&config, &handlers, rs);
    assert_non_null(rs->server);
}

static inline void
rs_close(struct rs_bench *rs)
{
    xmpp_server_free(rs->server);
    rs->server = NULL;
}

/* It died and knows nothing any more. */
static inline void
rs_forget(struct rs_bench *rs)
{
    rs->n_items = 0;
    rs->n_publishes = 0;
    rs->heard[0] = '\0';
}
