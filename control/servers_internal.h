/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* What servers.c (the sessions in the event loop) and servers_desired.c (what they have to achieve)
 * share. For nobody else. */

#include <event2/event.h>

#include "control/server_session.h"
#include "lib/xmpp/backoff.h"
#include "lib/xmpp/transport.h"

#define RESOURCE_MAX 32

struct server {
    struct servers *servers;
    struct server_session session;
    char name[RIB_SERVER_NAME_MAX];
    char jid[JID_TEXT_MAX];
    struct ip_addr address;
    uint16_t port;
    bool tls;
    char certificate_name[256]; /* empty: the domain of `jid` */
    struct xmpp_transport *transport;
    struct xmpp_backoff backoff;
    int64_t up_since; /* 0: the present attempt never got there */
    struct event *connect;
    struct event *step;
};

struct servers {
    struct event_base *base;
    struct rib *rib;
    struct tls_identity *identity;
    struct publications publications;
    struct server servers[SERVERS_MAX];
    uint8_t n_servers;
    char local_part[JID_PART_MAX];
    char resource[RESOURCE_MAX];
    struct ip_addr source;
    struct event *tick;
    struct event *run; /* rib_run() */
    struct event *drain_timeout;
    bool draining;
    void (*drained)(void *user);
    void *drained_user;
};

static inline void
timer_arm(struct event *timer, int64_t milliseconds)
{
    struct timeval delay = { milliseconds / 1000, milliseconds % 1000 * 1000 };

    evtimer_add(timer, &delay);
}

static inline void
timer_arm_now(struct event *timer)
{
    event_active(timer, EV_TIMEOUT, 0);
}

/** Closes and frees connection and session, whatever their state; says nothing to the server. */
void server_close_connection(struct server *server);

/** While draining: closes each stream whose server has answered everything; all closed: done. */
void servers_check_drained(struct servers *servers);
