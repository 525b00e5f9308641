/* SPDX-License-Identifier: BSD-3-Clause */

/* Clients: sessions that come and go, and what becomes of the routes of those that went (R2). */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/routeserver/rib.h"

struct rib_client *
rib_client_find(const struct rib *rib, const char *jid)
{
    struct hmap_node *node = hmap_first_same(&rib->clients_by_jid, hmap_hash_string(jid));

    for (; node != NULL; node = hmap_next_same(node)) {
        struct rib_client *client = hmap_entry(node, struct rib_client, node);
        if (strcmp(client->jid, jid) == 0)
            return client;
    }
    return NULL;
}

static int
new_client(struct rib *rib, const char *jid, struct rib_client **client)
{
    if (rib->n_clients >= rib->limits.clients) {
        rib->counters.refused_limit++;
        return -ENOSPC;
    }
    struct rib_client *fresh = calloc(1, sizeof(*fresh));
    if (fresh == NULL)
        return -ENOMEM;
    strncpy(fresh->jid, jid, sizeof(fresh->jid) - 1);
    TAILQ_INIT(&fresh->publications);
    LIST_INIT(&fresh->subscriptions);
    if (hmap_add(&rib->clients_by_jid, &fresh->node, hmap_hash_string(fresh->jid)) != 0) {
        free(fresh);
        return -ENOMEM;
    }
    LIST_INSERT_HEAD(&rib->clients, fresh, link);
    rib->n_clients++;
    *client = fresh;
    return 0;
}

/* It has neither session nor publications. */
static void
free_client(struct rib *rib, struct rib_client *client)
{
    hmap_remove(&rib->clients_by_jid, &client->node);
    LIST_REMOVE(client, link);
    rib->n_clients--;
    hmap_clear(&client->by_item);
    hmap_clear(&client->by_vpn);
    free(client);
}

int
rib_client_connect(struct rib *rib, const char *jid, const struct ip_addr *address, void *session,
                   uint64_t now, struct rib_client **client)
{
    int error = 0;

    *client = rib_client_find(rib, jid);
    if (*client == NULL)
        error = new_client(rib, jid, client);
    else if ((*client)->session != NULL)
        error = -EBUSY;
    if (error != 0)
        return error;
    (*client)->session = session;
    (*client)->address = *address;
    (*client)->since = now;
    if ((*client)->purge_at != 0) {
        uint64_t latest = (*client)->lost + 2 * rib->purge_ms;
        (*client)->purge_at = now + rib->purge_ms < latest ? now + rib->purge_ms : latest;
    }
    return 0;
}

void
rib_client_disconnect(struct rib *rib, struct rib_client *client, uint64_t now)
{
    while (!LIST_EMPTY(&client->subscriptions))
        rib_subscription_end(rib, LIST_FIRST(&client->subscriptions));
    client->session = NULL;
    client->since = now;
    client->generation++; /* makes all its publications stale */
    if (client->n_publications == 0) {
        free_client(rib, client);
        return;
    }
    if (client->purge_at == 0)
        client->lost = now;
    client->purge_at = now + rib->purge_ms;
}

/* @return true if the budget did not suffice. */
static bool
purge_client(struct rib *rib, struct rib_client *client, uint64_t now, unsigned *budget)
{
    struct rib_publication *oldest;

    while ((oldest = TAILQ_FIRST(&client->publications)) != NULL &&
           rib_publication_is_stale(oldest)) {
        if (*budget == 0)
            return true;
        (*budget)--;
        rib->counters.purged++;
        rib_publication_remove(rib, oldest, now);
    }
    client->purge_at = 0;
    client->lost = 0;
    if (client->session == NULL)
        free_client(rib, client);
    return false;
}

bool
rib_purge(struct rib *rib, uint64_t now, unsigned budget)
{
    struct rib_client *client, *next;

    for (client = LIST_FIRST(&rib->clients); client != NULL; client = next) {
        next = LIST_NEXT(client, link);
        if (client->purge_at != 0 && client->purge_at <= now &&
            purge_client(rib, client, now, &budget))
            return true;
    }
    return false;
}

void
rib_postpone(struct rib *rib, uint64_t ms)
{
    struct rib_client *client;

    LIST_FOREACH(client, &rib->clients, link)
    {
        if (client->purge_at != 0) {
            client->purge_at += ms;
            client->lost += ms;
        }
    }
}
