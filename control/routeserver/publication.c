/* SPDX-License-Identifier: BSD-3-Clause */

/* Publications: what clients publish and retract, and the paths that each makes in the VRFs that
 * import it. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/routeserver/rib.h"

static size_t
route_size(const struct route *route)
{
    return offsetof(struct route, next_hops) + route->n_next_hops * sizeof(route->next_hops[0]);
}

static struct route *
copy_route(const struct route *route)
{
    struct route *copy = malloc(route_size(route));

    if (copy != NULL)
        memcpy(copy, route, route_size(route));
    return copy;
}

static bool
route_equal(const struct route *a, const struct route *b)
{
    if (!ip_prefix_equal(&a->prefix, &b->prefix) || a->local_preference != b->local_preference ||
        a->sequence_number != b->sequence_number || a->n_next_hops != b->n_next_hops)
        return false;
    for (unsigned i = 0; i < a->n_next_hops; i++) {
        const struct route_next_hop *x = &a->next_hops[i], *y = &b->next_hops[i];
        if (!ip_addr_equal(&x->addr, &y->addr) || x->label != y->label ||
            x->encapsulations != y->encapsulations)
            return false;
    }
    return true;
}

static uint32_t
item_hash(const struct rib_vrf *origin, const char *item_id)
{
    return hmap_hash_string(item_id) ^ hmap_hash(&origin, sizeof(origin));
}

static struct rib_publication *
find(const struct rib_client *client, const struct rib_vrf *origin, const char *item_id)
{
    struct hmap_node *node = hmap_first_same(&client->by_item, item_hash(origin, item_id));

    for (; node != NULL; node = hmap_next_same(node)) {
        struct rib_publication *found = hmap_entry(node, struct rib_publication, node);
        if (found->origin == origin && strcmp(found->item_id, item_id) == 0)
            return found;
    }
    return NULL;
}

/*
 * Chooses again after the paths of a route, or what one of them says, have changed. `told` is what
 * the VRF's route said before, NULL if there was none. Frees the route if no path is left.
 */
static void
choose_again(struct rib *rib, struct rib_route *route, const struct route *told, uint64_t now)
{
    route->best = rib_select(route);
    if (route->best == NULL) {
        prefix_tree_remove(&route->vrf->routes, &route->node);
        rib_route_changed(rib, route, now);
    } else if (told == NULL || !route_equal(told, route->best->publication->route)) {
        rib_route_changed(rib, route, now);
    }
}

static const struct route *
said(const struct rib_route *route)
{
    return route->best == NULL ? NULL : route->best->publication->route;
}

static struct rib_route *
get_route(struct rib_vrf *vrf, const struct ip_prefix *prefix)
{
    struct prefix_node *node = prefix_tree_find(&vrf->routes, prefix);

    if (node != NULL)
        return rib_route_of(node);
    struct rib_route *route = calloc(1, sizeof(*route));
    if (route == NULL)
        return NULL;
    route->vrf = vrf;
    route->node.prefix = *prefix;
    LIST_INIT(&route->paths);
    prefix_tree_add(&vrf->routes, &route->node);
    return route;
}

static int
add_path(struct rib *rib, struct rib_publication *publication, struct rib_vrf *vrf, uint64_t now)
{
    struct rib_path *path = calloc(1, sizeof(*path));
    struct rib_route *route = path == NULL ? NULL : get_route(vrf, &publication->route->prefix);

    if (route == NULL) {
        free(path);
        return -ENOMEM;
    }
    const struct route *told = said(route);
    path->publication = publication;
    path->route = route;
    LIST_INSERT_HEAD(&route->paths, path, of_route);
    LIST_INSERT_HEAD(&publication->paths, path, of_publication);
    choose_again(rib, route, told, now);
    return 0;
}

static void
remove_paths(struct rib *rib, struct rib_publication *publication, uint64_t now)
{
    struct rib_path *path;

    while ((path = LIST_FIRST(&publication->paths)) != NULL) {
        struct rib_route *route = path->route;
        const struct route *told = said(route);
        LIST_REMOVE(path, of_route);
        LIST_REMOVE(path, of_publication);
        choose_again(rib, route, told, now);
        free(path);
    }
}

static int
add_paths(struct rib *rib, struct rib_publication *publication, uint64_t now)
{
    for (uint32_t i = 0; i < publication->origin->n_importers; i++) {
        if (add_path(rib, publication, publication->origin->importers[i], now) != 0)
            return -ENOMEM;
    }
    return 0;
}

void
rib_publication_remove(struct rib *rib, struct rib_publication *publication, uint64_t now)
{
    struct rib_client *client = publication->client;
    struct rib_vrf *origin = publication->origin;

    remove_paths(rib, publication, now);
    hmap_remove(&client->by_item, &publication->node);
    TAILQ_REMOVE(&client->publications, publication, link);
    client->n_publications--;
    origin->n_publications--;
    rib->n_publications--;
    free(publication->route);
    free(publication);
    rib_vrf_release(rib, origin);
}

static int
new_publication(struct rib *rib, struct rib_client *client, struct rib_vrf *origin,
                const char *item_id, struct rib_publication **publication)
{
    if (client->n_publications >= rib->limits.routes_per_client ||
        rib->n_publications >= rib->limits.routes) {
        rib->counters.refused_limit++;
        return -ENOSPC;
    }
    struct rib_publication *fresh = calloc(1, sizeof(*fresh) + strlen(item_id) + 1);
    if (fresh == NULL)
        return -ENOMEM;
    strcpy(fresh->item_id, item_id);
    fresh->client = client;
    fresh->origin = origin;
    LIST_INIT(&fresh->paths);
    if (hmap_add(&client->by_item, &fresh->node, item_hash(origin, item_id)) != 0) {
        free(fresh);
        return -ENOMEM;
    }
    TAILQ_INSERT_TAIL(&client->publications, fresh, link);
    client->n_publications++;
    origin->n_publications++;
    rib->n_publications++;
    *publication = fresh;
    return 0;
}

/* The client stands by it: neither stale nor next to be purged. */
static void
renew(struct rib_publication *publication, const struct rib_subscription *subscription)
{
    struct rib_client *client = publication->client;

    publication->generation = client->generation;
    /* a route distinguisher has room for 32 bits of the address (RFC 4364 section 4.2) */
    publication->has_rd = subscription->has_instance_id && client->address.family == IP_V4;
    publication->rd_addr = client->address;
    publication->rd_instance = subscription->instance_id;
    TAILQ_REMOVE(&client->publications, publication, link);
    TAILQ_INSERT_TAIL(&client->publications, publication, link);
}

/* Replaces what a publication says; the prefix may be another. */
static int
change(struct rib *rib, struct rib_publication *publication, struct route *fresh, uint64_t now)
{
    struct route *old = publication->route;
    struct rib_path *path;
    int error = 0;

    publication->serial = ++rib->last_serial;
    publication->since = now;
    if (old != NULL && ip_prefix_equal(&old->prefix, &fresh->prefix)) {
        LIST_FOREACH(path, &publication->paths, of_publication)
        {
            const struct route *told = said(path->route);
            publication->route = fresh;
            choose_again(rib, path->route, told, now);
            publication->route = old; /* as the next path's VRF was told */
        }
        publication->route = fresh;
    } else {
        remove_paths(rib, publication, now);
        publication->route = fresh;
        error = add_paths(rib, publication, now);
    }
    free(old);
    return error;
}

static bool
next_hops_are_unicast(const struct route *route)
{
    for (unsigned i = 0; i < route->n_next_hops; i++) {
        if (!ip_addr_is_unicast(&route->next_hops[i].addr))
            return false;
    }
    return true;
}

int
rib_publish(struct rib *rib, struct rib_client *client, const char *vpn, const char *item_id,
            const struct route *route, uint64_t now)
{
    const struct rib_subscription *subscription = rib_subscription_find(client, vpn);
    struct rib_publication *publication;

    if (subscription == NULL) {
        rib->counters.refused_stranger++;
        return rib_vrf_find(rib, vpn) == NULL ? -ENOENT : -EACCES;
    }
    if (!next_hops_are_unicast(route)) {
        rib->counters.refused_next_hop++;
        return -EINVAL;
    }
    publication = find(client, subscription->vrf, item_id);
    if (publication != NULL && route_equal(publication->route, route)) {
        rib->counters.renewed++;
        renew(publication, subscription);
        return 0;
    }
    struct route *fresh = copy_route(route);
    if (fresh == NULL)
        return -ENOMEM;
    if (publication == NULL) {
        int error = new_publication(rib, client, subscription->vrf, item_id, &publication);
        if (error != 0) {
            free(fresh);
            return error;
        }
    }
    renew(publication, subscription);
    rib->counters.published++;
    if (change(rib, publication, fresh, now) != 0) {
        rib_publication_remove(rib, publication, now);
        return -ENOMEM;
    }
    return 0;
}

int
rib_retract(struct rib *rib, struct rib_client *client, const char *vpn, const char *item_id,
            uint64_t now)
{
    const struct rib_vrf *origin = rib_vrf_find(rib, vpn);
    struct rib_publication *publication = origin == NULL ? NULL : find(client, origin, item_id);

    if (publication == NULL)
        return -ENOENT;
    rib->counters.retracted++;
    rib_publication_remove(rib, publication, now);
    return 0;
}
