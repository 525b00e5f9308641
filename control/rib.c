/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The RIB's front: servers, VPNs, and what sessions say about a whole VPN or about themselves: it
 * is noted here and carried out by rib_run().
 */

#include "control/rib.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/rib_internal.h"
#include "lib/base/text.h"

const struct rib_limits rib_limits_default = {
    .routes_per_vpn = 2000000,
    .routes_total = 4000000,
    .stale_ms = RIB_STALE_MS_DEFAULT,
    .headless_ms = RIB_HEADLESS_MS_DEFAULT,
};

struct rib *
rib_new(const struct rib_limits *limits, const struct rib_events *events, void *user)
{
    struct rib *rib = calloc(1, sizeof(*rib));

    if (rib == NULL)
        return NULL;
    rib->limits = limits != NULL ? *limits : rib_limits_default;
    rib->events = *events;
    rib->user = user;
    rib->deadline = RIB_NEVER;
    TAILQ_INIT(&rib->vpn_order);
    TAILQ_INIT(&rib->work);
    LIST_INIT(&rib->walks);
    return rib;
}

static void
server_free(struct rib_server *server)
{
    struct rib_session *session;

    while ((session = TAILQ_FIRST(&server->sessions)) != NULL) {
        TAILQ_REMOVE(&server->sessions, session, link);
        free(session);
    }
    free(server);
}

void
rib_free(struct rib *rib)
{
    struct rib_vpn *vpn;

    if (rib == NULL)
        return;
    while ((vpn = TAILQ_FIRST(&rib->vpn_order)) != NULL)
        rib_vpn_remove(rib, vpn);
    while (rib_run(rib, 0) == 0)
        ;
    hmap_clear(&rib->vpns);
    for (uint8_t i = 0; i < rib->n_servers; i++)
        server_free(rib->servers[i]);
    free(rib);
}

struct rib_server *
rib_server_add(struct rib *rib, const char *name, const struct ip_addr *address)
{
    struct rib_server *server = rib_server_find(rib, name);

    if (server != NULL) {
        server->address = *address;
        return server;
    }
    if (rib->n_servers == RIB_SERVERS_MAX || strlen(name) >= RIB_SERVER_NAME_MAX)
        return NULL;
    server = calloc(1, sizeof(*server));
    if (server == NULL)
        return NULL;
    server->rib = rib;
    server->address = *address;
    server->index = rib->n_servers;
    TAILQ_INIT(&server->sessions);
    strcpy(server->name, name);
    rib->servers[rib->n_servers++] = server;
    return server;
}

struct rib_server *
rib_server_find(const struct rib *rib, const char *name)
{
    for (uint8_t i = 0; i < rib->n_servers; i++) {
        if (strcmp(rib->servers[i]->name, name) == 0)
            return rib->servers[i];
    }
    return NULL;
}

const struct rib_server *
rib_server_at(const struct rib *rib, uint32_t index)
{
    return index < rib->n_servers ? rib->servers[index] : NULL;
}

const struct ip_addr *
rib_server_address(const struct rib_server *server)
{
    return &server->address;
}

const char *
rib_server_name(const struct rib_server *server)
{
    return server->name;
}

struct rib_vpn *
rib_vpn_add(struct rib *rib, const char *name, void *vpn_user)
{
    struct rib_vpn *vpn;

    if (!text_is_ascii_name(name, RIB_VPN_NAME_MAX - 1) || rib_vpn_find(rib, name) != NULL)
        return NULL;
    vpn = calloc(1, sizeof(*vpn) + strlen(name) + 1);
    if (vpn == NULL)
        return NULL;
    strcpy(vpn->name, name);
    if (hmap_add(&rib->vpns, &vpn->node, hmap_hash_string(name)) != 0) {
        free(vpn);
        return NULL;
    }
    vpn->user = vpn_user;
    vpn->deadline = RIB_NEVER;
    TAILQ_INIT(&vpn->order);
    TAILQ_INSERT_TAIL(&rib->vpn_order, vpn, link);
    rib->counts.vpns++;
    return vpn;
}

struct rib_vpn *
rib_vpn_find(const struct rib *rib, const char *name)
{
    struct hmap_node *node = hmap_first_same(&rib->vpns, hmap_hash_string(name));

    for (; node != NULL; node = hmap_next_same(node)) {
        struct rib_vpn *vpn = hmap_entry(node, struct rib_vpn, node);
        if (strcmp(vpn->name, name) == 0)
            return vpn;
    }
    return NULL;
}

const char *
rib_vpn_name(const struct rib_vpn *vpn)
{
    return vpn->name;
}

uint32_t
rib_vpn_prefixes(const struct rib_vpn *vpn)
{
    return vpn->prefixes.count;
}

int
rib_server_live(struct rib *rib, struct rib_server *server)
{
    struct rib_session *session;

    if (server->session != NULL)
        return 0;
    session = calloc(1, sizeof(*session));
    if (session == NULL)
        return -ENOMEM;
    session->server = server;
    session->number = ++server->last_session;
    session->lost_at = RIB_NEVER;
    TAILQ_INSERT_TAIL(&server->sessions, session, link);
    server->session = session;
    rib->counts.generation++;
    return 0;
}

bool
rib_server_is_live(const struct rib_server *server)
{
    return server->session != NULL;
}

void
rib_session_lost(struct rib *rib, struct rib_server *server, int64_t now)
{
    struct rib_session *session = server->session;
    struct rib_vpn *vpn;

    if (session == NULL)
        return;
    server->session = NULL;
    session->lost_at = now;
    rib_session_release(session);
    TAILQ_FOREACH(vpn, &rib->vpn_order, link)
    rib_vpn_queue(rib, vpn);
    rib->counts.generation++;
}

bool
rib_is_in_sync(const struct rib_vpn *vpn, const struct rib_server *server)
{
    return server->session != NULL && vpn->sync[server->index].session == server->session->number;
}

void
rib_in_sync(struct rib *rib, struct rib_vpn *vpn, struct rib_server *server, int64_t now)
{
    if (server->session == NULL || rib_is_in_sync(vpn, server))
        return;
    vpn->sync[server->index].session = server->session->number;
    vpn->sync[server->index].since = now;
    rib_vpn_queue(rib, vpn);
}
