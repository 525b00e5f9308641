/* SPDX-License-Identifier: BSD-3-Clause */

/* lib/xmpp/server.h against what a client may say, written by hand. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/xmpp/server.h"

#define HEADER                                                                                   \
    "<?xml version='1.0'?><stream:stream from='compute-1@ietf.org' to='ietf.org' version='1.0' " \
    "xml:lang='en' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
#define BIND                                                                 \
    "<iq type='set' id='b1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>" \
    "<resource>boot-7</resource></bind></iq>"
#define RS      "to='route-server@ietf.org'"
#define FROM_RS "from='route-server@ietf.org' to='compute-1@ietf.org/boot-7'"
#define PUBSUB  "<pubsub xmlns='http://jabber.org/protocol/pubsub'>"
#define STANZAS "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'"
#define ENTRY(prefix)                                                                          \
    "<entry xmlns='urn:ietf:params:xml:ns:bgp:l3vpn:unicast'><nlri><af>1</af><address>" prefix \
    "</address></nlri><next-hops><next-hop><af>1</af><address>192.0.2.1</address>"             \
    "<label>10000</label></next-hop></next-hops></entry>"

struct rig {
    struct xmpp_server *server; /* NULL once a callback has freed it */
    struct xmpp_session *session;
    xmpp_request_id last; /* of the last request, which is not answered yet */
    bool conflict;
    bool free_on_request;
    uint64_t now;
    char log[8192];
    char said[1 << 16];
};

static void __attribute__((format(printf, 2, 3))) happened(struct rig *rig, const char *format, ...)
{
    size_t length = strlen(rig->log);
    va_list arguments;

    assert_non_null(rig->server); /* nothing is called after xmpp_server_free() */
    va_start(arguments, format);
    length += (size_t)vsnprintf(rig->log + length, sizeof(rig->log) - length, format, arguments);
    snprintf(rig->log + length, sizeof(rig->log) - length, "; ");
    va_end(arguments);
}

static void
asked(struct rig *rig, xmpp_request_id id)
{
    rig->last = id;
    if (rig->free_on_request) {
        xmpp_server_free(rig->server);
        rig->server = NULL;
    }
}

static bool
on_bind(void *user, const struct jid *jid)
{
    struct rig *rig = user;
    char text[JID_TEXT_MAX];

    happened(rig, "bind %s", jid_format(jid, text));
    return !rig->conflict;
}

static void
on_subscribe(void *user, xmpp_request_id id, const struct pubsub_request *request)
{
    happened(user, "subscribe %s instance %d vlan %u", request->node,
             request->has_instance_id ? request->instance_id : -1, request->vlan_id);
    asked(user, id);
}

static void
on_unsubscribe(void *user, xmpp_request_id id, const char *node)
{
    happened(user, "unsubscribe %s", node);
    asked(user, id);
}

static void
on_publish(void *user, xmpp_request_id id, const char *node, const char *item_id,
           const struct route *route)
{
    char text[IP_PREFIX_TEXT_MAX];

    happened(user, "publish %s %s %s", node, item_id, ip_prefix_format(&route->prefix, text));
    asked(user, id);
}

static void
on_retract(void *user, xmpp_request_id id, const char *node, const char *item_id)
{
    happened(user, "retract %s %s", node, item_id);
    asked(user, id);
}

static void
on_items(void *user, xmpp_request_id id, const char *node, const char *after, uint32_t max_items)
{
    happened(user, "items %s after %s max %u", node, after != NULL ? after : "-", max_items);
    asked(user, id);
}

static void
on_refused(void *user, const char *node, const char *item_id, const char *why)
{
    happened(user, "refused %s %s: %s", node, item_id, why);
}

static void
on_ended(void *user, enum xmpp_end end, const char *why)
{
    happened(user, "ended (%s) %s", xmpp_end_text(end), why);
}

static const struct xmpp_server_handlers handlers = { on_bind,    on_subscribe, on_unsubscribe,
                                                      on_publish, on_retract,   on_items,
                                                      on_refused, on_ended };

static void
listen(struct rig *rig)
{
    size_t length, had = strlen(rig->said);
    const char *octets = xmpp_session_output(rig->session, &length);

    assert_true(had + length < sizeof(rig->said));
    memcpy(rig->said + had, octets, length);
    rig->said[had + length] = '\0';
    xmpp_session_sent(rig->session, length);
}

static void
say(struct rig *rig, const char *octets)
{
    for (; *octets != '\0' && rig->server != NULL; octets++)
        xmpp_session_input(rig->session, octets, 1, rig->now);
    if (rig->server != NULL)
        listen(rig);
}

/* Compares what happened, and forgets what was said. */
static void
expect(struct rig *rig, const char *log)
{
    assert_string_equal(rig->log, log);
    rig->log[0] = '\0';
    rig->said[0] = '\0';
}

static void
expect_said(struct rig *rig, const char *octets)
{
    listen(rig);
    assert_string_equal(rig->said, octets);
    rig->said[0] = '\0';
}

static struct xmpp_server_config
make_config(void)
{
    struct xmpp_server_config config = XMPP_SERVER_CONFIG_DEFAULT;

    config.peer_address = "192.0.2.1";
    return config;
}

static struct rig *
accept_with(const struct xmpp_server_config *config)
{
    struct rig *rig = calloc(1, sizeof(*rig));

    assert_non_null(rig);
    rig->now = 5000000;
    rig->server = xmpp_server_new(config, &handlers, rig);
    assert_non_null(rig->server);
    rig->session = xmpp_server_session(rig->server);
    xmpp_session_connected(rig->session, rig->now);
    return rig;
}

static struct rig *
make_bound(const struct xmpp_server_config *config)
{
    struct rig *rig = accept_with(config);

    say(rig, HEADER BIND);
    expect(rig, "bind compute-1@ietf.org/boot-7; ");
    return rig;
}

static void
drop(struct rig *rig)
{
    xmpp_server_free(rig->server);
    free(rig);
}

static struct route
make_route(const char *prefix)
{
    struct route route = { .local_preference = 100, .sequence_number = 7, .n_next_hops = 1 };

    assert_int_equal(ip_prefix_parse(prefix, &route.prefix), 0);
    assert_int_equal(ip_addr_parse("192.0.2.1", &route.next_hops[0].addr), 0);
    route.next_hops[0].label = 10000;
    route.next_hops[0].encapsulations = ENCAP_UDP;
    return route;
}

/* ---- To a bound session ---- */

static void
a_client_is_bound(void **state)
{
    struct xmpp_server_config config = make_config();
    struct rig *rig = accept_with(&config);
    (void)state;

    say(rig, HEADER);
    assert_non_null(strstr(rig->said, "<?xml version='1.0'?><stream:stream id='"));
    assert_non_null(strstr(rig->said, "' from='ietf.org' version='1.0' xml:lang='en' "
                                      "xmlns='jabber:client' "
                                      "xmlns:stream='http://etherx.jabber.org/streams'>"
                                      "<stream:features><bind "
                                      "xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"
                                      "</stream:features>"));
    rig->said[0] = '\0';
    say(rig, BIND);
    assert_string_equal(rig->said, "<iq type='result' id='b1'>"
                                   "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
                                   "<jid>compute-1@ietf.org/boot-7</jid></bind></iq>");
    expect(rig, "bind compute-1@ietf.org/boot-7; ");
    drop(rig);
}

/* C22: valid and unique; C23: a client that gives no name is called by its address. */
static void
c22_c23_jids_of_clients_are_valid_and_unique(void **state)
{
    struct xmpp_server_config config = make_config();
    struct rig *rig = accept_with(&config);
    (void)state;

    say(rig, "<stream:stream to='ietf.org' version='1.0' xmlns='jabber:client' "
             "xmlns:stream='http://etherx.jabber.org/streams'>");
    say(rig, "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>");
    assert_memory_equal(rig->log, "bind 192.0.2.1@ietf.org/", 24);
    assert_int_equal(strlen(rig->log), 24 + 32 + 2); /* the server makes up a resource */
    drop(rig);

    config.peer_address = "2001:db8::1";
    rig = accept_with(&config);
    say(rig, "<stream:stream to='ietf.org' from='x@example.net' version='1.0' "
             "xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>" BIND);
    expect(rig, "bind 2001-db8--1@ietf.org/boot-7; ");
    drop(rig);

    rig = accept_with(&config);
    rig->conflict = true;
    say(rig, HEADER);
    rig->said[0] = '\0';
    say(rig, BIND);
    assert_non_null(strstr(rig->said, "<iq type='error' id='b1'><error type='cancel'><conflict "));
    rig->conflict = false;
    say(rig, "<iq type='set' id='b2'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
             "<resource>&#9;</resource></bind></iq>");
    assert_non_null(strstr(rig->said, "<iq type='error' id='b2'><error type='modify'>"
                                      "<bad-request "));
    say(rig, BIND);
    expect(rig, "bind compute-1@ietf.org/boot-7; bind compute-1@ietf.org/boot-7; ");
    drop(rig);
}

static void
violations_end_the_session_with_a_stream_error(void **state)
{
    static const struct {
        const char *says;
        const char *condition;
    } cases[] = {
        { "<stream:stream to='example.net' version='1.0' xmlns='jabber:client' "
          "xmlns:stream='http://etherx.jabber.org/streams'>",
          "host-unknown" },
        { "<stream:stream version='1.0' xmlns='jabber:client' "
          "xmlns:stream='http://etherx.jabber.org/streams'>",
          "host-unknown" },
        { "<stream:stream to='ietf.org' xmlns='jabber:client' "
          "xmlns:stream='http://etherx.jabber.org/streams'>",
          "unsupported-version" },
        { "GET / HTTP/1.0\r\n\r\n", "not-well-formed" },
        { "\x16\x03\x01\x02", "not-well-formed" }, /* TLS */
        { HEADER "<message/>", "not-authorized" },
        { "<s:stream to='ietf.org' version='1.0' xmlns:s='http://etherx.jabber.org/streams'>" BIND,
          "invalid-namespace" },
        { HEADER "<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>", "not-authorized" },
        { HEADER "<iq type='set'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>",
          "not-authorized" },
        { HEADER "<!DOCTYPE x>", "not-well-formed" },
        { "<!DOCTYPE x>", "restricted-xml" },
        { HEADER BIND "<!-- -->", "restricted-xml" },
        { HEADER BIND "<message from='mallory@ietf.org'/>", "invalid-from" },
        { HEADER BIND "<a><b><c><d><e><f><g><h><i><j><k><l><m><n><o><p><q/>", "policy-violation" },
    };
    struct xmpp_server_config config = make_config();
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rig *rig = accept_with(&config);
        char expected[100];

        say(rig, cases[i].says);
        snprintf(expected, sizeof(expected), "<stream:error><%s ", cases[i].condition);
        if (strstr(rig->said, expected) == NULL)
            fail_msg("%s: %s", cases[i].says, rig->said);
        assert_memory_equal(rig->said, "<?xml version='1.0'?><stream:stream", 35);
        assert_string_equal(rig->said + strlen(rig->said) - 16, "</stream:stream>");
        snprintf(expected, sizeof(expected),
                 "ended (violation by the peer) %s: ", cases[i].condition);
        assert_non_null(strstr(rig->log, expected));
        assert_true(xmpp_session_ended(rig->session));
        drop(rig);
    }
}

/* ---- Requests ---- */

static void
requests_reach_the_user_and_are_answered(void **state)
{
    struct xmpp_server_config config = make_config();
    struct rig *rig = make_bound(&config);
    (void)state;

    say(rig, "<iq type='set' id='s1' " RS ">" PUBSUB
             "<subscribe node='red' jid='compute-1@ietf.org/boot-7'/>"
             "<options><instance-id>3</instance-id></options></pubsub></iq>");
    expect(rig, "subscribe red instance 3 vlan 0; ");
    xmpp_server_accept(rig->server, rig->last);
    expect_said(rig, "<iq type='result' id='s1' " FROM_RS ">" PUBSUB
                     "<subscription node='red' jid='compute-1@ietf.org/boot-7' "
                     "subscription='subscribed'/></pubsub></iq>");

    /* As draft -05 prints it: the route server's own JID. */
    say(rig, "<iq type='set' id='s2' from='compute-1@ietf.org/boot-7' " RS ">" PUBSUB
             "<subscribe node='red' jid='route-server@ietf.org'/></pubsub></iq>");
    expect(rig, "subscribe red instance -1 vlan 0; ");
    xmpp_server_refuse(rig->server, rig->last, "auth", "not-authorized", "closed-node", NULL);
    expect_said(rig,
                "<iq type='error' id='s2' " FROM_RS "><error type='auth'><not-authorized " STANZAS
                "/><closed-node xmlns='http://jabber.org/protocol/pubsub#errors'/>"
                "</error></iq>");

    say(rig, "<iq type='set' id='p1' " RS ">" PUBSUB "<publish node='red'><item id='a&lt;b'>" ENTRY(
                 "10.0.0.1/32") "</item></publish></pubsub></iq>");
    expect(rig, "publish red a<b 10.0.0.1/32; ");
    xmpp_server_accept(rig->server, rig->last);
    expect_said(rig, "<iq type='result' id='p1' " FROM_RS "/>");
    xmpp_server_accept(rig->server, rig->last); /* answered already */
    expect_said(rig, "");

    say(rig, "<iq type='set' id='r1' " RS ">" PUBSUB
             "<retract node='red'><item id='a&lt;b'/></retract></pubsub></iq>");
    expect(rig, "retract red a<b; ");
    say(rig, "<iq type='set' id='u1' " RS ">" PUBSUB
             "<unsubscribe node='red' jid='compute-1@ietf.org'/></pubsub></iq>");
    expect(rig, "unsubscribe red; ");
    drop(rig);
}

/* An item with a bad prefix, label or next hop is refused, logged and counted. */
static void
a_bad_item_is_refused(void **state)
{
    struct xmpp_server_config config = make_config();
    struct rig *rig = make_bound(&config);
    (void)state;

    say(rig, "<iq type='set' id='p1' " RS ">" PUBSUB "<publish node='red'><item id='a'>" ENTRY(
                 "10.0.0.1/8") "</item></publish></pubsub></iq>");
    assert_string_equal(
        rig->said,
        "<iq type='error' id='p1' " FROM_RS "><error type='modify'><bad-request " STANZAS "/>"
        "<text " STANZAS " xml:lang='en'>prefix &quot;10.0.0.1/8&quot; has host bits set</text>"
        "<invalid-payload xmlns='http://jabber.org/protocol/pubsub#errors'/></error></iq>");
    expect(rig, "refused red a: prefix \"10.0.0.1/8\" has host bits set; ");
    assert_int_equal(xmpp_session_counters(rig->session)->items_refused, 1);
    drop(rig);
}

static void
what_is_not_served_is_refused(void **state)
{
    static const struct {
        const char *question;
        const char *condition; /* NULL: no answer */
    } cases[] = {
        { "<iq type='get' id='1' to='ietf.org'><query "
          "xmlns='http://jabber.org/protocol/disco#info'/></iq>",
          "service-unavailable" },
        { "<iq type='get' id='1' to='other@ietf.org'>" PUBSUB "<items node='red'/></pubsub></iq>",
          "service-unavailable" },
        { "<iq type='get' id='1' to='route-server@example.net'>" PUBSUB
          "<items node='red'/></pubsub></iq>",
          "service-unavailable" },
        { "<iq type='get' id='1' to='two words'/>", "service-unavailable" },
        { "<iq type='set' id='1' " RS ">" PUBSUB "<create node='red'/></pubsub></iq>",
          "feature-not-implemented" },
        { "<iq type='set' id='1' " RS ">" PUBSUB
          "<subscribe node='red' jid='mallory@ietf.org'/></pubsub></iq>",
          "bad-request" },
        { "<iq type='set' id='1' " RS ">" PUBSUB
          "<subscribe node='two words' jid='compute-1@ietf.org'/></pubsub></iq>",
          "bad-request" },
        { "<iq type='frob' id='1'/>", "bad-request" },
        { "<iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>",
          "service-unavailable" },
        { "<iq type='set'/>", NULL },
        { "<iq type='result' id='1'/>", NULL },
        { "<iq type='error' id='1'/>", NULL },
        { "<message/><presence/>", NULL },
    };
    struct xmpp_server_config config = make_config();
    struct rig *rig = make_bound(&config);
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char expected[100];

        say(rig, cases[i].question);
        if (cases[i].condition == NULL) {
            assert_string_equal(rig->said, "");
        } else {
            snprintf(expected, sizeof(expected), "<%s " STANZAS "/>", cases[i].condition);
            assert_memory_equal(rig->said, "<iq type='error' id='1'", 23);
            if (strstr(rig->said, expected) == NULL)
                fail_msg("%s: %s", cases[i].question, rig->said);
        }
        expect(rig, "");
    }
    say(rig, "<iq type='get' id='1' to='ietf.org'><ping xmlns='urn:xmpp:ping'/></iq>");
    expect_said(rig, "<iq type='result' id='1' from='ietf.org'/>");
    drop(rig);
}

static void
requests_without_an_answer_are_bounded(void **state)
{
    struct xmpp_server_config config = make_config();
    (void)state;

    config.requests_max = 2;
    struct rig *rig = make_bound(&config);
    for (unsigned i = 0; i < 3; i++)
        say(rig, "<iq type='get' id='1' " RS ">" PUBSUB "<items node='red'/></pubsub></iq>");
    assert_non_null(strstr(rig->said, "<error type='wait'><resource-constraint "));
    expect(rig, "items red after - max 0; items red after - max 0; ");
    xmpp_server_accept(rig->server, rig->last);
    say(rig, "<iq type='get' id='1' " RS ">" PUBSUB "<items node='red'/></pubsub></iq>");
    expect(rig, "items red after - max 0; ");
    drop(rig);
}

static void
items_are_answered_in_pages_and_later(void **state)
{
    struct xmpp_server_config config = make_config();
    struct route route = make_route("10.0.0.1/32");
    unsigned added = 0;
    char id[16];
    (void)state;

    config.message_octets = 1000;
    struct rig *rig = make_bound(&config);
    say(rig, "<iq type='get' id='i1' " RS ">" PUBSUB "<items node='red'/></pubsub></iq>");
    expect(rig, "items red after - max 0; ");
    /* Meanwhile other things happen. */
    xmpp_server_notify_item(rig->server, "red", "x", &route);
    xmpp_server_items_begin(rig->server, rig->last);
    for (;; added++) {
        snprintf(id, sizeof(id), "id%u", added);
        if (!xmpp_server_items_add(rig->server, id, &route))
            break;
    }
    assert_in_range(added, 2, 4);
    xmpp_server_notify_item(rig->server, "red", "y", &route); /* not inside a page */
    xmpp_server_items_end(rig->server, 0, 100);
    listen(rig);
    assert_memory_equal(rig->said, "<message from='route-server@ietf.org'", 37);
    const char *page = strstr(rig->said, "</message><iq type='result' id='i1' ");
    assert_non_null(page);
    assert_null(strstr(page, "id='y'"));
    assert_non_null(strstr(page, "<first index='0'>id0</first><last>id"));
    assert_non_null(strstr(page, "<count>100</count></set></pubsub></iq>"));
    rig->said[0] = '\0';

    say(rig, "<iq type='get' id='i2' " RS ">" PUBSUB "<items node='red' max_items='5'/>"
             "<set xmlns='http://jabber.org/protocol/rsm'><after>id2</after></set></pubsub></iq>");
    expect(rig, "items red after id2 max 5; ");
    xmpp_server_items_begin(rig->server, rig->last);
    xmpp_server_items_end(rig->server, 0, 0);
    expect_said(rig, "<iq type='result' id='i2' " FROM_RS ">" PUBSUB "<items node='red'></items>"
                     "<set xmlns='http://jabber.org/protocol/rsm'><count>0</count></set>"
                     "</pubsub></iq>");
    drop(rig);
}

/* ---- Notifications ---- */

static unsigned
occurrences(const char *text, const char *what)
{
    unsigned count = 0;

    while ((text = strstr(text, what)) != NULL) {
        text += strlen(what);
        count++;
    }
    return count;
}

static void
r6_notifications_share_messages_up_to_their_size(void **state)
{
    struct xmpp_server_config config = make_config();
    struct route route = make_route("10.0.0.1/32");
    (void)state;

    config.message_octets = 2000;
    struct rig *rig = make_bound(&config);
    xmpp_server_notify_item(rig->server, "red", "1", &route);
    listen(rig);
    assert_string_equal(rig->said, ""); /* until it is flushed */
    xmpp_server_notify_item(rig->server, "red", "2", &route);
    xmpp_server_notify_retract(rig->server, "red", "3"); /* items and retracts do not mix */
    xmpp_server_notify_retract(rig->server, "red", "4");
    xmpp_server_notify_retract(rig->server, "blue", "5"); /* nor do nodes */
    xmpp_server_flush(rig->server);
    xmpp_server_flush(rig->server);
    listen(rig);
    assert_int_equal(occurrences(rig->said, "<message "), 3);
    assert_non_null(strstr(rig->said,
                           "<message " FROM_RS "><event "
                           "xmlns='http://jabber.org/protocol/pubsub#event'><items node='red'>"
                           "<retract id='3'/><retract id='4'/></items></event></message>"));
    rig->said[0] = '\0';
    for (unsigned i = 0; i < 100; i++)
        xmpp_server_notify_item(rig->server, "red", "x", &route);
    xmpp_server_flush(rig->server);
    listen(rig);
    assert_int_equal(occurrences(rig->said, "<item "), 100);
    assert_in_range(occurrences(rig->said, "<message "), 15, 30);
    for (const char *at = rig->said; *at != '\0';) {
        const char *end = strstr(at, "</message>");

        assert_in_range(end - at, 100, 3000);
        at = end + 10;
    }
    /* What nobody flushes goes out with the clock. */
    rig->said[0] = '\0';
    xmpp_server_notify_item(rig->server, "red", "x", &route);
    xmpp_session_tick(rig->session, rig->now + 1000);
    listen(rig);
    assert_int_equal(occurrences(rig->said, "<item "), 1);
    drop(rig);
}

static void
a_client_that_does_not_read_is_closed(void **state)
{
    struct xmpp_server_config config = make_config();
    struct route route = make_route("10.0.0.1/32");
    size_t waiting;
    (void)state;

    config.session.output_max = 100000;
    struct rig *rig = make_bound(&config);
    for (unsigned i = 0; i < 1000; i++)
        xmpp_server_notify_item(rig->server, "red", "x", &route);
    assert_true(xmpp_session_ended(rig->session));
    (void)xmpp_session_output(rig->session, &waiting);
    assert_in_range(waiting, 50000, 100000);
    xmpp_session_tick(rig->session, rig->now);
    expect(rig, "ended (peer does not read) the output queue is full; ");
    drop(rig);
}

/* ---- The end ---- */

static void
the_user_may_close_with_a_condition(void **state)
{
    struct xmpp_server_config config = make_config();
    struct rig *rig = make_bound(&config);
    (void)state;

    say(rig, "<iq type='get' id='i1' " RS ">" PUBSUB "<items node='red'/></pubsub></iq>");
    expect(rig, "items red after - max 0; ");
    xmpp_server_close(rig->server, "conflict", "another session has this address");
    expect(rig, "");
    xmpp_session_tick(rig->session, rig->now);
    expect(rig, "ended (closed here) conflict: another session has this address; ");
    /* An answer that comes too late for its session is no mistake. */
    xmpp_server_accept(rig->server, rig->last);
    expect_said(rig, "<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
                     "<text xmlns='urn:ietf:params:xml:ns:xmpp-streams' xml:lang='en'>"
                     "another session has this address</text></stream:error></stream:stream>");
    drop(rig);
}

/* R1: each session is watched. */
static void
r1_a_silent_client_is_pinged_and_dropped(void **state)
{
    struct xmpp_server_config config = make_config();
    struct rig *rig = make_bound(&config);
    (void)state;

    for (unsigned i = 0; i < 10; i++)
        xmpp_session_tick(rig->session, rig->now += 1000);
    listen(rig);
    assert_non_null(strstr(rig->said, FROM_RS "><ping xmlns='urn:xmpp:ping'/></iq>"));
    for (unsigned i = 0; i < 9; i++)
        xmpp_session_tick(rig->session, rig->now += 1000);
    expect(rig, "");
    xmpp_session_tick(rig->session, rig->now += 1000);
    expect(rig, "ended (timeout) connection-timeout: no answer to a ping; ");
    drop(rig);
}

static void
a_client_that_never_binds_is_dropped(void **state)
{
    struct xmpp_server_config config = make_config();
    struct rig *rig = accept_with(&config);
    (void)state;

    say(rig, HEADER);
    for (unsigned i = 0; i < 10; i++) {
        say(rig, " ");
        xmpp_session_tick(rig->session, rig->now += 1000);
    }
    expect(rig, "ended (timeout) connection-timeout: the session was not set up in time; ");
    drop(rig);
}

static void
a_server_may_be_freed_in_a_callback(void **state)
{
    static const char *const requests[] = {
        "<iq type='get' id='1' " RS ">" PUBSUB "<items node='red'/></pubsub></iq>",
        "<iq type='set' id='1' " RS ">" PUBSUB
        "<subscribe node='red' jid='compute-1@ietf.org'/></pubsub></iq>",
        "<iq type='set' id='1' " RS ">" PUBSUB
        "<publish node='red'><item id='a'>" ENTRY("10.0.0.1/32") "</item></publish></pubsub></iq>",
        "<iq type='set' id='1' " RS ">" PUBSUB
        "<retract node='red'><item id='a'/></retract></pubsub></iq>",
    };
    struct xmpp_server_config config = make_config();
    char twice[4096];
    (void)state;

    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        struct rig *rig = make_bound(&config);

        rig->free_on_request = true;
        snprintf(twice, sizeof(twice), "%s%s", requests[i], requests[i]);
        xmpp_session_input(rig->session, twice, strlen(twice), rig->now);
        assert_null(rig->server);
        drop(rig);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_is_bound),
        cmocka_unit_test(c22_c23_jids_of_clients_are_valid_and_unique),
        cmocka_unit_test(violations_end_the_session_with_a_stream_error),
        cmocka_unit_test(requests_reach_the_user_and_are_answered),
        cmocka_unit_test(a_bad_item_is_refused),
        cmocka_unit_test(what_is_not_served_is_refused),
        cmocka_unit_test(requests_without_an_answer_are_bounded),
        cmocka_unit_test(items_are_answered_in_pages_and_later),
        cmocka_unit_test(r6_notifications_share_messages_up_to_their_size),
        cmocka_unit_test(a_client_that_does_not_read_is_closed),
        cmocka_unit_test(the_user_may_close_with_a_condition),
        cmocka_unit_test(r1_a_silent_client_is_pinged_and_dropped),
        cmocka_unit_test(a_client_that_never_binds_is_dropped),
        cmocka_unit_test(a_server_may_be_freed_in_a_callback),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
