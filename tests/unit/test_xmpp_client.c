/* SPDX-License-Identifier: BSD-3-Clause */

/* lib/xmpp/client.h against what a server may say, written by hand. In the texts here `@` alone in
 * an id stands for the id of the request before. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/xmpp/client.h"
#include "lib/xmpp/pubsub.h"

#define HEADER                                                                                 \
    "<?xml version='1.0'?><stream:stream id='s1' from='ietf.org' version='1.0' xml:lang='en' " \
    "xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
#define FEATURES \
    "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></stream:features>"
#define BOUND                                                                  \
    "<iq type='result' id='@'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>" \
    "<jid>compute-1@ietf.org/boot-7</jid></bind></iq>"
#define RS "from='route-server@ietf.org' to='compute-1@ietf.org/boot-7'"
#define EVENT(items)                                                                \
    "<message " RS "><event xmlns='http://jabber.org/protocol/pubsub#event'>" items \
    "</event></message>"
#define ENTRY                                                                                 \
    "<entry xmlns='urn:ietf:params:xml:ns:bgp:l3vpn:unicast'><nlri><af>1</af><address>"       \
    "10.0.0.1/32</address></nlri><next-hops><next-hop><af>1</af><address>192.0.2.1</address>" \
    "<label>10000</label></next-hop></next-hops></entry>"
#define ITEM(id) "<item id='" id "'>" ENTRY "</item>"

struct rig {
    struct xmpp_client *client; /* NULL once a callback has freed it */
    struct xmpp_session *session;
    const char *free_on; /* free the client when this happens */
    const char *close_on;
    uint64_t now;
    char log[8192];
    char said[1 << 16]; /* what the client has said since it was asked */
    char id[64];        /* the last id in it */
};

static void __attribute__((format(printf, 3, 4)))
happened(struct rig *rig, const char *what, const char *format, ...)
{
    size_t length = strlen(rig->log);
    va_list arguments;

    assert_non_null(rig->client); /* nothing is called after xmpp_client_free() */
    va_start(arguments, format);
    length += (size_t)snprintf(rig->log + length, sizeof(rig->log) - length, "%s ", what);
    length += (size_t)vsnprintf(rig->log + length, sizeof(rig->log) - length, format, arguments);
    snprintf(rig->log + length, sizeof(rig->log) - length, "; ");
    va_end(arguments);
    if (rig->close_on != NULL && strcmp(what, rig->close_on) == 0)
        xmpp_session_close(rig->session, "asked to");
    if (rig->free_on != NULL && strcmp(what, rig->free_on) == 0) {
        xmpp_client_free(rig->client);
        rig->client = NULL;
    }
}

static void
on_ready(void *user, const char *jid)
{
    happened(user, "ready", "%s", jid);
}

static void
on_item(void *user, const char *node, const char *item_id, const struct route *route)
{
    char text[IP_PREFIX_TEXT_MAX];

    happened(user, "item", "%s %s %s", node, item_id, ip_prefix_format(&route->prefix, text));
}

static void
on_retract(void *user, const char *node, const char *item_id)
{
    happened(user, "retract", "%s %s", node, item_id);
}

static void
on_purge(void *user, const char *node)
{
    happened(user, "purge", "%s", node);
}

static void
on_refused(void *user, const char *node, const char *item_id, const char *why)
{
    happened(user, "refused", "%s %s: %s", node, item_id, why);
}

static void
on_ended(void *user, enum xmpp_end end, const char *why)
{
    happened(user, "ended", "(%s) %s", xmpp_end_text(end), why);
}

static void
on_reply(void *context, const struct xmpp_reply *reply)
{
    static const char *const names[] = { "done", "no", "timed out", "too late" };

    happened(context, names[reply->outcome], "%s/%s/%s", reply->condition, reply->detail,
             reply->text);
}

/* Takes what the client says, and the last id in it. */
static void
listen(struct rig *rig)
{
    size_t length, had = strlen(rig->said);
    const char *octets = xmpp_session_output(rig->session, &length);

    assert_true(had + length < sizeof(rig->said));
    memcpy(rig->said + had, octets, length);
    rig->said[had + length] = '\0';
    xmpp_session_sent(rig->session, length);
    for (const char *id = rig->said; (id = strstr(id, " id='")) != NULL;) {
        id += 5;
        snprintf(rig->id, sizeof(rig->id), "%.*s", (int)strcspn(id, "'"), id);
    }
}

/* Says something to the client, octet by octet. */
static void
say(struct rig *rig, const char *octets)
{
    for (; *octets != '\0' && rig->client != NULL; octets++) {
        if (*octets == '@' && octets[-1] == '\'')
            xmpp_session_input(rig->session, rig->id, strlen(rig->id), rig->now);
        else
            xmpp_session_input(rig->session, octets, 1, rig->now);
    }
    if (rig->client != NULL)
        listen(rig);
}

static void
wait_ms(struct rig *rig, uint64_t ms)
{
    for (; ms > 0 && rig->client != NULL; ms -= 1000) {
        rig->now += 1000;
        xmpp_session_tick(rig->session, rig->now);
        if (rig->client != NULL)
            listen(rig);
    }
}

/* Compares what happened, and forgets what was said. */
static void
expect(struct rig *rig, const char *log)
{
    assert_string_equal(rig->log, log);
    rig->log[0] = '\0';
    rig->said[0] = '\0';
}

static struct xmpp_client_config
make_config(void)
{
    struct xmpp_client_config config = XMPP_CLIENT_CONFIG_DEFAULT;

    config.tls = XMPP_TLS_NONE;
    config.local_part = "Compute-1";
    config.resource = "boot-7";
    return config;
}

static struct rig *
connect_with(const struct xmpp_client_config *config)
{
    static const struct xmpp_client_handlers handlers = { on_ready, on_item,    on_retract,
                                                          on_purge, on_refused, on_ended };
    struct rig *rig = calloc(1, sizeof(*rig));

    assert_non_null(rig);
    rig->now = 5000000;
    rig->client = xmpp_client_new(config, &handlers, rig);
    assert_non_null(rig->client);
    rig->session = xmpp_client_session(rig->client);
    xmpp_session_connected(rig->session, rig->now);
    listen(rig);
    return rig;
}

static struct rig *
make_ready(void)
{
    struct xmpp_client_config config = make_config();
    struct rig *rig = connect_with(&config);

    say(rig, HEADER FEATURES);
    say(rig, BOUND);
    expect(rig, "ready compute-1@ietf.org/boot-7; ");
    return rig;
}

static void
drop(struct rig *rig)
{
    xmpp_client_free(rig->client);
    free(rig);
}

/* ---- To a bound session ---- */

static void
c15_c24_the_way_to_a_bound_session(void **state)
{
    struct xmpp_client_config config = make_config();
    struct rig *rig = connect_with(&config);
    (void)state;

    assert_string_equal(
        rig->said, "<?xml version='1.0'?><stream:stream from='compute-1@ietf.org' to='ietf.org' "
                   "version='1.0' xml:lang='en' xmlns='jabber:client' "
                   "xmlns:stream='http://etherx.jabber.org/streams'>");
    rig->said[0] = '\0';
    say(rig, HEADER FEATURES);
    assert_non_null(strstr(rig->said, "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
                                      "<resource>boot-7</resource></bind></iq>"));
    assert_int_equal(strlen(rig->id), 32);
    assert_int_equal(xmpp_client_subscribe(rig->client, "red", 1, NULL, NULL), -ENOTCONN);
    /* The server may call us as it likes. */
    say(rig, "<iq type='result' id='@'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
             "<jid>other@ietf.org/name</jid></bind></iq>");
    expect(rig, "ready other@ietf.org/name; ");
    assert_true(xmpp_client_is_ready(rig->client));
    assert_int_equal(xmpp_client_subscribe(rig->client, "red", 1, NULL, NULL), 0);
    listen(rig);
    assert_non_null(strstr(rig->said, " from='other@ietf.org/name' to='route-server@ietf.org'>"));
    assert_non_null(strstr(rig->said, "<subscribe node='red' jid='other@ietf.org/name'/>"));
    drop(rig);
}

static void
terms_that_are_not_acceptable_end_the_session(void **state)
{
    static const struct {
        const char *says;
        const char *log;
    } cases[] = {
        { HEADER "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/>"
                 "</starttls><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></stream:features>",
          "ended (terms not acceptable) the server requires TLS, the configuration asks for "
          "plaintext; " },
        { HEADER "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"
                 "<mechanism>PLAIN</mechanism></mechanisms></stream:features>",
          "ended (terms not acceptable) the server requires authentication (SASL) on this "
          "stream; " },
        { HEADER "<stream:features/>",
          "ended (terms not acceptable) the server offers no resource binding; " },
        { HEADER FEATURES "<iq type='error' id='@'><error type='cancel'>"
                          "<conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
          "ended (terms not acceptable) resource binding refused: conflict ; " },
        { HEADER FEATURES "<iq type='result' id='@'/>",
          "ended (terms not acceptable) the server bound no valid JID; " },
        { HEADER FEATURES "<iq type='result' id='@'><bind "
                          "xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>no resource@x</jid>"
                          "</bind></iq>",
          "ended (terms not acceptable) the server bound no valid JID; " },
        { "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>",
          "ended (violation by the peer) unsupported-version: the stream's version is not 1.0; " },
        { "SSH-2.0-OpenSSH_9.2\r\n",
          "ended (violation by the peer) not-well-formed: syntax error; " },
        { HEADER "</stream:stream>", "ended (closed by the peer) the peer closed its stream; " },
        { HEADER "<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
                 "</stream:error>",
          "ended (stream error from the peer) host-unknown; " },
    };
    struct xmpp_client_config config = make_config();
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rig *rig = connect_with(&config);
        const char *second = strstr(cases[i].says, "<iq");
        char first[1024];

        snprintf(first, sizeof(first), "%.*s",
                 second != NULL ? (int)(second - cases[i].says) : (int)strlen(cases[i].says),
                 cases[i].says);
        say(rig, first);
        if (second != NULL)
            say(rig, second);
        assert_true(strlen(rig->said) > 16);
        assert_string_equal(rig->said + strlen(rig->said) - 16, "</stream:stream>");
        expect(rig, cases[i].log);
        drop(rig);
    }
}

/* STARTTLS that is only offered is no reason to refuse where plaintext was asked for by name. */
static void
plaintext_must_be_asked_for(void **state)
{
    struct xmpp_client_config config = make_config();
    struct rig *rig = connect_with(&config);
    (void)state;

    say(rig, HEADER "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
                    "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></stream:features>");
    say(rig, BOUND);
    expect(rig, "ready compute-1@ietf.org/boot-7; ");
    drop(rig);

    config.tls = XMPP_TLS_REQUIRED; /* and nobody is trusted */
    errno = 0;
    assert_null(xmpp_client_new(&config, &(struct xmpp_client_handlers){ 0 }, NULL));
    assert_int_equal(errno, EINVAL);
}

static void
c22_our_own_jid_must_be_valid(void **state)
{
    static const char *const bad[][3] = {
        { "two words", "boot", NULL },
        { "host", "", NULL },
        { "", "boot", NULL },
        { "host", "boot", "not a jid@" },
    };
    static const struct xmpp_client_handlers handlers = { 0 };
    struct xmpp_client_config config = make_config();
    (void)state;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        config.local_part = bad[i][0];
        config.resource = bad[i][1];
        config.route_server = bad[i][2];
        errno = 0;
        assert_null(xmpp_client_new(&config, &handlers, NULL));
        assert_int_equal(errno, EINVAL);
    }
}

static void
a_server_that_says_nothing_is_left(void **state)
{
    struct xmpp_client_config config = make_config();
    struct rig *rig = connect_with(&config);
    (void)state;

    wait_ms(rig, 9000);
    expect(rig, "");
    wait_ms(rig, 1000);
    expect(rig, "ended (timeout) connection-timeout: the session was not set up in time; ");
    drop(rig);
}

/* ---- Questions ---- */

static void
every_question_is_answered(void **state)
{
    static const struct {
        const char *question;
        const char *answer;
    } cases[] = {
        { "<iq type='get' id='q1' from='ietf.org' to='c@d'><ping xmlns='urn:xmpp:ping'/></iq>",
          "<iq type='result' id='q1' from='c@d' to='ietf.org'/>" },
        { "<iq type='get' id='q2' from='a@b/c'><query xmlns='jabber:iq:version'/></iq>",
          "<iq type='error' id='q2' to='a@b/c'><error type='cancel'><service-unavailable "
          "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>" },
        { "<iq type='set' id='q3'><x xmlns='urn:&lt;'/></iq>",
          "<iq type='error' id='q3'><error type='cancel'><service-unavailable "
          "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>" },
        { "<iq type='put' id='q4'/>",
          "<iq type='error' id='q4'><error type='modify'><bad-request "
          "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>" },
        { "<iq type='result' id='q5'/>", "" },
        { "<iq type='error' id='q6'/>", "" },
        { "<iq/>", "" },
        { "<presence type='subscribe'/>", "" },
        { "<message><body>hello</body></message>", "" },
        { "<other xmlns='urn:x'/>", "" },
    };
    struct rig *rig = make_ready();
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        say(rig, cases[i].question);
        assert_string_equal(rig->said, cases[i].answer);
        expect(rig, "");
    }
    drop(rig);
}

/* ---- Notifications ---- */

static void
c36_notifications_add_replace_and_retract(void **state)
{
    struct rig *rig = make_ready();
    (void)state;

    say(rig, EVENT("<items node='red'>" ITEM("a") ITEM("b") "</items>"));
    say(rig, EVENT("<items node='red'>" ITEM("a") "</items>"));
    say(rig, EVENT("<items node='red'><retract id='a'/><retract id='b'/></items>"));
    say(rig, EVENT("<purge node='red'/>"));
    say(rig, EVENT("<items node='red'><item id='c'/></items>"));
    expect(rig, "item red a 10.0.0.1/32; item red b 10.0.0.1/32; item red a 10.0.0.1/32; "
                "retract red a; retract red b; purge red; refused red c: no entry in item; ");
    const struct xmpp_session_counters *counters = xmpp_session_counters(rig->session);
    assert_int_equal(counters->items_in, 3);
    assert_int_equal(counters->retracts_in, 2);
    assert_int_equal(counters->items_refused, 1);
    drop(rig);
}

static void
notifications_count_from_the_route_server_only(void **state)
{
#define FROM(from, type)                                                                 \
    "<message " from " " type "><event xmlns='http://jabber.org/protocol/pubsub#event'>" \
    "<items node='red'>" ITEM("x") "</items></event></message>"
    static const char *const ignored[] = {
        FROM("from='ietf.org'", ""),
        FROM("from='mallory@ietf.org'", ""),
        FROM("from='route-server@ietf.org.example.net'", ""),
        FROM("from='route-server@evil.net/route-server@ietf.org'", ""),
        FROM("from='compute-1@ietf.org/boot-7'", ""),
        FROM("", ""),
        FROM("from='route-server@ietf.org'", "type='error'"),
    };
    struct rig *rig = make_ready();
    (void)state;

    for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
        say(rig, ignored[i]);
    expect(rig, "");
    assert_int_equal(xmpp_session_counters(rig->session)->stanzas_ignored,
                     sizeof(ignored) / sizeof(ignored[0]));
    say(rig, FROM("from='Route-Server@ietf.org'", "type='headline'"));
    expect(rig, "item red x 10.0.0.1/32; ");
    drop(rig);
}

/* ---- Requests ---- */

static void
answers_match_on_sender_and_id(void **state)
{
    struct rig *rig = make_ready();
    char first[64];
    (void)state;

    assert_int_equal(xmpp_client_subscribe(rig->client, "red", 1, on_reply, rig), 0);
    listen(rig);
    snprintf(first, sizeof(first), "%s", rig->id);
    assert_int_equal(xmpp_client_unsubscribe(rig->client, "blue", on_reply, rig), 0);
    listen(rig);
    assert_string_not_equal(first, rig->id);
    say(rig, "<iq type='result' id='@' from='mallory@ietf.org'/>"
             "<iq type='result' id='@'/><iq type='result' id='1' " RS "/>");
    expect(rig, "");
    say(rig, "<iq type='result' id='@' " RS "/>");
    expect(rig, "done //; ");
    /* Twice the same answer: the second is ignored. */
    say(rig, "<iq type='result' id='@' " RS "/>");
    expect(rig, "");
    /* A notification may come before the answer to what caused it. */
    snprintf(rig->id, sizeof(rig->id), "%s", first);
    say(rig,
        EVENT("<items node='red'>" ITEM(
            "a") "</items>") "<iq type='result' id='@' " RS
                             "><pubsub xmlns='http://jabber.org/protocol/pubsub'><subscription "
                             "node='red' "
                             "jid='compute-1@ietf.org/boot-7' subid='1' "
                             "subscription='subscribed'/></pubsub></iq>");
    expect(rig, "item red a 10.0.0.1/32; done //; ");
    drop(rig);
}

static void
errors_are_passed_on(void **state)
{
    struct rig *rig = make_ready();
    (void)state;

    assert_int_equal(xmpp_client_unsubscribe(rig->client, "red", on_reply, rig), 0);
    listen(rig);
    say(rig, "<iq type='error' id='@' " RS "><error type='cancel'><unexpected-request "
             "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><not-subscribed "
             "xmlns='http://jabber.org/protocol/pubsub#errors'/><text "
             "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>sorry</text></error></iq>");
    expect(rig, "no unexpected-request/not-subscribed/sorry; ");
    assert_int_equal(xmpp_client_subscribe(rig->client, "red", 1, on_reply, rig), 0);
    listen(rig);
    say(rig, "<iq type='result' id='@' " RS "><pubsub xmlns='http://jabber.org/protocol/pubsub'>"
             "<subscription subscription='pending'/></pubsub></iq>");
    expect(rig, "no //the subscription is pending or not configured; ");
    drop(rig);
}

static void
a_request_without_an_answer_times_out(void **state)
{
    struct rig *rig = make_ready();
    char id[64];
    (void)state;

    assert_int_equal(xmpp_client_subscribe(rig->client, "red", 1, on_reply, rig), 0);
    assert_int_equal(xmpp_client_items(rig->client, "red", 100000, on_reply, rig), 0);
    listen(rig);
    snprintf(id, sizeof(id), "%s", rig->id);
    for (unsigned second = 0; second < 29; second++) {
        say(rig, " ");
        wait_ms(rig, 1000);
    }
    expect(rig, "");
    say(rig, " ");
    wait_ms(rig, 1000);
    expect(rig, "timed out //no answer in time; ");
    snprintf(rig->id, sizeof(rig->id), "%s", id);
    say(rig, "<iq type='result' id='@' " RS "><pubsub xmlns='http://jabber.org/protocol/pubsub'>"
             "<items node='red'/></pubsub></iq>");
    expect(rig, "done //; ");
    drop(rig);
}

static void
items_are_asked_for_page_by_page(void **state)
{
#define PAGE(items, rsm)                                                                 \
    "<iq type='result' id='@' " RS "><pubsub xmlns='http://jabber.org/protocol/pubsub'>" \
    "<items node='red'>" items "</items>" rsm "</pubsub></iq>"
#define RSM(index, last)                                                                        \
    "<set xmlns='http://jabber.org/protocol/rsm'><first index='" index "'>x</first><last>" last \
    "</last><count>3</count></set>"
    struct rig *rig = make_ready();
    (void)state;

    assert_int_equal(xmpp_client_items(rig->client, "red", 1000, on_reply, rig), 0);
    listen(rig);
    assert_null(strstr(rig->said, "<after>"));
    say(rig, PAGE(ITEM("a") ITEM("b"), RSM("0", "b")));
    assert_non_null(strstr(rig->said, "<after>b</after>"));
    expect(rig, "item red a 10.0.0.1/32; item red b 10.0.0.1/32; ");
    say(rig, PAGE(ITEM("c"), RSM("2", "c")));
    assert_string_equal(rig->said, "");
    expect(rig, "item red c 10.0.0.1/32; done //; ");

    /* A server that turns in circles, and one that answers something else. */
    assert_int_equal(xmpp_client_items(rig->client, "red", 1000, on_reply, rig), 0);
    listen(rig);
    say(rig, PAGE(ITEM("a"), RSM("0", "a")));
    say(rig, PAGE(ITEM("a"), RSM("0", "a")));
    expect(rig, "item red a 10.0.0.1/32; item red a 10.0.0.1/32; "
                "no //the pages of items do not go forward; ");
    assert_int_equal(xmpp_client_items(rig->client, "red", 1000, on_reply, rig), 0);
    listen(rig);
    say(rig, "<iq type='result' id='@' " RS "/>");
    expect(rig, "no //the answer has no items of the node; ");
    drop(rig);
}

static void
bad_and_too_many_requests_are_not_made(void **state)
{
    struct xmpp_client_config config = make_config();
    struct route route = { .n_next_hops = 1 };
    char name[600];
    struct rig *rig = make_ready();
    (void)state;

    memset(name, 'v', sizeof(name));
    name[VPN_NAME_MAX + 1] = '\0';
    assert_int_equal(xmpp_client_subscribe(rig->client, name, 1, NULL, NULL), -EINVAL); /* C25 */
    assert_int_equal(xmpp_client_subscribe(rig->client, "", 1, NULL, NULL), -EINVAL);
    assert_int_equal(xmpp_client_unsubscribe(rig->client, "\xc3\xa4", NULL, NULL), -EINVAL);
    assert_int_equal(xmpp_client_subscribe_vlan(rig->client, "v", 0, NULL, NULL), -EINVAL);
    assert_int_equal(xmpp_client_subscribe_vlan(rig->client, "v", 4095, NULL, NULL), -EINVAL);
    assert_int_equal(xmpp_client_publish(rig->client, "v", "", &route, NULL, NULL), -EINVAL);
    name[VPN_NAME_MAX + 1] = 'v';
    name[ITEM_ID_MAX + 1] = '\0';
    assert_int_equal(xmpp_client_retract(rig->client, "v", name, NULL, NULL), -EINVAL);
    listen(rig);
    assert_string_equal(rig->said, "");
    drop(rig);

    config.requests_max = 2;
    rig = connect_with(&config);
    say(rig, HEADER FEATURES);
    say(rig, BOUND);
    assert_int_equal(xmpp_client_unsubscribe(rig->client, "a", NULL, NULL), 0);
    assert_int_equal(xmpp_client_unsubscribe(rig->client, "b", NULL, NULL), 0);
    assert_int_equal(xmpp_client_unsubscribe(rig->client, "c", NULL, NULL), -ENOBUFS);
    drop(rig);
}

/* ---- The end ---- */

static void
open_requests_are_answered_when_the_session_ends(void **state)
{
    struct rig *rig = make_ready();
    (void)state;

    assert_int_equal(xmpp_client_subscribe(rig->client, "red", 1, on_reply, rig), 0);
    assert_int_equal(xmpp_client_subscribe(rig->client, "blue", 2, on_reply, rig), 0);
    xmpp_session_disconnected(rig->session, "Connection reset by peer");
    expect(rig, "too late //Connection reset by peer; too late //Connection reset by peer; "
                "ended (connection lost) Connection reset by peer; ");
    assert_int_equal(xmpp_client_subscribe(rig->client, "red", 1, on_reply, rig), -ENOTCONN);
    xmpp_session_disconnected(rig->session, "again");
    xmpp_session_tick(rig->session, rig->now);
    expect(rig, "");
    drop(rig);
}

static void
a_stream_error_is_final(void **state)
{
    struct rig *rig = make_ready();
    (void)state;

    say(rig, "<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
             "<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>replaced</text></stream:error>"
             "</stream:stream>" EVENT("<items node='red'>" ITEM("a") "</items>"));
    assert_string_equal(rig->said, "</stream:stream>");
    expect(rig, "ended (stream error from the peer) conflict: replaced; ");
    drop(rig);
}

static void
a_violation_is_told_to_the_server(void **state)
{
    struct rig *rig = make_ready();
    (void)state;

    say(rig, "<!-- x -->" EVENT("<items node='red'>" ITEM("a") "</items>"));
    assert_string_equal(rig->said,
                        "<stream:error><restricted-xml "
                        "xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text "
                        "xmlns='urn:ietf:params:xml:ns:xmpp-streams' xml:lang='en'>comment</text>"
                        "</stream:error></stream:stream>");
    expect(rig, "ended (violation by the peer) restricted-xml: comment; ");
    drop(rig);
}

static void
a_server_that_does_not_read_costs_bounded_memory(void **state)
{
    struct xmpp_client_config config = make_config();
    unsigned requests = 0;
    size_t waiting;
    (void)state;

    config.session.output_max = 10000;
    struct rig *rig = connect_with(&config);
    say(rig, HEADER FEATURES);
    say(rig, BOUND);
    expect(rig, "ready compute-1@ietf.org/boot-7; ");
    while (xmpp_client_unsubscribe(rig->client, "red", NULL, NULL) == 0)
        requests++;
    assert_in_range(requests, 20, 60);
    (void)xmpp_session_output(rig->session, &waiting);
    assert_in_range(waiting, 9000, 10000);
    xmpp_session_tick(rig->session, rig->now);
    expect(rig, "ended (peer does not read) the output queue is full; ");
    drop(rig);
}

/* ---- Liveness ---- */

static void
a_silent_server_is_pinged_and_left(void **state)
{
    struct rig *rig = make_ready();
    (void)state;

    wait_ms(rig, 9000);
    assert_string_equal(rig->said, "");
    wait_ms(rig, 1000);
    assert_non_null(strstr(rig->said, "to='ietf.org'><ping xmlns='urn:xmpp:ping'/></iq>"));
    say(rig, "<iq type='result' id='@' from='ietf.org'/>");
    expect(rig, "");
    wait_ms(rig, 10000);
    assert_non_null(strstr(rig->said, "<ping"));
    say(rig, "<iq type='error' id='@' from='ietf.org'><error type='cancel'/></iq>");
    expect(rig, "");
    wait_ms(rig, 19000);
    expect(rig, "");
    wait_ms(rig, 1000);
    expect(rig, "ended (timeout) connection-timeout: no answer to a ping; ");
    drop(rig);
}

static void
a_quiet_client_sends_blanks(void **state)
{
    struct rig *rig = make_ready();
    (void)state;

    for (unsigned i = 0; i < 4; i++) {
        say(rig, " ");
        wait_ms(rig, 5000);
    }
    assert_string_equal(rig->said, "  ");
    expect(rig, "");
    drop(rig);
}

static void
a_client_that_was_stopped_does_not_blame_its_server(void **state)
{
    struct rig *rig = make_ready();
    (void)state;

    wait_ms(rig, 10000); /* a ping is out */
    rig->now += 600000;  /* SIGSTOP, SIGCONT */
    xmpp_session_tick(rig->session, rig->now);
    expect(rig, "");
    say(rig, " ");
    wait_ms(rig, 5000);
    expect(rig, "");
    drop(rig);
}

/* ---- Callbacks that pull the ground away ---- */

static void
a_client_may_be_freed_or_closed_in_any_callback(void **state)
{
    static const struct {
        const char *what;
        const char *says;
        const char *log; /* when it is closed instead of freed */
    } cases[] = {
        { "item", EVENT("<items node='red'>" ITEM("a") ITEM("b") "</items>"),
          "item red a 10.0.0.1/32; too late //asked to; ended (closed here) asked to; " },
        { "retract", EVENT("<items node='red'><retract id='a'/><retract id='b'/></items>"),
          "retract red a; too late //asked to; ended (closed here) asked to; " },
        { "purge", EVENT("<purge node='red'/><purge node='blue'/>"),
          "purge red; too late //asked to; ended (closed here) asked to; " },
        { "refused", EVENT("<items node='red'><item/><item/></items>"),
          "refused red : the item has no id, or one over 512 octets; too late //asked to; "
          "ended (closed here) asked to; " },
        { "done", "<iq type='result' id='@' " RS "/>" EVENT("<purge node='red'/>"),
          "done //; ended (closed here) asked to; " },
        { "item", PAGE(ITEM("a") ITEM("b"), RSM("0", "b")),
          "item red a 10.0.0.1/32; too late //asked to; ended (closed here) asked to; " },
        { "ended", "</stream:stream>",
          "too late //the peer closed its stream; ended (closed by the peer) the peer closed its "
          "stream; " },
        { "too late", "</stream:stream>",
          "too late //the peer closed its stream; ended (closed by the peer) the peer closed its "
          "stream; " },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (unsigned close = 0; close < 2; close++) {
            struct rig *rig = make_ready();
            char xml[4096], *at;

            if (strstr(cases[i].says, "<set") != NULL)
                assert_int_equal(xmpp_client_items(rig->client, "red", 1000, on_reply, rig), 0);
            else
                assert_int_equal(xmpp_client_subscribe(rig->client, "red", 1, on_reply, rig), 0);
            listen(rig);
            if (close)
                rig->close_on = cases[i].what;
            else
                rig->free_on = cases[i].what;
            /* In one piece: the rest is there already when the callback comes. */
            at = strstr(strcpy(xml, cases[i].says), "'@'");
            if (at != NULL) {
                memmove(at + 1 + strlen(rig->id), at + 2, strlen(at + 2) + 1);
                memcpy(at + 1, rig->id, strlen(rig->id));
            }
            xmpp_session_input(rig->session, xml, strlen(xml), rig->now);
            if (close) {
                expect(rig, cases[i].log);
                assert_non_null(rig->client);
            } else {
                assert_null(rig->client);
            }
            drop(rig);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(c15_c24_the_way_to_a_bound_session),
        cmocka_unit_test(terms_that_are_not_acceptable_end_the_session),
        cmocka_unit_test(plaintext_must_be_asked_for),
        cmocka_unit_test(c22_our_own_jid_must_be_valid),
        cmocka_unit_test(a_server_that_says_nothing_is_left),
        cmocka_unit_test(every_question_is_answered),
        cmocka_unit_test(c36_notifications_add_replace_and_retract),
        cmocka_unit_test(notifications_count_from_the_route_server_only),
        cmocka_unit_test(answers_match_on_sender_and_id),
        cmocka_unit_test(errors_are_passed_on),
        cmocka_unit_test(a_request_without_an_answer_times_out),
        cmocka_unit_test(items_are_asked_for_page_by_page),
        cmocka_unit_test(bad_and_too_many_requests_are_not_made),
        cmocka_unit_test(open_requests_are_answered_when_the_session_ends),
        cmocka_unit_test(a_stream_error_is_final),
        cmocka_unit_test(a_violation_is_told_to_the_server),
        cmocka_unit_test(a_server_that_does_not_read_costs_bounded_memory),
        cmocka_unit_test(a_silent_server_is_pinged_and_left),
        cmocka_unit_test(a_quiet_client_sends_blanks),
        cmocka_unit_test(a_client_that_was_stopped_does_not_blame_its_server),
        cmocka_unit_test(a_client_may_be_freed_or_closed_in_any_callback),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
