/* SPDX-License-Identifier: BSD-3-Clause */

/* Subscriptions: each a place in its VRF's log of changes. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/routeserver/rib.h"

#define WITHDRAWN_FEW 1024u /* so many may wait before it is worth asking every subscription */

struct rib_subscription *
rib_subscription_find(const struct rib_client *client, const char *vpn)
{
    struct hmap_node *node = hmap_first_same(&client->by_vpn, hmap_hash_string(vpn));

    for (; node != NULL; node = hmap_next_same(node)) {
        struct rib_subscription *subscription = hmap_entry(node, struct rib_subscription, node);
        if (strcmp(subscription->vrf->name, vpn) == 0)
            return subscription;
    }
    return NULL;
}

/* Frees the withdrawn routes that every subscriber has been told of. */
static void
forget_withdrawn(struct rib_vrf *vrf)
{
    const struct rib_subscription *subscription;
    uint64_t told_to_all = UINT64_MAX;
    struct rib_route *route;

    if (vrf->n_behind > 0 && vrf->n_withdrawn < WITHDRAWN_FEW)
        return;
    if (vrf->n_behind > 0) {
        LIST_FOREACH(subscription, &vrf->subscriptions, of_vrf)
        {
            if (subscription->next != NULL && subscription->told < told_to_all)
                told_to_all = subscription->told;
        }
    }
    while ((route = TAILQ_FIRST(&vrf->withdrawn)) != NULL && route->changed <= told_to_all) {
        TAILQ_REMOVE(&vrf->withdrawn, route, withdrawn);
        TAILQ_REMOVE(&vrf->log, route, log);
        vrf->n_withdrawn--;
        free(route);
    }
}

static void
set_next(struct rib_subscription *subscription, struct rib_route *next)
{
    if (subscription->next == NULL && next != NULL)
        subscription->vrf->n_behind++;
    else if (subscription->next != NULL && next == NULL)
        subscription->vrf->n_behind--;
    subscription->next = next;
}

int
rib_subscribe(struct rib *rib, struct rib_client *client, const char *vpn,
              const uint16_t *instance_id)
{
    struct rib_subscription *subscription = rib_subscription_find(client, vpn);
    struct rib_vrf *vrf;

    if (subscription == NULL) {
        if (client->n_subscriptions >= rib->limits.subscriptions_per_client) {
            rib->counters.refused_limit++;
            return -ENOSPC;
        }
        int error = rib_vrf_get(rib, vpn, &vrf);
        if (error != 0)
            return error;
        subscription = calloc(1, sizeof(*subscription));
        if (subscription == NULL ||
            hmap_add(&client->by_vpn, &subscription->node, hmap_hash_string(vpn)) != 0) {
            free(subscription);
            rib_vrf_release(rib, vrf);
            return -ENOMEM;
        }
        subscription->client = client;
        subscription->vrf = vrf;
        subscription->began = vrf->last_change;
        LIST_INSERT_HEAD(&client->subscriptions, subscription, of_client);
        LIST_INSERT_HEAD(&vrf->subscriptions, subscription, of_vrf);
        client->n_subscriptions++;
        vrf->n_subscriptions++;
        set_next(subscription, TAILQ_FIRST(&vrf->log));
        if (subscription->next != NULL && rib->behind != NULL)
            rib->behind(client->session);
    }
    subscription->has_instance_id = instance_id != NULL;
    subscription->instance_id = instance_id == NULL ? 0 : *instance_id;
    return 0;
}

void
rib_subscription_end(struct rib *rib, struct rib_subscription *subscription)
{
    struct rib_vrf *vrf = subscription->vrf;

    set_next(subscription, NULL);
    hmap_remove(&subscription->client->by_vpn, &subscription->node);
    LIST_REMOVE(subscription, of_client);
    LIST_REMOVE(subscription, of_vrf);
    subscription->client->n_subscriptions--;
    vrf->n_subscriptions--;
    free(subscription);
    forget_withdrawn(vrf);
    rib_vrf_release(rib, vrf);
}

int
rib_unsubscribe(struct rib *rib, struct rib_client *client, const char *vpn, uint64_t now)
{
    struct rib_subscription *subscription = rib_subscription_find(client, vpn);
    struct rib_publication *publication, *next;

    if (subscription == NULL)
        return -ENOENT;
    for (publication = TAILQ_FIRST(&client->publications); publication != NULL;
         publication = next) {
        next = TAILQ_NEXT(publication, link);
        if (publication->origin == subscription->vrf) {
            rib->counters.purged++;
            rib_publication_remove(rib, publication, now);
        }
    }
    rib_subscription_end(rib, subscription);
    return 0;
}

const struct rib_route *
rib_next_change(struct rib *rib, struct rib_subscription *subscription)
{
    (void)rib;
    while (subscription->next != NULL) {
        const struct rib_route *route = subscription->next;
        subscription->told = route->changed;
        set_next(subscription, TAILQ_NEXT(route, log));
        if (route->best != NULL || route->changed > subscription->began)
            return route;
    }
    forget_withdrawn(subscription->vrf);
    return NULL;
}

/* Gives up who has not even been told of the oldest withdrawal. */
static void
overrun(struct rib *rib, struct rib_vrf *vrf)
{
    uint64_t oldest = TAILQ_FIRST(&vrf->withdrawn)->changed;
    struct rib_subscription *subscription;

    LIST_FOREACH(subscription, &vrf->subscriptions, of_vrf)
    {
        if (subscription->next == NULL || subscription->told >= oldest || subscription->overrun)
            continue;
        subscription->overrun = true;
        rib->counters.overruns++;
        if (rib->overrun != NULL)
            rib->overrun(subscription->client->session);
    }
}

void
rib_route_changed(struct rib *rib, struct rib_route *route, uint64_t now)
{
    struct rib_vrf *vrf = route->vrf;
    struct rib_subscription *subscription;

    if (route->changed != 0) {
        struct rib_route *after = TAILQ_NEXT(route, log);
        LIST_FOREACH(subscription, &vrf->subscriptions, of_vrf)
        {
            if (subscription->next == route && after != NULL)
                subscription->next = after;
        }
        TAILQ_REMOVE(&vrf->log, route, log);
    }
    rib->counters.changes++;
    route->changed = ++vrf->last_change;
    route->since = now;
    TAILQ_INSERT_TAIL(&vrf->log, route, log);
    if (route->best == NULL) {
        TAILQ_INSERT_TAIL(&vrf->withdrawn, route, withdrawn);
        vrf->n_withdrawn++;
    }
    LIST_FOREACH(subscription, &vrf->subscriptions, of_vrf)
    {
        if (subscription->next != NULL)
            continue;
        set_next(subscription, route);
        if (rib->behind != NULL)
            rib->behind(subscription->client->session);
    }
    if (vrf->n_withdrawn > rib->limits.lag)
        overrun(rib, vrf);
    if (vrf->n_behind == 0)
        forget_withdrawn(vrf);
}
