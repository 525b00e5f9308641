/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * What a route server says and what becomes of it: items into the RIB, the beginning and the end of
 * a session, and once a second another try of what failed.
 */

#define LOG_AREA "server"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "control/server_session.h"
#include "lib/base/log.h"

#define LOG_LINES_PER_TICK 20 /* about items and requests: a server must not flood the log */

/* The VPN of a node, NULL if we want nothing of it (any more). */
static struct rib_vpn *
vpn_of(const struct server_session *session, const char *node)
{
    const struct subscription *subscription = subscription_find(session->publications, node);

    return subscription == NULL ? NULL : subscription->vpn;
}

static void
refused(struct server_session *session, const char *node, const char *item_id, const char *why)
{
    session->items_refused++;
    if (session->log_budget == 0)
        return;
    session->log_budget--;
    log_warning("%s: %s: item %s refused: %s", session->name, node, item_id, why);
}

static void
on_item(void *user, const char *node, const char *item_id, const struct route *route)
{
    struct server_session *session = user;
    struct subscription *subscription = subscription_find(session->publications, node);
    int64_t now = session->host->now(session->user);

    if (subscription == NULL || subscription->vpn == NULL)
        return;
    if (subscription->at[session->index].state == SUBSCRIPTION_QUIET)
        subscription->at[session->index].since = now;
    int error = rib_item(session->rib, subscription->vpn, session->server, item_id, route, now);
    if (error != 0)
        refused(session, node, item_id, error == -ENOSPC ? "too many routes" : strerror(-error));
}

static void
on_refused(void *user, const char *node, const char *item_id, const char *why)
{
    struct server_session *session = user;
    struct rib_vpn *vpn = vpn_of(session, node);

    refused(session, node, item_id, why);
    if (vpn != NULL)
        rib_item_unusable(session->rib, vpn, session->server, item_id);
}

static void
on_retract(void *user, const char *node, const char *item_id)
{
    struct server_session *session = user;
    struct rib_vpn *vpn = vpn_of(session, node);

    if (vpn != NULL)
        rib_retract(session->rib, vpn, session->server, item_id);
}

static void
on_purge(void *user, const char *node)
{
    struct server_session *session = user;
    struct rib_vpn *vpn = vpn_of(session, node);

    if (vpn != NULL)
        rib_purge(session->rib, vpn, session->server);
}

static void
on_ready(void *user, const char *jid)
{
    struct server_session *session = user;
    struct subscription *subscription;
    struct publication *publication;

    snprintf(session->jid, sizeof(session->jid), "%s", jid);
    if (rib_server_live(session->rib, session->server) != 0) {
        xmpp_session_close(xmpp_client_session(session->client), "no memory");
        return;
    }
    log_info("%s: session up as %s", session->name, jid);
    session->was_up = true;
    session->up_since = session->host->now(session->user);
    session->log_budget = LOG_LINES_PER_TICK;
    server_session_set_state(session, SERVER_SYNCING);
    TAILQ_FOREACH(subscription, &session->publications->order, link)
    {
        if (subscription->vpn == NULL)
            continue;
        server_session_queue_subscription(session, subscription);
        TAILQ_FOREACH(publication, &subscription->order, link)
        {
            if (publication->wanted)
                server_session_queue_route(session, publication);
        }
    }
    session->host->wants_step(session->user, session);
}

/* Forgets how far this session had come. */
static void
forget_progress(struct server_session *session)
{
    struct subscription *subscription, *next_subscription;
    struct publication *publication, *next;
    uint8_t i = session->index;

    TAILQ_INIT(&session->subscriptions);
    TAILQ_INIT(&session->routes);
    session->n_subscribed = session->n_in_sync = session->n_known = session->n_failed = 0;
    subscription = TAILQ_FIRST(&session->publications->order);
    for (; subscription != NULL; subscription = next_subscription) {
        next_subscription = TAILQ_NEXT(subscription, link);
        subscription->at[i].epoch++;
        subscription->at[i].state = SUBSCRIPTION_NONE;
        subscription->at[i].queued = false;
        for (publication = TAILQ_FIRST(&subscription->order); publication != NULL;
             publication = next) {
            next = TAILQ_NEXT(publication, link);
            publication->at[i].queued = publication->at[i].sent = false;
            publication->at[i].known = publication->at[i].failed = false;
            publication_release(session->publications, publication);
        }
        subscription_release(session->publications, subscription);
    }
}

static void
on_ended(void *user, enum xmpp_end end, const char *why)
{
    struct server_session *session = user;

    snprintf(session->error, sizeof(session->error), "%s: %s", xmpp_end_text(end), why);
    log_write(end == XMPP_END_LOCAL ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING, LOG_AREA,
              session->was_up ? "%s: session over: %s" : "%s: no session: %s", session->name,
              session->error);
    if (session->was_up) {
        session->lost++;
        rib_session_lost(session->rib, session->server, session->host->now(session->user));
        session->host->rib_changed(session->user);
    }
    forget_progress(session);
}

int
server_session_open(struct server_session *session, const struct xmpp_client_config *config)
{
    static const struct xmpp_client_handlers handlers = {
        .ready = on_ready,
        .item = on_item,
        .retract = on_retract,
        .purge = on_purge,
        .refused = on_refused,
        .ended = on_ended,
    };

    session->was_up = session->was_in_sync = false;
    session->jid[0] = '\0';
    session->client = xmpp_client_new(config, &handlers, session);
    if (session->client == NULL)
        return -errno;
    server_session_set_state(session, SERVER_CONNECTING);
    return 0;
}

/* ---- Trying again ---- */

static void
retry_subscriptions(struct server_session *session, int64_t now)
{
    struct subscription *subscription;

    TAILQ_FOREACH(subscription, &session->publications->order, link)
    {
        int64_t age = now - subscription->at[session->index].since;
        if (subscription->vpn == NULL)
            continue;
        if (subscription->at[session->index].state == SUBSCRIPTION_FAILED &&
            age >= SESSION_RETRY_MS)
            server_session_queue_subscription(session, subscription);
        if (subscription->at[session->index].state == SUBSCRIPTION_QUIET && age >= SESSION_QUIET_MS)
            server_session_in_sync(session, subscription);
    }
}

static void
retry_routes(struct server_session *session)
{
    struct subscription *subscription;
    struct publication *publication;

    TAILQ_FOREACH(subscription, &session->publications->order, link)
    {
        TAILQ_FOREACH(publication, &subscription->order, link)
        {
            if (publication->at[session->index].failed)
                server_session_queue_route(session, publication);
        }
    }
}

void
server_session_tick(struct server_session *session)
{
    int64_t now = session->host->now(session->user);

    session->log_budget = LOG_LINES_PER_TICK;
    if (!server_session_is_up(session))
        return;
    if (session->n_in_sync < session->publications->n_wanted)
        retry_subscriptions(session, now);
    if (session->n_failed > 0 && now >= session->retry_at) {
        session->retry_at = now + SESSION_RETRY_MS;
        retry_routes(session);
    }
    if (!server_session_is_idle(session))
        session->host->wants_step(session->user, session);
}
