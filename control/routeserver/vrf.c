/* SPDX-License-Identifier: BSD-3-Clause */

/* VRFs and who imports from whom. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/routeserver/rib.h"

static struct rib_vrf *
new_vrf(struct rib *rib, const char *name)
{
    struct rib_vrf *vrf = calloc(1, sizeof(*vrf));

    if (vrf == NULL)
        return NULL;
    strncpy(vrf->name, name, sizeof(vrf->name) - 1);
    TAILQ_INIT(&vrf->log);
    TAILQ_INIT(&vrf->withdrawn);
    LIST_INIT(&vrf->subscriptions);
    if (hmap_add(&rib->vrfs_by_name, &vrf->node, hmap_hash_string(name)) != 0) {
        free(vrf);
        return NULL;
    }
    LIST_INSERT_HEAD(&rib->vrfs, vrf, link);
    rib->n_vrfs++;
    return vrf;
}

/* Nothing is published to it, and it has no routes. */
static void
free_vrf(struct rib *rib, struct rib_vrf *vrf)
{
    hmap_remove(&rib->vrfs_by_name, &vrf->node);
    LIST_REMOVE(vrf, link);
    rib->n_vrfs--;
    free(vrf->policy.export_targets);
    free(vrf->policy.import_targets);
    free(vrf->importers);
    free(vrf);
}

static uint64_t *
copy_targets(const uint64_t *targets, uint32_t n)
{
    uint64_t *copy = calloc(n == 0 ? 1 : n, sizeof(*copy));

    if (copy != NULL && n > 0)
        memcpy(copy, targets, n * sizeof(*copy));
    return copy;
}

int
rib_vrf_add(struct rib *rib, const char *name, const struct rib_policy *policy)
{
    if (rib_vrf_find(rib, name) != NULL)
        return -EEXIST;
    if (rib->n_vrfs >= rib->limits.vpns)
        return -ENOSPC;
    struct rib_vrf *vrf = new_vrf(rib, name);
    if (vrf == NULL)
        return -ENOMEM;
    vrf->policy = (struct rib_policy){
        .export_targets = copy_targets(policy->export_targets, policy->n_export),
        .import_targets = copy_targets(policy->import_targets, policy->n_import),
        .n_export = policy->n_export,
        .n_import = policy->n_import,
    };
    if (vrf->policy.export_targets == NULL || vrf->policy.import_targets == NULL) {
        free_vrf(rib, vrf);
        return -ENOMEM;
    }
    return 0;
}

static bool
imports(const struct rib_vrf *vrf, const struct rib_vrf *origin)
{
    if (vrf == origin && vrf->policy.n_import == 0 && vrf->policy.n_export == 0)
        return true;
    for (uint32_t i = 0; i < vrf->policy.n_import; i++) {
        for (uint32_t e = 0; e < origin->policy.n_export; e++) {
            if (vrf->policy.import_targets[i] == origin->policy.export_targets[e])
                return true;
        }
    }
    return false;
}

static int
add_importer(struct rib_vrf *origin, struct rib_vrf *vrf)
{
    struct rib_vrf **importers =
        reallocarray(origin->importers, origin->n_importers + 1, sizeof(*importers));

    if (importers == NULL)
        return -ENOMEM;
    importers[origin->n_importers++] = vrf;
    origin->importers = importers;
    return 0;
}

int
rib_vrf_connect(struct rib *rib)
{
    struct rib_vrf *origin, *vrf;

    LIST_FOREACH(origin, &rib->vrfs, link)
    {
        LIST_FOREACH(vrf, &rib->vrfs, link)
        {
            if (imports(vrf, origin) && add_importer(origin, vrf) != 0)
                return -ENOMEM;
        }
    }
    return 0;
}

struct rib_vrf *
rib_vrf_find(const struct rib *rib, const char *name)
{
    struct hmap_node *node = hmap_first_same(&rib->vrfs_by_name, hmap_hash_string(name));

    for (; node != NULL; node = hmap_next_same(node)) {
        struct rib_vrf *vrf = hmap_entry(node, struct rib_vrf, node);
        if (strcmp(vrf->name, name) == 0)
            return vrf;
    }
    return NULL;
}

int
rib_vrf_get(struct rib *rib, const char *name, struct rib_vrf **vrf)
{
    *vrf = rib_vrf_find(rib, name);
    if (*vrf != NULL)
        return 0;
    if (!rib->auto_vpn)
        return -ENOENT;
    if (rib->n_vrfs >= rib->limits.vpns) {
        rib->counters.refused_limit++;
        return -ENOSPC;
    }
    struct rib_vrf *fresh = new_vrf(rib, name);
    if (fresh == NULL)
        return -ENOMEM;
    fresh->automatic = true;
    if (add_importer(fresh, fresh) != 0) {
        free_vrf(rib, fresh);
        return -ENOMEM;
    }
    *vrf = fresh;
    return 0;
}

void
rib_vrf_release(struct rib *rib, struct rib_vrf *vrf)
{
    if (vrf->automatic && vrf->n_subscriptions == 0 && vrf->n_publications == 0)
        free_vrf(rib, vrf);
}

struct rib *
rib_new(const struct rib_limits *limits, bool auto_vpn, uint64_t purge_ms)
{
    struct rib *rib = calloc(1, sizeof(*rib));

    if (rib == NULL)
        return NULL;
    rib->limits = *limits;
    rib->auto_vpn = auto_vpn;
    rib->purge_ms = purge_ms;
    LIST_INIT(&rib->vrfs);
    LIST_INIT(&rib->clients);
    return rib;
}

void
rib_free(struct rib *rib)
{
    if (rib == NULL)
        return;
    rib->behind = NULL;
    rib->overrun = NULL;
    for (struct rib_client *client; (client = LIST_FIRST(&rib->clients)) != NULL;) {
        while (!TAILQ_EMPTY(&client->publications))
            rib_publication_remove(rib, TAILQ_FIRST(&client->publications), 0);
        rib_client_disconnect(rib, client, 0);
    }
    while (!LIST_EMPTY(&rib->vrfs))
        free_vrf(rib, LIST_FIRST(&rib->vrfs));
    hmap_clear(&rib->vrfs_by_name);
    hmap_clear(&rib->clients_by_jid);
    free(rib);
}
