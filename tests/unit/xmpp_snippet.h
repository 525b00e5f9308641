/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* Makes an element of a piece of XML, and the text of what was written. */

#include <stdlib.h>
#include <string.h>

#include "lib/xmpp/stream.h"
#include "lib/xmpp/writer.h"

struct snippet {
    void (*use)(const struct xmpp_element *element, void *user);
    void *user;
    unsigned used;
};

static inline void
snippet_header(void *user, const struct xmpp_element *header)
{
    (void)user, (void)header;
}

static inline void
snippet_stanza(void *user, const struct xmpp_element *stanza)
{
    struct snippet *snippet = user;

    snippet->used++;
    snippet->use(stanza, snippet->user);
}

static inline void
snippet_end(void *user)
{
    (void)user;
}

/* Calls `use` with the element that `xml` is, in a stream of jabber:client. */
static inline void
snippet_use(const char *xml, void (*use)(const struct xmpp_element *element, void *user),
            void *user)
{
    static const char header[] = "<stream:stream xmlns='jabber:client' "
                                 "xmlns:stream='http://etherx.jabber.org/streams'>";
    static const struct xmpp_stream_handlers handlers = { snippet_header, snippet_stanza,
                                                          snippet_end };
    static const struct xmpp_limits limits = XMPP_LIMITS_DEFAULT;
    struct snippet snippet = { use, user, 0 };
    struct xmpp_stream *stream = xmpp_stream_new(&limits, &handlers, &snippet);

    if (stream == NULL || xmpp_stream_feed(stream, header, strlen(header)) != 0 ||
        xmpp_stream_feed(stream, xml, strlen(xml)) != 0 || snippet.used != 1)
        abort();
    xmpp_stream_free(stream);
}

/* What was written, as a string that lives until the writer changes. */
static inline const char *
written(struct xml_writer *writer)
{
    xml_write_octets(writer, "", 1);
    writer->tail--;
    return writer->data + writer->head;
}
