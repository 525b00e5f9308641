/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * A client's way to a bound session, seen from the server (RFC 6120): header and features (section
 * 4), STARTTLS (5), SASL EXTERNAL (6 and XEP-0178), resource binding (7), in this order and no
 * other.
 */

#include "lib/xmpp/server_private.h"

#include <stdio.h>
#include <string.h>

#include <mbedtls/base64.h>

void
server_open_write_header(void *role, struct xml_writer *writer)
{
    struct xmpp_server *server = role;
    char id[XMPP_ID_MAX];

    session_make_id(id);
    xml_write(writer, "<?xml version='1.0'?><stream:stream");
    xml_write_attribute(writer, "id", id);
    xml_write_attribute(writer, "from", server->route_server.domain);
    xml_write(writer,
              " version='1.0' xml:lang='en' xmlns='" NS_CLIENT "' xmlns:stream='" NS_STREAM "'>");
    server->session.header_sent = true;
}

void
server_open_connected(void *role)
{
    (void)role; /* the client speaks first */
}

/* The name that the client gives itself in the header, where it is of our domain. */
static void
take_local_part(struct xmpp_server *server, const struct xmpp_element *header)
{
    const char *from = xmpp_element_attribute(header, "from");
    struct jid named;

    if (from != NULL && jid_parse(from, &named) == 0 && named.local[0] != '\0' &&
        strcmp(named.domain, server->route_server.domain) == 0)
        memcpy(server->session.peer.local, named.local, sizeof(named.local));
}

static bool
must_start_tls(const struct xmpp_server *server)
{
    return server->identity != NULL && server->session.tls == NULL;
}

/* Whether the client may authenticate, and whether it has to. */
static bool
may_authenticate(const struct xmpp_server *server)
{
    return server->session.tls != NULL && !server->authenticated &&
           tls_channel_has_peer(server->session.tls);
}

static bool
must_authenticate(const struct xmpp_server *server)
{
    return server->needs_certificate && !server->authenticated;
}

/* It has to authenticate, and has shown nothing to do it with. */
static bool
is_nobody(const struct xmpp_server *server)
{
    return !must_start_tls(server) && must_authenticate(server) && !may_authenticate(server);
}

static void
write_features(const struct xmpp_server *server, struct xml_writer *writer)
{
    xml_write(writer, "<stream:features>");
    if (must_start_tls(server)) {
        xml_write(writer, "<starttls xmlns='" NS_TLS "'><required/></starttls>");
    } else {
        if (may_authenticate(server))
            xml_write(writer, "<mechanisms xmlns='" NS_SASL
                              "'><mechanism>EXTERNAL</mechanism></mechanisms>");
        if (!must_authenticate(server))
            xml_write(writer, "<bind xmlns='" NS_BIND "'/>");
    }
    xml_write(writer, "</stream:features>");
}

void
server_open_header(void *role, const struct xmpp_element *header)
{
    struct xmpp_server *server = role;
    const char *to = xmpp_element_attribute(header, "to");
    struct jid domain;
    size_t mark;

    if (to == NULL || jid_parse(to, &domain) != 0 || domain.local[0] != '\0' ||
        strcmp(domain.domain, server->route_server.domain) != 0) {
        session_end(&server->session, XMPP_END_VIOLATION, "host-unknown",
                    "the stream is for another domain");
        return;
    }
    if (!server->authenticated)
        take_local_part(server, header);
    struct xml_writer *writer = session_begin(&server->session, &mark);
    server_open_write_header(server, writer);
    if (is_nobody(server)) {
        session_commit(&server->session, mark);
        session_end(&server->session, XMPP_END_REFUSED, "not-authorized",
                    "a certificate of a trusted authority is required");
        return;
    }
    write_features(server, writer);
    session_commit(&server->session, mark);
}

static void
say(struct xmpp_server *server, const char *markup)
{
    size_t mark;

    xml_write(session_begin(&server->session, &mark), markup);
    session_commit(&server->session, mark);
}

static void
on_start_tls(struct xmpp_server *server)
{
    say(server, "<proceed xmlns='" NS_TLS "'/>");
    if (session_may_call(&server->session))
        session_secure(&server->session, tls_channel_server(server->identity));
}

/* Whom the client wants to be: what is in its message, or who it says it is in the header. */
static bool
read_identity(const struct xmpp_server *server, const struct xmpp_element *auth, struct jid *jid)
{
    unsigned char text[JID_TEXT_MAX];
    size_t length = 0;

    if (auth->text[0] == '\0' || strcmp(auth->text, "=") == 0) {
        *jid = server->session.peer;
        return true;
    }
    if (mbedtls_base64_decode(text, sizeof(text) - 1, &length, (const unsigned char *)auth->text,
                              strlen(auth->text)) != 0 ||
        memchr(text, '\0', length) != NULL)
        return false;
    text[length] = '\0';
    return jid_parse((const char *)text, jid) == 0 && jid->resource[0] == '\0' &&
           jid->local[0] != '\0' && strcmp(jid->domain, server->route_server.domain) == 0;
}

static void
refuse_authentication(struct xmpp_server *server, const char *condition, const char *why)
{
    char markup[128];

    snprintf(markup, sizeof(markup), "<failure xmlns='" NS_SASL "'><%s/></failure>", condition);
    say(server, markup);
    session_end(&server->session, XMPP_END_REFUSED, NULL, why);
}

static void
on_auth(struct xmpp_server *server, const struct xmpp_element *auth)
{
    const char *mechanism = xmpp_element_attribute(auth, "mechanism");
    struct jid jid;

    if (mechanism == NULL || strcmp(mechanism, "EXTERNAL") != 0 || !may_authenticate(server)) {
        refuse_authentication(server, "invalid-mechanism", "an authentication that is not offered");
    } else if (!read_identity(server, auth, &jid)) {
        refuse_authentication(server, "invalid-authzid", "not an identity of our domain");
    } else if (!tls_channel_peer_is(server->session.tls, &jid)) {
        refuse_authentication(server, "not-authorized",
                              "the certificate is not of the address that it came with");
    } else {
        server->authenticated = true;
        server->session.peer = jid;
        say(server, "<success xmlns='" NS_SASL "'/>");
        session_restart(&server->session);
    }
}

static void
on_bind(struct xmpp_server *server, const struct xmpp_element *iq, const struct xmpp_element *bind)
{
    const struct xmpp_element *resource = xmpp_element_child(bind, NS_BIND, "resource");
    struct xmpp_session *session = &server->session;
    char random[XMPP_ID_MAX], text[JID_TEXT_MAX];
    struct jid jid;
    size_t mark;

    session_make_id(random);
    if (jid_make(session->peer.local, session->peer.domain,
                 resource != NULL && resource->text[0] != '\0' ? resource->text : random,
                 &jid) != 0) {
        session_refuse_iq(session, iq, "modify", "bad-request", NULL, "not a valid resource");
        return;
    }
    if (server->handlers.bind != NULL && !server->handlers.bind(server->user, &jid)) {
        session_refuse_iq(session, iq, "cancel", "conflict", NULL, "the address is in use");
        return;
    }
    if (!session_may_call(session))
        return;
    session->peer = jid;
    jid_format(&jid, server->peer);
    session->ready = true;
    struct xml_writer *writer = session_begin(session, &mark);
    xml_write(writer, "<iq type='result'");
    xml_write_attribute(writer, "id", xmpp_element_attribute(iq, "id"));
    xml_write(writer, "><bind xmlns='" NS_BIND "'>");
    xml_write_leaf(writer, "jid", jid_format(&jid, text));
    xml_write(writer, "</bind></iq>");
    session_commit(session, mark);
}

static bool
asks_to_bind(const struct xmpp_element *stanza)
{
    const char *type = xmpp_element_attribute(stanza, "type");

    return xmpp_element_is(stanza, NS_CLIENT, "iq") && type != NULL && strcmp(type, "set") == 0 &&
           xmpp_element_attribute(stanza, "id") != NULL &&
           xmpp_element_child(stanza, NS_BIND, "bind") != NULL;
}

/* Before the resource is bound only what leads there is possible (RFC 6120 sections 5.3.1, 6.3.2
 * and 7.1). */
void
server_open_stanza(struct xmpp_server *server, const struct xmpp_element *stanza)
{
    if (must_start_tls(server) && xmpp_element_is(stanza, NS_TLS, "starttls"))
        on_start_tls(server);
    else if (must_start_tls(server))
        session_end(&server->session, XMPP_END_VIOLATION, "policy-violation",
                    "TLS is required before anything else");
    else if (xmpp_element_is(stanza, NS_SASL, "auth"))
        on_auth(server, stanza);
    else if (asks_to_bind(stanza) && !must_authenticate(server))
        on_bind(server, stanza, xmpp_element_child(stanza, NS_BIND, "bind"));
    else if (strcmp(stanza->ns, NS_CLIENT) != 0)
        session_end(&server->session, XMPP_END_VIOLATION, "invalid-namespace",
                    "a stanza outside of the namespace jabber:client");
    else
        session_end(&server->session, XMPP_END_VIOLATION, "not-authorized",
                    "a stanza before the resource is bound");
}
