/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The client's way through header, features and resource binding (RFC 6120 sections 4 and 7), and
 * its life from new to free.
 */

#include "lib/xmpp/client_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- The way to a bound session ---- */

static void
write_header(void *role, struct xml_writer *writer)
{
    struct xmpp_client *client = role;
    char from[JID_TEXT_MAX];

    xml_write(writer, "<?xml version='1.0'?><stream:stream");
    xml_write_attribute(writer, "from", jid_format_bare(&client->wanted, from));
    xml_write_attribute(writer, "to", client->domain.domain);
    xml_write(writer,
              " version='1.0' xml:lang='en' xmlns='" NS_CLIENT "' xmlns:stream='" NS_STREAM "'>");
    client->session.header_sent = true;
}

static void
on_connected(void *role)
{
    struct xmpp_client *client = role;
    size_t mark;

    if (client->tls != XMPP_TLS_NONE) {
        session_end(&client->session, XMPP_END_REFUSED, NULL,
                    "TLS is required by the configuration and not available");
        return;
    }
    write_header(client, session_begin(&client->session, &mark));
    session_commit(&client->session, mark);
}

static void
on_header(void *role, const struct xmpp_element *header)
{
    struct xmpp_client *client = role;
    (void)header;

    client->state = WAIT_FEATURES;
}

static void
refuse_terms(struct xmpp_client *client, const char *why)
{
    session_end(&client->session, XMPP_END_REFUSED, NULL, why);
}

static void
on_features(struct xmpp_client *client, const struct xmpp_element *features)
{
    const struct xmpp_element *tls = xmpp_element_child(features, NS_TLS, "starttls");
    size_t mark;

    if (tls != NULL && xmpp_element_child(tls, NS_TLS, "required") != NULL) {
        refuse_terms(client, "the server requires TLS, the configuration asks for plaintext");
        return;
    }
    if (xmpp_element_child(features, NS_BIND, "bind") == NULL) {
        refuse_terms(client, xmpp_element_child(features, NS_SASL, "mechanisms") != NULL
                                 ? "the server requires authentication (SASL) on this stream"
                                 : "the server offers no resource binding");
        return;
    }
    struct xml_writer *writer = session_begin(&client->session, &mark);
    session_make_id(client->bind_id);
    client->state = WAIT_BIND;
    xml_write(writer, "<iq type='set'");
    xml_write_attribute(writer, "id", client->bind_id);
    xml_write(writer, "><bind xmlns='" NS_BIND "'>");
    xml_write_leaf(writer, "resource", client->wanted.resource);
    xml_write(writer, "</bind></iq>");
    session_commit(&client->session, mark);
}

static void
on_bind_answer(struct xmpp_client *client, const struct xmpp_element *iq)
{
    const char *id = xmpp_element_attribute(iq, "id");
    const char *type = xmpp_element_attribute(iq, "type");

    if (id == NULL || type == NULL || strcmp(id, client->bind_id) != 0 || session_iq_asks(iq)) {
        client->session.counters.stanzas_ignored++;
        return;
    }
    if (strcmp(type, "result") != 0) {
        const char *condition, *detail, *text;
        char why[128];

        xmpp_read_error(iq, &condition, &detail, &text);
        snprintf(why, sizeof(why), "resource binding refused: %.32s %.64s", condition, text);
        refuse_terms(client, why);
        return;
    }
    const struct xmpp_element *bind = xmpp_element_child(iq, NS_BIND, "bind");
    const struct xmpp_element *jid = bind != NULL ? xmpp_element_child(bind, NS_BIND, "jid") : NULL;
    if (jid == NULL || jid_parse(jid->text, &client->session.own) != 0 ||
        client->session.own.resource[0] == '\0') {
        refuse_terms(client, "the server bound no valid JID");
        return;
    }
    jid_format(&client->session.own, client->own);
    client->session.peer = client->domain;
    client->session.ready = true;
    client->state = READY;
    if (client->handlers.ready != NULL)
        client->handlers.ready(client->user, client->own);
}

static void
on_stanza(void *role, const struct xmpp_element *stanza)
{
    struct xmpp_client *client = role;
    bool iq = xmpp_element_is(stanza, NS_CLIENT, "iq");

    if (client->state == WAIT_FEATURES && xmpp_element_is(stanza, NS_STREAM, "features"))
        on_features(client, stanza);
    else if (client->state == WAIT_BIND && iq)
        on_bind_answer(client, stanza);
    else if (client->state == READY && iq)
        client_on_iq(client, stanza);
    else if (client->state == READY && xmpp_element_is(stanza, NS_CLIENT, "message"))
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
    jid_format(&client->route_server, client->to);
    return 0;
}

struct xmpp_client *
xmpp_client_new(const struct xmpp_client_config *config,
                const struct xmpp_client_handlers *handlers, void *user)
{
    static const struct session_role role = { on_connected, write_header, on_header, on_stanza,
                                              on_tick,      on_ended,     destroy };
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
        free(client);
        errno = -error;
        return NULL;
    }
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

unsigned
xmpp_client_requests(const struct xmpp_client *client)
{
    return client_requests_count(&client->requests);
}
