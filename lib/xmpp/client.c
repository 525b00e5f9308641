/* SPDX-License-Identifier: BSD-3-Clause */

/* The client's life from new to free, and who gets what comes to it. */

#include "lib/xmpp/client_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
on_stanza(void *role, const struct xmpp_element *stanza)
{
    struct xmpp_client *client = role;

    if (client->state != READY)
        client_open_stanza(client, stanza);
    else if (xmpp_element_is(stanza, NS_CLIENT, "iq"))
        client_on_iq(client, stanza);
    else if (xmpp_element_is(stanza, NS_CLIENT, "message"))
        client_on_message(client, stanza);
    else
        client->session.counters.stanzas_ignored++;
}

static void
on_tick(void *role)
{
    struct xmpp_client *client = role;

    client_requests_expire(&client->requests, client->session.now, &client->session.doomed);
}

static void
on_ended(void *role)
{
    struct xmpp_client *client = role;
    struct xmpp_session *session = &client->session;

    client_requests_end(&client->requests, session->why, &session->doomed);
    if (!session->doomed && client->handlers.ended != NULL)
        client->handlers.ended(client->user, session->end, session->why);
}

static void
destroy(void *role)
{
    struct xmpp_client *client = role;

    client_requests_clear(&client->requests);
    session_clear(&client->session);
    tls_identity_release(client->identity);
    free(client->certificate_name);
    free(client);
}

/* ---- For the user ---- */

static int
set_addresses(struct xmpp_client *client, const struct xmpp_client_config *config)
{
    const char *route_server =
        config->route_server != NULL ? config->route_server : JID_ROUTE_SERVER_DEFAULT;

    if (jid_parse(route_server, &client->route_server) != 0 ||
        jid_make(NULL, config->domain != NULL ? config->domain : client->route_server.domain, NULL,
                 &client->domain) != 0 ||
        config->local_part == NULL || config->resource == NULL ||
        jid_make(config->local_part, client->domain.domain, config->resource, &client->wanted) != 0)
        return -EINVAL;
    if (client->tls == XMPP_TLS_REQUIRED && config->identity == NULL)
        return -EINVAL;
    client->certificate_name =
        strdup(config->certificate_name != NULL ? config->certificate_name : client->domain.domain);
    jid_format(&client->route_server, client->to);
    return client->certificate_name != NULL ? 0 : -ENOMEM;
}

struct xmpp_client *
xmpp_client_new(const struct xmpp_client_config *config,
                const struct xmpp_client_handlers *handlers, void *user)
{
    static const struct session_role role = { client_open_connected,
                                              client_open_write_header,
                                              client_open_header,
                                              on_stanza,
                                              on_tick,
                                              on_ended,
                                              destroy };
    struct xmpp_client *client = calloc(1, sizeof(*client));
    int error;

    if (client == NULL)
        return NULL;
    client->handlers = *handlers;
    client->user = user;
    client->dialect = config->dialect;
    client->tls = config->tls;
    client->request_timeout_ms = config->request_timeout_ms;
    client_requests_init(&client->requests, config->requests_max);
    error = set_addresses(client, config);
    if (error == 0)
        error = session_init(&client->session, &config->session, &role, client);
    if (error != 0) {
        free(client->certificate_name);
        free(client);
        errno = -error;
        return NULL;
    }
    client->identity = tls_identity_hold(config->identity);
    return client;
}

void
xmpp_client_free(struct xmpp_client *client)
{
    if (client != NULL)
        session_doom(&client->session);
}

struct xmpp_session *
xmpp_client_session(struct xmpp_client *client)
{
    return &client->session;
}

bool
xmpp_client_is_ready(const struct xmpp_client *client)
{
    return client->session.ready;
}

void
xmpp_client_describe_tls(const struct xmpp_client *client, char *text, size_t size)
{
    if (size > 0)
        text[0] = '\0';
    if (client->session.tls != NULL && tls_channel_is_established(client->session.tls))
        tls_channel_describe(client->session.tls, text, size);
}
