/* SPDX-License-Identifier: BSD-3-Clause */

/* Next hops to paths to the FIB: see forwarding.h. */

#include "control/forwarding.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/endpoints.h"
#include "lib/base/hmap.h"

struct route_key {
    uint32_t vrf;
    struct ip_prefix prefix;
};

/* A static route; its path is in the FIB. */
struct static_entry {
    struct hmap_node node;
    struct route_key key;
};

/* An announced route with a next hop of our own: where it leads depends on what our labels mean. */
struct own_entry {
    struct hmap_node node;
    struct route_key key;
    unsigned n;
    struct route_next_hop next_hops[];
};

struct forwarding {
    struct tables *tables;
    struct endpoints *endpoints;
    struct forwarding_settings settings;
    struct hmap statics;    /* struct static_entry */
    struct hmap own_routes; /* struct own_entry */
    struct forwarding_refusals refusals;
};

struct forwarding *
forwarding_create(struct tables *tables, struct endpoints *endpoints,
                  const struct forwarding_settings *settings)
{
    struct forwarding *forwarding = calloc(1, sizeof(*forwarding));

    if (forwarding == NULL)
        return NULL;
    forwarding->tables = tables;
    forwarding->endpoints = endpoints;
    forwarding->settings = *settings;
    return forwarding;
}

void
forwarding_destroy(struct forwarding *forwarding)
{
    struct hmap_node *node;

    if (forwarding == NULL)
        return;
    while ((node = hmap_first(&forwarding->statics)) != NULL) {
        hmap_remove(&forwarding->statics, node);
        free(hmap_entry(node, struct static_entry, node));
    }
    while ((node = hmap_first(&forwarding->own_routes)) != NULL) {
        hmap_remove(&forwarding->own_routes, node);
        free(hmap_entry(node, struct own_entry, node));
    }
    hmap_clear(&forwarding->statics);
    hmap_clear(&forwarding->own_routes);
    free(forwarding);
}

/* The first of our encapsulations that the next hop offers, 0 if none. */
static uint8_t
choose_encapsulation(const struct forwarding *forwarding, const struct route_next_hop *next_hop)
{
    const struct forwarding_settings *settings = &forwarding->settings;

    for (unsigned i = 0; i < settings->n_encapsulations; i++) {
        if (next_hop->encapsulations & settings->encapsulations[i])
            return settings->encapsulations[i];
    }
    return 0;
}

static bool
is_own(const struct forwarding *forwarding, const struct route_next_hop *next_hop)
{
    return underlay_owns(forwarding->settings.underlay, &next_hop->addr);
}

bool
forwarding_accepts(const struct forwarding *forwarding, const struct route_next_hop *next_hop)
{
    if (is_own(forwarding, next_hop))
        return label_get(&forwarding->tables->labels, next_hop->label) != PATH_NONE;
    return choose_encapsulation(forwarding, next_hop) != 0 &&
           endpoints_reach(forwarding->endpoints, &next_hop->addr);
}

/* Gives back what a path that no longer stands in the FIB referred to. */
static void
path_release(struct forwarding *forwarding, path_t path)
{
    if (path_kind(path) == PATH_TUNNEL) {
        endpoints_put(forwarding->endpoints, path_target(path));
    } else if (path_kind(path) == PATH_ECMP) {
        const struct ecmp_set *set = ecmp_at(&forwarding->tables->ecmp, path);
        for (unsigned i = 0; i < set->n_members; i++)
            path_release(forwarding, set->members[i]);
        ecmp_remove(&forwarding->tables->ecmp, path);
    }
}

/* The path of one next hop, with a reference on its endpoint. */
static int
path_of_next_hop(struct forwarding *forwarding, const struct route_next_hop *next_hop, path_t *path)
{
    if (is_own(forwarding, next_hop)) {
        *path = label_get(&forwarding->tables->labels, next_hop->label);
        return *path == PATH_NONE ? -ENOENT : 0;
    }
    uint8_t encapsulation = choose_encapsulation(forwarding, next_hop);
    uint32_t index;

    if (encapsulation == 0) {
        forwarding->refusals.no_encapsulation++;
        return -ENOENT;
    }
    int error = endpoints_get(forwarding->endpoints, &next_hop->addr, encapsulation, &index);
    if (error == -ENETUNREACH) {
        forwarding->refusals.unreachable++;
        return -ENOENT;
    }
    if (error == 0)
        *path = path_make(PATH_TUNNEL, index, next_hop->label);
    return error;
}

/* The path of a set of next hops, with references on all that it leads to. */
static int
path_of_next_hops(struct forwarding *forwarding, const struct route_next_hop *next_hops, unsigned n,
                  path_t *path)
{
    path_t members[ECMP_MEMBERS_MAX];
    unsigned n_members = 0;
    int error = -ENOENT;

    for (unsigned i = 0; i < n && n_members < ECMP_MEMBERS_MAX; i++) {
        int failed = path_of_next_hop(forwarding, &next_hops[i], &members[n_members]);
        if (failed == 0)
            n_members++;
        else
            error = failed;
    }
    if (n_members == 0)
        return error;
    if (n_members == 1) {
        *path = members[0];
        return 0;
    }
    error = ecmp_add(&forwarding->tables->ecmp, members, n_members, path);
    if (error != 0) {
        forwarding->refusals.ecmp++;
        for (unsigned i = 0; i < n_members; i++)
            path_release(forwarding, members[i]);
    }
    return error;
}

/* Puts a path, whose references the caller holds, into the FIB and releases the one before it. The
 * first-hop router's own address (control/vrfs.h) gives way to nobody. */
static int
install(struct forwarding *forwarding, uint32_t vrf, const struct ip_prefix *prefix, path_t path)
{
    struct fib *fib = forwarding->tables->fib;
    uint32_t root = vrf_upstream_root(vrf);
    path_t before = fib_get(fib, root, prefix);
    int error = path_kind(before) == PATH_GATEWAY ? -EPERM : fib_set(fib, root, prefix, path);

    if (error != 0) {
        forwarding->refusals.fib++;
        path_release(forwarding, path);
        return error;
    }
    path_release(forwarding, before);
    return 0;
}

static void
uninstall(struct forwarding *forwarding, uint32_t vrf, const struct ip_prefix *prefix)
{
    struct fib *fib = forwarding->tables->fib;
    uint32_t root = vrf_upstream_root(vrf);
    path_t before = fib_get(fib, root, prefix);

    if (path_kind(before) != PATH_GATEWAY && fib_unset(fib, root, prefix) == 0)
        path_release(forwarding, before);
}

/* Keys are compared and hashed as octets: no padding may differ. */
static struct route_key
route_key_of(uint32_t vrf, const struct ip_prefix *prefix)
{
    struct route_key key;

    memset(&key, 0, sizeof(key));
    key.vrf = vrf;
    key.prefix.addr = prefix->addr;
    key.prefix.length = prefix->length;
    return key;
}

static struct static_entry *
static_find(const struct forwarding *forwarding, const struct route_key *key)
{
    struct hmap_node *node = hmap_first_same(&forwarding->statics, hmap_hash(key, sizeof(*key)));

    for (; node != NULL; node = hmap_next_same(node)) {
        struct static_entry *route = hmap_entry(node, struct static_entry, node);
        if (memcmp(&route->key, key, sizeof(*key)) == 0)
            return route;
    }
    return NULL;
}

bool
forwarding_is_static(const struct forwarding *forwarding, uint32_t vrf,
                     const struct ip_prefix *prefix)
{
    struct route_key key = route_key_of(vrf, prefix);

    return static_find(forwarding, &key) != NULL;
}

static struct own_entry *
own_find(const struct forwarding *forwarding, const struct route_key *key)
{
    struct hmap_node *node = hmap_first_same(&forwarding->own_routes, hmap_hash(key, sizeof(*key)));

    for (; node != NULL; node = hmap_next_same(node)) {
        struct own_entry *entry = hmap_entry(node, struct own_entry, node);
        if (memcmp(&entry->key, key, sizeof(*key)) == 0)
            return entry;
    }
    return NULL;
}

static void
own_forget(struct forwarding *forwarding, const struct route_key *key)
{
    struct own_entry *entry = own_find(forwarding, key);

    if (entry != NULL) {
        hmap_remove(&forwarding->own_routes, &entry->node);
        free(entry);
    }
}

/* Remembers a route whose path must follow our labels. */
static int
own_remember(struct forwarding *forwarding, const struct route_key *key,
             const struct route_next_hop *next_hops, unsigned n)
{
    size_t octets = n * sizeof(next_hops[0]);
    struct own_entry *entry = malloc(sizeof(*entry) + octets);

    if (entry == NULL)
        return -ENOMEM;
    entry->key = *key;
    entry->n = n;
    memcpy(entry->next_hops, next_hops, octets);
    int error = hmap_add(&forwarding->own_routes, &entry->node, hmap_hash(key, sizeof(*key)));
    if (error != 0)
        free(entry);
    return error;
}

int
forwarding_set(struct forwarding *forwarding, uint32_t vrf, const struct ip_prefix *prefix,
               const struct route_next_hop *next_hops, unsigned n)
{
    struct route_key key = route_key_of(vrf, prefix);
    bool own = false;
    path_t path;

    if (static_find(forwarding, &key) != NULL)
        return 0;
    int error = path_of_next_hops(forwarding, next_hops, n, &path);
    if (error == 0)
        error = install(forwarding, vrf, prefix, path);
    if (error != 0)
        return error;
    own_forget(forwarding, &key);
    for (unsigned i = 0; i < n; i++)
        own |= is_own(forwarding, &next_hops[i]);
    return own ? own_remember(forwarding, &key, next_hops, n) : 0;
}

void
forwarding_unset(struct forwarding *forwarding, uint32_t vrf, const struct ip_prefix *prefix)
{
    struct route_key key = route_key_of(vrf, prefix);

    own_forget(forwarding, &key);
    if (static_find(forwarding, &key) == NULL)
        uninstall(forwarding, vrf, prefix);
}

void
forwarding_labels_changed(struct forwarding *forwarding)
{
    struct hmap_node *node = hmap_first(&forwarding->own_routes);

    for (; node != NULL; node = hmap_next(&forwarding->own_routes, node)) {
        struct own_entry *entry = hmap_entry(node, struct own_entry, node);
        path_t path;

        if (static_find(forwarding, &entry->key) != NULL)
            continue;
        if (path_of_next_hops(forwarding, entry->next_hops, entry->n, &path) != 0 ||
            install(forwarding, entry->key.vrf, &entry->key.prefix, path) != 0)
            uninstall(forwarding, entry->key.vrf, &entry->key.prefix);
    }
}

int
forwarding_set_static(struct forwarding *forwarding, uint32_t vrf, const struct ip_prefix *prefix,
                      const struct route_next_hop *next_hops, unsigned n, path_t local)
{
    struct route_key key = route_key_of(vrf, prefix);
    struct static_entry *fresh = NULL;
    path_t path = local;
    int error;

    if (static_find(forwarding, &key) == NULL) {
        fresh = calloc(1, sizeof(*fresh));
        if (fresh == NULL)
            return -ENOMEM;
        fresh->key = key;
        error = hmap_add(&forwarding->statics, &fresh->node, hmap_hash(&key, sizeof(key)));
        if (error != 0) {
            free(fresh);
            return error;
        }
    }
    error = n > 0 ? path_of_next_hops(forwarding, next_hops, n, &path) : 0;
    if (error == 0)
        error = install(forwarding, vrf, prefix, path);
    if (error == 0)
        own_forget(forwarding, &key);
    if (error != 0 && fresh != NULL) {
        hmap_remove(&forwarding->statics, &fresh->node);
        free(fresh);
    }
    return error;
}

int
forwarding_unset_static(struct forwarding *forwarding, uint32_t vrf, const struct ip_prefix *prefix)
{
    struct route_key key = route_key_of(vrf, prefix);
    struct static_entry *route = static_find(forwarding, &key);

    if (route == NULL)
        return -ENOENT;
    hmap_remove(&forwarding->statics, &route->node);
    free(route);
    uninstall(forwarding, vrf, prefix);
    return 0;
}

void
forwarding_each_static(const struct forwarding *forwarding,
                       bool (*each)(void *context, uint32_t vrf, const struct ip_prefix *prefix,
                                    path_t path),
                       void *context)
{
    struct hmap_node *node = hmap_first(&forwarding->statics);

    for (; node != NULL; node = hmap_next(&forwarding->statics, node)) {
        const struct route_key *key = &hmap_entry(node, struct static_entry, node)->key;
        path_t path = fib_get(forwarding->tables->fib, vrf_upstream_root(key->vrf), &key->prefix);
        if (!each(context, key->vrf, &key->prefix, path))
            return;
    }
}

const struct forwarding_refusals *
forwarding_refusals(const struct forwarding *forwarding)
{
    return &forwarding->refusals;
}
