/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The vRouter's sessions with its route servers (draft-ietf-l3vpn-end-system): connects
 * and reconnects, subscribes to every VPN, publishes our own routes, feeds the RIB.
 *
 * Every configured server is active: each gets every subscription and every own route (C16, C18).
 * What was asked for (VPNs, own routes) is kept as the desired state; each session works its way
 * towards it, in slices, from the beginning after every reconnect.
 * Control thread only.
 */

#include <stdbool.h>
#include <stdint.h>

#include "lib/net/addr.h"
#include "lib/xmpp/route.h"

#define SERVERS_MAX 4

struct event_base;
struct rib;
struct rib_vpn;
struct servers;
struct tls_identity;

enum server_dialect { SERVER_DIALECT_DRAFT };

/* One route server as configured. Strings are copied. */
struct server_settings {
    const char *name; /* unique */
    struct ip_addr address;
    uint16_t port;   /* 0: 5222 */
    const char *jid; /* the RS's JID; NULL: route-server@ietf.org (C24) */
    enum server_dialect dialect;
    bool tls;                     /* required; else plain text */
    const char *certificate_name; /* of the server; NULL: the domain of `jid` */
};

struct servers_settings {
    const char *local_part;   /* of our JID: our host name or infrastructure address (C23, D6) */
    struct ip_addr forwarder; /* our infrastructure address: in item ids (C34) */
    struct tls_identity *identity; /* for TLS: held; NULL if no server is to use it */
    uint8_t n_servers;             /* 0..SERVERS_MAX */
    struct server_settings servers[SERVERS_MAX];
};

enum server_state {
    SERVER_WAITING,    /* between two attempts */
    SERVER_CONNECTING, /* TCP, stream, authentication, binding */
    SERVER_SYNCING,    /* bound; not every VPN is in sync yet */
    SERVER_IN_SYNC,    /* every VPN is in sync */
    SERVER_CLOSED      /* drained or stopped */
};

/** The word for people: "waiting", "connecting", "syncing", "in sync", "closed". */
const char *server_state_name(enum server_state state);

struct server_status {
    const char *name;
    struct ip_addr address;
    uint16_t port;
    enum server_state state;
    const char *dialect;      /* "draft" */
    bool tls;                 /* required */
    char cipher[64];          /* of the session, empty without TLS */
    int64_t expiry;           /* of our certificate, seconds since 1970-01-01 UTC; 0: none */
    const char *jid;          /* ours, as bound; empty before */
    const char *server_jid;   /* the RS's */
    const char *last_error;   /* empty if there was none; kept until a session is in sync */
    uint32_t routes;          /* items held from it, live and stale */
    uint32_t stale;           /* of these: stale */
    uint32_t chosen;          /* prefixes that use its path */
    uint32_t published;       /* own routes that it has acknowledged in this session */
    uint32_t vpns;            /* VPNs subscribed */
    uint32_t vpns_in_sync;    /* of these: in sync */
    int64_t state_since;      /* clock_monotonic_ms() of the last change of `state` */
    uint32_t reconnects;      /* sessions lost since the start */
    uint64_t items_refused;   /* items with a bad prefix, label or next hop, or over a limit */
    uint64_t requests_failed; /* our requests answered with an error, or not in time */
};

/**
 * Starts connecting to every server from the event loop. The RIB must outlive the result.
 * @return 0, -EINVAL (a name twice, no usable JID) or -ENOMEM.
 */
int servers_new(struct event_base *base, struct rib *rib, const struct servers_settings *settings,
                struct servers **servers);

/** Sessions that begin from now on use another identity, which is held; the others go on. */
void servers_set_identity(struct servers *servers, struct tls_identity *identity);

/** Closes every TCP connection without retracting anything, and frees. NULL is allowed. */
void servers_free(struct servers *servers);

/**
 * The first interface of a VPN: subscribes at every server (C26, C27), with the same instance-id
 * (C30; 0: none is sent). Again for the same VPN: -EEXIST, nothing is sent (C28).
 * @return 0, -EEXIST or -ENOMEM.
 */
int servers_vpn_add(struct servers *servers, struct rib_vpn *vpn, uint16_t instance_id);

/**
 * The last interface of a VPN went: retracts what is still published there, unsubscribes (C29),
 * forgets. To be called before rib_vpn_remove().
 */
void servers_vpn_del(struct servers *servers, struct rib_vpn *vpn);

/**
 * Publishes an own route at every server, now and after each reconnect (C16, C33); replaces what
 * was published for that prefix before. The item id is forwarder:instance-id:prefix (C34).
 * @return 0, -ENOENT (unknown VPN) or -ENOMEM.
 */
int servers_publish(struct servers *servers, struct rib_vpn *vpn, const struct route *route);

/**
 * Retracts it at every server (C35); a server that is not reachable hears of it by not getting it
 * published again, and purges it.
 * @return 0, or -ENOENT if it was not published.
 */
int servers_retract(struct servers *servers, struct rib_vpn *vpn, const struct ip_prefix *prefix);

/**
 * Retracts everything, waits until every reachable server has answered or `timeout_ms` has passed,
 * closes the streams, then calls `done` from the event loop, once. Only servers_free() and status
 * calls may follow.
 */
void servers_drain(struct servers *servers, int timeout_ms, void (*done)(void *user), void *user);

/** How many servers are configured. */
uint8_t servers_count(const struct servers *servers);

/** The status of server number `index` (0..count-1). Strings are valid until the next event. */
void servers_status(const struct servers *servers, uint8_t index, struct server_status *status);

/** Asks for a RIB that has been changed by the caller (rib_reconsider(), rib_vpn_remove()...) to be
 * run: the sessions own the timer that calls rib_run(). */
void servers_rib_changed(struct servers *servers);
