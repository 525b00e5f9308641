/* SPDX-License-Identifier: BSD-3-Clause */

/* What both sides of a session share: see session.h and session_role.h. */

#include "lib/xmpp/session_role.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

/* The clock of a session goes on by at most this much at a time; ticks come every second. */
#define STEP_MAX_MS 5000

const char *
xmpp_end_text(enum xmpp_end end)
{
    static const char *const texts[XMPP_END_COUNT] = {
        [XMPP_END_LOCAL] = "closed here",
        [XMPP_END_PEER] = "closed by the peer",
        [XMPP_END_STREAM_ERROR] = "stream error from the peer",
        [XMPP_END_VIOLATION] = "violation by the peer",
        [XMPP_END_REFUSED] = "terms not acceptable",
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

static void
enter(struct xmpp_session *session, uint64_t now)
{
    if (now > session->carrier_now) {
        uint64_t step = now - session->carrier_now;

        session->now += step < STEP_MAX_MS ? step : STEP_MAX_MS;
        session->carrier_now = now;
    }
    session->inside++;
}

static void
wake_carrier(struct xmpp_session *session)
{
    if (session->wake != NULL && !session->awake &&
        (session->has_ended || xml_writer_pending(&session->output) > 0)) {
        session->awake = true;
        session->wake(session->carrier);
    }
}

static void
leave(struct xmpp_session *session)
{
    if (session->inside == 1 && session->has_ended && !session->end_told) {
        session->end_told = true;
        if (!session->doomed)
            session->role->ended(session->role_data);
    }
    if (--session->inside == 0 && session->doomed)
        session->role->destroy(session->role_data);
    else
        wake_carrier(session);
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
    wake_carrier(session);
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
    wake_carrier(session);
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

/* ---- For the role and the carrier ---- */

int
session_init(struct xmpp_session *session, const struct xmpp_session_config *config,
             const struct session_role *role, void *role_data)
{
    static const struct xmpp_stream_handlers handlers = { on_header, on_stanza, on_end };

    *session = (struct xmpp_session){ .config = *config, .role = role, .role_data = role_data };
    xml_writer_init(&session->output, config->output_max);
    session->stream = xmpp_stream_new(&config->limits, &handlers, session);
    return session->stream != NULL ? 0 : -ENOMEM;
}

void
session_clear(struct xmpp_session *session)
{
    xmpp_stream_free(session->stream);
    xml_writer_clear(&session->output);
}

void
xmpp_session_set_wake(struct xmpp_session *session, void (*wake)(void *carrier), void *carrier)
{
    session->wake = wake;
    session->carrier = carrier;
    session->awake = false;
    wake_carrier(session);
}

void
xmpp_session_connected(struct xmpp_session *session, uint64_t now)
{
    session->carrier_now = now;
    enter(session, now);
    if (!session->has_ended) {
        session->connected = true;
        session->connected_at = session->heard_at = session->sent_at = session->now;
        session->role->connected(session->role_data);
    }
    leave(session);
}

void
xmpp_session_input(struct xmpp_session *session, const void *octets, size_t length, uint64_t now)
{
    enter(session, now);
    if (!session->has_ended) {
        const char *text = "";

        session->heard_at = session->now;
        session->counters.octets_in += length;
        int error = xmpp_stream_feed(session->stream, octets, length);
        if (error == -EPROTO) {
            const char *condition = xmpp_stream_error(session->stream, &text);

            session_end(session, XMPP_END_VIOLATION, condition, text);
        } else if (error == -ENOMEM) {
            session_end(session, XMPP_END_VIOLATION, "resource-constraint", "out of memory");
        }
    }
    leave(session);
}

const char *
xmpp_session_output(const struct xmpp_session *session, size_t *length)
{
    *length = xml_writer_pending(&session->output);
    return *length > 0 ? session->output.data + session->output.head : "";
}

void
xmpp_session_sent(struct xmpp_session *session, size_t octets)
{
    session->counters.octets_out += octets;
    if (octets > 0)
        session->sent_at = session->now;
    xml_writer_consume(&session->output, octets);
    if (xml_writer_pending(&session->output) == 0)
        session->awake = false;
}

void
xmpp_session_tick(struct xmpp_session *session, uint64_t now)
{
    enter(session, now);
    if (session->connected && !session->has_ended) {
        if (session->ready)
            session_keep_alive(session);
        else if (session->now >= session->connected_at + session->config.handshake_timeout_ms)
            session_end(session, XMPP_END_TIMEOUT, "connection-timeout",
                        "the session was not set up in time");
        if (!session->has_ended)
            session->role->tick(session->role_data);
    }
    leave(session);
}

void
xmpp_session_disconnected(struct xmpp_session *session, const char *why)
{
    enter(session, session->carrier_now);
    session_end(session, XMPP_END_CONNECTION, NULL, why);
    leave(session);
}

void
xmpp_session_close(struct xmpp_session *session, const char *why)
{
    session_end(session, XMPP_END_LOCAL, NULL, why);
}

bool
xmpp_session_ended(const struct xmpp_session *session)
{
    return session->has_ended;
}

const struct xmpp_session_counters *
xmpp_session_counters(const struct xmpp_session *session)
{
    return &session->counters;
}
