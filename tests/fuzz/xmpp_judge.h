/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* Reads what a session under test says, and aborts if it is no good XML stream. */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/xmpp/session.h"
#include "lib/xmpp/stream.h"

struct judge {
    struct xmpp_stream *stream;
    bool ended;
};

static inline void
judge_header(void *user, const struct xmpp_element *header)
{
    (void)user, (void)header;
}

static inline void
judge_stanza(void *user, const struct xmpp_element *stanza)
{
    (void)user, (void)stanza;
}

static inline void
judge_end(void *user)
{
    struct judge *judge = user;

    judge->ended = true;
}

static inline void
judge_begin(struct judge *judge)
{
    static const struct xmpp_stream_handlers handlers = { judge_header, judge_stanza, judge_end };
    static const struct xmpp_limits limits = { .stanza_octets = 1 << 24,
                                               .stanza_memory = 1 << 28,
                                               .token_octets = 1 << 20,
                                               .text_octets = 1 << 20,
                                               .ns_octets = 256,
                                               .attributes = 16,
                                               .depth = 16 };

    judge->ended = false;
    judge->stream = xmpp_stream_new(&limits, &handlers, judge);
    if (judge->stream == NULL)
        abort();
}

/* Takes away what the session has to say. */
static inline void
judge_output(struct judge *judge, struct xmpp_session *session)
{
    const char *text = "";
    size_t length;
    const char *octets = xmpp_session_output(session, &length);
    int error = xmpp_stream_feed(judge->stream, octets, length);

    if (error != 0 && !judge->ended) {
        xmpp_stream_error(judge->stream, &text);
        fprintf(stderr, "bad output: %s\n%.*s\n", text, (int)length, octets);
        abort();
    }
    xmpp_session_sent(session, length);
}

static inline void
judge_finish(struct judge *judge, const struct xmpp_session *session)
{
    /* A stream that was begun and ended by us is closed in order. */
    if (xmpp_session_ended(session) && !judge->ended)
        abort();
    xmpp_stream_free(judge->stream);
}
