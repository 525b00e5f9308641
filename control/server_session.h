/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * One route server as the vRouter sees it, session after session: works its way from nothing to
 * the desired state (publications.h), feeds the RIB, knows when a VPN is in sync. Neither sockets
 * nor timers: servers.c brings those.
 *
 *     bound → subscribe every VPN, publish every own route; each VPN: <items/> once subscribed
 *           → in sync at the answer, which the server may hold back for as long as it likes
 *
 * Control thread only.
 */

#include <stdbool.h>
#include <stdint.h>

#include "control/publications.h"
#include "control/rib.h"
#include "control/servers.h"
#include "lib/xmpp/client.h"
#include "lib/xmpp/jid.h"

#define SESSION_IN_FLIGHT_MAX    512           /* requests but <items/> without an answer */
#define SESSION_STEP_MAX         128           /* requests written in one step */
#define SESSION_ITEMS_TIMEOUT_MS (300 * 1000u) /* then asked again */
#define SESSION_RETRY_MS         10000         /* after a refusal */
#define SESSION_QUIET_MS         5000          /* without items: in sync, where there is no get */
#define SESSION_ERROR_MAX        160

struct server_session;
struct session_request;

/* What a session needs of its surroundings. */
struct session_host {
    /** The clock of the RIB. */
    int64_t (*now)(void *user);
    /** There is something to send: server_session_step() is wanted. */
    void (*wants_step)(void *user, struct server_session *session);
    /** rib_run() is wanted. */
    void (*rib_changed)(void *user);
};

struct server_session {
    const char *name;
    uint8_t index;
    const struct session_host *host;
    void *user;
    struct rib *rib;
    struct rib_server *server;
    struct publications *publications;

    struct xmpp_client *client; /* NULL between two sessions */
    enum server_state state;
    int64_t state_since;
    bool was_up;                           /* this session was bound … */
    int64_t up_since;                      /* … then */
    bool was_in_sync;                      /* and in sync once */
    LIST_HEAD(, session_request) requests; /* without an answer */
    uint32_t in_flight;                    /* of these: all but <items/> */
    uint32_t n_subscribed;
    uint32_t n_in_sync;
    uint32_t n_known;                        /* own routes acknowledged */
    uint32_t n_failed;                       /* subscriptions and publications to be tried again */
    int64_t retry_at;                        /* of the failed publications */
    struct subscription_queue subscriptions; /* to be subscribed or unsubscribed */
    struct publication_queue routes;         /* to be published or retracted */

    uint32_t lost; /* sessions that had been up */
    uint64_t items_refused;
    uint64_t requests_failed;
    unsigned log_budget; /* lines about single items and requests until the next tick */
    char jid[JID_TEXT_MAX];
    char error[SESSION_ERROR_MAX];
};

/** `session` has `name`, `index`, `host`, `user`, `rib`, `server`, `publications` set. */
void server_session_init(struct server_session *session);

/**
 * Begins a session: makes `session->client`, which is to be carried.
 * @return 0 or a negative errno.
 */
int server_session_open(struct server_session *session, const struct xmpp_client_config *config);

/** Frees the client, once its carrier is; before its end, nothing is said to the server. */
void server_session_release(struct server_session *session);

/** Changes the state; the host does so between two sessions. */
void server_session_set_state(struct server_session *session, enum server_state state);

/** A subscription or publication has changed: queues it, if a session stands. */
void server_session_queue_subscription(struct server_session *session,
                                       struct subscription *subscription);
void server_session_queue_route(struct server_session *session, struct publication *publication);

/** A VPN that was dropped is wanted again before we could leave it: subscribes once more. */
void server_session_subscribe_anew(struct server_session *session,
                                   struct subscription *subscription);

/** True while the session is bound. */
static inline bool
server_session_is_up(const struct server_session *session)
{
    return session->client != NULL && xmpp_client_is_ready(session->client);
}

/** The server has told everything about a VPN; from server_events.c. */
void server_session_in_sync(struct server_session *session, struct subscription *subscription);

/** Sends what is queued, a step of it. @return true if more could be sent at once. */
bool server_session_step(struct server_session *session);

/** About once a second: tries again what failed. */
void server_session_tick(struct server_session *session);

/** True if nothing is queued and nothing unanswered: after a drain, the stream may be closed. */
bool server_session_is_idle(const struct server_session *session);
