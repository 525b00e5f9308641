/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The incoming XML stream on expat. Expat checks well-formedness and namespaces; here are the
 * restrictions of RFC 6120 section 11, the limits, and the trees of the stanzas.
 *
 * Limits: expat tells nothing about a token that has not ended, so after every piece the octets
 * since the end of the last stanza and since the start of the pending token are counted. That also
 * bounds the time that is spent on scanning a token again and again as it arrives in small pieces
 * (deferral of that is off, because it would hold back a finished stanza).
 */

#include "lib/xmpp/stream.h"

#include <errno.h>
#include <expat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NS_SEPARATOR '\n'
/* Pieces that are handed to expat at a time, so that its buffer stays near the token limit. */
#define PIECE_OCTETS 8192

struct xmpp_stream {
    XML_Parser parser;
    struct xmpp_limits limits;
    struct xmpp_stream_handlers handlers;
    void *user;
    struct xmpp_arena arena;
    struct xmpp_element *open; /* innermost open element of the current stanza */
    unsigned depth;            /* open elements, the stream element included */
    uint64_t fed;              /* octets given to expat */
    uint64_t mark;             /* where the current stanza, or the header, begins */
    int state;                 /* 0, or what feeding returns from now on */
    const char *condition;     /* of the violation */
    char text[128];
};

static void
stop(struct xmpp_stream *stream, int state)
{
    if (stream->state == 0) {
        stream->state = state;
        XML_StopParser(stream->parser, XML_FALSE);
    }
}

static void
violation(struct xmpp_stream *stream, const char *condition, const char *text)
{
    if (stream->state == 0) {
        stream->condition = condition;
        snprintf(stream->text, sizeof(stream->text), "%s", text);
        stop(stream, -EPROTO);
    }
}

/* Splits expat's "namespace\nname". */
static const char *
split_name(const char *joined, size_t *ns_length)
{
    const char *separator = strrchr(joined, NS_SEPARATOR);

    if (separator == NULL) {
        *ns_length = 0;
        return joined;
    }
    *ns_length = (size_t)(separator - joined);
    return separator + 1;
}

/* Where the event being handled begins and ends in the stream. */
static uint64_t
event_start(const struct xmpp_stream *stream)
{
    return (uint64_t)XML_GetCurrentByteIndex(stream->parser);
}

static uint64_t
event_end(const struct xmpp_stream *stream)
{
    return event_start(stream) + (uint64_t)XML_GetCurrentByteCount(stream->parser);
}

static void
check_stanza_octets(struct xmpp_stream *stream, uint64_t at)
{
    if (at > stream->mark && at - stream->mark > stream->limits.stanza_octets)
        violation(stream, "policy-violation", "stanza is too large");
}

static bool
add_attributes(struct xmpp_stream *stream, struct xmpp_element *element, const char **attributes)
{
    unsigned count = 0;

    for (; *attributes != NULL; attributes += 2) {
        size_t ns_length;
        const char *name = split_name(attributes[0], &ns_length);

        if (++count > stream->limits.attributes) {
            violation(stream, "policy-violation", "too many attributes");
            return false;
        }
        if (strlen(attributes[1]) > stream->limits.text_octets) {
            violation(stream, "policy-violation", "attribute is too long");
            return false;
        }
        if (!xmpp_element_add_attribute(&stream->arena, element, attributes[0], ns_length, name,
                                        attributes[1])) {
            violation(stream, "policy-violation", "stanza takes too much memory");
            return false;
        }
    }
    return true;
}

static void
on_header(struct xmpp_stream *stream, const struct xmpp_element *header)
{
    if (strcmp(header->name, "stream") != 0)
        violation(stream, "bad-format", "the first element is not a stream");
    else if (strcmp(header->ns, NS_STREAM) != 0)
        violation(stream, "invalid-namespace", "the stream has another namespace");
    else
        stream->handlers.header(stream->user, header);
}

static void XMLCALL
on_start(void *user, const char *joined, const char **attributes)
{
    struct xmpp_stream *stream = user;
    size_t ns_length;
    const char *name = split_name(joined, &ns_length);

    if (stream->state != 0)
        return;
    if (stream->depth > stream->limits.depth) {
        violation(stream, "policy-violation", "elements are nested too deep");
        return;
    }
    if (stream->depth == 1)
        stream->mark = event_start(stream);
    struct xmpp_element *element =
        xmpp_element_add(&stream->arena, stream->open, joined, ns_length, name);
    if (element == NULL) {
        violation(stream, "policy-violation", "stanza takes too much memory");
        return;
    }
    if (!add_attributes(stream, element, attributes))
        return;
    if (stream->depth++ == 0) {
        on_header(stream, element);
        xmpp_arena_reset(&stream->arena);
        stream->mark = event_end(stream);
    } else {
        stream->open = element;
    }
}

static void XMLCALL
on_end(void *user, const char *joined)
{
    struct xmpp_stream *stream = user;
    (void)joined;

    if (stream->state != 0)
        return;
    stream->depth--;
    if (stream->depth == 0) {
        stream->handlers.end(stream->user);
        stop(stream, -ECANCELED);
    } else if (stream->depth == 1) {
        struct xmpp_element *stanza = stream->open;

        check_stanza_octets(stream, event_end(stream));
        stream->open = NULL;
        if (stream->state == 0)
            stream->handlers.stanza(stream->user, stanza);
        xmpp_arena_reset(&stream->arena);
        stream->mark = event_end(stream);
    } else {
        stream->open = stream->open->parent;
    }
}

static void XMLCALL
on_text(void *user, const char *text, int length)
{
    struct xmpp_stream *stream = user;

    if (stream->state != 0)
        return;
    if (stream->open == NULL) {
        /* Between stanzas only white space may stand (RFC 6120 section 4.4). */
        for (int i = 0; i < length; i++) {
            if (strchr(" \t\r\n", text[i]) == NULL)
                violation(stream, "bad-format", "text between stanzas");
        }
        stream->mark = event_end(stream);
        return;
    }
    if (stream->open->text_length + (size_t)length > stream->limits.text_octets)
        violation(stream, "policy-violation", "text is too long");
    else if (!xmpp_element_add_text(&stream->arena, stream->open, text, (size_t)length))
        violation(stream, "policy-violation", "stanza takes too much memory");
}

static void XMLCALL
on_namespace(void *user, const char *prefix, const char *ns)
{
    struct xmpp_stream *stream = user;
    (void)prefix;

    if (ns != NULL && strlen(ns) > stream->limits.ns_octets)
        violation(stream, "policy-violation", "namespace name is too long");
}

static void XMLCALL
on_declaration(void *user, const char *version, const char *encoding, int standalone)
{
    struct xmpp_stream *stream = user;
    (void)standalone;

    if (encoding != NULL && strcasecmp(encoding, "UTF-8") != 0)
        violation(stream, "unsupported-encoding", "the encoding is not UTF-8");
    else if (version == NULL || strcmp(version, "1.0") != 0)
        violation(stream, "unsupported-version", "the XML version is not 1.0");
}

static void XMLCALL
on_doctype(void *user, const char *name, const char *system_id, const char *public_id,
           int internal_subset)
{
    (void)name, (void)system_id, (void)public_id, (void)internal_subset;
    violation(user, "restricted-xml", "document type declaration");
}

static void XMLCALL
on_comment(void *user, const char *text)
{
    (void)text;
    violation(user, "restricted-xml", "comment");
}

static void XMLCALL
on_instruction(void *user, const char *target, const char *text)
{
    (void)target, (void)text;
    violation(user, "restricted-xml", "processing instruction");
}

struct xmpp_stream *
xmpp_stream_new(const struct xmpp_limits *limits, const struct xmpp_stream_handlers *handlers,
                void *user)
{
    struct xmpp_stream *stream = calloc(1, sizeof(*stream));

    if (stream == NULL)
        return NULL;
    /* Naming the encoding overrides what a declaration says; begins_as_utf8() sees to the rest. */
    stream->parser = XML_ParserCreateNS("UTF-8", NS_SEPARATOR);
    if (stream->parser == NULL) {
        free(stream);
        return NULL;
    }
    stream->limits = *limits;
    stream->handlers = *handlers;
    stream->user = user;
    xmpp_arena_init(&stream->arena, limits->stanza_memory);
    XML_SetUserData(stream->parser, stream);
    XML_SetElementHandler(stream->parser, on_start, on_end);
    XML_SetCharacterDataHandler(stream->parser, on_text);
    XML_SetStartNamespaceDeclHandler(stream->parser, on_namespace);
    XML_SetXmlDeclHandler(stream->parser, on_declaration);
    XML_SetStartDoctypeDeclHandler(stream->parser, on_doctype);
    XML_SetCommentHandler(stream->parser, on_comment);
    XML_SetProcessingInstructionHandler(stream->parser, on_instruction);
#ifdef HAVE_XML_SETREPARSEDEFERRALENABLED
    XML_SetReparseDeferralEnabled(stream->parser, XML_FALSE);
#endif
    return stream;
}

void
xmpp_stream_free(struct xmpp_stream *stream)
{
    if (stream == NULL)
        return;
    XML_ParserFree(stream->parser);
    xmpp_arena_clear(&stream->arena);
    free(stream);
}

void
xmpp_stream_stop(struct xmpp_stream *stream)
{
    stop(stream, -ECANCELED);
}

const char *
xmpp_stream_error(const struct xmpp_stream *stream, const char **text)
{
    if (stream->condition != NULL && text != NULL)
        *text = stream->text;
    return stream->condition;
}

/* Turns expat's complaint into a stream error. */
static void
parser_failed(struct xmpp_stream *stream)
{
    enum XML_Error error = XML_GetErrorCode(stream->parser);

    switch (error) {
    case XML_ERROR_NO_MEMORY:
        stream->state = -ENOMEM;
        return;
    case XML_ERROR_UNKNOWN_ENCODING:
    case XML_ERROR_INCORRECT_ENCODING:
        stream->condition = "unsupported-encoding";
        break;
    case XML_ERROR_UNDEFINED_ENTITY:
    case XML_ERROR_RECURSIVE_ENTITY_REF:
    case XML_ERROR_ENTITY_DECLARED_IN_PE:
        stream->condition = "restricted-xml";
        break;
    default:
        stream->condition = "not-well-formed";
        break;
    }
    stream->state = -EPROTO;
    snprintf(stream->text, sizeof(stream->text), "%s", XML_ErrorString(error));
}

/* What expat has not yet told of: the pending token, and the stanza that it is in. */
static void
check_pending(struct xmpp_stream *stream)
{
    XML_Index start = XML_GetCurrentByteIndex(stream->parser);

    check_stanza_octets(stream, stream->fed);
    /* Before the header expat does not say where a token starts. */
    if (stream->depth == 0 || start < 0)
        start = 0;
    if (stream->fed - (uint64_t)start > stream->limits.token_octets)
        violation(stream, "policy-violation", "tag is too long");
}

/* Expat takes a stream that begins like UTF-16, or with a byte order mark, for what it seems to be,
 * whatever encoding was named. In UTF-8 without a mark (RFC 6120 section 11.6) the first octet is
 * ASCII, and neither of the first two is zero. */
static bool
begins_as_utf8(const struct xmpp_stream *stream, const char *octets, size_t length)
{
    for (size_t i = 0; i < length && stream->fed + i < 2; i++) {
        bool first = stream->fed + i == 0;
        if (octets[i] == '\0' || (first && (octets[i] & 0x80) != 0))
            return false;
    }
    return true;
}

int
xmpp_stream_feed(struct xmpp_stream *stream, const void *octets, size_t length)
{
    const char *at = octets;

    if (!begins_as_utf8(stream, at, length))
        violation(stream, "unsupported-encoding", "the encoding is not UTF-8");
    while (length > 0 && stream->state == 0) {
        size_t piece = length < PIECE_OCTETS ? length : PIECE_OCTETS;

        stream->fed += piece;
        if (XML_Parse(stream->parser, at, (int)piece, 0) == XML_STATUS_ERROR) {
            if (stream->state == 0)
                parser_failed(stream);
        } else {
            check_pending(stream);
        }
        at += piece;
        length -= piece;
    }
    return stream->state;
}
