/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * What we want every route server to know: the VPNs to subscribe to, our own routes to publish; and
 * for each server how far its present session has come with each of them. Shared by the sessions;
 * whoever changes it asks the sessions to step (server_session.h). Control thread only.
 *
 * An entry that is no longer wanted stays until every session has said so to its server.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "control/servers.h"
#include "lib/base/hmap.h"

enum subscription_state {
    SUBSCRIPTION_NONE,   /* nothing sent in this session */
    SUBSCRIPTION_ASKED,  /* subscribe sent */
    SUBSCRIPTION_FAILED, /* refused; asked again later */
    SUBSCRIPTION_ITEMS,  /* subscribed; <items/> sent */
    SUBSCRIPTION_QUIET,  /* the server has no <items/>: in sync once it is quiet */
    SUBSCRIPTION_IN_SYNC
};

/* A subscribed VPN. */
struct subscription {
    struct hmap_node node; /* by name */
    TAILQ_ENTRY(subscription) link;
    struct rib_vpn *vpn; /* NULL when no longer wanted */
    uint16_t instance_id;
    uint32_t in_flight; /* requests that refer to it */
    struct hmap routes; /* struct publication, by prefix */
    TAILQ_HEAD(, publication) order;
    struct {
        TAILQ_ENTRY(subscription) link; /* in the session's queue while `queued` */
        enum subscription_state state;
        uint32_t epoch; /* answers to requests of an earlier one are ignored */
        int64_t since;  /* of the failure, or of the last item while waiting for quiet */
        bool queued;
    } at[SERVERS_MAX];
    char name[];
};

/* An own route. */
struct publication {
    struct hmap_node node;
    TAILQ_ENTRY(publication) link;
    struct subscription *subscription;
    struct route route;
    bool wanted;
    uint32_t in_flight;
    struct {
        TAILQ_ENTRY(publication) link; /* in the session's queue while `queued` */
        bool queued;
        bool sent;   /* published in this session, not retracted since */
        bool known;  /* … and acknowledged */
        bool failed; /* refused or not answered: sent again later */
    } at[SERVERS_MAX];
    char item_id[];
};

TAILQ_HEAD(publication_queue, publication);
TAILQ_HEAD(subscription_queue, subscription);

struct publications {
    uint8_t n_servers;
    uint32_t n_wanted;                    /* subscriptions */
    char forwarder[IP_ADDR_TEXT_MAX + 2]; /* an IPv6 address in brackets */
    struct hmap by_name;
    struct subscription_queue order;
};

/** Begins with nothing wanted, for `n_servers` sessions; and frees all entries, after the sessions
 * have ended. `forwarder` is our own address, the one in our item ids. */
void publications_init(struct publications *publications, uint8_t n_servers,
                       const struct ip_addr *forwarder);
void publications_clear(struct publications *publications);

/** The VPN of this name, wanted or not, or NULL. */
struct subscription *subscription_find(const struct publications *publications, const char *name);

/** Wants a VPN; one that was dropped and has not gone yet begins anew. @return 0, -EEXIST, -ENOMEM.
 */
int subscription_add(struct publications *publications, struct rib_vpn *vpn, const char *name,
                     uint16_t instance_id, struct subscription **subscription);

/** Wants neither the VPN nor its routes any more; answers about it count no more. */
void subscription_drop(struct publications *publications, struct subscription *subscription);

/** Wants a route, or one in place of the former of its prefix. @return NULL without memory. */
struct publication *publication_set(struct publications *publications,
                                    struct subscription *subscription, const struct route *route);
struct publication *publication_find(const struct subscription *subscription,
                                     const struct ip_prefix *prefix);

/** Frees what is neither wanted nor queued, sent or referred to at any server. Pointers are then
 * no longer valid. */
void publication_release(struct publications *publications, struct publication *publication);
void subscription_release(struct publications *publications, struct subscription *subscription);
