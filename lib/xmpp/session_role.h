/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The inside of a session, for client.c and server.c only: each embeds one and plugs in what
 * differs. Its life:
 *
 * - Every way in (input, tick, …) is between enter and leave; callbacks run inside. The end of the
 *   session and its destruction wait for the outermost leave, so that no callback pulls the ground
 *   from under the parser.
 * - Stanzas are written between session_begin() and session_commit(); one that does not fit into
 *   the output queue is taken back whole and ends the session.
 */

#include "lib/xmpp/jid.h"
#include "lib/xmpp/pubsub.h"
#include "lib/xmpp/session.h"
#include "lib/xmpp/tls.h"

#define XMPP_ID_MAX 33 /* 128 random bits in hexadecimal, with the zero at the end */
#define NS_BIND     "urn:ietf:params:xml:ns:xmpp-bind"
#define NS_SASL     "urn:ietf:params:xml:ns:xmpp-sasl"
#define NS_TLS      "urn:ietf:params:xml:ns:xmpp-tls"
#define NS_PING     "urn:xmpp:ping"

struct session_role {
    /** The connection stands; or TLS, on which a new stream begins. */
    void (*connected)(void *role);
    /** Writes our stream header, if a stream error must be sent before it was. */
    void (*write_header)(void *role, struct xml_writer *writer);
    void (*header)(void *role, const struct xmpp_element *header);
    /** Any stanza but stream errors and pings. */
    void (*stanza)(void *role, const struct xmpp_element *stanza);
    void (*tick)(void *role);
    /** The session has ended: tell the user. Called once. */
    void (*ended)(void *role);
    void (*destroy)(void *role);
};

struct xmpp_session {
    struct xmpp_session_config config;
    const struct session_role *role;
    void *role_data;
    struct xmpp_stream *stream;
    struct xml_writer output;
    struct tls_channel *tls; /* NULL: none */
    size_t plain;            /* the first octets of `output`, from before TLS */
    bool restart;            /* a new stream begins after the octets at work */
    struct xmpp_session_counters counters;
    void (*wake)(void *carrier);
    void *carrier;
    bool awake; /* the carrier was woken and has not emptied the queue since */

    /* The session's own clock: that of the carrier without the times in which we stood still, so
     * that a stopped process does not blame its peers. */
    uint64_t now;
    uint64_t carrier_now;
    uint64_t connected_at;
    uint64_t heard_at;
    uint64_t sent_at;

    bool connected;
    bool header_sent;
    bool ready;     /* resource bound; set by the role */
    struct jid own; /* ours, and whom pings go to; set by the role with `ready` */
    struct jid peer;
    bool pinging;
    char ping_id[XMPP_ID_MAX];
    uint64_t ping_deadline;

    bool has_ended;
    bool end_told;
    bool doomed; /* to be destroyed at the outermost leave */
    unsigned inside;
    enum xmpp_end end;
    char why[256];
};

/** @return 0, -EINVAL or -ENOMEM. */
int session_init(struct xmpp_session *session, const struct xmpp_session_config *config,
                 const struct session_role *role, void *role_data);

/** Begins a new stream instead of the one before. @return false without memory. */
bool session_new_stream(struct xmpp_session *session);

/** Whether octets wait for the carrier; and tells it so, once. */
bool session_has_output(const struct xmpp_session *session);
void session_wake_carrier(struct xmpp_session *session);

/** Frees what the session holds. */
void session_clear(struct xmpp_session *session);

/** Destroys the role now, or at the outermost leave. */
void session_doom(struct xmpp_session *session);

/** True while user callbacks may be called. */
bool session_may_call(const struct xmpp_session *session);

/** Around what is written to the output: what does not fit is taken back as a whole, and the
 * session ends with XMPP_END_OUTPUT_FULL. After the end nothing is written any more. */
struct xml_writer *session_begin(struct xmpp_session *session, size_t *mark);
void session_commit(struct xmpp_session *session, size_t mark);

/**
 * Ends the session, once: with a stream error if `condition` is not NULL, then </stream:stream>.
 * @param why for people, never NULL; goes with the condition to the peer
 */
void session_end(struct xmpp_session *session, enum xmpp_end end, const char *condition,
                 const char *why);

/** Answers an iq with an error: `type`, RFC 6120 condition, XEP-0060 condition or NULL, text or
 * NULL. */
void session_refuse_iq(struct xmpp_session *session, const struct xmpp_element *iq,
                       const char *type, const char *condition, const char *detail,
                       const char *text);

/** From a handler: the connection goes on with a new stream (RFC 6120 section 4.3.3); what came
 * behind the stanza at work is dropped. */
void session_restart(struct xmpp_session *session);

/** The same inside of TLS; takes the channel over. NULL: there was no memory for it. */
void session_secure(struct xmpp_session *session, struct tls_channel *channel);

/** A new unpredictable id. */
void session_make_id(char id[XMPP_ID_MAX]);

/** True for an iq that asks: type get or set. */
bool session_iq_asks(const struct xmpp_element *iq);

/** Answers a ping, or takes the answer to ours. @return false if the iq is neither. */
bool session_handle_ping(struct xmpp_session *session, const struct xmpp_element *iq);

/** The blank, the ping, the end: what a bound session owes to time. */
void session_keep_alive(struct xmpp_session *session);
