/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The RIB's structures, shared by rib.c (servers, VPNs, sessions), rib_items.c (single items),
 * rib_path.c (paths and the choice), rib_run.c (what is done in slices) and rib_view.c (what is
 * shown). For nobody else.
 *
 * Whether a path is stale is not written into the path: it belongs to the session that last brought
 * it, and is live while that is its server's present one. So a lost session is one store, and what
 * was not repeated in a new session is known by its older session.
 */

#include <sys/queue.h>

#include "control/rib.h"
#include "control/selection.h"
#include "lib/base/hmap.h"

/* A session of a server; lives on while paths remember it. */
struct rib_session {
    TAILQ_ENTRY(rib_session) link; /* in its server, restored ones first */
    struct rib_server *server;
    uint64_t number; /* grows per server, from 1 on; 0: restored */
    int64_t lost_at; /* RIB_NEVER while it is up */
    uint32_t n_paths;
};

struct rib_server {
    struct rib *rib;
    struct ip_addr address;
    uint8_t index;               /* in rib->servers */
    struct rib_session *session; /* the present one, NULL while there is none */
    uint64_t last_session;       /* number of the newest one */
    TAILQ_HEAD(, rib_session) sessions;
    uint32_t n_paths;
    uint32_t chosen;
    char name[RIB_SERVER_NAME_MAX];
};

/* 128 octets on the heap for an item id as this project makes them and one next hop. */
struct rib_path {
    struct hmap_node item; /* in vpn->items */
    struct rib_path *next; /* of the same prefix */
    struct rib_prefix *prefix;
    struct rib_session *session; /* that last brought it */
    int64_t received;            /* when its content came first */
    uint32_t local_preference;
    uint32_t sequence_number;
    uint8_t n_next_hops;
    union {
        struct route_next_hop one;   /* n_next_hops is 1 */
        struct route_next_hop *many; /* else: on the heap */
    } next_hops;                     /* sorted, none twice */
    char item_id[];
};

struct rib_prefix {
    struct hmap_node node; /* in vpn->prefixes */
    TAILQ_ENTRY(rib_prefix) link;
    struct rib_path *paths;
    struct rib_path *best;
    uint16_t used; /* which next hops of `best` were told to the user: a bit each */
    struct ip_prefix prefix;
};

/* What one server said about one VPN. */
struct rib_sync {
    uint64_t session; /* number of the session that was in sync last, 0: none */
    int64_t since;    /* when it got there */
    uint32_t n_paths;
};

struct rib_vpn {
    struct hmap_node node; /* in rib->vpns, unless removed */
    TAILQ_ENTRY(rib_vpn) link;
    TAILQ_ENTRY(rib_vpn) work; /* in rib->work while `queued` */
    void *user;
    struct hmap prefixes;
    TAILQ_HEAD(, rib_prefix) order; /* the prefixes as they came */
    struct hmap items;              /* paths by server and item id */
    int64_t deadline;               /* when the first stale path expires; right unless queued */
    bool queued;
    bool removed;
    struct rib_sync sync[RIB_SERVERS_MAX];
    char name[];
};

/* A place between two slices; moves on when its prefix or VPN goes. */
struct rib_walk {
    LIST_ENTRY(rib_walk) link;
    struct rib *rib;
    struct rib_vpn *vpn;       /* NULL: at the end */
    struct rib_prefix *prefix; /* the next to visit, NULL: the VPN's end */
};

struct rib {
    struct rib_limits limits;
    struct rib_events events;
    void *user;
    uint8_t n_servers;
    struct rib_server *servers[RIB_SERVERS_MAX];
    struct hmap vpns;
    TAILQ_HEAD(rib_vpn_list, rib_vpn) vpn_order;
    struct rib_vpn_list work; /* VPNs that rib_run() has to visit */
    struct rib_prefix *next;  /* of the first of them: to be visited next */
    int64_t deadline;         /* the first of all VPNs' */
    LIST_HEAD(, rib_walk) walks;
    struct rib_counts counts;
};

/* The next hops that the user was told for a prefix. */
struct rib_told {
    uint8_t n;
    struct route_next_hop next_hops[ROUTE_NEXT_HOPS_MAX];
};

/* ---- rib_path.c ---- */

/** A prefix of a VPN, and the path of a server by its item id; NULL if there is none. */
struct rib_prefix *rib_prefix_find(const struct rib_vpn *vpn, const struct ip_prefix *prefix);
struct rib_path *rib_path_find(const struct rib_vpn *vpn, const struct rib_server *server,
                               const char *item_id);

static inline struct rib_server *
rib_path_server(const struct rib_path *path)
{
    return path->session->server;
}

static inline bool
rib_path_is_live(const struct rib_path *path)
{
    return path->session->lost_at == RIB_NEVER;
}

static inline const struct route_next_hop *
rib_path_next_hops(const struct rib_path *path)
{
    return path->n_next_hops == 1 ? &path->next_hops.one : path->next_hops.many;
}

/** Adds a path whose item is new. `route` is normal. @return the path or NULL without memory. */
struct rib_path *rib_path_add(struct rib *rib, struct rib_vpn *vpn, struct rib_session *session,
                              const char *item_id, const struct route *route, int64_t received);

/** Gives a path new content. `route` is normal. @return 0 or -ENOMEM. */
int rib_path_set(struct rib_path *path, const struct route *route);

/** True if the path's content is `route`'s, which is normal. */
bool rib_path_is(const struct rib_path *path, const struct route *route);

/** From now on the path is of this session. */
void rib_path_move(struct rib_path *path, struct rib_session *session);

/** Removes and frees a path; its prefix stays until rib_prefix_choose(). */
void rib_path_remove(struct rib *rib, struct rib_vpn *vpn, struct rib_path *path);

/** Sorts the next hops and drops what is there twice. False if there are none or too many. */
bool rib_route_normalise(struct route *route);

/** To be called before paths of a prefix change, and rib_prefix_choose() afterwards. */
void rib_prefix_remember(const struct rib_prefix *prefix, struct rib_told *told);

/** Chooses anew, tells the user if that changes its next hops, frees a prefix without paths. */
void rib_prefix_choose(struct rib *rib, struct rib_vpn *vpn, struct rib_prefix *prefix,
                       const struct rib_told *told);

/** Frees a prefix without paths, without an event. */
void rib_prefix_free(struct rib *rib, struct rib_vpn *vpn, struct rib_prefix *prefix);

/** What selection looks at; which next hops are acceptable (a bit each) into `*usable`. */
struct selection_candidate rib_path_candidate(const struct rib *rib, const struct rib_vpn *vpn,
                                              const struct rib_path *path, uint16_t *usable);

/** Frees a session that is over and has no paths. */
void rib_session_release(struct rib_session *session);

/* ---- rib_run.c ---- */

/** Has rib_run() visit every prefix of the VPN, from the first on. */
void rib_vpn_queue(struct rib *rib, struct rib_vpn *vpn);

/** Moves every place that stands at this prefix to the next one. */
void rib_places_leave_prefix(struct rib *rib, struct rib_vpn *vpn, struct rib_prefix *prefix);

/* ---- rib_view.c ---- */

/** Shows a path, without `chosen` and `why`. */
void rib_path_view(const struct rib_path *path, struct rib_path_view *view);
