/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * What the vRouter wants its route servers to know, as the rest of it asks for: VPNs and own routes
 * that come and go, and the drain, after which they know nothing of us.
 */

#define LOG_AREA "server"

#include <errno.h>
#include <event2/event.h>
#include <string.h>

#include "control/servers_internal.h"
#include "lib/base/log.h"

static struct subscription *
wanted_subscription(const struct servers *servers, const struct rib_vpn *vpn)
{
    struct subscription *subscription =
        subscription_find(&servers->publications, rib_vpn_name(vpn));

    return subscription != NULL && subscription->vpn == vpn ? subscription : NULL;
}

static void
queue_route(struct servers *servers, struct publication *publication)
{
    for (uint8_t i = 0; i < servers->n_servers; i++)
        server_session_queue_route(&servers->servers[i].session, publication);
}

int
servers_vpn_add(struct servers *servers, struct rib_vpn *vpn, uint16_t instance_id)
{
    struct subscription *subscription;
    int error = subscription_add(&servers->publications, vpn, rib_vpn_name(vpn), instance_id,
                                 &subscription);

    if (error != 0)
        return error;
    for (uint8_t i = 0; i < servers->n_servers; i++)
        server_session_subscribe_anew(&servers->servers[i].session, subscription);
    return 0;
}

void
servers_vpn_del(struct servers *servers, struct rib_vpn *vpn)
{
    struct subscription *subscription = wanted_subscription(servers, vpn);
    struct publication *publication, *next;

    if (subscription == NULL)
        return;
    subscription_drop(&servers->publications, subscription);
    for (publication = TAILQ_FIRST(&subscription->order); publication != NULL; publication = next) {
        next = TAILQ_NEXT(publication, link);
        queue_route(servers, publication);
        publication_release(&servers->publications, publication);
    }
    for (uint8_t i = 0; i < servers->n_servers; i++)
        server_session_queue_subscription(&servers->servers[i].session, subscription);
    subscription_release(&servers->publications, subscription);
}

int
servers_publish(struct servers *servers, struct rib_vpn *vpn, const struct route *route)
{
    struct subscription *subscription = wanted_subscription(servers, vpn);
    struct publication *publication;

    if (subscription == NULL)
        return -ENOENT;
    publication = publication_set(&servers->publications, subscription, route);
    if (publication == NULL)
        return -ENOMEM;
    queue_route(servers, publication);
    return 0;
}

int
servers_retract(struct servers *servers, struct rib_vpn *vpn, const struct ip_prefix *prefix)
{
    struct subscription *subscription = wanted_subscription(servers, vpn);
    struct publication *publication =
        subscription == NULL ? NULL : publication_find(subscription, prefix);

    if (publication == NULL || !publication->wanted)
        return -ENOENT;
    publication->wanted = false;
    queue_route(servers, publication);
    publication_release(&servers->publications, publication);
    return 0;
}

/* ---- Draining ---- */

static void
finish_drain(struct servers *servers)
{
    void (*drained)(void *user) = servers->drained;

    evtimer_del(servers->drain_timeout);
    servers->drained = NULL;
    if (drained != NULL)
        drained(servers->drained_user);
}

/* Closes each stream whose server has answered everything; all closed: done. */
void
servers_check_drained(struct servers *servers)
{
    bool open = false;

    for (uint8_t i = 0; i < servers->n_servers; i++) {
        struct server_session *session = &servers->servers[i].session;
        if (session->state == SERVER_CLOSED)
            continue;
        open = true;
        if (server_session_is_idle(session) &&
            !xmpp_session_ended(xmpp_client_session(session->client)))
            xmpp_session_close(xmpp_client_session(session->client), "drained");
    }
    if (!open)
        timer_arm_now(servers->drain_timeout);
}

/* The deadline, or sooner when everything is closed. */
static void
on_drain_timeout(evutil_socket_t fd, short what, void *user)
{
    struct servers *servers = user;
    (void)fd;
    (void)what;

    for (uint8_t i = 0; i < servers->n_servers; i++) {
        struct server *server = &servers->servers[i];
        if (server->session.state == SERVER_CLOSED)
            continue;
        log_warning("%s: not drained in time", server->name);
        server_close_connection(server);
        server_session_set_state(&server->session, SERVER_CLOSED);
    }
    finish_drain(servers);
}

void
servers_drain(struct servers *servers, int timeout_ms, void (*done)(void *user), void *user)
{
    struct subscription *subscription;
    struct publication *publication, *next;

    if (servers->draining)
        return;
    servers->draining = true;
    servers->drained = done;
    servers->drained_user = user;
    servers->drain_timeout = evtimer_new(servers->base, on_drain_timeout, servers);
    for (uint8_t i = 0; i < servers->n_servers; i++) {
        struct server *server = &servers->servers[i];
        evtimer_del(server->connect);
        if (server_session_is_up(&server->session))
            continue;
        server_close_connection(server);
        server_session_set_state(&server->session, SERVER_CLOSED);
    }
    TAILQ_FOREACH(subscription, &servers->publications.order, link)
    {
        for (publication = TAILQ_FIRST(&subscription->order); publication != NULL;
             publication = next) {
            next = TAILQ_NEXT(publication, link);
            publication->wanted = false;
            queue_route(servers, publication);
            publication_release(&servers->publications, publication);
        }
    }
    if (servers->drain_timeout == NULL) {
        done(user);
        return;
    }
    timer_arm(servers->drain_timeout, timeout_ms);
    servers_check_drained(servers);
}
