/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The client's way to a bound session (RFC 6120): header and features (section 4), STARTTLS (5),
 * SASL EXTERNAL (6 and XEP-0178), resource binding (7). There is no way back: what the server does
 * not offer when its turn has come ends the session.
 */

#include "lib/xmpp/client_private.h"

#include <stdio.h>
#include <string.h>

void
client_open_write_header(void *role, struct xml_writer *writer)
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

void
client_open_connected(void *role)
{
    struct xmpp_client *client = role;
    size_t mark;

    client->state = WAIT_HEADER;
    client_open_write_header(client, session_begin(&client->session, &mark));
    session_commit(&client->session, mark);
}

void
client_open_header(void *role, const struct xmpp_element *header)
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

/* Says something that has no id, and waits for what is said to it. */
static void
say(struct xmpp_client *client, const char *markup, enum client_state next)
{
    size_t mark;

    client->state = next;
    xml_write(session_begin(&client->session, &mark), markup);
    session_commit(&client->session, mark);
}

static void
ask_for_binding(struct xmpp_client *client)
{
    size_t mark;
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

static bool
offers_mechanism(const struct xmpp_element *mechanisms, const char *name)
{
    for (const struct xmpp_element *e = mechanisms->first_child; e != NULL; e = e->next) {
        if (xmpp_element_is(e, NS_SASL, "mechanism") && strcmp(e->text, name) == 0)
            return true;
    }
    return false;
}

static void
on_features(struct xmpp_client *client, const struct xmpp_element *features)
{
    const struct xmpp_element *tls = xmpp_element_child(features, NS_TLS, "starttls"),
                              *sasl = xmpp_element_child(features, NS_SASL, "mechanisms");
    const bool secured = client->session.tls != NULL;

    if (client->tls == XMPP_TLS_REQUIRED && !secured) {
        if (tls == NULL)
            refuse_terms(client, "TLS is required by the configuration and the server has none");
        else
            say(client, "<starttls xmlns='" NS_TLS "'/>", WAIT_PROCEED);
    } else if (!secured && tls != NULL && xmpp_element_child(tls, NS_TLS, "required") != NULL) {
        refuse_terms(client, "the server requires TLS, the configuration asks for plaintext");
    } else if (xmpp_element_child(features, NS_BIND, "bind") != NULL) {
        ask_for_binding(client);
    } else if (sasl == NULL) {
        refuse_terms(client, "the server offers no resource binding");
    } else if (!secured) {
        refuse_terms(client, "the server requires authentication (SASL) on this stream");
    } else if (!offers_mechanism(sasl, "EXTERNAL")) {
        refuse_terms(client, "the server does not take our certificate for authentication "
                             "(SASL EXTERNAL is not offered)");
    } else {
        /* "=": the identity that the certificate says; an empty element hangs some servers */
        say(client, "<auth xmlns='" NS_SASL "' mechanism='EXTERNAL'>=</auth>", WAIT_SUCCESS);
    }
}

static void
on_tls_answer(struct xmpp_client *client, const struct xmpp_element *answer)
{
    if (!xmpp_element_is(answer, NS_TLS, "proceed")) {
        refuse_terms(client, "the server refuses to start TLS");
        return;
    }
    session_secure(&client->session,
                   tls_channel_client(client->identity, client->certificate_name));
    if (session_may_call(&client->session)) {
        tls_channel_begin(client->session.tls);
        session_wake_carrier(&client->session);
    }
}

static void
on_sasl_answer(struct xmpp_client *client, const struct xmpp_element *answer)
{
    const struct xmpp_element *condition = answer->first_child;
    char why[96];

    if (xmpp_element_is(answer, NS_SASL, "success")) {
        session_restart(&client->session);
        client_open_connected(client);
        return;
    }
    snprintf(why, sizeof(why), "authentication refused: %.64s",
             condition != NULL ? condition->name : answer->name);
    refuse_terms(client, why);
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

void
client_open_stanza(struct xmpp_client *client, const struct xmpp_element *stanza)
{
    if (client->state == WAIT_FEATURES && xmpp_element_is(stanza, NS_STREAM, "features"))
        on_features(client, stanza);
    else if (client->state == WAIT_PROCEED && strcmp(stanza->ns, NS_TLS) == 0)
        on_tls_answer(client, stanza);
    else if (client->state == WAIT_SUCCESS && strcmp(stanza->ns, NS_SASL) == 0)
        on_sasl_answer(client, stanza);
    else if (client->state == WAIT_BIND && xmpp_element_is(stanza, NS_CLIENT, "iq"))
        on_bind_answer(client, stanza);
    else
        client->session.counters.stanzas_ignored++;
}
