/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The route server's memory: who published what (clients and publications), which VPN sees it (VRFs
 * and route targets), which path each VRF uses (routes), and what each subscriber has not been told
 * yet (subscriptions). No socket and no clock: times are milliseconds that the caller hands in.
 *
 *     client ── publication ── path ── route ── VRF ── subscription ── client
 *     (origin)     │ one path per VRF that imports the origin VRF       (anyone, the origin too)
 *
 * A VRF keeps its routes twice: in the order of prefixes, and in the order of their last change,
 * the log. A subscription is a place in the log: a new one stands at its beginning, so that
 * everything is delivered (R5), one that has come to the end is told deltas only (R6), and one that
 * reads slowly is told the last state of what changed meanwhile. What waits for a slow reader is
 * therefore no queue but a place. A route that is withdrawn stays in the log until every
 * subscription has passed it.
 *
 * Exports are those of the VPN that a route was published to; what a VRF imports it never exports
 * again, so route targets make no loop.
 *
 * One thread at a time.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "control/routeserver/prefix_tree.h"
#include "lib/base/hmap.h"
#include "lib/net/addr.h"
#include "lib/xmpp/route.h"

#define RIB_VPN_NAME_MAX 129 /* with the zero at the end: 128 octets (C25) */
#define RIB_JID_MAX      520 /* a bare JID with the zero at the end */

struct rib_limits {
    uint32_t vpns;                     /* configured and automatic */
    uint32_t clients;                  /* with a session, or with routes not yet purged */
    uint32_t subscriptions_per_client; /* VPNs */
    uint32_t routes_per_client;
    uint32_t routes; /* publications of all clients */
    uint32_t lag;    /* withdrawn routes that wait for a VPN's slowest subscriber */
};

#define RIB_LIMITS_DEFAULT ((struct rib_limits){ 10000, 4096, 4096, 100000, 2000000, 65536 })

struct rib_counters {
    uint64_t published;        /* requests that added or changed a route */
    uint64_t renewed;          /* requests that repeated what was known */
    uint64_t retracted;        /* by the client */
    uint64_t purged;           /* because a client did not come back in time, or left the VPN */
    uint64_t changes;          /* of a VRF's route: each is told to each subscriber */
    uint64_t refused_next_hop; /* publications with an address that is not unicast */
    uint64_t refused_stranger; /* publications to a VPN that the client does not subscribe to */
    uint64_t refused_limit;    /* by one of rib_limits */
    uint64_t overruns;         /* subscribers too far behind: closed */
};

struct rib_policy {
    uint64_t *export_targets, *import_targets;
    uint32_t n_export, n_import;
};

struct rib_client {
    LIST_ENTRY(rib_client) link;
    struct hmap_node node;
    char jid[RIB_JID_MAX];   /* bare: the host, whatever its resource of this boot is */
    struct ip_addr address;  /* of its last session */
    void *session;           /* the caller's; NULL: it has none */
    uint64_t since;          /* session: came then; else: went then */
    uint64_t lost;           /* its oldest publication not renewed is stale since; 0: none */
    uint64_t purge_at;       /* 0: nothing to purge */
    uint32_t generation;     /* publications of an older one are stale */
    uint32_t n_publications; /* in `publications` */
    uint32_t n_subscriptions;
    struct hmap by_item; /* publications by VPN and ItemID */
    struct hmap by_vpn;  /* subscriptions by the VPN's name */
    TAILQ_HEAD(rib_publications, rib_publication) publications; /* stale ones first */
    LIST_HEAD(, rib_subscription) subscriptions;
};

struct rib_publication {
    struct hmap_node node;
    TAILQ_ENTRY(rib_publication) link;
    struct rib_client *client;
    struct rib_vrf *origin;
    LIST_HEAD(, rib_path) paths;
    uint64_t serial;        /* the greater was published or changed later */
    uint64_t since;         /* milliseconds */
    uint32_t generation;    /* the client's when it was last published */
    struct ip_addr rd_addr; /* route distinguisher: client's address and instance-id (C30) */
    uint16_t rd_instance;
    bool has_rd;
    struct route *route; /* allocated for its own number of next hops: never copied as a whole */
    char item_id[];
};

struct rib_path {
    LIST_ENTRY(rib_path) of_route, of_publication;
    struct rib_publication *publication;
    struct rib_route *route;
};

struct rib_route {
    struct prefix_node node;
    TAILQ_ENTRY(rib_route) log;
    TAILQ_ENTRY(rib_route) withdrawn; /* while `best` is NULL */
    struct rib_vrf *vrf;
    LIST_HEAD(, rib_path) paths;
    const struct rib_path *best; /* NULL: withdrawn */
    uint64_t changed;            /* number of the change, from 1, growing along the log */
    uint64_t since;              /* of the change, milliseconds */
};

struct rib_vrf {
    LIST_ENTRY(rib_vrf) link;
    struct hmap_node node;
    char name[RIB_VPN_NAME_MAX];
    bool automatic; /* came with a subscription (R3); imports itself only */
    struct rib_policy policy;
    struct rib_vrf **importers; /* the VRFs that see what is published here */
    uint32_t n_importers;
    uint32_t n_publications; /* that were published here */
    uint32_t n_subscriptions, n_behind, n_withdrawn;
    uint64_t last_change;
    struct prefix_tree routes;
    TAILQ_HEAD(rib_log, rib_route) log;
    TAILQ_HEAD(, rib_route) withdrawn; /* in the order of the log */
    LIST_HEAD(, rib_subscription) subscriptions;
};

struct rib_subscription {
    LIST_ENTRY(rib_subscription) of_client, of_vrf;
    struct hmap_node node;
    struct rib_client *client;
    struct rib_vrf *vrf;
    uint16_t instance_id;
    bool has_instance_id;
    bool overrun;           /* its client has been given up */
    struct rib_route *next; /* in the log; NULL: everything has been told */
    uint64_t told;          /* changes up to this number have been told */
    uint64_t began;         /* routes withdrawn up to this change were never told */
};

struct rib {
    struct rib_limits limits;
    struct rib_counters counters;
    bool auto_vpn;
    uint64_t purge_ms;
    uint64_t last_serial;
    uint32_t n_vrfs, n_clients, n_publications;
    struct hmap vrfs_by_name, clients_by_jid;
    LIST_HEAD(, rib_vrf) vrfs;
    LIST_HEAD(, rib_client) clients;
    /** A client with a session has something to be told, and had nothing before. */
    void (*behind)(void *session);
    /** A client is too far behind: its session must be closed, but not inside this call. */
    void (*overrun)(void *session);
};

/** An empty memory. `auto_vpn`: nodes come into being with the first subscription (R3). */
struct rib *rib_new(const struct rib_limits *limits, bool auto_vpn, uint64_t purge_ms);
void rib_free(struct rib *rib);

/*
 * VRFs (vrf.c).
 */

/** Adds a configured VPN; the targets are copied. Without any it imports itself only. Before the
 * first client.
 * @return 0, -EEXIST, -ENOSPC or -ENOMEM. */
int rib_vrf_add(struct rib *rib, const char *name, const struct rib_policy *policy);

/** Works out who imports from whom; once, after the last rib_vrf_add(). @return 0 or -ENOMEM. */
int rib_vrf_connect(struct rib *rib);

/** By name, NULL if there is none. */
struct rib_vrf *rib_vrf_find(const struct rib *rib, const char *name);

/** The VPN by name; an unknown one comes into being if it may (R3). @return 0, -ENOENT, -ENOSPC or
 * -ENOMEM. */
int rib_vrf_get(struct rib *rib, const char *name, struct rib_vrf **vrf);

/** Frees an automatic VRF that nobody uses any more. */
void rib_vrf_release(struct rib *rib, struct rib_vrf *vrf);

/*
 * Clients (client.c).
 */

/**
 * A client's session begins. What it published before stays, stale, for the purge time from now,
 * yet no longer than two purge times after the session was lost.
 * @return 0, -EBUSY (it has a session already), -ENOSPC or -ENOMEM.
 */
int rib_client_connect(struct rib *rib, const char *jid, const struct ip_addr *address,
                       void *session, uint64_t now, struct rib_client **client);

/** Its session has ended: subscriptions go at once, publications after the purge time (R2). May
 * free the client. */
void rib_client_disconnect(struct rib *rib, struct rib_client *client, uint64_t now);

/** By bare JID, with or without a session; NULL if there is none. */
struct rib_client *rib_client_find(const struct rib *rib, const char *jid);

/**
 * Purges what is due, at most `budget` publications. About once a second.
 * @return true if more is due.
 */
bool rib_purge(struct rib *rib, uint64_t now, unsigned budget);

/** The program stood still for `ms`: clients could not come back meanwhile, so nothing is due
 * earlier than it would have been. */
void rib_postpone(struct rib *rib, uint64_t ms);

/*
 * Subscriptions (subscription.c).
 */

/** Subscribes, once more or anew. `instance_id` NULL: none was given.
 * @return 0, -ENOENT (no such VPN), -ENOSPC (a limit) or -ENOMEM. */
int rib_subscribe(struct rib *rib, struct rib_client *client, const char *vpn,
                  const uint16_t *instance_id);

/** Ends a subscription, and withdraws what the client published to the VPN: it has no part in it
 * any more. @return 0 or -ENOENT. */
int rib_unsubscribe(struct rib *rib, struct rib_client *client, const char *vpn, uint64_t now);

/** The client's subscription to a VPN, or NULL. */
struct rib_subscription *rib_subscription_find(const struct rib_client *client, const char *vpn);

/** Frees it, with nothing else. */
void rib_subscription_end(struct rib *rib, struct rib_subscription *subscription);

/**
 * The next change to be told to a subscriber: a route, or with `best` NULL its withdrawal. Valid
 * until the next call to anything here.
 * @return NULL if everything has been told.
 */
const struct rib_route *rib_next_change(struct rib *rib, struct rib_subscription *subscription);

/** The route of a node of a VRF's tree. */
static inline struct rib_route *
rib_route_of(const struct prefix_node *node)
{
    return (struct rib_route *)((uintptr_t)node - offsetof(struct rib_route, node));
}

/** A route of a VRF has changed, or came, or went (`best` NULL): goes to the end of the log, and
 * whoever had been told everything is behind. A route that went must not be used any more. */
void rib_route_changed(struct rib *rib, struct rib_route *route, uint64_t now);

/*
 * Publications (publication.c).
 */

/** @return 0, -ENOENT (no such VPN), -EACCES (not subscribed), -EINVAL (a next hop is not unicast),
 * -ENOSPC (a limit) or -ENOMEM. */
int rib_publish(struct rib *rib, struct rib_client *client, const char *vpn, const char *item_id,
                const struct route *route, uint64_t now);

/** @return 0 or -ENOENT. */
int rib_retract(struct rib *rib, struct rib_client *client, const char *vpn, const char *item_id,
                uint64_t now);

/** Withdraws a publication everywhere and frees it. */
void rib_publication_remove(struct rib *rib, struct rib_publication *publication, uint64_t now);

/** True if the client has not published it in its present session. */
static inline bool
rib_publication_is_stale(const struct rib_publication *publication)
{
    return publication->generation != publication->client->generation ||
           publication->client->session == NULL;
}

/*
 * Selection (select.c): highest local-preference, highest sequence-number, then what was published
 * or changed last (C20, C21).
 */

/** <0, 0 or >0, greater is better; 0 only for the same publication. */
int rib_compare(const struct rib_publication *a, const struct rib_publication *b);

/** Chooses the best path of a route. */
const struct rib_path *rib_select(const struct rib_route *route);

/** Why the best path is the best, for a person. */
const char *rib_why(const struct rib_route *route);
