/* SPDX-License-Identifier: BSD-3-Clause */

/* What servers say about single items, and what a snapshot remembers of them: takes effect at once.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/rib_internal.h"

/* A stale path of this server to this prefix. */
static struct rib_path *
own_stale_path(const struct rib_vpn *vpn, const struct rib_server *server,
               const struct ip_prefix *key)
{
    const struct rib_prefix *prefix = rib_prefix_find(vpn, key);
    struct rib_path *path = prefix == NULL ? NULL : prefix->paths;

    while (path != NULL && (rib_path_server(path) != server || rib_path_is_live(path)))
        path = path->next;
    return path;
}

/*
 * Adds an item that is new. At a limit, a stale path of the same server to the same prefix makes
 * way, so that a server which came back with other item ids is not refused.
 */
static int
add_item(struct rib *rib, struct rib_vpn *vpn, struct rib_session *session, const char *item_id,
         const struct route *route, int64_t received)
{
    struct rib_server *server = session->server;
    struct rib_path *victim = NULL, *path;
    struct rib_prefix *prefix;
    struct rib_told told = { .n = 0 };

    if (vpn->sync[server->index].n_paths >= rib->limits.routes_per_vpn ||
        rib->counts.paths >= rib->limits.routes_total) {
        victim = own_stale_path(vpn, server, &route->prefix);
        if (victim == NULL) {
            rib->counts.refused_limit++;
            return -ENOSPC;
        }
    }
    prefix = rib_prefix_find(vpn, &route->prefix);
    if (prefix != NULL)
        rib_prefix_remember(prefix, &told);
    path = rib_path_add(rib, vpn, session, item_id, route, received);
    if (path == NULL)
        return -ENOMEM;
    if (victim != NULL)
        rib_path_remove(rib, vpn, victim);
    rib_prefix_choose(rib, vpn, path->prefix, &told);
    return 0;
}

/* The item stands at another prefix now. */
static int
move_item(struct rib *rib, struct rib_vpn *vpn, struct rib_path *path, const struct route *route,
          int64_t now)
{
    struct rib_prefix *from = path->prefix, *to = rib_prefix_find(vpn, &route->prefix);
    struct rib_session *session = rib_path_server(path)->session;
    struct rib_told told_from, told_to = { .n = 0 };
    struct rib_path *moved;

    rib_prefix_remember(from, &told_from);
    if (to != NULL)
        rib_prefix_remember(to, &told_to);
    moved = rib_path_add(rib, vpn, session, path->item_id, route, now);
    if (moved == NULL)
        return -ENOMEM;
    rib_path_remove(rib, vpn, path);
    rib_prefix_choose(rib, vpn, moved->prefix, &told_to);
    rib_prefix_choose(rib, vpn, from, &told_from);
    return 0;
}

/* The item came again for the same prefix. Unchanged content is no news: `received` stays. */
static int
renew_item(struct rib *rib, struct rib_vpn *vpn, struct rib_path *path, const struct route *route,
           int64_t now)
{
    struct rib_session *session = rib_path_server(path)->session;
    bool same = rib_path_is(path, route);
    struct rib_told told;

    if (same && path->session == session)
        return 0;
    rib_prefix_remember(path->prefix, &told);
    if (!same) {
        int error = rib_path_set(path, route);
        if (error != 0)
            return error;
        path->received = now;
    }
    rib_path_move(path, session);
    rib->counts.generation++;
    rib_prefix_choose(rib, vpn, path->prefix, &told);
    return 0;
}

/* What cannot become a path is refused before anything changes. */
static bool
item_is_usable(struct rib *rib, const char *item_id, struct route *route)
{
    size_t length = strnlen(item_id, RIB_ITEM_ID_MAX + 1);

    if (length > 0 && length <= RIB_ITEM_ID_MAX && rib_route_normalise(route))
        return true;
    rib->counts.refused_invalid++;
    return false;
}

int
rib_item(struct rib *rib, struct rib_vpn *vpn, struct rib_server *server, const char *item_id,
         const struct route *announced, int64_t now)
{
    struct route route = *announced;
    struct rib_path *path;

    if (server->session == NULL || !item_is_usable(rib, item_id, &route))
        return -EINVAL;
    path = rib_path_find(vpn, server, item_id);
    if (path == NULL)
        return add_item(rib, vpn, server->session, item_id, &route, now);
    if (!ip_prefix_equal(&path->prefix->prefix, &route.prefix))
        return move_item(rib, vpn, path, &route, now);
    return renew_item(rib, vpn, path, &route, now);
}

/*
 * The session of restored paths: number 0, before every real one, so that whatever a server says in
 * a session supersedes it. Told apart by when they ended; a snapshot knows few such times.
 */
static struct rib_session *
past_session(struct rib_server *server, int64_t lost_at)
{
    enum { LOOK_AT = 16 };
    struct rib_session *session = TAILQ_FIRST(&server->sessions);

    for (int i = 0; session != NULL && session->number == 0 && i < LOOK_AT; i++) {
        if (session->lost_at == lost_at)
            return session;
        session = TAILQ_NEXT(session, link);
    }
    session = calloc(1, sizeof(*session));
    if (session == NULL)
        return NULL;
    session->server = server;
    session->lost_at = lost_at;
    TAILQ_INSERT_HEAD(&server->sessions, session, link);
    return session;
}

int
rib_restore(struct rib *rib, struct rib_vpn *vpn, struct rib_server *server, const char *item_id,
            const struct route *restored, int64_t received, int64_t stale_since)
{
    struct route route = *restored;
    struct rib_session *session;
    int error;

    if (stale_since == RIB_NEVER || !item_is_usable(rib, item_id, &route))
        return -EINVAL;
    if (rib_path_find(vpn, server, item_id) != NULL)
        return -EEXIST;
    session = past_session(server, stale_since);
    if (session == NULL)
        return -ENOMEM;
    error = add_item(rib, vpn, session, item_id, &route, received);
    if (error != 0)
        rib_session_release(session);
    else
        rib_vpn_queue(rib, vpn);
    return error;
}

/*
 * A live server in sync took back what it had for this prefix: then stale paths of others go, too.
 * Not while it still has another item for the prefix.
 */
static void
retract_stale(struct rib *rib, struct rib_vpn *vpn, struct rib_prefix *prefix,
              const struct rib_server *server)
{
    struct rib_path *path, *next;

    for (path = prefix->paths; path != NULL; path = path->next) {
        if (rib_path_server(path) == server && rib_path_is_live(path))
            return;
    }
    for (path = prefix->paths; path != NULL; path = next) {
        next = path->next;
        if (!rib_path_is_live(path)) {
            rib_path_remove(rib, vpn, path);
            rib->counts.retracted_stale++;
        }
    }
}

/* Takes a path away; `said` if the server said so of the prefix. */
static void
withdraw(struct rib *rib, struct rib_vpn *vpn, struct rib_path *path, bool said)
{
    const struct rib_server *server = rib_path_server(path);
    struct rib_prefix *prefix = path->prefix;
    struct rib_told told;

    rib_prefix_remember(prefix, &told);
    rib_path_remove(rib, vpn, path);
    if (said && rib_is_in_sync(vpn, server))
        retract_stale(rib, vpn, prefix, server);
    rib_prefix_choose(rib, vpn, prefix, &told);
}

int
rib_retract(struct rib *rib, struct rib_vpn *vpn, struct rib_server *server, const char *item_id)
{
    struct rib_path *path = rib_path_find(vpn, server, item_id);

    if (path == NULL) {
        rib->counts.unknown_retract++;
        return -ENOENT;
    }
    withdraw(rib, vpn, path, true);
    return 0;
}

void
rib_item_unusable(struct rib *rib, struct rib_vpn *vpn, struct rib_server *server,
                  const char *item_id)
{
    struct rib_path *path = rib_path_find(vpn, server, item_id);

    rib->counts.refused_invalid++;
    if (path != NULL)
        withdraw(rib, vpn, path, false);
}

void
rib_purge(struct rib *rib, struct rib_vpn *vpn, struct rib_server *server)
{
    struct rib_prefix *prefix = TAILQ_FIRST(&vpn->order), *next_prefix;
    struct rib_path *path, *next;

    for (; prefix != NULL; prefix = next_prefix) {
        next_prefix = TAILQ_NEXT(prefix, link);
        for (path = prefix->paths; path != NULL && rib_path_server(path) != server;
             path = path->next)
            ;
        while (path != NULL) {
            for (next = path->next; next != NULL && rib_path_server(next) != server;
                 next = next->next)
                ;
            withdraw(rib, vpn, path, next == NULL);
            path = next;
        }
    }
}
