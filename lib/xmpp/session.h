/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * What client and server side of a session share: the incoming stream, the queue of outgoing
 * octets, liveness (whitespace keepalive, XEP-0199 pings both ways), stream errors, and one end.
 *
 * No socket and no clock: whoever carries the octets calls xmpp_session_input() with what came,
 * takes xmpp_session_output() away, and calls xmpp_session_tick() about once a second. Times are
 * milliseconds of a clock that never goes back. One thread at a time.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/xmpp/stream.h"
#include "lib/xmpp/writer.h"

/** Why a session ended; each is a counter where sessions are counted. */
enum xmpp_end {
    XMPP_END_LOCAL,        /* our side closed it */
    XMPP_END_PEER,         /* the peer closed its stream */
    XMPP_END_STREAM_ERROR, /* the peer sent a stream error: final */
    XMPP_END_VIOLATION,    /* the peer broke the rules: it was sent a stream error */
    XMPP_END_REFUSED,      /* what the peer offers or asks for is not acceptable */
    XMPP_END_TLS,          /* TLS failed: a certificate, a protocol, a record */
    XMPP_END_TIMEOUT,      /* handshake or ping without an answer */
    XMPP_END_OUTPUT_FULL,  /* the peer does not read: bound of the output queue */
    XMPP_END_CONNECTION,   /* the connection broke or could not be made */
    XMPP_END_COUNT
};

/** A word for people: "closed by peer" … */
const char *xmpp_end_text(enum xmpp_end end);

/** Times and bounds of a session. */
struct xmpp_session_config {
    struct xmpp_limits limits;
    size_t output_max;              /* octets that may wait for the socket */
    uint32_t handshake_timeout_ms;  /* from the connection to the bound session */
    uint32_t keepalive_interval_ms; /* a blank when nothing was sent for so long */
    uint32_t ping_interval_ms;      /* a ping when nothing was heard for so long */
    uint32_t ping_timeout_ms;       /* the session is lost when still nothing is heard */
};

#define XMPP_SESSION_CONFIG_DEFAULT                                                           \
    {                                                                                         \
        .limits = XMPP_LIMITS_DEFAULT, .output_max = 64 << 20, .handshake_timeout_ms = 10000, \
        .keepalive_interval_ms = 10000, .ping_interval_ms = 10000, .ping_timeout_ms = 10000,  \
    }

struct xmpp_session_counters {
    uint64_t octets_in;
    uint64_t octets_out; /* taken by the carrier */
    uint64_t stanzas_in;
    uint64_t stanzas_ignored; /* not understood, not for us, or from somebody else */
    uint64_t items_in;
    uint64_t items_refused; /* bad prefix, label, next hop … */
    uint64_t retracts_in;
};

struct xmpp_session;

/** The carrier's ear: called when output waits and none did before, and once at the end. It may not
 * call back into the session from here, only arrange to do so. */
void xmpp_session_set_wake(struct xmpp_session *session, void (*wake)(void *carrier),
                           void *carrier);

/** The connection stands: the client writes its stream header, the server waits for one. */
void xmpp_session_connected(struct xmpp_session *session, uint64_t now);

/** Octets came. After the end of the session they are dropped. */
void xmpp_session_input(struct xmpp_session *session, const void *octets, size_t length,
                        uint64_t now);

/** The octets to send next (`*length` may be 0); xmpp_session_sent() says how many were taken. */
const char *xmpp_session_output(struct xmpp_session *session, size_t *length);
void xmpp_session_sent(struct xmpp_session *session, size_t octets);

/** Time passes: timeouts, pings, keepalives. */
void xmpp_session_tick(struct xmpp_session *session, uint64_t now);

/** The connection broke, or could not be made; `why` is for people. */
void xmpp_session_disconnected(struct xmpp_session *session, const char *why);

/** Closes the stream in order: what waits is still to be sent, then </stream:stream>. */
void xmpp_session_close(struct xmpp_session *session, const char *why);

/** True once the session has ended: what output there is may still be sent, then the connection is
 * to be closed. */
bool xmpp_session_ended(const struct xmpp_session *session);

/** What was counted since the session was made. Borrowed. */
const struct xmpp_session_counters *xmpp_session_counters(const struct xmpp_session *session);
