/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * A session's side towards whoever carries its octets and tells the time: what came goes through
 * TLS, if there is some, into the stream; what waits goes out the same way. See session.h.
 */

#include "lib/xmpp/session_role.h"

#include <errno.h>

/* The clock of a session goes on by at most this much at a time; ticks come every second. */
#define STEP_MAX_MS 5000

#define DECRYPTED_OCTETS 16384 /* a TLS record */

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
        session_wake_carrier(session);
}

void
xmpp_session_set_wake(struct xmpp_session *session, void (*wake)(void *carrier), void *carrier)
{
    session->wake = wake;
    session->carrier = carrier;
    session->awake = false;
    session_wake_carrier(session);
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

/* Octets of the stream, as they were written. */
static void
feed(struct xmpp_session *session, const void *octets, size_t length)
{
    const char *text = "";
    const int error = xmpp_stream_feed(session->stream, octets, length);

    if (error == -EPROTO) {
        const char *condition = xmpp_stream_error(session->stream, &text);

        session_end(session, XMPP_END_VIOLATION, condition, text);
    } else if (error == -ENOMEM) {
        session_end(session, XMPP_END_VIOLATION, "resource-constraint", "out of memory");
    } else if (session->restart && !session->has_ended) {
        session->restart = false;
        if (!session_new_stream(session))
            session_end(session, XMPP_END_VIOLATION, NULL, "out of memory");
    }
}

static void
decrypt(struct xmpp_session *session, const void *octets, size_t length)
{
    char plain[DECRYPTED_OCTETS];

    tls_channel_input(session->tls, octets, length);
    while (!session->has_ended) {
        switch (tls_channel_next(session->tls, plain, sizeof(plain), &length)) {
        case TLS_ESTABLISHED:
            session->role->connected(session->role_data);
            break;
        case TLS_PLAIN:
            feed(session, plain, length);
            break;
        case TLS_CLOSED:
            session_end(session, XMPP_END_CONNECTION, NULL, "the peer closed TLS");
            break;
        case TLS_FAILED:
            session_end(session, XMPP_END_TLS, NULL, tls_channel_problem(session->tls));
            break;
        default:
            return;
        }
    }
}

void
xmpp_session_input(struct xmpp_session *session, const void *octets, size_t length, uint64_t now)
{
    enter(session, now);
    if (!session->has_ended) {
        session->heard_at = session->now;
        session->counters.octets_in += length;
        if (session->tls == NULL)
            feed(session, octets, length);
        else
            decrypt(session, octets, length);
    }
    leave(session);
}

/* Moves what waits into TLS, and its end after the last of it. */
static void
encrypt(struct xmpp_session *session)
{
    struct xml_writer *output = &session->output;
    size_t waiting = xml_writer_pending(output);

    if (waiting > 0)
        xml_writer_consume(output,
                           tls_channel_write(session->tls, output->data + output->head, waiting));
    if (session->has_ended && xml_writer_pending(output) == 0)
        tls_channel_close(session->tls);
}

const char *
xmpp_session_output(struct xmpp_session *session, size_t *length)
{
    if (session->tls != NULL && session->plain == 0) {
        encrypt(session);
        return tls_channel_output(session->tls, length);
    }
    *length = session->tls != NULL ? session->plain : xml_writer_pending(&session->output);
    return *length > 0 ? session->output.data + session->output.head : "";
}

void
xmpp_session_sent(struct xmpp_session *session, size_t octets)
{
    session->counters.octets_out += octets;
    if (octets > 0)
        session->sent_at = session->now;
    if (session->tls != NULL && session->plain == 0) {
        tls_channel_sent(session->tls, octets);
    } else {
        xml_writer_consume(&session->output, octets);
        session->plain -= octets < session->plain ? octets : session->plain;
    }
    if (!session_has_output(session))
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
