/* SPDX-License-Identifier: BSD-3-Clause */

/* What both sides of a session share: see session.h and session_role.h. */

#include "lib/xmpp/session_role.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

const char *
xmpp_end_text(enum xmpp_end end)
{
    static const char *const texts[XMPP_END_COUNT] = {
        [XMPP_END_LOCAL] = "closed here",
        [XMPP_END_PEER] = "closed by the peer",
        [XMPP_END_STREAM_ERROR] = "stream error from the peer",
        [XMPP_END_VIOLATION] = "violation by the peer",
        [XMPP_END_REFUSED] = "terms not acceptable",
        [XMPP_END_TLS] = "TLS failed",
        [XMPP_END_TIMEOUT] = "timeout",
        [XMPP_END_OUTPUT_FULL] = "peer does not read",
        [XMPP_END_CONNECTION] = "connection lost",
    };

    return (unsigned)end < XMPP_END_COUNT ? texts[end] : "unknown";
}

void
session_make_id(char id[XMPP_ID_MAX])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char random[(XMPP_ID_MAX - 1) / 2];

    /* Never fails for so few octets once the system has started. */
    while (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
        ;
    for (size_t i = 0; i < sizeof(random); i++) {
        id[2 * i] = digits[random[i] >> 4];
        id[2 * i + 1] = digits[random[i] & 15];
    }
    id[XMPP_ID_MAX - 1] = '\0';
}

/* ---- In and out ---- */

bool
session_has_output(const struct xmpp_session *session)
{
    size_t encrypted = 0;

    if (session->tls != NULL)
        (void)tls_channel_output(session->tls, &encrypted);
    return encrypted > 0 || xml_writer_pending(&session->output) > 0;
}

void
session_wake_carrier(struct xmpp_session *session)
{
    if (session->wake != NULL && !session->awake &&
        (session->has_ended || session_has_output(session))) {
        session->awake = true;
        session->wake(session->carrier);
    }
}

void
session_doom(struct xmpp_session *session)
{
    session->doomed = true;
    if (session->inside == 0)
        session->role->destroy(session->role_data);
    else
        xmpp_stream_stop(session->stream);
}

bool
session_may_call(const struct xmpp_session *session)
{
    return !session->doomed && !session->has_ended;
}

/* ---- Output ---- */

struct xml_writer *
session_begin(struct xmpp_session *session, size_t *mark)
{
    *mark = xml_writer_pending(&session->output);
    return &session->output;
}

void
session_commit(struct xmpp_session *session, size_t mark)
{
    if (session->has_ended) {
        xml_writer_rewind(&session->output, mark); /* nothing comes after </stream:stream> */
        return;
    }
    if (session->output.full) {
        xml_writer_rewind(&session->output, mark);
        session_end(session, XMPP_END_OUTPUT_FULL, NULL, "the output queue is full");
    }
    session_wake_carrier(session);
}

void
session_end(struct xmpp_session *session, enum xmpp_end end, const char *condition, const char *why)
{
    struct xml_writer *output = &session->output;

    if (session->has_ended)
        return;
    session->has_ended = true;
    session->ready = false;
    session->end = end;
    snprintf(session->why, sizeof(session->why), "%s%s%s", condition != NULL ? condition : "",
             condition != NULL ? ": " : "", why);
    xmpp_stream_stop(session->stream);
    if (session->connected && end != XMPP_END_CONNECTION &&
        (session->tls == NULL || tls_channel_is_established(session->tls)) &&
        (session->header_sent || condition != NULL)) {
        size_t mark = xml_writer_pending(output);

        if (!session->header_sent)
            session->role->write_header(session->role_data, output);
        if (condition != NULL) {
            xml_write(output, "<stream:error><");
            xml_write(output, condition);
            xml_write(output,
                      " xmlns='" NS_STREAMS "'/><text xmlns='" NS_STREAMS "' xml:lang='en'>");
            xml_write_text(output, why);
            xml_write(output, "</text></stream:error>");
        }
        xml_write(output, "</stream:stream>");
        if (output->full)
            xml_writer_rewind(output, mark);
    }
    session->awake = false; /* the carrier has to hear of the end, too */
    session_wake_carrier(session);
}

void
session_refuse_iq(struct xmpp_session *session, const struct xmpp_element *iq, const char *type,
                  const char *condition, const char *detail, const char *text)
{
    struct pubsub_refusal refusal = { .type = type, .condition = condition, .detail = detail };
    size_t mark;

    snprintf(refusal.text, sizeof(refusal.text), "%s", text != NULL ? text : "");
    xmpp_write_error(session_begin(session, &mark), xmpp_element_attribute(iq, "id"),
                     xmpp_element_attribute(iq, "to"), xmpp_element_attribute(iq, "from"),
                     &refusal);
    session_commit(session, mark);
}

bool
session_iq_asks(const struct xmpp_element *iq)
{
    const char *type = xmpp_element_attribute(iq, "type");

    return type != NULL && (strcmp(type, "get") == 0 || strcmp(type, "set") == 0);
}

/* ---- The stream's handlers ---- */

static void
on_header(void *user, const struct xmpp_element *header)
{
    struct xmpp_session *session = user;
    const char *version = xmpp_element_attribute(header, "version");

    if (version == NULL || strncmp(version, "1.", 2) != 0)
        session_end(session, XMPP_END_VIOLATION, "unsupported-version",
                    "the stream's version is not 1.0");
    else
        session->role->header(session->role_data, header);
}

static void
on_stream_error(struct xmpp_session *session, const struct xmpp_element *error)
{
    char why[sizeof(session->why)];
    const char *condition = "undefined-condition";
    const char *text = "";

    for (const struct xmpp_element *e = error->first_child; e != NULL; e = e->next) {
        if (xmpp_element_is(e, NS_STREAMS, "text"))
            text = e->text;
        else if (strcmp(e->ns, NS_STREAMS) == 0)
            condition = e->name;
    }
    snprintf(why, sizeof(why), "%.64s%s%.128s", condition, text[0] != '\0' ? ": " : "", text);
    session_end(session, XMPP_END_STREAM_ERROR, NULL, why);
}

static void
on_stanza(void *user, const struct xmpp_element *stanza)
{
    struct xmpp_session *session = user;

    session->counters.stanzas_in++;
    if (xmpp_element_is(stanza, NS_STREAM, "error"))
        on_stream_error(session, stanza);
    else if (!session->ready || !xmpp_element_is(stanza, NS_CLIENT, "iq") ||
             !session_handle_ping(session, stanza))
        session->role->stanza(session->role_data, stanza);
}

static void
on_end(void *user)
{
    session_end(user, XMPP_END_PEER, NULL, "the peer closed its stream");
}

bool
session_new_stream(struct xmpp_session *session)
{
    static const struct xmpp_stream_handlers handlers = { on_header, on_stanza, on_end };

    xmpp_stream_free(session->stream);
    session->stream = xmpp_stream_new(&session->config.limits, &handlers, session);
    return session->stream != NULL;
}

/* ---- For the role ---- */

int
session_init(struct xmpp_session *session, const struct xmpp_session_config *config,
             const struct session_role *role, void *role_data)
{
    *session = (struct xmpp_session){ .config = *config, .role = role, .role_data = role_data };
    xml_writer_init(&session->output, config->output_max);
    return session_new_stream(session) ? 0 : -ENOMEM;
}

void
session_clear(struct xmpp_session *session)
{
    xmpp_stream_free(session->stream);
    tls_channel_free(session->tls);
    xml_writer_clear(&session->output);
}

void
session_restart(struct xmpp_session *session)
{
    session->restart = true;
    session->header_sent = false;
    xmpp_stream_stop(session->stream);
}

void
session_secure(struct xmpp_session *session, struct tls_channel *channel)
{
    if (channel == NULL) {
        session_end(session, XMPP_END_TLS, NULL, "out of memory");
        return;
    }
    session->tls = channel;
    session->plain = xml_writer_pending(&session->output);
    session_restart(session);
}
