/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Paths and prefixes of the RIB: coming, changing, going, and the choice among the paths of a
 * prefix. What the user was told is not stored a second time: it is the best path's next hops under
 * a mask, copied aside before anything changes.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/rib_internal.h"

static uint32_t
prefix_hash(const struct ip_prefix *prefix)
{
    uint8_t key[sizeof(prefix->addr.octets) + 2];

    memcpy(key, prefix->addr.octets, sizeof(prefix->addr.octets));
    key[sizeof(key) - 2] = prefix->addr.family;
    key[sizeof(key) - 1] = prefix->length;
    return hmap_hash(key, sizeof(key));
}

static uint32_t
item_hash(const struct rib_server *server, const char *item_id)
{
    return hmap_hash_string(item_id) + server->index * 0x9e3779b9u;
}

struct rib_prefix *
rib_prefix_find(const struct rib_vpn *vpn, const struct ip_prefix *prefix)
{
    struct hmap_node *node = hmap_first_same(&vpn->prefixes, prefix_hash(prefix));

    for (; node != NULL; node = hmap_next_same(node)) {
        struct rib_prefix *found = hmap_entry(node, struct rib_prefix, node);
        if (ip_prefix_equal(&found->prefix, prefix))
            return found;
    }
    return NULL;
}

struct rib_path *
rib_path_find(const struct rib_vpn *vpn, const struct rib_server *server, const char *item_id)
{
    struct hmap_node *node = hmap_first_same(&vpn->items, item_hash(server, item_id));

    for (; node != NULL; node = hmap_next_same(node)) {
        struct rib_path *path = hmap_entry(node, struct rib_path, item);
        if (rib_path_server(path) == server && strcmp(path->item_id, item_id) == 0)
            return path;
    }
    return NULL;
}

static struct rib_prefix *
prefix_find_or_add(struct rib *rib, struct rib_vpn *vpn, const struct ip_prefix *key)
{
    struct rib_prefix *prefix = rib_prefix_find(vpn, key);

    if (prefix != NULL)
        return prefix;
    prefix = calloc(1, sizeof(*prefix));
    if (prefix == NULL)
        return NULL;
    prefix->prefix = *key;
    if (hmap_add(&vpn->prefixes, &prefix->node, prefix_hash(key)) != 0) {
        free(prefix);
        return NULL;
    }
    TAILQ_INSERT_TAIL(&vpn->order, prefix, link);
    rib->counts.prefixes++;
    return prefix;
}

void
rib_prefix_free(struct rib *rib, struct rib_vpn *vpn, struct rib_prefix *prefix)
{
    rib_places_leave_prefix(rib, vpn, prefix);
    TAILQ_REMOVE(&vpn->order, prefix, link);
    hmap_remove(&vpn->prefixes, &prefix->node);
    rib->counts.prefixes--;
    free(prefix);
}

static int
next_hop_compare(const void *left, const void *right)
{
    const struct route_next_hop *a = left, *b = right;
    int order = ip_addr_compare(&a->addr, &b->addr);

    return order != 0 ? order : (a->label > b->label) - (a->label < b->label);
}

static bool
next_hops_equal(const struct route_next_hop *a, const struct route_next_hop *b, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (next_hop_compare(&a[i], &b[i]) != 0 || a[i].encapsulations != b[i].encapsulations)
            return false;
    }
    return true;
}

bool
rib_route_normalise(struct route *route)
{
    struct route_next_hop *hops = route->next_hops;
    unsigned n = 0;

    if (route->n_next_hops == 0 || route->n_next_hops > ROUTE_NEXT_HOPS_MAX)
        return false;
    qsort(hops, route->n_next_hops, sizeof(*hops), next_hop_compare);
    for (unsigned i = 0; i < route->n_next_hops; i++) {
        if (n > 0 && next_hop_compare(&hops[n - 1], &hops[i]) == 0)
            hops[n - 1].encapsulations |= hops[i].encapsulations;
        else
            hops[n++] = hops[i];
    }
    route->n_next_hops = (uint8_t)n;
    return true;
}

bool
rib_path_is(const struct rib_path *path, const struct route *route)
{
    return path->local_preference == route->local_preference &&
           path->sequence_number == route->sequence_number &&
           path->n_next_hops == route->n_next_hops &&
           next_hops_equal(rib_path_next_hops(path), route->next_hops, route->n_next_hops);
}

int
rib_path_set(struct rib_path *path, const struct route *route)
{
    struct route_next_hop *many = NULL;

    if (route->n_next_hops > 1) {
        many = calloc(route->n_next_hops, sizeof(*many));
        if (many == NULL)
            return -ENOMEM;
        memcpy(many, route->next_hops, route->n_next_hops * sizeof(*many));
    }
    if (path->n_next_hops > 1)
        free(path->next_hops.many);
    if (many != NULL)
        path->next_hops.many = many;
    else
        path->next_hops.one = route->next_hops[0];
    path->n_next_hops = route->n_next_hops;
    path->local_preference = route->local_preference;
    path->sequence_number = route->sequence_number;
    return 0;
}

struct rib_path *
rib_path_add(struct rib *rib, struct rib_vpn *vpn, struct rib_session *session, const char *item_id,
             const struct route *route, int64_t received)
{
    struct rib_server *server = session->server;
    size_t size = strlen(item_id) + 1;
    struct rib_prefix *prefix = prefix_find_or_add(rib, vpn, &route->prefix);
    struct rib_path *path = calloc(1, offsetof(struct rib_path, item_id) + size);

    if (prefix == NULL || path == NULL || rib_path_set(path, route) != 0)
        goto no_memory;
    memcpy(path->item_id, item_id, size);
    if (hmap_add(&vpn->items, &path->item, item_hash(server, item_id)) != 0)
        goto no_memory;
    path->prefix = prefix;
    path->next = prefix->paths;
    prefix->paths = path;
    path->received = received;
    path->session = session;
    session->n_paths++;
    server->n_paths++;
    vpn->sync[server->index].n_paths++;
    rib->counts.paths++;
    rib->counts.generation++;
    return path;

no_memory:
    if (path != NULL && path->n_next_hops > 1)
        free(path->next_hops.many);
    free(path);
    if (prefix != NULL && prefix->paths == NULL)
        rib_prefix_free(rib, vpn, prefix);
    return NULL;
}

void
rib_session_release(struct rib_session *session)
{
    if (session->n_paths > 0 || session->lost_at == RIB_NEVER)
        return;
    TAILQ_REMOVE(&session->server->sessions, session, link);
    free(session);
}

void
rib_path_move(struct rib_path *path, struct rib_session *session)
{
    struct rib_session *former = path->session;

    path->session = session;
    session->n_paths++;
    former->n_paths--;
    rib_session_release(former);
}

void
rib_path_remove(struct rib *rib, struct rib_vpn *vpn, struct rib_path *path)
{
    struct rib_server *server = rib_path_server(path);
    struct rib_path **link = &path->prefix->paths;

    while (*link != path)
        link = &(*link)->next;
    *link = path->next;
    if (path->prefix->best == path) {
        path->prefix->best = NULL;
        server->chosen--;
    }
    hmap_remove(&vpn->items, &path->item);
    path->session->n_paths--;
    rib_session_release(path->session);
    server->n_paths--;
    vpn->sync[server->index].n_paths--;
    rib->counts.paths--;
    rib->counts.generation++;
    if (path->n_next_hops > 1)
        free(path->next_hops.many);
    free(path);
}

struct selection_candidate
rib_path_candidate(const struct rib *rib, const struct rib_vpn *vpn, const struct rib_path *path,
                   uint16_t *usable)
{
    const struct route_next_hop *hops = rib_path_next_hops(path);

    *usable = 0;
    for (unsigned i = 0; i < path->n_next_hops; i++) {
        if (rib->events.acceptable == NULL ||
            rib->events.acceptable(rib->user, vpn->user, &path->prefix->prefix, &hops[i]))
            *usable |= (uint16_t)(1u << i);
    }
    return (struct selection_candidate){
        .acceptable = *usable != 0,
        .live = rib_path_is_live(path),
        .local_preference = path->local_preference,
        .sequence_number = path->sequence_number,
        .received = path->received,
        .server_address = &rib_path_server(path)->address,
        .server_name = rib_path_server(path)->name,
        .item_id = path->item_id,
    };
}

void
rib_prefix_remember(const struct rib_prefix *prefix, struct rib_told *told)
{
    told->n = 0;
    if (prefix->best == NULL)
        return;
    const struct route_next_hop *hops = rib_path_next_hops(prefix->best);
    for (unsigned i = 0; i < prefix->best->n_next_hops; i++) {
        if (prefix->used & 1u << i)
            told->next_hops[told->n++] = hops[i];
    }
}

static void
set_best(struct rib_prefix *prefix, struct rib_path *best, uint16_t used)
{
    if (prefix->best != NULL)
        rib_path_server(prefix->best)->chosen--;
    if (best != NULL)
        rib_path_server(best)->chosen++;
    prefix->best = best;
    prefix->used = used;
}

/* Tells the user, unless it knows already. */
static void
tell(const struct rib *rib, const struct rib_vpn *vpn, const struct rib_prefix *prefix,
     const struct rib_told *before)
{
    struct rib_told now;
    struct route route;

    rib_prefix_remember(prefix, &now);
    if (vpn->removed || rib->events.best_changed == NULL ||
        (now.n == before->n && next_hops_equal(now.next_hops, before->next_hops, now.n)))
        return;
    if (now.n == 0) {
        rib->events.best_changed(rib->user, vpn->user, &prefix->prefix, NULL);
        return;
    }
    route.prefix = prefix->prefix;
    route.local_preference = prefix->best->local_preference;
    route.sequence_number = prefix->best->sequence_number;
    route.n_next_hops = now.n;
    memcpy(route.next_hops, now.next_hops, sizeof(route.next_hops));
    rib->events.best_changed(rib->user, vpn->user, &prefix->prefix, &route);
}

void
rib_prefix_choose(struct rib *rib, struct rib_vpn *vpn, struct rib_prefix *prefix,
                  const struct rib_told *told)
{
    struct selection_candidate best = { .acceptable = false };
    struct rib_path *chosen = NULL;
    uint16_t used = 0;

    for (struct rib_path *path = prefix->paths; path != NULL; path = path->next) {
        enum selection_rule rule;
        uint16_t usable;
        struct selection_candidate candidate = rib_path_candidate(rib, vpn, path, &usable);
        if (candidate.acceptable &&
            (chosen == NULL || selection_compare(&candidate, &best, &rule) < 0)) {
            chosen = path;
            best = candidate;
            used = usable;
        }
    }
    set_best(prefix, chosen, used);
    tell(rib, vpn, prefix, told);
    if (prefix->paths == NULL)
        rib_prefix_free(rib, vpn, prefix);
}
