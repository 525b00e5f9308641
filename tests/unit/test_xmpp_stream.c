/* SPDX-License-Identifier: BSD-3-Clause */

/* lib/xmpp/stream.h: what octets become, whole, one by one and in random pieces. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/xmpp/stream.h"
#include "lib/xmpp/writer.h"

#define HEADER                                                   \
    "<?xml version='1.0'?><stream:stream xmlns='jabber:client' " \
    "xmlns:stream='http://etherx.jabber.org/streams' to='ietf.org' version='1.0'>"

static struct xml_writer seen; /* what the handlers were told */

static void
show(const struct xmpp_element *element)
{
    xml_write(&seen, "{");
    xml_write(&seen, element->ns);
    xml_write(&seen, "}");
    xml_write(&seen, element->name);
    for (const struct xmpp_attribute *a = element->attributes; a != NULL; a = a->next) {
        xml_write(&seen, " ");
        xml_write(&seen, a->ns);
        xml_write(&seen, a->ns[0] != '\0' ? ":" : "");
        xml_write(&seen, a->name);
        xml_write(&seen, "=");
        xml_write(&seen, a->value);
    }
    if (element->text[0] != '\0') {
        xml_write(&seen, " \"");
        xml_write(&seen, element->text);
        xml_write(&seen, "\"");
    }
    for (const struct xmpp_element *e = element->first_child; e != NULL; e = e->next) {
        xml_write(&seen, e == element->first_child ? " [" : " ");
        show(e);
    }
    xml_write(&seen, element->first_child != NULL ? "]" : "");
}

static void
on_header(void *user, const struct xmpp_element *header)
{
    (void)user;
    xml_write(&seen, "header to=");
    xml_write(&seen, xmpp_element_attribute(header, "to"));
    xml_write(&seen, "\n");
}

static void
on_stanza(void *user, const struct xmpp_element *stanza)
{
    struct xmpp_stream **stream = user;

    show(stanza);
    xml_write(&seen, "\n");
    if (strcmp(stanza->name, "stop") == 0)
        xmpp_stream_stop(*stream);
}

static void
on_end(void *user)
{
    (void)user;
    xml_write(&seen, "end\n");
}

static const struct xmpp_stream_handlers handlers = { on_header, on_stanza, on_end };

/* Feeds `octets` in pieces of the size that `piece` gives (0: random from 1 to 20). */
static int
feed(struct xmpp_stream *stream, const char *octets, size_t length, size_t piece)
{
    int result = 0;

    while (length > 0 && result == 0) {
        size_t n = piece > 0 ? piece : 1 + (size_t)rand() % 20;
        char *copy = malloc(n < length ? n : length); /* so that an over-read shows */

        if (n > length)
            n = length;
        memcpy(copy, octets, n);
        result = xmpp_stream_feed(stream, copy, n);
        free(copy);
        octets += n;
        length -= n;
    }
    return result;
}

struct stream_case {
    const char *name;
    const char *octets;
    const char *seen;
    const char *condition; /* of the stream error, NULL if there is none */
};

static void
check(const struct stream_case *c, size_t piece)
{
    static const struct xmpp_limits limits = XMPP_LIMITS_DEFAULT;
    struct xmpp_stream *stream = NULL;
    const char *text = NULL;

    xml_writer_init(&seen, 1 << 20);
    stream = xmpp_stream_new(&limits, &handlers, &stream);
    assert_non_null(stream);
    feed(stream, c->octets, strlen(c->octets), piece);
    xml_write_octets(&seen, "", 1);
    const char *condition = xmpp_stream_error(stream, &text);
    if (strcmp(seen.data, c->seen) != 0 || (condition == NULL) != (c->condition == NULL) ||
        (condition != NULL && strcmp(condition, c->condition) != 0))
        fail_msg("%s, pieces of %zu: seen\n%sexpected\n%scondition %s (%s)", c->name, piece,
                 seen.data, c->seen, condition != NULL ? condition : "none",
                 text != NULL ? text : "");
    if (condition != NULL)
        assert_int_equal(xmpp_stream_feed(stream, "<iq/>", 5), -EPROTO);
    xmpp_stream_free(stream);
    xml_writer_clear(&seen);
}

static void
check_all(const struct stream_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        check(&cases[i], strlen(cases[i].octets) + 1);
        check(&cases[i], 1);
        for (unsigned round = 0; round < 20; round++)
            check(&cases[i], 0);
    }
}

static void
stanzas_become_trees(void **state)
{
    static const struct stream_case cases[] = {
        { "stanza, end",
          HEADER "<iq type='get' id='1'><a xmlns='urn:x'><b>text</b></a></iq>\n "
                 "<presence/></stream:stream>",
          "header to=ietf.org\n"
          "{jabber:client}iq id=1 type=get [{urn:x}a [{urn:x}b \"text\"]]\n"
          "{jabber:client}presence\nend\n",
          NULL },
        { "the five entities, character references, CDATA",
          HEADER "<m a='&lt;&gt;&amp;&apos;&quot;'>&lt;x&#65;&#x42;<![CDATA[<&>]]>&gt;</m>",
          "header to=ietf.org\n{jabber:client}m a=<>&'\" \"<xAB<&>>\"\n", NULL },
        { "mixed content", HEADER "<m>one<b/>two<b/>three</m>",
          "header to=ietf.org\n{jabber:client}m \"onetwothree\" [{jabber:client}b "
          "{jabber:client}b]\n",
          NULL },
        { "prefixes", HEADER "<stream:features><x:y xmlns:x='urn:x' x:z='1'/></stream:features>",
          "header to=ietf.org\n{http://etherx.jabber.org/streams}features [{urn:x}y urn:x:z=1]\n",
          NULL },
        { "no namespace", HEADER "<m xmlns=''><n/></m>", "header to=ietf.org\n{}m [{}n]\n", NULL },
        { "UTF-8", HEADER "<m>\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80</m>",
          "header to=ietf.org\n{jabber:client}m \"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"\n", NULL },
        { "nothing after the end", HEADER "</stream:stream><iq/>", "header to=ietf.org\nend\n",
          NULL },
        { "stopped from a handler", HEADER "<iq/><stop/><iq/>",
          "header to=ietf.org\n{jabber:client}iq\n{jabber:client}stop\n", NULL },
        { "unfinished", HEADER "<iq><a>", "header to=ietf.org\n", NULL },
        { "without declaration",
          "<s:stream xmlns:s='http://etherx.jabber.org/streams' to='x' "
          "xmlns='jabber:client'><iq/>",
          "header to=x\n{jabber:client}iq\n", NULL },
    };
    (void)state;

    check_all(cases, sizeof(cases) / sizeof(cases[0]));
}

static void
forbidden_xml_is_a_stream_error(void **state)
{
    static const struct stream_case cases[] = {
        { "DTD", "<!DOCTYPE x [<!ENTITY a 'b'>]>" HEADER, "", "restricted-xml" },
        { "external DTD", "<?xml version='1.0'?><!DOCTYPE x SYSTEM 'file:///etc/passwd'><x/>", "",
          "restricted-xml" },
        { "comment", HEADER "<!-- x -->", "header to=ietf.org\n", "restricted-xml" },
        { "comment in a stanza", HEADER "<iq><!----></iq>", "header to=ietf.org\n",
          "restricted-xml" },
        { "comment before the header", "<!-- x -->" HEADER, "", "restricted-xml" },
        { "processing instruction", HEADER "<?php x?>", "header to=ietf.org\n", "restricted-xml" },
        { "entity", HEADER "<iq>&nbsp;</iq>", "header to=ietf.org\n", "restricted-xml" },
        { "entity in an attribute", HEADER "<iq a='&nbsp;'/>", "header to=ietf.org\n",
          "restricted-xml" },
        { "crossed tags", HEADER "<iq><a></iq></a>", "header to=ietf.org\n", "not-well-formed" },
        { "unbound prefix", HEADER "<x:iq/>", "header to=ietf.org\n", "not-well-formed" },
        { "attribute twice", HEADER "<iq a='1' a='2'/>", "header to=ietf.org\n",
          "not-well-formed" },
        { "not UTF-8", HEADER "<m>\xff</m>", "header to=ietf.org\n", "not-well-formed" },
        { "overlong UTF-8", HEADER "<m>\xc0\xaf</m>", "header to=ietf.org\n", "not-well-formed" },
        { "surrogate", HEADER "<m>\xed\xa0\x80</m>", "header to=ietf.org\n", "not-well-formed" },
        { "control character", HEADER "<m>\x01</m>", "header to=ietf.org\n", "not-well-formed" },
        { "reference to zero", HEADER "<m>&#0;</m>", "header to=ietf.org\n", "not-well-formed" },
        { "not XML", "GET / HTTP/1.1\r\n\r\n", "", "not-well-formed" },
        { "Latin-1", "<?xml version='1.0' encoding='ISO-8859-1'?><x/>", "",
          "unsupported-encoding" },
        { "UTF-16", "<?xml version='1.0' encoding='UTF-16'?><x/>", "", "unsupported-encoding" },
        { "UTF-16 with its mark", "\xfe\xff", "", "unsupported-encoding" },
        { "UTF-16 with its mark, little end first", "\xff\xfe<", "", "unsupported-encoding" },
        { "byte order mark", "\xef\xbb\xbf" HEADER, "", "unsupported-encoding" },
        { "text between stanzas", HEADER "<iq/>hello", "header to=ietf.org\n{jabber:client}iq\n",
          "bad-format" },
        { "not a stream", "<html xmlns='http://etherx.jabber.org/streams'/>", "", "bad-format" },
        { "other stream namespace", "<stream xmlns='urn:x'/>", "", "invalid-namespace" },
    };
    (void)state;

    check_all(cases, sizeof(cases) / sizeof(cases[0]));
}

/* Expat finds UTF-16 out by its zero octets, too. */
static void
utf_16_without_a_mark_is_refused(void **state)
{
    static const struct xmpp_limits limits = XMPP_LIMITS_DEFAULT;
    static const char *const beginnings[] = { "<\0s", "\0<\0", " \0<" };
    (void)state;

    for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
        for (size_t piece = 1; piece <= 3; piece++) {
            struct xmpp_stream *stream = NULL;
            stream = xmpp_stream_new(&limits, &handlers, &stream);
            assert_non_null(stream);
            assert_int_equal(feed(stream, beginnings[i], 3, piece), -EPROTO);
            assert_string_equal(xmpp_stream_error(stream, NULL), "unsupported-encoding");
            xmpp_stream_free(stream);
        }
    }
}

/* A stream with its header, small limits, and `count` times `octets`: the result of the last feed,
 * and the condition. */
static void
check_limit(const char *before, const char *octets, unsigned count, const char *after,
            bool violates, size_t piece)
{
    static const struct xmpp_limits limits = { .stanza_octets = 4000,
                                               .stanza_memory = 100000,
                                               .token_octets = 1000,
                                               .text_octets = 300,
                                               .ns_octets = 100,
                                               .attributes = 4,
                                               .depth = 10 };
    struct xmpp_stream *stream = NULL;
    int result;

    xml_writer_init(&seen, 1 << 20);
    stream = xmpp_stream_new(&limits, &handlers, &stream);
    assert_non_null(stream);
    assert_int_equal(feed(stream, HEADER, strlen(HEADER), piece), 0);
    result = feed(stream, before, strlen(before), piece);
    for (unsigned i = 0; i < count && result == 0; i++)
        result = feed(stream, octets, strlen(octets), piece);
    if (result == 0)
        result = feed(stream, after, strlen(after), piece);
    const char *condition = xmpp_stream_error(stream, NULL);
    if ((result != 0) != violates || (condition == NULL) == violates)
        fail_msg("%s%u times %s%s, pieces of %zu: %s", before, count, octets, after, piece,
                 condition != NULL ? condition : "no violation");
    if (violates)
        assert_string_equal(condition, "policy-violation");
    xmpp_stream_free(stream);
    xml_writer_clear(&seen);
}

static void
limits_are_enforced_at_their_edge(void **state)
{
    static const struct {
        const char *before;
        const char *octets;
        unsigned fits; /* so many times; once more violates */
        const char *after;
    } cases[] = {
        { "<iq>", "<a>", 9, "" },                     /* depth */
        { "<iq>", "<b>123456789</b>", 249, "</iq>" }, /* stanza octets */
        { "<iq>", "x", 300, "</iq>" },                /* text */
        { "<iq a='", "x", 300, "'/>" },               /* attribute */
        { "<iq xmlns='", "x", 100, "'/>" },           /* namespace */
    };
    static const size_t pieces[] = { 1, 10, 100000, 0 };
    (void)state;

    for (size_t p = 0; p < sizeof(pieces) / sizeof(pieces[0]); p++) {
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            check_limit(cases[i].before, cases[i].octets, cases[i].fits, cases[i].after, false,
                        pieces[p]);
            check_limit(cases[i].before, cases[i].octets, cases[i].fits + 1, cases[i].after, true,
                        pieces[p]);
        }
        check_limit("<iq a='1' b='2' c='3' d='4'/>", "", 0, "", false, pieces[p]);
        check_limit("<iq a='1' b='2' c='3' d='4' e='5'/>", "", 0, "", true, pieces[p]);
        /* What never ends is noticed before it does. */
        check_limit("<iq", " ", 1100, "", true, pieces[p]);
        check_limit("<", "x", 1100, "", true, pieces[p]);
        check_limit("<iq>", "<a/>", 1100, "", true, pieces[p]);
        check_limit("<iq><![CDATA[", "x", 400, "", true, pieces[p]);
        check_limit("<!--", "x", 1100, "", true, pieces[p]);
        /* Blanks between stanzas are no stanza, however many. */
        check_limit("", " \n", 5000, "<iq/>", false, pieces[p]);
        check_limit("", "<iq/>", 2000, "", false, pieces[p]);
    }
}

static void
a_header_that_never_ends_is_refused(void **state)
{
    static const struct xmpp_limits limits = XMPP_LIMITS_DEFAULT;
    static const char *const begins[] = { "", "<?xml version='1.0'?>", "<", "<x a='",
                                          "<?xml version='1.0' " };
    (void)state;

    for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
        struct xmpp_stream *stream = NULL;
        unsigned fed = 0;

        stream = xmpp_stream_new(&limits, &handlers, &stream);
        assert_non_null(stream);
        xmpp_stream_feed(stream, begins[i], strlen(begins[i]));
        while (xmpp_stream_feed(stream, " ", 1) == 0)
            assert_true(++fed <= limits.token_octets);
        xmpp_stream_free(stream);
    }
}

static void
memory_of_a_stanza_is_bounded(void **state)
{
    static const struct xmpp_limits limits = { .stanza_octets = 1 << 20,
                                               .stanza_memory = 50000,
                                               .token_octets = 1000,
                                               .text_octets = 1000,
                                               .ns_octets = 100,
                                               .attributes = 4,
                                               .depth = 10 };
    struct xmpp_stream *stream = NULL;
    unsigned elements = 0;
    (void)state;

    xml_writer_init(&seen, 1 << 20);
    stream = xmpp_stream_new(&limits, &handlers, &stream);
    assert_non_null(stream);
    assert_int_equal(feed(stream, HEADER "<iq>", strlen(HEADER "<iq>"), 1000), 0);
    while (xmpp_stream_feed(stream, "<a/>", 4) == 0)
        elements++;
    assert_in_range(elements, 100, 1000);
    assert_string_equal(xmpp_stream_error(stream, NULL), "policy-violation");
    xmpp_stream_free(stream);
    xml_writer_clear(&seen);
}

static void
written_text_reads_back(void **state)
{
    static const struct stream_case cases[] = {
        { "specials", "a<b>&'\"c", "a<b>&'\"c", NULL },
        { "white space", "a\tb\nc\rd", "a\tb\nc\rd", NULL },
        { "controls", "a\x01\x7f", "a\xef\xbf\xbd\x7f", NULL },
        { "not UTF-8", "\xff\xc3\xa4\xc3", "\xef\xbf\xbd\xc3\xa4\xef\xbf\xbd", NULL },
        { "noncharacter", "\xef\xbf\xbe", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", NULL },
    };
    static const struct xmpp_limits limits = XMPP_LIMITS_DEFAULT;
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct xmpp_stream *stream = NULL;
        struct xml_writer writer;
        char expected[256];

        xml_writer_init(&writer, 10000);
        xml_writer_init(&seen, 10000);
        stream = xmpp_stream_new(&limits, &handlers, &stream);
        xml_write(&writer, HEADER "<m");
        xml_write_attribute(&writer, "a", cases[i].octets);
        xml_write(&writer, ">");
        xml_write_leaf(&writer, "t", cases[i].octets);
        xml_write(&writer, "</m>");
        assert_int_equal(feed(stream, writer.data, xml_writer_pending(&writer), 0), 0);
        snprintf(expected, sizeof(expected),
                 "header to=ietf.org\n{jabber:client}m a=%s [{jabber:client}t \"%s\"]\n",
                 cases[i].seen, cases[i].seen);
        xml_write_octets(&seen, "", 1);
        assert_string_equal(seen.data, expected);
        xmpp_stream_free(stream);
        xml_writer_clear(&writer);
        xml_writer_clear(&seen);
    }
}

static void
the_writer_keeps_its_bound(void **state)
{
    struct xml_writer writer;
    (void)state;

    xml_writer_init(&writer, 10000);
    for (unsigned i = 0; i < 3000; i++) {
        xml_write(&writer, "0123456789");
        if (xml_writer_pending(&writer) == 10000)
            xml_writer_consume(&writer, 7770);
    }
    assert_false(writer.full);
    size_t before = xml_writer_pending(&writer);
    while (!writer.full)
        xml_write(&writer, "0123456789");
    assert_in_range(xml_writer_pending(&writer), 9991, 10000);
    xml_writer_rewind(&writer, before);
    assert_false(writer.full);
    assert_int_equal(xml_writer_pending(&writer), before);
    assert_int_equal(memcmp(writer.data + writer.head + before - 10, "0123456789", 10), 0);
    xml_writer_clear(&writer);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stanzas_become_trees),
        cmocka_unit_test(forbidden_xml_is_a_stream_error),
        cmocka_unit_test(utf_16_without_a_mark_is_refused),
        cmocka_unit_test(limits_are_enforced_at_their_edge),
        cmocka_unit_test(a_header_that_never_ends_is_refused),
        cmocka_unit_test(memory_of_a_stanza_is_bounded),
        cmocka_unit_test(written_text_reads_back),
        cmocka_unit_test(the_writer_keeps_its_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
