/* SPDX-License-Identifier: BSD-3-Clause */

/* The desired state towards route servers: see publications.h. */

#include "control/publications.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ITEM_ID_ROOM 128 /* two addresses, a number, a length */

void
publications_init(struct publications *publications, uint8_t n_servers,
                  const struct ip_addr *forwarder)
{
    char text[IP_ADDR_TEXT_MAX];

    memset(publications, 0, sizeof(*publications));
    publications->n_servers = n_servers;
    ip_addr_format(forwarder, text);
    snprintf(publications->forwarder, sizeof(publications->forwarder),
             forwarder->family == IP_V6 ? "[%s]" : "%s", text);
    TAILQ_INIT(&publications->order);
}

static void
publication_free(struct publication *publication)
{
    struct subscription *subscription = publication->subscription;

    hmap_remove(&subscription->routes, &publication->node);
    TAILQ_REMOVE(&subscription->order, publication, link);
    free(publication);
}

static void
subscription_free(struct publications *publications, struct subscription *subscription)
{
    hmap_remove(&publications->by_name, &subscription->node);
    TAILQ_REMOVE(&publications->order, subscription, link);
    hmap_clear(&subscription->routes);
    free(subscription);
}

void
publications_clear(struct publications *publications)
{
    struct subscription *subscription;
    struct publication *publication;

    while ((subscription = TAILQ_FIRST(&publications->order)) != NULL) {
        while ((publication = TAILQ_FIRST(&subscription->order)) != NULL)
            publication_free(publication);
        subscription_free(publications, subscription);
    }
    hmap_clear(&publications->by_name);
}

struct subscription *
subscription_find(const struct publications *publications, const char *name)
{
    struct hmap_node *node = hmap_first_same(&publications->by_name, hmap_hash_string(name));

    for (; node != NULL; node = hmap_next_same(node)) {
        struct subscription *subscription = hmap_entry(node, struct subscription, node);
        if (strcmp(subscription->name, name) == 0)
            return subscription;
    }
    return NULL;
}

int
subscription_add(struct publications *publications, struct rib_vpn *vpn, const char *name,
                 uint16_t instance_id, struct subscription **subscription)
{
    struct subscription *found = subscription_find(publications, name);

    if (found != NULL && found->vpn != NULL)
        return -EEXIST;
    if (found == NULL) {
        found = calloc(1, sizeof(*found) + strlen(name) + 1);
        if (found == NULL)
            return -ENOMEM;
        strcpy(found->name, name);
        TAILQ_INIT(&found->order);
        if (hmap_add(&publications->by_name, &found->node, hmap_hash_string(name)) != 0) {
            free(found);
            return -ENOMEM;
        }
        TAILQ_INSERT_TAIL(&publications->order, found, link);
    }
    publications->n_wanted++;
    found->vpn = vpn;
    found->instance_id = instance_id;
    *subscription = found;
    return 0;
}

void
subscription_drop(struct publications *publications, struct subscription *subscription)
{
    struct publication *publication;

    publications->n_wanted--;
    subscription->vpn = NULL;
    for (uint8_t i = 0; i < publications->n_servers; i++)
        subscription->at[i].epoch++;
    TAILQ_FOREACH(publication, &subscription->order, link)
    publication->wanted = false;
}

static uint32_t
prefix_hash(const struct ip_prefix *prefix)
{
    char text[IP_PREFIX_TEXT_MAX];

    return hmap_hash_string(ip_prefix_format(prefix, text));
}

struct publication *
publication_find(const struct subscription *subscription, const struct ip_prefix *prefix)
{
    struct hmap_node *node = hmap_first_same(&subscription->routes, prefix_hash(prefix));

    for (; node != NULL; node = hmap_next_same(node)) {
        struct publication *publication = hmap_entry(node, struct publication, node);
        if (ip_prefix_equal(&publication->route.prefix, prefix))
            return publication;
    }
    return NULL;
}

struct publication *
publication_set(struct publications *publications, struct subscription *subscription,
                const struct route *route)
{
    struct publication *publication = publication_find(subscription, &route->prefix);
    char prefix[IP_PREFIX_TEXT_MAX];

    if (publication == NULL) {
        publication = calloc(1, sizeof(*publication) + ITEM_ID_ROOM);
        if (publication == NULL)
            return NULL;
        if (hmap_add(&subscription->routes, &publication->node, prefix_hash(&route->prefix)) != 0) {
            free(publication);
            return NULL;
        }
        publication->subscription = subscription;
        snprintf(publication->item_id, ITEM_ID_ROOM, "%s:%u:%s", publications->forwarder,
                 subscription->instance_id, ip_prefix_format(&route->prefix, prefix));
        TAILQ_INSERT_TAIL(&subscription->order, publication, link);
    }
    publication->route = *route;
    publication->wanted = true;
    return publication;
}

void
publication_release(struct publications *publications, struct publication *publication)
{
    bool busy = publication->wanted || publication->in_flight > 0;

    for (uint8_t i = 0; i < publications->n_servers; i++)
        busy |= publication->at[i].queued || publication->at[i].sent;
    if (!busy)
        publication_free(publication);
}

void
subscription_release(struct publications *publications, struct subscription *subscription)
{
    bool busy = subscription->vpn != NULL || subscription->in_flight > 0;

    for (uint8_t i = 0; i < publications->n_servers; i++)
        busy |= subscription->at[i].queued || subscription->at[i].state != SUBSCRIPTION_NONE;
    if (!busy && TAILQ_EMPTY(&subscription->order))
        subscription_free(publications, subscription);
}
