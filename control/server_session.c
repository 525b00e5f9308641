/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * A session with a route server: see server_session.h. Requests are pipelined, since a stream keeps
 * their order; a window bounds them, so that a slow server slows us and fills no queue. Requests
 * for items are outside of the window: a server that is not in sync itself holds back its answers
 * until it has heard from everyone, us included.
 */

#define LOG_AREA "server"

#include "control/server_session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"

enum request_kind { SUBSCRIBE, UNSUBSCRIBE, ITEMS, PUBLISH, RETRACT };

/* A request that waits for its answer; it keeps what it refers to from being freed. */
struct session_request {
    LIST_ENTRY(session_request) link;
    struct server_session *session;
    enum request_kind kind;
    struct subscription *subscription;
    struct publication *publication; /* publish, retract; else NULL */
    uint32_t epoch;
};

static void ask_items(struct server_session *session, struct subscription *subscription);

void
server_session_init(struct server_session *session)
{
    LIST_INIT(&session->requests);
    TAILQ_INIT(&session->subscriptions);
    TAILQ_INIT(&session->routes);
    server_session_set_state(session, SERVER_WAITING);
}

void
server_session_set_state(struct server_session *session, enum server_state state)
{
    if (state != session->state || session->state_since == 0)
        session->state_since = session->host->now(session->user);
    session->state = state;
}

void
server_session_queue_subscription(struct server_session *session, struct subscription *subscription)
{
    if (!server_session_is_up(session) || subscription->at[session->index].queued)
        return;
    subscription->at[session->index].queued = true;
    TAILQ_INSERT_TAIL(&session->subscriptions, subscription, at[session->index].link);
    session->host->wants_step(session->user, session);
}

void
server_session_queue_route(struct server_session *session, struct publication *publication)
{
    if (!server_session_is_up(session) || publication->at[session->index].queued)
        return;
    publication->at[session->index].queued = true;
    TAILQ_INSERT_TAIL(&session->routes, publication, at[session->index].link);
    session->host->wants_step(session->user, session);
}

bool
server_session_is_idle(const struct server_session *session)
{
    return TAILQ_EMPTY(&session->routes) && TAILQ_EMPTY(&session->subscriptions) &&
           session->in_flight == 0;
}

/* ---- Subscriptions ---- */

/* Moves a subscription on, and with it the numbers that people see. */
static void
set_subscription_state(struct server_session *session, struct subscription *subscription,
                       enum subscription_state state)
{
    enum subscription_state former = subscription->at[session->index].state;

    session->n_failed -= former == SUBSCRIPTION_FAILED;
    session->n_subscribed -= former >= SUBSCRIPTION_ITEMS;
    session->n_in_sync -= former == SUBSCRIPTION_IN_SYNC;
    session->n_failed += state == SUBSCRIPTION_FAILED;
    session->n_subscribed += state >= SUBSCRIPTION_ITEMS;
    session->n_in_sync += state == SUBSCRIPTION_IN_SYNC;
    subscription->at[session->index].state = state;
    subscription->at[session->index].since = session->host->now(session->user);
}

/* The session is in sync when each VPN is that we want and have not just left. */
static void
note_progress(struct server_session *session)
{
    uint32_t wanted = session->publications->n_wanted;

    if (!server_session_is_up(session))
        return;
    if (session->n_in_sync < wanted) {
        server_session_set_state(session, SERVER_SYNCING);
    } else if (session->state != SERVER_IN_SYNC) {
        server_session_set_state(session, SERVER_IN_SYNC);
        session->error[0] = '\0';
        if (!session->was_in_sync)
            log_info("%s: in sync (VPNs: %u)", session->name, wanted);
        session->was_in_sync = true;
    }
}

void
server_session_subscribe_anew(struct server_session *session, struct subscription *subscription)
{
    set_subscription_state(session, subscription, SUBSCRIPTION_NONE);
    server_session_queue_subscription(session, subscription);
    note_progress(session);
}

void
server_session_in_sync(struct server_session *session, struct subscription *subscription)
{
    set_subscription_state(session, subscription, SUBSCRIPTION_IN_SYNC);
    rib_in_sync(session->rib, subscription->vpn, session->server,
                session->host->now(session->user));
    session->host->rib_changed(session->user);
    note_progress(session);
}

static void
request_failed(struct server_session *session, const struct session_request *request,
               const struct xmpp_reply *reply)
{
    static const char *const names[] = { "subscribe", "unsubscribe", "items", "publish",
                                         "retract" };
    const char *why = reply->outcome == XMPP_TIMED_OUT ? "no answer in time" : reply->condition;

    session->requests_failed++;
    snprintf(session->error, sizeof(session->error), "%s %s: %s", names[request->kind],
             request->subscription->name, why);
    if (session->log_budget == 0)
        return;
    session->log_budget--;
    log_warning("%s: %s %s: %s%s%s", session->name, names[request->kind],
                request->publication != NULL ? request->publication->item_id
                                             : request->subscription->name,
                why, reply->text[0] != '\0' ? ": " : "", reply->text);
}

static void
subscribe_answered(struct server_session *session, struct subscription *subscription,
                   const struct xmpp_reply *reply)
{
    if (reply->outcome == XMPP_DONE)
        ask_items(session, subscription);
    else
        set_subscription_state(session, subscription, SUBSCRIPTION_FAILED);
}

static void
items_answered(struct server_session *session, struct subscription *subscription,
               const struct xmpp_reply *reply)
{
    if (reply->outcome == XMPP_DONE)
        server_session_in_sync(session, subscription);
    else if (reply->outcome == XMPP_TIMED_OUT)
        ask_items(session, subscription);
    else
        set_subscription_state(session, subscription, SUBSCRIPTION_QUIET);
}

/* ---- Own routes ---- */

static void
set_known(struct server_session *session, struct publication *publication, bool known)
{
    session->n_known += (uint32_t)known - (uint32_t)publication->at[session->index].known;
    publication->at[session->index].known = known;
}

static void
set_failed(struct server_session *session, struct publication *publication, bool failed)
{
    session->n_failed += (uint32_t)failed - (uint32_t)publication->at[session->index].failed;
    publication->at[session->index].failed = failed;
    if (failed)
        session->retry_at = session->host->now(session->user) + SESSION_RETRY_MS;
}

static void
publish_answered(struct server_session *session, struct publication *publication,
                 const struct xmpp_reply *reply)
{
    bool sent = publication->at[session->index].sent;

    set_known(session, publication, reply->outcome == XMPP_DONE && sent);
    if (reply->outcome != XMPP_DONE && publication->wanted)
        set_failed(session, publication, true);
}

/* An item that is not found is as good as retracted. */
static bool
is_retracted(const struct xmpp_reply *reply)
{
    return reply->outcome == XMPP_DONE || strcmp(reply->condition, "item-not-found") == 0;
}

static void
retract_answered(struct server_session *session, struct publication *publication,
                 const struct xmpp_reply *reply)
{
    if (!is_retracted(reply) && !publication->wanted) {
        publication->at[session->index].sent = true;
        set_failed(session, publication, true);
    }
}

/* ---- Requests ---- */

static void
answered(void *context, const struct xmpp_reply *reply)
{
    struct session_request *request = context;
    struct server_session *session = request->session;
    struct subscription *subscription = request->subscription;
    bool current = request->epoch == subscription->at[session->index].epoch;
    bool ended = reply->outcome == XMPP_ENDED;

    LIST_REMOVE(request, link);
    subscription->in_flight--;
    if (request->kind != ITEMS)
        session->in_flight--;
    if (!ended && reply->outcome != XMPP_DONE && !(request->kind == RETRACT && is_retracted(reply)))
        request_failed(session, request, reply);
    if (request->publication != NULL) {
        request->publication->in_flight--;
        if (!ended && request->kind == PUBLISH)
            publish_answered(session, request->publication, reply);
        else if (!ended)
            retract_answered(session, request->publication, reply);
        publication_release(session->publications, request->publication);
    } else if (current && !ended && request->kind == SUBSCRIBE) {
        subscribe_answered(session, subscription, reply);
    } else if (current && !ended && request->kind == ITEMS) {
        items_answered(session, subscription, reply);
    }
    subscription_release(session->publications, subscription);
    free(request);
    if (!ended)
        session->host->wants_step(session->user, session);
}

/* Sends a request about a subscription or publication. */
static int
send_request(struct server_session *session, enum request_kind kind,
             struct subscription *subscription, struct publication *publication)
{
    struct session_request *request = calloc(1, sizeof(*request));
    struct xmpp_client *client = session->client;
    int error = -ENOMEM;

    if (request == NULL)
        return error;
    request->session = session;
    request->kind = kind;
    request->subscription = subscription;
    request->publication = publication;
    request->epoch = subscription->at[session->index].epoch;
    switch (kind) {
    case SUBSCRIBE:
        error = xmpp_client_subscribe(client, subscription->name, subscription->instance_id,
                                      answered, request);
        break;
    case UNSUBSCRIBE:
        error = xmpp_client_unsubscribe(client, subscription->name, answered, request);
        break;
    case ITEMS:
        error = xmpp_client_items(client, subscription->name, SESSION_ITEMS_TIMEOUT_MS, answered,
                                  request);
        break;
    case PUBLISH:
        error = xmpp_client_publish(client, subscription->name, publication->item_id,
                                    &publication->route, answered, request);
        break;
    case RETRACT:
        error = xmpp_client_retract(client, subscription->name, publication->item_id, answered,
                                    request);
        break;
    }
    if (error != 0) {
        free(request);
        return error;
    }
    LIST_INSERT_HEAD(&session->requests, request, link);
    subscription->in_flight++;
    if (publication != NULL)
        publication->in_flight++;
    if (kind != ITEMS)
        session->in_flight++;
    return 0;
}

static void
ask_items(struct server_session *session, struct subscription *subscription)
{
    if (send_request(session, ITEMS, subscription, NULL) == 0)
        set_subscription_state(session, subscription, SUBSCRIPTION_ITEMS);
    else
        set_subscription_state(session, subscription, SUBSCRIPTION_FAILED);
}

/* Subscribes, or unsubscribes. @return as send_request(). */
static int
step_subscription(struct server_session *session, struct subscription *subscription)
{
    bool wanted = subscription->vpn != NULL;
    enum subscription_state state = subscription->at[session->index].state;
    int error = 0;

    if (wanted && (state == SUBSCRIPTION_NONE || state == SUBSCRIPTION_FAILED)) {
        error = send_request(session, SUBSCRIBE, subscription, NULL);
        if (error == 0)
            set_subscription_state(session, subscription, SUBSCRIPTION_ASKED);
    } else if (!wanted && state != SUBSCRIPTION_NONE) {
        error = send_request(session, UNSUBSCRIBE, subscription, NULL);
        if (error == 0)
            set_subscription_state(session, subscription, SUBSCRIPTION_NONE);
    }
    return error;
}

/* Publishes, or retracts. @return as send_request(). */
static int
step_route(struct server_session *session, struct publication *publication)
{
    bool *sent = &publication->at[session->index].sent;
    int error = 0;

    if (publication->wanted) {
        error = send_request(session, PUBLISH, publication->subscription, publication);
        *sent |= error == 0;
    } else if (*sent) {
        error = send_request(session, RETRACT, publication->subscription, publication);
        *sent = error != 0;
        set_known(session, publication, false);
    }
    set_failed(session, publication, false);
    return error;
}

/* What can never be sent must not hold up the rest. */
static bool
is_hopeless(struct server_session *session, int error, const char *what)
{
    if (error != -EINVAL)
        return false;
    session->requests_failed++;
    log_error("%s: %s cannot be said in XMPP", session->name, what);
    return true;
}

/* The next subscription to subscribe to, or, with `wanted` false, to leave. */
static struct subscription *
next_subscription(const struct server_session *session, bool wanted)
{
    struct subscription *subscription = TAILQ_FIRST(&session->subscriptions);

    while (subscription != NULL && (subscription->vpn != NULL) != wanted)
        subscription = TAILQ_NEXT(subscription, at[session->index].link);
    return subscription;
}

static bool
step_next_subscription(struct server_session *session, struct subscription *subscription)
{
    int error = step_subscription(session, subscription);

    if (error != 0 && !is_hopeless(session, error, subscription->name))
        return false;
    TAILQ_REMOVE(&session->subscriptions, subscription, at[session->index].link);
    subscription->at[session->index].queued = false;
    subscription_release(session->publications, subscription);
    return true;
}

static bool
step_next_route(struct server_session *session, struct publication *publication)
{
    struct subscription *subscription = publication->subscription;
    int error = step_route(session, publication);

    if (error != 0 && !is_hopeless(session, error, publication->item_id))
        return false;
    TAILQ_REMOVE(&session->routes, publication, at[session->index].link);
    publication->at[session->index].queued = false;
    publication_release(session->publications, publication);
    subscription_release(session->publications, subscription);
    return true;
}

bool
server_session_step(struct server_session *session)
{
    struct subscription *subscription;
    struct publication *publication;
    bool sent = true;

    if (!server_session_is_up(session))
        return false;
    /* Subscribe first, for some servers want it before a publish; leave after the retractions. */
    for (int i = 0; i < SESSION_STEP_MAX && sent; i++) {
        if (session->in_flight >= SESSION_IN_FLIGHT_MAX)
            return false;
        if ((subscription = next_subscription(session, true)) != NULL)
            sent = step_next_subscription(session, subscription);
        else if ((publication = TAILQ_FIRST(&session->routes)) != NULL)
            sent = step_next_route(session, publication);
        else if ((subscription = TAILQ_FIRST(&session->subscriptions)) != NULL)
            sent = step_next_subscription(session, subscription);
        else
            break;
    }
    note_progress(session);
    return sent && !(TAILQ_EMPTY(&session->routes) && TAILQ_EMPTY(&session->subscriptions));
}

void
server_session_release(struct server_session *session)
{
    struct session_request *request;

    xmpp_client_free(session->client);
    session->client = NULL;
    while ((request = LIST_FIRST(&session->requests)) != NULL) {
        LIST_REMOVE(request, link);
        free(request);
    }
}
