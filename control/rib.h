/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The routing information base: what the route servers say about each VPN, a path per prefix and
 * server (strictly: per server and pubsub item, because a generic XEP-0060 server may hold several
 * items for one prefix), which path is used, and which outlive the session that brought them.
 *
 * Control thread only. No clock inside: `now` is in milliseconds on any clock that does not go
 * backwards, the same for all calls. What touches a whole VPN (a lost session, a sweep, a removed
 * VPN) is done piece by piece in rib_run(); until it gets there, the former choice stays in use,
 * which is always a usable one.
 *
 * Rules (draft-ietf-l3vpn-end-system, conformance rows C18-C21):
 * - A path is live if it came in its server's present session, else stale.
 * - Choice: acceptable next hops (see rib_events), live, local-preference, sequence number, the
 *   path received later; the lower server address only between what arrived together, that is with
 *   the same `now`. An item that comes again unchanged counts as received when it first came:
 *   a resynchronisation is no news.
 * - A stale path goes: when its own server is in sync without it; when a live server in sync
 *   retracts the last item that it had for that very prefix; when it has been stale for
 *   `stale_ms` while another server was live and in sync; or after `headless_ms` with none.
 *   An item that moves to another prefix is no retraction of the prefix that it left.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/net/addr.h"
#include "lib/xmpp/route.h"

#define RIB_SERVERS_MAX     8
#define RIB_SERVER_NAME_MAX 64   /* with the zero at the end */
#define RIB_VPN_NAME_MAX    129  /* C25: at most 128 octets, and the zero */
#define RIB_ITEM_ID_MAX     1024 /* octets of an item id, without a zero */
#define RIB_WHY_MAX         64
#define RIB_SLICE           2000 /* prefixes that one rib_run() visits at most */

#define RIB_STALE_MS_DEFAULT    (5 * 60 * 1000ll)
#define RIB_HEADLESS_MS_DEFAULT (30 * 24 * 3600 * 1000ll)
#define RIB_NEVER               INT64_MAX

struct rib;
struct rib_vpn;
struct rib_server;

struct rib_limits {
    uint32_t routes_per_vpn; /* items of one server in one VPN */
    uint32_t routes_total;   /* items of all servers in all VPNs */
    int64_t stale_ms;        /* a stale path's life while another server is live and in sync */
    int64_t headless_ms;     /* and while none is */
};

/** 1,000,000 routes a VPN and server, 4,000,000 in all, 5 minutes, 30 days. */
extern const struct rib_limits rib_limits_default;

/*
 * What the RIB asks and tells. `vpn_user` is what rib_vpn_add() was given. The functions must not
 * call back into the RIB.
 */
struct rib_events {
    /**
     * What packets to `prefix` need has changed: `best` holds the next hops to use (only the
     * acceptable ones, sorted by address and label), or is NULL when no path is left. Not called
     * when another path with the same next hops takes over, nor for a removed VPN.
     */
    void (*best_changed)(void *user, void *vpn_user, const struct ip_prefix *prefix,
                         const struct route *best);

    /**
     * False if this next hop must not be used: it is our own address with a label that is not
     * ours (C6). NULL accepts all. When answers may have changed: rib_reconsider().
     */
    bool (*acceptable)(void *user, void *vpn_user, const struct ip_prefix *prefix,
                       const struct route_next_hop *next_hop);
};

/** Copies `limits` (NULL: the defaults) and `events`. NULL without memory. */
struct rib *rib_new(const struct rib_limits *limits, const struct rib_events *events, void *user);

/** Frees everything at once, without events. */
void rib_free(struct rib *rib);

/**
 * A route server; not live. Its address decides between equals that arrived together.
 * @return the server, the same again for a name that exists (its address is then replaced), or
 * NULL (no memory, over RIB_SERVERS_MAX, name too long). It lives as long as the RIB.
 */
struct rib_server *rib_server_add(struct rib *rib, const char *name, const struct ip_addr *address);
struct rib_server *rib_server_find(const struct rib *rib, const char *name);

/** Server number `index` in the order in which they were added, NULL behind the last. */
const struct rib_server *rib_server_at(const struct rib *rib, uint32_t index);
const char *rib_server_name(const struct rib_server *server);
const struct ip_addr *rib_server_address(const struct rib_server *server);

/**
 * A VPN, from now on open for items.
 * @return the VPN, or NULL (no memory, or the name is empty, not ASCII, over 128 octets
 * or in use).
 */
struct rib_vpn *rib_vpn_add(struct rib *rib, const char *name, void *vpn_user);
struct rib_vpn *rib_vpn_find(const struct rib *rib, const char *name);
const char *rib_vpn_name(const struct rib_vpn *vpn);

/**
 * Removes a VPN: no event speaks of it any more, the handle is no longer to be used, rib_run()
 * frees its paths. What of it is in use the caller takes out first (rib_list()).
 */
void rib_vpn_remove(struct rib *rib, struct rib_vpn *vpn);

/** A session with the server is up: what comes from now on is live. */
int rib_server_live(struct rib *rib, struct rib_server *server);

/** True while it has a session. */
bool rib_server_is_live(const struct rib_server *server);

/** The session is lost: all paths of the server are stale. Harmless if there was none. */
void rib_session_lost(struct rib *rib, struct rib_server *server, int64_t now);

/** The server has sent all that it has for this VPN: what it did not repeat goes. */
void rib_in_sync(struct rib *rib, struct rib_vpn *vpn, struct rib_server *server, int64_t now);

/**
 * An item came (again). The server must be live.
 * @return 0, -ENOSPC (over a limit, counted), -EINVAL (item id empty or too long, no next hops,
 * server not live) or -ENOMEM; on error the RIB is as it was.
 */
int rib_item(struct rib *rib, struct rib_vpn *vpn, struct rib_server *server, const char *item_id,
             const struct route *route, int64_t now);

/** The server retracted an item. @return 0, or -ENOENT if it had not announced it to us. */
int rib_retract(struct rib *rib, struct rib_vpn *vpn, struct rib_server *server,
                const char *item_id);

/**
 * The server replaced an item by one that cannot be used: its path goes, as if it had never come.
 * Unlike a retraction this says nothing about the prefix: stale paths of other servers stay.
 */
void rib_item_unusable(struct rib *rib, struct rib_vpn *vpn, struct rib_server *server,
                       const char *item_id);

/**
 * The server deleted or purged the whole node: each of its items in this VPN is retracted, as by
 * rib_retract(). The one call that walks a whole VPN: what comes after it must find it done.
 */
void rib_purge(struct rib *rib, struct rib_vpn *vpn, struct rib_server *server);

/** Answers of acceptable() for this VPN (NULL: all) may have changed: chosen anew in rib_run(). */
void rib_reconsider(struct rib *rib, struct rib_vpn *vpn);

/**
 * Does what is due, at most RIB_SLICE prefixes of it.
 * @return when it wants to be called again: `now` if work is left, RIB_NEVER if nothing is due
 * unless another event comes. After every other call here, call it again.
 */
int64_t rib_run(struct rib *rib, int64_t now);

/**
 * A path from an earlier life (a snapshot): stale since `stale_since`, which like `received` may
 * lie before 0. If the server is live already and in sync, it goes again in rib_run().
 * @return as rib_item(), and -EEXIST if the server has that item already.
 */
int rib_restore(struct rib *rib, struct rib_vpn *vpn, struct rib_server *server,
                const char *item_id, const struct route *route, int64_t received,
                int64_t stale_since);

/* One path as people see it. Pointers are valid until the next call that changes the RIB. */
struct rib_path_view {
    const struct ip_prefix *prefix;
    const char *server;
    const char *item_id;
    struct route route;  /* all next hops, also those that are not acceptable */
    int64_t received;    /* when this content first came */
    int64_t stale_since; /* RIB_NEVER if live */
    bool chosen;
    char why[RIB_WHY_MAX]; /* why it is chosen, or why not */
};

/** Called per path, the chosen one of a prefix first. False ends the walk. */
typedef bool rib_view_fn(void *user, const struct rib_path_view *view);

/**
 * Shows the paths of up to `prefixes` prefixes, from the one after `after` on (NULL: from the
 * first; prefixes come in the order in which they were first heard).
 * @return the number of prefixes shown, or -ENOENT if `after` is gone.
 */
int rib_list(const struct rib *rib, const struct rib_vpn *vpn, const struct ip_prefix *after,
             uint32_t prefixes, rib_view_fn *view, void *user);

/** Shows the paths of one prefix. @return 0 or -ENOENT. */
int rib_show(const struct rib *rib, const struct rib_vpn *vpn, const struct ip_prefix *prefix,
             rib_view_fn *view, void *user);

struct rib_server_counts {
    uint32_t paths;  /* items held, live and stale */
    uint32_t stale;  /* of these: stale */
    uint32_t chosen; /* prefixes that use a path of this server */
};

struct rib_counts {
    uint32_t vpns;
    uint32_t prefixes;
    uint32_t paths;
    uint64_t refused_limit;   /* items refused: over a limit */
    uint64_t refused_invalid; /* items refused: no usable item id or next hop */
    uint64_t unknown_retract; /* retractions of items that we do not have */
    uint64_t swept;           /* stale paths gone: own server in sync without them */
    uint64_t retracted_stale; /* stale paths gone: retracted by another server */
    uint64_t expired;         /* stale paths gone: timer */
    uint64_t generation;      /* grows with every change that a snapshot would show */
};

/** The numbers of a server, and of the RIB as a whole, as they are now. */
void rib_server_counts(const struct rib_server *server, struct rib_server_counts *counts);
void rib_counts(const struct rib *rib, struct rib_counts *counts);

/** True if the server is live and in sync for this VPN. */
bool rib_is_in_sync(const struct rib_vpn *vpn, const struct rib_server *server);

/** The prefixes of a VPN with at least one path. */
uint32_t rib_vpn_prefixes(const struct rib_vpn *vpn);

/*
 * A walk over everything in slices, for the snapshot. What is added meanwhile may be missed, what
 * is removed is not shown.
 */
struct rib_walk;

/** @return NULL without memory; to be ended with rib_walk_end(), before rib_free(). */
struct rib_walk *rib_walk_begin(struct rib *rib);

typedef void rib_walk_fn(void *user, const struct rib_vpn *vpn, const struct rib_path_view *view);

/**
 * Shows the paths (without `chosen` and `why`) of up to `prefixes` prefixes.
 * @return true while there is more.
 */
bool rib_walk_step(struct rib_walk *walk, uint32_t prefixes, rib_walk_fn *show, void *user);

/** Ends a walk at any time; must happen before rib_free(). */
void rib_walk_end(struct rib_walk *walk);
