/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The receiving half of an XML stream (RFC 6120 section 4): octets in, stream header and whole
 * stanzas out. Refuses what RFC 6120 section 11 forbids (DTD, comments, processing instructions,
 * entities beyond the five, other encodings than UTF-8) and whatever exceeds the limits, with the
 * stream error that the peer shall be told. No socket, no clock. One thread at a time.
 */

#include <stdbool.h>
#include <stddef.h>

#include "lib/xmpp/element.h"

#define NS_STREAM  "http://etherx.jabber.org/streams"
#define NS_CLIENT  "jabber:client"
#define NS_STANZAS "urn:ietf:params:xml:ns:xmpp-stanzas"
#define NS_STREAMS "urn:ietf:params:xml:ns:xmpp-streams"

/** What one peer may make us hold. Exceeding one is the stream error policy-violation. */
struct xmpp_limits {
    size_t stanza_octets; /* of one stanza, or of the stream header, as received */
    size_t stanza_memory; /* of the tree made of one stanza */
    size_t token_octets;  /* of one tag with its attributes */
    size_t text_octets;   /* of one attribute value, or of one element's character data */
    size_t ns_octets;     /* of one namespace name */
    unsigned attributes;  /* of one element */
    unsigned depth;       /* of elements inside the stream element; the deepest legal path has 10 */
};

#define XMPP_LIMITS_DEFAULT                                                       \
    {                                                                             \
        .stanza_octets = 262144, .stanza_memory = 8 << 20, .token_octets = 16384, \
        .text_octets = 8192, .ns_octets = 256, .attributes = 16, .depth = 16,     \
    }

struct xmpp_stream_handlers {
    /** The stream header has come. `header` (attributes, no children) is valid during the call. */
    void (*header)(void *user, const struct xmpp_element *header);
    /** A whole stanza has come: iq, message, presence, features, error … Valid during the call. */
    void (*stanza)(void *user, const struct xmpp_element *stanza);
    /** The peer closed the stream: </stream:stream>. */
    void (*end)(void *user);
};

struct xmpp_stream;

/** @return a stream that waits for its header, or NULL when out of memory. */
struct xmpp_stream *xmpp_stream_new(const struct xmpp_limits *limits,
                                    const struct xmpp_stream_handlers *handlers, void *user);

/** Not from a handler of the same stream. */
void xmpp_stream_free(struct xmpp_stream *stream);

/**
 * Takes octets as they came, in pieces of any size.
 * @return 0; -EPROTO after a violation, now or earlier (see xmpp_stream_error()); -ECANCELED after
 * xmpp_stream_stop(); -ENOMEM.
 */
int xmpp_stream_feed(struct xmpp_stream *stream, const void *octets, size_t length);

/** From a handler: no further handler is called, whatever else was fed. */
void xmpp_stream_stop(struct xmpp_stream *stream);

/**
 * The RFC 6120 stream error condition of a violation ("restricted-xml", "not-well-formed",
 * "policy-violation", "unsupported-encoding", "invalid-namespace", "bad-format"), NULL if there was
 * none; `*text` then says for people what was wrong.
 */
const char *xmpp_stream_error(const struct xmpp_stream *stream, const char **text);
