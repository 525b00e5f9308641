/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * What the RIB does in slices: after a lost session, a server in sync or a timer it visits each
 * prefix of the VPNs concerned, drops the stale paths whose time has come, and chooses anew; it
 * frees removed VPNs. Also the walk of the snapshot.
 */

#include <stdlib.h>

#include "control/rib_internal.h"

void
rib_vpn_queue(struct rib *rib, struct rib_vpn *vpn)
{
    vpn->deadline = RIB_NEVER;
    if (!vpn->queued)
        TAILQ_INSERT_TAIL(&rib->work, vpn, work);
    vpn->queued = true;
    if (TAILQ_FIRST(&rib->work) == vpn)
        rib->next = TAILQ_FIRST(&vpn->order);
}

void
rib_places_leave_prefix(struct rib *rib, struct rib_vpn *vpn, struct rib_prefix *prefix)
{
    struct rib_walk *walk;

    if (rib->next == prefix)
        rib->next = TAILQ_NEXT(prefix, link);
    LIST_FOREACH(walk, &rib->walks, link)
    {
        if (walk->vpn == vpn && walk->prefix == prefix)
            walk->prefix = TAILQ_NEXT(prefix, link);
    }
}

static void
walk_enter(struct rib_walk *walk, struct rib_vpn *vpn)
{
    walk->vpn = vpn;
    walk->prefix = vpn == NULL ? NULL : TAILQ_FIRST(&vpn->order);
}

void
rib_vpn_remove(struct rib *rib, struct rib_vpn *vpn)
{
    struct rib_walk *walk;

    LIST_FOREACH(walk, &rib->walks, link)
    {
        if (walk->vpn == vpn)
            walk_enter(walk, TAILQ_NEXT(vpn, link));
    }
    TAILQ_REMOVE(&rib->vpn_order, vpn, link);
    hmap_remove(&rib->vpns, &vpn->node);
    rib->counts.vpns--;
    rib->counts.generation++;
    vpn->removed = true;
    rib_vpn_queue(rib, vpn);
}

void
rib_reconsider(struct rib *rib, struct rib_vpn *vpn)
{
    struct rib_vpn *each;

    TAILQ_FOREACH(each, &rib->vpn_order, link)
    {
        if (vpn == NULL || each == vpn)
            rib_vpn_queue(rib, each);
    }
}

/* When a stale path expires, as things are. Time under the short timer counts only from the moment
 * on when the other server was in sync: before, its silence said nothing. */
static int64_t
expiry(const struct rib *rib, const struct rib_vpn *vpn, const struct rib_path *path)
{
    const struct rib_server *own = rib_path_server(path);
    int64_t stale_since = path->session->lost_at, since = RIB_NEVER;

    for (uint8_t i = 0; i < rib->n_servers; i++) {
        const struct rib_server *other = rib->servers[i];
        if (other != own && rib_is_in_sync(vpn, other) && vpn->sync[i].since < since)
            since = vpn->sync[i].since;
    }
    if (since == RIB_NEVER)
        return stale_since + rib->limits.headless_ms;
    return (since > stale_since ? since : stale_since) + rib->limits.stale_ms;
}

/* Drops the prefix's stale paths whose time has come; notes when the next one's will. */
static void
drop_stale(struct rib *rib, struct rib_vpn *vpn, struct rib_prefix *prefix, int64_t now)
{
    struct rib_path *path, *next;

    for (path = prefix->paths; path != NULL; path = next) {
        const struct rib_sync *sync = &vpn->sync[rib_path_server(path)->index];
        next = path->next;
        if (rib_path_is_live(path))
            continue;
        if (path->session->number < sync->session) {
            rib_path_remove(rib, vpn, path);
            rib->counts.swept++;
            continue;
        }
        int64_t at = expiry(rib, vpn, path);
        if (at <= now) {
            rib_path_remove(rib, vpn, path);
            rib->counts.expired++;
        } else if (at < vpn->deadline) {
            vpn->deadline = at;
        }
    }
}

static void
visit(struct rib *rib, struct rib_vpn *vpn, struct rib_prefix *prefix, int64_t now)
{
    struct rib_told told;

    rib_prefix_remember(prefix, &told);
    if (!vpn->removed)
        drop_stale(rib, vpn, prefix, now);
    while (vpn->removed && prefix->paths != NULL)
        rib_path_remove(rib, vpn, prefix->paths);
    rib_prefix_choose(rib, vpn, prefix, &told);
}

/* Every prefix of the first queued VPN has been visited. */
static void
finish(struct rib *rib, struct rib_vpn *vpn)
{
    struct rib_vpn *next;

    TAILQ_REMOVE(&rib->work, vpn, work);
    vpn->queued = false;
    next = TAILQ_FIRST(&rib->work);
    rib->next = next == NULL ? NULL : TAILQ_FIRST(&next->order);
    if (vpn->removed) {
        hmap_clear(&vpn->prefixes);
        hmap_clear(&vpn->items);
        free(vpn);
    } else if (vpn->deadline < rib->deadline) {
        rib->deadline = vpn->deadline;
    }
}

static void
queue_due(struct rib *rib, int64_t now)
{
    struct rib_vpn *vpn;

    if (now < rib->deadline)
        return;
    rib->deadline = RIB_NEVER;
    TAILQ_FOREACH(vpn, &rib->vpn_order, link)
    {
        if (vpn->deadline <= now)
            rib_vpn_queue(rib, vpn);
        else if (vpn->deadline < rib->deadline)
            rib->deadline = vpn->deadline;
    }
}

int64_t
rib_run(struct rib *rib, int64_t now)
{
    struct rib_vpn *vpn;

    queue_due(rib, now);
    for (int visits = 0; visits < RIB_SLICE; visits++) {
        struct rib_prefix *prefix = rib->next;
        vpn = TAILQ_FIRST(&rib->work);
        if (vpn == NULL)
            return rib->deadline;
        if (prefix == NULL) {
            finish(rib, vpn);
            continue;
        }
        rib->next = TAILQ_NEXT(prefix, link);
        visit(rib, vpn, prefix, now);
    }
    return TAILQ_EMPTY(&rib->work) ? rib->deadline : now;
}

struct rib_walk *
rib_walk_begin(struct rib *rib)
{
    struct rib_walk *walk = calloc(1, sizeof(*walk));

    if (walk == NULL)
        return NULL;
    walk->rib = rib;
    walk_enter(walk, TAILQ_FIRST(&rib->vpn_order));
    LIST_INSERT_HEAD(&rib->walks, walk, link);
    return walk;
}

bool
rib_walk_step(struct rib_walk *walk, uint32_t prefixes, rib_walk_fn *show, void *user)
{
    for (; walk->vpn != NULL && prefixes > 0; prefixes--) {
        if (walk->prefix == NULL) {
            walk_enter(walk, TAILQ_NEXT(walk->vpn, link));
            continue;
        }
        for (const struct rib_path *path = walk->prefix->paths; path != NULL; path = path->next) {
            struct rib_path_view view;
            rib_path_view(path, &view);
            show(user, walk->vpn, &view);
        }
        walk->prefix = TAILQ_NEXT(walk->prefix, link);
    }
    return walk->vpn != NULL;
}

void
rib_walk_end(struct rib_walk *walk)
{
    if (walk == NULL)
        return;
    LIST_REMOVE(walk, link);
    free(walk);
}
