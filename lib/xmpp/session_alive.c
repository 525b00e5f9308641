/* SPDX-License-Identifier: BSD-3-Clause */

/* Liveness of a session: a blank when we were quiet for long, a ping (XEP-0199) when the peer was,
 * and the end when it stays quiet. */

#include "lib/xmpp/session_role.h"

#include <string.h>

static void
send_ping(struct xmpp_session *session)
{
    char from[JID_TEXT_MAX], to[JID_TEXT_MAX];
    size_t mark;
    struct xml_writer *writer = session_begin(session, &mark);

    session_make_id(session->ping_id);
    session->pinging = true;
    session->ping_deadline = session->now + session->config.ping_timeout_ms;
    xml_write(writer, "<iq type='get'");
    xml_write_attribute(writer, "id", session->ping_id);
    xml_write_attribute(writer, "from", jid_format(&session->own, from));
    xml_write_attribute(writer, "to", jid_format(&session->peer, to));
    xml_write(writer, "><ping xmlns='" NS_PING "'/></iq>");
    session_commit(session, mark);
}

bool
session_handle_ping(struct xmpp_session *session, const struct xmpp_element *iq)
{
    const char *id = xmpp_element_attribute(iq, "id");

    if (id == NULL)
        return false;
    if (!session_iq_asks(iq)) {
        /* An error is an answer, too: somebody is there. */
        const char *from = xmpp_element_attribute(iq, "from");

        if (!session->pinging || strcmp(id, session->ping_id) != 0 ||
            (from != NULL && !jid_text_is_bare(from, &session->peer)))
            return false;
        session->pinging = false;
        return true;
    }
    if (xmpp_element_child(iq, NS_PING, "ping") == NULL ||
        strcmp(xmpp_element_attribute(iq, "type"), "get") != 0)
        return false;
    size_t mark;
    xmpp_write_result(session_begin(session, &mark), id, xmpp_element_attribute(iq, "to"),
                      xmpp_element_attribute(iq, "from"));
    session_commit(session, mark);
    return true;
}

void
session_keep_alive(struct xmpp_session *session)
{
    const struct xmpp_session_config *config = &session->config;

    if (session->heard_at + config->ping_interval_ms > session->now)
        session->pinging = false; /* anything heard is a sign of life */
    else if (!session->pinging)
        send_ping(session);
    else if (session->now >= session->ping_deadline)
        session_end(session, XMPP_END_TIMEOUT, "connection-timeout", "no answer to a ping");
    if (!session->has_ended && xml_writer_pending(&session->output) == 0 &&
        session->now >= session->sent_at + config->keepalive_interval_ms) {
        size_t mark;

        xml_write(session_begin(session, &mark), " ");
        session_commit(session, mark);
    }
}
